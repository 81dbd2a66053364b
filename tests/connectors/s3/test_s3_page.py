"""What docs/connectors/s3.md says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from bench.s3 import rclone
from coupler_s3.actions import Copy, Delete, Download, Head, ListObjects, Presign, Upload, Written
from coupler_s3.model import Operation
from coupler_s3.settings import S3Settings
from tests.connectors.kit import Bench

PAGE = (Path(__file__).parents[3] / "docs" / "connectors" / "s3.md").read_text("utf-8")


def test_every_setting_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) ?\| ", PAGE, re.MULTILINE))
    actual = {name.upper(): info.default for name, info in S3Settings.model_fields.items()}
    assert documented == {name: "" if value is None else str(value) for name, value in actual.items()}


def test_every_action_and_field() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`bucket`.*)$", PAGE, re.MULTILINE))
    assert set(rows) == set(get_args(Operation))
    models: dict[str, type[BaseModel]] = {
        "uploadObject": Upload,
        "downloadObject": Download,
        "deleteObject": Delete,
        "listObjects": ListObjects,
        "headObject": Head,
        "copyObject": Copy,
        "presignObject": Presign,
    }
    for action, model in models.items():
        for name, info in model.model_fields.items():
            where = PAGE if name in Written.model_fields or name == "as_file" else rows[action]
            assert f"`{info.alias}`" in where, (action, name)


async def test_the_example(bench: Bench, tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    command = re.search(r"--auth-key (\S+),(\S+) buckets", PAGE)
    assert example is not None
    assert command is not None
    variables = json.loads(example[1])["variables"]
    assert (variables["authentication"]["accessKey"], variables["authentication"]["secretKey"]) == command.groups()
    (tmp_path / "buckets" / "orders").mkdir(parents=True)
    with rclone.serving(tmp_path / "buckets") as url:
        variables["authentication"] |= {"accessKey": rclone.ACCESS_KEY, "secretKey": rclone.SECRET_KEY}
        variables["configuration"]["endpoint"] = url
        result = await bench.run(variables)
    assert f'"key":"{result["key"]}"' in PAGE
    assert f'"link":"{result["link"].replace(url, "http://127.0.0.1:9000")}"' in PAGE
    assert (tmp_path / "buckets" / "orders" / "2026" / "hello.txt").read_text() == "Hello"
