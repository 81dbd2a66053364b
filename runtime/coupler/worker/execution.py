"""The life of one job, between taking it and the one command that ends it.

    headers ──▶ bind ──▶ execute ──▶ map ──▶ judge ──▶ outcome

Every step returns a value or raises; ``Execution.outcome`` is the one place that turns what was raised into an outcome.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from coupler import json
from coupler.documents.binding import MARK
from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.errors import BpmnError, ConnectorError, GatewayError, GatewayStatus, InputError
from coupler.gateway.protocol import Gateway, Job
from coupler.registry import Registered
from coupler.sdk.context import JobContext, Resources
from coupler.secrets.masking import NOTHING_TO_MASK, Masker
from coupler.secrets.provider import SecretScope
from coupler.secrets.resolution import Secrets
from coupler.telemetry import context
from coupler.telemetry.context import JobScope
from coupler.telemetry.tracing import Tracer
from coupler.worker import headers as task_headers
from coupler.worker.active import Cut, Held
from coupler.worker.binding import bind, bind_with_documents, decode
from coupler.worker.config import WorkerConfig
from coupler.worker.failure import SUFFIX, ErrorResult, describe, error_result, failed, java_type
from coupler.worker.headers import Headers
from coupler.worker.invocation import Invocation
from coupler.worker.judge import judge_error, judge_success
from coupler.worker.mapping import Mapped, encode_variables, map_result, to_plain
from coupler.worker.outcome import Abandoned, BpmnErrorThrown, Failed, Outcome
from coupler.worker.routing import Routing, Target
from coupler.worker.spans import JobSpans
from coupler.worker.text import cut

log = logging.getLogger(__name__)

_UNCUT = 2**31  # a secret that is cut before it is masked would leave its beginning behind
_NO_HEADERS = Headers({}, None, None, None)


@dataclass(slots=True)
class _Attempt:
    """What the steps of one job learn for those that follow."""

    held: Held
    scope: JobScope
    headers: Headers = field(default=_NO_HEADERS)
    backoff_seconds: float | None = None
    masker: Masker = NOTHING_TO_MASK
    error_type: str | None = None

    @property
    def job(self) -> Job:
        return self.held.job


class Execution:
    """Runs the jobs of one connector, many at the same time."""

    def __init__(
        self,
        registered: Registered,
        *,
        gateway: Gateway,
        secrets: Secrets,
        resources: Resources,
        config: WorkerConfig,
        documents: Documents = NO_DOCUMENTS,
        tracer: Tracer | None = None,
    ) -> None:
        if registered.connector is None:
            raise ValueError(f"{registered.name} is switched off")
        self._connector = registered.connector
        self._gateway = gateway
        self._secrets = secrets
        self._resources = resources
        self._documents = documents
        self._config = config
        self._uncut = replace(config, max_message_length=_UNCUT)
        self._routing = Routing(registered.connector)
        self._invocation = Invocation(registered.connector)
        self._spans = None if tracer is None else JobSpans(tracer, registered.name)

    async def outcome(self, held: Held) -> Outcome:
        """Runs one job. Raises nothing but a cancellation that was not ordered through ``Held.cut_short``."""
        attempt = _Attempt(held, context.enter(held.job.key, held.task))
        if self._spans is None:
            return await self._outcome(attempt)
        with self._spans.span(held.job, attempt.scope) as span:
            outcome = await self._outcome(attempt)
            span.ended_as(outcome, attempt.error_type)
        return outcome

    async def _outcome(self, attempt: _Attempt) -> Outcome:
        held = attempt.held
        try:
            outcome = await self._run(attempt)
        except asyncio.CancelledError:
            if held.cut is None:
                raise
            held.acknowledge_cut()
            return self._cut_short(attempt, held.cut)
        except Exception as problem:  # noqa: BLE001 - whatever went wrong, the engine must be told
            return self._untold(attempt, problem)
        if held.cut is not None:  # the connector finished all the same
            held.acknowledge_cut()
            if held.cut is Cut.LEASE_LOST:
                return Abandoned(held.cut.value)
        return outcome

    def cut_short(self, held: Held) -> Outcome:
        """The outcome of a run that was cut short, without waiting for the connector."""
        attempt = _Attempt(held, JobScope(held.job.key))
        with suppress(InputError):
            self._read_headers(attempt)
        return self._cut_short(attempt, held.cut or Cut.TOO_LONG)

    async def _run(self, attempt: _Attempt) -> Outcome:
        """The steps, and what their errors come to."""
        try:
            mapped = await self._work(attempt)
            result = await self._judge_result(attempt, mapped)
        except BpmnError as error:
            return self._bpmn_error(attempt, error)
        except Exception as problem:  # noqa: BLE001 - whatever a connector raises must become a command
            if attempt.held.cut is not None:  # that is how it took its cancellation
                return self._cut_short(attempt, attempt.held.cut)
            return await self._judge_problem(attempt, problem)
        return _masked(result, attempt.masker, self._config.max_message_length)

    async def until_thread_ended(self, held: Held) -> None:
        """Waits for a thread that could not be cancelled."""
        await self._invocation.until_thread_ended(held)

    def close(self) -> None:
        """Frees the connector's thread pool."""
        self._invocation.close()

    async def _work(self, attempt: _Attempt) -> Mapped:
        self._read_headers(attempt)
        if "jobTimeout" in attempt.headers.all:
            seconds = task_headers.job_timeout_seconds(attempt.headers.all)
            if seconds is not None:
                await self._change_lease(attempt.held, seconds)
        target, bound = await self._bind(attempt)
        response = await self._invocation.call(attempt.held, target, bound, self._context(attempt))
        if not self._connector.response_is_json:
            response = to_plain(response)
        config = self._config
        return await map_result(
            attempt.job, attempt.headers, response, config.feel_limits, config.max_variables_bytes, self._documents
        )

    @staticmethod
    def _read_headers(attempt: _Attempt) -> None:
        attempt.headers = task_headers.read_headers(attempt.job.custom_headers)
        values = attempt.headers.all
        if "retryBackoff" in values:
            attempt.backoff_seconds = task_headers.retry_backoff_seconds(values)

    async def _change_lease(self, held: Held, seconds: float) -> None:
        """Asks for the lease of the header ``jobTimeout``; connection trouble does not keep the job from running."""
        asked_at = time.monotonic()
        held.max_run_seconds = min(held.max_run_seconds, seconds)
        try:
            await self._gateway.update_timeout(held.job.key, seconds)
        except GatewayError as error:
            if not error.retriable and error.status is not GatewayStatus.UNIMPLEMENTED:
                raise
            log.warning("Job %d keeps its lease: the gateway did not take jobTimeout. %s", held.job.key, error)
            held.lease_ends_at = min(held.lease_ends_at, asked_at + seconds)
        else:
            held.extended_until(asked_at + seconds)
        held.lease_seconds = seconds
        if held.lease_ends_at <= time.monotonic():
            raise ConnectorError("The time of the header jobTimeout was over before the connector could start.")

    async def _bind(self, attempt: _Attempt) -> tuple[Target, BaseModel]:
        job = attempt.job
        text = job.variables
        if "secrets." in text:
            scope = SecretScope(job.tenant_id, job.process_id, job.process_definition_key, job.element_id)
            resolved = await self._secrets.resolve(text, scope)
            attempt.masker = resolved.masker
            attempt.scope.mask = resolved.masker.mask
            text = resolved.text
        values = decode(text)
        target = self._routing.target(attempt.headers.all, values)
        if MARK in text:
            return target, await bind_with_documents(values, target.model, self._documents)
        return target, bind(values, target.model)

    def _context(self, attempt: _Attempt) -> JobContext:
        job = attempt.job
        return JobContext(
            job_key=job.key,
            type=job.type,
            retries=job.retries,
            headers=attempt.headers.all,
            process_instance_key=job.process_instance_key,
            process_id=job.process_id,
            process_definition_key=job.process_definition_key,
            process_definition_version=job.process_definition_version,
            element_id=job.element_id,
            element_instance_key=job.element_instance_key,
            tenant_id=job.tenant_id,
            resources=self._resources,
            documents=self._documents,
        )

    async def _judge_result(self, attempt: _Attempt, mapped: Mapped) -> Outcome:
        expression = attempt.headers.error_expression
        if expression is None:
            return mapped.completed()
        config = self._config if attempt.masker is NOTHING_TO_MASK else self._uncut
        try:
            verdict = await judge_success(expression, attempt.job, mapped, config, self._documents)
        except Exception as problem:  # noqa: BLE001 - every fault of an expression becomes a FailJob
            return self._expression_failed(attempt, problem, None)
        return verdict or mapped.completed()

    def _result(self, attempt: _Attempt, problem: Exception, backoff_seconds: float | None) -> ErrorResult:
        result = error_result(
            problem,
            attempt.masker,
            job_retries=attempt.job.retries,
            header_backoff=backoff_seconds,
            config=self._config,
        )
        attempt.error_type = cut(str(result.error.get("code") or result.error["type"]), 100)
        return result

    async def _judge_problem(self, attempt: _Attempt, problem: Exception) -> Outcome:
        result = self._result(attempt, problem, attempt.backoff_seconds)
        _log_where(attempt, problem)
        expression = attempt.headers.error_expression
        verdict = None
        if expression is not None:
            try:
                verdict = await judge_error(expression, attempt.job, result, self._config, self._documents)
            except Exception as second:  # noqa: BLE001 - every fault of an expression becomes a FailJob
                return self._expression_failed(attempt, second, result)
        outcome = failed(result, self._config) if verdict is None else verdict
        _log_problem(attempt, outcome, result.error["message"])
        if verdict is None:
            return outcome
        return _masked(outcome, attempt.masker, self._config.max_message_length, after_error=True)

    def _expression_failed(self, attempt: _Attempt, problem: Exception, result: ErrorResult | None) -> Failed:
        """The error expression itself failed: the retries are kept (the Java runtime drops to 0), unless the input is
        at fault."""
        own = self._result(attempt, problem, attempt.backoff_seconds)
        message = f"The error expression failed: {own.error['message']}"
        if result is not None:
            message += f" It was evaluated because the job had failed: {result.error['message']}"
        own.error["message"] = cut(message, self._config.max_message_length)
        outcome = failed(own, self._config)
        _log_problem(attempt, outcome, own.error["message"])
        _log_where(attempt, problem)
        return outcome

    def _bpmn_error(self, attempt: _Attempt, error: BpmnError) -> Outcome:
        described = describe(error, attempt.masker, self._config.max_message_length)
        try:
            told = attempt.masker.mask_value(to_plain(dict(error.variables)))
            variables = encode_variables(told, self._config.max_variables_bytes)
        except Exception as problem:  # noqa: BLE001 - too large, or without a JSON form
            return self._expression_failed(attempt, problem, None)
        return BpmnErrorThrown(cut(str(error.code), self._config.max_message_length), described["message"], variables)

    def _untold(self, attempt: _Attempt, problem: Exception) -> Failed:
        """The last resort: a failure that cannot even be described."""
        job = attempt.job
        attempt.error_type = java_type(problem)
        log.error("Job %d failed, and its error could not be handled: %s", job.key, type(problem).__name__)
        if attempt.masker is NOTHING_TO_MASK:
            log.debug("Where job %d failed", job.key, exc_info=problem)
        text = f"The job failed, and its error could not be handled ({type(problem).__name__})."
        error = {"type": java_type(problem), "message": text}
        backoff = attempt.backoff_seconds or 0.0
        return Failed(max(job.retries - 1, 0), text, max(backoff, 0.0), json.dumps({"error": error}))

    def _cut_short(self, attempt: _Attempt, reason: Cut) -> Outcome:
        retries = attempt.job.retries
        match reason:
            case Cut.LEASE_LOST:
                return Abandoned(reason.value)
            case Cut.HANDED_BACK:
                return Failed(max(retries, 0), "The job was not started and is handed back to the engine.")
            case Cut.TOO_LONG:
                seconds = attempt.held.max_run_seconds
                problem = ConnectorError(f"The job was cut short: it ran longer than {seconds:g} s.", code="TIMEOUT")
            case Cut.SHUTDOWN:
                problem = ConnectorError("The job was cut short: the runtime is shutting down.", code="SHUTDOWN")
        result = self._result(attempt, problem, attempt.backoff_seconds if reason is Cut.TOO_LONG else None)
        if reason is Cut.SHUTDOWN and self._connector.repeatable:
            result.retries = retries
        return failed(result, self._config)


def _masked(outcome: Outcome, masker: Masker, limit: int, *, after_error: bool = False) -> Outcome:
    """Output variables pass as they are, as in the Java runtime; texts and variables about failures do not."""
    if masker is NOTHING_TO_MASK:
        return outcome
    match outcome:
        case Failed(retries, message, backoff, variables):
            text = cut(SUFFIX.join(map(masker.mask, message.split(SUFFIX))), limit)
            return Failed(retries, text, backoff, variables and _masked_json(variables, masker))
        case BpmnErrorThrown(code, message, variables):
            told = _masked_json(variables, masker) if after_error else variables
            return BpmnErrorThrown(code, cut(masker.mask(message), limit), told)
        case _:
            return outcome


def _masked_json(text: str, masker: Masker) -> str:
    """Value by value: a secret that is a number, or a piece of punctuation, must not break the text."""
    return json.dumps(masker.mask_value(json.loads(text)))


def _log_problem(attempt: _Attempt, outcome: Outcome, message: str) -> None:
    """What an error came to. Only a failure is a warning: the model's error expression may have made less of it."""
    job = attempt.job
    level, what = logging.DEBUG, "went on without its result, as the error expression wants"
    if isinstance(outcome, Failed):
        level, what = logging.WARNING, f"failed with {outcome.retries} retries left"
    elif isinstance(outcome, BpmnErrorThrown):
        what = "ended in a BPMN error, as the error expression wants"
    log.log(
        level,
        "Job %d (%s, element %s of %s, instance %d) %s: %s",
        job.key,
        job.type,
        job.element_id,
        job.process_id,
        job.process_instance_key,
        what,
        message,
    )


def _log_where(attempt: _Attempt, problem: Exception) -> None:
    if log.isEnabledFor(logging.DEBUG) and attempt.masker is NOTHING_TO_MASK:
        log.debug("Where job %d failed", attempt.job.key, exc_info=problem)
