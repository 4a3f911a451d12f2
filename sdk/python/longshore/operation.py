"""The class of operations, and how a task ends."""

import json
import os
from dataclasses import dataclass
from typing import Any, Callable

from longshore import parameters
from longshore.objects import Object, Request, StoreError


@dataclass(frozen=True)
class Done:
    """Done. The message goes to the completion report."""

    message: str | None = None


@dataclass(frozen=True)
class Skipped:
    """There was nothing to do. The reason goes to the completion report."""

    reason: str


@dataclass(frozen=True)
class Again:
    """Not yet: run this task again."""

    seconds: int
    note: str


#: The end of a task that did not fail. `None` is `Done()`.
Outcome = Done | Skipped | Again | None


def done(message: str | None = None) -> Done:
    """The task is done. The message goes to the completion report."""
    return Done(message)


def skipped(reason: str) -> Skipped:
    """There was nothing to do. The reason goes to the completion report."""
    return Skipped(reason)


def again_after(seconds: int, note: str) -> Again:
    """The task runs again after so many seconds, at the earliest; the note says why."""
    return Again(seconds, note)


class Failure(Exception):
    """Raise it to fail the task."""

    def __init__(self, code: str, message: str, http_status: int | None = None):
        super().__init__(f"{code}: {message}")
        #: An S3 error code, or one of the operation's own: letters, digits, `.`, `_`, `-`; 1-64 characters.
        self.code = code
        #: What happened, in a sentence.
        self.message = message
        self.http_status = http_status


@dataclass(frozen=True)
class Task:
    """The task at hand."""

    job_id: str
    #: 1 for the first run of this task; one more each time it was answered with `again_after`.
    attempt: int
    #: The engine's time, RFC 3339 in UTC: an operation has no clock of its own.
    now: str
    #: What the manifest's row says in the column of this name; None if there is no such column or no value.
    column: Callable[[str], str | None]


class Operation:
    """What a job does to each object of its manifest. The first line of the class's docstring is its summary.

    One instance is made from the job's parameters. Nothing may depend on which tasks it ran before: with a fresh
    instance for every task, which is what the engine makes unless it is told otherwise, it has run none.
    """

    #: The name that job files use: lower-case letters, digits, hyphens; 1-64 characters.
    name: str
    #: Semantic version.
    version: str
    #: IAM actions the operation may need.
    actions: list[str] = []

    @dataclass
    class Parameters:
        """The parameters of a job: a dataclass whose JSON Schema job files are checked against. A field `min_bytes` is
        written `min-bytes` there. See `longshore.parameters`."""

    def __init__(self, parameters: Any):
        self.parameters = parameters
        self.setup()

    def setup(self) -> None:
        """Looks at `self.parameters` once. Raise `ValueError` with a sentence that says what to change in the job file,
        for whatever the schema cannot express."""

    def plan(self, object: Object, task: Task) -> list[Request]:
        """The requests that `run` may send for this object. The engine asks the role's policies about each before the
        task starts, so that nothing is half done when one is refused, and shows them in a dry run. Mark with
        `provisional` what will look different once something else has been read. With the default, an empty list, the
        policies are asked only when a request is sent."""
        return []

    def run(self, object: Object, task: Task) -> Outcome:
        """Does the work on one object. The engine has no undo: put what may fail first. A `StoreError` that is not caught
        fails the task with the store's code, a `Failure` with its own, any other exception with
        `UncaughtException`."""
        raise NotImplementedError


def describe(operation: type[Operation]) -> dict[str, Any]:
    """What an operation says about itself."""
    return {
        "name": operation.name,
        "version": operation.version,
        "summary": (operation.__doc__ or "").strip().split("\n")[0],
        "parameters": json.dumps(parameters.schema(operation.Parameters)),
        "actions": list(operation.actions),
    }


def configure(operation: type[Operation], document: Any) -> Operation:
    """Makes an operation from a job's parameters. Raises `ValueError` with what to change in the job file."""
    return operation(parameters.read(operation.Parameters, document))


def failure_of(error: BaseException) -> Failure:
    """What an exception that left `run` means for the task."""
    if isinstance(error, (Failure, StoreError)):
        return Failure(error.code, error.message, error.http_status)
    text = str(error)
    return Failure("UncaughtException", f"{type(error).__name__}{': ' if text else ''}{text}{place_of(error)}")


#: Where code is that no author of an operation wrote: the standard library, and this package.
_NOT_THE_AUTHORS = (os.path.dirname(os.__file__), os.path.dirname(__file__), "<frozen ")


def place_of(error: BaseException) -> str:
    """The last line of the operation's own code that an exception came through."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not (place and file.startswith(_NOT_THE_AUTHORS)):
            place = f" ({file}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place
