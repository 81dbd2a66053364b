"""What authors say about a connector's fields so that a modeler can offer them: the element template.

The input model stays the only declaration. A field says more about itself with ``Template`` in its ``Annotated`` type,
and the connector says more about itself with ``template = TemplateInfo(…)``:

    class GreetingInput(Input):
        who: Annotated[str, Template(label="Name", group="greeting", placeholder="Ada")]
        tone: Annotated[Tone, Template(group="greeting")] = Tone.FRIENDLY
        signature: Annotated[str | None, Template(group="greeting", when=When("tone", equals="FORMAL"))] = None

What is not said is inferred from the type, the default and the constraints of the field:

    type of the field              property        FEEL        default value
    str                            String          optional    the field's
    Literal[…], Enum               Dropdown        -           the field's
    bool                           Boolean         static      the field's
    int, float, Decimal            Number          static      the field's
    dict, list                     String          required    -
    Any and every other type       String          optional    -
    a model                        its fields, named by their path: ``parent.field``
    a union of models              a Dropdown of the field that tells them apart, then the fields of every model, each
                                   under the condition that its model is chosen

A field without a default must not be empty; one whose default is ``None`` is optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["String", "Text", "Hidden", "Dropdown", "Boolean", "Number", "Configuration"]
Feel: TypeAlias = Literal["optional", "required", "static", "off"]
Value: TypeAlias = str | int | float | bool | None


class Inferred:
    """Stands for "take it from the field"."""

    def __repr__(self) -> str:
        return "inferred"


INFERRED: Final = Inferred()


@dataclass(frozen=True, slots=True)
class InputBinding:
    """An input mapping; dots in the name build nested objects. What fields are bound to when nothing is said."""

    name: str


@dataclass(frozen=True, slots=True)
class HeaderBinding:
    """A task header."""

    key: str


@dataclass(frozen=True, slots=True)
class TaskBinding:
    """The task definition itself."""

    property: Literal["type", "retries"]


@dataclass(frozen=True, slots=True)
class ExtensionBinding:
    """A ``zeebe:property`` of the element, for models that start or catch."""

    name: str


Binding: TypeAlias = InputBinding | HeaderBinding | TaskBinding | ExtensionBinding


@dataclass(frozen=True, slots=True)
class When:
    """Offers a property only while another one has a value: ``equals``, ``one_of``, or ``active`` (is itself offered).

    Args:
        property: the other property's id, or the name of a field beside this one.
    """

    property: str
    equals: str | int | float | bool | None = None
    one_of: tuple[str, ...] = ()
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a dropdown."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that the text must match, and what to tell the person who typed something else."""

    regex: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialTemplate:
    """A reusable credential that the cluster keeps; its fields are those of the property's model."""

    id: str
    version: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How one field is offered. On a union of models it describes the dropdown that chooses.

    Args:
        id: the property's id, when it must differ from the path of the input.
        label: what people read; inferred from the field's name.
        kind: the property type; inferred.
        feel: ``off`` for text that is never an expression.
        default: the value to start with; ``None`` for none.
        required: whether it must not be empty; inferred.
        optional: whether an empty value is left out of the model; inferred.
        when: all of these must hold.
        chosen_by: on a union, the property that chooses, when it stands beside the union and not inside.
        order: moves the property within its group: higher is later.
        before: properties that belong to no field and stand before this one, such as helpers that its default reads.
        credential: makes it a reference to a reusable credential.
        omit: accepted as input, not offered.
    """

    id: str | None = None
    label: str | None = None
    description: str | None = None
    tooltip: str | None = None
    placeholder: str | None = None
    group: str | None = None
    kind: Kind | None = None
    feel: Feel | None = None
    default: Value | Inferred = INFERRED
    choices: tuple[Choice, ...] = ()
    required: bool | None = None
    optional: bool | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: Pattern | None = None
    secret: bool = False
    binding: Binding | None = None
    when: When | tuple[When, ...] = ()
    chosen_by: str | None = None
    order: int = 0
    before: tuple[Extra, ...] = ()
    credential: CredentialTemplate | None = None
    omit: bool = False

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Puts label and description into the JSON Schema of the model."""
        schema: dict[str, Any] = handler(core_schema)
        if self.label is not None:
            schema["title"] = self.label
        if self.description is not None:
            schema["description"] = self.description
        return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How one model of a union is offered, as ``Annotated[Model, Variant(…)]`` inside the union.

    Args:
        label: the entry of the dropdown; inferred from the value.
        value: the value that chooses it, when no field of the model says so (``Template.chosen_by``).
        id: put into the ids of its properties, when they would equal those of another variant.
        group: the group of its properties.
    """

    label: str | None = None
    value: str | None = None
    id: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """A property that belongs to no field of the model. Its kind is ``String`` unless the template says otherwise."""

    name: str
    template: Template


@dataclass(frozen=True, slots=True)
class Group:
    """A section of the properties panel."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateInfo:
    """What a connector says about its element template as a whole.

    Args:
        id: the template's own id, for ever.
        version: raised with every published change.
        name: what people read; the connector's name when nothing is said.
        file: the name of the file, without its ending; the name of the entry point when nothing is said.
        icon: an SVG text, or the path of an SVG file.
        groups: the sections, in the order of the panel; those every template has come after them.
        engines: the versions of the cluster that the template works with, as a range of semantic versions.
        extras: properties that belong to no field, for instance the header that names an operation.
    """

    id: str
    version: int
    description: str
    name: str | None = None
    file: str | None = None
    documentation: str | None = None
    keywords: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    icon: str | Path | None = None
    engines: str = "^8.5"
    applies_to: tuple[str, ...] = ("bpmn:Task",)
    element_type: str = "bpmn:ServiceTask"
    extras: tuple[Extra, ...] = ()
    result_variable: str | None = None
    result_expression: str | None = None
    error_expression: str | None = None
    retries: int = 3
    retry_backoff: str = "PT30S"


__all__ = [
    "INFERRED",
    "Binding",
    "Choice",
    "CredentialTemplate",
    "ExtensionBinding",
    "Extra",
    "Feel",
    "Group",
    "HeaderBinding",
    "Inferred",
    "InputBinding",
    "Kind",
    "Pattern",
    "TaskBinding",
    "Template",
    "TemplateInfo",
    "Value",
    "Variant",
    "When",
]
