"""Why the engine refuses a command, in the classes that the gateway protocol knows."""

from __future__ import annotations

from enum import Enum

from coupler.errors import CouplerError


class Reason(Enum):
    """The class of a rejection; each is one gRPC status."""

    NOT_FOUND = "not found"
    INVALID_ARGUMENT = "invalid argument"
    INVALID_STATE = "invalid state"
    ALREADY_EXISTS = "already exists"
    UNIMPLEMENTED = "unimplemented"
    DEADLINE_EXCEEDED = "deadline exceeded"


class Rejection(CouplerError):
    """A command was refused and has changed nothing."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def not_found(message: str) -> Rejection:
    """What the command is about does not exist (any more)."""
    return Rejection(Reason.NOT_FOUND, message)


def invalid(message: str) -> Rejection:
    """The command can never succeed as it was sent."""
    return Rejection(Reason.INVALID_ARGUMENT, message)


def wrong_state(message: str) -> Rejection:
    """The command does not fit the state that its target is in now."""
    return Rejection(Reason.INVALID_STATE, message)


def unimplemented(message: str) -> Rejection:
    """A cluster could do this, the embedded engine cannot."""
    return Rejection(Reason.UNIMPLEMENTED, message)
