"""The egress policy: where calls may go, asked for every hop and again for every address at the moment of connecting.

A name is judged by all addresses it resolves to, and the address that is really dialled is judged once more, so neither
a resolver that changes its mind (DNS rebinding) nor a redirect leads past the policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from coupler.errors import EgressDenied
from coupler.http import addresses
from coupler.http.addresses import Address, Verdict, networks, within
from coupler.http.blocklist import BlockList
from coupler.http.config import EgressConfig
from coupler.http.messages import TransportError
from coupler.http.targets import parse_target

MAX_REMEMBERED: Final = 10_000
_HINTS: Final = {
    Verdict.LINK_LOCAL: "link-local addresses are reachable only when they are in the allow list",
    Verdict.METADATA: "cloud metadata services are reachable only when they are in the allow list",
}


class EgressPolicy:
    """Rules compiled from an ``EgressConfig``."""

    def __init__(self, config: EgressConfig) -> None:
        self._config = config
        self._blocked = BlockList(config.block_rules)
        self._allowed = networks(*config.allow_ranges)
        self._denied = networks(*config.deny_ranges)
        self._passed: set[str] = set()  # hosts as written, which the rules alone decide about
        self._allowed_hosts = frozenset(host.lower().rstrip(".") for host in config.allow_hosts)

    def check_url(self, url: str) -> None:
        """Asks the block list about a URL as it is sent, with its host as it is called, and as a model may have it.

        Raises:
            EgressDenied: naming the rule.
        """
        if self._blocked:
            for form in _forms(url):
                self._blocked.check(form)

    def host_is_allowed(self, host: str) -> bool:
        """Whether the allow list names the host, so that its addresses are not judged."""
        host = host.lower().rstrip(".")
        return host in self._allowed_hosts

    def check_host(self, host: str) -> None:
        """Judges a host before it is resolved: a literal address, or a name that stands for a metadata service.

        Raises:
            EgressDenied: naming the rule.
        """
        if host in self._passed:
            return
        if not self.host_is_allowed(host):
            if host.lower().rstrip(".") in addresses.METADATA_HOSTS:
                raise _denial(host, host, Verdict.METADATA)
            if addresses.read_address(host) is not None:
                self.check_addresses(host, [host])
        if len(self._passed) >= MAX_REMEMBERED:
            self._passed.clear()
        self._passed.add(host)

    def check_addresses(self, host: str, found: Iterable[str]) -> None:
        """Judges the addresses that a host resolved to; one that is denied denies the host.

        Raises:
            EgressDenied: naming host, address and rule.
        """
        if self.host_is_allowed(host):
            return
        for text in found:
            address = addresses.read_address(text)
            verdict = Verdict.NOT_UNICAST if address is None else self.judge(address)
            if verdict is not Verdict.ALLOWED:
                raise _denial(host, text, verdict)

    def judge(self, address: Address) -> Verdict:
        """The verdict over one address; a transition address is judged by what it leads to as well."""
        inner = addresses.carried(address)
        if inner is not None and not within(address, self._allowed):
            verdict = self._judge_plain(inner)
            if verdict is not Verdict.ALLOWED:
                return verdict
        return self._judge_plain(address)

    def _judge_plain(self, address: Address) -> Verdict:
        if within(address, self._allowed):
            return Verdict.ALLOWED
        never = self._never(address)
        if never is not Verdict.ALLOWED:
            return never
        if within(address, self._denied):
            return Verdict.DENY_LIST
        if self._config.validate_hosts and within(address, addresses.RESERVED):
            return Verdict.RESERVED
        if not self._config.allow_private_ranges and within(address, addresses.PRIVATE):
            return Verdict.PRIVATE
        return Verdict.ALLOWED

    def _never(self, address: Address) -> Verdict:
        if within(address, addresses.METADATA):
            return Verdict.METADATA
        if within(address, addresses.LINK_LOCAL):
            return Verdict.LINK_LOCAL
        if not self._config.allow_loopback and within(address, addresses.LOOPBACK):
            return Verdict.LOOPBACK
        if within(address, addresses.NOT_UNICAST) and (self._config.validate_hosts or not self._config.allow_loopback):
            return Verdict.NOT_UNICAST  # 0.0.0.0 reaches this very machine
        return Verdict.ALLOWED


def _forms(url: str) -> Iterable[str]:
    """A URL in all the forms that a rule may have been written for."""
    yield url
    called = _called(url)
    if called != url:
        yield called
    if "%" in url:
        for plain in {unquote(url), unquote(called)}:
            yield plain
            path, mark, query = plain.partition("?")
            yield f"{path}{mark}{query.replace(' ', '+')}"  # which a blank of a query may have been in the model


def _called(url: str) -> str:
    """The URL with its host in lower case and in its IDNA form."""
    try:
        target = parse_target(url)
    except TransportError:
        return url  # it cannot be requested anyway
    return f"{target.scheme}://{target.authority}{target.path}"


def _denial(host: str, address: str, verdict: Verdict) -> EgressDenied:
    hint = _HINTS.get(verdict)
    tail = f" ({hint})" if hint else ""
    return EgressDenied(f"Host '{host}' resolved to '{address}' was denied: {verdict.value}{tail}")


__all__ = ["EgressPolicy"]
