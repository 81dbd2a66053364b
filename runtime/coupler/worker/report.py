"""Step 8 of a job's life: exactly one command, repeated until it is acknowledged or the lease ends."""

from __future__ import annotations

import logging
from typing import assert_never

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import Gateway
from coupler.gateway.retry import retry_command
from coupler.worker.active import Held, Phase
from coupler.worker.outcome import Abandoned, BpmnErrorThrown, Completed, Failed, Outcome

log = logging.getLogger(__name__)


async def report(gateway: Gateway, held: Held, outcome: Outcome) -> Outcome:
    """Sends the command of an outcome.

    Returns:
        What the engine was told in the end: another outcome where it refused the first one for good.
    """
    if isinstance(outcome, Abandoned):
        held.phase = Phase.ENDED
        return outcome
    held.phase = Phase.FAILING if isinstance(outcome, Failed) else Phase.REPORTING
    try:
        await _deliver(gateway, held, outcome)
    except GatewayError as error:
        return await _refused(gateway, held, outcome, error)
    return outcome


async def _deliver(gateway: Gateway, held: Held, outcome: Outcome) -> None:
    """Sends the command for as long as the lease goes on.

    A lease may be extended, or the job given to us anew, while the command is on its way: then what was found out still
    holds, and nobody else will say it.
    """
    while True:
        renewals = held.renewals
        try:
            return await _send(gateway, held, outcome)
        except GatewayError as error:
            lost = error.retriable or error.status is GatewayStatus.NOT_FOUND
            if not lost or held.superseded or held.renewals == renewals:
                raise
        except Exception as problem:
            log.exception("The command of job %d could not be sent.", held.job.key)
            text = f"it could not be sent ({type(problem).__name__})"
            raise GatewayError(GatewayStatus.REJECTED, text) from problem


async def _send(gateway: Gateway, held: Held, outcome: Outcome) -> None:
    key = held.job.key
    match outcome:
        case Completed(variables):
            held.completed = await retry_command(lambda: gateway.complete(key, variables), held.lease_ends_at)
        case Failed():
            await retry_command(
                lambda: gateway.fail(
                    key,
                    retries=outcome.retries,
                    message=outcome.message,
                    backoff_seconds=outcome.backoff_seconds,
                    variables=outcome.variables,
                ),
                held.lease_ends_at,
                may_repeat=lambda: not held.superseded,
            )
        case BpmnErrorThrown(code, message, variables):
            await retry_command(
                lambda: gateway.throw_error(key, code=code, message=message, variables=variables), held.lease_ends_at
            )
        case Abandoned():
            pass
        case _:
            assert_never(outcome)


async def _refused(gateway: Gateway, held: Held, outcome: Outcome, error: GatewayError) -> Outcome:
    """What to do when the engine does not take the command: never silence while the job is still ours."""
    if error.status is GatewayStatus.NOT_FOUND:
        return Abandoned("the job is gone: it was cancelled, or its lease ran out")
    if error.retriable or held.superseded:
        return Abandoned(f"the outcome could not be reported before the lease ended: {error.message}")
    replacement = _replacement(outcome, error)
    if replacement is None:
        log.error("The engine refuses every command for job %d; it stays until its lease ends. %s", held.job.key, error)
        return Abandoned(f"the engine refuses every command for this job: {error.message}")
    held.phase = Phase.FAILING
    try:
        await _deliver(gateway, held, replacement)
    except GatewayError as second:
        return await _refused(gateway, held, replacement, second)
    return replacement


def _replacement(outcome: Outcome, error: GatewayError) -> Failed | None:
    """A FailJob without variables that says what was refused. 0 retries: the call itself was made already."""
    match outcome:
        case Completed(variables):
            size = len(variables.encode())
            return Failed(0, f"The call succeeded, but the engine refused its {size} bytes of output: {error.message}")
        case BpmnErrorThrown(code):
            return Failed(0, f"The engine refused to throw the BPMN error {code}: {error.message}")
        case Failed(retries, message, backoff, variables) if variables is not None:
            return Failed(retries, message[:1000], backoff)
        case _:
            return None
