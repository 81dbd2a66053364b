"""Request headers: what callers may set, what the engine adds, and what it keeps for itself."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from coupler.errors import InputError
from coupler.telemetry.context import TraceHeaders

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SURROGATE: Final = re.compile("[\\ud800-\\udfff]")
_FORBIDDEN_IN_VALUE: Final = re.compile(r"[\x00\r\n]")

# The engine frames the message itself; a caller's own framing could only contradict it (RFC 9112, section 6).
# "Expect" would wait for an answer that most servers never send.
ENGINE_OWNED: Final = frozenset(
    {"content-length", "transfer-encoding", "expect", "proxy-authorization", "proxy-connection", "te", "upgrade"}
)


@lru_cache(maxsize=1024)
def lower_name(name: str) -> str:
    """A header's name in lower case.

    Raises:
        InputError: it is not a name that HTTP allows.
    """
    if _TOKEN.fullmatch(name) is None:
        raise InputError(
            f"The header name {name!r} is not valid: only letters, digits and !#$%&'*+-.^_`|~ are allowed."
        )
    return name.lower()


@lru_cache(maxsize=64)
def check_method(method: str) -> None:
    """Lets a method pass.

    Raises:
        InputError: it is not a method that HTTP allows.
    """
    if _TOKEN.fullmatch(method) is None:
        raise InputError(f"The method {method!r} is not valid.")


def outgoing_headers(
    headers: list[tuple[str, str]],
    user_agent: str,
    accept_encoding: str,
    content_length: int | None,
    trace: TraceHeaders = (),
) -> list[tuple[str, str]]:
    """The header lines as sent: the caller's in order, then the engine's own where the caller has none.

    ``trace`` is left out as a whole where the caller continues a trace of its own: its lines belong together.

    Raises:
        InputError: a name or value that cannot be sent.
    """
    lines: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in headers:
        lowered = lower_name(name)
        if lowered in ENGINE_OWNED:
            continue
        if not value.isascii() and _SURROGATE.search(value) is not None:
            raise InputError(f"The value of the header {name!r} holds half of a character (a surrogate).")
        if _FORBIDDEN_IN_VALUE.search(value) is not None:
            raise InputError(
                f"The value of the header {name!r} holds a line break or a NUL character, which cannot be sent."
            )
        seen.add(lowered)
        lines.append((name, value))
    if "accept-encoding" not in seen:
        lines.append(("Accept-Encoding", accept_encoding))
    if "user-agent" not in seen:
        lines.append(("User-Agent", user_agent))
    if trace and "traceparent" not in seen:
        lines.extend(line for line in trace if line[0] not in seen)
    if content_length is not None:
        lines.append(("Content-Length", str(content_length)))
    return lines


__all__ = ["ENGINE_OWNED", "check_method", "lower_name", "outgoing_headers"]
