"""Messages of the gateway protocol, generated from gateway.proto by `make proto`."""

from __future__ import annotations
