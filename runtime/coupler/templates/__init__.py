"""Element templates from connector models."""

from __future__ import annotations
