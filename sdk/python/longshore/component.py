"""Between the contract's functions, which `componentize-py` makes from sdk/wit, and an `Operation`.

Outside of a component there is no contract: then only what tests need of this module works.
"""

import io
import json
import sys
from typing import Any, Literal

from longshore.objects import Grant, Object, Request, Response, StoreError, Upload, Version
from longshore.operation import Again, Done, Operation, Skipped, Task, configure, describe, failure_of

Level = Literal["error", "warn", "info", "debug"]

INSIDE = sys.platform == "wasi"

if INSIDE:
    from componentize_py_types import Err
    from wit_world.imports import endpoints, host, s3

#: Settings whose setter in the contract is not `set_` and their name.
SETTERS = {
    "days": "set_restore_days", "grants": "add_grant", "tags": "add_tag", "target_store": "set_store",
    "tier": "set_restore_tier", "user_metadata": "add_user_metadata",
}
#: Settings that are on or not given.
FLAGS = {"bypass_governance", "checksums", "requester_pays"}


def log(message: str, level: Level = "info") -> None:
    """Writes to the engine's log. `print` does the same. Outside of a component it goes to standard error."""
    if INSIDE:
        host.log(host.Level[level.upper()], message)
    else:
        print(f"{level}: {message}", file=sys.stderr)


class _Log(io.TextIOBase):
    """Takes the place of standard output and error, which a component does not have."""

    def write(self, text: str) -> int:
        if text.strip():
            log(text.rstrip())
        return len(text)


class _Engine:
    """Sends requests through the engine."""

    def send(self, request: Request) -> Response:
        try:
            raw = s3.send(lowered(request))
        except Err as error:
            failed = error.value
            raise StoreError(failed.code, failed.message, failed.http_status, failed.retryable) from None
        return Response(lambda name: _lifted(name, getattr(raw, name)()))


def lowered(request: Request) -> Any:
    """The contract's request for a value of the SDK's."""
    raw = _begun(request)
    for name, value in request.settings.items():
        setter = getattr(raw, SETTERS.get(name, f"set_{name}"))
        if name == "tags":
            for tag in _tags(value):
                setter(tag)
        elif name == "grants":
            for grant in value:
                setter(s3.Grant(grant.grantee_type, grant.grantee, grant.permission))
        elif name == "user_metadata":
            for entry in value.items():
                setter(*entry)
        elif name in FLAGS:
            if value:
                setter()
        elif isinstance(value, tuple):
            setter(*value)
        else:
            setter(value)
    if request.is_provisional:
        raw.provisional()
    return raw


def _begun(request: Request) -> Any:
    if request.kind == "invoke":
        return endpoints.invoke(*request.arguments)
    with s3.open(request.object.bucket, request.object.key, request.object.version_id) as object:
        make = getattr(object, request.kind)
        return make(_tags(*request.arguments)) if request.kind == "put_tags" else make(*request.arguments)


def _tags(tags: dict[str, str]) -> list:
    return [s3.Tag(key, value) for key, value in tags.items()]


def _lifted(name: str, value: Any) -> Any:
    """A part of a response as the SDK has it."""
    match name:
        case "tags":
            return {tag.key: tag.value for tag in value}
        case "user_metadata" | "checksums":
            return dict(value)
        case "grants":
            return [Grant(**vars(grant)) for grant in value]
        case "versions":
            return [Version(**vars(version)) for version in value]
        case "uploads":
            return [Upload(**vars(upload)) for upload in value]
    return value


def export(operation: type[Operation]) -> type:
    """Makes the module the plugin of an operation: `WitWorld = longshore.export(MyOperation)`, once per module."""
    # Each call comes to a new value of the class: what lasts from one to the next is here.
    configured: Operation | None = None
    # What `plan` raised: the contract has no place for it there, so the task fails with it.
    unplanned: BaseException | None = None

    class WitWorld:
        def describe(self) -> Any:
            return host.Description(**describe(operation))

        def configure(self, parameters: str) -> None:
            nonlocal configured
            sys.stdout = sys.stderr = _Log()
            try:
                configured = configure(operation, json.loads(parameters))
            except ValueError as error:
                raise Err(str(error)) from None
            except Exception as error:
                raise Err(failure_of(error).message) from None

        def plan(self, object: Any, task: Any) -> list:
            nonlocal unplanned
            try:
                unplanned = None
                return [lowered(request) for request in configured.plan(_object(object), _task(task))]
            except BaseException as error:
                unplanned = error
                return []

        def run(self, object: Any, task: Any) -> Any:
            try:
                if unplanned is not None:
                    raise unplanned
                return _outcome(configured.run(_object(object), _task(task)))
            except BaseException as error:
                failed = failure_of(error)
                raise Err(host.Failure(failed.code, failed.message, failed.http_status)) from None

    return WitWorld


def _object(raw: Any) -> Object:
    return Object(_Engine(), raw.bucket(), raw.key(), raw.version_id())


def _task(raw: Any) -> Task:
    return Task(raw.job_id(), raw.attempt(), raw.now(), raw.column)


def _outcome(outcome: Any) -> Any:
    match outcome:
        case None:
            return host.Outcome_Done(None)
        case Done(message):
            return host.Outcome_Done(message)
        case Skipped(reason):
            return host.Outcome_Skipped(reason)
        case Again(seconds, note):
            return host.Outcome_AgainAfter(host.Retry(seconds, note))
    raise TypeError(f"run returned {outcome!r}; done(), skipped(), again_after() or nothing are outcomes")
