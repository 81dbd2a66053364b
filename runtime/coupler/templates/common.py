"""What every template has: the job type, and the groups for output, errors and retries at its end."""

from __future__ import annotations

from typing import Final

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
    return (
        Property(
            id="version",
            label="Version",
            description="Version of this element template",
            group="connector",
            kind="Hidden",
            default=str(info.version),
            binding=HeaderBinding("elementTemplateVersion"),
        ),
        Property(
            id="id",
            label="ID",
            description="Id of this element template",
            group="connector",
            kind="Hidden",
            default=info.id,
            binding=HeaderBinding("elementTemplateId"),
        ),
    )


def _output(info: TemplateInfo) -> tuple[Property, ...]:
    return (
        Property(
            id="resultVariable",
            label="Result variable",
            description="Name of the process variable that takes the whole response",
            group="output",
            kind="String",
            default=info.result_variable,
            binding=HeaderBinding("resultVariable"),
        ),
        Property(
            id="resultExpression",
            label="Result expression",
            description="FEEL context that maps the response to process variables",
            group="output",
            kind="Text",
            feel="required",
            default=info.result_expression,
            binding=HeaderBinding("resultExpression"),
        ),
    )


def _error(info: TemplateInfo) -> Property:
    return Property(
        id="errorExpression",
        label="Error expression",
        description="FEEL expression that turns a response or an error into a BPMN error or a failed job",
        group="error",
        kind="Text",
        feel="required",
        default=info.error_expression,
        binding=HeaderBinding("errorExpression"),
    )


def _retries(info: TemplateInfo) -> tuple[Property, ...]:
    return (
        Property(
            id="retryCount",
            label="Retries",
            description="How often a failing job is tried in all",
            group="retries",
            kind="String",
            feel="optional",
            default=str(info.retries),
            binding=TaskBinding("retries"),
        ),
        Property(
            id="retryBackoff",
            label="Retry backoff",
            description="ISO 8601 duration to wait before a job is tried again",
            group="retries",
            kind="String",
            default=info.retry_backoff,
            binding=HeaderBinding("retryBackoff"),
        ),
        Property(
            id="jobTimeout",
            label="Job timeout",
            description="ISO 8601 duration after which a running job is cancelled",
            group="retries",
            kind="String",
            optional=True,
            binding=HeaderBinding("jobTimeout"),
        ),
    )


__all__ = ["COMMON_GROUPS", "common_properties", "job_type_property"]
