"""What stops an element instance: it becomes an incident."""

from __future__ import annotations

from enum import Enum


class IncidentType(Enum):
    """The types of incidents, named as in Zeebe."""

    JOB_NO_RETRIES = "JOB_NO_RETRIES"
    UNHANDLED_ERROR_EVENT = "UNHANDLED_ERROR_EVENT"
    IO_MAPPING_ERROR = "IO_MAPPING_ERROR"
    CONDITION_ERROR = "CONDITION_ERROR"
    EXTRACT_VALUE_ERROR = "EXTRACT_VALUE_ERROR"
    MESSAGE_SIZE_EXCEEDED = "MESSAGE_SIZE_EXCEEDED"
    CALLED_ELEMENT_ERROR = "CALLED_ELEMENT_ERROR"


class Problem(Exception):
    """An element instance cannot go on; raised before anything of the failing step has changed state."""

    def __init__(self, type_: IncidentType, message: str) -> None:
        super().__init__(message)
        self.type = type_
