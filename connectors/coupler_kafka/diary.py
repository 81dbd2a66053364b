"""What the connections of one producer ran into lately.

aiokafka keeps the cause of a failed connection to its log: to the caller, a wrong password, an unknown authority and a
broker that is down look the same. The exceptions are arguments of the log records, and the producer's tasks inherit a
context variable, so a filter can put each of them where it belongs. The same filter lets a repeated line through once a
minute: a topic that nobody knows would fill ten lines a second.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

_LOGGERS: Final = ("aiokafka.client", "aiokafka.cluster", "aiokafka.conn", "aiokafka.producer.sender", "aiokafka")
_QUIET_SECONDS: Final = 60.0
_LINES_AT_MOST: Final = 100
_TROUBLES_AT_MOST: Final = 20

current: ContextVar[Diary | None] = ContextVar("coupler_kafka_diary", default=None)
"""The diary of the producer that a task belongs to."""


class Diary:
    """The latest exceptions of a producer's connections, and which lines were written lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written_at: dict[str, float] = {}
        self._troubles: deque[tuple[float, Exception]] = deque(maxlen=_TROUBLES_AT_MOST)

    def note(self, record: logging.LogRecord) -> bool:
        """Keeps the exception of a record; says whether its line shall be written."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            if isinstance(argument, Exception):
                self._troubles.append((self._clock(), argument))
        line = str(record.msg)
        if self._clock() - self._written_at.get(line, -_QUIET_SECONDS) < _QUIET_SECONDS:
            return False
        if len(self._written_at) < _LINES_AT_MOST:
            self._written_at[line] = self._clock()
        return True

    def since(self, moment: float) -> list[Exception]:
        """The exceptions that are not older than ``moment``, the latest first."""
        return [trouble for noted_at, trouble in reversed(self._troubles) if noted_at >= moment]


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        diary = current.get()
        return diary is None or diary.note(record)


_filter: Final = _Filter()


def listen() -> None:
    """Starts filling the diaries; doing so again changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)


__all__ = ["Diary", "current", "listen"]
