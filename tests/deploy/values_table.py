"""The table of all values in the chart's README, made of the defaults and the schema's descriptions.

``python -m tests.deploy.values_table`` writes it anew; a test compares.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.deploy.chart import CHART, described, leaves, values

README = CHART / "README.md"
_BLOCK = re.compile(r"(?<=<!-- values -->\n).*?(?=<!-- end of values -->)", re.DOTALL)


def table() -> str:
    """One row for every value."""
    rows = ["| value | default | meaning |", "|---|---|---|"]
    section = ""
    for path, default in leaves(values()):
        top = path.partition(".")[0]
        if "." in path and top != section:
            rows.append(f"| **`{top}`** | | {_cell((described(top) or {})['description'])} |")
        section = top
        rows.append(f"| `{path}` | {_default(default)} | {_cell((described(path) or {})['description'])} |")
    return "\n".join(rows) + "\n"


def in_readme() -> str:
    """The table that the README has."""
    found = _BLOCK.search(README.read_text("utf-8"))
    return found[0] if found else ""


def write() -> None:
    """Puts the table into the README."""
    text = README.read_text("utf-8")
    README.write_text(_BLOCK.sub(lambda _: table(), text), "utf-8")


def _default(value: Any) -> str:
    if value in ("", None, [], {}):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write()
