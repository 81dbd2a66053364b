"""Prints the part of requirements.lock that some extras need, hashes and all.

Usage: ``select_pins.py rest,kafka`` in a folder with pyproject.toml and requirements.lock. The lock file covers all
extras and says of each package who asked for it (``# via``); what is reached from the wanted extras is kept. YAML is
always among them: the chart's configuration is a YAML file.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_ALWAYS = "yaml"
_NAME = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?")


def normal(name: str) -> str:
    """A package name as the lock file writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(project: dict[str, Any], extras: Iterable[str]) -> Iterator[str]:
    """The direct dependencies of the project with these extras.

    Raises:
        KeyError: an extra that the project does not have.
    """
    needs = [*project["dependencies"]]
    for extra in extras:
        needs += project["optional-dependencies"][extra]
    for need in needs:
        name, inner = _NAME.match(need).groups()  # type: ignore[union-attr]
        if normal(name) == normal(project["name"]):
            yield from wanted(project, [part.strip() for part in inner.split(",")])
        else:
            yield normal(name)


def blocks(lock: str) -> dict[str, str]:
    """The lines of each package."""
    parts = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return {normal(_NAME.match(part).group(1)): part for part in parts[1:]}  # type: ignore[union-attr]


def askers(block: str) -> set[str]:
    """Who needs this package, as the comment after it says."""
    _, _, comment = block.partition("# via")
    return {normal(line.strip(" #").split(" ")[0]) for line in comment.splitlines() if line.strip(" #")}


def selection(lock: str, direct: set[str]) -> str:
    """The lines of the direct dependencies and of all that they need.

    Raises:
        KeyError: a dependency that the lock file does not know.
    """
    pins = blocks(lock)
    if missing := sorted(direct - pins.keys()):
        raise KeyError(f"requirements.lock has no {', '.join(missing)}; make lock writes it anew")
    chosen = set(direct)
    while more := {name for name, block in pins.items() if name not in chosen and askers(block) & chosen}:
        chosen |= more
    return "".join(pins[name] for name in sorted(chosen))


def main(extras: str) -> str:
    """The chosen lines.

    Raises:
        SystemExit: an unknown extra, or a lock file that does not fit.
    """
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    names = {name.strip() for name in f"{extras},{_ALWAYS}".split(",") if name.strip()}
    if unknown := sorted(names - project["optional-dependencies"].keys()):
        known = ", ".join(sorted(project["optional-dependencies"]))
        raise SystemExit(f"EXTRAS: there is no extra {', '.join(unknown)}. There are: {known}.")
    try:
        return selection(Path("requirements.lock").read_text("utf-8"), set(wanted(project, names)))
    except KeyError as error:
        raise SystemExit(error.args[0]) from error


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1] if len(sys.argv) > 1 else ""))
