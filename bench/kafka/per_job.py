"""CPU of a producer for each job, which is what the Java runtime does, beside that of a pooled one."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from coupler_kafka.connection import connection
from coupler_kafka.encoding import Record
from coupler_kafka.starting import start_producer


async def main(servers: str, jobs: int) -> None:
    """Prints CPU seconds per 1,000 jobs, both ways, 16 at a time."""
    effective = connection(servers, None, {})
    record = Record("per-job", b"P-7", b"x" * 200, [])
    warm = await start_producer(effective, {"security_protocol": "PLAINTEXT"}, 10.0)
    await warm.send(record)

    async def alone() -> None:
        producer = await start_producer(effective, {"security_protocol": "PLAINTEXT"}, 10.0)
        await producer.send(record)
        await producer.close(10.0)

    figures = {}
    for name, send, count in (("alone", alone, jobs), ("pooled", lambda: warm.send(record), jobs * 20)):
        before = time.process_time()
        for _ in range(count // 16):
            await asyncio.gather(*(send() for _ in range(16)))
        figures[name] = (time.process_time() - before) / (count // 16 * 16) * 1000
    await warm.close(10.0)
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
