"""Job workers: from subscription to the one command that ends a job."""

from __future__ import annotations
