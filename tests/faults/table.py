"""The fault table: one row per fault, printed after the last test."""

from __future__ import annotations

from dataclasses import dataclass

HEADINGS = ("fault", "sent", "completed", "lost", "run twice", "seconds to recover", "remarks")

rows: list[Row] = []
"""Every row of this run, in the order of the tests."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Row:
    """What became of the jobs under one fault.

    ``run_twice`` counts calls of the other system beyond those that the model asks for; ``recovered_seconds`` runs from
    the end of the fault to the next completed job.
    """

    fault: str
    sent: int
    completed: int
    run_twice: int
    recovered_seconds: float | None = None
    remarks: str = ""

    @property
    def lost(self) -> int:
        """Jobs that nobody finished."""
        return self.sent - self.completed

    def __str__(self) -> str:
        recovered = "" if self.recovered_seconds is None else f"{max(0.0, self.recovered_seconds):.1f}"
        cells = (self.fault, self.sent, self.completed, self.lost, self.run_twice, recovered, self.remarks)
        return "| " + " | ".join(str(cell) for cell in cells) + " |"


def report(row: Row, *, may_run_twice: int = 0) -> None:
    """Adds a row, and fails when jobs are lost, or when more were run twice than may be."""
    rows.append(row)
    print(row)
    assert row.lost == 0, f"jobs were lost: {row}"
    assert row.run_twice <= may_run_twice, f"jobs were run twice: {row}"


def text() -> str:
    """The whole table."""
    head = "| " + " | ".join(HEADINGS) + " |"
    return "\n".join([head, "|" + "---|" * len(HEADINGS), *map(str, rows)])
