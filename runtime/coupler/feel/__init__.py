"""FEEL as feel-scala evaluates it."""

from __future__ import annotations
