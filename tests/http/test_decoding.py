"""Content codings, against the engine and piece by piece."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from coupler.http import decoding
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TransportError, TransportFault
from tests.http.server import Server, always, reply

TEXT = b"The quick brown fox jumps over the lazy dog. " * 5000


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
    "deflate, gzip": lambda data: gzip.compress(zlib.compress(data)),
}


@pytest.mark.parametrize("coding", CODINGS)
async def test_bodies_are_decoded_and_the_header_stays(engine: Engine, coding: str) -> None:
    body = CODINGS[coding](TEXT)
    async with Server(always(reply(body=body, headers=[("Content-Encoding", coding)]))) as server:
        response = await engine.send(HttpRequest("GET", server.url))
    assert response.body == TEXT
    assert response.header("content-encoding") == coding
    assert response.header("content-length") == str(len(body))


async def test_deflate_without_its_wrapper(engine: Engine) -> None:
    async with Server(always(reply(body=raw_deflate(TEXT), headers=[("Content-Encoding", "deflate")]))) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).body == TEXT


async def test_gzip_of_several_members(engine: Engine) -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two")
    async with Server(always(reply(body=body, headers=[("Content-Encoding", "gzip")]))) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).body == b"one two"


async def test_an_unknown_coding_leaves_the_bytes(engine: Engine) -> None:
    async with Server(always(reply(body=b"\1\2\3", headers=[("Content-Encoding", "compress")]))) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).body == b"\1\2\3"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "garbage"])
async def test_broken_codings(engine: Engine, coding: str, damage: str) -> None:
    whole = CODINGS[coding](TEXT)
    body = whole[: len(whole) // 2] if damage == "cut" else b"this is not compressed at all, not in the least"
    async with Server(always(reply(body=body, headers=[("Content-Encoding", coding)]))) as server:
        with pytest.raises(TransportError) as caught:
            await engine.send(HttpRequest("GET", server.url))
    assert (caught.value.fault, caught.value.headers_received) == (TransportFault.PROTOCOL, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_an_empty_body_with_a_coding(engine: Engine, coding: str) -> None:
    async with Server(always(reply(body=b"", headers=[("Content-Encoding", coding)]))) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).body == b""


def test_all_codings_are_offered() -> None:
    assert decoding.accepted_codings() == "gzip, deflate, br, zstd"


def test_an_absurd_chain_of_codings_is_refused() -> None:
    with pytest.raises(decoding.UnknownCoding):
        decoding.decoders(", ".join(["gzip"] * 10))


@given(
    data=st.binary(max_size=5000), size=st.integers(1, 500), coding=st.sampled_from(["gzip", "deflate", "br", "zstd"])
)
@settings(max_examples=200, deadline=None)
def test_the_way_a_body_is_cut_makes_no_difference(data: bytes, size: int, coding: str) -> None:
    chain = decoding.decoders(coding)
    body = CODINGS[coding](data)
    decoded = b"".join(
        piece
        for start in range(0, len(body), size)
        for piece in decoding.decode_pieces(chain, body[start : start + size])
    )
    for decoder in chain:
        decoder.finish()
    assert decoded == data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_pieces_stay_small(coding: str) -> None:
    body = CODINGS[coding](b"\0" * 5_000_000)
    pieces = list(decoding.decode_pieces(decoding.decoders(coding), body))
    assert sum(map(len, pieces)) == 5_000_000
    assert max(map(len, pieces)) <= 4 * decoding.PIECE_BYTES
