"""Settings: one model, several sources, Java names as aliases."""

from __future__ import annotations

from coupler.settings.loading import Loaded, Sources, load
from coupler.settings.model import Settings

__all__ = ["Loaded", "Settings", "Sources", "load"]
