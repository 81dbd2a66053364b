"""Publishing and correlating messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coupler.embedded.interpreter import processes, waits
from coupler.embedded.interpreter.instance import Instance
from coupler.embedded.rejection import Reason, Rejection
from coupler.embedded.store.events import MessageRow
from coupler.embedded.store.variables import Document
from coupler.embedded.variables import decode_document, encode_document

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish; one that lives longer than 0 ms is kept for those who come to wait for it later."""

    name: str
    correlation_key: str
    variables: Document
    time_to_live_ms: int
    message_id: str = ""


def publish(it: Interpreter, message: Message) -> int:
    """Correlates a message to waiting instances and start events, at most once for each process; returns its key.

    Raises:
        Rejection: ALREADY_EXISTS, when a message with the same id is still kept.
    """
    name, correlation_key = message.name, message.correlation_key
    if message.message_id and it.store.messages.exists(name, correlation_key, message.message_id):
        raise Rejection(
            Reason.ALREADY_EXISTS,
            f"Expected to publish a new message with id '{message.message_id}', but a message with that id was already "
            "published",
        )
    key = it.store.new_key()
    correlated = _to_subscriptions(it, message)
    correlated |= _to_start_events(it, message, correlated)
    if message.time_to_live_ms > 0:
        expires = min(it.now() + message.time_to_live_ms, 2**63 - 1)
        body = encode_document(message.variables)
        it.store.messages.insert(MessageRow(key, name, correlation_key, message.message_id, body, expires))
        for process_id in correlated:
            it.store.messages.mark_correlated(key, process_id)
        it.effects.at(expires)
    return key


def _to_subscriptions(it: Interpreter, message: Message) -> set[str]:
    correlated: set[str] = set()
    if not message.correlation_key:
        return correlated
    for row in it.store.subscriptions.of_message(message.name, message.correlation_key):
        instance = it.get(row.element_key)  # None: an earlier subscription of this message has interrupted it
        if instance is not None and row.process_id not in correlated:
            correlated.add(row.process_id)
            waits.trigger(it, instance, row.target_id, message.variables)
    return correlated


def _to_start_events(it: Interpreter, message: Message, correlated: set[str]) -> set[str]:
    started: set[str] = set()
    for start in it.definitions.message_starts(message.name):
        process_id, key = start.definition.process_id, message.correlation_key
        taken = process_id in correlated or process_id in started
        # One instance at a time for each correlation key; the others wait in the buffer.
        if taken or (key and it.store.instances.started_by(process_id, key)):
            continue
        started.add(process_id)
        processes.start_by_message(it, start, key, message.variables)
    return started


def correlate_buffered(it: Interpreter, instance: Instance) -> None:
    """Gives an instance that has begun to wait the messages that came before it."""
    if instance.dead or not waits.for_message(instance):
        return
    for row in it.store.subscriptions.of_element(instance.key):
        if instance.dead:
            return
        found = it.store.messages.waiting_for(row.process_id, row.message_name, row.correlation_key, it.now())
        if found is not None:
            it.store.messages.mark_correlated(found.key, row.process_id)
            waits.trigger(it, instance, row.target_id, decode_document(found.variables))


def start_next(it: Interpreter, process_id: str, correlation_key: str) -> None:
    """Starts a process for a message that had to wait until the instance before it ended."""
    for start in it.definitions.message_starts_of(process_id):
        found = it.store.messages.waiting_for(process_id, start.message_name, correlation_key, it.now())
        if found is not None:
            it.store.messages.mark_correlated(found.key, process_id)
            processes.start_by_message(it, start, correlation_key, decode_document(found.variables))
            return
