"""The validator that modelers use, from npm, accepts every template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from coupler.templates.generate import generate
from coupler.templates.hybrid import hybrid
from coupler.templates.validate import SCHEMA_FILE
from tests.templates.workshop import Workshop

pytestmark = pytest.mark.integration

VERSION: Final = "2.26.0"
PACKAGES: Final = (
    f"@bpmn-io/element-templates-validator@{VERSION}",
    f"@camunda/zeebe-element-templates-json-schema@{SCHEMA_FILE.stem.rpartition('-')[2]}",
)
FOLDER: Final = Path(__file__).parent.parent.parent / "element-templates"

SCRIPT: Final = """
import { readFileSync } from 'node:fs';
import { validateZeebe } from '@bpmn-io/element-templates-validator';
const found = process.argv.slice(2).map((file) => {
  const { valid, errors, warnings } = validateZeebe(readFileSync(file, 'utf8'));
  const texts = (list) => (list ?? []).map((each) => each.message);
  return { file, valid, errors: texts(errors), warnings: texts(warnings) };
});
process.stdout.write(JSON.stringify(found));
"""

# docs/templates.md says why each of these stays.
EXPLAINED: Final = (
    "'optional' with 'zeebe:input' binding is deprecated",
    "Hidden property should specify either 'value' or 'generatedValue'",
    "Value is deprecated",
)


@pytest.fixture(scope="module")
def package() -> Path:
    """A folder with the validator installed, kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "coupler-tests" / f"element-templates-validator-{VERSION}"
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail("npm is not installed; this test needs it (Debian: apt-get install npm)")
    if not (folder / "node_modules" / "@bpmn-io" / "element-templates-validator" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = [npm, "install", "--no-audit", "--no-fund", *PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    (folder / "validate.mjs").write_text(SCRIPT)
    return folder


def validated(package: Path, files: list[Path]) -> list[dict[str, Any]]:
    """What the validator says of each file."""
    command = ["node", "validate.mjs", *map(str, files)]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_every_committed_template_is_valid_and_every_warning_is_explained(package: Path) -> None:
    files = sorted(FOLDER.rglob("*.json"))
    assert len(files) >= 6
    found = validated(package, files)
    assert [(each["file"], each["errors"]) for each in found if not each["valid"] or each["errors"]] == []
    warnings = Counter(warning for each in found for warning in each["warnings"])
    assert [warning for warning in warnings if not warning.startswith(EXPLAINED)] == []


def test_a_connector_of_somebody_else_has_a_valid_template(package: Path, tmp_path: Path) -> None:
    template = generate(Workshop)
    for name, each in (("own", template), ("hybrid", hybrid(template))):
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
    found = validated(package, sorted(tmp_path.glob("*.json")))
    assert [each["errors"] for each in found] == [[], []]


def test_the_validator_does_find_mistakes(package: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(generate(Workshop) | {"appliesTo": "bpmn:Task"}))
    [found] = validated(package, [broken])
    assert not found["valid"]


def test_our_copy_of_the_schema_is_the_published_one(package: Path) -> None:
    published = package / "node_modules" / "@camunda" / "zeebe-element-templates-json-schema"
    version = json.loads((published / "package.json").read_text())["version"]
    assert SCHEMA_FILE.name == f"zeebe-element-templates-{version}.json"
    assert json.loads(SCHEMA_FILE.read_text()) == json.loads((published / "resources" / "schema.json").read_text())
