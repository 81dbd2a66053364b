"""The guide's example runs, and the guide lists what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from coupler.documents.cluster import ClusterDocuments
from coupler.documents.document import Document
from coupler.documents.functions import FUNCTION_KEY
from coupler.documents.service import Documents
from coupler.testing import CompleteCommand
from tests.documents.kit import FakeCluster, http_engine, inline, serving
from tests.documents.test_binding import bound
from tests.documents.worker import run_job

GUIDE = (Path(__file__).parents[2] / "docs" / "documents.md").read_text()


def example(language: str) -> str:
    """The first block of code in a language."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found[1]


async def test_the_connector_of_the_guide_runs() -> None:
    names: dict[str, Any] = {"shrink": lambda content: content[:2]}
    exec(compile(example("python"), "documents.md", "exec", dont_inherit=True), names)
    resize = names["Resize"]()
    fake = FakeCluster()
    async with serving(fake) as address, http_engine() as engine:
        documents = Documents(ClusterDocuments(address, engine), engine)
        variables = {"picture": inline("large", "a.txt")}
        headers = {"resultVariable": "r"}
        command = await run_job(resize.execute, documents, variables, headers, model=type(resize).Input)
    assert isinstance(command, CompleteCommand), command
    assert json.loads(command.variables)["r"]["picture"]["metadata"]["fileName"] == "a.txt"
    assert fake.contents == {"document-1": b"la"}


async def test_the_call_of_the_guide_is_one() -> None:
    call = json.loads(example("json"))
    assert call[FUNCTION_KEY] == "getJson"
    call["params"][0] = inline({"order": {"id": 7}})
    assert (await bound({"number": call})).number == 7


def test_every_member_of_a_document_is_in_the_guide() -> None:
    public = {name for name in vars(Document) if not name.startswith("_")} - {"to_json", "source"}
    assert {name for name in public if not re.search(rf"\b{name}\b", GUIDE)} == set()
