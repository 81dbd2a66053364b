"""Clients of boto3: one for each set of credentials, region and endpoint, made in a thread and kept for a while."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from coupler.sdk import ConnectorError
from coupler_s3.dialling import guard_connections
from coupler_s3.identity import Identity
from coupler_s3.settings import S3Settings
from coupler_s3.threads import check_call

_REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
_BEFORE_THE_END_SECONDS: Final = 300.0
_DEFAULT_REGION: Final = "us-east-1"


@dataclass(slots=True)
class _Kept:
    client: Any
    ends_at: float  # of the role's credentials, in seconds of ``time.time``
    used_at: float  # seconds of ``time.monotonic``


class Clients:
    """Used in threads only: importing boto3 and making a client take a tenth of a second each."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._session_lock = threading.Lock()
        self._making: dict[Identity, threading.Lock] = {}
        self._session: Any = None
        self._kept: OrderedDict[Identity, _Kept] = OrderedDict()
        self._closed = False

    def get(self, identity: Identity) -> Any:
        """The client of an identity; safe for use by many threads.

        Raises:
            ConnectorError: the runtime shuts down.
        """
        found = self._find(identity)
        if found is not None:
            return found
        with self._lock:
            making = self._making.setdefault(identity, threading.Lock())
        with making:  # of many jobs that start together one makes the client
            client = self._find(identity) or self._keep(identity, *self._made(identity))
        with self._lock:
            self._making.pop(identity, None)
        return client

    def caller_identity(self, identity: Identity) -> dict[str, Any]:
        """What AWS says of whose the credentials are."""
        sts = self._sts(identity)
        try:
            answer: dict[str, Any] = sts.get_caller_identity()
            return answer
        finally:
            sts.close()

    def close(self) -> None:
        """Closes the connections of every client."""
        with self._lock:
            self._closed = True
            clients = [kept.client for kept in self._kept.values()]
            self._kept.clear()
        for client in clients:
            client.close()

    @property
    def _verify(self) -> str | None:
        bundle = self._settings.ca_bundle
        return None if bundle is None else str(bundle)

    def _find(self, identity: Identity) -> Any:
        with self._lock:
            if self._closed:
                raise ConnectorError("The runtime shuts down.", code="SHUTDOWN")
            kept = self._kept.get(identity)
            if kept is None or kept.ends_at <= time.time():
                return None
            kept.used_at = time.monotonic()
            self._kept.move_to_end(identity)
            return kept.client

    def _keep(self, identity: Identity, client: Any, ends_at: float) -> Any:
        now = time.monotonic()
        with self._lock:
            dropped = [self._kept.pop(identity, None)]
            self._kept[identity] = _Kept(client, ends_at, now)
            while len(self._kept) > self._settings.clients:
                dropped.append(self._kept.popitem(last=False)[1])
            idle = [key for key, kept in self._kept.items() if now - kept.used_at > self._settings.client_seconds]
            dropped.extend(self._kept.pop(key) for key in idle)
        for kept in dropped:
            if kept is not None:
                kept.client.close()  # its idle connections; calls under way end as they would
        return client

    def _made(self, identity: Identity) -> tuple[Any, float]:
        keys, ends_at = _keys(identity), float("inf")
        if identity.role_arn is not None:
            keys, ends_at = self._assumed(identity)
        region = identity.region or self._region(identity.endpoint)
        style = identity.addressing_style
        if identity.endpoint is None and style == "auto":
            style = (
                "virtual"  # botocore's "auto" presigns for the global address, which redirects and breaks the signature
            )
        checksums = "when_required" if identity.endpoint is not None else "when_supported"
        client = self._client(
            "s3",
            region_name=region,
            endpoint_url=identity.endpoint,
            config=self._config(
                {
                    "s3": {"addressing_style": style},
                    "signature_version": "s3v4",
                    "request_checksum_calculation": checksums,
                    "response_checksum_validation": checksums,
                }
            ),
            **keys,
        )
        client.meta.events.register("before-send.s3", _before_send)
        guard_connections(client)
        return client, ends_at

    def _assumed(self, identity: Identity) -> tuple[dict[str, str], float]:
        options = {} if identity.external_id is None else {"ExternalId": identity.external_id}
        sts = self._sts(identity)
        try:
            answer = sts.assume_role(RoleArn=identity.role_arn, RoleSessionName="coupler", **options)
        finally:
            sts.close()
        given = answer["Credentials"]
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
        return keys, given["Expiration"].timestamp() - _BEFORE_THE_END_SECONDS

    def _sts(self, identity: Identity) -> Any:
        """A client of the service that knows who credentials are; not kept. Its endpoint is never a model's."""
        return self._client(
            "sts",
            region_name=identity.region or self._region(None) or _DEFAULT_REGION,
            endpoint_url=self._settings.sts_endpoint,
            config=self._config({}),
            **_keys(identity),
        )

    def _client(self, service: str, **options: Any) -> Any:
        with self._session_lock:  # a session makes one client at a time
            return self._opened_session().client(service, verify=self._verify, **options)

    def _opened_session(self) -> Any:
        if self._session is None:
            self._session = importlib.import_module("boto3.session").Session()
        return self._session

    def _region(self, endpoint: str | None) -> str | None:
        found = next((os.environ[name] for name in _REGION_VARIABLES if os.environ.get(name)), None)
        if found is None:
            with self._session_lock:
                found = self._opened_session().region_name
        return found or (_DEFAULT_REGION if endpoint is not None else None)

    def _config(self, options: dict[str, Any]) -> Any:
        settings = self._settings
        return importlib.import_module("botocore.config").Config(
            max_pool_connections=settings.threads,
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
            user_agent_extra="coupler",
            **options,
        )


def _keys(identity: Identity) -> dict[str, str]:
    keys = {
        "aws_access_key_id": identity.access_key,
        "aws_secret_access_key": identity.secret_key,
        "aws_session_token": identity.session_token,
    }
    return {name: value for name, value in keys.items() if value is not None}


def _before_send(request: Any, **_: Any) -> None:
    """botocore asks before every attempt, a redirected one included."""
    check_call(request.url)


__all__ = ["Clients"]
