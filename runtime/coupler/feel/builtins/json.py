"""Functions between values and JSON text."""

from __future__ import annotations

from typing import Any

from coupler import json
from coupler.errors import FeelError
from coupler.feel.jsonable import to_json
from coupler.feel.registry import builtin
from coupler.feel.scope import Run


@builtin("from json(json: string)", "The value of a JSON text, or null when it is none.", standard=False)
def _from_json(run: Run, text: str) -> Any:
    run.spend(1 + (len(text) >> 2))
    try:
        return json.loads(text)
    except (json.Malformed, RecursionError, ArithmeticError):
        return None


builtin("from json(value: string)", "The same under the name in Camunda's documentation.", standard=False)(_from_json)


@builtin("to json(value: any)", "The value as compact JSON text.", standard=False)
def _to_json(run: Run, value: Any) -> str | None:
    try:
        text = json.dumps(to_json(value, run.limits, zones=True))
    except FeelError as error:
        if type(error) is not FeelError:
            raise
        return None
    run.check_string(len(text))
    return text
