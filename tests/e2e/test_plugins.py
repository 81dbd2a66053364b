"""Connectors that strangers wrote."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import plugins
from tests.e2e.bpmn import Model
from tests.e2e.client import connect
from tests.e2e.processes import Engine, Process, Worker

BLOCKING = """

class Blocking(Connector[GreetingInput]):
    type = "example:blocking:1"
    name = "Blocking greeter"
    Input = GreetingInput

    def execute(self, input, context):
        import threading

        return {"text": f"Hello {input.who}", "main": threading.current_thread() is threading.main_thread()}
"""


def of_the_guide(file: str) -> str:
    """A file that docs/extending.md shows."""
    guide = Path(__file__).parents[2] / "docs" / "extending.md"
    blocks = re.findall(r"```\w*\n# (\S+)\n(.*?)```", guide.read_text(), re.DOTALL)
    return str(dict(blocks)[file])


async def test_a_connector_from_another_package_serves_jobs(tmp_path: Path) -> None:
    # Given two connectors, one of them blocking, installed beside Coupler
    entry_points = "greeter = greeter:Greeter\nblocking = greeter:Blocking"
    site = plugins.install(tmp_path, "greeter", entry_points, of_the_guide("src/greeter/__init__.py") + BLOCKING)
    thrown = 'bpmnError("NOBODY", error.message, {seen: error.message})'
    headers = {
        "resultExpression": "={greeting: text}",
        "errorExpression": f'=if error.code = "NOBODY" then {thrown} else null',
    }
    model = Model("greeting").start().end().end("nobody-there")
    model.task("greet", "example:greeter:1", inputs={"who": "=name", "shoutLoud": "=true"}, headers=headers)
    model.task("block", "example:blocking:1", inputs={"who": "=name"}, headers={"resultVariable": "blocking"})
    model.error_boundary("nobody", "greet", "NOBODY").flow("start", "greet", "block", "end")
    with Engine(tmp_path) as engine, Worker(tmp_path, engine.address, env={"PYTHONPATH": str(site)}) as worker:
        async with connect(engine.address, tmp_path) as client:
            await client.deploy(model.flow("nobody", "nobody-there"))

            # When instances run, then their code is what ran
            variables = await client.run("greeting", name="Ada")
            assert variables["greeting"] == "HELLO ADA"
            assert variables["blocking"] == {"text": "Hello Ada", "main": False}
            assert (await client.run("greeting", name="nobody"))["seen"] == "There is nobody to greet."
        assert "greeter 1.0.0" in _output(tmp_path, site, "connectors", "list")[1]
        assert worker.metric("coupler_jobs_finished_total", job_type="example:greeter:1", outcome="bpmn_error") == 1


def test_the_test_of_the_guide_passes(tmp_path: Path) -> None:
    site = plugins.install(tmp_path, "greeter", "greeter = greeter:Greeter", of_the_guide("src/greeter/__init__.py"))
    (tmp_path / "test_greeter.py").write_text(of_the_guide("tests/test_greeter.py"))

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_greeter.py"]
    env = {"PYTHONPATH": str(site), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(
    ("entry_points", "named"),
    [
        ("one = doubled:One\ntwo = doubled:Two", ["example:doubled:1", "one", "two", "doubled 1.0.0"]),
        ("mine = doubled:Rest", ["io.camunda:http-json:1", "mine", "doubled 1.0.0", "coupler 0"]),
        ("broken = doubled:NotThere", ["NotThere", "doubled"]),
        ("thing = doubled:thing", ["thing", "coupler.sdk.Connector"]),
    ],
    ids=["twice in one package", "that of a built-in", "no such class", "no connector"],
)
def test_a_plugin_that_cannot_be_used_is_refused_at_start(tmp_path: Path, entry_points: str, named: list[str]) -> None:
    source = """
from coupler.sdk import Connector, Input

class One(Connector[Input]):
    type, name, Input = "example:doubled:1", "One", Input
    async def execute(self, input, context): return None

class Two(One):
    name = "Two"

class Rest(One):
    type = "io.camunda:http-json:1"

thing = object()
"""
    site = plugins.install(tmp_path, "doubled", entry_points, source)

    code, output = _output(tmp_path, site, "run")

    assert code not in (0, None)
    assert "Traceback" not in output
    for text in named:
        assert text in output


def _output(directory: Path, site: Path, *arguments: str) -> tuple[int, str]:
    with Process("-".join(arguments), arguments, directory=directory, env={"PYTHONPATH": str(site)}) as process:
        return process.wait(), process.log()
