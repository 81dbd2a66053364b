"""What a start imports: a process that has seen no job has loaded no vendor's library."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

VENDORS = {"aiohttp", "aiokafka", "aiosmtplib", "boto3", "botocore", "lxml", "zeep"}


def modules_after(code: str) -> set[str]:
    """The modules of a fresh interpreter that has run the code."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["coupler.cli", "coupler.app", "coupler.worker", "coupler.sdk", "coupler_rest"])
def test_no_vendor_library_is_imported(module: str) -> None:
    assert modules_after(f"import {module}") & VENDORS == set()


def test_loading_all_connectors_imports_no_vendor_library() -> None:
    assert modules_after("from coupler.registry import Registry\nRegistry.load()") & VENDORS == set()


def test_the_command_line_starts_without_the_admin_server() -> None:
    assert modules_after("import coupler.cli") & {"fastapi", "uvicorn", "grpc"} == set()


def test_the_sdk_brings_neither_the_gateway_nor_the_worker() -> None:
    loaded = modules_after("import coupler.sdk")
    assert {name for name in loaded if name.startswith(("coupler.gateway", "coupler.worker", "coupler.feel"))} == set()
