"""``coupler dev`` and ``coupler engine``: the embedded engine for people who write process models."""

from __future__ import annotations
