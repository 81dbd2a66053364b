"""Secrets from AWS Secrets Manager. Needs boto3, which is imported when the first secret is asked for.

``secret_id`` names one AWS secret, a JSON object whose keys are the names, as the Java runtime keeps them. Without it
every secret is an AWS secret of its own, called ``prefix`` + name.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from coupler import json
from coupler.errors import SecretsUnavailable
from coupler.secrets.cache import TtlCache
from coupler.secrets.provider import SecretScope

T = TypeVar("T")

_THREADS = 2


class AwsSettings(BaseModel):
    """``COUPLER_SECRETS__AWS__…``; credentials and region come from where AWS tools look for them."""

    secret_id: str | None = None
    prefix: str = ""
    region: str | None = None
    endpoint_url: str | None = None
    cache_seconds: Annotated[float, Field(ge=0)] = 60.0


class AwsSecrets:
    """The provider ``aws``. boto3 blocks, so it works in threads of its own."""

    name = "aws"
    Settings = AwsSettings

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aws-secrets")
        self._cache = TtlCache(self._fetch, ttl_seconds=settings.cache_seconds)
        self._client: Any = None

    async def get(self, name: str, scope: SecretScope) -> str | None:
        """The value; numbers and objects of a JSON secret as JSON.

        Raises:
            SecretsUnavailable: AWS cannot be reached or refuses.
        """
        if self._settings.secret_id is None:
            return await self._cache.get(self._settings.prefix + name)
        text = await self._cache.get(self._settings.secret_id)
        value = _object(text).get(name)
        return value if value is None or isinstance(value, str) else json.dumps(value)

    async def close(self) -> None:
        """Closes the connections and ends the threads."""
        self._cache.clear()
        if self._client is not None:
            await self._in_thread(self._client.close)
        self._threads.shutdown(wait=False)

    async def _fetch(self, secret_id: str) -> str | None:
        return await self._in_thread(lambda: self._read(secret_id))

    def _read(self, secret_id: str) -> str | None:
        exceptions: Any = importlib.import_module("botocore.exceptions")
        try:
            answer = self._connected().get_secret_value(SecretId=secret_id)
        except exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code == "ResourceNotFoundException":
                return None
            raise SecretsUnavailable(f"AWS Secrets Manager refuses ({code}).") from error
        except exceptions.BotoCoreError as error:
            raise SecretsUnavailable(f"AWS Secrets Manager cannot be used ({type(error).__name__}).") from error
        text: str | None = answer.get("SecretString")
        binary: bytes = answer.get("SecretBinary", b"")
        return text if text is not None else binary.decode("utf-8", "replace")

    def _connected(self) -> Any:
        if self._client is None:
            boto3: Any = importlib.import_module("boto3")
            settings = self._settings
            self._client = boto3.client(
                "secretsmanager", region_name=settings.region, endpoint_url=settings.endpoint_url
            )
        return self._client

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _object(text: str | None) -> Mapping[str, Any]:
    if text is None:
        return {}
    try:
        content = json.loads(text)
    except json.Malformed as error:
        raise SecretsUnavailable("The AWS secret is not JSON; it must be an object of names and values.") from error
    if not isinstance(content, dict):
        raise SecretsUnavailable("The AWS secret must be a JSON object of names and values.")
    return content
