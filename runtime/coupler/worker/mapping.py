"""Step 6 of a job's life: from the connector's response to output variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from coupler import expressions, json
from coupler.documents.creation import create_wished
from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.errors import InputError
from coupler.feel.limits import Limits
from coupler.gateway.protocol import Job
from coupler.worker.evaluation import evaluate_to_object, job_scope, refuse_forbidden_literal
from coupler.worker.headers import Headers
from coupler.worker.outcome import Completed

# half a character, a number of thousands of digits, a value that contains itself, a type that nobody knows
_NO_JSON = (TypeError, ValueError, RecursionError, msgspec.EncodeError, json.Malformed)


@dataclass(slots=True)
class Mapped:
    """The raw response (plain JSON values), the output variables, and these as JSON text."""

    response: Any
    variables: dict[str, Any]
    encoded: str

    def completed(self) -> Completed:
        """The outcome when nothing else is said."""
        return Completed(self.encoded)


def to_plain(response: Any) -> Any:
    """A connector's response as plain JSON values, numbers exact.

    Raises:
        InputError: it has no JSON form.
    """
    if response is None or type(response) in (str, int, bool):
        return response
    try:
        return json.loads(json.dump_bytes(response))
    except _NO_JSON as error:
        raise InputError(f"The connector's response has no JSON form: {error}") from error


async def map_result(
    job: Job,
    headers: Headers,
    response: Any,
    limits: Limits,
    max_bytes: int,
    documents: Documents = NO_DOCUMENTS,
) -> Mapped:
    """Applies ``resultVariable`` and ``resultExpression``; entries of the expression win over the variable.

    Raises:
        FeelError: the result expression fails.
        InputError: it gives no object, or the variables are too large.
        UploadFailed: a document that the expression makes could not be stored.
    """
    variables: dict[str, Any] = {}
    if headers.result_variable is not None:
        variables[headers.result_variable.strip()] = response
    mapped: dict[str, Any] | None = None
    if headers.result_expression is not None:
        scope = result_scope(job, response)
        mapped = await evaluate_to_object(headers.result_expression, scope, limits, label="Result expression")
        if mapped is not None:
            if "createDocument" in headers.result_expression:
                await create_wished(mapped, expressions.DOCUMENT_MARKER, documents, label="Result expression")
            variables.update(mapped)
    encoded = encode_variables(variables, max_bytes)
    if mapped is not None:
        refuse_forbidden_literal(mapped, encoded)
    return Mapped(response, variables, encoded)


def result_scope(job: Job, response: Any) -> dict[str, Any]:
    """The response's own keys, then ``response``; a response's own ``job`` hides ours."""
    scope: dict[str, Any] = {"job": job_scope(job)}
    if isinstance(response, dict):
        scope.update(response)
    scope["response"] = response
    return scope


def encode_variables(variables: dict[str, Any], max_bytes: int) -> str:
    """JSON text of output variables.

    Raises:
        InputError: larger than ``max_bytes``, so that the engine would refuse the command; or no JSON.
    """
    try:
        encoded = json.dump_bytes(variables)
    except _NO_JSON as error:
        raise InputError(f"The output variables have no JSON form: {error}") from error
    if len(encoded) > max_bytes:
        raise InputError(
            f"Output variables payload ({len(encoded)} bytes) exceeds the {max_bytes / 1_048_576:.1f} MB safe variable"
            " size limit for Zeebe job completion. Map only the parts that the process needs, or have the connector"
            " create a document."
        )
    return encoded.decode()
