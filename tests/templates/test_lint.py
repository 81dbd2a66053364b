"""Mistakes that the published schema accepts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from coupler.templates.generate import generate
from coupler.templates.lint import lint
from coupler.templates.validate import validator
from tests.templates.workshop import Workshop, WorkshopInput

TEMPLATE = generate(Workshop)


def _property(template: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in template["properties"] if each["id"] == name)
    return found


def _set(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda template: _property(template, name).update(changes)


def _top(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda template: template.update(changes)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_set("pieces", group="wrok"), "pieces is in the group 'wrok', which does not exist."),
        (_top(groups=[*TEMPLATE["groups"], {"id": "none", "label": "None"}]), "The group 'none' is empty."),
        (
            _set("note", condition={"property": "urgnet", "equals": True, "type": "simple"}),
            "note depends on 'urgnet', which does not exist.",
        ),
        (
            _set("note", condition={"property": "tool", "equals": "axe", "type": "simple"}),
            "note depends on tool being 'axe', which is no choice.",
        ),
        (
            _set("urgent", condition={"property": "note", "isActive": True, "type": "simple"}),
            "The conditions of these properties go in a circle: urgent, note.",
        ),
        (_set("pieces", tooltipp="x"), "pieces: the key 'tooltipp' is not known."),
        (_top(entrysVisible=True), "The key 'entrysVisible' is not known."),
        (_set("note", id="pieces"), "2 properties have the id 'pieces'."),
        (
            _set("note", binding={"type": "zeebe:input", "name": "pieces"}),
            "Several properties write to zeebe:input 'pieces' at the same time: pieces is one.",
        ),
        (_set("tool", value="axe"), "tool: the value 'axe' is no choice."),
        (_set("urgent", value="false"), "urgent: the value of a boolean is 'false'."),
        (_set("pieces", feel="optional"), "pieces: feel 'optional' has no effect on a number; 'static' is meant."),
        (_set("version", value="3"), "The header 'elementTemplateVersion' must be '4', not '3'."),
        (_set("id", value="other"), "The header 'elementTemplateId' must be 'io.coupler.tests.workshop', not 'other'."),
        (_top(engines={"camunda": "newest"}), "engines.camunda is 'newest', no range of versions."),
        (_top(icon={"contents": "http://example.org/i.png"}), "The icon is no data URI"),
        (lambda template: template.pop("elementType"), "There is no elementType"),
        (_set("pieces", label=""), "pieces has no label."),
        (
            _set("customerAccount", configurationTemplate="x:1"),
            "refers to a credential",
        ),
    ],
)
def test_the_schema_accepts_it_and_the_lint_does_not(change: Callable[[dict[str, Any]], None], text: str) -> None:
    template = copy.deepcopy(TEMPLATE)
    change(template)
    assert validator()(template) == []
    problems = lint(template)
    assert any(text in problem for problem in problems), problems


def test_inputs_and_fields_must_be_the_same() -> None:
    template = copy.deepcopy(TEMPLATE)
    _property(template, "pieces")["binding"]["name"] = "peices"
    assert lint(template, model=WorkshopInput) == [
        "The input 'peices' is not a field of WorkshopInput.",
        "The field 'pieces' of WorkshopInput has no property. Offer it, or say Template(omit=True).",
    ]


def test_a_nested_input_must_be_one_of_some_variant() -> None:
    template = copy.deepcopy(TEMPLATE)
    _property(template, "drillBit")["binding"]["name"] = "work.bite"
    assert lint(template, model=WorkshopInput) == ["The input 'work.bite' is not a field of WorkshopInput."]


def test_the_job_type_must_be_served() -> None:
    assert lint(TEMPLATE, known_types={"other:1"}) == ["No connector serves the job type 'coupler:workshop:1'."]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_set("tool", feel="optional"), "properties/8"),
        (_set("labels", constraints={"notEmpty": True}), "notEmpty"),
        (_top(version="4"), "version"),
        (lambda template: template["properties"][3].pop("choices"), "choices"),
        (lambda template: template["properties"][3].pop("binding"), "binding"),
        (lambda template: template.pop("id"), "id"),
    ],
)
def test_what_the_schema_refuses(change: Callable[[dict[str, Any]], None], text: str) -> None:
    template = copy.deepcopy(TEMPLATE)
    change(template)
    assert any(text in fault for fault in validator()(template)), validator()(template)
