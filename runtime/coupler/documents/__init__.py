"""Documents: references in variables, and the stores behind them."""

from __future__ import annotations
