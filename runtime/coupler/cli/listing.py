"""Tables for people and JSON for scripts."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from coupler import __version__

if TYPE_CHECKING:
    from coupler.registry import Registered
    from coupler.settings.show import Row

_LIBRARIES = ("grpcio", "protobuf", "aiohttp", "httpx", "pydantic", "msgspec", "fastapi", "uvicorn")


def connectors(registered: Iterable[Registered], *, as_json: bool) -> str:
    """One line a connector."""
    if as_json:
        return _dumped(
            [
                {
                    "plugin": each.plugin,
                    "type": each.type,
                    "name": each.name,
                    "origin": each.origin,
                    "enabled": each.enabled,
                    "disabled_because": each.disabled_because,
                    "input_variables": list(each.input_variables),
                }
                for each in registered
            ]
        )
    rows = [(each.type or "-", each.plugin, each.name, each.origin, _state(each)) for each in registered]
    return _table(("JOB TYPE", "PLUG-IN", "NAME", "FROM", "STATE"), rows)


def settings(rows: Sequence[Row], *, as_json: bool) -> str:
    """One line a setting."""
    if as_json:
        return _dumped([asdict(row) for row in rows])
    return _table(("SETTING", "VALUE", "FROM"), [(row.name, _text(row.value), row.origin) for row in rows])


def versions() -> str:
    """Coupler, Python, and the libraries that matter when something is reported."""
    lines = [f"coupler {__version__}", f"python {platform.python_version()}"]
    for name in _LIBRARIES:
        try:
            lines.append(f"{name} {installed_version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} is not installed")
    return "\n".join(lines) + "\n"


def _state(registered: Registered) -> str:
    return "on" if registered.enabled else f"off: {registered.disabled_because}"


def _text(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _dumped(value: object) -> str:
    return json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    return "\n".join(lines) + "\n"
