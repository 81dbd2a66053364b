"""Documents that result and error expressions make with ``createDocument``.

The function itself cannot store anything: it leaves a marked context, which is replaced here by the reference of a
stored document once the result's shape is known to be right. The marker is random, so no response can forge it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from coupler.documents.names import content_type_of, random_name
from coupler.documents.service import Documents
from coupler.errors import ConnectorError, CouplerError, InputError

Path: TypeAlias = tuple[str | int, ...]

UPLOAD_FAILED: Final = "DOCUMENT_UPLOAD_FAILED"


class UploadFailed(ConnectorError):
    """The call was made and succeeded, but what it gave could not be stored."""

    def __init__(self, error: CouplerError) -> None:
        super().__init__(
            f"The call succeeded, but its document could not be stored: {error} "
            "The next attempt will make the call again.",
            code=UPLOAD_FAILED,
        )


@dataclass(slots=True)
class _Wish:
    """One document to be stored, and where its reference goes."""

    container: Any
    key: str | int
    content: bytes
    file_name: str
    content_type: str


async def create_wished(
    result: dict[str, Any], marker: str, documents: Documents, *, label: str, after_call: bool = True
) -> None:
    """Stores what ``createDocument`` was called with, and puts the references in place. Changes ``result``.

    Args:
        result: an expression's result, plain JSON values.
        marker: the key that tells a wish from data.
        documents: where they are stored.
        label: ``Result expression`` or ``Error expression``, for messages.
        after_call: whether the connector's call succeeded; then a failed upload says so.

    Raises:
        InputError: a wish cannot be read; nothing has been stored then.
        ConnectorError: storing failed.
    """
    if marker in result:
        raise InputError(f"{label}: createDocument must be the value of a field, as in {{file: createDocument(…)}}.")
    wishes: list[_Wish] = []
    _collect(result, marker, (), wishes, label)
    for wish in wishes:
        try:
            document = await documents.create(wish.content, file_name=wish.file_name, content_type=wish.content_type)
        except (InputError, ConnectorError) as error:
            if after_call:
                raise UploadFailed(error) from error
            raise
        wish.container[wish.key] = document.reference()


def _collect(container: Any, marker: str, path: Path, wishes: list[_Wish], label: str) -> None:
    items = container.items() if isinstance(container, dict) else enumerate(container)
    for key, value in items:
        if isinstance(value, dict) and marker in value:
            try:
                wishes.append(_wish(container, key, value[marker]))
            except InputError as error:
                raise InputError(f"{label}: {'.'.join(map(str, (*path, key)))}: createDocument {error}") from error
        elif isinstance(value, dict | list):
            _collect(value, marker, (*path, key), wishes, label)


def _wish(container: Any, key: str | int, value: Any) -> _Wish:
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, dict):
        raise InputError("needs Base64 text, or a context with content")
    content = _first(value, "content", "data")
    if not isinstance(content, str):
        raise InputError("needs content: Base64 text")
    name = _text(value, "name", "fileName") or random_name()
    content_type = _text(value, "contentType") or content_type_of(name)
    try:
        decoded = base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"got content that is not Base64: {error}") from error
    return _Wish(container, key, decoded, name, content_type)


def _first(value: dict[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _text(value: dict[str, Any], *names: str) -> str | None:
    text = _first(value, *names)
    if text is not None and not isinstance(text, str):
        raise InputError(f"needs text as {' or '.join(names)}")
    return text.strip() or None if text else None


__all__ = ["UPLOAD_FAILED", "UploadFailed", "create_wished"]
