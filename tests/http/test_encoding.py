"""URLs as process models write them, and as they are sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupler.errors import InputError
from coupler.http.encoding import build_url, encode_url
from coupler.http.messages import TransportError, TransportFault
from coupler.http.targets import parse_target

BASE = "https://h.example"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", ""),
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a b", "/a%20b"),
        ("/ä/ü", "/%C3%A4/%C3%BC"),
        ("/%C3%A4", "/%C3%A4"),
        ("/a,b!c&d;e=f@g:h", "/a,b!c&d;e=f@g:h"),
        ("/a%2Cb%21c%26d", "/a,b!c&d"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%20b", "/a%20b"),
        ("/{id}", "/%7Bid%7D"),
        ("/a+b", "/a%2Bb"),
        ("/a%2Bb", "/a%2Bb"),
        ("//a/../b/.", "//a/../b/."),
        ("/~a-b_c.d*e'(f)$", "/~a-b_c.d*e'(f)$"),
        ("/%FF", "/%FF"),
        ("/a|b^c`d", "/a%7Cb%5Ec%60d"),
        ("/€", "/%E2%82%AC"),
        ("/😀", "/%F0%9F%98%80"),
        ("?a=b c", "?a=b%20c"),
        ("?a=b+c", "?a=b%20c"),
        ("?a=b%2Bc", "?a=b%2Bc"),
        ("?a=b%26c", "?a=b%26c"),
        ("?a=%3A%3F%2F", "?a=:?/"),
        ("?a=b:c?d/e", "?a=b:c?d/e"),
        ('?a="{b}"', "?a=%22%7Bb%7D%22"),
        ("?a=b=c", "?a=b%3Dc"),
        ("?a=%25%23", "?a=%25%23"),
        ("?a=1&b=2&a=3", "?a=1&a=3&b=2"),
        ("?empty=", "?empty"),
        ("?empty", "?empty"),
        ("?a=1&&b=2&", "?a=1&b=2"),
        ("?ü=ä", "?%C3%BC=%C3%A4"),
        ("/p?", "/p"),
        ("/p#a b", "/p"),
        ("/p?a=1#x", "/p?a=1"),
        ("/broken%zz", "/broken%zz"),
        ("/broken%2?x=a b", "/broken%2?x=a b"),
        ("/50%", "/50%"),
    ],
)
def test_urls_are_decoded_and_encoded_again(given: str, sent: str) -> None:
    assert encode_url(BASE + given) == BASE + sent


@pytest.mark.parametrize(
    "url", ["http://h:80/", "https://h:443", "http://[::1]:8080/x", "http://1.2.3.4/", "HTTPS://Host.Example/Path"]
)
def test_scheme_host_and_port_stay(url: str) -> None:
    assert encode_url(url).lower() == url.lower()


@pytest.mark.parametrize(
    "url", ["//abc", "http://", "http://0000::1", "http:///path", "https://?x", "=", "secretsfoo", "{{x}}"]
)
@pytest.mark.parametrize("skip", [False, True])
def test_urls_without_scheme_or_host(url: str, skip: bool) -> None:
    with pytest.raises(InputError, match="Invalid URL"):
        build_url(url, skip, [])


@pytest.mark.parametrize("path", ["/a b", "/a%2Fb+c?x=a=b&y=%zz&x=2", "/{id}", "/ä"])
def test_encoding_can_be_skipped(path: str) -> None:
    assert build_url(BASE + path, True, []) == BASE + path


@pytest.mark.parametrize(
    ("url", "parameters", "sent"),
    [
        ("/p", {"k": "v w:ü/+&="}, "/p?k=v%20w%3A%C3%BC%2F%2B%26%3D"),
        ("/p", {"nul": None}, "/p?nul"),
        ("/p?x=1", {"nul": None}, "/p?x=1&nul"),
        ("/p", {"e": ""}, "/p?e="),
        ("/p?e=", {"k": "v"}, "/p?e&k=v"),
        ("/p?b=x:y", {"k": "v"}, "/p?b=x%3Ay&k=v"),
        ("/a:b?b=x:y", {"k": "v"}, "/a:b?b=x%3Ay&k=v"),
        ("/p?", {"k": "v"}, "/p?k=v"),
        ("/p#f", {"k": "v"}, "/p?k=v"),
        ("/p", {"a": "1", "b": "2"}, "/p?a=1&b=2"),
        ("/p?a=0", {"a": "1"}, "/p?a=0&a=1"),
        ("/p", {"ä b": "~-._"}, "/p?%C3%A4%20b=~-._"),
        ("", {"k": "v"}, "?k=v"),
        ("/p", {}, "/p"),
    ],
)
def test_query_parameters_are_appended(url: str, parameters: dict[str, str | None], sent: str) -> None:
    assert build_url(BASE + url, False, parameters.items()) == BASE + sent


@given(st.text(min_size=1, max_size=40))
def test_any_text_can_be_a_path_and_stays_the_same_path(text: str) -> None:
    url = encode_url(f"{BASE}/x{text.replace('#', '').replace('?', '')}")
    assert encode_url(url) == url


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=20), max_size=4))
def test_any_text_can_be_a_parameter(parameters: dict[str, str]) -> None:
    try:
        url = build_url(f"{BASE}/p", False, parameters.items())
    except UnicodeEncodeError:
        return  # half a surrogate pair is no text
    assert parse_target(url).url == url


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://Example.COM/x", "example.com", 80),
        ("https://example.com/x", "example.com", 443),
        ("http://bücher.example/x", "xn--bcher-kva.example", 80),
        ("http://[::1]:8080/", "::1", 8080),
        ("http://1.2.3.4:99/", "1.2.3.4", 99),
        ("http://a_b.example/", "a_b.example", 80),
        ("http://example.com./", "example.com.", 80),
    ],
)
def test_targets(url: str, host: str, port: int) -> None:
    target = parse_target(url)
    assert (target.host, target.port) == (host, port)
    assert target.url.isascii()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://h/a b", "space"),
        ("http://h/a\nb", "control character"),
        ("http://h\\@evil.example/", "backslash"),
        ("http://[::zz]/", "IPv6 address|valid"),
        ("http://h:99999/", "out of range"),
        ("http://h:x/", "could not be cast"),
        ("http:///x", "no host"),
        ("ftp://h/", "http:// or https://"),
        ("h.example/x", "http:// or https://"),
        ("http://user@h/", "user name or password"),
        ("http://@h/", "user name or password"),
        (f"http://{'ü' * 80}.example/", "valid name"),
        ("http://h/ü", "percent-encoded"),
    ],
)
def test_urls_that_cannot_be_requested(url: str, why: str) -> None:
    with pytest.raises(TransportError, match=why) as caught:
        parse_target(url)
    assert caught.value.fault is TransportFault.INVALID_URL


def test_a_query_is_not_shown_in_messages() -> None:
    with pytest.raises(TransportError) as caught:
        parse_target("ftp://h/?token=secret")
    assert "secret" not in str(caught.value)
