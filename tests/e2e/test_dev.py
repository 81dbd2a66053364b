"""``coupler dev``: what a newcomer starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx

from tests.e2e.bpmn import Model
from tests.e2e.client import connect
from tests.e2e.processes import Process, until
from tests.e2e.target import Target

DEMO = Path(__file__).parents[2] / "demo"


def dev(directory: Path, *files: str, name: str = "dev") -> Process:
    """``coupler dev`` on whatever ports are free from its defaults on."""
    return Process(name, ["dev", *files], directory=directory)


def addresses(process: Process) -> tuple[str, str]:
    """Of the engine (host and port) and of the page (URL), as the first line says."""
    match = process.wait_for_line(r"engine (\S+:\d+) · page (http\S+)")
    return match[1], match[2]


def test_the_demo_shows_all_four_stories(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    with dev(tmp_path, "demo") as process:
        # When the demo runs, then calls complete, one after it failed, one is caught, one becomes an incident
        _, page = addresses(process)
        process.wait_for_line(r"place-order \d+ completed")
        process.wait_for_line(r"call-until-it-works \d+ active at \w+")
        process.wait_for_line(r"call-until-it-works \d+ completed")
        process.wait_for_line(r"find-customer \d+ completed .*UNKNOWN_CUSTOMER")
        process.wait_for_line(r"call-what-is-broken \d+ incident")

        # And the page and its API are there
        assert "text/html" in httpx.get(page, trust_env=False, follow_redirects=True).headers["content-type"]
        outcomes = {job["outcome"] for job in httpx.get(f"{page}/api/jobs/recent", trust_env=False).json()}
        assert {"completed", "failed", "bpmn_error"} <= outcomes
        assert httpx.get(f"{page}/health/ready", trust_env=False).status_code == 200
        assert process.terminate() == 0
        assert "Traceback" not in process.log()


async def test_a_changed_file_is_deployed_again(tmp_path: Path, target: Target) -> None:
    # Given a session that watches a file
    file = tmp_path / "changing.bpmn"
    file.write_text(Model("changing").rest_task("call", f"{target.url}/status/404").from_start_to_end("call").xml)
    with dev(tmp_path, file.name) as process:
        address, _ = addresses(process)
        process.wait_for_line("Deployed changing, version 1")

        # When the file is broken, and then mended
        file.write_text("<broken")
        process.wait_for_line(r"(?m)^.*changing\.bpmn.*not well-formed")
        file.write_text(Model("changing").rest_task("call", f"{target.url}/ok").from_start_to_end("call").xml)
        process.wait_for_line("Deployed changing, version 2")

        # Then new instances run the new version
        async with connect(address, tmp_path) as client:
            assert (await client.run("changing", id="f-1"))["id"] == "f-1"
        assert process.terminate() == 0


async def test_two_sessions_stand_side_by_side(tmp_path: Path, target: Target) -> None:
    # Given an empty engine on the default ports, or the next free ones
    with dev(tmp_path, name="first") as first:
        first_engine, first_page = addresses(first)

        # When a second one starts
        with dev(tmp_path, name="second") as second:
            second_engine, second_page = addresses(second)

            # Then it has ports of its own, and both work
            assert first_engine != second_engine
            assert first_page != second_page
            for number, address in enumerate((first_engine, second_engine)):
                async with connect(address, tmp_path) as client:
                    await client.deploy(Model("side").rest_task("call", f"{target.url}/ok").from_start_to_end("call"))
                    await client.run("side", id=f"side-{number}")
            assert second.terminate() == 0
        assert first.terminate() == 0


def test_a_database_file_keeps_what_was_deployed(tmp_path: Path) -> None:
    (tmp_path / "kept.bpmn").write_text(Model("kept").task("wait", "nobody").from_start_to_end("wait").xml)
    with dev(tmp_path, "--db", "state.db", "kept.bpmn") as process:
        process.wait_for_line("Deployed kept, version 1")
        process.kill()
        process.log_file.unlink()

        process.start()
        process.wait_for_line(r"engine \S+:\d+")
        until(lambda: "version" in process.log() or not process.running, "the file to be looked at")
        assert "version 2" not in process.log()
        assert process.terminate() == 0


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with dev(tmp_path, "nowhere.bpmn") as process:
        assert process.wait() not in (0, 1)
        assert "nowhere.bpmn" in process.log()
        assert "Traceback" not in process.log()
