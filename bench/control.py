"""How the benchmark steers its servers: a JSON object a line on standard input, an answer a line on standard output."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Answer = Callable[..., Awaitable[dict[str, Any]]]


async def serve(hello: dict[str, Any], actions: Mapping[str, Answer]) -> None:
    """Says hello, then answers until standard input ends. Every answer carries the process's CPU seconds so far."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(hello)
    while line := await reader.readline():
        message = json.loads(line)
        answer = await actions[message.pop("do")](**message)
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({**answer, "cpu_seconds": time.process_time()}) + "\n")
    sys.stdout.flush()
