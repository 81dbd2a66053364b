"""Variables of the Java runtime that nothing here reads: said at the start, so that nobody relies on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from coupler.settings.aliases import ALIASES
from coupler.settings.sources import is_service_link

_JAVA = re.compile(
    r"CAMUNDA_(CLIENTS?|CONNECTOR)_\w+"
    r"|CONNECTOR_\w+_(FUNCTION|INPUT_VARIABLES)"
    r"|CONNECTOR_OUTBOUND_DISCOVERY_DISABLED"
    r"|CONNECTOR_HTTPS?_PLAIN_PROXY_\w+"
)
_READ = re.compile(
    r"CAMUNDA_CLIENT_CLOUD_(CLUSTERID|CLUSTER_ID|REGION)"
    r"|CAMUNDA_CONNECTOR_(HTTP_BLOCK|VALIDATION_HOSTS)_\w+"
)
# Nothing is lost without them: what they choose is found out here, is not there at all, or is about inbound connectors.
_NEEDLESS = re.compile(
    r"CAMUNDA_CLIENT_(MODE|(ZEEBE_)?EXECUTION_?THREADS|AUTH_CREDENTIALS_?CACHE_?PATH)"
    r"|CAMUNDA_CONNECTOR_(POLLING|WEBHOOK|INBOUND|VIRTUAL_?THREADS|PROCESS_?DEFINITION_?SEARCH)_\w+"
)


def without_effect(environ: Mapping[str, str]) -> Iterator[str]:
    """One warning that names them all."""
    names = sorted(name for name, text in environ.items() if _is_idle(name, text))
    if names:
        yield f"These variables of the Java runtime have no effect here: {', '.join(names)}."


def _is_idle(name: str, text: str) -> bool:
    if _JAVA.fullmatch(name) is None or name in _ALIASED or is_service_link(name, text):
        return False
    return _READ.fullmatch(name) is None and _NEEDLESS.fullmatch(name) is None


_ALIASED = frozenset(name for alias in ALIASES for name in alias.variables())
