"""What requests say. Variables stay the JSON text that they are; members that are not named here are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from coupler.embedded.rejection import invalid, unimplemented
from coupler.embedded.server.rest.asgi import Problem, Request
from coupler.embedded.store.variables import Document
from coupler.embedded.variables import parse_document

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Names: TypeAlias = Sequence[str] | None

_NOTHING = msgspec.Raw()


class Body(msgspec.Struct, rename="camel"):
    """A request with variables, or without."""

    variables: msgspec.Raw = _NOTHING

    def document(self) -> Document:
        """The variables.

        Raises:
            Rejection: INVALID_ARGUMENT, they are no object.
        """
        text = bytes(self.variables).decode()
        return {} if text == "null" else parse_document(text)


class ActivationBody(Body):
    """POST /v2/jobs/activation."""

    type: str = ""
    timeout: Milliseconds = 0
    max_jobs_to_activate: Number = 0
    worker: str | None = None
    fetch_variable: Names = None
    request_timeout: Milliseconds | None = None
    tenant_ids: Names = None


class FailureBody(Body):
    """POST /v2/jobs/{jobKey}/failure."""

    retries: Number | None = None
    error_message: str | None = None
    retry_back_off: Milliseconds | None = None


class ErrorBody(Body):
    """POST /v2/jobs/{jobKey}/error."""

    error_code: str = ""
    error_message: str | None = None


class Changeset(msgspec.Struct, rename="camel"):
    """What is to be changed about a job."""

    retries: Number | None = None
    timeout: Milliseconds | None = None
    priority: Number | None = None


class UpdateBody(Body):
    """PATCH /v2/jobs/{jobKey}."""

    changeset: Changeset = msgspec.field(default_factory=Changeset)


class CreationBody(Body):
    """POST /v2/process-instances."""

    process_definition_id: str | None = None
    process_definition_key: str | int | None = None
    process_definition_version: Number | None = None
    tenant_id: str | None = None
    await_completion: bool | None = None
    request_timeout: Milliseconds | None = None
    fetch_variables: Names = None
    start_instructions: list[Any] | None = None
    runtime_instructions: list[Any] | None = None
    tags: list[Any] | None = None
    business_id: str | None = None

    def check(self) -> None:
        """Refuses what the engine would otherwise forget."""
        if self.start_instructions or self.runtime_instructions:
            raise unimplemented("The embedded engine starts processes at their start event only")
        if self.tags or self.business_id:
            raise unimplemented("The embedded engine keeps no tags and no business ids")


class MessageBody(Body):
    """POST /v2/messages/publication."""

    name: str = ""
    correlation_key: str | None = None
    time_to_live: Milliseconds | None = None
    message_id: str | None = None
    tenant_id: str | None = None


class VariablesBody(Body):
    """PUT /v2/element-instances/{elementInstanceKey}/variables."""

    local: bool = False


class Page(msgspec.Struct, rename={"offset": "from"}):
    """Which part of a result."""

    offset: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    after: str | None = None
    before: str | None = None


class SearchBody(msgspec.Struct):
    """POST /v2/…/search."""

    filter: dict[str, Any] = {}
    page: Page = msgspec.field(default_factory=Page)
    sort: list[Any] | None = None


BodyT = TypeVar("BodyT", bound=Body | SearchBody)


async def read_body(request: Request, kind: type[BodyT]) -> BodyT:
    """Reads the JSON body of a request; none at all is an empty object.

    Raises:
        Problem: 413 or 415.
        Rejection: INVALID_ARGUMENT.
    """
    content = await request.body()
    if not content:
        return kind()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
    try:
        found: Any = msgspec.json.decode(content.decode(), type=kind | None)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"The request is invalid: {error}") from error
    except RecursionError as error:
        raise invalid("The request is invalid: it is nested too deeply") from error
    return found if isinstance(found, kind) else kind()


def key_of(text: str | int | None) -> int:
    """A key as it stands in a path or a body.

    Raises:
        Rejection: INVALID_ARGUMENT, it is no number.
    """
    number = str(text or 0)
    if not (number.isascii() and number.isdigit()) or int(number[:20]) >= 1 << 63:
        raise invalid(f"A key is a number, but '{number[:40]}' is none")
    return int(number)
