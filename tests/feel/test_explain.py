"""The command: value on standard output, explanations on standard error, exit codes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from coupler.expressions import FUNCTIONS
from coupler.feel import explain


@pytest.fixture
def context(tmp_path: Path) -> str:
    path = tmp_path / "context.json"
    path.write_text('{"response": {"body": {"total": 12.50}}}')
    return str(path)


def test_prints_the_value(context: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run("= {total: response.body.total}", context, explain=False) == 0
    assert capsys.readouterr() == ('{"total":12.50}\n', "")


def test_explains_a_null(context: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run("response.body.totl", context, explain=False) == 0
    out, error = capsys.readouterr()
    assert out == "null\n"
    assert error.split("\n")[0] == "response.body.totl is not there: did you mean 'total'?"
    assert error.split("\n")[1:3] == ["    response.body.totl", "                  ^"]


def test_tells_type_steps_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run("2 in [1, 2] and true", None, explain=True, functions=FUNCTIONS) == 0
    out, error = capsys.readouterr()
    assert out == "false\n"
    assert "type: boolean\n" in error
    assert "steps: " in error
    assert "'in' takes everything behind it as one test" in error


def test_knows_the_functions_of_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run('bpmnError("A")', None, explain=False, functions=FUNCTIONS) == 0
    assert capsys.readouterr().out == '{"errorType":"bpmnError","errorCode":"A"}\n'


def test_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 1}'))
    assert explain.run("a + 1", "-", explain=False) == 0
    assert capsys.readouterr().out == "2\n"


def test_shows_functions_and_ranges_as_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run("function(x) x", None, explain=False) == 0
    assert capsys.readouterr().out == '{"type":"other","value":"function"}\n'


@pytest.mark.parametrize("text", ["1 +", "modulo(1, 0)"])
def test_failing_expressions_exit_with_1(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run(text, None, explain=False) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error


@pytest.mark.parametrize("content", ["[1]", "{", None])
def test_bad_contexts_exit_with_2(content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "context.json"
    if content is not None:
        path.write_text(content)
    assert explain.run("1", str(path), explain=False) == 2
    assert str(path) in capsys.readouterr().err
