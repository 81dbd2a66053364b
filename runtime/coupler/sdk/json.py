"""The runtime's JSON codec for connectors: fractions are read as ``Decimal``, and all numbers are exact both ways."""

from __future__ import annotations

from coupler.json import Malformed, dump_bytes, dumps, loads

__all__ = ["Malformed", "dump_bytes", "dumps", "loads"]
