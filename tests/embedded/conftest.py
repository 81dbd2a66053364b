"""A fresh engine for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded.harness import Harness


@pytest.fixture
def engine() -> Iterator[Harness]:
    """An engine in memory, with a clock of its own."""
    with Harness() as harness:
        yield harness
