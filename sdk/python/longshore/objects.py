"""Objects, and the requests about them. A request is a value: nothing is sent before `send`."""

import io
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Protocol, TypedDict, Unpack

#: Bytes that a reader asks for at once, unless it is told otherwise: with the 1,000 requests of a task that is 4 GB.
CHUNK_BYTES = 4 << 20


@dataclass(frozen=True)
class Grant:
    """One grant of an access control list."""

    #: `id` (canonical user ID), `emailAddress` or `uri` (a predefined group).
    grantee_type: str
    #: The ID, address or URI.
    grantee: str
    #: `FULL_CONTROL`, `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
    permission: str


@dataclass(frozen=True)
class Version:
    """What a listing says of one version or delete marker of an object."""

    #: `null` for what was written without versioning.
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    #: RFC 3339.
    last_modified: str | None
    #: 0 for a delete marker.
    size: int


@dataclass(frozen=True)
class Upload:
    """What a listing says of a multipart upload that is neither complete nor aborted."""

    upload_id: str
    #: RFC 3339.
    initiated: str | None


class StoreError(Exception):
    """Why a request did not succeed. The engine has already retried what was worth a retry. An operation that does not
    catch it fails its task with the same code, message and HTTP status."""

    def __init__(self, code: str, message: str, http_status: int | None = None, retryable: bool = False):
        super().__init__(f"{code}: {message}")
        #: The store's error code (`NoSuchKey`, …), `AccessDenied` also for a refusal by the role's policies.
        self.code = code
        #: What happened, in a sentence.
        self.message = message
        #: None if there was no answer.
        self.http_status = http_status
        #: Whether the same request may succeed later.
        self.retryable = retryable


class Store(Protocol):
    """What requests are sent through: the engine, or a store of fixtures."""

    def send(self, request: "Request") -> "Response": ...


class Response:
    """What the store answered. A part that this answer does not carry is None, False or empty."""

    #: 2xx.
    http_status: int
    #: With its quotes if the store sends them.
    etag: str | None
    #: Of the object read or written.
    version_id: str | None
    #: Bytes of the object.
    size: int | None
    #: None means STANDARD.
    storage_class: str | None
    #: Whether a restore is in progress; None if the object was never restored.
    restore_ongoing: bool | None
    #: When the restored copy goes away, as the store writes it.
    restore_expiry: str | None
    content_type: str | None
    cache_control: str | None
    content_disposition: str | None
    content_encoding: str | None
    content_language: str | None
    #: Names without `x-amz-meta-`, in lower case.
    user_metadata: dict[str, str]
    #: get_tags.
    tags: dict[str, str]
    #: get_acl.
    grants: list[Grant]
    #: get_acl: canonical user ID of the owner.
    owner: str | None
    #: get, invoke.
    body: bytes
    #: delete: whether a delete marker was made or, of a version, removed.
    delete_marker: bool
    #: head, get, get_retention: `GOVERNANCE` or `COMPLIANCE`.
    lock_mode: str | None
    #: head, get, get_retention: until when the object is retained (RFC 3339).
    retain_until: str | None
    #: head, get, get_legal_hold.
    legal_hold: bool | None
    #: head, get, get_retention: whether there is an event hold.
    event_hold: bool | None
    #: For how many days the object is retained once its event hold is released.
    event_hold_days: int | None
    #: The same in years, where it was given in years.
    event_hold_years: int | None
    #: get_lock_configuration: whether objects of the bucket can be locked.
    lock_enabled: bool
    #: When the object was last written (RFC 3339).
    last_modified: str | None
    #: RFC 3339.
    expires: str | None
    #: `AES256`, `aws:kms`, ….
    sse: str | None
    kms_key_id: str | None
    bucket_key: bool | None
    replication_status: str | None
    website_redirect: str | None
    #: How many tags the object has, if the store says it.
    tag_count: int | None
    #: head of a part: how many parts the object was uploaded in.
    parts_count: int | None
    #: head with checksums, checksum: algorithm -> value in base64.
    checksums: dict[str, str]
    #: `FULL_OBJECT` or `COMPOSITE`.
    checksum_type: str | None
    #: Archive tier of INTELLIGENT_TIERING that the object is in.
    archive_status: str | None
    #: list_versions: versions the newest first, then delete markers the newest first.
    versions: list[Version]
    #: list_versions: the version that the next page begins after; None on the last page.
    next_version: str | None
    #: list_uploads.
    uploads: list[Upload]
    #: list_uploads: the upload that the next page begins after; None on the last page.
    next_upload: str | None
    #: create_upload.
    upload_id: str | None
    #: get_replication: the configuration in JSON, in the names of the S3 API.
    replication_configuration: str | None
    #: get_versioning: `Enabled` or `Suspended`; None if the bucket never was versioned.
    versioning: str | None

    def __init__(self, read: Callable[[str], Any]):
        self._read = read

    def __getattr__(self, name: str) -> Any:
        if name not in Response.__annotations__:
            raise AttributeError(f"a response has no {name!r}")
        value = self._read(name)
        # Each part is asked for once: a body moves.
        setattr(self, name, value)
        return value


class _Matching(TypedDict, total=False):
    #: Only if the object has this ETag; otherwise 412 `PreconditionFailed`.
    if_match: str | None


class _Conditions(_Matching, total=False):
    #: Only if the object does not have this ETag; `*`: only if there is none.
    if_none_match: str | None


class _Payer(TypedDict, total=False):
    #: Whether the requester pays (Requester Pays buckets).
    requester_pays: bool


class _Grants(TypedDict, total=False):
    #: `private`, `public-read`, ….
    canned_acl: str | None
    grants: Iterable[Grant]


class _Lock(TypedDict, total=False):
    #: `GOVERNANCE` or `COMPLIANCE`, and until when (RFC 3339).
    lock: tuple[str, str] | None
    #: Whether there is an event hold; its mode, where `lock` does not say it; for how many days or, else, years the object is
    #: retained once the hold is released.
    event_hold: tuple[bool, str | None, int | None, int | None] | None


class _Bypass(TypedDict, total=False):
    #: Also where a `GOVERNANCE` retention protects the object. Needs `s3:BypassGovernanceRetention`.
    bypass_governance: bool


class _Write(_Grants, _Lock, total=False):
    storage_class: str | None
    content_type: str | None
    cache_control: str | None
    content_disposition: str | None
    content_encoding: str | None
    content_language: str | None
    #: RFC 3339.
    expires: str | None
    #: Names without `x-amz-meta-`.
    user_metadata: Mapping[str, str]
    tags: Mapping[str, str]
    #: `AES256` or `aws:kms`.
    sse: str | None
    #: Key ID, ARN or alias for `aws:kms`.
    kms_key_id: str | None
    #: Whether to use an S3 Bucket Key with `aws:kms`.
    bucket_key: bool | None
    legal_hold: bool | None
    #: Which checksum the store keeps with the new object: `CRC32`, `SHA256`, ….
    checksum_algorithm: str | None
    #: Where a website's visitors are sent on to.
    website_redirect: str | None


class Head(_Conditions, _Payer, total=False):
    """Settings of `Object.head`."""

    #: Another store than the job's own: one that a parameter names which has the `format` `longshore-store`.
    store: str | None
    #: The answer has the checksums that the store keeps.
    checksums: bool
    #: The answer is about this part, from 1, and says how many there are.
    part_number: int | None


class Get(_Conditions, _Payer, total=False):
    """Settings of `Object.get`."""

    #: First and last byte, counted from 0, both included; None as last byte means up to the end.
    range: tuple[int, int | None] | None


class Put(_Conditions, _Write, total=False):
    """Settings of `Object.put`."""


class Copy(_Write, _Payer, total=False):
    """Settings of `Object.copy_to`."""

    #: Only if the source has this ETag; otherwise 412 `PreconditionFailed`.
    source_if_match: str | None
    #: Only if the source was modified after this time (RFC 3339).
    source_if_modified_since: str | None
    #: Only if the source was not modified after this time (RFC 3339).
    source_if_unmodified_since: str | None
    #: `*`: only if there is no object with the new key.
    if_none_match: str | None
    #: `COPY` (the default) or `REPLACE`, which content headers and user metadata need.
    metadata_directive: str | None
    #: `COPY` (the default) or `REPLACE`, which tags need.
    tagging_directive: str | None
    #: Whether the new object gets the source's annotations: `COPY` (the default) or `EXCLUDE`.
    annotation_directive: str | None
    #: The store that the copy goes to, if not the job's own.
    target_store: str | None
    #: Objects of more bytes are copied in parts.
    multipart_threshold: int | None
    #: Bytes of each part but the last.
    part_size: int | None


class Delete(_Matching, _Bypass, total=False):
    """Settings of `Object.delete`."""


class PutAcl(_Grants, total=False):
    """Settings of `Object.put_acl`: a canned ACL or grants."""

    #: Canonical user ID of the owner, who must stay the same.
    owner: str | None


class Restore(TypedDict, total=False):
    """Settings of `Object.restore`."""

    #: How many days the restored copy stays.
    days: int | None
    #: `Standard`, `Bulk` or `Expedited`.
    tier: str | None


class PutRetention(_Lock, _Bypass, total=False):
    """Settings of `Object.put_retention`."""


class UpdateEncryption(TypedDict, total=False):
    """Settings of `Object.update_encryption`."""

    bucket_key: bool | None


class Checksum(_Matching, total=False):
    """Settings of `Object.checksum`."""

    #: A composite one, of parts of so many bytes.
    composite: int | None


class Nothing(TypedDict, total=False):
    """Settings of a request that has none."""


@dataclass
class Request:
    """A request about an object. It is sent by `send`, or returned by `Operation.plan`."""

    object: "Object"
    #: The method of `Object` that made it.
    kind: str
    arguments: tuple = ()
    settings: dict[str, Any] = field(default_factory=dict)
    #: Whether, in a plan, its content is known only once something else has been read.
    is_provisional: bool = False

    def send(self) -> Response:
        """Sends it. The engine asks the role's policies first and retries what is worth it. Raises `StoreError`."""
        return self.object.store.send(self)

    def provisional(self) -> "Request":
        """The same for a plan, where its content is known only once something else has been read: the policies are asked
        whether they could allow it. When it is sent they are asked exactly."""
        return Request(self.object, self.kind, self.arguments, self.settings, True)


@dataclass(frozen=True)
class Object:
    """An object, or one version of it. Each method makes a request about it."""

    store: Store = field(repr=False)
    bucket: str
    key: str
    #: None means the current version.
    version_id: str | None = None

    def open(self, bucket: str, key: str, version_id: str | None = None) -> "Object":
        """Another object of the same store."""
        return Object(self.store, bucket, key, version_id)

    def reader(self, chunk_bytes: int = CHUNK_BYTES) -> io.BufferedReader:
        """The object's bytes as a file that is read in ranges, however large it is: for `csv`, `zipfile`, `io.TextIOWrapper`
        and the like. All of them are of one version of the object: if it changes meanwhile, reading fails."""
        return io.BufferedReader(_Reader(self, chunk_bytes))

    def head(self, **settings: Unpack[Head]) -> Request:
        """HeadObject: metadata only."""
        return self._request("head", Head, settings)

    def get(self, **settings: Unpack[Get]) -> Request:
        """GetObject. The body comes into the operation's memory: give a range, or use `reader`, where objects may be
        large."""
        return self._request("get", Get, settings)

    def put(self, body: bytes, **settings: Unpack[Put]) -> Request:
        """PutObject."""
        return self._request("put", Put, settings, bytes(body))

    def copy_to(self, bucket: str, key: str, **settings: Unpack[Copy]) -> Request:
        """CopyObject from this object to `key` in `bucket`. The bytes stay in the store."""
        return self._request("copy_to", Copy, settings, bucket, key)

    def delete(self, **settings: Unpack[Delete]) -> Request:
        """DeleteObject."""
        return self._request("delete", Delete, settings)

    def get_tags(self, **settings: Unpack[_Payer]) -> Request:
        """GetObjectTagging."""
        return self._request("get_tags", _Payer, settings)

    def put_tags(self, tags: Mapping[str, str]) -> Request:
        """PutObjectTagging: replaces the whole tag set."""
        return self._request("put_tags", Nothing, {}, dict(tags))

    def delete_tags(self) -> Request:
        """DeleteObjectTagging: removes the whole tag set."""
        return self._request("delete_tags", Nothing, {})

    def get_acl(self) -> Request:
        """GetObjectAcl."""
        return self._request("get_acl", Nothing, {})

    def put_acl(self, **settings: Unpack[PutAcl]) -> Request:
        """PutObjectAcl: replaces the ACL."""
        return self._request("put_acl", PutAcl, settings)

    def restore(self, **settings: Unpack[Restore]) -> Request:
        """RestoreObject."""
        return self._request("restore", Restore, settings)

    def put_legal_hold(self, on: bool) -> Request:
        """PutObjectLegalHold."""
        return self._request("put_legal_hold", Nothing, {}, on)

    def get_legal_hold(self) -> Request:
        """GetObjectLegalHold."""
        return self._request("get_legal_hold", Nothing, {})

    def put_retention(self, **settings: Unpack[PutRetention]) -> Request:
        """PutObjectRetention: removes the retention, unless `lock` or `event_hold` gives one."""
        return self._request("put_retention", PutRetention, settings)

    def get_retention(self) -> Request:
        """GetObjectRetention."""
        return self._request("get_retention", Nothing, {})

    def get_lock_configuration(self) -> Request:
        """GetObjectLockConfiguration of the object's bucket."""
        return self._request("get_lock_configuration", Nothing, {})

    def get_replication(self) -> Request:
        """GetBucketReplication of the object's bucket. Needs `s3:InitiateReplication` on the object as well."""
        return self._request("get_replication", Nothing, {})

    def get_versioning(self) -> Request:
        """GetBucketVersioning of the object's bucket."""
        return self._request("get_versioning", Nothing, {})

    def create_upload(self, **settings: Unpack[_Write]) -> Request:
        """CreateMultipartUpload: begins an upload that becomes this object; the answer has `upload_id`. The engine aborts it
        when the run ends, unless it is complete; so the role must allow `s3:AbortMultipartUpload` too."""
        return self._request("create_upload", _Write, settings)

    def upload_part(self, upload_id: str, number: int, body: bytes) -> Request:
        """UploadPart, of an upload that this run began: parts have the numbers 1 to 10,000 and at least 5 MiB, but for the
        last."""
        return self._request("upload_part", Nothing, {}, upload_id, number, bytes(body))

    def complete_upload(self, upload_id: str, **settings: Unpack[_Conditions]) -> Request:
        """CompleteMultipartUpload: makes the object of the parts that this run sent."""
        return self._request("complete_upload", _Conditions, settings, upload_id)

    def list_versions(self, after: str | None = None) -> Request:
        """ListObjectVersions of this key: one page, of what comes after the version `after`."""
        return self._request("list_versions", Nothing, {}, after)

    def list_uploads(self, after: str | None = None) -> Request:
        """ListMultipartUploads of this key: one page, of what comes after the upload `after`."""
        return self._request("list_uploads", Nothing, {}, after)

    def abort_upload(self, upload_id: str) -> Request:
        """AbortMultipartUpload."""
        return self._request("abort_upload", Nothing, {}, upload_id)

    def update_encryption(self, kms_key_arn: str, **settings: Unpack[UpdateEncryption]) -> Request:
        """UpdateObjectEncryption: another KMS key, in place."""
        return self._request("update_encryption", UpdateEncryption, settings, kms_key_arn)

    def checksum(self, algorithm: str, **settings: Unpack[Checksum]) -> Request:
        """GetObject whose bytes the engine reads through a hasher, however many they are: `CRC32`, `CRC32C`, `CRC64NVME`,
        `MD5`, `SHA1`, `SHA256`, `SHA512`, `XXHASH64`, `XXHASH3` or `XXHASH128`. The answer has the checksum and no
        body."""
        return self._request("checksum", Checksum, settings, algorithm)

    def invoke(self, endpoint: str, body: bytes) -> Request:
        """A call of an endpoint that the operator named, with a body in JSON. A status that is no success is an error."""
        return self._request("invoke", Nothing, {}, endpoint, bytes(body))

    def _request(self, kind: str, known: Any, settings: Mapping[str, Any], *arguments: Any) -> Request:
        unknown = sorted(settings.keys() - known.__optional_keys__)
        if unknown:
            names = ", ".join(sorted(known.__optional_keys__)) or "none"
            raise TypeError(f"{kind} has no setting {unknown[0]!r}; its settings: {names}")
        given = {name: value for name, value in settings.items() if value is not None}
        return Request(self, kind, arguments, given)


class _Reader(io.RawIOBase):
    """The bytes of an object, in ranges. The first answer says of which version all are. What was read last is kept: what reads
    a text asks for some thousand bytes at a time, and none of these is to be a request."""

    def __init__(self, object: Object, chunk_bytes: int):
        self._object, self._chunk_bytes = object, chunk_bytes
        self._chunk, self._chunk_begin = b"", 0
        self._position, self._size, self._etag = 0, None, None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END and self._size is None:
            self._learn(self._object.head().send())
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError(f"seek to {origin + offset}, before the first byte")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        offset = self._position - self._chunk_begin
        if not 0 <= offset < len(self._chunk):
            offset = 0
            self._fetch()
        found = self._chunk[offset : offset + len(buffer)]
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _fetch(self) -> None:
        """Reads what is at the position: nothing at the end."""
        self._chunk, self._chunk_begin = b"", self._position
        if self._size is not None and self._position >= self._size:
            return
        try:
            wanted = self._position, self._position + self._chunk_bytes - 1
            answer = self._object.get(range=wanted, if_match=self._etag).send()
        except StoreError as error:
            # There is no such byte: the object is empty, or ends before.
            if error.http_status == 416:
                return
            raise
        self._learn(answer)
        self._chunk = answer.body

    def readall(self) -> bytes:
        # In chunks of its own: the default ones are small, and each is a request.
        return b"".join(iter(lambda: self.read(self._chunk_bytes), b""))

    def _learn(self, answer: Response) -> None:
        if self._size is None:
            self._size, self._etag = answer.size, answer.etag
        elif answer.etag != self._etag:
            # Not every store honours conditions.
            raise StoreError("PreconditionFailed", "the object was written while it was read", 412)
