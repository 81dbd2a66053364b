"""BPMN 2.0 XML with Zeebe extensions, read into a frozen model that the interpreter runs."""

from __future__ import annotations
