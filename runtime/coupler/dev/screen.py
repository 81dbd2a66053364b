"""What a developer sees in the terminal: a live table, or lines where the output is no terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from coupler.embedded.view import EngineView, InstanceView
from coupler.worker.status import RunningJob

SHOWN = 14
"""Instances that a table has at most."""
_FRAME = 5  # lines of a table beside its rows: title, head, borders
_STYLES = {"active": "cyan", "completed": "green", "terminated": "yellow", "incident": "bold red"}


class Screen(Protocol):
    """Shows snapshots as they come."""

    def show(self, snapshot: EngineView, running: Sequence[RunningJob]) -> None:
        """The state of engine and worker at this moment."""
        ...

    def close(self) -> None:
        """Leaves the terminal in order."""
        ...


class Lines:
    """One line for each instance that starts, ends or gets stuck."""

    def __init__(self, header: Sequence[str], stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._told: dict[int, str] = {}
        for line in header:
            self._write(line)

    def show(self, snapshot: EngineView, running: Sequence[RunningJob]) -> None:
        """Writes what is new since the last time."""
        for instance in reversed(snapshot.instances):
            state = _state(instance)
            if self._told.get(instance.key) != state:
                self._told[instance.key] = state
                self._write(f"{_clock()} {instance.process_id} {instance.key} {state} {_detail(instance, snapshot)}")
        shown = {instance.key for instance in snapshot.instances}
        self._told = {key: state for key, state in self._told.items() if key in shown}

    def close(self) -> None:
        """Nothing to restore."""

    def _write(self, line: str) -> None:
        self._stream.write(line.rstrip() + "\n")
        self._stream.flush()


class LiveTable(logging.Handler):
    """A table that is drawn over and over, with the last log lines below it. Takes the place of the log handler."""

    def __init__(self, header: Sequence[str], console: Console | None = None) -> None:
        super().__init__()
        self._header = Text("\n".join(header), style="bold")
        self._lines: deque[str] = deque(maxlen=5)
        self._console = console or Console()
        self._live = Live(Text("…"), console=self._console, auto_refresh=False, transient=False)
        self._live.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the line for the next drawing."""
        self._lines.append(self.format(record).splitlines()[0])

    def show(self, snapshot: EngineView, running: Sequence[RunningJob]) -> None:
        """Draws."""
        self._live.update(Group(*self._parts(snapshot, running)), refresh=True)

    def close(self) -> None:
        """Leaves the last drawing in the terminal."""
        self._live.stop()
        super().close()

    def _parts(self, snapshot: EngineView, running: Sequence[RunningJob]) -> Iterator[RenderableType]:
        """All that is shown. The instances get what the rest leaves: what is below the terminal's edge is not seen."""
        height = self._console.height
        above = [self._header, Text(_counts(snapshot, running), style="dim")]
        below: list[RenderableType] = []
        if snapshot.incidents:
            below.append(_incidents(snapshot, max(1, min(5, height // 8))))
        if self._lines:
            below.append(self._log(max(3, height // 6)))
        free = height - 1 - _FRAME - sum(map(self._lines_of, (*above, *below)))
        yield from above
        yield _instances(snapshot, max(3, min(SHOWN, free)))
        yield from below

    def _log(self, most: int) -> Text:
        """The last lines, whole, as many as have room."""
        lines = list(self._lines)
        while len(lines) > 1 and self._lines_of(_log_text(lines)) > most:
            del lines[0]
        return _log_text(lines)

    def _lines_of(self, part: RenderableType) -> int:
        return len(self._console.render_lines(part, pad=False))


def _log_text(lines: Sequence[str]) -> Text:
    return Text("\n".join(lines), style="dim")


def _instances(snapshot: EngineView, rows: int) -> Table:
    table = Table(title="Process instances", title_justify="left", expand=True)
    for name in ("Process", "Instance", "State"):
        table.add_column(name, no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
    for instance in snapshot.instances[:rows]:
        state = _state(instance)
        cells = (instance.process_id, str(instance.key), _detail(instance, snapshot))
        table.add_row(Text(cells[0]), Text(cells[1]), Text(state, style=_STYLES[state]), Text(cells[2]))
    return table


def _incidents(snapshot: EngineView, rows: int) -> Table:
    table = Table(title="Incidents", title_justify="left", expand=True)
    for name in ("Process", "Element", "Type"):
        table.add_column(name, no_wrap=True)
    table.add_column("Message", no_wrap=True, overflow="ellipsis", ratio=1)
    for incident in snapshot.incidents[:rows]:
        cells = (incident.process_id, incident.element_id, incident.type, _short(incident.message))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _counts(snapshot: EngineView, running: Sequence[RunningJob]) -> str:
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(snapshot.jobs.items()) if count)
    incidents = f"{snapshot.open_incidents} incident{'' if snapshot.open_incidents == 1 else 's'}"
    return (
        f"{snapshot.active_instances} active, {snapshot.completed_instances} completed, {incidents}"
        f" · jobs: {jobs or 'none'} · {len(running)} running here"
    )


def _state(instance: InstanceView) -> str:
    return "incident" if instance.incidents else instance.state


def _detail(instance: InstanceView, snapshot: EngineView) -> str:
    for incident in snapshot.incidents:
        if incident.process_instance_key == instance.key:
            return f"at {incident.element_id}: {_short(incident.message)}"
    if instance.state == "active":
        return f"at {', '.join(instance.elements)}" if instance.elements else ""
    return instance.variables


def _short(message: str) -> str:
    """Without the variables that the worker appends to a message for machines."""
    return message.partition(" | Error variables: ")[0]


def _clock() -> str:
    return time.strftime("%H:%M:%S")
