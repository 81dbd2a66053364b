"""The input of the S3 connector: what is taken, what is refused, and who calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coupler.errors import InputError
from coupler.worker.binding import bind
from coupler_s3 import S3Connector
from coupler_s3.actions import Download, ListObjects, Presign, Upload
from coupler_s3.authentication import DefaultChain, Keys
from coupler_s3.identity import Identity, identity_of
from coupler_s3.model import INPUT_VARIABLES, S3Input
from coupler_s3.settings import S3Settings

KEYS = {"type": "credentials", "accessKey": "AK", "secretKey": "SK"}
GET = {"bucket": "orders", "key": "k"}
ANSWERS = {"actionDiscriminator": "downloadObject", "authentication": KEYS, "action": GET}


def read(**change: Any) -> S3Input:
    given = bind(json.loads(json.dumps({**ANSWERS, **change})), S3Input)
    assert isinstance(given, S3Input)
    return given


def identity(settings: S3Settings | None = None, **change: Any) -> Identity:
    return identity_of(read(**change), settings or S3Settings())


def test_identity_of_the_connector() -> None:
    assert (S3Connector.type, S3Connector.name) == ("io.camunda:aws-s3:1", "AWS S3")
    assert {info.alias for info in S3Input.model_fields.values()} == set(INPUT_VARIABLES)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"actionDiscriminator": "renameObject"}, "actionDiscriminator"),
        ({"actionDiscriminator": None}, "actionDiscriminator"),
        ({"action": None}, "action"),
        ({"action": "text"}, "action"),
        ({"action": {"key": "k"}}, "Property: action.bucket"),
        ({"action": {"bucket": " ", "key": "k"}}, "Property: action.bucket"),
        ({"action": {"bucket": "b", "key": ""}}, "Property: action.key"),
        ({"action": {"bucket": "b"}}, "Property: action.key"),
        ({"actionDiscriminator": "uploadObject"}, "Property: action.document"),
        ({"actionDiscriminator": "uploadObject", "action": {"bucket": "b", "document": "text"}}, "action.document"),
        ({"actionDiscriminator": "listObjects", "action": {"bucket": "b", "limit": 0}}, "action, limit"),
        ({"actionDiscriminator": "presignObject", "action": {**GET, "expiresInSeconds": 604_801}}, "expiresInSeconds"),
        ({"authentication": None}, "Authentication is required"),
        ({"authentication": {"type": "noAuth"}}, "must be one of credentials, defaultCredentialsChain"),
        ({"authentication": {"type": "credentials", "accessKey": "a"}}, "Property: authentication.secretKey"),
        ({"authentication": {"accessKey": " ", "secretKey": "s"}}, "Property: authentication.accessKey"),
        (
            {"awsCredential": {"authentication": {**KEYS, "secretKey": ""}, "region": "r"}},
            "awsCredential.authentication",
        ),
        ({"awsCredential": {"authentication": KEYS, "region": " "}}, "Property: awsCredential.region"),
        ({"authentication": None, "awsCredential": {"region": "r"}}, "Authentication is required"),
        ({"configuration": {"endpoint": "minio:9000"}}, "configuration.endpoint"),
        ({"configuration": {"endpoint": "http://u:p@minio"}}, "configuration.endpoint"),
        ({"configuration": {"endpoint": "http://[::"}}, "configuration.endpoint"),
        ({"configuration": {"endpoint": "http://h:99999"}}, "configuration.endpoint"),
        ({"documentReturnFormat": {"choice": "BASE64"}}, "documentReturnFormat, choice"),
    ],
)
def test_input_that_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(**change)
    assert text in str(caught.value)
    assert "SK" not in str(caught.value)


def test_the_action_that_the_discriminator_names() -> None:
    assert isinstance(read().action, Download)
    assert isinstance(read(actionDiscriminator="DOWNLOADOBJECT", action=[GET]).action, Download)
    listed = read(actionDiscriminator="listObjects", action={"bucket": "b", "limit": "17"}).action
    assert isinstance(listed, ListObjects)
    assert listed.limit == 17
    signed = read(actionDiscriminator="presignObject", action={**GET, "method": "put"}).action
    assert isinstance(signed, Presign)
    assert signed.method == "PUT"


def test_what_an_action_says_of_itself_does_not_count() -> None:
    given = read(action={**GET, "actionDiscriminator": "deleteObject"})
    assert isinstance(given.action, Download)


def test_a_document_in_a_list_of_one_and_helpers_of_the_template() -> None:
    async def bound() -> S3Input:
        from coupler.documents.service import NO_DOCUMENTS
        from coupler.worker.binding import bind_with_documents

        document = {"camunda.document.type": "inline", "content": "x"}
        action = {"bucket": "b", "document": [document], "action_document_documentSource": "inline"}
        values = {**ANSWERS, "actionDiscriminator": "uploadObject", "action": action}
        given = await bind_with_documents(values, S3Input, NO_DOCUMENTS)
        assert isinstance(given, S3Input)
        return given

    import asyncio

    assert isinstance(asyncio.run(bound()).action, Upload)


def test_authentication_without_a_type_is_a_pair_of_keys() -> None:
    for given in ({"accessKey": "AK", "secretKey": "SK"}, {"type": None, "accessKey": "AK", "secretKey": "SK"}, [KEYS]):
        credentials = read(authentication=given).credentials
        assert isinstance(credentials, Keys)
        assert (credentials.access_key, credentials.secret_key) == ("AK", "SK")
    assert isinstance(read(authentication={"type": "defaultCredentialsChain"}).credentials, DefaultChain)


def test_a_reusable_credential_wins_but_leaves_the_endpoint() -> None:
    reusable = {"authentication": {"accessKey": "RK", "secretKey": "RS"}, "region": "eu-west-3"}
    found = identity(awsCredential=reusable, configuration={"region": "r", "endpoint": "https://h:9000/"})
    assert (found.access_key, found.region, found.endpoint) == ("RK", "eu-west-3", "https://h:9000")
    assert identity(authentication=None, awsCredential=reusable).secret_key == "RS"
    assert identity(awsCredential={"region": "eu-west-3"}).access_key == "AK"


def test_what_the_model_leaves_open_the_settings_say() -> None:
    settings = S3Settings(region="eu-north-1", endpoint="http://store:9000", addressing_style="path")
    found = identity(settings, configuration={"region": "", "endpoint": " "})
    assert (found.region, found.endpoint, found.addressing_style) == ("eu-north-1", "http://store:9000", "path")
    own = identity(settings, configuration={"region": "r", "endpoint": "http://h", "addressingStyle": "virtual"})
    assert (own.region, own.endpoint, own.addressing_style) == ("r", "http://h", "virtual")


def test_the_default_chain_where_it_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {"type": "defaultCredentialsChain"}
    assert identity(authentication=chain).access_key is None
    with pytest.raises(InputError, match="default credentials chain is not allowed"):
        identity(S3Settings(allow_default_chain=False), authentication=chain)
    monkeypatch.setenv("CAMUNDA_CONNECTOR_RUNTIME_SAAS", "true")
    with pytest.raises(InputError, match="default credentials chain is not allowed"):
        identity(authentication=chain)
    assert identity(S3Settings(allow_default_chain=True), authentication=chain).access_key is None


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    found = identity(authentication={**KEYS, "sessionToken": "TOKEN", "externalId": "EXT", "roleArn": "arn"})
    assert (found.session_token, found.external_id) == ("TOKEN", "EXT")
    assert not {"SK", "TOKEN", "EXT"} & set(repr(found).replace("'", " ").split())
