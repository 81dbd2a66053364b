"""The project's own files: what they say must be so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from coupler.settings.tree import is_open, leaf_of

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def connectors() -> list[str]:
    """The packages of the built-in connectors."""
    return sorted(path.name for path in (ROOT / "connectors").iterdir() if (path / "py.typed").exists())


def test_every_connector_is_packaged_linted_and_measured() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(wheel) == sorted(["runtime/coupler", *(f"connectors/{name}" for name in connectors())])
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == ["coupler", *connectors()]
    assert sorted(PROJECT["tool"]["coverage"]["run"]["source"]) == ["coupler", *connectors()]
    contracts = {contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
    assert contracts["The runtime imports no connector"]["forbidden_modules"] == connectors()
    assert contracts["Connectors import the SDK and nothing else of the runtime"]["source_modules"] == connectors()
    assert contracts["Connectors do not know each other"]["modules"] == connectors()


def test_every_connector_has_an_entry_point_and_an_extra() -> None:
    plugins = PROJECT["project"]["entry-points"]["coupler.connectors"]
    assert sorted({target.partition(":")[0] for target in plugins.values()}) == connectors()
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(plugins) <= set(extras)
    everything = extras["all"][0].removeprefix("coupler[").removesuffix("]").split(",")
    assert sorted(everything) == sorted(set(extras) - {"all"})


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes_and_no_lock_names_a_server(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.findall(r"^([a-zA-Z0-9._-]+)==\S+(.*)$", text, re.MULTILINE)
    assert len(pins) > 20
    assert [package for package, rest in pins if not rest.endswith("\\")] == []
    assert "://" not in text


def test_every_dependency_has_a_range() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    groups = [PROJECT["project"]["dependencies"], *(needs for extra, needs in extras.items() if extra != "all")]
    assert [need for needs in groups for need in needs if ">=" not in need] == []


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in documents
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
        if "://" not in link and not (document.parent / link).exists()
    ]
    assert broken == []


def test_every_guide_is_on_the_first_page() -> None:
    guides = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", (ROOT / "docs" / "index.md").read_text()))
    assert guides - linked == set()


def test_every_setting_that_a_document_names_exists() -> None:
    where_settings_are = {"COUPLER_CONFIG", "COUPLER_ENV_FILE"}
    unknown = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(r"\bCOUPLER_[A-Z_]*[A-Z]\b(?!…|_)", document.read_text()):
            path = tuple(name.removeprefix("COUPLER_").lower().split("__"))
            if name not in where_settings_are and not is_open(path) and leaf_of(path) is None:
                unknown.append(f"{document.relative_to(ROOT)}: {name}")
    assert unknown == []


def test_the_contributing_guide_stays_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 80


def test_every_command_of_the_guides_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        mentioned = set(re.findall(r"^make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))
        assert mentioned
        assert mentioned <= targets, name
