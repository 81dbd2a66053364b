"""References to documents, as process variables hold them.

A document's content never stands in a variable; what does is a JSON object that says where to find it. Its key
``camunda.document.type`` tells the three kinds apart: ``camunda`` (in the cluster's document store), ``external`` (at a
URL) and ``inline`` (text within the reference itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeAlias

from coupler.errors import InputError

TYPE_KEY: Final = "camunda.document.type"
MAX_ID_LENGTH: Final = 1024

_NO_PROPERTIES: Final[Mapping[str, Any]] = {}


@dataclass(slots=True, frozen=True)
class Metadata:
    """What is known of a document besides its content; ``size`` in bytes, ``expires_at`` as ISO 8601 text."""

    content_type: str | None = None
    file_name: str | None = None
    size: int | None = None
    expires_at: str | None = None
    process_definition_id: str | None = None
    process_instance_key: str | None = None
    custom_properties: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; what is not known is left out."""
        values = ((_METADATA_NAMES[each.name], getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if value not in (None, {}, "")}


_METADATA_NAMES: Final = {
    "content_type": "contentType",
    "file_name": "fileName",
    "size": "size",
    "expires_at": "expiresAt",
    "process_definition_id": "processDefinitionId",
    "process_instance_key": "processInstanceKey",
    "custom_properties": "customProperties",
}


@dataclass(slots=True, frozen=True)
class CamundaReference:
    """A document in a document store. ``content_hash`` makes sure that the content is still the one referred to."""

    document_id: str
    store_id: str | None = None
    content_hash: str | None = None
    metadata: Metadata = field(default_factory=Metadata)

    def to_json(self) -> dict[str, Any]:
        """The JSON form, for variables and for expressions."""
        return {
            TYPE_KEY: "camunda",
            "storeId": self.store_id,
            "documentId": self.document_id,
            "contentHash": self.content_hash,
            "metadata": self.metadata.to_json(),
        }


@dataclass(slots=True, frozen=True)
class ExternalReference:
    """A document at a URL, fetched when it is first needed."""

    url: str
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        reference = {TYPE_KEY: "external", "url": self.url}
        return reference if self.name is None else {**reference, "name": self.name}


@dataclass(slots=True, frozen=True)
class InlineReference:
    """A document whose content stands in the reference: text as it is, any other JSON value as compact JSON text."""

    content: Any
    name: str | None = None
    content_type: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        reference: dict[str, Any] = {TYPE_KEY: "inline", "content": self.content}
        if self.name is not None:
            reference["name"] = self.name
        if self.content_type is not None:
            reference["contentType"] = self.content_type
        return reference


DocumentReference: TypeAlias = CamundaReference | ExternalReference | InlineReference


def is_reference(value: object) -> bool:
    """Whether a decoded JSON value is (meant as) a reference to a document."""
    return type(value) is dict and TYPE_KEY in value


def parse_reference(value: Mapping[str, Any]) -> DocumentReference:
    """Reads the JSON form of a reference; members that it does not know are ignored.

    Raises:
        InputError: it is not a reference; the message names the member at fault.
    """
    match value.get(TYPE_KEY):
        case "camunda":
            return _camunda(value)
        case "external":
            url = _text(value, "url")
            if not url:
                raise InputError("an external document needs a url")
            return ExternalReference(url, _text(value, "name") or None)
        case "inline":
            if value.get("content") is None:
                raise InputError("an inline document needs a content that is not null")
            name, content_type = _text(value, "name"), _text(value, "contentType")
            return InlineReference(value["content"], (name or "").strip() or None, content_type or None)
        case other:
            raise InputError(f"{TYPE_KEY} must be 'camunda', 'external' or 'inline', but is {_shown(other)}")


def _camunda(value: Mapping[str, Any]) -> CamundaReference:
    document_id = _text(value, "documentId")
    if not document_id:
        raise InputError("a document reference needs a documentId")
    check_document_id(document_id)
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InputError(f"the metadata of a document must be an object, but is {_shown(metadata)}")
    return CamundaReference(
        document_id,
        _text(value, "storeId") or None,
        _text(value, "contentHash") or None,
        parse_metadata(metadata or _NO_PROPERTIES),
    )


def check_document_id(document_id: str) -> None:
    """A document id becomes part of a path: it must not lead out of it.

    Raises:
        InputError: it has path segments that climb, a backslash, a control character, or is too long.
    """
    segments = document_id.split("/")
    climbs = any(segment in ("", ".", "..") for segment in segments)
    if climbs or "\\" in document_id or not document_id.isprintable() or len(document_id) > MAX_ID_LENGTH:
        raise InputError(f"the documentId {_shown(document_id)} is not allowed")


def parse_metadata(value: Mapping[str, Any]) -> Metadata:
    """Reads the JSON form of metadata.

    Raises:
        InputError: a member is of the wrong kind.
    """
    properties = value.get("customProperties")
    if properties is not None and not isinstance(properties, Mapping):
        raise InputError(f"customProperties must be an object, but is {_shown(properties)}")
    size = value.get("size")
    if size is not None and (type(size) is not int or size < 0):
        raise InputError(f"the size of a document must be a whole number of bytes, but is {_shown(size)}")
    key = value.get("processInstanceKey")
    return Metadata(
        content_type=_text(value, "contentType") or None,
        file_name=_text(value, "fileName") or None,
        size=size,
        expires_at=_text(value, "expiresAt") or None,
        process_definition_id=_text(value, "processDefinitionId") or None,
        process_instance_key=None if key is None else str(key),
        custom_properties=properties or _NO_PROPERTIES,
    )


def _text(value: Mapping[str, Any], name: str) -> str | None:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        raise InputError(f"the {name} of a document must be text, but is {_shown(text)}")
    return text


def _shown(value: Any) -> str:
    """A value for messages: its kind when it is not a short text."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:60] + "…")
    return (
        "missing"
        if value is None
        else {dict: "an object", list: "a list", bool: "a boolean"}.get(type(value), "a number")
    )


__all__ = [
    "TYPE_KEY",
    "CamundaReference",
    "DocumentReference",
    "ExternalReference",
    "InlineReference",
    "Metadata",
    "check_document_id",
    "is_reference",
    "parse_metadata",
    "parse_reference",
]
