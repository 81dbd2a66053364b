"""The executable part of a BPMN model, frozen: what the interpreter walks over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from coupler.embedded.bpmn.expression import Expression


class Kind(Enum):
    """How the interpreter treats an element; several BPMN types share one."""

    PROCESS = auto()
    SUB_PROCESS = auto()
    CALL_ACTIVITY = auto()
    JOB = auto()  # service, send, script and business rule tasks, message throw and end events
    SCRIPT = auto()  # a script task with a FEEL expression instead of a job
    PASS = auto()  # start, end and throw events without a definition, tasks without a type
    EXCLUSIVE = auto()
    PARALLEL = auto()
    CATCH = auto()  # timer and message catch events, receive tasks
    BOUNDARY = auto()
    ERROR_END = auto()
    TERMINATE_END = auto()


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class VariableMapping:
    """One entry of ``zeebe:ioMapping``; a dotted target is a path into a nested object."""

    source: Expression
    target: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """``zeebe:taskDefinition`` and ``zeebe:taskHeaders``; the headers are JSON text, ready to send."""

    type: Expression
    retries: Expression
    headers: str


@dataclass(frozen=True, slots=True)
class ScriptSpec:
    """``zeebe:script``: an expression whose value becomes a variable."""

    expression: Expression
    result_variable: str


class TimerForm(Enum):
    """Which of the three ISO 8601 forms a timer uses."""

    DATE = "timeDate"
    DURATION = "timeDuration"
    CYCLE = "timeCycle"


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """A timer event definition."""

    form: TimerForm
    expression: Expression


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message event definition; start events of a process have no correlation key."""

    name: Expression
    correlation_key: Expression | None


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """An error event definition; ``code`` None catches every error."""

    code: Expression | None


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """Multi-instance: the body runs once for each item of the input collection."""

    sequential: bool
    input_collection: Expression
    input_element: str | None
    output_collection: str | None
    output_element: Expression | None
    completion_condition: Expression | None


@dataclass(frozen=True, slots=True)
class CalledSpec:
    """``zeebe:calledElement``: which process a call activity starts and which variables pass the border."""

    process_id: Expression
    propagate_all_parent_variables: bool
    propagate_all_child_variables: bool


@dataclass(frozen=True, slots=True)
class Element:
    """A flow node, or the process itself.

    ``boundary`` are the ids of the boundary events attached to it; ``start`` is the none start event of a process or
    sub-process.
    """

    id: str
    type: str
    kind: Kind
    name: str = ""
    outgoing: tuple[Flow, ...] = ()
    incoming: int = 0
    default_flow: str | None = None
    inputs: tuple[VariableMapping, ...] = ()
    outputs: tuple[VariableMapping, ...] = ()
    boundary: tuple[str, ...] = ()
    attached_to: str | None = None
    interrupting: bool = True
    start: str | None = None
    job: JobSpec | None = None
    script: ScriptSpec | None = None
    timer: TimerSpec | None = None
    message: MessageSpec | None = None
    error: ErrorSpec | None = None
    loop: LoopSpec | None = None
    called: CalledSpec | None = None

    def __str__(self) -> str:
        return f"{self.type} '{self.id}'"


@dataclass(frozen=True, slots=True)
class ProcessModel:
    """One executable process: ``elements`` and ``flows`` of all nesting levels, the process itself included."""

    id: str
    name: str
    root: Element
    elements: Mapping[str, Element]
    flows: Mapping[str, Flow]
    message_starts: tuple[Element, ...]
