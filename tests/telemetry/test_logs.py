from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coupler.telemetry import context
from coupler.telemetry.context import JobScope
from coupler.telemetry.logs import configure

log = logging.getLogger("coupler.tests")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(format: str, level: str = "INFO") -> io.StringIO:  # noqa: A002 - as the setting is called
    stream = io.StringIO()
    configure(level, format, stream)
    return stream


@contextmanager
def working_for(scope: JobScope) -> Iterator[None]:
    token = context.job.set(scope)
    try:
        yield
    finally:
        context.job.reset(token)


def test_text_lines_are_for_people() -> None:
    stream = written("text")

    log.info("Job %d ended", 7, extra={"outcome": "completed"})

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    tests: Job 7 ended outcome=completed\n", stream.getvalue()
    )


def test_json_lines_are_for_machines() -> None:
    stream = written("json")

    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("It failed: %s", "ü", extra={"outcome": "failed"})

    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("ERROR", "coupler.tests", "It failed: ü")
    assert entry["outcome"] == "failed"
    assert "ValueError: two\nlines" in entry["exception"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_lines_of_a_job_are_masked_and_name_it(format: str) -> None:  # noqa: A002 - as the setting is called
    # Given that a job with a secret runs
    stream = written(format)
    with working_for(JobScope(4711, mask=lambda text: text.replace("hunter2", "***"))):
        # When somebody logs in its context
        try:
            raise ValueError("token hunter2")
        except ValueError:
            log.exception("refused: %s", "hunter2", extra={"url": "http://x/hunter2"})

    # Then the secret is nowhere, and the job is named
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("***") == 4
    assert "4711" in stream.getvalue()


@pytest.mark.parametrize("format", ["text", "json"])
def test_where_masking_fails_nothing_is_shown(format: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: A002
    def broken(text: str) -> str:
        raise RuntimeError(text)

    stream = written(format)
    with working_for(JobScope(4711, mask=broken)):
        log.warning("token hunter2")

    assert "hunter2" not in stream.getvalue() + capsys.readouterr().err
    assert "not shown" in stream.getvalue()


def test_lines_of_a_traced_job_name_its_trace() -> None:
    stream = written("json")
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    with working_for(JobScope(1, trace_id=trace_id)):
        log.info("called")

    assert json.loads(stream.getvalue())["trace_id"] == trace_id


async def test_what_a_job_leaves_behind_speaks_for_no_job() -> None:
    stream = written("json")
    ended = asyncio.Event()

    async def left_behind() -> None:
        log.info("while the job runs: hunter2")
        assert len(context.trace_headers()) == 1
        await ended.wait()
        log.info("after its end: hunter2")
        assert context.trace_headers() == ()

    async def job() -> asyncio.Task[None]:
        scope = context.enter(4711, asyncio.current_task())
        scope.mask = lambda text: text.replace("hunter2", "***")
        scope.trace_id = "0af7651916cd43dd8448eb211c80319c"
        scope.trace = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
        task = asyncio.create_task(left_behind())
        await asyncio.sleep(0)
        return task

    task = await asyncio.create_task(job())
    ended.set()
    await task

    during, after = map(json.loads, stream.getvalue().splitlines())
    assert (during["message"], during["job_key"]) == ("while the job runs: ***", 4711)
    assert after["message"] == "after its end: ***"
    assert not after.keys() & {"job_key", "trace_id"}


def test_a_secret_of_punctuation_does_not_break_a_line() -> None:
    stream = written("json")
    with working_for(JobScope(1, mask=lambda text: text.replace('": "', "***").replace('"', "***"))):
        log.warning('a ": " b', extra={"other": ['"']})

    assert json.loads(stream.getvalue())["message"] == "a *** b"


def test_levels_count_and_libraries_are_quiet() -> None:
    stream = written("text", "DEBUG")

    log.debug("seen")
    logging.getLogger("httpx").info("not seen")
    logging.getLogger("grpc._cython.cygrpc").debug("not seen")  # one for every call to the gateway
    configure("WARNING", "text", stream)
    log.info("not seen")

    assert "tests: seen" in stream.getvalue()
    assert "not seen" not in stream.getvalue()


def test_configuring_again_replaces() -> None:
    first, second = written("text"), written("text")

    log.info("once")

    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
