"""The engine's REST API as camunda-orchestration-sdk sees it, a client that knows nothing of it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Final

import pytest

from tests.embedded.bpmn import boundary, end, error, model, start, task
from tests.embedded.rest import rest_served

pytestmark = pytest.mark.integration

REQUIREMENT: Final = "camunda-orchestration-sdk==10.*"
SCENARIO: Final = Path(__file__).with_name("sdk_scenario.py")
CONTENT: Final = model(
    start(), task("task", headers={"h": "ü"}), boundary("caught", "task", error("NOPE")), task("repair", "repair"),
    end(),
    flows="start -> task -> end\ncaught -> repair -> end",
)  # fmt: skip


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that has the package and nothing of ours; kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "coupler-tests" / f"orchestration-sdk-10-python-{sys.version_info[0]}.{sys.version_info[1]}"
    found = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(found), "-m", "pip", "install", "-q", "--disable-pip-version-check", REQUIREMENT]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"{REQUIREMENT} cannot be installed: {done.stderr}"
        (folder / "complete").touch()
    return found


async def test_an_independent_client_gets_along(python: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.bpmn"
    file.write_bytes(CONTENT)
    foreign = ("CAMUNDA_", "ZEEBE_", "COV_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    async with rest_served() as rest:
        command = [str(python), str(SCENARIO), str(rest.engine.rest_address), str(file)]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), 300)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, errors.decode()
    seen: dict[str, Any] = json.loads(output)
    link = seen.pop("link")
    assert link.startswith(f"{rest.engine.rest_address}/v2/document-links/")
    assert seen == {
        "topology": [1, "healthy"],
        "deployed": ["p", 1],
        "xml": CONTENT.decode(),
        "job": [True, {"x": 1.5, "text": "ä"}, {"h": "ü"}],
        "completed while failed": "ConflictError",
        "incident": ["JOB_NO_RETRIES", "broken", True],
        "ended": ["COMPLETED", False, True],
        "gone": "NotFoundError",
        "result": {"x": 21, "y": 42},
        "too long": "GatewayTimeoutError",
        "cancelled": "TERMINATED",
        "cancelled again": "NotFoundError",
        "active": 0,
        "message": True,
        "other tenant": "BadRequestError",
        "document": ["b.txt", 11, {"x": 1}],
        "content": "\r\n--hello\r\n",
        "deleted": "NotFoundError",
    }
