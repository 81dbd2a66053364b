"""The calls of the REST API, from requests to the engine and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from coupler.embedded.completion import run_to_completion
from coupler.embedded.dispatch import Dispatch
from coupler.embedded.engine import Engine
from coupler.embedded.interpreter.messages import Message
from coupler.embedded.job_commands import ActivationRequest
from coupler.embedded.rejection import invalid
from coupler.embedded.server.checks import (
    DEFAULT_TENANT,
    activation_wait_seconds,
    check_activation,
    check_resources,
    check_tenant,
    completion_wait_seconds,
    find_definition,
)
from coupler.embedded.server.rest import answers
from coupler.embedded.server.rest.asgi import Answer, Request, Xml
from coupler.embedded.server.rest.bodies import (
    ActivationBody,
    Body,
    CreationBody,
    ErrorBody,
    FailureBody,
    MessageBody,
    UpdateBody,
    VariablesBody,
    key_of,
    read_body,
)
from coupler.embedded.server.rest.form import read_form

_DONE = HTTPStatus.NO_CONTENT


class RestCalls:
    """Answers calls; a refused one raises Rejection. ``address`` tells host and port for the topology.

    Calls about one thing get its key as the path has it.
    """

    def __init__(self, engine: Engine, dispatch: Dispatch, address: Callable[[], tuple[str, int]]) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._address = address

    async def topology(self, _: Request) -> Answer:
        """One broker with one healthy partition, as long as it answers."""
        return Answer(answers.topology(*self._address()))

    async def status(self, _: Request) -> Answer:
        """The engine answers, so it is well."""
        return Answer(status=_DONE)

    async def activate(self, request: Request) -> Answer:
        """Answers with jobs as soon as there are any (long polling), or with none in the end.

        Jobs whose client has gone meanwhile are handed back with their retries unchanged.
        """
        body = await read_body(request, ActivationBody)
        worker, fetch = body.worker or "", tuple(body.fetch_variable or ())
        wanted = ActivationRequest(body.type, worker, body.timeout, body.max_jobs_to_activate, fetch)
        check_activation(wanted, body.tenant_ids or ())
        wait_seconds = activation_wait_seconds(body.request_timeout or 0)
        batch = await request.unless_gone(self._dispatch.first(wanted, wait_seconds))
        hand_back = partial(self._engine.jobs.hand_back, batch) if batch else None
        return Answer({"jobs": [answers.job(activation, worker) for activation in batch]}, undelivered=hand_back)

    async def complete(self, request: Request, key: str) -> Answer:
        """The work is done."""
        body = await read_body(request, Body)
        self._engine.jobs.complete(key_of(key), body.document())
        return Answer(status=_DONE)

    async def fail(self, request: Request, key: str) -> Answer:
        """The work failed."""
        body = await read_body(request, FailureBody)
        message, backoff_ms = body.error_message or "", body.retry_back_off or 0
        self._engine.jobs.fail(key_of(key), body.retries or 0, message, backoff_ms, body.document())
        return Answer(status=_DONE)

    async def throw_error(self, request: Request, key: str) -> Answer:
        """The work ended with a BPMN error."""
        body = await read_body(request, ErrorBody)
        if not body.error_code:
            raise invalid("Expected to throw an error with an errorCode, but none given")
        self._engine.jobs.throw_error(key_of(key), body.error_code, body.error_message or "", body.document())
        return Answer(status=_DONE)

    async def update_job(self, request: Request, key: str) -> Answer:
        """Changes the retries left, or moves the end of a lease, or both."""
        changes = (await read_body(request, UpdateBody)).changeset
        if changes.retries is None and changes.timeout is None:
            raise invalid("Expected a changeset with retries or timeout (jobs have no priorities here), but none given")
        self._engine.jobs.update(key_of(key), changes.retries, changes.timeout)
        return Answer(status=_DONE)

    async def definition_xml(self, _: Request, key: str) -> Xml:
        """The BPMN XML as it was deployed, byte by byte."""
        return Xml(self._engine.definitions.content(key_of(key)))

    async def deploy(self, request: Request) -> Answer:
        """Deploys the files of a form, all or none; fields may have any name."""
        parts = read_form(request.headers.get("content-type", ""), await request.body())
        for part in parts:
            if part.name == "tenantId":
                check_tenant(part.content.decode("utf-8", "replace"))
        files = [(part.file_name, part.content) for part in parts if part.file_name is not None]
        check_resources([name for name, _ in files])
        return Answer(answers.deployment(*self._engine.deploy(files)))

    async def create_instance(self, request: Request) -> Answer:
        """Starts a process, and waits for its end if that is wanted."""
        body = await read_body(request, CreationBody)
        body.check()
        check_tenant(body.tenant_id)
        version, key = body.process_definition_version or -1, key_of(body.process_definition_key)
        definition = find_definition(self._engine.definitions, body.process_definition_id, version, key)
        variables = body.document()
        if not body.await_completion:
            return Answer(answers.created(definition, self._engine.create_instance(definition, variables), {}))
        wait_seconds = completion_wait_seconds(body.request_timeout or 0)
        running = run_to_completion(self._engine, definition, variables, wait_seconds, body.fetch_variables or ())
        completed = await request.unless_gone(running)
        return Answer(answers.created(definition, completed.key, completed.variables))

    async def cancel_instance(self, request: Request, key: str) -> Answer:
        """Ends a process instance."""
        await read_body(request, Body)
        self._engine.cancel_instance(key_of(key))
        return Answer(status=_DONE)

    async def set_variables(self, request: Request, key: str) -> Answer:
        """Sets variables of an element instance, or of those around it."""
        body = await read_body(request, VariablesBody)
        self._engine.set_variables(key_of(key), body.document(), local=body.local)
        return Answer(status=_DONE)

    async def publish_message(self, request: Request) -> Answer:
        """Publishes a message."""
        body = await read_body(request, MessageBody)
        check_tenant(body.tenant_id)
        if not body.name:
            raise invalid("Expected to publish a message with a name, but it was blank")
        correlation_key, message_id = body.correlation_key or "", body.message_id or ""
        message = Message(body.name, correlation_key, body.document(), body.time_to_live or 0, message_id)
        return Answer({"messageKey": str(self._engine.publish_message(message)), "tenantId": DEFAULT_TENANT})

    async def resolve_incident(self, request: Request, key: str) -> Answer:
        """Lets an element instance try again."""
        await read_body(request, Body)
        self._engine.resolve_incident(key_of(key))
        return Answer(status=_DONE)
