"""From an input model to an element template."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, Field

from coupler.errors import ConfigError
from coupler.sdk import Connector, Input
from coupler.sdk.template import Group, Template, TemplateInfo, Variant, When
from coupler.templates.docs_table import docs_table
from coupler.templates.fields import properties_of
from coupler.templates.generate import generate, icon_uri
from coupler.templates.hybrid import hybrid
from coupler.templates.lint import lint
from coupler.templates.validate import validator
from tests.templates.workshop import Workshop, WorkshopInput

TEMPLATE = generate(Workshop)
BY_ID = {each["id"]: each for each in TEMPLATE["properties"]}


def test_the_head_says_what_the_connector_says() -> None:
    head = {key: TEMPLATE[key] for key in ("name", "id", "version", "description", "documentationRef", "engines")}
    assert head == {
        "name": "Workshop",
        "id": "io.coupler.tests.workshop",
        "version": 4,
        "description": "Makes things of wood",
        "documentationRef": "https://example.org/workshop",
        "engines": {"camunda": "^8.10"},
    }
    assert TEMPLATE["appliesTo"] == ["bpmn:Task"]
    assert TEMPLATE["elementType"] == {"value": "bpmn:ServiceTask"}
    assert TEMPLATE["icon"]["contents"].startswith("data:image/svg+xml;base64,")


def test_groups_that_nobody_uses_are_left_out() -> None:
    assert [group["id"] for group in TEMPLATE["groups"]] == [
        "customer",
        "work",
        "delivery",
        "drawing",
        "connector",
        "output",
        "error",
        "retries",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("material", {"type": "Dropdown", "constraints": {"notEmpty": True}}),
        ("pieces", {"type": "Number", "value": 1, "feel": "static"}),
        ("urgent", {"type": "Boolean", "value": False, "feel": "static", "tooltip": "Costs more"}),
        ("labels", {"type": "String", "feel": "required", "optional": True}),
        ("note", {"type": "Text", "feel": "optional", "constraints": {"notEmpty": False, "maxLength": 80}}),
        ("drillBit", {"type": "String", "optional": True}),
        ("customer.number", {"label": "Membership number", "secret": True, "constraints": {"notEmpty": True}}),
        ("delivery.street", {"placeholder": "Main Street", "group": "delivery", "optional": True}),
    ],
)
def test_what_is_not_said_is_inferred_from_the_field(name: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= BY_ID[name].items()


def test_text_without_feel_has_no_feel_mode() -> None:
    assert "feel" not in BY_ID["drillBit"]
    assert "feel" not in BY_ID["material"]


def test_constraints_are_those_of_the_field() -> None:
    assert BY_ID["pieces"]["constraints"] == {
        "notEmpty": True,
        "pattern": {"value": r"^\d+$", "message": "Must be a number"},
    }


def test_a_union_becomes_a_dropdown_and_conditioned_fields() -> None:
    assert BY_ID["customer.type"]["choices"] == [
        {"name": "Nobody", "value": "none"},
        {"name": "Member", "value": "member"},
        {"name": "Guest", "value": "guest"},
    ]
    assert BY_ID["customer.type"]["value"] == "none"
    assert BY_ID["customer.since"]["condition"] == {
        "property": "customer.type",
        "equals": "member",
        "type": "simple",
    }


def test_variants_share_an_input_under_different_ids() -> None:
    member, guest = BY_ID["customer.number"], BY_ID["customer.guestPass.number"]
    assert member["binding"] == guest["binding"] == {"type": "zeebe:input", "name": "customer.number"}
    assert guest["condition"]["equals"] == "guest"


def test_a_union_may_be_chosen_by_a_field_beside_it() -> None:
    assert BY_ID["tool"]["choices"] == [{"name": "A drill", "value": "drill"}, {"name": "A saw", "value": "saw"}]
    assert BY_ID["sawDepth"]["binding"]["name"] == BY_ID["drillDepth"]["binding"]["name"] == "work.depth"
    assert BY_ID["drillDepth"]["condition"] == {"property": "tool", "equals": "drill", "type": "simple"}


def test_conditions_of_the_whole_hold_for_every_part() -> None:
    assert BY_ID["finish.kind"]["condition"] == {"property": "material", "oneOf": ["OAK"], "type": "simple"}
    assert BY_ID["finish.layers"]["condition"]["allMatch"] == [
        {"property": "finish.kind", "equals": "oil", "type": "simple"},
        {"property": "material", "oneOf": ["OAK"], "type": "simple"},
    ]


def test_a_condition_may_name_the_field_beside_it() -> None:
    assert BY_ID["delivery.floor"]["condition"]["property"] == "delivery.street"


def test_helpers_stand_before_the_field_that_reads_them() -> None:
    names = list(BY_ID)
    assert names[names.index("drawingSource") :][:3] == ["drawingSource", "drawingText", "drawing"]
    assert BY_ID["drawing"]["type"] == "Hidden"


def test_order_moves_a_property_within_its_group() -> None:
    assert next(name for name, each in BY_ID.items() if each.get("group") == "work") == "material"


def test_a_credential_brings_its_template() -> None:
    assert BY_ID["customerAccount"]["configurationTemplate"] == "io.coupler.tests:account:1"
    credential = TEMPLATE["configurationTemplates"][0]
    assert (credential["id"], credential["kind"], credential["version"]) == (
        "io.coupler.tests:account:1",
        "CREDENTIAL",
        1,
    )
    assert [each["binding"] for each in credential["properties"]] == [
        {"type": "property", "name": "street"},
        {"type": "property", "name": "floor"},
    ]
    assert not any("feel" in each or "optional" in each for each in credential["properties"])


def test_every_template_ends_with_output_errors_and_retries() -> None:
    ends = {name: BY_ID[name]["binding"] for name in list(BY_ID)[-8:]}
    assert ends == {
        "version": {"type": "zeebe:taskHeader", "key": "elementTemplateVersion"},
        "id": {"type": "zeebe:taskHeader", "key": "elementTemplateId"},
        "resultVariable": {"type": "zeebe:taskHeader", "key": "resultVariable"},
        "resultExpression": {"type": "zeebe:taskHeader", "key": "resultExpression"},
        "errorExpression": {"type": "zeebe:taskHeader", "key": "errorExpression"},
        "retryCount": {"type": "zeebe:taskDefinition", "property": "retries"},
        "retryBackoff": {"type": "zeebe:taskHeader", "key": "retryBackoff"},
        "jobTimeout": {"type": "zeebe:taskHeader", "key": "jobTimeout"},
    }
    assert (BY_ID["retryCount"]["value"], BY_ID["retryBackoff"]["value"]) == ("3", "PT30S")


def test_the_hybrid_variant_lets_people_choose_the_job_type() -> None:
    variant = hybrid(TEMPLATE)
    job_type = variant["properties"][0]
    assert (variant["id"], variant["name"]) == ("io.coupler.tests.workshop-hybrid", "Hybrid Workshop")
    assert (job_type["type"], job_type["value"], job_type["group"]) == (
        "String",
        "coupler:workshop:1",
        "taskDefinitionType",
    )
    assert variant["groups"][0] == {"id": "taskDefinitionType", "label": "Task definition type"}
    rest = [each for each in variant["properties"][1:] if each["id"] != "id"]
    assert rest == [each for each in TEMPLATE["properties"][1:] if each["id"] != "id"]


def test_the_published_schema_and_the_lint_accept_both() -> None:
    for template in (TEMPLATE, hybrid(TEMPLATE)):
        assert validator()(template) == []
        assert lint(template) == []
    assert lint(TEMPLATE, model=WorkshopInput, known_types={"coupler:workshop:1"}) == []


def test_validation_is_that_of_the_model_alone() -> None:
    job = {"material": "oak", "customer": {"type": "guest", "number": 7}, "pieces": "4", "finish": {"kind": "oil"}}
    made = WorkshopInput.model_validate(job)
    assert (made.pieces, made.customer.number, made.finish.layers) == (4, "7", 2)  # type: ignore[union-attr]


def test_labels_are_in_the_json_schema_of_the_model() -> None:
    schema = WorkshopInput.model_json_schema(by_alias=True)
    assert schema["properties"]["customer"]["title"] == "Customer"
    assert schema["$defs"]["Member"]["properties"]["number"]["title"] == "Membership number"


def test_the_table_of_inputs() -> None:
    lines = docs_table(TEMPLATE).splitlines()
    assert lines[2:5] == [
        "| `customerAccount` | Account | credential |  |  |",
        "| `customer.type` | Customer | one of `none`, `member`, `guest` | `none` |  |",
        "| `customer.number` | Membership number | text | required | customer.type is member |",
    ]
    assert "| `urgent` | Urgent | boolean | `false` |  |" in lines


class _Left(Input):
    kind: Literal["left"]
    size: int


class _Right(Input):
    kind: Literal["right"]
    size: int


class _Same(Input):
    kind: str
    size: int


class Clash(Input):
    hand: Annotated[_Left | _Right, Field(discriminator="kind")]


class Untold(Input):
    hand: _Left | _Same


class Unchosen(Input):
    which: str
    hand: Annotated[_Left | Annotated[_Right, Variant(value="right")], Template(chosen_by="which")]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Clash, "id 'hand.size'. Set Template(id=…)"),
        (Untold, "No field with a Literal type tells the models of 'hand' apart"),
        (Unchosen, "_Left of 'hand' needs Variant(value=…)"),
    ],
)
def test_what_does_not_fit_together_is_refused(model: type[BaseModel], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        properties_of(model)
    assert text in str(caught.value)


def _connector(model: type[BaseModel], *groups: Group) -> type[Connector[Any]]:
    class Some(Connector[Any]):
        type = "coupler:some:1"
        name = "Some"
        Input = model
        template: ClassVar[TemplateInfo] = TemplateInfo(
            id="io.coupler.tests.some", version=1, description="Some", groups=groups
        )

    return Some


def test_an_unknown_group_is_refused_with_the_nearest() -> None:
    class Grouped(Input):
        size: Annotated[int, Template(group="wrok")]

    with pytest.raises(ConfigError, match=r"'size' of Some is in the group 'wrok'.*Did you mean 'work'\?"):
        generate(_connector(Grouped, Group("work", "Work")))


def test_a_condition_on_nothing_is_refused() -> None:
    class Conditioned(Input):
        size: Annotated[int, Template(when=When("colour", equals="red"))]

    with pytest.raises(ConfigError, match="The condition of 'size' names 'colour', which fits no property"):
        generate(_connector(Conditioned))


def test_a_connector_without_a_template_is_refused() -> None:
    class Plain(Connector[Any]):
        type = "coupler:plain:1"
        name = "Plain"

    with pytest.raises(ConfigError, match="says nothing about an element template"):
        generate(Plain)


def test_an_icon_is_an_svg() -> None:
    with pytest.raises(ConfigError, match="must be an SVG"):
        icon_uri("https://example.org/icon.png")


class _NoSchema(Input):
    type: Literal["noSchema"]


class _InlineSchema(Input):
    type: Literal["inlineSchema"]
    text: Annotated[str, Field(alias="schema"), Template(kind="Text", feel="required")]


class _RegistrySchema(Input):
    type: Literal["schemaRegistry"]
    text: Annotated[str, Field(validation_alias="schema"), Template(kind="Text", feel="required")]
    schema_type: Annotated[Literal["json", "avro"], Template(default="avro")]


class WithSchema(Input):
    schema_strategy: Annotated[
        _NoSchema | Annotated[_InlineSchema, Variant(label="Inline", id="avro")] | _RegistrySchema,
        Template(default="noSchema"),
        Field(discriminator="type"),
    ]


def test_aliases_and_variants_in_ids() -> None:
    found = [
        (each["id"], each["binding"]["name"], each.get("feel"))
        for each in generate(_connector(WithSchema))["properties"][1:5]
    ]
    assert found == [
        ("schemaStrategy.type", "schemaStrategy.type", None),
        ("schemaStrategy.avro.schema", "schemaStrategy.schema", "required"),
        ("schemaStrategy.schema", "schemaStrategy.schema", "required"),
        ("schemaStrategy.schemaType", "schemaStrategy.schemaType", None),
    ]
    made = WithSchema.model_validate(
        {"schemaStrategy": {"type": "schemaRegistry", "schema": "{}", "schemaType": "JSON"}}
    )
    assert made.schema_strategy.text == "{}"  # type: ignore[union-attr]
