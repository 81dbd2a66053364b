"""Secrets: providers, replacement in job variables, masking."""

from __future__ import annotations

from coupler.secrets.filtering import AllowList, FilterMode
from coupler.secrets.masking import NOTHING_TO_MASK, Masker
from coupler.secrets.provider import SecretProvider, SecretScope
from coupler.secrets.resolution import BareReferences, Resolved, SecretFilter, Secrets

__all__ = [
    "NOTHING_TO_MASK",
    "AllowList",
    "BareReferences",
    "FilterMode",
    "Masker",
    "Resolved",
    "SecretFilter",
    "SecretProvider",
    "SecretScope",
    "Secrets",
]
