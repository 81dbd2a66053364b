"""Names and media types of documents, where nobody has said them."""

from __future__ import annotations

import mimetypes
import uuid
from email.message import Message
from typing import Final

OCTET_STREAM: Final = "application/octet-stream"

# The system's own tables differ from machine to machine: only the types that come with Python count.
_types: Final = mimetypes.MimeTypes(filenames=())


def content_type_of(file_name: str | None) -> str:
    """The media type that a file's name suggests."""
    guessed = _types.guess_type(file_name or "", strict=False)[0]
    return guessed or OCTET_STREAM


def header_safe(content_type: str | None) -> str:
    """A media type that may stand in a header line; anything odd becomes the general one."""
    return content_type if content_type and content_type.isprintable() and content_type.isascii() else OCTET_STREAM


def random_name(content_type: str | None = None) -> str:
    """A name nobody has used; with the subtype as its ending where a media type is known."""
    name = str(uuid.uuid4())
    subtype = (content_type or "").partition(";")[0].strip().rpartition("/")[2]
    return f"{name}.{subtype}" if subtype and subtype.replace("-", "").replace("+", "").isalnum() else name


def name_in_disposition(header: str | None) -> str | None:
    """The file name in a ``Content-Disposition`` header (RFC 6266), without any folders."""
    if not header:
        return None
    message = Message()
    message["Content-Disposition"] = header.replace("\r", " ").replace("\n", " ")
    name = message.get_filename()
    return None if name is None else base_name(name)


def base_name(name: str) -> str | None:
    """The last part of a path, free of control characters; ``None`` when nothing is left."""
    last = name.replace("\\", "/").rpartition("/")[2]
    cleaned = "".join(character for character in last if character.isprintable()).strip()
    return None if cleaned in ("", ".", "..") else cleaned[:255]


__all__ = ["OCTET_STREAM", "base_name", "content_type_of", "header_safe", "name_in_disposition", "random_name"]
