from __future__ import annotations

import io
import logging
from dataclasses import replace

from rich.console import Console

from coupler.dev.screen import Lines, LiveTable
from coupler.embedded import EngineView, IncidentView, InstanceView
from coupler.telemetry.logs import TextFormatter

ACTIVE = InstanceView(7, "order", 1, "active", ("call",), '{"a":1}', 0, 1000, None)
STUCK = replace(ACTIVE, key=8, incidents=1)
DONE = replace(ACTIVE, key=7, state="completed", elements=(), ended_ms=2000)
INCIDENT = IncidentView(9, "JOB_NO_RETRIES", "[bold]broken[/bold]", "call", "order", 8, 3, 1000)


def snapshot(*instances: InstanceView, incidents: tuple[IncidentView, ...] = ()) -> EngineView:
    return EngineView(instances, incidents, (), 1, len(incidents), {"ready": 2, "failed": 0}, 5, 0)


def test_lines_tell_what_is_new() -> None:
    stream = io.StringIO()
    lines = Lines(["Coupler dev"], stream)

    lines.show(snapshot(ACTIVE), [])
    lines.show(snapshot(ACTIVE), [])
    lines.show(snapshot(STUCK, DONE, incidents=(INCIDENT,)), [])
    lines.close()

    told = [line.split(" ", 1)[-1] for line in stream.getvalue().splitlines()]
    assert told == [
        "dev",
        "order 7 active at call",
        'order 7 completed {"a":1}',
        "order 8 incident at call: [bold]broken[/bold]",
    ]


def test_the_table_shows_instances_incidents_and_the_last_log_lines() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=160, force_terminal=True, color_system=None)
    table = LiveTable(["Coupler dev · page http://127.0.0.1:8080"], console)
    table.setFormatter(TextFormatter())
    table.handle(logging.LogRecord("coupler.worker", logging.WARNING, "", 0, "Job %d failed", (3,), None))

    table.show(snapshot(STUCK, DONE, incidents=(INCIDENT,)), [])
    table.close()

    drawn = stream.getvalue()
    for text in (
        "page http://127.0.0.1:8080",
        "1 active, 5 completed, 1 incident · jobs: 2 ready · 0 running here",
        "JOB_NO_RETRIES",
        "[bold]broken[/bold]",  # text of a model is never markup
        "completed",
        "Job 3 failed",
    ):
        assert text in drawn


def test_everything_has_room_in_a_small_terminal() -> None:
    # Given a terminal of 80 by 24, more instances and incidents than it can hold, and log lines longer than it is wide
    stream = io.StringIO()
    console = Console(file=stream, width=80, height=24, force_terminal=True, color_system=None)
    table = LiveTable(["Coupler dev · " + "page http://127.0.0.1:8080 " * 4, "Ctrl-C ends it"], console)
    table.setFormatter(TextFormatter())
    for number in range(5):
        told = f"Job {number} of an element with a long name " + "of a process " * 8 + f"failed: reason {number}"
        table.handle(logging.LogRecord("coupler.worker", logging.WARNING, "", 0, told, (), None))
    stuck = [replace(STUCK, key=100 + number) for number in range(20)]
    incidents = tuple(replace(INCIDENT, key=200 + number, message=f"incident {number}") for number in range(9))

    # When it is drawn
    table.show(snapshot(*stuck, incidents=incidents), [])
    drawn = stream.getvalue()
    table.close()

    # Then nothing is cut off at the bottom: the newest of each kind is there, and the end of the last log line
    assert drawn.count("\n") < 24
    for text in ("Ctrl-C ends it", " 100 ", " 102 ", "incident 0", "failed: reason 4"):
        assert text in " ".join(drawn.split())
