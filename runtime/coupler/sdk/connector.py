"""What a connector is: a class with a job type, an input model and one method."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from coupler.sdk.context import JobContext, Resources
from coupler.sdk.operation import Operation, operations_of
from coupler.sdk.template import TemplateInfo

InputT = TypeVar("InputT", bound=BaseModel)
Model: TypeAlias = type[BaseModel]  # named out here: inside the class, ``type`` is the job type


class Connector(Generic[InputT]):
    """Base of every connector. One instance serves all jobs of its type, many at a time.

    Life: ``__init__``, ``settings`` bound, ``open`` once before the first job, ``execute`` per job, ``close`` once at
    shutdown. A plain ``def execute`` runs in a bounded thread pool of its own (``threads``), an ``async def`` on the
    event loop.
    """

    type: ClassVar[str]
    """The job type, for instance ``io.camunda:http-json:1``."""

    name: ClassVar[str]
    """The name people see, also the worker name that the cluster sees."""

    Input: ClassVar[Model]
    """The pydantic model of the job's variables."""

    Settings: ClassVar[Model | None] = None
    """Settings of the deployment, read from ``COUPLER_CONNECTORS__<NAME>__…``."""

    selector: ClassVar[str] = "header:operation"
    """Where the choice stands in connectors with ``@operation`` methods: a task header, or a path in the input."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    """The ``@operation`` methods of the class, collected when it is defined. With some, ``execute`` is not called."""

    input_variables: ClassVar[tuple[str, ...] | None] = None
    """Variables to fetch. ``None``: those of ``Input``. Empty: all in scope."""

    repeatable: ClassVar[bool] = False
    """Whether a call that was cut short may simply be made again (a read). Decides what a shutdown does to retries."""

    threads: ClassVar[int] = 16
    """Size of the thread pool of a plain ``def execute``."""

    response_is_json: ClassVar[bool] = False
    """Whether responses consist of decoded JSON only (dict, list, str, int, Decimal, bool, None).

    Saves a conversion per job; documents are not among these.
    """

    template: ClassVar[TemplateInfo | None] = None
    """What a modeler shows for the connector, beside what the fields of ``Input`` say (``coupler.sdk.template``)."""

    settings: Any = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Collects the operations."""
        super().__init_subclass__(**arguments)
        cls.operations = operations_of(cls)

    async def open(self, resources: Resources) -> None:
        """Called once before the first job; keep pooled clients here."""

    async def close(self) -> None:
        """Called once at shutdown, after the last job."""

    async def check(self) -> None:
        """Tests the connection that the settings describe; raises what is wrong. Optional."""

    async def execute(self, input: InputT, context: JobContext) -> Any:  # noqa: A002 - the word authors know
        """Runs the integration once and returns the response: any value that has a JSON form.

        Raises:
            InputError: the input is wrong: 0 retries.
            ConnectorError: the call failed: retries - 1.
            RetryLater: the same, with a backoff or retries of the connector's choice.
            BpmnError: to be thrown in the process.
        """
        raise NotImplementedError
