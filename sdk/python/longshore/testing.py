"""A store of fixtures for unit tests of operations: no network, no engine.

Put objects in, run the operation, look at what was sent:

    store = FakeStore()
    store.insert("logs", "big.gz", size=2 << 30)
    assert store.run(MarkLarge, {"min-bytes": 1 << 30}, "logs", "big.gz") is None
    assert store.sent == ["HeadObject s3://logs/big.gz", "PutObjectTagging s3://logs/big.gz tag=size=large"]

Writes of objects, tags, locks and ACLs change the fixtures, so that a later read sees them. It is no S3: nothing is checked
that a store would check, but that an object is there and that conditions on its ETag hold.
"""

from typing import Any, Callable, Mapping

from longshore.objects import Object, Request, Response, StoreError
from longshore.operation import Operation, Outcome, Task, configure

#: What tasks take for the time.
NOW = "2026-01-15T12:00:00Z"

_CALLS = {
    "head": "HeadObject", "get": "GetObject", "put": "PutObject", "copy_to": "CopyObject", "delete": "DeleteObject",
    "get_tags": "GetObjectTagging", "put_tags": "PutObjectTagging", "delete_tags": "DeleteObjectTagging",
    "get_acl": "GetObjectAcl", "put_acl": "PutObjectAcl", "restore": "RestoreObject",
    "put_legal_hold": "PutObjectLegalHold", "get_legal_hold": "GetObjectLegalHold",
    "put_retention": "PutObjectRetention", "get_retention": "GetObjectRetention",
    "get_lock_configuration": "GetObjectLockConfiguration", "list_versions": "ListObjectVersions",
    "get_replication": "GetBucketReplication", "get_versioning": "GetBucketVersioning",
    "create_upload": "CreateMultipartUpload", "upload_part": "UploadPart", "complete_upload": "CompleteMultipartUpload",
    "list_uploads": "ListMultipartUploads", "abort_upload": "AbortMultipartUpload",
    "update_encryption": "UpdateObjectEncryption", "checksum": "GetObject", "invoke": "InvokeEndpoint",
}
#: What a response has where a fixture says nothing.
_EMPTY = {
    "http_status": 200, "user_metadata": {}, "tags": {}, "grants": [], "body": b"", "delete_marker": False,
    "lock_enabled": False, "checksums": {}, "versions": [], "uploads": [],
}
_CONTENT = (
    "content_type", "cache_control", "content_disposition", "content_encoding", "content_language", "expires",
    "user_metadata",
)
_OF_THE_COPY = ("storage_class", "sse", "kms_key_id", "bucket_key", "website_redirect", "legal_hold")


def line(request: Request) -> str:
    """A request in one line: call, object, settings."""
    words = [_CALLS[request.kind], f"s3://{request.object.bucket}/{request.object.key}"]
    if request.object.version_id is not None:
        words[1] += f"?versionId={request.object.version_id}"
    match request.kind, request.arguments:
        case "put", (body,):
            words.append(f"bytes={len(body)}")
        case "copy_to", (bucket, key):
            words.append(f"to=s3://{bucket}/{key}")
        case "put_tags", (tags,):
            words += [f"tag={key}={value}" for key, value in tags.items()]
        case "upload_part", (upload_id, number, body):
            words += [upload_id, str(number), f"bytes={len(body)}"]
        case _, arguments:
            words += [str(argument) for argument in arguments if argument is not None]
    for name, value in request.settings.items():
        pairs = value.items() if isinstance(value, Mapping) else [(None, value)]
        words += [f"{name}={value if key is None else f'{key}={value}'}" for key, value in pairs]
    return " ".join(words) + (" (provisional)" if request.is_provisional else "")


class FakeStore:
    """A store of fixtures. An object is what a response about it says: `size`, `body`, `tags`, `storage_class`, …."""

    def __init__(self):
        #: (bucket, key) -> parts of a response.
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        #: Every request sent so far.
        self.requests: list[Request] = []
        self._failures: list[tuple[str, StoreError]] = []
        self._endpoints: dict[str, Callable[[bytes], bytes]] = {}
        # Upload ID -> what the object will have beside its bytes, and the parts.
        self._uploads: dict[str, tuple[dict[str, Any], dict[int, bytes]]] = {}

    @property
    def sent(self) -> list[str]:
        """Every request sent so far, one line each."""
        return [line(request) for request in self.requests]

    def insert(self, bucket: str, key: str, **parts: Any) -> None:
        """Puts an object into the store: `insert("b", "k", body=b"text", tags={"a": "b"})`."""
        unknown = sorted(parts.keys() - Response.__annotations__.keys())
        if unknown:
            raise TypeError(f"a response has no {unknown[0]!r}")
        self.objects[bucket, key] = {"size": len(parts.get("body", b"")), **parts}

    def fail(self, call: str, code: str, http_status: int | None = None) -> None:
        """Makes the next call of that name (`PutObjectTagging`) fail; several wait in line."""
        self._failures.append((call, StoreError(code, f"{call} was made to fail", http_status)))

    def endpoint(self, name: str, answer: Callable[[bytes], bytes]) -> None:
        """Makes an endpoint: `answer` gets the body of each call and returns one, or raises `StoreError`."""
        self._endpoints[name] = answer

    def object(self, bucket: str, key: str, version_id: str | None = None) -> Object:
        """An object, whether it is there or not."""
        return Object(self, bucket, key, version_id)

    def task(self, attempt: int = 1, columns: Mapping[str, str] = {}) -> Task:
        """A task whose manifest row has these columns."""
        return Task("00000000-0000-0000-0000-000000000000", attempt, NOW, columns.get)

    def run(self, operation: type[Operation], parameters: Mapping[str, Any], bucket: str, key: str,
            **task: Any) -> Outcome:
        """Runs an operation on one object, with parameters as a job file has them. Raises what the operation raises."""
        return configure(operation, dict(parameters)).run(self.object(bucket, key), self.task(**task))

    def plan(self, operation: type[Operation], parameters: Mapping[str, Any], bucket: str, key: str,
             **task: Any) -> list[str]:
        """The plan of an operation for one object, one line for each request."""
        made = configure(operation, dict(parameters))
        return [line(request) for request in made.plan(self.object(bucket, key), self.task(**task))]

    def send(self, request: Request) -> Response:
        """Answers a request from the fixtures."""
        self.requests.append(request)
        for position, (call, error) in enumerate(self._failures):
            if call == _CALLS[request.kind]:
                del self._failures[position]
                raise error
        answer = {**_EMPTY, **self._answer(request)}
        return Response(answer.get)

    def _answer(self, request: Request) -> dict[str, Any]:
        place = request.object.bucket, request.object.key
        match request.kind, request.arguments:
            case "invoke", (endpoint, body):
                if endpoint not in self._endpoints:
                    raise StoreError("InvalidRequest", f"there is no endpoint {endpoint!r}")
                return {"body": self._endpoints[endpoint](body)}
            case "put", (body,):
                return self._write(place, body, request.settings, _written(request.settings))
            case "create_upload", _:
                upload_id = f"upload-{len(self._uploads) + 1}"
                self._uploads[upload_id] = _written(request.settings), {}
                return {"upload_id": upload_id}
            case "upload_part", (upload_id, number, body):
                self._upload(upload_id)[1][number] = body
                return {}
            case "complete_upload", (upload_id,):
                written, parts = self._upload(upload_id)
                body = b"".join(parts[number] for number in sorted(parts))
                answer = self._write(place, body, request.settings, written)
                del self._uploads[upload_id]
                return answer
            case "abort_upload", (upload_id,):
                self._upload(upload_id)
                del self._uploads[upload_id]
                return {"http_status": 204}
            case "delete", _:
                self.objects.pop(place, None)
                return {"http_status": 204}
            case "get_lock_configuration" | "get_replication" | "get_versioning" | "list_versions" | "list_uploads", _:
                return self.objects.get(place, {})
        if place not in self.objects:
            raise StoreError("NoSuchKey", f"there is no fixture s3://{place[0]}/{place[1]}", 404)
        return self._answer_about(self.objects[place], request)

    def _upload(self, upload_id: str) -> tuple[dict[str, Any], dict[int, bytes]]:
        if upload_id not in self._uploads:
            raise StoreError("NoSuchUpload", "there is no such upload", 404)
        return self._uploads[upload_id]

    def _write(self, place: tuple[str, str], body: bytes, conditions: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
        _check_conditions(self.objects.get(place, {}), conditions, place in self.objects)
        self.objects[place] = {"body": body, "size": len(body), **parts}
        return self.objects[place]

    def _answer_about(self, found: dict[str, Any], request: Request) -> dict[str, Any]:
        settings = request.settings
        _check_conditions(found, settings, True)
        match request.kind, request.arguments:
            case "get", _ if "range" in settings:
                first, last = settings["range"]
                body = found.get("body", b"")
                if first >= len(body):
                    raise StoreError("InvalidRange", "the object ends before the range begins", 416)
                return {**found, "body": body[first:] if last is None else body[first : last + 1], "http_status": 206}
            case "put_tags", (tags,):
                found["tags"] = tags
            case "delete_tags", _:
                found["tags"] = {}
            case "put_legal_hold", (on,):
                found["legal_hold"] = on
            case "put_retention", _:
                found["lock_mode"], found["retain_until"] = settings.get("lock", (None, None))
                found.update(_held(settings))
            case "put_acl", _:
                found["grants"] = list(settings.get("grants", []))
            case "restore", _ if found.get("restore_ongoing") is None:
                found["restore_ongoing"] = True
                return {"http_status": 202}
            case "update_encryption", (key,):
                found["sse"], found["kms_key_id"] = "aws:kms", key
            case "copy_to", target:
                self.objects[target] = _copied(found, settings)
        return dict(found)


def _written(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in Response.__annotations__}


def _check_conditions(found: Mapping[str, Any], settings: Mapping[str, Any], is_there: bool) -> None:
    etag = found.get("etag")
    wanted = settings.get("if_match", settings.get("source_if_match", etag))
    unwanted = settings.get("if_none_match")
    if wanted != etag or (is_there and unwanted is not None and unwanted in ("*", etag)):
        raise StoreError("PreconditionFailed", "a condition of the request is not met", 412)


def _held(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The event hold that a request gives."""
    on, _, days, years = settings.get("event_hold", (None, None, None, None))
    return {"event_hold": on, "event_hold_days": days, "event_hold_years": years}


def _copied(source: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a copy becomes: its source, with what the request sets. Class, encryption and lock are never the source's."""
    own = {name: settings.get(name) for name in _OF_THE_COPY} | _held(settings)
    if settings.get("metadata_directive") == "REPLACE":
        own |= {name: settings.get(name, _EMPTY.get(name)) for name in _CONTENT}
    if settings.get("tagging_directive") == "REPLACE":
        own["tags"] = dict(settings.get("tags", {}))
    return {**source, **own}
