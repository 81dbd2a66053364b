"""Process models for tests, as BPMN 2.0 XML with Zeebe extensions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

REST = "io.camunda:http-json:1"


class Model:
    """One process, built element by element. ``flow`` connects; ``xml`` is the document."""

    def __init__(self, process_id: str) -> None:
        self.process_id = process_id
        self._elements: list[tuple[str, str, str, str]] = []
        self._flows: list[tuple[str, str]] = []
        self._globals: list[str] = []

    def start(self, element_id: str = "start", *, message: str | None = None) -> Model:
        """A start event: none, or of a message."""
        return self._add("startEvent", element_id, self._message(message) if message else "")

    def end(self, element_id: str = "end") -> Model:
        """A none end event."""
        return self._add("endEvent", element_id, "")

    def task(
        self,
        element_id: str,
        job_type: str,
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        retries: int = 3,
    ) -> Model:
        """A service task; ``inputs`` are target to source, ``outputs`` too."""
        mappings = [_empty("zeebe:input", source=source, target=target) for target, source in (inputs or {}).items()]
        mappings += [_empty("zeebe:output", source=source, target=target) for target, source in (outputs or {}).items()]
        headers_xml = "".join(_empty("zeebe:header", key=key, value=value) for key, value in (headers or {}).items())
        content = (
            "<bpmn:extensionElements>"
            + _empty("zeebe:taskDefinition", type=job_type, retries=str(retries))
            + f"<zeebe:ioMapping>{''.join(mappings)}</zeebe:ioMapping>"
            + f"<zeebe:taskHeaders>{headers_xml}</zeebe:taskHeaders>"
            + "</bpmn:extensionElements>"
        )
        return self._add("serviceTask", element_id, content)

    def rest_task(
        self,
        element_id: str,
        url: str,
        *,
        method: str = "GET",
        inputs: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        retries: int = 3,
    ) -> Model:
        """A task of the REST connector that sends the instance's variable ``id`` as ``X-Instance``."""
        basic = {"method": method, "url": url, "authentication.type": "noAuth", "headers": '={"X-Instance": id}'}
        return self.task(element_id, REST, inputs=basic | dict(inputs or {}), headers=headers, retries=retries)

    def error_boundary(self, element_id: str, attached_to: str, code: str) -> Model:
        """An interrupting error boundary event."""
        error = f"error_{element_id}"
        self._globals.append(_empty("bpmn:error", id=error, name=error, errorCode=code))
        attribute = f"attachedToRef={quoteattr(attached_to)}"
        return self._add("boundaryEvent", element_id, _empty("bpmn:errorEventDefinition", errorRef=error), attribute)

    def message_catch(self, element_id: str, message: str, correlation_key: str) -> Model:
        """An intermediate message catch event."""
        return self._add("intermediateCatchEvent", element_id, self._message(message, correlation_key))

    def flow(self, *element_ids: str) -> Model:
        """Connects the elements in a row."""
        self._flows += itertools.pairwise(element_ids)
        return self

    def from_start_to_end(self, *element_ids: str) -> Model:
        """Adds a none start event and an end event, and connects all in a row."""
        return self.start().end().flow("start", *element_ids, "end")

    @property
    def xml(self) -> str:
        """The whole document."""
        flows = [(f"flow_{i}", source, target) for i, (source, target) in enumerate(self._flows)]
        body = ""
        for tag, element_id, content, attribute in self._elements:
            extensions, _, rest = content.rpartition("</bpmn:extensionElements>")
            body += f"<bpmn:{tag} id={quoteattr(element_id)} {attribute}>"
            body += f"{extensions}</bpmn:extensionElements>" if extensions else ""
            body += "".join(f"<bpmn:incoming>{flow}</bpmn:incoming>" for flow, _, at in flows if at == element_id)
            body += "".join(f"<bpmn:outgoing>{flow}</bpmn:outgoing>" for flow, at, _ in flows if at == element_id)
            body += f"{rest}</bpmn:{tag}>"
        for flow, source, target in flows:
            body += _empty("bpmn:sequenceFlow", id=flow, sourceRef=source, targetRef=target)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
            ' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="http://example.org">'
            f'<bpmn:process id={quoteattr(self.process_id)} isExecutable="true">{body}</bpmn:process>'
            f"{''.join(self._globals)}</bpmn:definitions>"
        )

    def _add(self, tag: str, element_id: str, content: str, attribute: str = "") -> Model:
        self._elements.append((tag, element_id, content, attribute))
        return self

    def _message(self, name: str, correlation_key: str | None = None) -> str:
        message = f"message_{len(self._globals)}"
        subscription = ""
        if correlation_key:
            element = _empty("zeebe:subscription", correlationKey=correlation_key)
            subscription = f"<bpmn:extensionElements>{element}</bpmn:extensionElements>"
        self._globals.append(f'<bpmn:message id="{message}" name={quoteattr(name)}>{subscription}</bpmn:message>')
        return _empty("bpmn:messageEventDefinition", messageRef=message)


def _empty(tag: str, **attributes: str) -> str:
    return f"<{tag} {' '.join(f'{name}={quoteattr(value)}' for name, value in attributes.items())}/>"
