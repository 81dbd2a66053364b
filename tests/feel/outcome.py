"""What an expression comes to, as JSON text: numbers show their scale, dates and durations their ISO form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from coupler import feel, json
from coupler.errors import FeelError
from coupler.feel.limits import Limits

CONTEXT: Final[dict[str, Any]] = {
    "a": 1,
    "b": 2,
    "s": "hello",
    "n": None,
    "yes": True,
    "list": [1, 2, 3, 4],
    "people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 17}, {"name": "Cy"}],
    "deep": {"x": {"y": {"z": 42}}, "first name": "Ada", "a-b": 7},
}
FAILS: Final = "fails"


def outcome(text: str, context: Mapping[str, Any] = CONTEXT, limits: Limits | None = None) -> str:
    """The value as compact JSON, or ``FAILS``."""
    try:
        return json.dumps(feel.to_json(feel.compile(text).evaluate(context, limits=limits)))
    except FeelError:
        return FAILS
