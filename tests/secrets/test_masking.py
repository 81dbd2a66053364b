from __future__ import annotations

import base64
import html
import json
import re
import time
import urllib.parse
from decimal import Decimal
from typing import Any

import pytest

from coupler.secrets import NOTHING_TO_MASK, Masker

PLANTED = 'pa"ss\nwörd €&<1>'


def test_every_occurrence_is_masked() -> None:
    assert Masker(["abc"]).mask("abc and abcabc") == "*** and ******"


def test_the_longest_secret_wins() -> None:
    assert Masker(["abc", "abcdef"]).mask("abcdef") == "***"


@pytest.mark.parametrize(
    "travelled",
    [
        PLANTED,
        json.dumps(PLANTED),
        json.dumps(PLANTED, ensure_ascii=False),
        repr(PLANTED),
        ascii(PLANTED),
        html.escape(PLANTED),
        urllib.parse.quote(PLANTED),
        urllib.parse.quote(PLANTED, safe=""),
        urllib.parse.quote_plus(PLANTED),
        re.sub("%..", lambda code: code[0].lower(), urllib.parse.quote(PLANTED)),
        base64.b64encode(PLANTED.encode()).decode(),
        base64.urlsafe_b64encode(PLANTED.encode()).decode(),
        base64.b64encode(b"user:" + PLANTED.encode()).decode(),
        base64.b64encode(b"me:" + PLANTED.encode() + b"@host").decode(),
        base64.b64encode(b"u:" + PLANTED.encode() + b"..").decode(),
    ],
)
def test_a_secret_is_masked_in_the_forms_in_which_it_travels(travelled: str) -> None:
    masked = Masker([PLANTED]).mask(f"before {travelled} after")

    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    for part in ("wörd", "w\\u00f6rd", "w%C3%B6rd", base64.b64encode(b"wxrd")[:3].decode()):
        assert part not in masked
    assert len(masked) <= len("before *** after") + 12


def test_lines_of_a_long_secret_are_masked_alone() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END KEY-----"

    assert Masker([key]).mask("bad line: MIIEvQIBADANBg") == "bad line: ***"


def test_a_secret_with_a_line_break_at_its_end_is_masked_without_it() -> None:
    assert Masker(["hunter2\n"]).mask("token hunter2 refused") == "token *** refused"


def test_a_large_text_is_masked_at_the_speed_of_memory() -> None:
    text = "x" * 5_000_000 + PLANTED + "y" * 5_000_000
    masker = Masker([PLANTED, "hunter2", "4711-0815"])
    begun = time.process_time()

    masked = masker.mask(text)

    assert masked == "x" * 5_000_000 + "***" + "y" * 5_000_000
    assert time.process_time() - begun < 10  # a regular expression took a minute


def test_values_keys_and_numbers_are_masked() -> None:
    masker = Masker(["hunter2", "4711"])
    value = {
        "hunter2": ["x hunter2", None, True, 4711, Decimal("4711"), 4712, 1.5],
        "deep": {"a": ("hunter2",)},
        3: "z",
    }

    assert masker.mask_value(value) == {
        "***": ["x ***", None, True, "***", "***", 4712, 1.5],
        "deep": {"a": ["***"]},
        3: "z",
    }


def test_containers_that_contain_themselves_end() -> None:
    value: dict[str, Any] = {"a": "hunter2"}
    value["self"] = value
    value["list"] = [value]
    shared = ["hunter2"]
    value["twice"] = [shared, shared]

    assert Masker(["hunter2"]).mask_value(value) == {
        "a": "***",
        "self": "[circular reference]",
        "list": ["[circular reference]"],
        "twice": [["***"], ["***"]],
    }


def test_objects_are_masked_by_their_text() -> None:
    class Fault:
        def __str__(self) -> str:
            return "fault with hunter2"

    assert Masker(["hunter2"]).mask_value([Fault()]) == ["fault with ***"]


def test_without_secrets_nothing_is_copied() -> None:
    value = {"a": "b"}

    assert NOTHING_TO_MASK.mask_value(value) is value
    assert NOTHING_TO_MASK.mask("a") == "a"
    assert not NOTHING_TO_MASK
    assert not Masker([""])


def test_a_short_secret_is_masked_as_it_stands() -> None:
    assert Masker(["x1"]).mask("x1 eDE=") == "*** eDE="
