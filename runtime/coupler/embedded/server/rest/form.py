"""Reading ``multipart/form-data`` (RFC 7578) that is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple

from coupler.embedded.rejection import invalid

_MAX_PARTS = 1_000


class Part(NamedTuple):
    """One part; ``file_name`` is None for a plain field."""

    name: str
    file_name: str | None
    content: bytes


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The parts of a form, in order.

    Raises:
        Rejection: INVALID_ARGUMENT when it is no form, or is cut off.
    """
    pieces = (b"\r\n" + body).split(b"\r\n--" + _boundary(content_type))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise invalid("The form ends too early")
    if len(pieces) > _MAX_PARTS:
        raise invalid(f"The form has more than {_MAX_PARTS} parts")
    return list(_parts(pieces[1:-1]))


def _parts(pieces: list[bytes]) -> Iterator[Part]:
    for piece in pieces:
        line, _, rest = piece.partition(b"\r\n")
        head, separator, content = rest.partition(b"\r\n\r\n")
        if line.strip(b" \t") or not separator:
            raise invalid("The form has a part without headers")
        yield _part(head, content)


def _part(head: bytes, content: bytes) -> Part:
    message = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            message["Content-Disposition"] = value.strip()
            break
    field = message.get_param("name", header="Content-Disposition")
    return Part(field if isinstance(field, str) else "", message.get_filename(), content)


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary:
        raise invalid("The request must be multipart/form-data with a boundary")
    return boundary.encode("latin-1", "replace")
