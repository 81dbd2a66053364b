"""Secrets: providers, replacement in job variables, masking."""

from __future__ import annotations
