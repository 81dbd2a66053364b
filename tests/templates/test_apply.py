"""A template written into a process model."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupler.errors import ConfigError
from coupler.templates.apply import apply
from coupler.templates.generate import generate
from tests.templates.workshop import Workshop

TEMPLATE = generate(Workshop)
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"

PLAIN = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- drawn by hand -->
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:task id="make" name="Saw &gt; drill">
      <bpmn:documentation>What <![CDATA[<we>]]> do</bpmn:documentation>
      <bpmn:incoming>f1</bpmn:incoming>
    </bpmn:task>
    <bpmn:task id="bare" name='a > b'/>
    <bpmn:sequenceFlow id="f2">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=a &lt; b</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
  </bpmn:process>
</bpmn:definitions>
"""


def element(document: bytes, element_id: str = "make") -> ElementTree.Element:
    found = ElementTree.fromstring(document).find(f".//*[@id='{element_id}']")
    assert found is not None
    return found


def inputs(document: bytes, element_id: str = "make") -> dict[str, str]:
    return {
        each.get("target", ""): each.get("source", "") for each in element(document, element_id).iter(f"{ZEEBE}input")
    }


def headers(document: bytes, element_id: str = "make") -> dict[str, str]:
    found = element(document, element_id).iter(f"{ZEEBE}header")
    return {each.get("key", ""): each.get("value", "") for each in found}


SAW = {"material": "OAK", "sawDepth": "3", "finish.kind": "oil"}
DRILL = {"material": "PINE", "tool": "drill", "drillDepth": "1.5"}


def applied(values: dict[str, str], document: bytes = PLAIN, element_id: str = "make") -> bytes:
    return apply(TEMPLATE, document, element_id, values)


def test_the_element_becomes_a_service_task_of_the_template() -> None:
    made = element(applied(SAW))
    assert made.tag == f"{BPMN}serviceTask"
    assert made.get("name") == "Saw > drill"
    assert made.get(f"{ZEEBE}modelerTemplate") == "io.coupler.tests.workshop"
    assert made.get(f"{ZEEBE}modelerTemplateVersion") == "4"
    assert made.get(f"{ZEEBE}modelerTemplateIcon", "").startswith("data:image/svg+xml;base64,")
    definition = made.find(f".//{ZEEBE}taskDefinition")
    assert definition is not None
    assert definition.attrib == {"type": "coupler:workshop:1", "retries": "3"}


def test_inputs_are_those_that_are_offered() -> None:
    assert inputs(applied(SAW | {"customer.type": "member", "customer.number": "7"})) == {
        "customer.type": "member",
        "customer.number": "7",
        "material": "OAK",
        "tool": "saw",
        "work.depth": "=3",
        "pieces": "=1",
        "urgent": "=false",
        "finish.kind": "oil",
        "finish.layers": "=2",
        "drawingSource": "none",
        "drawing": '=if drawingSource = "none" then null else drawingText',
    }


def test_headers_are_written_where_they_have_a_value() -> None:
    assert headers(applied(SAW | {"errorExpression": "null"})) == {
        "operation": "make",
        "elementTemplateVersion": "4",
        "elementTemplateId": "io.coupler.tests.workshop",
        "resultExpression": "={\n  price: response.price\n}",
        "errorExpression": "=null",
        "retryBackoff": "PT30S",
    }


def test_conditions_follow_the_values_that_are_set() -> None:
    made = inputs(applied(DRILL | {"urgent": "true", "note": "=n"}))
    assert made["work.depth"] == "=1.5"
    assert made["note"] == "=n"
    assert not any(name.startswith("finish") for name in made)


def test_the_rest_of_the_document_stays_byte_for_byte() -> None:
    before, made = PLAIN.decode().splitlines(), applied(SAW).decode().splitlines()
    changed = [line for line in before if line not in made]
    assert [line.strip().partition("=")[0] for line in changed] == ["xmlns:xsi", "<bpmn:task id", "</bpmn:task>"]
    places = [made.index(line) for line in before if line in made]
    assert places == sorted(places)


def test_extension_elements_come_after_the_documentation() -> None:
    made = applied(SAW).decode()
    assert made.index("<![CDATA[<we>]]>") < made.index("<bpmn:extensionElements>") < made.index("<bpmn:incoming>")


def test_an_element_without_content_gets_some() -> None:
    made = applied(SAW, PLAIN, "bare")
    assert element(made, "bare").get("name") == "a > b"
    assert inputs(made, "bare")["material"] == "OAK"
    assert inputs(made) == {}


def test_applying_twice_changes_nothing() -> None:
    once = applied(SAW | {"urgent": "true", "note": 'line\none "two" <three> & four\tfive'})
    assert apply(TEMPLATE, once, "make", {}) == once
    assert inputs(once)["note"] == 'line\none "two" <three> & four\tfive'


def test_values_are_kept_when_a_newer_version_is_applied() -> None:
    newer = TEMPLATE | {"version": 5}
    made = apply(newer, applied(DRILL | {"retryCount": "7"}), "make", {"pieces": "9"})
    assert (inputs(made)["work.depth"], inputs(made)["pieces"], inputs(made)["tool"]) == ("=1.5", "=9", "drill")
    assert element(made).get(f"{ZEEBE}modelerTemplateVersion") == "5"
    definition = element(made).find(f".//{ZEEBE}taskDefinition")
    assert definition is not None
    assert definition.get("retries") == "7"


def test_what_is_no_longer_offered_goes_and_what_is_not_the_templates_stays() -> None:
    made = applied(SAW | {"customer.type": "guest", "customer.number": "7"}).replace(
        b"</zeebe:ioMapping>",
        b'<zeebe:input source="=x" target="mine" /><zeebe:output source="=y" target="z" /></zeebe:ioMapping>',
    )
    made = made.replace(b"<zeebe:taskHeaders>", b'<zeebe:custom xmlns:zeebe="urn:other"/><zeebe:taskHeaders>')
    made = made.replace(b"</zeebe:taskHeaders>", b'<zeebe:header key="my" value="own" /></zeebe:taskHeaders>')
    again = apply(TEMPLATE, made, "make", {"customer.type": "none"})
    assert inputs(again)["mine"] == "=x"
    assert "customer.number" not in inputs(again)
    assert headers(again)["my"] == "own"
    assert len(list(element(again).iter(f"{ZEEBE}output"))) == 1
    assert len(list(element(again).iter("{urn:other}custom"))) == 1


def test_a_document_with_a_default_namespace_and_another_prefix() -> None:
    document = (
        b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0"'
        b' xmlns:zeebe="urn:taken"><process id="p"><serviceTask id="make"/></process></definitions>'
    )
    made = applied(SAW, document)
    assert b"<serviceTask id=" in made
    assert b"<z:taskDefinition" in made
    assert inputs(made)["material"] == "OAK"


def test_a_prefix_that_is_taken_is_not_used() -> None:
    document = (
        b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="urn:taken">'
        b'<process id="p"><task id="make"></task></process></definitions>'
    )
    assert inputs(applied(SAW, document))["material"] == "OAK"


def test_an_input_without_a_value_that_is_not_optional_becomes_null() -> None:
    template = TEMPLATE | {
        "properties": [
            each | {"optional": False} if each["id"] == "labels" else each for each in TEMPLATE["properties"]
        ]
    }
    made = apply(template, applied(SAW), "make", {})
    assert inputs(made)["labels"] == "=null"
    assert apply(template, made, "make", {}) == made


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"materiel": "OAK"}, "no property 'materiel'. Did you mean 'material'?"),
        ({"material": "ASH"}, "'material' must be one of OAK, PINE, not 'ASH'."),
        ({"sawDepth": ""}, "'sawDepth' needs a value."),
        ({"pieces": "many"}, "'pieces' must be a number, not 'many'."),
        ({"pieces": "-1"}, r"'pieces' does not match '^\\d+$': Must be a number."),
        ({"urgent": "maybe"}, "'urgent' must be a boolean, not 'maybe'."),
        ({"note": "x"}, "'note' is not offered here, but only while urgent is true."),
        ({"urgent": "true", "note": "x" * 81}, "'note' may have at most 80 characters."),
        ({"elementTemplateVersion": "3"}, "The template has no property 'elementTemplateVersion'."),
    ],
)
def test_wrong_values_are_refused(values: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply(TEMPLATE, PLAIN, "make", SAW | values)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("document", "element_id", "text"),
    [
        (PLAIN, "mak", "no element with the id 'mak'. Did you mean 'make'?"),
        (PLAIN, "f2", "is for bpmn:Task; the element 'f2' is a bpmn:SequenceFlow"),
        (b"<a", "make", "no well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "make", "document type"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "make", "Save it in UTF-8"),
        (PLAIN.decode().encode("utf-16"), "make", "UTF-16. Save it in UTF-8"),
    ],
)
def test_documents_that_do_not_fit_are_refused(document: bytes, element_id: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply(TEMPLATE, document, element_id, {"material": "OAK"})
    assert text in str(caught.value)


FOREIGN = {
    "id": "com.example.old",
    "appliesTo": ["bpmn:Task"],
    "properties": [
        {"type": "Hidden", "value": "old:1", "binding": {"type": "zeebe:taskDefinition:type"}},
        {"label": "A", "binding": {"type": "zeebe:input", "name": "a"}},
        {"id": "flag", "type": "Boolean", "value": True, "binding": {"type": "zeebe:taskHeader", "key": "flag"}},
        {
            "id": "key",
            "type": "Hidden",
            "generatedValue": {"type": "uuid"},
            "binding": {"type": "zeebe:input", "name": "k"},
        },
        {"id": "out", "value": "kept", "binding": {"type": "zeebe:output", "source": "=answer"}},
        {"id": "mark", "value": "m", "binding": {"type": "zeebe:property", "name": "mark"}},
        {
            "id": "late",
            "value": "x",
            "binding": {"type": "zeebe:input", "name": "late"},
            "condition": {"allMatch": [{"property": "flag", "isActive": True}, {"property": "out", "isEmpty": False}]},
        },
    ],
}


def test_templates_of_others_with_older_forms() -> None:
    made = apply(FOREIGN, PLAIN, "make", {"a": "1"})
    once = element(made)
    assert once.tag == f"{BPMN}task"  # no elementType: the element stays what it is
    definition = once.find(f".//{ZEEBE}taskDefinition")
    assert definition is not None
    assert definition.attrib == {"type": "old:1"}
    assert headers(made) == {"flag": "true"}
    assert inputs(made)["a"] == "1"
    assert inputs(made)["late"] == "x"
    [output] = once.iter(f"{ZEEBE}output")
    assert output.attrib == {"source": "=answer", "target": "kept"}
    [mark] = once.iter(f"{ZEEBE}property")
    assert mark.attrib == {"name": "mark", "value": "m"}
    assert len(inputs(made)["k"]) == 36
    assert apply(FOREIGN, made, "make", {}) == made  # the generated value stays


def test_an_event_must_have_the_definition_that_the_template_is_for() -> None:
    template = FOREIGN | {
        "appliesTo": ["bpmn:EndEvent"],
        "elementType": {"value": "bpmn:EndEvent", "eventDefinition": "bpmn:MessageEventDefinition"},
    }
    document = PLAIN.replace(b"<bpmn:task id=\"bare\" name='a > b'/>", b'<bpmn:endEvent id="bare"></bpmn:endEvent>')
    with pytest.raises(ConfigError, match="events with a MessageEventDefinition, which 'bare' has not"):
        apply(template, document, "bare", {})
    document = document.replace(b"></bpmn:endEvent>", b"><bpmn:messageEventDefinition/></bpmn:endEvent>")
    assert headers(apply(template, document, "bare", {}), "bare") == {"flag": "true"}


def test_a_binding_that_cannot_be_written_is_refused() -> None:
    called = {"id": "process", "value": "p", "binding": {"type": "zeebe:calledElement", "property": "processId"}}
    with pytest.raises(ConfigError, match="'process' has a binding of type 'zeebe:calledElement'"):
        apply(FOREIGN | {"properties": [called]}, PLAIN, "make", {})


LEGAL = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r")


@settings(max_examples=200, deadline=None)
@given(st.text(LEGAL, max_size=40))
def test_every_text_arrives_as_it_was_given(text: str) -> None:
    made = apply(FOREIGN, PLAIN, "make", {"a": text})
    assert inputs(made)["a"] == (text or "=null")
    assert apply(FOREIGN, made, "make", {}) == made


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\uffff"])
def test_characters_that_xml_does_not_allow_are_refused(character: str) -> None:
    with pytest.raises((ElementTree.ParseError, UnicodeEncodeError)):
        ElementTree.fromstring(f"<a b='{character}'/>".encode())
    with pytest.raises(ConfigError, match="a character that XML does not allow"):
        apply(FOREIGN, PLAIN, "make", {"a": f"x{character}"})
