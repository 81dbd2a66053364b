"""Images and containers for tests, with Debian's buildah and podman, in a storage of their own.

No daemon and no registry are needed: the base image is made from Debian's packages (tools/image/base.sh), the
Dockerfile is the real one, unchanged. Where these programs cannot run, the test fails and says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from tests.deploy.tools import ROOT, cache_folder, must, needed, run

BASE = "docker.io/library/python:3.13-slim"
IMAGE = "localhost/coupler:test"

# The hardest surroundings that an operator would choose. Without the limits, runc asks for more than some hosts allow.
HARDENED = (
    *("--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--no-healthcheck"),
)


def _storage() -> Path:
    folder = cache_folder() / "image"
    folder.mkdir(exist_ok=True)
    return folder


def _program(name: str) -> list[str]:
    if os.geteuid() != 0:
        pytest.fail(
            "Making the base image needs root (debootstrap); run these tests in a container or virtual machine."
        )
    return [needed(name, name), "--root", str(_storage() / "images"), "--runroot", str(_storage() / "run")]


def buildah(*words: str | Path, timeout_seconds: float = 120) -> str:
    """Runs buildah."""
    return must([*_program("buildah"), *words], timeout_seconds=timeout_seconds, why="buildah cannot do this here")


def podman_command(*words: str | Path) -> list[str | Path]:
    """A command of podman. crun fails where control groups of both versions are mounted; runc does not."""
    needed("runc", "runc")
    return [*_program("podman"), "--runtime", "runc", "--cgroup-manager", "cgroupfs", *words]


def podman(*words: str | Path, timeout_seconds: float = 120) -> str:
    """Runs podman."""
    return must(podman_command(*words), timeout_seconds=timeout_seconds, why="podman cannot do this here")


def make_base() -> None:
    """Makes the base image, unless it is there."""
    if run([*_program("buildah"), "inspect", "--type", "image", BASE]).returncode == 0:
        return
    needed("debootstrap", "debootstrap")
    needed("podman", "podman")
    script = ROOT / "tools" / "image" / "base.sh"
    must([script, sys.executable, _storage()], timeout_seconds=1200, why="the base image cannot be made")


def build(dockerfile: Path, context: Path, tag: str, *, arguments: Mapping[str, str] | None = None) -> None:
    """Builds an image. Layers are kept for a day, so that the next build does only what changed."""
    podman("image", "prune", "--force", "--filter", "until=24h")
    options = [word for name, value in (arguments or {}).items() for word in ("--build-arg", f"{name}={value}")]
    command = ["bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "--layers", *options]
    buildah(*command, "--tag", tag, "--file", dockerfile, context, timeout_seconds=1500)


def inspected(tag: str) -> dict[str, Any]:
    """The configuration of an image."""
    loaded: dict[str, Any] = json.loads(podman("image", "inspect", tag))[0]
    return loaded


def compressed_bytes(tag: str) -> int:
    """The size of an image as it is sent to a registry: all its layers, with gzip."""
    with tempfile.TemporaryDirectory(dir=_storage()) as folder:
        buildah("push", "--quiet", tag, f"oci:{folder}/image", timeout_seconds=300)
        return sum(path.stat().st_size for path in Path(folder, "image", "blobs").rglob("*") if path.is_file())


class Container:
    """A running container. Leaving the context removes it."""

    def __init__(self, image: str, *options: str | Path, command: Sequence[str] = ()) -> None:
        self._words = ["run", "--detach", *HARDENED, *options, image, *command]
        self.name = ""

    def __enter__(self) -> Self:
        self.name = podman(*self._words).strip()
        return self

    def __exit__(self, *exception: object) -> None:
        run(podman_command("rm", "--force", "--time", "0", self.name))

    @property
    def running(self) -> bool:
        """Whether it has not ended; one that is asked to stop still runs."""
        return podman("inspect", "--format", "{{.State.Status}}", self.name).strip() in ("running", "stopping")

    def log(self) -> str:
        """What it has written to both outputs."""
        done = run(podman_command("logs", self.name))
        return done.stdout + done.stderr

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs one more command in it."""
        return run(podman_command("exec", self.name, *command))

    def stop(self, patience_seconds: int) -> int:
        """SIGTERM, and SIGKILL when patience is over; the exit code."""
        podman("stop", "--time", str(patience_seconds), self.name, timeout_seconds=patience_seconds + 60)
        return int(podman("inspect", "--format", "{{.State.ExitCode}}", self.name))
