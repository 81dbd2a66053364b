"""A schema registry that holds its clients to the protocol: paths, media type, body, ids, error codes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tests.http.server import Received, reply

MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"


@dataclass
class RegistryStub:
    """Answers as a registry would; ``credentials`` is the Authorization header it wants."""

    credentials: str | None = None
    subjects: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)  # statuses of the next answers
    incompatible: bool = False
    _ids: dict[tuple[str, str], int] = field(default_factory=dict)

    def register(self, subject: str, text: str, kind: str = "AVRO") -> int:
        """What an administrator does beforehand."""
        known = self._ids.setdefault((kind, text), len(self._ids) + 101)
        versions = self.subjects.setdefault(subject, [])
        if (known, kind, text) not in versions:
            versions.append((known, kind, text))
        return known

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> bytes:
        """A breach of the protocol is a status that no registry has, with what was wrong."""
        try:
            return self._answer(received)
        except (AssertionError, ValueError) as breach:
            return _answer(418, {"error_code": 418, "message": f"breach of the protocol: {breach!r}"})

    def _answer(self, received: Received) -> bytes:
        self.requests.append(f"{received.method} {received.target}")
        if self.faults:
            return _answer(self.faults.pop(0), {"error_code": 50001, "message": "Error in the backend data store"})
        if self.credentials is not None and received.one("authorization") != self.credentials:
            return _answer(401, {"error_code": 401, "message": "Unauthorized"})
        parts = urlsplit(received.target)
        steps = [unquote(step) for step in parts.path.split("/")[1:]]
        query = parse_qs(parts.query)
        assert set(query) <= {"normalize"}, query
        if received.method == "POST":
            return self._post(received, steps)
        assert received.method == "GET"
        assert len(steps) == 4, steps
        assert (steps[0], steps[2:]) == ("subjects", ["versions", "latest"])
        return self._latest(steps[1])

    def _post(self, received: Received, steps: list[str]) -> bytes:
        assert received.one("content-type") == MEDIA_TYPE
        assert MEDIA_TYPE in (received.one("accept") or "")
        body = json.loads(received.body)
        assert set(body) <= {"schema", "schemaType"}
        assert isinstance(body["schema"], str)
        kind = body.get("schemaType", "AVRO")
        assert kind in ("AVRO", "JSON")
        json.loads(body["schema"])
        subject = steps[1]
        if steps[0] == "subjects" and steps[2:] == ["versions"]:
            if self.incompatible:
                return _answer(409, {"error_code": 409, "message": "Schema being registered is incompatible"})
            return _answer(200, {"id": self.register(subject, body["schema"], kind)})
        assert steps == ["subjects", subject], steps
        if subject not in self.subjects:
            return _answer(404, {"error_code": 40401, "message": f"Subject '{subject}' not found."})
        for version, (known, found, text) in enumerate(self.subjects[subject], 1):
            if (found, text) == (kind, body["schema"]):
                return _answer(200, {"subject": subject, "id": known, "version": version, "schema": text})
        return _answer(404, {"error_code": 40403, "message": "Schema not found"})

    def _latest(self, subject: str) -> bytes:
        if subject not in self.subjects:
            return _answer(404, {"error_code": 40401, "message": f"Subject '{subject}' not found."})
        known, kind, text = self.subjects[subject][-1]
        body: dict[str, Any] = {"subject": subject, "version": 1, "id": known, "schema": text}
        return _answer(200, body if kind == "AVRO" else {**body, "schemaType": kind})


def _answer(status: int, body: dict[str, Any]) -> bytes:
    return reply(status, body=json.dumps(body))
