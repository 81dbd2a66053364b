"""Variables documents: JSON text of an object, split into its names without decoding the values."""

from __future__ import annotations

import msgspec

from coupler import json
from coupler.embedded.rejection import invalid
from coupler.embedded.store.variables import Document

_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse_document(text: str) -> Document:
    """Reads the ``variables`` of a command; an empty text is an empty object.

    Raises:
        Rejection: INVALID_ARGUMENT when it is not JSON or not an object.
    """
    if not text or text == "{}":
        return {}
    try:
        return {name: bytes(value) for name, value in _decoder.decode(text).items()}
    except msgspec.ValidationError as error:
        raise invalid(
            f"Property 'variables' is invalid: Expected document to be a root level object, but was '{_kind(text)}'"
        ) from error
    except msgspec.DecodeError as error:
        raise invalid(f"Property 'variables' is invalid: {error}") from error
    except RecursionError as error:
        raise invalid("Property 'variables' is invalid: it is nested too deeply") from error


def _kind(text: str) -> str:
    start = text.lstrip()[:1]
    return {"[": "ARRAY", '"': "STRING", "t": "BOOLEAN", "f": "BOOLEAN", "n": "NIL"}.get(start, "NUMBER")


def decode_document(stored: bytes) -> Document:
    """Reads what ``encode_document`` wrote."""
    return {name: bytes(value) for name, value in _decoder.decode(stored).items()}


def encode_document(document: Document) -> bytes:
    """The document as JSON text of an object."""
    return b"{" + b",".join(json.dump_bytes(name) + b":" + value for name, value in document.items()) + b"}"
