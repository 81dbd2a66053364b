"""The command line: settings, ports, one job without an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import grpc
import pytest

from tests.e2e.bpmn import REST
from tests.e2e.processes import Engine, Process
from tests.e2e.target import Target


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"COUPLER_GATEWAY__GRPC_ADRESS": "http://localhost:1"}, ["GRPC_ADRESS", "COUPLER_GATEWAY__GRPC_ADDRESS"]),
        ({"COUPLER_WORKER__MAX_JOB_ACTIVE": "5"}, ["MAX_JOB_ACTIVE", "COUPLER_WORKER__MAX_JOBS_ACTIVE"]),
        ({"COUPLER_WORKER__MAX_JOBS_ACTIVE": "many"}, ["COUPLER_WORKER__MAX_JOBS_ACTIVE"]),
        ({"COUPLER_ADMIN__PORT": "99999"}, ["COUPLER_ADMIN__PORT"]),
        ({"COUPLER_GATEWAY__GRPC_ADDRESS": "ftp://localhost"}, ["ftp"]),
        ({"CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT": "soon"}, ["CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT"]),
        ({"CAMUNDA_CLIENT_AUTH_METHOD": "oidc"}, ["oidc"]),
        ({"COUPLER_CONNECTORS__RETS__ENABLED": "false"}, ["rets", "rest"]),
    ],
    ids=["name", "name of a worker setting", "number", "port", "address", "alias", "authentication", "connector"],
)
def test_bad_settings_are_refused_at_start(tmp_path: Path, env: Mapping[str, str], named: list[str]) -> None:
    with Process("bad-settings", ["run"], directory=tmp_path, env=env) as process:
        code = process.wait()

        assert code not in (0, 1)
        assert "Traceback" not in process.log()
        for text in named:
            assert text in process.log()


def test_a_port_that_is_taken_is_named(tmp_path: Path, engine: Engine) -> None:
    with Process("taken", ["engine"], directory=tmp_path, env={"COUPLER_EMBEDDED__PORT": str(engine.port)}) as process:
        assert process.wait() != 0
        assert str(engine.port) in process.log()
        assert "Traceback" not in process.log()


def test_the_free_port_that_an_engine_takes_is_printed(tmp_path: Path) -> None:
    env = {"COUPLER_EMBEDDED__PORT": "0", "COUPLER_EMBEDDED__REST_PORT": "0"}
    with Process("any-port", ["engine"], directory=tmp_path, env=env) as process:
        port = int(process.wait_for_line(r"127\.0\.0\.1:(\d+)")[1])
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(timeout=60)


@pytest.mark.parametrize(
    ("path", "headers", "code", "sent"),
    [
        ("/ok", {"resultExpression": "={a: body.answer}"}, 0, '"a":42'),
        ("/status/500", {}, 1, "500"),
        ("/status/404", {"errorExpression": '=bpmnError("GONE", "it is gone")'}, 2, "GONE"),
    ],
    ids=["completed", "failed", "BPMN error"],
)
def test_one_job_without_an_engine(
    tmp_path: Path, target: Target, path: str, headers: dict[str, str], code: int, sent: str
) -> None:
    variables = {"method": "GET", "url": target.url + path}
    job = {"variables": variables, "customHeaders": headers, "retries": 3}
    (tmp_path / "job.json").write_text(json.dumps(job))

    with Process("execute", ["execute", REST, "job.json"], directory=tmp_path) as process:
        assert process.wait() == code
        assert sent in process.log().replace(" ", "")


def test_a_job_type_that_nobody_serves_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"variables": {}}')

    with Process("execute", ["execute", "io.camunda:http-jsn:1", "job.json"], directory=tmp_path) as process:
        assert process.wait() != 0
        assert REST in process.log()
        assert "Traceback" not in process.log()
