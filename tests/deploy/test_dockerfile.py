"""The files that an image is made of: the Dockerfile, what goes in, which packages, what is taken out again."""

from __future__ import annotations

import importlib.util
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.deploy.tools import ROOT, python_tool, run
from tests.test_project import PROJECT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCK = (ROOT / "requirements.lock").read_text()


def script(name: str) -> ModuleType:
    """A script of tools/image, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "image" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


select_pins: Any = script("select_pins")
trim: Any = script("trim")


def pins(text: str) -> set[str]:
    """The names of the packages that a lock file pins."""
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def test_all_extras_take_the_whole_lock_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert pins(select_pins.main("all")) == pins(LOCK)


def test_one_extra_takes_what_it_needs_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    rest, kafka = pins(select_pins.main("rest")), pins(select_pins.main("rest,kafka"))
    assert {"aiohttp", "multidict", "pydantic-core", "pyyaml"} <= rest
    assert not rest & {"aiokafka", "boto3", "botocore", "lxml", "zeep"}
    assert kafka - rest >= {"aiokafka", "cramjam"}
    assert "zeep" not in kafka


def test_selected_pins_keep_their_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for block in select_pins.blocks(select_pins.main("rest")).values():
        assert "--hash=sha256:" in block


def test_an_unknown_extra_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match=r"there is no extra kafak\. There are: all, aws"):
        select_pins.main("kafak")


def test_a_lock_file_that_does_not_fit_is_refused() -> None:
    with pytest.raises(KeyError, match=r"has no zeep; make lock"):
        select_pins.selection("aiohttp==1 \\\n    --hash=sha256:0\n    # via coupler\n", {"aiohttp", "zeep"})


def test_the_build_backend_is_locked_with_hashes() -> None:
    lock = (ROOT / "tools" / "image" / "build.lock").read_text()
    for need in PROJECT["build-system"]["requires"]:
        assert f"\n{need} \\\n    --hash=sha256:" in lock, "make image-lock"
    assert "://" not in lock


def test_trimming_keeps_the_services_that_are_used_and_what_all_share(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.13" / "site-packages"
    kept = ["botocore/data/s3/x.json", "botocore/data/endpoints.json", "thing/code.py", "thing/testing/x.py"]
    gone = ["botocore/data/ec2/x.json", "thing/tests/__init__.py", "thing/code.pyi", "boto3/examples/x.rst"]
    for name in kept + gone:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).touch()

    trim.main(tmp_path)

    assert [name for name in kept if not (site / name).exists()] == []
    assert [name for name in gone if (site / name).exists()] == []
    assert (site / "plugins.pth").read_text() == "/opt/plugins/lib/python3.13/site-packages\n"


def test_every_aws_service_that_the_code_asks_for_is_kept() -> None:
    sources = [*(ROOT / "runtime").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")]
    used = {name for path in sources for name in re.findall(r"client\(\s*\"([a-z0-9-]+)\"", path.read_text("utf-8"))}
    assert used
    assert used <= trim.AWS_SERVICES


def test_only_what_the_image_is_made_of_is_sent_to_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    sent = [line.removeprefix("!") for line in lines if line.startswith("!")]
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    ]
    assert sorted(sent) == sorted(copied)
    assert [name for name in sent if not (ROOT / name).exists()] == []
    secret = (".env", ".git/config", "tests/x.pem", "coupler.toml", "demo/dev.toml")
    assert not any(fnmatch(name, pattern + "*") for name in secret for pattern in sent)


def test_the_image_drops_root_and_starts_without_a_shell() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    words = [line.split(" ", 1)[0] for line in final.splitlines()]
    assert "USER 10001:10001" in final
    assert words.index("USER") < words.index("ENTRYPOINT")
    for word in ("ENTRYPOINT", "CMD", "RUN"):
        assert re.search(rf"^{word} \[", final, re.MULTILINE), word
    assert 'CMD ["coupler", "healthcheck"]' in final
    assert DOCKERFILE.count("--require-hashes") == 2


@pytest.mark.integration
def test_hadolint_finds_nothing() -> None:
    done = run([python_tool("hadolint"), ROOT / "Dockerfile"])
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.integration
def test_shell_scripts_are_sound() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    for path in (ROOT / "tools" / "image").glob("*.sh"):
        assert run([bash, "-n", path]).returncode == 0
        assert "set -euo pipefail" in path.read_text()
