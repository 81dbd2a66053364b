"""The author kit: harness, fake gateway, contract suite."""

from __future__ import annotations
