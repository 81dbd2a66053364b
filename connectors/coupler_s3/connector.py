"""The connector: from a job's input to one action on S3."""

from __future__ import annotations

import asyncio
from typing import Any, assert_never

from coupler.sdk import Connector, ConnectorError, JobContext, Resources
from coupler_s3 import objects
from coupler_s3.actions import Copy, Delete, Download, Head, ListObjects, Presign, Upload
from coupler_s3.clients import Clients
from coupler_s3.content import Budget
from coupler_s3.copying import copy
from coupler_s3.download import download
from coupler_s3.identity import Identity, default_chain_allowed, identity_of
from coupler_s3.model import INPUT_VARIABLES, S3Input
from coupler_s3.multipart import Multipart
from coupler_s3.s3 import S3
from coupler_s3.settings import S3Settings
from coupler_s3.template import TEMPLATE
from coupler_s3.threads import Threads
from coupler_s3.upload import upload


class S3Connector(Connector[S3Input]):
    """Works on objects in Amazon S3 and in servers that speak it."""

    type = "io.camunda:aws-s3:1"
    name = "AWS S3"
    Input = S3Input
    Settings = S3Settings  # type: ignore[assignment, unused-ignore]
    input_variables = INPUT_VARIABLES
    template = TEMPLATE

    def __init__(self) -> None:
        self._start(S3Settings())

    def _start(self, settings: S3Settings) -> None:
        self._settings = settings
        self._threads = Threads(settings.threads)
        self._clients = Clients(settings)
        self._multipart = Multipart()
        self._budget = Budget(settings.total_memory_bytes)
        self._transfers = asyncio.Semaphore(settings.transfers)

    async def open(self, resources: Resources) -> None:
        """Takes the settings of the deployment. boto3 is imported, in a thread, when the first job needs it."""
        self._start(self.settings or S3Settings())

    async def close(self) -> None:
        """Lets S3 forget the parts of uploads that were cut short, then closes the connections."""
        await self._multipart.close()
        self._threads.close()
        self._clients.close()

    async def check(self) -> None:
        """Looks for the bucket of the settings; without one, asks AWS whose the runtime's credentials are.

        Raises:
            ConnectorError: S3 refuses, or cannot be reached; or the runtime has no credentials of its own.
        """
        settings = self._settings
        if not default_chain_allowed(settings):
            raise ConnectorError("Models bring their own credentials: the runtime has none that could be tested.")
        own = Identity(None, None, None, None, None, settings.region, settings.endpoint, settings.addressing_style)
        s3 = S3(own, self._clients, self._threads, settings, {}, None)
        if settings.check_bucket is not None:
            await s3.call("head_bucket", {"Bucket": settings.check_bucket})
        else:
            await s3.who_am_i()

    async def execute(self, input: S3Input, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Does what the input's action says."""
        identity = identity_of(input, self._settings)
        s3 = S3(identity, self._clients, self._threads, self._settings, context.headers, context.http_engine)
        action = input.action
        match action:
            case Upload():
                async with self._transfers:
                    return await upload(action, s3, self._multipart, self._budget)
            case Download():
                async with self._transfers:
                    return await download(action, input.document_return_format, s3, context)
            case Delete():
                return await objects.delete(action, s3)
            case ListObjects():
                return await objects.list_objects(action, s3)
            case Head():
                return await objects.head(action, s3)
            case Copy():
                return await copy(action, s3, self._multipart)
            case Presign():
                return await objects.presign(action, s3)
            case _:
                assert_never(action)


__all__ = ["S3Connector"]
