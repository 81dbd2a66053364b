"""The commands: files in a folder, and the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from coupler.cli import main
from coupler.sdk.template import TemplateInfo
from coupler.templates import commands
from coupler.templates.generate import generate
from coupler.templates.lint import lint
from coupler.templates.validate import validator
from tests.templates.workshop import Workshop

PLUGIN = EntryPoint("workshop", "tests.templates.workshop:Workshop", "coupler.connectors")
BPMN = (
    b'<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="p">'
    b'<bpmn:task id="make"/></bpmn:process></bpmn:definitions>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the templates of the workshop."""
    assert commands.generate(["workshop"], tmp_path, plugins=[PLUGIN]) == 0
    return tmp_path


def raised(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    info = Workshop.template
    said = {name: getattr(info, name) for name in TemplateInfo.__dataclass_fields__}
    monkeypatch.setattr(Workshop, "template", TemplateInfo(**(said | changes)))


def test_generate_writes_the_template_and_its_variant(folder: Path) -> None:
    written = sorted(str(file.relative_to(folder)) for file in folder.rglob("*.json"))
    assert written == ["hybrid/workshop-hybrid.json", "workshop.json"]
    assert json.loads((folder / "workshop.json").read_text()) == generate(Workshop)
    assert (folder / "workshop.json").read_text().endswith("}\n")


def test_generate_without_names_writes_what_is_there_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.generate([], tmp_path, plugins=[PLUGIN]) == 1
    assert "Name the connectors" in capsys.readouterr().out
    assert commands.generate(["coupler:workshop:1"], tmp_path, plugins=[PLUGIN]) == 0
    (tmp_path / "hybrid" / "workshop-hybrid.json").unlink()
    assert commands.generate([], tmp_path, plugins=[PLUGIN]) == 0
    assert (tmp_path / "hybrid" / "workshop-hybrid.json").exists()


def test_an_unknown_connector_is_named_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.generate(["workshpo"], tmp_path, plugins=[PLUGIN]) == 1
    assert "There is no connector 'workshpo'. Did you mean 'workshop'?" in capsys.readouterr().err


def check(folder: Path, types: Sequence[str] = ("workshop",)) -> int:
    return commands.check(types, folder, plugins=[PLUGIN])


def test_check_is_content_with_what_generate_wrote(folder: Path) -> None:
    raise_version_and_keep(folder)
    assert check(folder) == 0
    assert check(folder, []) == 0


def raise_version_and_keep(folder: Path) -> None:
    """The workshop is at version 4; three older ones must be there."""
    for version in (1, 2, 3):
        copy = folder / "versioned" / f"workshop-{version}.json"
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(json.dumps(generate(Workshop) | {"version": version}))


def test_check_wants_the_older_versions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(folder) == 1
    assert "workshop-1.json is missing: older versions are kept." in capsys.readouterr().out


def test_a_change_without_a_new_version_is_drift(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raise_version_and_keep(folder)
    raised(monkeypatch, description="Makes nothing")
    assert check(folder) == 1
    assert "(description), and both are version 4. Raise TemplateInfo.version to 5" in capsys.readouterr().out
    assert commands.generate(["workshop"], folder, plugins=[PLUGIN]) == 1
    assert "Raise TemplateInfo.version of Workshop from 4 to 5." in capsys.readouterr().err
    assert json.loads((folder / "workshop.json").read_text())["description"] == "Makes things of wood"
    assert commands.generate(["workshop"], folder, unpublished=True, plugins=[PLUGIN]) == 0
    assert check(folder) == 0


def test_a_new_version_keeps_the_one_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raise_version_and_keep(folder)
    before = json.loads((folder / "workshop.json").read_text())
    raised(monkeypatch, description="Makes nothing", version=5)
    assert check(folder) == 1
    assert commands.generate(["workshop"], folder, plugins=[PLUGIN]) == 0
    assert json.loads((folder / "versioned" / "workshop-4.json").read_text()) == before
    assert check(folder) == 0


def test_a_version_does_not_go_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raised(monkeypatch, version=3)
    assert commands.generate(["workshop"], folder, unpublished=True, plugins=[PLUGIN]) == 1
    assert "is version 4 and would change" in capsys.readouterr().err


def test_a_file_of_nobody_is_drift(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raise_version_and_keep(folder)
    (folder / "gone.json").write_text("{}")
    assert check(folder, []) == 1
    assert "gone.json belongs to no connector that is installed." in capsys.readouterr().out


def test_a_file_changed_by_hand_is_drift(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raise_version_and_keep(folder)
    variant = folder / "hybrid" / "workshop-hybrid.json"
    variant.write_text(variant.read_text().replace("Hybrid Workshop", "Mine"))
    assert check(folder) == 1
    assert "workshop-hybrid.json is not what the template makes of it" in capsys.readouterr().out


def test_validate_says_what_is_wrong_with_each_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = folder / "wrong.json"
    wrong.write_text(json.dumps(generate(Workshop) | {"version": "four"}))
    untidy = folder / "untidy.json"
    untidy.write_text(json.dumps(generate(Workshop) | {"groups": []}))
    assert commands.validate([folder / "workshop.json", wrong, untidy], plugins=[PLUGIN]) == 1
    out = capsys.readouterr().out
    assert "workshop.json: valid" in out
    assert "wrong.json: not valid\n  version:" in out
    assert "untidy.json: not valid\n  customerAccount is in the group 'customer', which does not exist." in out


def test_validate_mentions_an_unknown_job_type(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.validate([folder / "workshop.json"], plugins=[]) == 0
    assert "note: no connector here serves the job type 'coupler:workshop:1'" in capsys.readouterr().out


def test_without_the_schema_checker_mistakes_are_still_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    validator.cache_clear()
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    bad = folder / "bad.json"
    bad.write_text('{"id": "x", "appliesTo": [], "properties": [{"label": "no binding"}]}')
    assert commands.validate([folder / "workshop.json"], plugins=[PLUGIN]) == 0
    assert "pip install jsonschema-rs brings it" in capsys.readouterr().err
    assert commands.validate([bad], plugins=[PLUGIN]) == 1
    assert "Every property must be an object with a binding" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "text"),
    [("[", "is no JSON"), ("[]", "holds list, not one template"), (None, "cannot be read: No such file")],
)
def test_a_file_that_is_no_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, text: str
) -> None:
    file = tmp_path / "some.json"
    if content is not None:
        file.write_text(content)
    assert commands.validate([file], plugins=[]) == 1
    assert text in capsys.readouterr().err


def run(*arguments: str) -> int:
    return main(["templates", *arguments])


def test_apply_from_the_command_line(folder: Path) -> None:
    source, target = folder / "in.bpmn", folder / "out.bpmn"
    source.write_bytes(BPMN)
    values = ["--set", "material=OAK", "--set", "sawDepth=2", "--set", "finish.kind=oil", "--set", "labels={a: 1 = 1}"]
    template = str(folder / "workshop.json")
    assert run("apply", template, "--element", "make", *values, str(source), str(target)) == 0
    assert b'<zeebe:input source="={a: 1 = 1}" target="labels" />' in target.read_bytes()
    assert source.read_bytes() == BPMN


def test_a_fault_is_one_sentence_and_leaves_the_target_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = folder / "in.bpmn", folder / "out.bpmn"
    source.write_bytes(BPMN)
    template = str(folder / "workshop.json")
    assert run("apply", template, "--element", "mke", str(source), str(target)) == 1
    assert capsys.readouterr().err == "The process model has no element with the id 'mke'. Did you mean 'make'?\n"
    assert not target.exists()


def test_a_set_without_a_value_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("apply", "t.json", "--element", "make", "--set", "material", "a", "b")
    assert "'material' is not NAME=VALUE" in capsys.readouterr().err


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.show("template", "workshop", plugins=[PLUGIN]) == 0
    assert json.loads(capsys.readouterr().out) == generate(Workshop)
    assert commands.show("table", "workshop", plugins=[PLUGIN]) == 0
    assert "| `material` | Material | one of `OAK`, `PINE` | required |  |" in capsys.readouterr().out
    assert commands.show("schema", "coupler:workshop:1", plugins=[PLUGIN]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "WorkshopInput"


def test_the_command_line_writes_the_templates_of_installed_connectors(tmp_path: Path) -> None:
    assert run("generate", "rest", "--out", str(tmp_path)) == 0
    assert run("check", "rest", "--out", str(tmp_path)) == 1  # version 1 is not in this folder
    assert run("validate", str(tmp_path / "rest.json")) == 0
    assert run("show", "table", "io.camunda:http-json:1") == 0


def test_the_example_of_the_guide(tmp_path: Path) -> None:
    guide = (Path(__file__).parent.parent.parent / "docs" / "templates.md").read_text()
    code = guide.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {"__name__": "guide"}
    exec(code, names)
    template = generate(names["LabelPrinter"])
    assert validator()(template) == []
    assert lint(template, model=names["LabelInput"]) == []
    assert [each["id"] for each in template["properties"]][1:4] == ["text", "size", "colour"]
