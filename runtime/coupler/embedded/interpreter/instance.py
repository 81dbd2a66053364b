"""One element instance while a command works on it."""

from __future__ import annotations

from enum import Enum

from coupler.embedded.bpmn.model import Element
from coupler.embedded.definitions import Definition
from coupler.embedded.store.elements import ElementRow


class State(Enum):
    """Where in its life an element instance is; with an incident, where it got stuck."""

    ACTIVATING = "activating"
    ACTIVE = "active"
    COMPLETING = "completing"


class Role(Enum):
    """What an element instance of a multi-instance activity stands for."""

    ELEMENT = "element"
    LOOP = "loop"  # the body around all iterations
    ITERATION = "iteration"


class Instance:
    """One element instance, loaded or new; the interpreter writes it back when the command ends.

    ``tokens`` counts what is alive directly inside a scope: active children, flows on their way, and flows waiting at
    a join. A scope is done when it drops to 0.
    """

    __slots__ = (
        "dead", "definition", "element", "has_locals", "job_key", "key", "loop_index", "path", "process_instance_key",
        "role", "saved", "scope_key", "state", "tokens",
    )  # fmt: skip

    def __init__(
        self,
        key: int,
        scope_key: int,
        process_instance_key: int,
        definition: Definition,
        element: Element,
        role: Role = Role.ELEMENT,
    ) -> None:
        self.key = key
        self.scope_key = scope_key
        self.process_instance_key = process_instance_key
        self.definition = definition
        self.element = element
        self.role = role
        self.state = State.ACTIVATING
        self.tokens = 0
        self.job_key = 0
        self.loop_index = 0
        self.path: tuple[int, ...] = ()
        self.has_locals = False
        self.dead = False
        self.saved: ElementRow | None = None

    @classmethod
    def of(cls, row: ElementRow, definition: Definition) -> Instance:
        """An instance as it was stored."""
        element = definition.model.elements[row.element_id]
        found = cls(row.key, row.scope_key, row.process_instance_key, definition, element, Role(row.role))
        found.state = State(row.state)
        found.tokens = row.tokens
        found.job_key = row.job_key
        found.loop_index = row.loop_index
        found.has_locals = True  # nothing says that it has none
        found.saved = row
        return found

    def row(self) -> ElementRow:
        """The instance as it is to be stored."""
        return ElementRow(
            self.key,
            self.scope_key,
            self.process_instance_key,
            self.definition.key,
            self.element.id,
            self.state.value,
            self.tokens,
            self.job_key,
            self.role.value,
            self.loop_index,
        )
