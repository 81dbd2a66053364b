"""Loading settings from what a test gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from coupler.settings import Loaded, Sources, load
from coupler.settings.show import Row, rows


def loaded(folder: Path, environ: Mapping[str, str] | None = None, **sources: object) -> Loaded:
    """The settings that come of an environment and of other sources, with nothing of the real environment."""
    return load(Sources(environ=environ or {}, folder=folder, **sources))  # type: ignore[arg-type]


def row(answer: Loaded, name: str) -> Row:
    """What ``coupler config show`` tells of one setting."""
    return next(each for each in rows(answer) if each.name == name)
