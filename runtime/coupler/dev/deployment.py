"""BPMN files on disk, deployed at the start and again whenever one changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from coupler.embedded import EngineThread, Rejection

WATCH_SECONDS = 0.5

_Version = tuple[int, int]

log = logging.getLogger(__name__)


class Deployment:
    """Files and folders that an engine shall know."""

    def __init__(self, engine: EngineThread, paths: Iterable[Path]) -> None:
        self._engine = engine
        self._paths = tuple(paths)
        self._seen: dict[Path, _Version] = {}

    async def refresh(self) -> int:
        """Deploys what is new or changed; returns how many files were refused."""
        refused = 0
        for path in bpmn_files(self._paths):
            version = _version(path)
            if version is None or self._seen.get(path) == version:
                continue
            self._seen[path] = version
            refused += not await self._deploy(path)
        return refused

    async def watch(self) -> None:
        """Refreshes for ever."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.refresh()

    async def _deploy(self, path: Path) -> bool:
        try:
            deployed = await self._engine.deploy(path.name, await asyncio.to_thread(path.read_bytes))
        except (Rejection, OSError) as error:
            log.error("%s was not deployed: %s", path, error)
            return False
        for each in deployed:
            log.info("Deployed %s, version %d, from %s.", each.process_id, each.version, path)
        return True


def bpmn_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are named; of folders every ``.bpmn`` file below them, in order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*.bpmn") if each.is_file())
        elif path.exists():
            yield path


def _version(path: Path) -> _Version | None:
    """What tells one content of a file from the next; ``None`` while an editor replaces it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
