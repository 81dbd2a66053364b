"""Runs a job of an HTTP connector as the worker would: variables text bound, connector executed, errors typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coupler import json
from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.http.engine import Engine
from coupler.sdk import Connector, JobContext
from coupler.worker.binding import bind, bind_with_documents, decode


class Lent:
    """What the runtime lends: the engine alone."""

    def __init__(self, engine: Engine) -> None:
        self.http_engine = engine

    def http(self) -> Any:
        raise NotImplementedError


class Bench:
    """One connector on one engine."""

    def __init__(self, connector: Connector[Any], engine: Engine, documents: Documents = NO_DOCUMENTS) -> None:
        self.connector = connector
        self.engine = engine
        self.documents = documents

    def context(self, headers: Mapping[str, str]) -> JobContext:
        return JobContext(
            job_key=4711,
            type=self.connector.type,
            retries=3,
            headers=headers,
            process_instance_key=1,
            process_id="orders",
            process_definition_key=2,
            process_definition_version=1,
            element_id="call",
            element_instance_key=3,
            tenant_id="<default>",
            resources=Lent(self.engine),
            documents=self.documents,
        )

    async def run(self, variables: Mapping[str, Any] | str, **headers: str) -> Any:
        """The response, after a trip through JSON."""
        text = variables if isinstance(variables, str) else json.dumps(variables)
        if "camunda." in text:
            given = await bind_with_documents(decode(text), self.connector.Input, self.documents)
        else:
            given = bind(decode(text), self.connector.Input)
        return json.loads(json.dumps(await self.connector.execute(given, self.context(headers))))
