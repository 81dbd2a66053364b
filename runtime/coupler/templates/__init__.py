"""Element templates from connector models: generated, checked, applied to process models without a modeler."""

from __future__ import annotations
