"""Documents and intrinsic functions in a job's input.

Two passes. The first puts a handle in the place of each reference and the result in the place of each call of an
intrinsic function. The second lets the input model say what it wants: a ``Document`` and anything untyped keep the
handle; where the model complains that a handle is no text or no bytes, the contents are read, put in their places,
and the model is asked again.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import ValidationError

from coupler.documents.content import ContentTooLarge
from coupler.documents.document import Document
from coupler.documents.functions import FUNCTION_KEY, call_function, is_call, parameters_of
from coupler.documents.reference import is_reference, parse_reference
from coupler.documents.service import Documents
from coupler.errors import ConnectorError, CouplerError, InputError

MARK: Final = "camunda."
"""Variables without this text hold neither references nor calls."""

T = TypeVar("T")
Path: TypeAlias = tuple[str | int, ...]

_TEXT_WANTED: Final = frozenset({"string_type", "string_sub_type"})
_BYTES_WANTED: Final = frozenset({"bytes_type"})


@dataclass(slots=True)
class _Place:
    """Where a handle stands in the decoded variables."""

    document: Document
    container: Any
    key: str | int
    path: Path


async def bind_documents(values: dict[str, Any], validate: Callable[[dict[str, Any]], T], documents: Documents) -> T:
    """Binds decoded variables that may hold references and calls. Changes ``values``.

    Args:
        values: the decoded variables.
        validate: the input model's validation.
        documents: makes the handles.

    Raises:
        ValidationError: the input breaks the model.
        InputError: a reference or call is wrong, or a document cannot be used; the message names the property.
        ConnectorError: a document could not be fetched now.
    """
    binding = _Binding(documents)
    try:
        await binding.resolve_children(values, ())
    except RecursionError as error:
        raise InputError("The variables are nested too deeply") from error
    while True:
        try:
            return validate(values)
        except ValidationError as error:
            wanted = binding.wanted(error)
            if not wanted:
                raise
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError("A document stands where the input cannot take one") from error
        await binding.fill(wanted)


class _Binding:
    """The handles of one job's input."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._places: dict[int, _Place] = {}
        self._calls = 0
        self._bytes_left = documents.config.max_read_bytes

    async def resolve_children(self, container: Any, path: Path) -> None:
        """Replaces references and calls below ``container``, at any depth."""
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(items):
            if type(value) is dict or type(value) is list:
                await self._resolve(container, key, value, (*path, key))

    async def _resolve(self, container: Any, key: Any, value: Any, path: Path) -> None:
        if is_reference(value):
            container[key] = document = await self._handle(value, path)
            self._places[id(document)] = _Place(document, container, key, path)
        elif is_call(value):
            container[key] = await self._call(value, path)
        else:
            await self.resolve_children(value, path)

    async def _handle(self, value: dict[str, Any], path: Path) -> Document:
        inline = value.get("content")
        if isinstance(inline, dict | list):
            await self._resolve(value, "content", inline, (*path, "content"))
        try:
            return self._documents.document(parse_reference(value))
        except InputError as error:
            raise _at(path, error) from error

    async def _call(self, call: dict[str, Any], path: Path) -> Any:
        self._calls += 1
        if self._calls > self._documents.config.max_functions:
            raise InputError(
                f"{_named(path)}: more than {self._documents.config.max_functions} calls of intrinsic functions "
                "in one input are not allowed"
            )
        parameters = parameters_of(call)
        await self.resolve_children(parameters, path)
        try:
            result = await call_function(call.get(FUNCTION_KEY), parameters)
            if isinstance(result, str):
                self._take(len(result))
            return result
        except (InputError, ConnectorError) as error:
            raise _at(path, error) from error

    def wanted(self, error: ValidationError) -> list[tuple[_Place, str]]:
        """The handles that the model complains of, each with what it wants in their place."""
        found: dict[int, tuple[_Place, str]] = {}
        for detail in error.errors(include_url=False, include_context=False):
            place = self._places.get(id(detail["input"]))
            if place is not None and (id(place.document) not in found or detail["type"] in _TEXT_WANTED):
                found[id(place.document)] = place, detail["type"]
        return list(found.values())

    async def fill(self, wanted: list[tuple[_Place, str]]) -> None:
        """Puts in the places what is wanted there; contents are read at the same time, a few at once."""
        turns = asyncio.Semaphore(self._documents.config.concurrent_reads)
        tasks = [asyncio.create_task(self._fill(place, kind, turns)) for place, kind in wanted]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self, place: _Place, kind: str, turns: asyncio.Semaphore) -> None:
        del self._places[id(place.document)]
        if kind not in _TEXT_WANTED and kind not in _BYTES_WANTED:
            # Neither a document nor content: an object, which is what a reference is.
            place.container[place.key] = place.document.reference()
            return
        async with turns:
            content = await self._read(place)
        place.container[place.key] = base64.b64encode(content).decode("ascii") if kind in _TEXT_WANTED else content

    async def _read(self, place: _Place) -> bytes:
        pieces: list[bytes] = []
        try:
            async for piece in place.document.stream():
                self._take(len(piece))
                pieces.append(piece)
        except (InputError, ConnectorError) as error:
            raise _at(place.path, error) from error
        return b"".join(pieces)

    def _take(self, size: int) -> None:
        """Counts what is taken into memory."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise ContentTooLarge(
                f"the documents of one input may be {self._documents.config.max_read_bytes} bytes in all "
                "where their content is wanted"
            )


def _named(path: Path) -> str:
    return ".".join(map(str, path))


def _at(path: Path, error: InputError | ConnectorError) -> CouplerError:
    """The same error, with the property that it is about."""
    message = f"{_named(path)}: {error}"
    if isinstance(error, ConnectorError):
        return ConnectorError(message, code=error.code, variables=error.variables)
    return type(error)(message)


__all__ = ["MARK", "bind_documents"]
