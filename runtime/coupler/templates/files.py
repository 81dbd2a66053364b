"""The files of a folder of templates: the newest of each, its hybrid variant, and the copies of older versions.

    element-templates/rest.json
    element-templates/hybrid/rest-hybrid.json
    element-templates/versioned/rest-1.json

A version that people have is never changed: when the content changes, the version must rise, and the file of the older
version moves to ``versioned/``. A modeler offers the newest version that fits the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coupler.errors import ConfigError
from coupler.templates.discovery import Templated
from coupler.templates.generate import ElementTemplate, generate
from coupler.templates.hybrid import hybrid


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the files of one connector should hold."""

    templated: Templated
    template: ElementTemplate
    variant: ElementTemplate

    @classmethod
    def of(cls, templated: Templated) -> Rendered:
        """Generates the template and its variant."""
        template = generate(templated.connector)
        return cls(templated, template, hybrid(template))

    def main(self, folder: Path) -> Path:
        """The file of the template."""
        return folder / f"{self.templated.file}.json"

    def hybrid(self, folder: Path) -> Path:
        """The file of the hybrid variant."""
        return folder / "hybrid" / f"{self.templated.file}-hybrid.json"

    def versioned(self, folder: Path, version: int) -> Path:
        """The file of an older version."""
        return folder / "versioned" / f"{self.templated.file}-{version}.json"

    def drift(self, folder: Path) -> Iterator[str]:
        """What is wrong with the files, as sentences."""
        main = self.main(folder)
        if not main.exists():
            yield f"{main} is missing. Run 'coupler templates generate'."
            return
        committed = read_template(main)
        if committed != self.template:
            yield self._difference(main, committed)
        variant = self.hybrid(folder)
        if not variant.exists() or read_template(variant) != self.variant:
            yield f"{variant} is not what the template makes of it. Run 'coupler templates generate'."
        for version in range(1, self.template["version"]):
            copy = self.versioned(folder, version)
            if not copy.exists():
                yield f"{copy} is missing: older versions are kept."
            elif read_template(copy).get("version") != version:
                yield f"{copy} is not version {version}."

    def _difference(self, main: Path, committed: ElementTemplate) -> str:
        mine, theirs = self.template["version"], committed.get("version")
        what = ", ".join(differences(committed, self.template)[:5])
        if mine == theirs:
            return (
                f"{main} differs from what the connector says ({what}), and both are version {mine}."
                f" Raise TemplateInfo.version to {mine + 1}, then run 'coupler templates generate'."
            )
        return f"{main} is version {theirs}, the connector's is {mine} ({what}). Run 'coupler templates generate'."

    def write(self, folder: Path, *, unpublished: bool = False) -> list[Path]:
        """Writes the files that change, and keeps the version that was there before.

        Args:
            unpublished: nobody has the version that is there; it may be overwritten.

        Raises:
            ConfigError: the content changed and the version did not rise.
        """
        main = self.main(folder)
        written: list[Path] = []
        if main.exists():
            committed = read_template(main)
            self._refuse_silent_change(main, committed, unpublished)
            if committed["version"] < self.template["version"]:
                written += write_template(self.versioned(folder, committed["version"]), committed)
        written += write_template(main, self.template)
        written += write_template(self.hybrid(folder), self.variant)
        return written

    def _refuse_silent_change(self, main: Path, committed: ElementTemplate, unpublished: bool) -> None:
        mine, theirs = self.template["version"], committed.get("version", 0)
        if committed == self.template or mine > theirs or (mine == theirs and unpublished):
            return
        raise ConfigError(
            f"{main} is version {theirs} and would change ({', '.join(differences(committed, self.template)[:5])})."
            f" Raise TemplateInfo.version of {self.templated.connector.__name__} from {mine} to {theirs + 1}."
            f" Only while nobody has version {theirs}, --unpublished overwrites it."
        )


def read_template(file: Path) -> ElementTemplate:
    """Reads a template.

    Raises:
        ConfigError: it is not there, or is no JSON object.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The template {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"The template {file} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ConfigError(f"The file {file} holds {type(found).__name__}, not one template.")
    return found


def write_template(file: Path, template: ElementTemplate) -> list[Path]:
    """Writes a template, when the file would change; the answer is the file or nothing."""
    text = json.dumps(template, indent=2, ensure_ascii=False) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return []
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return [file]


def differences(old: ElementTemplate, new: ElementTemplate) -> list[str]:
    """The keys and properties in which two templates differ."""
    found = [key for key in {**old, **new} if key != "properties" and old.get(key) != new.get(key)]
    before, after = _by_id(old), _by_id(new)
    found += [f"property {key}" for key in {**before, **after} if before.get(key) != after.get(key)]
    return found or ["order of properties"]


def _by_id(template: ElementTemplate) -> dict[str, Any]:
    return {str(each.get("id")): each for each in template.get("properties", [])}


__all__ = ["Rendered", "differences", "read_template", "write_template"]
