"""References: the JSON form of all three kinds, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from coupler.documents.reference import (
    CamundaReference,
    ExternalReference,
    InlineReference,
    Metadata,
    parse_metadata,
    parse_reference,
)
from coupler.errors import InputError

COMPLETE = {
    "camunda.document.type": "camunda",
    "storeId": "aws",
    "documentId": "5f0c/a.pdf",
    "contentHash": "abc",
    "metadata": {
        "contentType": "application/pdf",
        "fileName": "a.pdf",
        "size": 5,
        "expiresAt": "2030-01-01T00:00:00Z",
        "processDefinitionId": "order",
        "processInstanceKey": "2251799813685249",
        "customProperties": {"a": [1, None]},
    },
}


def test_a_complete_reference_survives_a_round_trip() -> None:
    reference = parse_reference(COMPLETE)
    assert isinstance(reference, CamundaReference)
    assert reference.document_id == "5f0c/a.pdf"
    assert reference.metadata.size == 5
    assert reference.to_json() == COMPLETE


def test_empty_members_of_metadata_are_left_out() -> None:
    assert Metadata(content_type="text/plain", file_name="", custom_properties={}).to_json() == {
        "contentType": "text/plain"
    }


def test_a_size_of_zero_is_no_empty_member() -> None:
    assert parse_metadata({"size": 0}).to_json() == {"size": 0}


def test_a_bare_reference_is_enough() -> None:
    reference = parse_reference({"camunda.document.type": "camunda", "documentId": "x", "metadata": None})
    assert reference == CamundaReference("x")


def test_a_numeric_process_instance_key_becomes_text() -> None:
    assert parse_metadata({"processInstanceKey": 2251799813685249}).process_instance_key == "2251799813685249"


def test_unknown_members_are_ignored() -> None:
    assert parse_reference({**COMPLETE, "later": 1}) == parse_reference(COMPLETE)


@pytest.mark.parametrize("name", [None, "letter.txt"])
def test_external_references_survive_a_round_trip(name: str | None) -> None:
    value = {"camunda.document.type": "external", "url": "https://example.com/x"} | ({"name": name} if name else {})
    reference = parse_reference(value)
    assert isinstance(reference, ExternalReference)
    assert reference.to_json() == value


@pytest.mark.parametrize("content", ["text", "", {"a": 1}, [1, 2], 5, False])
def test_inline_references_survive_a_round_trip(content: Any) -> None:
    value = {"camunda.document.type": "inline", "content": content, "name": "n", "contentType": "a/b"}
    reference = parse_reference(value)
    assert isinstance(reference, InlineReference)
    assert reference.to_json() == value


def test_a_blank_name_of_an_inline_document_is_none() -> None:
    reference = parse_reference({"camunda.document.type": "inline", "content": "x", "name": "  "})
    assert isinstance(reference, InlineReference)
    assert reference.name is None


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"camunda.document.type": "ftp"}, "must be 'camunda', 'external' or 'inline', but is 'ftp'"),
        ({"camunda.document.type": None}, "but is missing"),
        ({"camunda.document.type": "camunda"}, "needs a documentId"),
        ({"camunda.document.type": "camunda", "documentId": 5}, "the documentId of a document must be text"),
        ({"camunda.document.type": "camunda", "documentId": "x", "metadata": []}, "must be an object, but is a list"),
        ({"camunda.document.type": "camunda", "documentId": "x", "metadata": {"size": "5"}}, "whole number of bytes"),
        ({"camunda.document.type": "camunda", "documentId": "x", "metadata": {"size": -1}}, "whole number of bytes"),
        (
            {"camunda.document.type": "camunda", "documentId": "x", "metadata": {"customProperties": 1}},
            "customProperties must be an object",
        ),
        ({"camunda.document.type": "external"}, "needs a url"),
        ({"camunda.document.type": "inline"}, "content that is not null"),
        ({"camunda.document.type": "inline", "content": None}, "content that is not null"),
    ],
)
def test_what_is_no_reference_is_refused_by_name(value: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_reference(value)


@pytest.mark.parametrize(
    "document_id",
    ["..", ".", "../topology", "a/../../b", "a//b", "/etc/passwd", "a\\..\\b", "a\nb", "a\x00", "x" * 1025, "a/"],
)
def test_ids_that_lead_elsewhere_are_refused(document_id: str) -> None:
    with pytest.raises(InputError, match="is not allowed"):
        parse_reference({"camunda.document.type": "camunda", "documentId": document_id})
