"""A server that verifies signatures: rclone over a folder, as a process of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ACCESS_KEY = "coupler"
SECRET_KEY = "a-secret-of-the-test"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serves the folder's subfolders as buckets; gives the address."""
    folder.mkdir(exist_ok=True)
    port = _free_port()
    program = Path(sys.executable).with_name("rclone")
    arguments = ["serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
    with (folder.parent / "rclone.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments, "--config", "", "--vfs-cache-mode", "off", folder], stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, (folder.parent / "rclone.log").read_text()
            assert time.monotonic() < until, "rclone does not start"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
