"""What an evaluation carries along: the variables in sight, and the run with its budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from coupler.feel.limits import LimitExceeded, Limits

if TYPE_CHECKING:
    from coupler.feel.registry import Overload

_STEPS_BETWEEN_CLOCK_CHECKS: Final = 4_000

_MOST_WARNINGS: Final = 50

INPUT: Final = "?"


class Run:
    """One evaluation: its root variables, the caller's functions, and what it has spent."""

    __slots__ = ("_clock_at", "deadline", "depth", "functions", "limits", "remaining", "root", "warnings")

    def __init__(
        self,
        root: Mapping[str, Any],
        functions: Mapping[str, tuple[Overload, ...]],
        limits: Limits,
        warnings: list[tuple[int, str]] | None = None,
    ) -> None:
        self.root = root
        self.functions = functions
        self.limits = limits
        self.remaining = steps = limits.steps
        self.warnings = warnings
        self.depth = 0
        self.deadline = 0.0
        self._clock_at = steps - _STEPS_BETWEEN_CLOCK_CHECKS if steps > _STEPS_BETWEEN_CLOCK_CHECKS else 0

    def spend(self, steps: int) -> None:
        """Charges the budget.

        Raises:
            LimitExceeded: when it is used up, in steps or in time.
        """
        self.remaining -= steps
        if self.remaining < self._clock_at:
            self._check()

    def _check(self) -> None:
        if self.remaining < 0:
            raise LimitExceeded("steps", self.limits.steps)
        self._clock_at = max(self.remaining - _STEPS_BETWEEN_CLOCK_CHECKS, 0)
        now = monotonic()
        if not self.deadline:
            self.deadline = now + self.limits.duration_seconds
        elif now > self.deadline:
            raise LimitExceeded("duration_seconds", self.limits.duration_seconds)

    def start_clock(self) -> None:
        """Starts the clock before anything that may take long without spending steps."""
        if not self.deadline:
            self.deadline = monotonic() + self.limits.duration_seconds

    def check_string(self, length: int) -> None:
        """Charges for a string that is about to be made."""
        if length > self.limits.string_length:
            raise LimitExceeded("string_length", self.limits.string_length)
        self.spend(1 + (length >> 4))

    def check_list(self, length: int) -> None:
        """Charges for a list that is about to be made."""
        if length > self.limits.list_length:
            raise LimitExceeded("list_length", self.limits.list_length)
        self.spend(1 + (length >> 1))

    def warn(self, position: int, message: str | Callable[[], str]) -> None:
        """Notes why a value is null, when somebody wants to know."""
        if self.warnings is None or len(self.warnings) >= _MOST_WARNINGS:
            return
        warning = (position, message if isinstance(message, str) else message())
        if warning not in self.warnings:
            self.warnings.append(warning)


class Scope:
    """Variables and the scope around them."""

    __slots__ = ("parent", "run", "vars")

    def __init__(self, variables: Mapping[str, Any], parent: Scope | None, run: Run) -> None:
        self.vars = variables
        self.parent = parent
        self.run = run


__all__ = ["INPUT", "Run", "Scope"]
