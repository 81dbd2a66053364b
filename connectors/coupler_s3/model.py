"""The input of the S3 connector, as every version of its element template writes it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Tag, field_validator, model_validator

from coupler.sdk import Input
from coupler.sdk.documents import DocumentReturnFormat, ReturnFormat
from coupler.sdk.template import Choice, Template, Variant, When
from coupler_s3 import actions
from coupler_s3.authentication import (
    CREDENTIAL,
    AuthenticationChoice,
    AwsAuthentication,
    AwsCredential,
    Configuration,
)

_CHOSEN_BY: Final = "actionDiscriminator"

Operation = Literal[
    "uploadObject", "downloadObject", "deleteObject", "listObjects", "headObject", "copyObject", "presignObject"
]

_LABELS: Final = {
    "uploadObject": "Upload object",
    "downloadObject": "Download object",
    "deleteObject": "Delete object",
    "listObjects": "List objects",
    "headObject": "Look up object",
    "copyObject": "Copy object",
    "presignObject": "Make presigned URL",
}


def _variant(value: str) -> Variant:
    return Variant(label=_LABELS[value], value=value, id=value, group=value)


def _chosen(value: Any) -> str | None:
    return f"tag:{value.get(_CHOSEN_BY)}" if isinstance(value, dict) else None


ActionChoice = Annotated[
    Annotated[actions.Upload, Tag("tag:uploadObject"), _variant("uploadObject")]
    | Annotated[actions.Download, Tag("tag:downloadObject"), _variant("downloadObject")]
    | Annotated[actions.Delete, Tag("tag:deleteObject"), _variant("deleteObject")]
    | Annotated[actions.ListObjects, Tag("tag:listObjects"), _variant("listObjects")]
    | Annotated[actions.Head, Tag("tag:headObject"), _variant("headObject")]
    | Annotated[actions.Copy, Tag("tag:copyObject"), _variant("copyObject")]
    | Annotated[actions.Presign, Tag("tag:presignObject"), _variant("presignObject")],
    Discriminator(
        _chosen,
        custom_error_type="action_of_discriminator",
        custom_error_message=f"It must be an object, and actionDiscriminator one of {', '.join(_LABELS)}",
    ),
    Template(chosen_by=_CHOSEN_BY),
]


class ResponseFormat(DocumentReturnFormat):
    """What becomes of a downloaded object; a blank choice is none."""

    choice: Annotated[
        ReturnFormat | None,
        Template(
            id="documentReturnFormat",
            label="Response format",
            description="What becomes of the content",
            default="DOCUMENT",
            choices=(
                Choice("DOCUMENT", "Document: stored, with a reference"),
                Choice("TEXT", "Text"),
                Choice("JSON", "JSON"),
            ),
        ),
    ] = None

    @field_validator("choice", mode="before")
    @classmethod
    def _blank_is_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value


class S3Input(Input):
    """Variables of an S3 job."""

    action_discriminator: Annotated[
        Operation,
        Template(
            label="Action",
            group="operation",
            default="uploadObject",
            choices=tuple(Choice(value, label) for value, label in _LABELS.items()),
        ),
    ]
    authentication: AuthenticationChoice | None = None
    aws_credential: Annotated[AwsCredential | None, CREDENTIAL] = None
    configuration: Annotated[Configuration | None, Template(group="configuration")] = None
    action: ActionChoice
    document_return_format: Annotated[
        ResponseFormat | None, Template(group="downloadObject", when=When(_CHOSEN_BY, equals="downloadObject"))
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _tell_the_action(cls, data: Any) -> Any:
        """The choice stands beside the action; pydantic looks for it inside."""
        if not isinstance(data, dict):
            return data
        action = data.get("action")
        if isinstance(action, list) and len(action) == 1:
            action = action[0]
        chosen = data.get(_CHOSEN_BY)
        if not isinstance(action, dict) or not isinstance(chosen, str):
            return data
        exact = next((value for value in _LABELS if value.lower() == chosen.strip().lower()), chosen)
        return {**data, "action": {**action, _CHOSEN_BY: exact}}

    @model_validator(mode="after")
    def _somebody_signs(self) -> S3Input:
        if self.authentication is None and (self.aws_credential is None or self.aws_credential.authentication is None):
            raise ValueError("Authentication is required")
        return self

    @property
    def credentials(self) -> AwsAuthentication:
        """The authentication that counts."""
        reusable = self.aws_credential and self.aws_credential.authentication
        chosen = reusable or self.authentication
        assert chosen is not None
        return chosen

    @property
    def region(self) -> str | None:
        """The region that counts; ``None`` where the model names none."""
        if self.aws_credential is not None:
            return self.aws_credential.region
        return None if self.configuration is None else self.configuration.region


INPUT_VARIABLES: Final = (
    "authentication",
    "configuration",
    "actionDiscriminator",
    "action",
    "documentReturnFormat",
    "awsCredential",
)

__all__ = ["INPUT_VARIABLES", "Operation", "ResponseFormat", "S3Input"]
