"""The URL block list: rules over the URL's text, its port, or a pattern for the whole of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from coupler.errors import EgressDenied
from coupler.http.config import BlockRule
from coupler.http.messages import TransportError
from coupler.http.targets import parse_target

log = logging.getLogger(__name__)

Check: TypeAlias = Callable[[str], bool]


def _substring(value: str) -> Check:
    return lambda url: value in url


def _pattern(value: str) -> Check | None:
    try:
        pattern = re.compile(value)
    except re.error as error:
        log.warning("HTTP block rule dropped: %r is not a regular expression: %s", value, error)
        return None
    return lambda url: pattern.fullmatch(url) is not None


def _port(value: str) -> Check | None:
    ports: set[int] = set()
    for piece in value.split(","):
        text = piece.strip()
        if text.isascii() and text.isdigit() and int(text) <= 65535:
            ports.add(int(text))
        else:
            log.warning("HTTP block rule: %r is not a port number; it is ignored", text)
    if not ports:
        return None

    def check(url: str) -> bool:
        try:
            return parse_target(url).port in ports
        except TransportError:
            return False  # it cannot be requested anyway

    return check


_KINDS: dict[str, Callable[[str], Check | None]] = {"URL": _substring, "PORT": _port, "REGEX": _pattern}


def _hit(rule: BlockRule) -> EgressDenied:
    what = "port" if rule.kind == "PORT" else "URL"
    name = f" (Block Name: {rule.name})" if rule.name else ""
    return EgressDenied(f"The provided {what} is not allowed{name}")


class BlockList:
    """Compiled block rules. A rule that makes no sense is dropped with a warning, the others hold."""

    def __init__(self, rules: Iterable[BlockRule]) -> None:
        self._checks: list[tuple[Check, BlockRule]] = []
        for rule in rules:
            make = _KINDS.get(rule.kind)
            check = make(rule.value) if make is not None and rule.value.strip() else None
            if make is None:
                log.warning("HTTP block rule dropped: there is no type %r, only URL, PORT and REGEX", rule.kind)
            if check is not None:
                self._checks.append((check, rule))

    def __bool__(self) -> bool:
        return bool(self._checks)

    def check(self, url: str) -> None:
        """Asks every rule about a URL.

        Raises:
            EgressDenied: a rule forbids it.
        """
        for check, rule in self._checks:
            if check(url):
                raise _hit(rule)


__all__ = ["BlockList"]
