"""The egress policy where connections are made: a name that has another address than a moment ago leads nowhere.

botocore resolves names by itself, after the check of the URL, so the answer may be another one (DNS rebinding). What
counts is the address of the connection, which is known before anything is sent.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from coupler_s3.threads import check_connection


def guard_connections(client: Any) -> None:
    """Lets the guard of the work that makes a connection judge its address. Proxies are the operator's, and are not."""
    manager = client._endpoint.http_session._manager
    manager.pool_classes_by_scheme = {scheme: _pool(kind) for scheme, kind in manager.pool_classes_by_scheme.items()}


@cache
def _pool(kind: Any) -> Any:
    return type(kind.__name__, (kind,), {"ConnectionCls": _connection(kind.ConnectionCls)})


def _connection(kind: Any) -> Any:
    def _new_conn(self: Any) -> Any:
        opened = kind._new_conn(self)
        try:
            host = f"[{self.host}]" if ":" in self.host else self.host
            check_connection(f"http://{host}:{self.port}", opened.getpeername()[0])
        except BaseException:
            opened.close()
            raise
        return opened

    return type(kind.__name__, (kind,), {"_new_conn": _new_conn})


__all__ = ["guard_connections"]
