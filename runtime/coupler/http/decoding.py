"""Content codings of response bodies (RFC 9110, section 8.4), undone piece by piece under a size limit.

gzip and deflate come with Python; ``br`` and ``zstd`` are offered to servers when their libraries are installed.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, Protocol

PIECE_BYTES: Final = 64 * 1024


class MalformedContent(Exception):
    """The body does not follow its content coding."""


class UnknownCoding(Exception):
    """The body has a coding that cannot be undone here."""


class Decoder(Protocol):
    """Undoes one coding; yields pieces of bounded size, so that the caller can stop a bomb early."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decodes more input.

        Raises:
            MalformedContent: the input is broken.
        """
        ...

    def finish(self) -> None:
        """Tells that the input ended.

        Raises:
            MalformedContent: the input ended too early.
        """
        ...


class _ZlibDecoder:
    """gzip (also several members in a row) and deflate, both with and without the zlib wrapper."""

    __slots__ = ("_engine", "_started", "_wbits")

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._engine = zlib.decompressobj(wbits)
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._engine.eof:
                if self._wbits <= zlib.MAX_WBITS or not data.startswith(b"\x1f\x8b"):
                    return  # what follows the end of the stream is padding
                self._engine = zlib.decompressobj(self._wbits)
            try:
                piece = self._engine.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                if self._started or self._wbits != zlib.MAX_WBITS:
                    raise MalformedContent(str(error)) from error
                # Many servers send "deflate" without the zlib wrapper that RFC 9110 asks for.
                self._wbits = -zlib.MAX_WBITS
                self._engine = zlib.decompressobj(self._wbits)
                continue
            self._started = True
            if piece:
                yield piece
            data = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail

    def finish(self) -> None:
        if self._started and not self._engine.eof:
            raise MalformedContent("the compressed body ends too early")


class _LibraryDecoder:
    """br and zstd: the library's incremental decoder behind the same face."""

    __slots__ = ("_complete", "_started", "_step")

    def __init__(self, step: Callable[[bytes], Iterator[bytes]], complete: Callable[[], bool]) -> None:
        self._step = step
        self._complete = complete
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._started = True
        try:
            yield from self._step(data)
        except Exception as error:
            raise MalformedContent(str(error)) from error

    def finish(self) -> None:
        if self._started and not self._complete():
            raise MalformedContent("the compressed body ends too early")


def _brotli(library: Any) -> Decoder:
    engine = library.Decompressor()

    def step(data: bytes) -> Iterator[bytes]:
        piece = engine.process(data, output_buffer_limit=PIECE_BYTES)
        while piece or not engine.can_accept_more_data():
            if piece:
                yield piece
            piece = engine.process(b"", output_buffer_limit=PIECE_BYTES)

    return _LibraryDecoder(step, engine.is_finished)


def _zstd(library: Any) -> Decoder:
    state = {"engine": library.ZstdDecompressor()}

    def step(data: bytes) -> Iterator[bytes]:
        while data or not (state["engine"].needs_input or state["engine"].eof):
            if state["engine"].eof:
                state["engine"] = library.ZstdDecompressor()
            piece = state["engine"].decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            data = state["engine"].unused_data if state["engine"].eof else b""

    return _LibraryDecoder(step, lambda: bool(state["engine"].eof))


@cache
def _libraries() -> dict[str, Callable[[], Decoder]]:
    found: dict[str, Callable[[], Decoder]] = {}
    for coding, names, make in (
        ("br", ("brotli", "brotlicffi"), _brotli),
        ("zstd", ("compression.zstd", "backports.zstd"), _zstd),
    ):
        for name in names:
            try:
                library = importlib.import_module(name)
            except ImportError:
                continue
            found[coding] = lambda make=make, library=library: make(library)  # type: ignore[misc]
            break
    return found


@cache
def accepted_codings() -> str:
    """The value of ``Accept-Encoding`` that this installation can honour."""
    return ", ".join(["gzip", "deflate", *_libraries()])


def _decoder(coding: str) -> Decoder:
    if coding in ("gzip", "x-gzip"):
        return _ZlibDecoder(16 + zlib.MAX_WBITS)
    if coding == "deflate":
        return _ZlibDecoder(zlib.MAX_WBITS)
    make = _libraries().get(coding)
    if make is None:
        raise UnknownCoding(coding)
    return make()


MAX_CODINGS: Final = 3


def decoders(content_encoding: str) -> list[Decoder]:
    """The decoders that undo a ``Content-Encoding`` value, in the order in which to apply them.

    Raises:
        UnknownCoding: for a coding without a decoder here, or for an absurd number of codings.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    codings = [name for name in names if name and name != "identity"]
    if len(codings) > MAX_CODINGS:
        raise UnknownCoding(content_encoding)
    return [_decoder(name) for name in reversed(codings)]


def decode_pieces(chain: list[Decoder], data: bytes) -> Iterator[bytes]:
    """Feeds ``data`` through all decoders of ``chain``."""
    if not chain:
        yield data
        return
    for piece in chain[0].feed(data):
        yield from decode_pieces(chain[1:], piece)


__all__ = ["Decoder", "MalformedContent", "UnknownCoding", "accepted_codings", "decode_pieces", "decoders"]
