"""Which job types a deployment serves, of those that its connectors could."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True, frozen=True)
class ServedTypes:
    """A list of the only ones, or a list of those that are not; in lower case. ``only`` of nothing serves nothing."""

    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()

    @classmethod
    def of(cls, only: Iterable[str] | None, but: Iterable[str]) -> ServedTypes:
        """From lists as they are written, in any case."""
        return cls(None if only is None else frozenset(map(str.lower, only)), frozenset(map(str.lower, but)))

    def why_not(self, job_type: str) -> str:
        """Why a type gets no worker; empty when it does."""
        if self.only is not None and job_type.lower() not in self.only:
            return "its job type is not on the list of enabled types"
        return "its job type is on the list of disabled types" if job_type.lower() in self.but else ""


ALL_TYPES: Final = ServedTypes()

__all__ = ["ALL_TYPES", "ServedTypes"]
