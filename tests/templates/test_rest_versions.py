"""Models of every generation of the REST template run unchanged: embedded engine, real worker, real HTTP."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from tests.templates.echo import ACCESS_TOKEN, CLIENT, Echo
from tests.templates.histories import REST_VERSIONS, rest
from tests.templates.runner import Runner

WHOLE = {"resultVariable": "whole", "resultExpression": "={told: response.body}"}
OAUTH = {"clientId": CLIENT[0], "clientSecret": CLIENT[1]}


def since(version: int) -> pytest.MarkDecorator:
    """All versions from one on."""
    return pytest.mark.parametrize("version", [each for each in REST_VERSIONS if each >= version])


def until_version(version: int, first: int = 1) -> pytest.MarkDecorator:
    """All versions up to one."""
    return pytest.mark.parametrize("version", [each for each in REST_VERSIONS if first <= each <= version])


@since(1)
async def test_a_get_with_headers_and_query(run: Runner, echo: Echo, version: int) -> None:
    request = {"headers": '={"X-Number": number, Accept: "text/x"}', "queryParameters": '={q: "a b", page: number}'}
    task = rest(version, f"{echo.url}/echo/this?first=1", request=request, headers=WHOLE)
    found = await run(task, number=7)
    told = found["told"]
    assert (told["method"], told["path"]) == ("GET", "/echo/this")
    assert told["query"] == [["first", "1"], ["q", "a b"], ["page", "7"]]
    assert (told["headers"]["x-number"], told["headers"]["accept"]) == ("7", "text/x")
    assert (found["whole"]["status"], found["whole"]["reason"]) == (200, "OK")
    assert found["whole"]["headers"]["Content-Type"] == "application/json"
    assert found["whole"]["body"] == told


@since(1)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_body(run: Runner, echo: Echo, version: int, method: str) -> None:
    request = {"body": "={id: number, tags: [1, null], none: null}"}
    found = await run(rest(version, f"{echo.url}/echo", method=method, request=request, headers=WHOLE), number=7)
    told = found["told"]
    assert (told["method"], told["headers"]["content-type"]) == (method, "application/json")
    assert json.loads(told["body"]) == {"id": 7, "tags": [1, None], "none": None}


@since(1)
async def test_a_body_of_text(run: Runner, echo: Echo, version: int) -> None:
    request = {"body": '{"typed": "by hand"}', "headers": '={"Content-Type": "application/json"}'}
    found = await run(rest(version, f"{echo.url}/echo", method="POST", request=request, headers=WHOLE))
    assert found["told"]["body"] == '{"typed": "by hand"}'


@since(1)
async def test_a_delete_sends_no_body(run: Runner, echo: Echo, version: int) -> None:
    task = rest(version, f"{echo.url}/echo", method="DELETE", request={"body": "={a: 1}"}, headers=WHOLE)
    assert (await run(task))["told"]["body"] == ""


@since(1)
@pytest.mark.parametrize(
    ("fields", "authorization"),
    [
        ({"type": "basic", "username": "ada", "password": "open"}, "Basic YWRhOm9wZW4="),
        ({"type": "bearer", "token": "=token"}, "Bearer from-the-process"),
        ({"type": "bearer", "token": "{{secrets.TOKEN}}"}, "Bearer hunter2-4711"),
    ],
)
async def test_an_authorization(
    run: Runner, echo: Echo, version: int, fields: dict[str, str], authorization: str
) -> None:
    found = await run(rest(version, f"{echo.url}/echo", authentication=fields, headers=WHOLE), token="from-the-process")
    assert found["told"]["headers"]["authorization"] == authorization


@since(1)
@pytest.mark.parametrize("mode", ["basicAuthHeader", "credentialsBody"])
async def test_oauth_client_credentials(run: Runner, echo: Echo, version: int, mode: str) -> None:
    fields = {
        "type": "oauth-client-credentials-flow",
        "oauthTokenEndpoint": f"{echo.url}/token",
        "clientAuthentication": mode,
        "audience": "all",
        "scopes": "",
    } | OAUTH
    found = await run(rest(version, f"{echo.url}/echo", authentication=fields, headers=WHOLE))
    assert found["told"]["headers"]["authorization"] == f"Bearer {ACCESS_TOKEN}"


@since(1)
async def test_a_bpmn_error_is_caught(run: Runner, echo: Echo, version: int) -> None:
    expression = '=if error.code = "404" then bpmnError("GONE", error.message, error.variables.response.body) else null'
    task = rest(version, f"{echo.url}/status/404", headers={"errorExpression": expression, "retryBackoff": "PT0S"})
    found = await run(task, error_code="GONE")
    assert found["reason"] == "told so"


@since(1)
async def test_an_error_on_the_success_side(run: Runner, echo: Echo, version: int) -> None:
    expression = '=if response.body.method = "GET" then bpmnError("ODD", "as told", {seen: response.status}) else null'
    task = rest(version, f"{echo.url}/echo", headers={"resultVariable": "whole", "errorExpression": expression})
    assert (await run(task, error_code="ODD"))["seen"] == 200


@since(1)
async def test_an_incident_when_nothing_is_left(run: Runner, echo: Echo, version: int) -> None:
    task = rest(version, f"{echo.url}/status/500", retries=1)
    assert "Internal Server Error" in await run.incident(task)
    assert echo.calls["/status/500"] >= 1


@since(1)
async def test_a_wrong_input_is_an_incident_at_once(run: Runner, echo: Echo, version: int) -> None:
    url = f"{echo.url}/echo/{run.process_id}"
    message = await run.incident(rest(version, url, authentication={"type": "bearer"}))
    assert "authentication" in message
    assert echo.calls[f"/echo/{run.process_id}"] == 0


@since(3)
async def test_a_failed_call_is_made_again_after_its_backoff(run: Runner, echo: Echo, version: int) -> None:
    path = f"/fails/2/{run.process_id}"
    found = await run(rest(version, f"{echo.url}{path}", headers=WHOLE | {"retryBackoff": "PT0.2S"}))
    assert found["whole"]["status"] == 200
    assert echo.calls[path] == 3


@since(5)
async def test_an_api_key_in_a_header(run: Runner, echo: Echo, version: int) -> None:
    fields = {"type": "apiKey", "apiKeyLocation": "headers", "name": "X-Key", "value": "k1"}
    found = await run(rest(version, f"{echo.url}/echo", authentication=fields, headers=WHOLE))
    assert found["told"]["headers"]["x-key"] == "k1"


@since(5)
async def test_an_api_key_in_the_query(run: Runner, echo: Echo, version: int) -> None:
    fields = {"type": "apiKey", "apiKeyLocation": "query", "name": "key", "value": "k 1"}
    found = await run(rest(version, f"{echo.url}/echo?a=1", authentication=fields, headers=WHOLE))
    assert found["told"]["query"] == [["a", "1"], ["key", "k 1"]]


@since(7)
async def test_a_read_timeout_has_a_code(run: Runner, echo: Echo, version: int) -> None:
    expression = '=if error.code = "408" then bpmnError("SLOW", "too slow", {seen: error.code}) else null'
    task = rest(
        version, f"{echo.url}/slow/30", request={"readTimeoutInSeconds": "1"}, headers={"errorExpression": expression}
    )
    assert (await run(task, error_code="SLOW"))["seen"] == "408"


@since(10)
async def test_an_url_that_is_sent_as_it_is(run: Runner, echo: Echo, version: int) -> None:
    task = rest(version, f"{echo.url}/echo/a%2Cb?c=%7E", request={"skipEncoding": "true"}, headers=WHOLE)
    assert (await run(task))["told"]["raw"] == "/echo/a%2Cb?c=%7E"


@until_version(16, first=10)
async def test_a_response_that_is_stored(run: Runner, echo: Echo, version: int) -> None:
    task = rest(version, f"{echo.url}/echo", request={"storeResponse": "=true"}, headers={"resultVariable": "whole"})
    whole = (await run(task))["whole"]
    assert (whole["status"], whole["body"]) == (200, None)
    assert whole["document"]["camunda.document.type"] == "camunda"


@since(12)
async def test_nulls_are_left_out_where_that_is_wanted(run: Runner, echo: Echo, version: int) -> None:
    request = {"body": "={a: null, b: {c: null, d: [null]}}", "ignoreNullValues": "=true"}
    found = await run(rest(version, f"{echo.url}/echo", method="POST", request=request, headers=WHOLE))
    assert json.loads(found["told"]["body"]) == {"b": {"d": [None]}}


@until_version(12)
async def test_a_redirect_is_a_response(run: Runner, echo: Echo, version: int) -> None:
    found = await run(rest(version, f"{echo.url}/moved", headers={"resultVariable": "whole"}))
    assert (found["whole"]["status"], found["whole"]["headers"]["Location"]) == (302, "/echo")


@since(13)
async def test_a_redirect_is_followed_where_that_is_wanted(run: Runner, echo: Echo, version: int) -> None:
    task = rest(version, f"{echo.url}/moved", request={"followRedirects": "=true"}, headers=WHOLE)
    assert (await run(task))["told"]["path"] == "/echo"


@since(14)
async def test_an_oauth_refresh_token(run: Runner, echo: Echo, version: int) -> None:
    fields = {"type": "oauth-refresh-token", "oauthTokenEndpoint": f"{echo.url}/token", "refreshToken": "fresh"} | OAUTH
    found = await run(rest(version, f"{echo.url}/echo", authentication=fields, headers=WHOLE))
    assert found["told"]["headers"]["authorization"] == f"Bearer {ACCESS_TOKEN}"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def guarded(authority: trustme.CA) -> Iterator[Echo]:
    """The other system with TLS, which wants a certificate of its callers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with Echo(context) as echo:
        yield echo


@since(15)
async def test_a_client_certificate(run: Runner, guarded: Echo, authority: trustme.CA, version: int) -> None:
    ours = authority.issue_cert("coupler@example.org")
    request = {
        "clientTls.clientCertificate": ours.cert_chain_pems[0].bytes().decode(),
        "clientTls.clientPrivateKey": ours.private_key_pem.bytes().decode(),
        "clientTls.trustedCertificate": authority.cert_pem.bytes().decode(),
    }
    found = await run(rest(version, f"{guarded.url}/echo", request=request, headers=WHOLE))
    assert found["told"]["path"] == "/echo"


@since(16)
async def test_a_reusable_credential_wins(run: Runner, echo: Echo, version: int) -> None:
    request = {"authenticationConfiguration": "=credential"}
    credential = {"authentication": {"type": "bearer", "token": "kept"}}
    task = rest(version, f"{echo.url}/echo", request=request, headers=WHOLE)
    assert (await run(task, credential=credential))["told"]["headers"]["authorization"] == "Bearer kept"


def _is_text(body: Any, document: Any) -> bool:
    return body == "Grüße" and document is None


def _is_document(body: Any, document: Any) -> bool:
    return body is None and document["metadata"]["size"] == 5


@since(17)
@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"documentReturnFormat.choice": "TEXT", "documentReturnFormat.encoding": "ISO-8859-1"}, _is_text),
        ({"documentReturnFormat.choice": "DOCUMENT"}, _is_document),
    ],
)
async def test_a_response_format(
    run: Runner, echo: Echo, version: int, fields: dict[str, str], holds: Callable[[Any, Any], bool]
) -> None:
    found = await run(rest(version, f"{echo.url}/latin", request=fields, headers={"resultVariable": "whole"}))
    assert holds(found["whole"]["body"], found["whole"]["document"]), found["whole"]


@since(17)
async def test_a_job_timeout_ends_the_call(run: Runner, echo: Echo, version: int) -> None:
    task = rest(version, f"{echo.url}/slow/30", headers={"jobTimeout": "PT1S"}, retries=1)
    assert await run.incident(task)


@since(17)
async def test_helper_inputs_of_templates_to_come_are_ignored(run: Runner, echo: Echo, version: int) -> None:
    request = {"body_documentMode": "none", "groupSetCookieHeaders": "=true", "aTemplatesOwn.helper": "=1"}
    assert (await run(rest(version, f"{echo.url}/echo", request=request, headers=WHOLE)))["told"]["path"] == "/echo"
