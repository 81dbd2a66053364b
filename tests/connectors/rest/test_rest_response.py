"""What a process gets of a response: the result, or the error."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from coupler.documents.files import FileDocumentStore
from coupler.documents.service import Documents
from coupler.errors import ConnectorError, EgressDenied, InputError, RetryLater
from coupler.http.config import EgressConfig, HttpConfig
from coupler.http.engine import Engine
from coupler.http.failures import status_error
from coupler.http.messages import HttpResponse
from coupler_rest import RestConnector
from tests.connectors.kit import Bench
from tests.http.server import Handler, Received, Server, always, reply

NEW = {"choice": "JSON"}


async def result_of(rest: Bench, handler: Handler | bytes, task: dict[str, str] | None = None, **variables: Any) -> Any:
    handler = always(handler) if isinstance(handler, bytes) else handler
    async with Server(handler) as server:
        return await rest.run({"method": "GET", "url": server.url, **variables}, **(task or {}))


async def failure_of(
    rest: Bench, handler: Handler | bytes, task: dict[str, str] | None = None, **variables: Any
) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await result_of(rest, handler, task, **variables)
    return caught.value


async def test_the_five_fields(rest: Bench) -> None:
    answer = reply(201, '{"a": 1}', [("X-Own", "v")], reason="Created")
    assert await result_of(rest, answer) == {
        "status": 201,
        "headers": {"X-Own": "v", "Content-Length": "8"},
        "body": {"a": 1},
        "reason": "Created",
        "document": None,
    }


async def test_a_status_line_without_a_phrase(rest: Bench) -> None:
    assert (await result_of(rest, reply(reason="")))["reason"] == ""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("Set-Cookie", "a=1")], {"Set-Cookie": "a=1"}),
        ([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Set-Cookie", "c=3")], {"Set-Cookie": ["a=1", "b=2", "c=3"]}),
        ([("X-A", "1"), ("x-a", "2")], {"X-A": "1", "x-a": "2"}),
        ([("X-A", "1, 2")], {"X-A": "1, 2"}),
        ([("X-Empty", "")], {"X-Empty": ""}),
        ([("X-A", "1"), ("X-B", "x"), ("X-A", "2")], {"X-A": ["1", "2"], "X-B": "x"}),
    ],
)
async def test_headers(rest: Bench, lines: list[tuple[str, str]], expected: dict[str, Any]) -> None:
    headers = (await result_of(rest, reply(headers=lines)))["headers"]
    headers.pop("Content-Length")
    assert headers == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": {"b": [1, null, 0.10]}}', {"a": {"b": [1, None, Decimal("0.10")]}}),
        ("[1, 2]", [1, 2]),
        ("  \n {} ", {}),
        ("", None),
        ("  \r\n\t ", None),
        ("12", "12"),
        ('"quoted"', '"quoted"'),
        ("true", "true"),
        ("null", "null"),
        ("plain text with / slash", "plain text with / slash"),
        ("<html>ü</html>", "<html>ü</html>"),
        ('{"a": 1} trailing', {"a": 1}),
        ('{"a": 1}{"b": 2}', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('{"a": NaN}', '{"a": NaN}'),
        ("{'a': 1}", "{'a': 1}"),
        ('{"a": ', '{"a": '),
        ('{"a": "unknown \\u0000"}', {"a": "unknown \0"}),
        ('{"text": "{\\"json\\": \\"in json\\"}"}', {"text": '{"json": "in json"}'}),
        ('{"big": 12345678901234567890123}', {"big": 12345678901234567890123}),
        ("\ufeff{}", {}),
        ("[" * 200_000, "[" * 200_000),
        ('{"cut": "an emoji \\ud83d"}', {"cut": "an emoji \ufffd"}),
        ('{"\\udc00": ["\\ud83d\\ude00", "\\ud83d"]} trailing', {"\ufffd": ["\U0001f600", "\ufffd"]}),
        ('{"n": 1e99999999999999999999}', '{"n": 1e99999999999999999999}'),
        ('{"n": 1e99999999999999999999} trailing', '{"n": 1e99999999999999999999} trailing'),
    ],
)
async def test_bodies_without_a_chosen_format(rest: Bench, body: str, expected: Any) -> None:
    result = (await result_of(rest, reply(body=body, headers=[("Content-Type", "text/html")])))["body"]
    assert result == expected
    assert type(result) is type(expected)


async def test_bytes_that_are_no_text(rest: Bench) -> None:
    assert (await result_of(rest, reply(body=b"\xff\xfe{")))["body"] == "\ufffd\ufffd{"


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(rest: Bench, status: int) -> None:
    raw = f"HTTP/1.1 {status} Nothing\r\nX-Kept: yes\r\n\r\n".encode()
    for variables in ({}, {"documentReturnFormat": NEW}):
        result = await result_of(rest, raw, **variables)
        assert (result["status"], result["body"], result["headers"]["X-Kept"]) == (status, None, "yes")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ("12", 12),
        ("1.50", Decimal("1.50")),
        ('"text"', "text"),
        ("true", True),
        ("null", None),
        ("", None),
        (" \n", None),
        ('{"a": 1} trailing', {"a": 1}),
        ("\ufeff[1]", [1]),
        ('"an emoji \\ud83d"', "an emoji \ufffd"),
    ],
)
async def test_the_format_json(rest: Bench, body: str, expected: Any) -> None:
    result = (await result_of(rest, reply(body=body), documentReturnFormat=NEW))["body"]
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("body", ["<html>", "{'a': 1}", '{"a": NaN}', '{"a"', "plain", "1e99999999999999999999"])
async def test_the_format_json_without_json(rest: Bench, body: str) -> None:
    error = await failure_of(rest, reply(body=body), documentReturnFormat=NEW)
    assert error.code == "INVALID_JSON"
    assert error.message.startswith("JSON response format selected but the payload is not valid JSON")


async def test_the_format_json_and_a_redirect_that_is_not_followed(rest: Bench) -> None:
    answer = reply(302, "<html>moved</html>", [("Location", "/x")], reason="Found")
    result = await result_of(rest, answer, documentReturnFormat=NEW)
    assert (result["status"], result["body"]) == (302, "<html>moved</html>")


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        (None, "ü".encode(), "ü"),
        ("", "ü".encode(), "ü"),
        ("UTF-8", "ü".encode(), "ü"),
        ("ISO-8859-1", b"\xfc", "ü"),
        ("windows-1252", b"\x80", "€"),
        ("UTF-16", "ü".encode("utf-16"), "ü"),
        ("UTF-8", b"\xff", "\ufffd"),
        ("UTF-8", b'{"a": 1}', '{"a": 1}'),
        ("UTF-8", b"", ""),
    ],
)
async def test_the_format_text(rest: Bench, encoding: str | None, body: bytes, text: str) -> None:
    chosen = {"choice": "TEXT", "encoding": encoding}
    assert (await result_of(rest, reply(body=body), documentReturnFormat=chosen))["body"] == text


async def test_an_unknown_encoding_is_refused_before_the_call(rest: Bench) -> None:
    async with Server(always(reply())) as server:
        call: dict[str, Any] = {"method": "GET", "url": server.url}
        for encoding in ("klingon", "base64", "undefined", "utf-8\0"):
            call["documentReturnFormat"] = {"choice": "TEXT", "encoding": encoding}
            with pytest.raises(InputError, match=f"encoding '{encoding}'"):
                await rest.run(call)
        call["documentReturnFormat"] = {"choice": "JSON", "encoding": "klingon"}
        await rest.run(call)
        assert len(server.requests) == 1


@pytest.mark.parametrize("choice", ["TEXT", "JSON"])
async def test_a_body_too_large_for_variables(rest: Bench, choice: str) -> None:
    body = '"' + "x" * 1_572_871 + '"'
    error = await failure_of(rest, reply(body=body), documentReturnFormat={"choice": choice})
    assert error.code == "CONTENT_TOO_LARGE"
    assert "Choose DOCUMENT" in error.message
    just_fits = '"' + "x" * 1_572_862 + '"'
    assert await result_of(rest, reply(body=just_fits), documentReturnFormat={"choice": choice})


@pytest.mark.parametrize("status", [400, 401, 404, 409, 418, 422, 429, 499, 500, 502, 503, 504, 599])
async def test_statuses_that_are_errors(rest: Bench, status: int) -> None:
    error = await failure_of(rest, reply(status, '{"why": "because"}', [("X-A", "1")], reason="Some Reason"))
    assert (error.code, error.message) == (str(status), "Some Reason")
    headers = {"X-A": "1", "Content-Length": "18"}
    assert error.variables == {"response": {"headers": headers, "body": {"why": "because"}}}


@pytest.mark.parametrize("status", [200, 201, 202, 206, 226, 299, 301, 302, 307, 399])
async def test_statuses_that_are_successes(rest: Bench, status: int) -> None:
    result = await result_of(rest, reply(status, reason="R", headers=[("Location", "/elsewhere")]))
    assert (result["status"], result["headers"]["Location"]) == (status, "/elsewhere")


async def test_a_phrase_outside_of_ascii(rest: Bench) -> None:
    raw = b"HTTP/1.1 404 Schl\xfcssel fehlt\r\nContent-Length: 0\r\n\r\n"
    assert (await failure_of(rest, raw)).message == "Schlüssel fehlt"


async def test_an_error_without_a_phrase(rest: Bench) -> None:
    assert (await failure_of(rest, reply(404, reason=""))).message == ""
    assert status_error(HttpResponse(404, None, [], b"", ""), None).message == "[no reason]"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('[{"a": 1}]', [{"a": 1}]),
        ('["a", "b"]', ["a", "b"]),
        ("plain", "plain"),
        ("12", "12"),
        ("", None),
    ],
)
async def test_bodies_of_errors(rest: Bench, body: str, expected: Any) -> None:
    error = await failure_of(rest, reply(400, body, reason="Bad"))
    assert error.variables is not None
    assert error.variables["response"]["body"] == expected


async def test_an_empty_body_of_an_error_with_a_chosen_format(rest: Bench) -> None:
    for choice in ("JSON", "TEXT", "DOCUMENT"):
        error = await failure_of(rest, reply(400), documentReturnFormat={"choice": choice})
        assert error.variables is not None
        assert error.variables["response"]["body"] == ""


async def test_an_error_is_json_where_it_is_json_whatever_was_chosen(rest: Bench) -> None:
    for choice in ("JSON", "TEXT", "DOCUMENT"):
        error = await failure_of(rest, reply(400, '{"a": 1}'), documentReturnFormat={"choice": choice})
        assert error.variables is not None
        assert error.variables["response"]["body"] == {"a": 1}


async def silent(request: Received, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def test_a_read_timeout(rest: Bench) -> None:
    error = await failure_of(rest, silent, readTimeoutInSeconds=1)
    assert error.code == "408"
    assert error.message == "The request timed out. Please try increasing the read and connection timeouts."
    assert error.variables is None


async def test_the_read_timeout_is_the_connection_timeout_unless_given(rest: Bench) -> None:
    started = asyncio.get_running_loop().time()
    assert (await failure_of(rest, silent, connectionTimeoutInSeconds=1)).code == "408"
    assert asyncio.get_running_loop().time() - started < 15

    async def late(request: Received, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(1.5)
        return reply()

    for read in (10, 0):
        assert await result_of(rest, late, connectionTimeoutInSeconds=1, readTimeoutInSeconds=read)


async def hang_up(request: Received, writer: asyncio.StreamWriter) -> None:
    return None


async def test_a_connection_that_breaks(rest: Bench) -> None:
    error = await failure_of(rest, hang_up)
    assert error.code == "408"
    assert error.message.startswith("An error occurred while executing the request, or the connection was aborted")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no-such-host.invalid/"])
async def test_a_server_that_is_not_there(rest: Bench, url: str) -> None:
    with pytest.raises(ConnectorError, match="or the connection was aborted: No connection to") as caught:
        await rest.run({"method": "POST", "url": url, "body": {}})
    assert caught.value.code == "408"


async def test_an_answer_that_is_not_http(rest: Bench) -> None:
    error = await failure_of(rest, b"SSH-2.0-OpenSSH\r\n\r\n")
    assert error.code == "500"
    assert error.message.startswith("An error with the HTTP protocol occurred")


async def truncated(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(int(request.target[1:]), "half", length=100, reason="R"))
    await writer.drain()


async def test_a_body_that_breaks_off(rest: Bench) -> None:
    async with Server(truncated) as server:
        url = f"{server.url}/200"
        with pytest.raises(ConnectorError, match="HTTP request: Failed to read response body: ") as legacy:
            await rest.run({"method": "GET", "url": url})
        with pytest.raises(ConnectorError, match="Failed to read payload for document response conversion") as new:
            await rest.run({"method": "GET", "url": url, "documentReturnFormat": NEW})
    assert (legacy.value.code, new.value.code) == ("500", "500")


async def test_a_body_that_breaks_off_keeps_the_status_of_an_error(rest: Bench) -> None:
    async with Server(truncated) as server:
        for variables in ({}, {"documentReturnFormat": NEW}):
            with pytest.raises(ConnectorError) as caught:
                await rest.run({"method": "GET", "url": f"{server.url}/502", **variables})
            assert (caught.value.code, caught.value.message) == ("502", "R")
            assert caught.value.variables is not None
            assert caught.value.variables["response"]["body"] is None


async def test_an_untrusted_server_names_the_handshake(rest: Bench) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with Server(always(reply(body="{}")), context) as server:
        with pytest.raises(
            ConnectorError, match=r"TLS handshake failed: .*The server certificate may not be"
        ) as caught:
            await rest.run({"method": "GET", "url": server.url})
        assert caught.value.code == "SSL_HANDSHAKE_FAILED"
        trusted = {"trustedCertificate": authority.cert_pem.bytes().decode()}
        assert (await rest.run({"method": "GET", "url": server.url, "clientTls": trusted}))["status"] == 200


async def test_redirects_are_followed_on_request(rest: Bench) -> None:
    async def moved(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return reply(body='"there"') if request.target == "/end" else reply(302, headers=[("Location", "/end")])

    async with Server(moved) as server:
        for follow, status in ((False, 302), (None, 302), (True, 200)):
            call = {"method": "POST", "url": server.url, "body": {"a": 1}, "followRedirects": follow}
            assert (await rest.run(call))["status"] == status
    assert (server.last.method, server.last.body) == ("GET", b"")


async def test_a_redirect_that_leads_nowhere_is_the_servers_mistake(rest: Bench) -> None:
    for location in ("ftp://127.0.0.1/x", "http://[::1", "http://127.0.0.1:99999/"):
        error = await failure_of(rest, reply(302, headers=[("Location", location)]), followRedirects=True)
        assert error.code == "500"
        assert error.message.startswith("An error with the HTTP protocol occurred: The server redirects to an address")


async def test_a_circle_of_redirects(rest: Bench) -> None:
    error = await failure_of(rest, reply(302, headers=[("Location", "/")]), followRedirects=True)
    assert error.code == "500"
    assert "Circular redirect" in error.message


async def test_a_forbidden_address_is_an_input_error(rest: Bench) -> None:
    with pytest.raises(InputError, match="DENY_METADATA"):
        await rest.run({"method": "GET", "url": "http://169.254.169.254/latest"})
    engine = Engine(HttpConfig(egress=EgressConfig(validate_hosts=True, allow_loopback=False)))
    with pytest.raises(EgressDenied):
        await Bench(RestConnector(), engine).run({"method": "GET", "url": "http://localhost/"})
    await engine.close()


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_becomes_the_backoff(rest: Bench, status: int) -> None:
    error = await failure_of(rest, reply(status, '{"busy": 1}', [("Retry-After", "120")], reason="Busy"))
    assert isinstance(error, RetryLater)
    assert (error.after_seconds, error.code, error.message, error.retries) == (120.0, str(status), "Busy", None)
    assert error.variables is not None
    assert error.variables["response"]["body"] == {"busy": 1}


async def test_retry_after_as_a_date(rest: Bench) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=10)
    error = await failure_of(rest, reply(503, headers=[("Retry-After", format_datetime(moment, usegmt=True))]))
    assert isinstance(error, RetryLater)
    assert error.after_seconds is not None
    assert 500 < error.after_seconds <= 600


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0.0), ("99999999999", 86_400.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)]
)
async def test_retry_after_has_bounds(rest: Bench, value: str, seconds: float) -> None:
    error = await failure_of(rest, reply(429, headers=[("Retry-After", value)]))
    assert isinstance(error, RetryLater)
    assert error.after_seconds == seconds


@pytest.mark.parametrize(
    ("status", "headers", "task"),
    [
        (429, [], {}),
        (429, [("Retry-After", "soon")], {}),
        (429, [("Retry-After", "-5")], {}),
        (429, [("Retry-After", "Thu, 01 Jan 99999999999999999999 00:00:00 GMT")], {}),
        (500, [("Retry-After", "5")], {}),
        (429, [("Retry-After", "5")], {"retryBackoff": "PT30S"}),
    ],
)
async def test_retry_after_does_not_count(
    rest: Bench, status: int, headers: list[tuple[str, str]], task: dict[str, str]
) -> None:
    assert type(await failure_of(rest, reply(status, headers=headers), task)) is ConnectorError


async def test_a_busy_server_is_asked_again_only_on_request(tmp_path: Path) -> None:
    async def busy_twice(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return reply(200, '"done"') if len(server.requests) == 3 else reply(503, headers=[("Retry-After", "0")])

    engine = Engine()
    connector = RestConnector()
    bench = Bench(connector, engine, Documents(FileDocumentStore(tmp_path), engine))
    async with Server(busy_twice) as server:
        call: dict[str, Any] = {"method": "POST", "url": server.url, "body": {"a": 1}}
        with pytest.raises(RetryLater):
            await bench.run(call)
        assert len(server.requests) == 1
        server.requests.clear()
        assert connector.Settings is not None
        connector.settings = connector.Settings(resend_busy=2, resend_wait_seconds=0.01)
        await connector.open(bench.context({}).resources)
        assert (await bench.run(call))["status"] == 200
        assert [request.body for request in server.requests] == [b'{"a":1}'] * 3
        server.requests.clear()
        call["documentReturnFormat"] = {"choice": "DOCUMENT"}
        assert (await bench.run(call))["document"]["metadata"]["size"] == 6
        assert [request.body for request in server.requests] == [b'{"a":1}'] * 3
    await connector.close()
    await engine.close()


async def test_a_wait_that_is_too_long_is_left_to_the_job() -> None:
    engine = Engine()
    connector = RestConnector()
    assert connector.Settings is not None
    connector.settings = connector.Settings(resend_busy=3)
    bench = Bench(connector, engine)
    await connector.open(bench.context({}).resources)
    async with Server(always(reply(429, headers=[("Retry-After", "60")]))) as server:
        with pytest.raises(RetryLater):
            await bench.run({"method": "GET", "url": server.url})
        assert len(server.requests) == 1
    await connector.close()
    await engine.close()
