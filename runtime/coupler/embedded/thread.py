"""The embedded engine in a thread and event loop of its own, so that its work never delays the caller's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from coupler.embedded.config import EngineConfig
from coupler.embedded.service import EmbeddedEngine
from coupler.embedded.view import DeployedProcess, EngineView

if TYPE_CHECKING:
    from coupler.embedded.server.rest.application import Mounted

T = TypeVar("T")


class Answer(Generic[T]):
    """The answer to come from the engine's thread: ``await answer`` from any loop, or ``answer.result()``."""

    __slots__ = ("_future",)

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self._future).__await__()

    def result(self, timeout_seconds: float | None = None) -> T:
        """Blocks until the answer is there; must not be called on the engine's own thread."""
        return self._future.result(timeout_seconds)


class EngineThread:
    """Owns the thread. The calls are those of ``EmbeddedEngine``; each returns an ``Answer`` at once."""

    def __init__(self, config: EngineConfig, documents: Callable[[], Mounted] | None = None) -> None:
        self._engine = EmbeddedEngine(config, documents)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Starts the thread and returns when the engine serves.

        Raises:
            ConfigError: the database or a port cannot be used.
        """
        if self._thread is not None:
            return
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._main, args=(ready,), name="embedded-engine", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise

    def stop(self) -> None:
        """Stops the engine and joins the thread. Idempotent."""
        thread, loop = self._thread, self._loop
        self._thread = None
        if thread is not None and loop is not None:
            loop.call_soon_threadsafe(self._stopping.set)
            thread.join()

    def _main(self, ready: Future[None]) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._engine.start()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            ready.set_exception(error)
            return
        ready.set_result(None)
        await self._stopping.wait()
        await self._engine.stop()

    @property
    def grpc_address(self) -> str:
        """``host:port`` where gRPC is served."""
        return self._engine.grpc_address

    @property
    def rest_address(self) -> str | None:
        """The URL where REST is served, if it is."""
        return self._engine.rest_address

    def deploy(self, name: str, content: bytes) -> Answer[tuple[DeployedProcess, ...]]:
        """Deploys a BPMN resource; an identical one keeps its version."""
        return self._ask(lambda: self._engine.deploy(name, content))

    def create_instance(self, process_id: str, variables: Mapping[str, Any] | None = None) -> Answer[int]:
        """Starts the newest version of a process; answers the key of the instance."""
        return self._ask(lambda: self._engine.create_instance(process_id, variables))

    def publish_message(
        self,
        name: str,
        correlation_key: str = "",
        variables: Mapping[str, Any] | None = None,
        *,
        time_to_live_seconds: float = 0.0,
        message_id: str = "",
    ) -> Answer[int]:
        """Publishes a message; answers its key."""
        return self._ask(
            lambda: self._engine.publish_message(
                name, correlation_key, variables, time_to_live_seconds=time_to_live_seconds, message_id=message_id
            )
        )

    def resolve_incident(self, key: int) -> Answer[None]:
        """Lets an element instance try again; a job without retries gets one more."""
        return self._ask(lambda: self._engine.resolve_incident(key))

    def cancel_instance(self, key: int) -> Answer[None]:
        """Ends a process instance."""
        return self._ask(lambda: self._engine.cancel_instance(key))

    def view(self, limit: int = 50) -> Answer[EngineView]:
        """The engine at one moment."""

        async def take() -> EngineView:
            return self._engine.view(limit)

        return self._ask(take)

    def _ask(self, call: Callable[[], Awaitable[T]]) -> Answer[T]:
        assert self._loop is not None, "the engine is not started"

        async def run() -> T:
            return await call()

        return Answer(asyncio.run_coroutine_threadsafe(run(), self._loop))
