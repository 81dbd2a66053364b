"""OAuth 2.0 access tokens for connectors: fetched once, shared by all jobs, dropped before they expire."""

from __future__ import annotations

from coupler.http.oauth import TokenCache, TokenRequest

__all__ = ["TokenCache", "TokenRequest"]
