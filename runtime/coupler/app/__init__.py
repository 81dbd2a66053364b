"""The composition root: the only package that knows all parts.

    settings ──▶ gateway client, HTTP engine, secrets, documents, connectors ──▶ worker ──▶ admin

``wiring`` makes the parts from the settings, ``runtime`` is their life from start to drain, ``signals`` its end.
"""

from __future__ import annotations

from coupler.app.runtime import Runtime
from coupler.app.signals import own_signals, run_until_signalled

__all__ = ["Runtime", "own_signals", "run_until_signalled"]
