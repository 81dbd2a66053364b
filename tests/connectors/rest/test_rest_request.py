"""What the REST connector sends."""

from __future__ import annotations

import gzip
from base64 import b64decode
from typing import Any

import pytest

from coupler.errors import ConnectorError, InputError
from coupler.http.config import BlockRule, EgressConfig, HttpConfig
from coupler.http.engine import Engine
from coupler_rest import RestConnector
from tests.connectors.kit import Bench
from tests.http.server import Received, Server, always, reply


async def sent(rest: Bench, path: str = "/p", task_headers: dict[str, str] | None = None, **variables: Any) -> Received:
    async with Server(always(reply(body="{}"))) as server:
        call = {"method": "POST", **variables, "url": server.url + path}
        await rest.run(call, **(task_headers or {}))
    return server.last


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_methods(rest: Bench, method: str) -> None:
    assert (await sent(rest, method=method)).method == method


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_body_is_dropped_where_none_belongs(rest: Bench, method: str) -> None:
    received = await sent(rest, method=method, body={"a": 1})
    assert received.body == b""
    assert received.one("content-type") is None
    assert received.one("content-length") in (None, "0")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("absent", [{}, {"body": None}])
async def test_no_body_has_length_0_and_no_type(rest: Bench, method: str, absent: dict[str, Any]) -> None:
    received = await sent(rest, method=method, **absent)
    assert (received.one("content-length"), received.one("content-type"), received.body) == ("0", None, b"")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("plain text", None, b"plain text"),
        ('{"already": "json"}', None, b'{"already": "json"}'),
        ("<xml>ü</xml>", "application/xml", "<xml>ü</xml>".encode()),
        ("ü", "text/plain; charset=ISO-8859-1", b"\xfc"),
        ("ü", "text/plain; charset=utf-16le", "ü".encode("utf-16le")),
        ("ü", "text/plain; charset=nonsense", "ü".encode()),
        ("ü", "text/plain; charset=undefined", "ü".encode()),
        ("ü" * 70, "text/plain; charset=idna", ("ü" * 70).encode()),
        ("ü", "text/plain; charset=base64", "ü".encode()),
        ("ü", "text/plain; charset=us-ascii", b"?"),
        ("ü", 'text/plain; x="a;charset=ISO-8859-1"', "ü".encode()),
        ("ü", "application/json", "ü".encode()),
        ("", None, b""),
        ({"a": 1, "b": None, "c": [1, None], "d": "ü"}, None, '{"a":1,"b":null,"c":[1,null],"d":"ü"}'.encode()),
        ({"a": 1}, "text/plain", b'{"a":1}'),
        ({"a": 1}, "application/vnd.api+json", b'{"a":1}'),
        ({}, None, b"{}"),
        ([1, "a", None], None, b'[1,"a",null]'),
        (123, None, b"123"),
        (True, "text/plain", b"true"),
        (False, None, b"false"),
        ([1], "application/x-www-form-urlencoded", b"[1]"),
    ],
)
async def test_bodies(rest: Bench, body: Any, content_type: str | None, expected: bytes) -> None:
    headers: dict[str, Any] = {} if content_type is None else {"headers": {"Content-Type": content_type}}
    received = await sent(rest, body=body, **headers)
    assert received.body == expected
    assert received.one("content-type") == (content_type or "application/json")


async def test_numbers_of_a_body_stay_exact(rest: Bench) -> None:
    async with Server(always(reply(body="{}"))) as server:
        numbers = '{"a":0.1,"b":1.50,"c":9007199254740993,"d":12345678901234567890123,"e":1e400}'
        await rest.run(f'{{"method":"POST","url":"{server.url}","body":{numbers}}}')
    assert server.last.body.startswith(b'{"a":0.1,"b":1.50,"c":9007199254740993,"d":')


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
async def test_the_content_type_is_found_in_any_case(rest: Bench, name: str) -> None:
    received = await sent(rest, body={"a": "b"}, headers={name: "Application/X-WWW-Form-Urlencoded; charset=utf-8"})
    assert received.body == b"a=b"
    assert (name, "Application/X-WWW-Form-Urlencoded; charset=utf-8") in received.headers


async def test_a_null_content_type_is_as_none(rest: Bench) -> None:
    received = await sent(rest, body={"a": 1}, headers={"Content-Type": None, "X-Null": None})
    assert received.one("content-type") == "application/json"
    assert received.one("x-null") == ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"a": "b c", "d": "ü*~&="}, b"a=b+c&d=%C3%BC%2A~%26%3D"),
        ({"n": None, "e": ""}, b"n&e="),
        ({"i": 5, "f": 1.5, "t": True}, b"i=5&f=1.5&t=true"),
        ({"o": {"a": 1}, "l": [1, 2]}, b"o=%7B%22a%22%3A1%7D&l=%5B1%2C2%5D"),
        ({"a b": "c"}, b"a+b=c"),
        ({}, b""),
    ],
)
async def test_forms(rest: Bench, body: dict[str, Any], expected: bytes) -> None:
    received = await sent(rest, body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert received.body == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, b'{"a":1,"deep":{"list":[null,{}]}}'),
        ("application/x-www-form-urlencoded", b"a=1&deep=%7B%22list%22%3A%5Bnull%2C%7B%7D%5D%7D"),
    ],
)
async def test_nulls_can_be_left_out(rest: Bench, content_type: str | None, expected: bytes) -> None:
    body = {"a": 1, "b": None, "deep": {"c": None, "list": [None, {"d": None}]}}
    headers: dict[str, Any] = {} if content_type is None else {"headers": {"Content-Type": content_type}}
    assert (await sent(rest, body=body, ignoreNullValues=True, **headers)).body == expected


async def test_multipart_text_parts_in_utf_8(rest: Bench) -> None:
    body = {"price": "5 €", "n": None, "list": ["a", 1], "o": {"x": 1}, 'quo"te\n': "v"}
    received = await sent(rest, body=body, headers={"content-TYPE": "Multipart/Form-Data"})
    kind, _, boundary = (received.one("content-type") or "").partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = received.body.split(f"--{boundary}".encode())
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    assert parts[1] == '\r\nContent-Disposition: form-data; name="price"\r\n\r\n5 €\r\n'.encode()
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[2:-1]] == [b"a\r\n", b"1\r\n", b'{"x":1}\r\n', b"v\r\n"]
    assert b'name="quo%22te%0A"' in parts[-2]


@pytest.mark.parametrize(
    ("parameter", "boundary"),
    [
        ('boundary="mine"', b"mine"),
        ("Boundary=mine", b"mine"),
        ('boundary="mine; and yours"', b"mine; and yours"),
        ("charset=utf-8; boundary=mine; x=y", b"mine"),
    ],
)
async def test_a_multipart_boundary_of_the_model(rest: Bench, parameter: str, boundary: bytes) -> None:
    content_type = f"multipart/form-data; {parameter}"
    received = await sent(rest, body={"a": "b"}, headers={"Content-Type": content_type})
    assert received.one("content-type") == content_type
    part = b'\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--'
    assert received.body == b"--" + boundary + part + boundary + b"--\r\n"


async def test_headers_go_out_in_order_and_spelling(rest: Bench) -> None:
    headers = {"X-b": "1", "x-A": "2", "User-Agent": "mine"}
    received = await sent(rest, method="GET", headers=headers)
    assert [pair for pair in received.headers if pair[0] in headers] == list(headers.items())


async def test_default_headers(rest: Bench) -> None:
    received = await sent(rest, method="GET")
    assert sorted(name.lower() for name, _ in received.headers) == ["accept-encoding", "host", "user-agent"]


@pytest.mark.parametrize("headers", [None, {}])
async def test_no_headers(rest: Bench, headers: Any) -> None:
    assert (await sent(rest, method="GET", headers=headers)).method == "GET"


@pytest.mark.parametrize("name", ["X A", "X:A", "", "Ü"])
async def test_a_header_name_that_is_none(rest: Bench, name: str) -> None:
    with pytest.raises(InputError, match="header name"):
        await sent(rest, headers={name: "v"})


async def test_a_header_cannot_smuggle_another(rest: Bench) -> None:
    with pytest.raises(InputError, match="line break"):
        await sent(rest, headers={"X-A": "b\r\nX-Injected: c"})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_query_parameters_stay_in_the_url(rest: Bench, method: str) -> None:
    received = await sent(rest, "/p?a=1", method=method, queryParameters={"k": "v w", "n": None, "e": ""})
    assert received.target == "/p?a=1&k=v%20w&n&e="


async def test_the_url_is_encoded_and_can_be_left_alone(rest: Bench) -> None:
    assert (await sent(rest, "/a b/{c}?q=ü")).target == "/a%20b/%7Bc%7D?q=%C3%BC"
    assert (await sent(rest, "/a+b?q={x}", skipEncoding="true")).target == "/a+b?q={x}"
    with pytest.raises(InputError, match="percent-encoded"):
        await sent(rest, "/a b", skipEncoding="true")


@pytest.mark.parametrize(
    "url", ["http://", "https:///x", "http://0000::1", "http://user:pw@h/", "http://user:pw@", "{{unresolved}}"]
)
async def test_urls_that_cannot_be_requested(rest: Bench, url: str) -> None:
    with pytest.raises(InputError, match="Invalid URL") as caught:
        await rest.run({"method": "GET", "url": url})
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("authentication", "header"),
    [
        ({"type": "noAuth"}, None),
        ({"type": "bearer", "token": "t0k"}, "Bearer t0k"),
        ({"type": "basic", "username": "üser", "password": "pass"}, "üser:pass"),
        ({"type": "basic", "username": "user", "password": None}, "user:"),
        ({"type": "basic", "username": "user"}, "user:"),
        ({"type": "basic", "username": "user", "password": ""}, "user:"),
        ({"type": "basic", "username": "user", "password": "SPEC_PASSWORD_EMPTY_PATTERN"}, "user:"),
    ],
)
async def test_authorization(rest: Bench, authentication: dict[str, Any], header: str | None) -> None:
    value = (await sent(rest, authentication=authentication)).one("authorization")
    if value is not None and value.startswith("Basic "):
        value = b64decode(value.removeprefix("Basic ")).decode()
    assert value == header


async def test_an_api_key_in_a_header(rest: Bench) -> None:
    key = {"type": "apiKey", "apiKeyLocation": "headers", "name": "X-Key", "value": "k"}
    assert (await sent(rest, authentication=key)).one("x-key") == "k"


async def test_an_api_key_in_the_query(rest: Bench) -> None:
    key = {"type": "apiKey", "apiKeyLocation": "query", "name": "key", "value": "k&1"}
    received = await sent(rest, "/p?a=1", authentication=key, queryParameters={"b": "2"})
    assert received.target == "/p?a=1&b=2&key=k%261"


async def test_headers_are_added_to_the_authentication(rest: Bench) -> None:
    bearer = {"type": "bearer", "token": "ours"}
    received = await sent(rest, authentication=bearer, headers={"Authorization": "Own theirs"})
    assert received.all("authorization") == ["Bearer ours", "Own theirs"]


async def test_a_reusable_credential_is_used(rest: Bench) -> None:
    received = await sent(
        rest,
        authentication={"type": "bearer", "token": "inline"},
        authenticationConfiguration={"authentication": {"type": "bearer", "token": "shared"}},
    )
    assert received.one("authorization") == "Bearer shared"


async def test_an_idempotency_key_on_request(rest: Bench) -> None:
    assert (await sent(rest)).one("idempotency-key") is None
    assert (await sent(rest, task_headers={"idempotencyKey": "true"})).one("idempotency-key") == "4711"
    assert (await sent(rest, task_headers={"idempotencyKey": "false"})).one("idempotency-key") is None
    own = await sent(rest, task_headers={"idempotencyKey": "true"}, headers={"idempotency-KEY": "own"})
    assert own.one("idempotency-key") == "own"


async def test_an_idempotency_key_for_all_calls_by_setting() -> None:
    connector = RestConnector()
    assert connector.Settings is not None
    connector.settings = connector.Settings(idempotency_key=True)
    engine = Engine()
    bench = Bench(connector, engine)
    await connector.open(bench.context({}).resources)
    assert (await sent(bench)).one("idempotency-key") == "4711"
    await connector.close()
    await engine.close()


async def test_a_block_rule_sees_the_url_as_the_model_wrote_it_and_as_it_is_sent() -> None:
    for rule, path in (("/a b", "/a b"), ("/a%20b", "/a b"), ("q=a+b", "/?q=a+b"), ("q=a b", "/?q=a+b")):
        engine = Engine(HttpConfig(egress=EgressConfig(block_rules=(BlockRule("URL", rule),))))
        with pytest.raises(InputError, match="The provided URL is not allowed"):
            await sent(Bench(RestConnector(), engine), path)
        await engine.close()


@pytest.mark.parametrize("host", ["LOCALHOST", "ⓛocalhost", "LocalHost"])
@pytest.mark.parametrize("rule", [BlockRule("URL", "//localhost"), BlockRule("REGEX", r"https?://localhost[:/].*")])
async def test_a_block_rule_sees_the_host_that_is_called(rule: BlockRule, host: str) -> None:
    engine = Engine(HttpConfig(egress=EgressConfig(block_rules=(rule,))))
    with pytest.raises(InputError, match="The provided URL is not allowed"):
        await Bench(RestConnector(), engine).run({"method": "GET", "url": f"http://{host}:1/x"})
    await engine.close()


async def test_a_compressed_answer(rest: Bench) -> None:
    body = gzip.compress(b'{"zipped": true}')
    async with Server(always(reply(body=body, headers=[("Content-Encoding", "gzip")]))) as server:
        result = await rest.run({"method": "GET", "url": server.url})
    assert result["body"] == {"zipped": True}
    assert result["headers"]["Content-Encoding"] == "gzip"
    assert result["headers"]["Content-Length"] == str(len(body))


async def test_mutual_tls_needs_both_parts(rest: Bench) -> None:
    call = {"method": "GET", "url": "https://127.0.0.1:1", "clientTls": {"clientCertificate": "PEM"}}
    with pytest.raises(InputError, match="both a client certificate and a private key"):
        await rest.run(call)


async def test_blank_tls_material_is_none(rest: Bench) -> None:
    call = {"method": "GET", "url": "https://127.0.0.1:1", "clientTls": {"clientCertificate": " "}}
    with pytest.raises(ConnectorError) as caught:
        await rest.run(call)
    assert caught.value.code == "408"
