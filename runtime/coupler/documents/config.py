"""What can be set about documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1024 * 1024


@dataclass(slots=True, frozen=True, kw_only=True)
class DocumentsConfig:
    """Limits of what is held in memory and of what is fetched."""

    max_read_bytes: int = 50 * MEBIBYTE
    """The largest content that is read into memory as a whole, and the most that one job's input takes in."""
    max_stream_bytes: int = 5 * 1024 * MEBIBYTE
    """The largest content that is passed on piece by piece."""
    max_functions: int = 10
    """Calls of intrinsic functions in the input of one job."""
    concurrent_reads: int = 4
    """How many contents one job's input reads at the same time."""
    connect_timeout_seconds: float = 20.0
    """For external documents."""
    read_timeout_seconds: float = 20.0
    """The longest silence of the server of an external document."""


__all__ = ["MEBIBYTE", "DocumentsConfig"]
