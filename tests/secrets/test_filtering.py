from __future__ import annotations

import logging

import pytest

from coupler.errors import GatewayError, GatewayStatus, SecretsUnavailable
from coupler.secrets import AllowList, Secrets, SecretScope
from coupler.secrets.filtering import PAUSE_SECONDS, names_by_element
from tests.secrets.test_resolution import Known

XML = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="http://example.org">
  <bpmn:process id="order" isExecutable="true">
    <bpmn:serviceTask id="call" zeebe:modelerTemplate="io.camunda.connectors.HttpJson.v2">
      <bpmn:extensionElements>
        <zeebe:ioMapping>
          <zeebe:input source="{{secrets.TOKEN}}" target="authentication.token"/>
          <zeebe:input source="=&quot;https://&quot; + host + &quot;?key={{ secrets.KEY }}&quot;" target="url"/>
          <zeebe:input source="secrets.BARE/x" target="body"/>
          <zeebe:output source="{{secrets.OUTPUT}}" target="x"/>
        </zeebe:ioMapping>
        <zeebe:taskHeaders><zeebe:header key="a" value="{{secrets.HEADER}}"/></zeebe:taskHeaders>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:subProcess id="outer"><bpmn:subProcess id="inner">
      <bpmn:sendTask id="deep" zeebe:modelerTemplate="t">
        <bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="{{secrets.DEEP}}" target="a"/></zeebe:ioMapping>
        </bpmn:extensionElements>
      </bpmn:sendTask>
    </bpmn:subProcess></bpmn:subProcess>
    <bpmn:serviceTask id="plain">
      <bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="{{secrets.PLAIN}}" target="a"/></zeebe:ioMapping>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:userTask id="user" zeebe:modelerTemplate="t">
      <bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="{{secrets.USER}}" target="a"/></zeebe:ioMapping>
      </bpmn:extensionElements>
    </bpmn:userTask>
  </bpmn:process>
</bpmn:definitions>"""


CALL = frozenset({"TOKEN", "KEY", "BARE/x"})


def scope(element: str = "call", definition: int = 1) -> SecretScope:
    return SecretScope("<default>", "order", definition, element)


class Cluster:
    """Answers with the XML, counts, and can be away."""

    def __init__(self, xml: str = XML) -> None:
        self.xml = xml
        self.calls = 0
        self.away = False

    async def __call__(self, key: int) -> str:
        self.calls += 1
        if self.away:
            raise GatewayError(GatewayStatus.UNAVAILABLE, "connection refused")
        return self.xml


def test_the_names_are_those_of_the_input_mappings() -> None:
    assert names_by_element(XML) == {
        "call": CALL,
        "deep": {"DEEP"},
        "plain": {"PLAIN"},
    }


def test_strictly_only_tasks_with_a_template_count() -> None:
    assert set(names_by_element(XML, only_templates=True)) == {"call", "deep"}


@pytest.mark.parametrize("strict", [True, False])
async def test_an_element_may_use_what_its_inputs_name(strict: bool) -> None:
    allow_list = AllowList(Cluster(), strict=strict)

    assert await allow_list.allowed(scope("call")) == CALL
    assert await allow_list.allowed(scope("user")) == frozenset()
    assert await allow_list.allowed(scope("nowhere")) == frozenset()
    assert await allow_list.allowed(scope("plain")) == frozenset(() if strict else ("PLAIN",))


async def test_a_reference_that_came_in_a_variable_stays_text() -> None:
    # Given an attacker who set a variable that is part of the body
    secrets = Secrets([Known(TOKEN="t", OTHER="o")], secret_filter=AllowList(Cluster(), strict=False))
    variables = '{"authentication":{"token":"{{secrets.TOKEN}}"},"body":"{{secrets.OTHER}} secrets.OTHER"}'

    answer = await secrets.resolve(variables, scope())

    assert answer.text == '{"authentication":{"token":"t"},"body":"{{secrets.OTHER}} secrets.OTHER"}'


async def test_definitions_are_fetched_once() -> None:
    cluster = Cluster()
    allow_list = AllowList(cluster, strict=True)

    for element in ("call", "deep", "call"):
        await allow_list.allowed(scope(element))
    await allow_list.allowed(scope(definition=2))

    assert cluster.calls == 2


async def test_lax_allows_all_where_the_process_cannot_be_looked_up(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster()
    cluster.away = True
    allow_list = AllowList(cluster, strict=False)

    with caplog.at_level(logging.WARNING):
        assert await allow_list.allowed(scope()) is None
        assert await allow_list.allowed(scope()) is None

    (message,) = caplog.messages
    assert (
        "'order' (definition 1) cannot be looked up, so its elements may use every secret: connection refused"
        in message
    )


async def test_strict_fails_where_the_process_cannot_be_looked_up() -> None:
    cluster = Cluster()
    cluster.away = True

    with pytest.raises(SecretsUnavailable, match="The process 'order' cannot be looked up"):
        await AllowList(cluster, strict=True).allowed(scope())


async def test_while_the_cluster_is_away_jobs_do_not_wait_for_it_one_by_one() -> None:
    now = [100.0]
    cluster = Cluster()
    allow_list = AllowList(cluster, strict=False, clock=lambda: now[0])
    await allow_list.allowed(scope(definition=1))

    # When it goes away
    cluster.away = True
    for definition in (2, 3, 2):
        assert await allow_list.allowed(scope(definition=definition)) is None

    # Then it was asked once, what is known still counts, and later it is asked again
    assert cluster.calls == 2
    assert await allow_list.allowed(scope(definition=1)) == CALL
    cluster.away = False
    now[0] += PAUSE_SECONDS
    assert await allow_list.allowed(scope(definition=2)) == CALL


@pytest.mark.parametrize("xml", ["<broken", "<!DOCTYPE d [<!ENTITY a 'x'>]><d>&a;</d>"])
async def test_a_document_that_cannot_be_read_is_not_looked_up(xml: str) -> None:
    assert await AllowList(Cluster(xml), strict=False).allowed(scope()) is None
    with pytest.raises(SecretsUnavailable):
        await AllowList(Cluster(xml), strict=True).allowed(scope())
