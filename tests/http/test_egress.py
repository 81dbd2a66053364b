"""The egress policy: rules, ranges, and that no address is dialled past it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from coupler.errors import ConfigError, EgressDenied, InputError
from coupler.http.addresses import Verdict, read_address
from coupler.http.config import BlockRule, EgressConfig, HttpConfig
from coupler.http.egress import EgressPolicy
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TransportError, TransportFault
from tests.http.server import Server, always, reply

STRICT = EgressConfig(validate_hosts=True, allow_private_ranges=False, allow_loopback=False)


def verdict(config: EgressConfig, text: str) -> Verdict:
    address = read_address(text)
    assert address is not None
    return EgressPolicy(config).judge(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", Verdict.ALLOWED),
        ("2606:2800:220:1::1", Verdict.ALLOWED),
        ("127.0.0.1", Verdict.LOOPBACK),
        ("127.255.255.254", Verdict.LOOPBACK),
        ("::1", Verdict.LOOPBACK),
        ("::ffff:127.0.0.1", Verdict.LOOPBACK),
        ("169.254.10.10", Verdict.LINK_LOCAL),
        ("fe80::1", Verdict.LINK_LOCAL),
        ("fe80::1%eth0", Verdict.LINK_LOCAL),
        ("169.254.169.254", Verdict.METADATA),
        ("::ffff:169.254.169.254", Verdict.METADATA),
        ("fd00:ec2::254", Verdict.METADATA),
        ("100.100.100.200", Verdict.METADATA),
        ("192.0.0.192", Verdict.METADATA),
        ("168.63.129.16", Verdict.METADATA),
        ("224.0.0.1", Verdict.NOT_UNICAST),
        ("ff02::1", Verdict.NOT_UNICAST),
        ("0.0.0.0", Verdict.NOT_UNICAST),
        ("::", Verdict.NOT_UNICAST),
        ("255.255.255.255", Verdict.NOT_UNICAST),
        ("10.1.2.3", Verdict.PRIVATE),
        ("172.16.0.1", Verdict.PRIVATE),
        ("172.32.0.1", Verdict.ALLOWED),
        ("192.168.1.1", Verdict.PRIVATE),
        ("fd12:3456::1", Verdict.PRIVATE),
        ("::ffff:10.0.0.1", Verdict.PRIVATE),
        ("0.1.2.3", Verdict.RESERVED),
        ("100.64.0.1", Verdict.RESERVED),
        ("192.0.0.1", Verdict.RESERVED),
        ("192.0.2.1", Verdict.RESERVED),
        ("192.88.99.1", Verdict.RESERVED),
        ("198.18.0.1", Verdict.RESERVED),
        ("198.51.100.1", Verdict.RESERVED),
        ("203.0.113.1", Verdict.RESERVED),
        ("240.0.0.1", Verdict.RESERVED),
        ("64:ff9b::5db8:d822", Verdict.RESERVED),
        ("64:ff9b:1::1", Verdict.RESERVED),
        ("100::1", Verdict.RESERVED),
        ("2001::1", Verdict.RESERVED),
        ("2001:10::1", Verdict.RESERVED),
        ("2001:20::1", Verdict.RESERVED),
        ("2001:db8::1", Verdict.RESERVED),
        ("2002:5db8:d822::1", Verdict.RESERVED),
        ("3fff::1", Verdict.RESERVED),
        ("5f00::1", Verdict.RESERVED),
        ("64:ff9b::a9fe:a9fe", Verdict.METADATA),
        ("2002:7f00:1::", Verdict.LOOPBACK),
        ("::7f00:1", Verdict.LOOPBACK),
    ],
)
def test_addresses_under_the_full_check(address: str, expected: Verdict) -> None:
    assert verdict(STRICT, address) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", Verdict.ALLOWED),
        ("10.1.2.3", Verdict.ALLOWED),
        ("fd12::1", Verdict.ALLOWED),
        ("100.64.0.1", Verdict.ALLOWED),
        ("169.254.169.254", Verdict.METADATA),
        ("169.254.1.1", Verdict.LINK_LOCAL),
        ("fe80::1", Verdict.LINK_LOCAL),
        ("64:ff9b::a9fe:a9fe", Verdict.METADATA),
        ("64:ff9b:1::a9fe:a9fe", Verdict.METADATA),
        ("64:ff9b:1::5db8:d822", Verdict.ALLOWED),
        ("::ffff:0:a9fe:a9fe", Verdict.METADATA),
        ("fd00:ec2::254", Verdict.METADATA),
    ],
)
def test_addresses_as_it_comes(address: str, expected: Verdict) -> None:
    assert verdict(EgressConfig(), address) is expected


@pytest.mark.parametrize(
    ("config", "address", "expected"),
    [
        (replace(STRICT, allow_private_ranges=True), "10.0.0.1", Verdict.ALLOWED),
        (replace(STRICT, allow_private_ranges=True), "127.0.0.1", Verdict.LOOPBACK),
        (replace(STRICT, allow_private_ranges=True), "100.64.0.1", Verdict.RESERVED),
        (replace(STRICT, allow_loopback=True), "127.0.0.1", Verdict.ALLOWED),
        (replace(STRICT, allow_loopback=True), "169.254.169.254", Verdict.METADATA),
        (replace(STRICT, allow_ranges=("10.0.0.0/8",)), "10.0.0.1", Verdict.ALLOWED),
        (replace(STRICT, allow_ranges=("10.0.0.0/8",)), "192.168.0.1", Verdict.PRIVATE),
        (replace(STRICT, allow_ranges=("127.0.0.1",)), "127.0.0.1", Verdict.ALLOWED),
        (replace(STRICT, allow_ranges=("198.18.0.0/15",)), "198.18.0.1", Verdict.ALLOWED),
        (replace(STRICT, allow_ranges=("169.254.169.254",)), "169.254.169.254", Verdict.ALLOWED),
        (EgressConfig(deny_ranges=("93.184.0.0/16",)), "93.184.216.34", Verdict.DENY_LIST),
        (EgressConfig(deny_ranges=("93.184.0.0/16",)), "::ffff:93.184.216.34", Verdict.DENY_LIST),
        (EgressConfig(deny_ranges=("10.0.0.0/8",), allow_ranges=("10.1.0.0/16",)), "10.1.0.1", Verdict.ALLOWED),
        (EgressConfig(deny_ranges=("10.0.0.0/8",), allow_ranges=("10.1.0.0/16",)), "10.2.0.1", Verdict.DENY_LIST),
        (EgressConfig(allow_private_ranges=False), "192.168.0.1", Verdict.PRIVATE),
        (EgressConfig(allow_loopback=False), "127.0.0.1", Verdict.LOOPBACK),
        (EgressConfig(allow_loopback=False), "0.0.0.0", Verdict.NOT_UNICAST),
    ],
)
def test_lists_and_flags(config: EgressConfig, address: str, expected: Verdict) -> None:
    assert verdict(config, address) is expected


@pytest.mark.parametrize("text", ["10.0.0.0/33", "nonsense", "300.1.1.1", ""])
def test_a_range_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match="address range"):
        EgressPolicy(EgressConfig(deny_ranges=(text,)))


@pytest.mark.parametrize(
    ("rule", "url", "hit"),
    [
        (BlockRule("URL", "internal"), "http://internal.example/x", True),
        (BlockRule("URL", "internal"), "http://example.com/?next=internal", True),
        (BlockRule("URL", "internal"), "http://example.com/", False),
        (BlockRule("PORT", "8080, 9090"), "http://example.com:9090/", True),
        (BlockRule("PORT", "8080, 9090"), "http://example.com/", False),
        (BlockRule("PORT", "80"), "http://example.com/", True),
        (BlockRule("PORT", "443"), "https://example.com/", True),
        (BlockRule("PORT", "443"), "http://example.com/", False),
        (BlockRule("PORT", "x, 80"), "http://example.com/", True),
        (BlockRule("REGEX", r"https?://169\.254\..*"), "http://169.254.169.254/latest", True),
        (BlockRule("REGEX", r"169\.254"), "http://169.254.169.254/latest", False),
        (BlockRule("PORT", "x"), "http://example.com/", False),
        (BlockRule("PORT", "70000"), "http://example.com:70000/", False),
        (BlockRule("REGEX", "("), "http://example.com/(", False),
        (BlockRule("url", "example"), "http://example.com/", False),
        (BlockRule("NONSENSE", "example"), "http://example.com/", False),
        (BlockRule("URL", " "), "http://example.com/ ", False),
        (BlockRule("URL", "//internal.example/"), "http://INTERNAL.example/", True),
        (BlockRule("URL", "//internal.example/"), "http://ⓘnternal.example/", True),
        (BlockRule("URL", "//internal.example/a b"), "http://ⓘnternal.example/a%20b", True),
        (BlockRule("URL", "/a?b+c"), "http://example.com/a?b%20c", True),
    ],
)
def test_block_rules(rule: BlockRule, url: str, hit: bool) -> None:
    policy = EgressPolicy(EgressConfig(block_rules=(rule,)))
    if hit:
        with pytest.raises(EgressDenied):
            policy.check_url(url)
    else:
        policy.check_url(url)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (BlockRule("URL", "blocked", "Internal"), "The provided URL is not allowed (Block Name: Internal)"),
        (BlockRule("REGEX", ".*blocked.*"), "The provided URL is not allowed"),
        (BlockRule("PORT", "81", "No_81"), "The provided port is not allowed (Block Name: No_81)"),
    ],
)
async def test_a_blocked_call_fails_for_good_and_names_the_rule(rule: BlockRule, text: str) -> None:
    engine = Engine(HttpConfig(egress=EgressConfig(block_rules=(BlockRule("URL", "elsewhere"), rule))))
    with pytest.raises(EgressDenied) as caught:
        await engine.send(HttpRequest("GET", "http://blocked.invalid:81/"))
    await engine.close()
    assert str(caught.value) == text
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "[::ffff:a9fe:a9fe]", "metadata.google.internal"],
)
async def test_metadata_is_denied_without_any_setting(engine: Engine, host: str) -> None:
    with pytest.raises(EgressDenied, match="was denied: DENY_"):
        await engine.send(HttpRequest("GET", f"http://{host}/latest/meta-data/"))


@pytest.mark.parametrize(
    "host", ["2852039166", "0251.0376.0251.0376", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "169.254.43518", "127.1", "0"]
)
async def test_numbers_that_are_addresses_in_disguise_are_refused(engine: Engine, host: str) -> None:
    with pytest.raises(TransportError, match="number but not a plain IPv4 address") as caught:
        await engine.send(HttpRequest("GET", f"http://{host}/"))
    assert caught.value.fault is TransportFault.INVALID_URL


class Names:
    """A resolver with an answer for each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise OSError(-2, "Name or service not known")
        return answer


async def test_a_name_with_one_denied_address_is_denied() -> None:
    engine = Engine(lookup=Names(["127.0.0.1", "169.254.169.254"]))
    async with Server(always(reply())) as server:
        with pytest.raises(EgressDenied, match=r"Host 'shop\.test' resolved to '169\.254\.169\.254' was denied"):
            await engine.send(HttpRequest("GET", f"http://shop.test:{server.port}/"))
        assert server.connections == 0
    await engine.close()


async def test_a_name_with_several_addresses_is_reached() -> None:
    engine = Engine(lookup=Names(["::1", "127.0.0.1"]))
    async with Server(always(reply(body="here"))) as server:
        response = await engine.send(HttpRequest("GET", f"http://shop.test:{server.port}/"))
    await engine.close()
    assert response.body == b"here"


async def test_every_job_that_waits_for_a_denied_name_is_told() -> None:
    engine = Engine(lookup=Names(["10.0.0.1"]), config=HttpConfig(egress=STRICT))
    calls = [engine.send(HttpRequest("GET", "http://shop.test/")) for _ in range(5)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    await engine.close()
    assert [type(result) for result in results] == [EgressDenied] * 5


async def test_a_name_that_changes_its_address_between_calls_is_caught() -> None:
    """DNS rebinding: harmless first, then the metadata service."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    engine = Engine(HttpConfig(dns_cache_seconds=0, keep_alive_seconds=0.01), lookup=names)
    async with Server(always(reply(headers=[("Connection", "close")]))) as server:
        url = f"http://shop.test:{server.port}/"
        assert (await engine.send(HttpRequest("GET", url))).status == 200
        await asyncio.sleep(0.05)
        with pytest.raises(EgressDenied):
            await engine.send(HttpRequest("GET", url))
    await engine.close()
    assert names.asked == ["shop.test", "shop.test"]


async def test_the_socket_is_the_last_gate() -> None:
    """Even a resolver that lies to the policy cannot open a denied address."""
    engine = Engine(lookup=Names(["127.0.0.1"]))
    engine._started()
    policy = engine._policy
    original = policy.check_addresses
    seen: list[str] = []

    def check(host: str, found: object) -> None:
        addresses = list(found)  # type: ignore[call-overload]
        seen.extend(addresses)
        if len(seen) > 1:
            original(host, ["169.254.169.254"])

    policy.check_addresses = check  # type: ignore[method-assign]
    with pytest.raises(EgressDenied):
        await engine.send(HttpRequest("GET", "http://shop.test:9/"))
    await engine.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_loopback_is_denied_when_it_is_switched_off(host: str) -> None:
    engine = Engine(HttpConfig(egress=EgressConfig(allow_loopback=False)))
    async with Server(always(reply())) as server:
        with pytest.raises(EgressDenied, match="DENY_LOOPBACK"):
            await engine.send(HttpRequest("GET", f"http://{host}:{server.port}/"))
        assert server.connections == 0
    await engine.close()


async def test_a_host_that_is_allowed_by_name_is_not_judged() -> None:
    egress = replace(STRICT, allow_hosts=("Shop.test",))
    engine = Engine(HttpConfig(egress=egress), lookup=Names(["127.0.0.1"]))
    async with Server(always(reply())) as server:
        assert (await engine.send(HttpRequest("GET", f"http://shop.test:{server.port}/"))).status == 200
        with pytest.raises(EgressDenied):
            await engine.send(HttpRequest("GET", f"http://other.test:{server.port}/"))
    await engine.close()


async def test_every_hop_of_a_redirect_is_judged() -> None:
    location = "http://169.254.169.254/latest/meta-data/iam"
    async with Server(always(reply(302, headers=[("Location", location)]))) as server:
        engine = Engine()
        with pytest.raises(EgressDenied, match="DENY_METADATA"):
            await engine.send(HttpRequest("GET", server.url, follow_redirects=True))
        await engine.close()


async def test_every_hop_of_a_redirect_meets_the_block_list() -> None:
    engine = Engine(HttpConfig(egress=EgressConfig(block_rules=(BlockRule("URL", "/secret"),))))
    async with Server(always(reply(307, headers=[("Location", "/secret")]))) as server:
        with pytest.raises(EgressDenied, match="URL is not allowed"):
            await engine.send(HttpRequest("GET", server.url, follow_redirects=True))
        assert len(server.requests) == 1
    await engine.close()
