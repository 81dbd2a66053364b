"""Process models for the engine's tests, written in a few lines each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

_FLOW = re.compile(r"\s*->\s*(?:\[(?P<condition>[^\]]*)\]\s*)?")


def model(*parts: str, flows: str, process_id: str = "p", messages: Mapping[str, str] | None = None) -> bytes:
    """A file with one process; ``messages`` are names with their correlation key expressions ('' for none)."""
    return document(process(*parts, flows=flows, process_id=process_id), messages=messages)


def document(*processes: str, messages: Mapping[str, str] | None = None) -> bytes:
    """A file with any number of processes."""
    declared = "".join(_message(name, key) for name, key in (messages or {}).items())
    errors = "".join(
        f'<bpmn:error id="error_{code}" errorCode="{code}"/>'
        for code in sorted(set(re.findall(r'errorRef="error_([^"]+)"', "".join(processes))))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="http://test">'
        f"{declared}{errors}{''.join(processes)}</bpmn:definitions>"
    ).encode()


def process(*parts: str, flows: str, process_id: str = "p") -> str:
    """One executable process."""
    content = "".join(parts) + sequence(flows, process_id)
    return f'<bpmn:process id="{process_id}" isExecutable="true">{content}</bpmn:process>'


def sequence(text: str, prefix: str = "") -> str:
    """Flows, one chain a line: ``start -> a -> [= x > 1] b -> end``."""
    result: list[str] = []
    for line in text.strip().splitlines():
        pieces = _FLOW.split(line.strip())  # node, condition, node, condition, node
        nodes, conditions = pieces[::2], pieces[1::2]
        for source, condition, target in zip(nodes, conditions, nodes[1:], strict=False):
            inner = f"<bpmn:conditionExpression>{escape(condition)}</bpmn:conditionExpression>" if condition else ""
            name = f"{prefix}_{source}_{target}"
            if any(f'id="{name}"' in flow for flow in result):
                name += "_again"
            result.append(
                f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
            )
    return "".join(result)


def start(element_id: str = "start", content: str = "") -> str:
    """A start event."""
    return f'<bpmn:startEvent id="{element_id}">{content}</bpmn:startEvent>'


def end(element_id: str = "end", content: str = "") -> str:
    """An end event."""
    return f'<bpmn:endEvent id="{element_id}">{content}</bpmn:endEvent>'


def task(
    element_id: str,
    job_type: str = "work",
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    retries: str = "3",
    headers: Mapping[str, str] | None = None,
    loop: str = "",
    tag: str = "serviceTask",
) -> str:
    """A task done by a worker; mappings are target to source."""
    pairs = "".join(f"<zeebe:header key={quoteattr(k)} value={quoteattr(v)}/>" for k, v in (headers or {}).items())
    extensions = (
        f"<zeebe:taskDefinition type={quoteattr(job_type)} retries={quoteattr(retries)}/>"
        f"{mapping(inputs, outputs)}<zeebe:taskHeaders>{pairs}</zeebe:taskHeaders>"
    )
    return element(tag, element_id, loop, extensions=extensions)


def mapping(inputs: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None) -> str:
    """``zeebe:ioMapping``; target to source."""
    entries = [("input", i) for i in (inputs or {}).items()] + [("output", o) for o in (outputs or {}).items()]
    lines = "".join(f"<zeebe:{d} source={quoteattr(s)} target={quoteattr(t)}/>" for d, (t, s) in entries)
    return f"<zeebe:ioMapping>{lines}</zeebe:ioMapping>" if lines else ""


def element(tag: str, element_id: str, content: str = "", *, extensions: str = "", attributes: str = "") -> str:
    """Any flow node."""
    container = f"<bpmn:extensionElements>{extensions}</bpmn:extensionElements>" if extensions else ""
    return f'<bpmn:{tag} id="{element_id}" {attributes}>{container}{content}</bpmn:{tag}>'


def exclusive(element_id: str, default: str = "") -> str:
    """An exclusive gateway; ``default`` is the id of its default flow."""
    return element("exclusiveGateway", element_id, attributes=f'default="{default}"' if default else "")


def parallel(element_id: str) -> str:
    """A parallel gateway."""
    return element("parallelGateway", element_id)


def boundary(element_id: str, host: str, content: str, *, interrupting: bool = True, extensions: str = "") -> str:
    """A boundary event; ``content`` is its event definition."""
    attributes = f'attachedToRef="{host}" cancelActivity="{str(interrupting).lower()}"'
    return element("boundaryEvent", element_id, content, attributes=attributes, extensions=extensions)


def catch(element_id: str, content: str, *, extensions: str = "") -> str:
    """An intermediate catch event; ``content`` is its event definition."""
    return element("intermediateCatchEvent", element_id, content, extensions=extensions)


def timer(text: str, form: str = "timeDuration") -> str:
    """A timer event definition."""
    return f"<bpmn:timerEventDefinition><bpmn:{form}>{escape(text)}</bpmn:{form}></bpmn:timerEventDefinition>"


def message(name: str) -> str:
    """A message event definition; declare the message in ``model``."""
    return f'<bpmn:messageEventDefinition messageRef="message_{name}"/>'


def error(code: str = "") -> str:
    """An error event definition; without a code it catches all."""
    return f'<bpmn:errorEventDefinition errorRef="error_{code}"/>' if code else "<bpmn:errorEventDefinition/>"


def sub_process(element_id: str, *parts: str, flows: str, loop: str = "", extensions: str = "") -> str:
    """An embedded sub-process."""
    content = "".join(parts) + sequence(flows, element_id) + loop
    return element("subProcess", element_id, content, extensions=extensions)


def loop(attributes: str, *, sequential: bool = False, condition: str = "") -> str:
    """Multi-instance characteristics; ``attributes`` are those of ``zeebe:loopCharacteristics``."""
    stop = f"<bpmn:completionCondition>{escape(condition)}</bpmn:completionCondition>" if condition else ""
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"><bpmn:extensionElements>'
        f"<zeebe:loopCharacteristics {attributes}/></bpmn:extensionElements>{stop}"
        "</bpmn:multiInstanceLoopCharacteristics>"
    )


def one_task(job_type: str = "work", **options: str) -> bytes:
    """start -> task -> end."""
    return model(start(), task("task", job_type, **options), end(), flows="start -> task -> end")  # type: ignore[arg-type]


def _message(name: str, key: str) -> str:
    inner = f"<bpmn:extensionElements><zeebe:subscription correlationKey={quoteattr(key)}/></bpmn:extensionElements>"
    return f'<bpmn:message id="message_{name}" name="{name}">{inner if key else ""}</bpmn:message>'
