from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from coupler.telemetry import context
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
    mask, key = context.mask.set(lambda text: text.replace("hunter2", "***")), context.job_key.set(4711)
    try:
        # When somebody logs in its context
        try:
            raise ValueError("token hunter2")
        except ValueError:
            log.exception("refused: %s", "hunter2", extra={"url": "http://x/hunter2"})
    finally:
        context.mask.reset(mask)
        context.job_key.reset(key)

    # Then the secret is nowhere, and the job is named
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("***") == 4
    assert "4711" in stream.getvalue()


def test_a_secret_of_punctuation_does_not_break_a_line() -> None:
    stream = written("json")
    token = context.mask.set(lambda text: text.replace('": "', "***").replace('"', "***"))
    try:
        log.warning('a ": " b', extra={"other": ['"']})
    finally:
        context.mask.reset(token)

    assert json.loads(stream.getvalue())["message"] == "a *** b"


def test_levels_count_and_libraries_are_quiet() -> None:
    stream = written("text", "DEBUG")

    log.debug("seen")
    logging.getLogger("httpx").info("not seen")
    configure("WARNING", "text", stream)
    log.info("not seen")

    assert "tests: seen" in stream.getvalue()
    assert "not seen" not in stream.getvalue()


def test_configuring_again_replaces() -> None:
    first, second = written("text"), written("text")

    log.info("once")

    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
