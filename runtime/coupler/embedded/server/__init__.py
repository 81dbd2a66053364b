"""The engine as a gateway: the same calls that a cluster answers, over gRPC."""

from __future__ import annotations
