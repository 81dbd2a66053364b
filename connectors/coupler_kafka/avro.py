"""Avro: schemas parsed once, values as binary. Imports fastavro with the first schema."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import Any

from coupler.sdk import ConnectorError
from coupler_kafka.conforming import Conforming


class AvroSchema:
    """A schema, ready to encode by."""

    def __init__(self, text: str, *, refuse_unknown: bool) -> None:
        import fastavro  # type: ignore[import-untyped, unused-ignore]

        named: dict[str, Any] = {}
        try:
            self._parsed: Any = fastavro.parse_schema(json.loads(text), named_schemas=named)
        except Exception as error:  # the library raises many kinds, down to KeyError
            raise ConnectorError(f"The Avro schema cannot be read: {_reason(error)}") from error
        self._conforming = Conforming(self._parsed, named, refuse_unknown=refuse_unknown)
        self._write = fastavro.schemaless_writer

    @property
    def name(self) -> str | None:
        """The full name, where the schema has one."""
        return self._parsed.get("name") if isinstance(self._parsed, dict) else None

    def encode(self, value: Any) -> bytes:
        """Avro binary, without any header.

        Raises:
            ConnectorError: the value does not fit.
        """
        datum = self._conforming.datum(value)
        out = io.BytesIO()
        try:
            self._write(out, self._parsed, datum)
        except Exception as error:  # what the rules above let through and the library does not
            raise ConnectorError(f"The message value does not fit the schema: {_reason(error)}") from error
        return out.getvalue()


@lru_cache(maxsize=256)
def avro_schema(text: str, *, refuse_unknown: bool) -> AvroSchema:
    """The schema of a text.

    Raises:
        ConnectorError: the text is no Avro schema.
    """
    return AvroSchema(text, refuse_unknown=refuse_unknown)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


__all__ = ["AvroSchema", "avro_schema"]
