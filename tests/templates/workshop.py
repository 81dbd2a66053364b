"""A connector of nobody's, whose input uses every feature of the template metadata."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from coupler.sdk import Connector, Input, JobContext
from coupler.sdk.template import (
    Choice,
    CredentialTemplate,
    Extra,
    Group,
    HeaderBinding,
    Pattern,
    Template,
    TemplateInfo,
    Variant,
    When,
)

ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18"><circle cx="9" cy="9" r="8"/></svg>'


class Material(Enum):
    OAK = "OAK"
    PINE = "PINE"


class Anonymous(Input):
    type: Literal["none"]


class Member(Input):
    type: Literal["member"]
    number: Annotated[str, Template(label="Membership number", secret=True)]
    since: int | None = None


class Guest(Input):
    type: Literal["guest"]
    number: str


def _kind(value: Any) -> str | None:
    return value.get("type") if isinstance(value, dict) else getattr(value, "type", None)


Customer = Annotated[
    Annotated[Anonymous, Tag("none"), Variant(label="Nobody")]
    | Annotated[Member, Tag("member"), Variant(label="Member")]
    | Annotated[Guest, Tag("guest"), Variant(id="guestPass")],
    Discriminator(_kind),
]


class Saw(Input):
    depth: Annotated[float, Template(id="sawDepth")]


class Drill(Input):
    depth: Annotated[float, Template(id="drillDepth")]
    bit: Annotated[str | None, Template(id="drillBit", feel="off")] = None


class Delivery(Input):
    """A nested model; its fields belong to the group of the field that holds it."""

    street: Annotated[str, Template(placeholder="Main Street")]
    floor: Annotated[int, Template(when=When("street", equals="High Street"))] = 0


class Coating(Input):
    kind: Literal["oil"]
    layers: Annotated[int, Field(ge=1)] = 2


class Paint(Input):
    kind: Literal["paint"]
    colour: str


class WorkshopInput(Input):
    customer_account: Annotated[
        Delivery | None,
        Template(
            label="Account",
            group="customer",
            credential=CredentialTemplate(id="io.coupler.tests:account:1", version=1, name="Account"),
        ),
    ] = None
    customer: Annotated[Customer | None, Template(label="Customer", group="customer", default="none")] = None
    tool: Annotated[
        Literal["saw", "drill"], Template(group="work", choices=(Choice("drill", "A drill"), Choice("saw", "A saw")))
    ] = "saw"
    work: Annotated[
        Annotated[Saw, Variant(value="saw")] | Annotated[Drill, Variant(value="drill")] | None,
        Template(group="work", chosen_by="tool"),
    ] = None
    material: Annotated[Material, Template(group="work", order=-1)]
    pieces: Annotated[int, Template(group="work", required=True, pattern=Pattern(r"^\d+$", "Must be a number"))] = 1
    urgent: Annotated[bool, Template(group="work", tooltip="Costs more")] = False
    labels: Annotated[dict[str, str] | None, Template(group="work")] = None
    note: Annotated[
        str | None, Template(group="work", kind="Text", when=When("urgent", equals=True)), Field(max_length=80)
    ] = None
    finish: Annotated[
        Coating | Paint | None,
        Template(group="work", when=When("material", one_of=("OAK",))),
        Field(discriminator="kind"),
    ] = None
    delivery: Annotated[Delivery | None, Template(group="delivery")] = None
    drawing: Annotated[
        Any,
        Template(
            group="drawing",
            kind="Hidden",
            default='=if drawingSource = "none" then null else drawingText',
            before=(
                Extra(
                    "drawingSource",
                    Template(
                        label="Drawing",
                        kind="Dropdown",
                        choices=(Choice("none", "None"), Choice("text", "As text")),
                        default="none",
                    ),
                ),
                Extra("drawingText", Template(label="Text", required=True, when=When("drawingSource", equals="text"))),
            ),
        ),
    ] = None
    legacy_flag: Annotated[bool, Template(omit=True)] = False


class Workshop(Connector[WorkshopInput]):
    """Makes things of wood."""

    type = "coupler:workshop:1"
    name = "Workshop"
    Input = WorkshopInput
    template: ClassVar[TemplateInfo] = TemplateInfo(
        id="io.coupler.tests.workshop",
        version=4,
        description="Makes things of wood",
        documentation="https://example.org/workshop",
        keywords=("wood",),
        icon=ICON,
        engines="^8.10",
        groups=(
            Group("customer", "Customer"),
            Group("work", "Work"),
            Group("delivery", "Delivery"),
            Group("drawing", "Drawing"),
            Group("unused", "Unused"),
        ),
        extras=(Extra("operation", Template(kind="Hidden", default="make", binding=HeaderBinding("operation"))),),
        result_expression="{\n  price: response.price\n}",
    )

    async def execute(self, input: WorkshopInput, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Echoes the input."""
        return {"price": input.pieces}
