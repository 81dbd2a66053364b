"""The embedded engine as an asyncio service: servers in front, timers and waiting workers around the commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from coupler import json
from coupler.embedded.commands import epoch_ms
from coupler.embedded.config import EngineConfig
from coupler.embedded.dispatch import Dispatch
from coupler.embedded.engine import Engine
from coupler.embedded.interpreter.messages import Message
from coupler.embedded.server.calls import Calls
from coupler.embedded.server.grpc_server import GrpcServer
from coupler.embedded.snapshot import take_snapshot
from coupler.embedded.store.database import checkpoint
from coupler.embedded.view import DeployedProcess, EngineView

if TYPE_CHECKING:
    from coupler.embedded.server.rest.application import Mounted
    from coupler.embedded.server.rest.server import RestServer

_log = logging.getLogger(__name__)

_GRACE_SECONDS = 1.0
_LONGEST_SLEEP_SECONDS = 86_400.0
_PAUSE_AFTER_ERROR_MS = 1_000


class EmbeddedEngine:
    """A BPMN engine that workers reach over gRPC and REST like any gateway. One event loop owns it.

    Methods that change something raise ``Rejection`` when the engine refuses.
    """

    def __init__(self, config: EngineConfig, documents: Callable[[], Mounted] | None = None) -> None:
        """Opens nothing yet.

        Args:
            config: where to listen, and where the state is.
            documents: makes what serves documents beside the REST API; called when the engine starts.
        """
        self.config = config
        self._make_documents = documents
        self._port = config.grpc_port
        self._rest_port: int | None = None
        self._rest: RestServer | None = None
        self._engine: Engine | None = None
        self._dispatch: Dispatch | None = None
        self._server: GrpcServer | None = None
        self._checkpoints: ThreadPoolExecutor | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_ms = 0
        self._resuming = False

    async def start(self) -> None:
        """Opens the database, binds, serves, and goes on with what an earlier run has left.

        Raises:
            ConfigError: the database or a port cannot be used.
        """
        self._engine = Engine(self.config.db_path, self)
        self._dispatch = Dispatch(self._engine)
        self._server = GrpcServer(Calls(self._engine, self._dispatch, self._where))
        try:
            if self.config.rest_port is not None:
                self._rest_port = await self._start_rest(self.config.rest_port)
            # Last, so that whoever finds the gRPC port open finds everything else as well.
            self._port = await self._server.start(self.config.host, self.config.grpc_port)
        except BaseException:
            await self.stop()
            raise
        if self.config.db_path is not None:
            self._checkpoints = ThreadPoolExecutor(1, thread_name_prefix="engine-checkpoint")
        self.work_postponed()
        self._tick()

    async def _start_rest(self, port: int) -> int:
        from coupler.embedded.server.rest.server import RestServer  # an HTTP server takes a while to import

        documents = self._make_documents() if self._make_documents is not None else None
        self._rest = RestServer(self.config.host, self.engine, self.dispatch, self._where, documents)
        return await self._rest.start(port)

    async def stop(self) -> None:
        """Ends polls and streams, lets running calls finish, closes the database. Idempotent."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._dispatch is not None:
            self._dispatch.close()
        if self._rest is not None:
            await self._rest.stop()
            self._rest = None
        if self._server is not None:
            await self._server.stop(_GRACE_SECONDS)
            self._server = None
        if self._checkpoints is not None:
            await asyncio.get_running_loop().run_in_executor(self._checkpoints, lambda: None)
            self._checkpoints.shutdown()
            self._checkpoints = None
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    @property
    def grpc_address(self) -> str:
        """``host:port`` where gRPC is served."""
        return f"{_in_address(self.config.host)}:{self._port}"

    @property
    def rest_address(self) -> str | None:
        """The URL where REST is served, if it is."""
        return None if self._rest_port is None else f"http://{_in_address(self.config.host)}:{self._rest_port}"

    def _where(self) -> tuple[str, int]:
        return self.config.host, self._port

    @property
    def engine(self) -> Engine:
        """The synchronous commands."""
        assert self._engine is not None, "the engine is not started"
        return self._engine

    @property
    def dispatch(self) -> Dispatch:
        """The workers that wait."""
        assert self._dispatch is not None, "the engine is not started"
        return self._dispatch

    async def deploy(self, name: str, content: bytes) -> tuple[DeployedProcess, ...]:
        """Deploys a BPMN resource; an identical one keeps its version."""
        _, definitions = self.engine.deploy([(name, content)])
        return tuple(DeployedProcess(d.key, d.process_id, d.version, d.resource_name) for d in definitions)

    async def create_instance(self, process_id: str, variables: Mapping[str, Any] | None = None) -> int:
        """Starts the newest version of a process; returns the key of the instance."""
        definition = self.engine.definitions.latest(process_id)
        return self.engine.create_instance(definition, _document(variables))

    async def publish_message(
        self,
        name: str,
        correlation_key: str = "",
        variables: Mapping[str, Any] | None = None,
        *,
        time_to_live_seconds: float = 0.0,
        message_id: str = "",
    ) -> int:
        """Publishes a message; returns its key."""
        time_to_live_ms = round(time_to_live_seconds * 1000)
        message = Message(name, correlation_key, _document(variables), time_to_live_ms, message_id)
        return self.engine.publish_message(message)

    async def resolve_incident(self, key: int) -> None:
        """Lets an element instance try again; a job without retries gets one more."""
        incident = self.engine.store.incidents.get(key)
        job = self.engine.store.jobs.get(incident.job_key) if incident is not None else None
        if job is not None and job.retries < 1:
            self.engine.jobs.update_retries(job.key, 1)
        self.engine.resolve_incident(key)

    async def cancel_instance(self, key: int) -> None:
        """Ends a process instance."""
        self.engine.cancel_instance(key)

    def view(self, limit: int = 50) -> EngineView:
        """The engine at this moment, with at most ``limit`` instances and incidents."""
        return take_snapshot(self.engine, limit)

    # What commands cause, told by the engine after each commit (engine.Listener)

    def jobs_ready(self, jobs: Sequence[tuple[str, int]]) -> None:
        """Jobs can be activated."""
        if self._dispatch is not None:
            self._dispatch.jobs_ready(jobs)

    def due_at(self, due_ms: int) -> None:
        """Something is due then: sets the alarm earlier if need be."""
        if self._alarm is None or due_ms < self._alarm_ms:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_ms = due_ms
            # One more millisecond, so that the clock has surely passed the due time.
            delay = min(max(due_ms - epoch_ms() + 1, 0) / 1000, _LONGEST_SLEEP_SECONDS)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._tick)

    def work_postponed(self) -> None:
        """A command has left work: goes on with it after whatever else waits for the loop."""
        if not self._resuming:
            self._resuming = True
            asyncio.get_running_loop().call_soon(self._resume)

    def checkpoint_due(self) -> None:
        """The write-ahead log has grown: merges it in a thread."""
        if self._checkpoints is not None and self.config.db_path is not None:
            loop = asyncio.get_running_loop()
            merging = loop.run_in_executor(self._checkpoints, checkpoint, self.config.db_path)
            merging.add_done_callback(self._checkpoint_done)

    def _checkpoint_done(self, merging: asyncio.Future[None]) -> None:
        error = None if merging.cancelled() else merging.exception()
        if error is not None:
            _log.warning("the write-ahead log could not be merged into the database: %s", error)
        elif self._engine is not None:
            self._engine.store.database.finish_checkpoint()

    def _tick(self) -> None:
        if self._engine is None:
            return
        self._alarm = None
        try:
            due_ms = self._engine.tick()
        except Exception:  # noqa: BLE001 - without an alarm the engine would stand still for good
            _log.exception("what was due could not be done; trying again")
            due_ms = epoch_ms() + _PAUSE_AFTER_ERROR_MS
        if due_ms is not None:
            self.due_at(due_ms)

    def _resume(self) -> None:
        self._resuming = False
        if self._engine is not None:
            self._engine.resume()


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _document(variables: Mapping[str, Any] | None) -> dict[str, bytes]:
    return {name: json.dump_bytes(value) for name, value in (variables or {}).items()}
