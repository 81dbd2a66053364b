"""What the REST connector accepts as input, and the words in which it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from coupler import json
from coupler.errors import InputError
from coupler.worker.binding import bind, decode
from coupler_rest import RestConnector
from coupler_rest.model import INPUT_VARIABLES, Method, RestInput

GOOD = {"method": "GET", "url": "https://h.example/x"}
CONSTRAINTS = "Found constraints violated while validating input: "


def read(**changes: Any) -> RestInput:
    given = bind(decode(json.dumps({**GOOD, **changes})), RestInput)
    assert isinstance(given, RestInput)
    return given


def test_identity() -> None:
    assert (RestConnector.type, RestConnector.name) == ("io.camunda:http-json:1", "HTTP REST")
    assert RestConnector.input_variables == INPUT_VARIABLES
    assert len(set(INPUT_VARIABLES)) == 16
    fields = {info.alias for info in RestInput.model_fields.values()}
    assert fields <= set(INPUT_VARIABLES), "what is not fetched cannot be read"


@pytest.mark.parametrize("method", ["get", "Get", "GET", 1, "1"])
def test_methods_in_any_case_and_by_position(method: object) -> None:
    assert read(method=method).method is Method.GET


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "fetch", "", " ", 5, -1, {}])
def test_methods_that_do_not_exist(method: object) -> None:
    with pytest.raises(InputError, match=r"Json object contains an invalid field: method"):
        read(method=method)


@pytest.mark.parametrize(
    "url",
    ["https://h", "http://h/a b", "http://ü/{x}", "secretsfoo", "{{secrets.URL}}", "https://", "="],
)
def test_urls_that_the_template_accepts(url: str) -> None:
    assert read(url=url).url == url


@pytest.mark.parametrize(
    "url", ["iAmWrongUrl", "ftp://h", "a@b", "=foo", "HTTP://h", "https//h", " https://h", "https://h\n/x", "//h"]
)
def test_urls_that_the_template_refuses(url: str) -> None:
    with pytest.raises(InputError) as caught:
        read(url=url)
    assert str(caught.value) == (
        f"{CONSTRAINTS}\n - Property: url: Validation failed. Original message: Must be a http(s) URL"
    )


@pytest.mark.parametrize("url", ["", " ", "\t\n"])
def test_blank_urls(url: str) -> None:
    with pytest.raises(InputError, match=r"Property: url: Validation failed\. Original message: must not be blank"):
        read(url=url)


@pytest.mark.parametrize(
    ("variables", "property_"),
    [
        ({"url": "https://h"}, "method"),
        ({"method": "GET"}, "url"),
        ({**GOOD, "authentication": {"type": "bearer"}}, "authentication.token"),
        ({**GOOD, "authentication": {"type": "bearer", "token": ""}}, "authentication.token"),
        ({**GOOD, "authentication": {"type": "basic", "password": "p"}}, "authentication.username"),
        ({**GOOD, "authentication": {"type": "apiKey", "name": "n", "value": "v"}}, "authentication.apiKeyLocation"),
        (
            {**GOOD, "authentication": {"type": "apiKey", "apiKeyLocation": "query", "name": "n"}},
            "authentication.value",
        ),
        (
            {
                **GOOD,
                "authenticationConfiguration": {"authentication": {"type": "bearer", "token": ""}},
            },
            "authenticationConfiguration.authentication.token",
        ),
    ],
)
def test_missing_parts_are_named(variables: dict[str, Any], property_: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(decode(json.dumps(variables)), RestInput)
    text = str(caught.value)
    assert text.startswith(CONSTRAINTS)
    assert f" - Property: {property_}: Validation failed." in text


OAUTH = {
    "type": "oauth-client-credentials-flow",
    "oauthTokenEndpoint": "https://h/token",
    "clientId": "i",
    "clientSecret": "s",
    "clientAuthentication": "basicAuthHeader",
}
REFRESH = {"type": "oauth-refresh-token", "oauthTokenEndpoint": "https://h/token", "clientId": "i", "refreshToken": "r"}


@pytest.mark.parametrize("flow", [OAUTH, REFRESH], ids=["client-credentials", "refresh-token"])
@pytest.mark.parametrize(
    "part", ["oauthTokenEndpoint", "clientId", "clientSecret", "clientAuthentication", "refreshToken"]
)
def test_oauth_needs_all_its_parts(flow: dict[str, str], part: str) -> None:
    needed = part in flow
    without = {name: value for name, value in flow.items() if name != part}
    if not needed:
        assert read(authentication=without).credential
        return
    with pytest.raises(InputError, match=f"Property: authentication.{part}"):
        read(authentication=without)


def test_the_token_endpoint_must_be_a_url() -> None:
    with pytest.raises(InputError, match=r"authentication.oauthTokenEndpoint.*Must be a http\(s\) URL"):
        read(authentication={**OAUTH, "oauthTokenEndpoint": "ftp://h"})


@pytest.mark.parametrize(
    "authentication", [{}, {"type": "kerberos"}, {"type": "BEARER", "token": "t"}, {"type": 5}, ""]
)
def test_authentication_of_an_unknown_type(authentication: object) -> None:
    with pytest.raises(InputError, match="Json object contains an invalid field: authentication"):
        read(authentication=authentication)


@pytest.mark.parametrize("absent", [{}, {"authentication": None}, {"authentication": {"type": "noAuth"}}])
def test_no_authentication(absent: dict[str, Any]) -> None:
    credential = read(**absent).credential
    assert credential is None or credential.type == "noAuth"


def test_a_reusable_credential_wins_as_a_whole() -> None:
    inline = {"type": "basic", "username": "u", "password": "p"}
    bearer = {"authentication": {"type": "bearer", "token": "t"}}
    both = read(authentication=inline, authenticationConfiguration=bearer)
    assert both.credential is not None
    assert both.credential.type == "bearer"
    assert read(authentication=inline, authenticationConfiguration={}).credential is None
    only_inline = read(authentication=inline, authenticationConfiguration=None).credential
    assert only_inline is not None
    assert only_inline.type == "basic"


@pytest.mark.parametrize(
    "timeout",
    ["text", "0.1", "0xFF", "0b0011", "bad secrets.X value", "bad 123 value", True, {}, [1, 2], 2**31, "9" * 399],
)
@pytest.mark.parametrize("name", ["connectionTimeoutInSeconds", "readTimeoutInSeconds"])
def test_timeouts_that_are_no_numbers(name: str, timeout: object) -> None:
    with pytest.raises(InputError, match=f"invalid field: {name}"):
        read(**{name: timeout})


@pytest.mark.parametrize(
    ("timeout", "seconds"), [("0", 0), ("99", 99), (20, 20), (20.7, 20), ("", None), (None, None), ([5], 5)]
)
def test_timeouts(timeout: object, seconds: int | None) -> None:
    assert read(connectionTimeoutInSeconds=timeout).connection_timeout_in_seconds == seconds


@pytest.mark.parametrize(("skip", "text"), [("true", "true"), (True, "true"), ("True", "True"), (False, "false")])
def test_skip_encoding_is_a_text(skip: object, text: str) -> None:
    assert read(skipEncoding=skip).skip_encoding == text


@pytest.mark.parametrize("name", ["headers", "queryParameters"])
def test_maps_take_scalars_as_text(name: str) -> None:
    given = read(**{name: {"a": 1.5, "b": True, "c": None, "d": ["x"]}})
    expected = {"a": "1.5", "b": "true", "c": None, "d": "x"}
    assert expected in (given.headers, given.query_parameters)


@pytest.mark.parametrize("value", ["", [], "text", {"a": {"b": 1}}, {"a": ["x", "y"]}])
@pytest.mark.parametrize("name", ["headers", "queryParameters"])
def test_maps_that_are_none(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"invalid field: {name}"):
        read(**{name: value})


@pytest.mark.parametrize("choice", ["json", "JSON", "Text", "document", 2])
def test_return_formats(choice: object) -> None:
    assert read(documentReturnFormat={"choice": choice, "encoding": "UTF-8"}).document_return_format


def test_an_unknown_return_format() -> None:
    with pytest.raises(InputError, match=r"invalid field: documentReturnFormat, choice"):
        read(documentReturnFormat={"choice": "XML"})


TEMPLATES: dict[str, dict[str, Any]] = {
    "1-2": {**GOOD, "connectionTimeoutInSeconds": "20", "authentication": {"type": "noAuth"}},
    "5": {**GOOD, "authentication": {"type": "apiKey", "apiKeyLocation": "headers", "name": "k", "value": "v"}},
    "7": {**GOOD, "connectionTimeoutInSeconds": "20", "readTimeoutInSeconds": "20", "writeTimeoutInSeconds": "20"},
    "10": {**GOOD, "skipEncoding": "true", "storeResponse": False},
    "11-12": {**GOOD, "ignoreNullValues": True, "connectionTimeoutInSeconds": 20, "readTimeoutInSeconds": 20},
    "13": {**GOOD, "followRedirects": True},
    "14": {**GOOD, "authentication": REFRESH},
    "15": {**GOOD, "clientTls": {"clientCertificate": None, "trustedCertificate": ""}},
    "16": {**GOOD, "authenticationConfiguration": None, "groupSetCookieHeaders": True},
    "17": {**GOOD, "documentReturnFormat": {"choice": "JSON"}, "method": "POST", "body": {"a": None}},
}


@pytest.mark.parametrize("version", TEMPLATES)
def test_the_input_of_every_template_version(version: str) -> None:
    assert bind(decode(json.dumps(TEMPLATES[version])), RestInput)


def test_unknown_properties_are_ignored() -> None:
    assert read(writeTimeoutInSeconds="x", unknown={"deep": 1}, authentication={"type": "noAuth", "more": 1})


@pytest.mark.parametrize("text", ["[]", "5", "not json", '"x"', "{"])
def test_variables_that_are_no_object(text: str) -> None:
    with pytest.raises(InputError, match="This is not a JSON object"):
        bind(decode(text), RestInput)


def test_values_do_not_appear_in_messages() -> None:
    with pytest.raises(InputError) as caught:
        read(authentication={"type": "bearer", "token": {"hidden": "hidden"}}, url="hidden")
    assert "hidden" not in str(caught.value)
