"""What every template has: the job type, and the groups for output, errors and retries at its end."""

from __future__ import annotations

from typing import Any, Final

from coupler.sdk.template import Group, HeaderBinding, TaskBinding, TemplateInfo
from coupler.templates.property import Property

COMMON_GROUPS: Final = (
    Group("connector", "Connector"),
    Group("output", "Output mapping"),
    Group("error", "Error handling"),
    Group("retries", "Retries"),
)


def job_type_property(job_type: str) -> Property:
    """The hidden property that makes the element a task of this connector."""
    return Property(id="taskDefinitionType", kind="Hidden", default=job_type, binding=TaskBinding("type"))


def common_properties(info: TemplateInfo) -> tuple[Property, ...]:
    """The properties at the end."""
    return (*_identity(info), *_output(info), _error(info), *_retries(info))


def _identity(info: TemplateInfo) -> tuple[Property, ...]:
    """Which template made an element, for whoever reads its jobs."""
    facts = (
        ("version", "Version", "Version of this element template", str(info.version), "elementTemplateVersion"),
        ("id", "ID", "Id of this element template", info.id, "elementTemplateId"),
    )
    return tuple(
        Property(
            id=name,
            label=label,
            description=description,
            group="connector",
            kind="Hidden",
            default=value,
            binding=HeaderBinding(header),
        )
        for name, label, description, value, header in facts
    )


def _output(info: TemplateInfo) -> tuple[Property, ...]:
    return (
        _header(
            "resultVariable",
            "Result variable",
            "Name of the process variable that takes the whole response",
            group="output",
            default=info.result_variable,
        ),
        _header(
            "resultExpression",
            "Result expression",
            "FEEL context that maps the response to process variables",
            group="output",
            kind="Text",
            feel="required",
            default=info.result_expression,
        ),
    )


def _error(info: TemplateInfo) -> Property:
    return _header(
        "errorExpression",
        "Error expression",
        "FEEL expression that turns a response or an error into a BPMN error or a failed job",
        group="error",
        kind="Text",
        feel="required",
        default=info.error_expression,
    )


def _retries(info: TemplateInfo) -> tuple[Property, ...]:
    return (
        Property(
            id="retryCount",
            label="Retries",
            description="How often a failing job is tried in all",
            group="retries",
            feel="optional",
            default=str(info.retries),
            binding=TaskBinding("retries"),
        ),
        _header(
            "retryBackoff",
            "Retry backoff",
            "ISO 8601 duration to wait before a job is tried again",
            group="retries",
            default=info.retry_backoff,
        ),
        _header(
            "jobTimeout",
            "Job timeout",
            "ISO 8601 duration after which a running job is cancelled",
            group="retries",
            optional=True,
        ),
    )


def _header(name: str, label: str, description: str, **more: Any) -> Property:
    """A property that is a task header of the same name."""
    return Property(id=name, label=label, description=description, binding=HeaderBinding(name), **more)


__all__ = ["COMMON_GROUPS", "common_properties", "job_type_property"]
