"""How a document is offered: chosen from the process, written in place, or fetched from an address.

The person who models fills in helper properties; a hidden FEEL expression, which the cluster evaluates after them,
makes the document of them. The connector sees the document alone and ignores the helpers.

    class Upload(Input):
        document: Annotated[Document, one_document("upload", path="action", label="Document")]
        attachments: Annotated[list[Document] | None, many_documents("mail", path="data")] = None
"""

from __future__ import annotations

from coupler.sdk.template import Choice, Extra, Template, When

_SOURCES = (
    Choice("camunda", "A document of the process"),
    Choice("inline", "Content"),
    Choice("external", "An address"),
)


def one_document(
    prefix: str,
    *,
    path: str = "",
    label: str = "Document",
    group: str | None = None,
    template_id: str | None = None,
) -> Template:
    """A field that holds one document.

    Args:
        prefix: starts the names of the helpers; one of a kind within the model that holds the field.
        path: where that model stands in the input, with dots; empty for the input itself.
        label: of the choice of source.
        group: the section; that of the model that holds the field when nothing is said.
        template_id: the id of the hidden property.
    """
    return Template(
        id=template_id,
        group=group,
        kind="Hidden",
        default=f"={_single(prefix, path)}",
        before=_single_helpers(prefix, label, ()),
    )


def many_documents(
    prefix: str,
    *,
    path: str = "",
    label: str = "Number of documents",
    group: str | None = None,
    template_id: str | None = None,
) -> Template:
    """A field that holds none, one or several documents, as a list. The arguments are those of ``one_document``."""
    mode, expression = f"{prefix}_documentMode", f"{prefix}_multiple_expression"
    single = (When(mode, equals="single"),)
    choices = (Choice("none", "None"), Choice("single", "One"), Choice("multiple", "Several"))
    inside = f"{path}." if path else ""
    return Template(
        id=template_id,
        group=group,
        kind="Hidden",
        default=(
            f'=if {inside}{mode} = "single" then [{_single(f"{prefix}_single", path)}]'
            f' else if {inside}{mode} = "multiple" then {inside}{expression} else null'
        ),
        before=(
            Extra(mode, Template(id=mode, label=label, kind="Dropdown", choices=choices, default="none")),
            *_single_helpers(f"{prefix}_single", "Document", single),
            Extra(
                expression,
                Template(
                    id=expression,
                    label="Documents",
                    description="A list of documents",
                    feel="required",
                    required=True,
                    when=When(mode, equals="multiple"),
                ),
            ),
        ),
    )


def _single_helpers(prefix: str, label: str, when: tuple[When, ...]) -> tuple[Extra, ...]:
    source = f"{prefix}_documentSource"

    def helper(name: str, label: str, chosen: str, *, required: bool = False, feel: bool = False) -> Extra:
        whole = f"{prefix}_{name}"
        template = Template(
            id=whole,
            label=label,
            required=required,
            optional=not required,
            feel="required" if feel else "optional",
            when=(When(source, equals=chosen), *when),
        )
        return Extra(whole, template)

    choice = Template(id=source, label=label, kind="Dropdown", choices=_SOURCES, default="camunda", when=when)
    return (
        Extra(source, choice),
        helper("camundaReference", "Document of the process", "camunda", required=True, feel=True),
        helper("inline_content", "Content", "inline", required=True),
        helper("inline_fileName", "File name", "inline"),
        helper("inline_contentType", "Content type", "inline"),
        helper("external_url", "Address", "external", required=True),
        helper("external_fileName", "File name", "external"),
    )


def _single(prefix: str, path: str) -> str:
    """The FEEL expression for one document. What was left empty is no variable, which FEEL reads as null."""
    start = f"{path}.{prefix}" if path else prefix
    inline = (
        f'{{"camunda.document.type": "inline", content: {start}_inline_content,'
        f" name: {start}_inline_fileName, contentType: {start}_inline_contentType}}"
    )
    external = f'{{"camunda.document.type": "external", url: {start}_external_url, name: {start}_external_fileName}}'
    return (
        f'if {start}_documentSource = "inline" then {inline}'
        f' else if {start}_documentSource = "external" then {external}'
        f" else {start}_camundaReference"
    )


__all__ = ["many_documents", "one_document"]
