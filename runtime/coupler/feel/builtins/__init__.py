"""The functions of FEEL, a module for each kind; importing this package registers them."""

from __future__ import annotations

from coupler.feel.builtins import aggregate, boolean, context, conversion, json, list, number, range, string, temporal  # noqa: A004

GROUPS = (boolean, string, number, list, aggregate, context, temporal, range, conversion, json)

__all__ = ["GROUPS"]
