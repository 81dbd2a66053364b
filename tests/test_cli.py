from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from coupler import __version__
from coupler.admin.config import AdminConfig
from coupler.admin.server import AdminServer, bind
from coupler.cli import EXIT_CONFIG, main
from coupler.dev.sample_target import TOKEN, SampleTarget
from tests.admin.view import FakeView

REST = "io.camunda:http-json:1"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("COUPLER_", "CAMUNDA_", "CONNECTOR_", "SECRET_", "HEALTHCHECK_")):
            monkeypatch.delenv(name)


@pytest.fixture
def target() -> Iterator[SampleTarget]:
    with SampleTarget() as target:
        yield target


def execute(job: dict[str, object], capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, object]]:
    Path("job.json").write_text(json.dumps(job))
    code = main(["execute", *options, REST, "job.json"])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, answer


def test_a_job_that_completes(target: SampleTarget, capsys: pytest.CaptureFixture[str]) -> None:
    code, command = execute(
        {
            "variables": {"method": "GET", "url": f"{target.address}/weather", "queryParameters": {"city": "Lisbon"}},
            "customHeaders": {"resultExpression": "={sky: body.sky, city: body.city, exact: 1.50}"},
        },
        capsys,
    )

    assert code == 0
    assert command == {"command": "complete", "variables": {"sky": "clear", "city": "Lisbon", "exact": 1.5}}


def test_a_job_that_fails(target: SampleTarget, capsys: pytest.CaptureFixture[str]) -> None:
    code, command = execute(
        {
            "variables": {"method": "POST", "url": f"{target.address}/broken"},
            "customHeaders": {"retryBackoff": "PT7S"},
            "retries": 5,
        },
        capsys,
    )

    assert code == 1
    assert (command["command"], command["retries"], command["retryBackoffSeconds"]) == ("fail", 4, 7.0)
    assert str(command["errorMessage"]).startswith("Internal Server Error | Error variables: ")


def test_a_job_that_throws(target: SampleTarget, capsys: pytest.CaptureFixture[str]) -> None:
    code, command = execute(
        {
            "variables": {"method": "GET", "url": f"{target.address}/customers/7"},
            "customHeaders": {"errorExpression": '=if error.code = "404" then bpmnError("GONE", "away") else null'},
        },
        capsys,
    )

    assert code == 2
    assert (command["command"], command["errorCode"], command["errorMessage"]) == ("throwError", "GONE", "away")


def test_a_job_with_a_secret(
    target: SampleTarget, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_SHOP", TOKEN)
    job: dict[str, object] = {
        "variables": {
            "method": "POST",
            "url": f"{target.address}/orders",
            "authentication": {"type": "bearer", "token": "{{secrets.SHOP}}"},
            "body": {"customer": "Ada", "items": [{"price": 19.95, "quantity": 2}]},
        },
        "customHeaders": {"resultExpression": "={total: body.total}"},
    }

    assert execute(job, capsys) == (0, {"command": "complete", "variables": {"total": 39.9}})


def test_a_job_from_standard_input(
    target: SampleTarget, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"variables": {"method": "GET", "url": f"{target.address}/weather"}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(job)))

    assert main(["execute", REST, "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {"command": "complete", "variables": {}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be an object"),
        ('{"variables": []}', "variables of the job must be an object"),
        ('{"customHeaders": "x"}', "customHeaders of the job must be an object"),
        ('{"retries": "three"}', "retries of the job must be a whole number"),
    ],
)
def test_a_job_that_is_none(text: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("job.json").write_text(text)

    assert main(["execute", REST, "job.json"]) == EXIT_CONFIG
    assert fault in capsys.readouterr().err


def test_a_job_type_that_nobody_serves(capsys: pytest.CaptureFixture[str]) -> None:
    Path("job.json").write_text("{}")

    assert main(["execute", "io.camunda:http-jsn:1", "job.json"]) == EXIT_CONFIG
    assert f"Did you mean {REST!r}?" in capsys.readouterr().err


def test_a_job_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["execute", REST, "nope.json"]) == EXIT_CONFIG
    assert "nope.json cannot be read" in capsys.readouterr().err


def test_connectors_list(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["connectors", "list"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["JOB", "TYPE", "PLUG-IN", "NAME", "FROM", "STATE"]
    assert any(
        line.startswith(f"{REST} ") and f"coupler {__version__}" in line and line.endswith("on") for line in table
    )

    monkeypatch.setenv("CONNECTOR_OUTBOUND_DISABLED", REST.upper())
    assert main(["connectors", "list", "--json"]) == 0
    listed = {each["plugin"]: each for each in json.loads(capsys.readouterr().out)}
    assert (listed["rest"]["type"], listed["rest"]["enabled"]) == (REST, False)
    assert "url" in listed["rest"]["input_variables"]


def test_config_show(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMUNDA_CLIENT_GRPCADDRESS", "http://zeebe:26500")
    monkeypatch.setenv("CAMUNDA_CLIENT_AUTH_USERNAME", "me")
    monkeypatch.setenv("CAMUNDA_CLIENT_AUTH_PASSWORD", "hunter2")

    assert main(["config", "show", "--changed", "--set", "worker.max-jobs-active=7"]) == 0

    shown = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert lines["COUPLER_GATEWAY__GRPC_ADDRESS"] == ["http://zeebe:26500", "environment", "CAMUNDA_CLIENT_GRPCADDRESS"]
    assert lines["COUPLER_GATEWAY__AUTH__METHOD"] == ["basic", "environment", "CAMUNDA_CLIENT_AUTH_USERNAME"]
    assert lines["COUPLER_GATEWAY__AUTH__PASSWORD"][0] == "***"
    assert lines["COUPLER_WORKER__MAX_JOBS_ACTIVE"] == ["7", "flag"]
    assert "hunter2" not in shown

    assert main(["config", "show", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["COUPLER_ADMIN__PORT"] == {
        "name": "COUPLER_ADMIN__PORT",
        "path": "admin.port",
        "value": 8080,
        "origin": "default",
    }


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("worker.max_jobs_activ=1", "Did you mean 'worker.max_jobs_active'?"),
        ("worker.max_jobs_active", "write it as NAME=VALUE"),
        ("worker.max_jobs_active=many", "COUPLER_WORKER__MAX_JOBS_ACTIVE"),
    ],
)
def test_a_wrong_flag_is_said(setting: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--set", setting]) == EXIT_CONFIG
    assert fault in capsys.readouterr().err


@pytest.fixture
def admin() -> Iterator[tuple[FakeView, AdminServer]]:
    """An admin server in a thread of its own."""
    view, server = FakeView(), AdminServer(bind(AdminConfig(port=0)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(view, CollectorRegistry(), AdminConfig()), loop).result(60)
    try:
        yield view, server
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_healthcheck(
    admin: tuple[FakeView, AdminServer], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    view, server = admin
    monkeypatch.setenv("COUPLER_ADMIN__PORT", server.address.rpartition(":")[2])
    assert main(["healthcheck"]) == 0

    view.reasons = ["draining"]
    assert main(["healthcheck"]) == 1
    assert '"reasons":["draining"]' in capsys.readouterr().out
    assert main(["healthcheck", "--live"]) == 0

    monkeypatch.setenv("HEALTHCHECK_URL", f"{server.address}/actuator/health/readiness")
    assert main(["healthcheck"]) == 1
    assert main(["healthcheck", "--url", f"{server.address}/health/startup"]) == 0


def test_healthcheck_reads_a_file_where_there_is_one(admin: tuple[FakeView, AdminServer]) -> None:
    _, server = admin
    Path("coupler.toml").write_text(f"[admin]\nport = {server.address.rpartition(':')[2]}\n")

    assert main(["healthcheck"]) == 0


def test_healthcheck_does_not_read_all_settings_where_the_environment_suffices() -> None:
    program = (
        "import sys\nfrom coupler.cli import main\ncode = main(['healthcheck'])\n"
        "print(code, {'pydantic', 'grpc'} & set(sys.modules))"
    )
    with bind(AdminConfig(port=0)) as unused:
        environ = {**os.environ, "COUPLER_ADMIN__PORT": str(unused.getsockname()[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines()[-1] == "1 set()"


def test_healthcheck_of_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with bind(AdminConfig(port=0)) as unused:
        port = unused.getsockname()[1]
    assert main(["healthcheck", "--set", f"admin.port={port}"]) == 1
    assert "no answer" in capsys.readouterr().out


def test_feel(capsys: pytest.CaptureFixture[str]) -> None:
    Path("context.json").write_text('{"response": {"body": {"total": 1.50}}}')

    assert main(["feel", "= response.body.total * 2", "--context", "context.json"]) == 0
    assert capsys.readouterr().out.strip() == "3.00"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"coupler {__version__}\npython 3.")


def test_files_to_deploy_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "nowhere.bpmn"]) == EXIT_CONFIG
    assert "There is no file or folder nowhere.bpmn." in capsys.readouterr().err


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([])

    assert raised.value.code == 2
    assert "usage: coupler" in capsys.readouterr().err
