from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from coupler.dev import session
from coupler.dev.deployment import Deployment, bpmn_files
from coupler.dev.engine_view import EmbeddedView, on_free_ports
from coupler.embedded import EngineConfig, EngineThread
from coupler.errors import ConfigError

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="http://example.org">
  <bpmn:process id="{id}" name="{name}" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:serviceTask id="work"><bpmn:extensionElements><zeebe:taskDefinition type="nobody" retries="1"/>
    </bpmn:extensionElements><bpmn:incoming>f1</bpmn:incoming></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
  </bpmn:process>
</bpmn:definitions>"""


@pytest.fixture
def engine() -> Iterator[EngineThread]:
    engine = EngineThread(EngineConfig(grpc_port=0, rest_port=0))
    engine.start()
    yield engine
    engine.stop()


def test_folders_stand_for_their_models(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.bpmn", "a.bpmn", "sub/c.bpmn", "notes.txt"):
        (tmp_path / name).touch()

    assert [path.name for path in bpmn_files([tmp_path])] == ["a.bpmn", "b.bpmn", "c.bpmn"]
    assert list(bpmn_files([tmp_path / "notes.txt", tmp_path / "gone.bpmn"])) == [tmp_path / "notes.txt"]


async def test_files_are_deployed_when_they_change(
    engine: EngineThread, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file = tmp_path / "a.bpmn"
    file.write_text(MODEL.format(id="order", name="one"))
    deployment = Deployment(engine, [tmp_path])

    # Given a first deployment, when nothing changes, nothing is deployed
    assert await deployment.refresh() == 0
    assert await deployment.refresh() == 0
    assert caplog.messages == [f"Deployed order, version 1, from {file}."]

    # When it changes, it is deployed again; when it is broken, that is said once
    file.write_text(MODEL.format(id="order", name="another"))
    assert await deployment.refresh() == 0
    file.write_text("<broken")
    assert await deployment.refresh() == 1
    assert await deployment.refresh() == 0
    file.unlink()
    assert await deployment.refresh() == 0
    assert caplog.messages[1] == f"Deployed order, version 2, from {file}."
    assert caplog.messages[2].startswith(f"{file} was not deployed: ")
    assert len(caplog.messages) == 3


async def test_the_admin_application_sees_the_engine(engine: EngineThread, tmp_path: Path) -> None:
    # Given an instance that waits for a job
    await engine.deploy("a.bpmn", MODEL.format(id="order", name="one").encode())
    key = await engine.create_instance("order", {"a": 1})
    view = EmbeddedView(engine)

    (instance,) = await view.instances(10)
    assert (instance.key, instance.process_id, instance.state, instance.ended_at) == (key, "order", "active", None)
    assert "work" in instance.detail
    assert await view.incidents(10) == []


def test_ports_that_are_taken_are_passed_over(engine: EngineThread) -> None:
    taken = int(engine.grpc_address.rpartition(":")[2])

    config = on_free_ports(EngineConfig(grpc_port=taken, rest_port=0))

    assert taken < config.grpc_port < taken + 100
    assert config.rest_port == 0


def test_a_port_that_is_taken_in_the_last_moment_is_passed_over(
    engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given that a port looked free when it was looked at
    taken = int(engine.grpc_address.rpartition(":")[2])
    answers = [EngineConfig(grpc_port=taken), EngineConfig(grpc_port=0)]
    monkeypatch.setattr(session, "on_free_ports", lambda wanted: answers.pop(0) if len(answers) > 1 else answers[0])

    # When an engine is started there, then it has another one in the end
    other = session.started_engine(EngineConfig(grpc_port=taken))
    assert other.grpc_address != engine.grpc_address
    other.stop()


def test_trouble_that_is_not_about_ports_is_said(tmp_path: Path) -> None:
    (tmp_path / "engine.db").write_bytes(b"this is no database, whatever its name says" * 100)

    with pytest.raises(ConfigError, match=r"engine\.db"):
        session.started_engine(EngineConfig(grpc_port=0, db_path=tmp_path / "engine.db"))


def test_a_host_without_a_free_port_is_said() -> None:
    with pytest.raises(ConfigError, match="No port between 5000 and 5099"):
        on_free_ports(EngineConfig(host="192.0.2.1", grpc_port=5000))


async def test_incidents_can_be_resolved(engine: EngineThread) -> None:
    # Given an instance whose job type cannot be worked out
    model = MODEL.format(id="stuck", name="one").replace('type="nobody"', 'type="=kind"')
    await engine.deploy("a.bpmn", model.encode())
    await engine.create_instance("stuck", {"kind": 7})
    view = EmbeddedView(engine)
    (incident,) = await view.incidents(10)

    # When it is resolved without a remedy, there is a new one; an old key is not known any more
    assert await view.resolve(incident.key)
    assert not await view.resolve(incident.key)
    assert [each.element_id for each in await view.incidents(10)] == ["work"]
