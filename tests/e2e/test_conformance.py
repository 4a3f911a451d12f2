"""Each operation with every parameter on three independent stores, over keys that are hard to carry; what became of the
objects is read back with boto3. What a store lacks is named here, and Longshore's message must name it; what a store
does otherwise is named, too, and fails the test once it no longer does."""

import base64
import datetime
import hashlib
import json
from dataclasses import dataclass, field

import pytest

from harness import ROOT

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
KMS = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
MIB = 1024 * 1024
LARGE = b"0123456789abcdef" * (11 * MIB // 16)
SOURCE = dict(Body=b"body", Metadata={"color": "blue"}, ContentType="text/x-source", Tagging="a=1&b=1")


@dataclass
class Found:
    """An object as boto3 finds it."""

    client: object
    bucket: str
    key: str

    def __call__(self, call, **more):
        return getattr(self.client, call)(Bucket=self.bucket, Key=self.key, **more)

    def head(self, *names):
        head = self("head_object")
        return tuple(head.get(name) for name in names)

    @property
    def body(self):
        return self("get_object")["Body"].read()

    @property
    def tags(self):
        return {tag["Key"]: tag["Value"] for tag in self("get_object_tagging")["TagSet"]}

    @property
    def grants(self):
        grants = self("get_object_acl")["Grants"]
        return {(grant["Grantee"].get("ID") or grant["Grantee"].get("URI"), grant["Permission"]) for grant in grants}

    @property
    def versions(self):
        """How many versions there are."""
        listed = self.client.list_object_versions(Bucket=self.bucket, Prefix=self.key).get("Versions", [])
        return sum(version["Key"] == self.key for version in listed)

    @property
    def all(self):
        """What a copy carries."""
        head = self("head_object")
        return self.body, head["Metadata"], head["ContentType"], self.tags


@dataclass
class Case:
    """An operation with parameters, and what must be true of each object afterwards."""

    operation: str
    parameters: dict
    #: What boto3 finds.
    outcome: object
    expected: object
    #: How the objects are put.
    source: dict = field(default_factory=lambda: SOURCE)
    #: Store -> keys that it cannot do it to.
    without: dict = field(default_factory=dict)
    #: How their bucket is made.
    bucket: dict = field(default_factory=dict)
    #: How the bucket of the copies is made.
    target: dict = field(default_factory=dict)
    #: What is done to both buckets before: gets client, bucket and the bucket of the copies.
    setup: object = None
    #: What is done to each object before.
    before: object = None
    #: Key of an object -> that of its copy.
    renamed: object = str
    #: How many keys; None: all.
    keys: int = None
    #: Store -> the request that it does not support.
    lacks: dict = field(default_factory=dict)
    #: Store -> the code of its refusal, where it says no more.
    refuses: dict = field(default_factory=dict)
    #: Store -> what is otherwise there.
    differs: dict = field(default_factory=dict)


def tagging(mode, expected, differs=None, **parameters):
    return Case("tagging", {"mode": mode, **parameters}, lambda found: found.tags, expected, differs=differs or {})


def copy(parameters, outcome, expected, **more):
    return Case("copy", {"target-bucket": "TARGET", **parameters}, outcome, expected, **more)


def archived(storage_class, tier, **more):
    parameters = {"days": 2, "tier": tier}
    restore = lambda found: found.head("Restore")[0].split(",")[0] in ('ongoing-request="true"', 'ongoing-request="false"')
    return Case("restore", parameters, restore, True, source={**SOURCE, "StorageClass": storage_class},
                lacks={"seaweedfs": "RestoreObject"}, **more)


def replication(client, bucket, target):
    """Both buckets keep versions, and the first is replicated to the second."""
    for name in (bucket, target):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{target}", "StorageClass": "STANDARD_IA"}}
    configuration = {"Role": "arn:aws:iam::111122223333:role/replication", "Rules": [rule]}
    client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)


def uploads(found):
    """How many uploads of the key are unfinished."""
    # No key begins with another. They are not compared: in XML a carriage return comes as a newline.
    return len(found.client.list_multipart_uploads(Bucket=found.bucket, Prefix=found.key).get("Uploads", []))


#: SeaweedFS lists these keys as a/double/slash and back/slash, so that what lists them does not find them.
RENAMED = {"seaweedfs": {"a//double//slash", "back\\slash"}}
LOCKED = {"ObjectLockEnabledForBucket": True}
GOVERNED = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)}
#: The canonical user ID of whoever owns everything in the sandbox and in moto.
OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"


def current(found):
    """Whether the object is there."""
    return "Contents" in found.client.list_objects_v2(Bucket=found.bucket, Prefix=found.key, EncodingType="url")


METADATA = {"directive": "replace", "content-type": "text/plain", "cache-control": "no-cache", "content-language": "de",
            "content-disposition": "inline", "content-encoding": "identity", "expires": "2030-01-02T03:04:05Z",
            "user": {"size": "big"}}
CASES = {
    "tagging-replace": tagging("replace", {"c": "3"}, tags={"c": "3"}),
    "tagging-merge": tagging("merge", {"a": "2", "b": "1", "c": "3"}, tags={"a": "2", "c": "3"}),
    "tagging-remove": tagging("remove", {"b": "1"}, keys=["a"]),
    "tagging-delete-all": tagging("delete-all", {}),
    "acl-canned": Case("acl", {"canned": "public-read"}, lambda found: (ALL_USERS, "READ") in found.grants, True),
    "acl-grants": Case("acl", {"grants": [
        {"type": "id", "grantee": "alice", "permission": "FULL_CONTROL"},
        {"type": "uri", "grantee": ALL_USERS, "permission": "READ_ACP"},
    ]}, lambda found: found.grants, {("alice", "FULL_CONTROL"), (ALL_USERS, "READ_ACP")},
        differs={"seaweedfs": "it ignores the x-amz-grant headers"}),
    "copy": copy({}, lambda found: found.all, (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
    "copy-storage-class": copy({"storage-class": "STANDARD_IA"}, lambda found: found.head("StorageClass"), ("STANDARD_IA",)),
    "copy-metadata": copy(
        {"metadata": METADATA},
        lambda found: (found.head("ContentType", "CacheControl", "ContentLanguage", "ContentDisposition", "ContentEncoding",
                                  "Metadata"), found("head_object")["ResponseMetadata"]["HTTPHeaders"]["expires"]),
        (("text/plain", "no-cache", "de", "inline", "identity", {"size": "big"}), "Wed, 02 Jan 2030 03:04:05 GMT")),
    "copy-tags-replaced": copy({"tags": {"directive": "replace", "set": {"c": "3"}}}, lambda found: found.tags, {"c": "3"}),
    "copy-tags-dropped": copy({"tags": {"directive": "drop"}}, lambda found: found.tags, {}),
    "copy-acl": copy({"canned-acl": "public-read"}, lambda found: (ALL_USERS, "READ") in found.grants, True,
                     differs={"seaweedfs": "it ignores the x-amz-acl header of a copy"}),
    "copy-grants": copy({"grants": [{"type": "id", "grantee": "alice", "permission": "FULL_CONTROL"}]},
                        lambda found: ("alice", "FULL_CONTROL") in found.grants, True,
                        differs={"seaweedfs": "it ignores the x-amz-grant headers"}),
    "copy-sse-s3": copy({"sse": {"algorithm": "AES256"}}, lambda found: found.head("ServerSideEncryption"), ("AES256",),
                        refuses={"seaweedfs": "InternalError"}),
    "copy-sse-kms": copy({"sse": {"algorithm": "aws:kms", "kms-key-id": KMS, "bucket-key": True}},
                         lambda found: found.head("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"),
                         ("aws:kms", KMS, True), refuses={"seaweedfs": "InternalError"}),
    "legal-hold": Case("legal-hold", {"status": "ON"}, lambda found: found("get_object_legal_hold")["LegalHold"]["Status"], "ON",
                       bucket=LOCKED),
    "retention": Case("retention", {"mode": "GOVERNANCE", "retain-until": "2040-01-01"},
                      lambda found: (lambda it: (it["Mode"], it["RetainUntilDate"].year))(found("get_object_retention")["Retention"]),
                      ("GOVERNANCE", 2040), bucket=LOCKED,
                      refuses={"moto": "InvalidResponse"}),  # it answers with nothing about an object that has none yet
    "delete": Case("delete", {}, current, False, without=RENAMED),
    "delete-marker": Case("delete", {}, current, False, bucket=LOCKED, without=RENAMED),
    "undelete": Case("undelete", {}, lambda found: found.body, b"body", bucket=LOCKED, without=RENAMED,
                     before=lambda found: found("delete_object")),
    "storage-class": Case("storage-class", {"storage-class": "STANDARD_IA"}, lambda found: (found.head("StorageClass"), found.all),
                          (("STANDARD_IA",), (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
                          refuses={"seaweedfs": "InvalidRequest"}),  # it takes another class for no change
    "metadata-merge": Case("metadata", {"mode": "merge", "cache-control": "no-cache", "user": {"size": "big"}},
                           lambda found: (found.head("CacheControl"), found.all),
                           (("no-cache",), (b"body", {"color": "blue", "size": "big"}, "text/x-source", {"a": "1", "b": "1"}))),
    "metadata-remove": Case("metadata", {"mode": "remove", "names": ["user.color"]}, lambda found: found.all,
                            (b"body", {}, "text/x-source", {"a": "1", "b": "1"})),
    "encrypt": Case("encrypt", {"algorithm": "aws:kms", "kms-key-id": KMS, "bucket-key": True},
                    lambda found: (found.head("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"), found.all),
                    (("aws:kms", KMS, True), (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
                    refuses={"seaweedfs": "InvalidRequest"}),  # it takes another key for no change
    "checksum": Case("checksum", {"algorithm": "SHA256", "expect": hashlib.sha256(b"body").hexdigest()},
                     lambda found: found.all, (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
    "expire-versions": Case("expire-versions", {"keep": 1}, lambda found: (found.versions, found.body), (1, b"body"), bucket=LOCKED,
                            # moto lists versions without encoding keys, and XML makes another character of this one.
                            without={**RENAMED, "moto": ["carriage\rreturn"]}, before=lambda found: found("put_object", Body=b"body")),
    "copy-moved": copy({"mode": "move"}, lambda found: found.all,
                       (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
    "copy-conditions": copy({"if-match": "head", "overwrite": False, "verify": True, "unmodified-since": "2040-01-01T00:00:00Z"},
                            lambda found: found.body, b"body"),
    "copy-new-keys": copy({"target-prefix": "new", "rewrite": {"pattern": "^", "replace": "x-"}}, lambda found: found.all,
                          (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"}),
                          renamed=lambda key: f"new/x-{key}", without=dict.fromkeys(["sandbox", "moto"], ["k" * 1024])),
    "copy-skip-identical": copy({"skip-identical": True, "modified-since": "2020-01-01T00:00:00Z"}, lambda found: found.body, b"body"),
    "copy-requester-pays": copy({"requester-pays": True}, lambda found: found.body, b"body"),
    "copy-checksum": copy({"checksum-algorithm": "SHA256"},
                          lambda found: found("head_object", ChecksumMode="ENABLED").get("ChecksumSHA256"),
                          base64.b64encode(hashlib.sha256(b"body").digest()).decode(),
                          differs={"seaweedfs": "it keeps no checksums"}),
    "copy-redirect": copy({"redirect-location": "/there"}, lambda found: found.head("WebsiteRedirectLocation"), ("/there",),
                          differs={"seaweedfs": "it ignores the x-amz-website-redirect-location header"}),
    "copy-locked": copy({"lock": {"mode": "GOVERNANCE", "retain-until": "2040-01-01T00:00:00Z"}, "legal-hold": True},
                        lambda found: (found.head("ObjectLockMode", "ObjectLockLegalHoldStatus"), found.body),
                        (("GOVERNANCE", "ON"), b"body"), target=LOCKED,
                        # To moto a copy with a lock needs the checksum of a body that it has not.
                        refuses={"moto": "MissingUploadObjectWithObjectLockHeaders"},
                        differs={"seaweedfs": "it ignores the lock headers of a copy"}),
    "copy-in-parts": copy({"multipart": {"threshold": 5 * MIB, "part-size": 5 * MIB}},
                          lambda found: (found.head("ETag")[0][-3:], found.all),
                          ('-3"', (LARGE, {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
                          source={**SOURCE, "Body": LARGE}, keys=2),
    "abort-uploads": Case("abort-uploads", {"older-than": "7d"}, uploads, 0, without=RENAMED,
                          before=lambda found: found("create_multipart_upload"),
                          # moto says of every upload that it began in 2010; elsewhere these are young, and stay.
                          differs=dict.fromkeys(["sandbox", "seaweedfs"], "the uploads began just now")),
    "replicate": Case("replicate", {}, lambda found: (found.all[0], found.all[2:], found.head("StorageClass")),
                      (b"body", ("text/x-source", {"a": "1", "b": "1"}), ("STANDARD_IA",)), setup=replication,
                      refuses={"seaweedfs": "SrcBucketReplicationConfigMissing"}),  # it keeps no such configuration
    "copy-target-key": copy({"target-key": "copied/{{key}}"}, lambda found: found.body, b"body", renamed=lambda key: f"copied/{key}",
                            without=dict.fromkeys(["sandbox", "moto"], ["k" * 1024])),
    "acl-owner": Case("acl", {"owner": OWNER, "grants": [{"type": "id", "grantee": OWNER, "permission": "FULL_CONTROL"}]},
                      lambda found: found.grants, {(OWNER, "FULL_CONTROL")},
                      refuses={"seaweedfs": "AccessDenied"}),  # another owns everything there
    "checksum-composite": Case("checksum", {"algorithm": "SHA256", "type": "COMPOSITE", "part-size": 5 * MIB},
                               lambda found: found.all, (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
    "checksum-stored": Case("checksum", {"algorithm": "SHA256", "compare-stored": True}, lambda found: found.body, b"body",
                            source={**SOURCE, "ChecksumAlgorithm": "SHA256"}),
    "delete-if-match": Case("delete", {"if-match": hashlib.md5(b"body").hexdigest()}, current, False, without=RENAMED),
    "delete-all-versions": Case("delete", {"all-versions": True, "bypass-governance": True}, lambda found: found.versions, 0,
                                bucket=LOCKED, source={**SOURCE, **GOVERNED}, without={**RENAMED, "moto": ["carriage\rreturn"]},
                                before=lambda found: found("put_object", Body=b"new")),
    "expire-versions-young": Case("expire-versions", {"keep": 1, "min-age": "1d"}, lambda found: found.versions, 2, bucket=LOCKED,
                                  without={**RENAMED, "moto": ["carriage\rreturn"]},
                                  before=lambda found: found("put_object", Body=b"new")),
    "expire-versions-governed": Case("expire-versions", {"keep": 1, "bypass-governance": True, "lone-markers": True},
                                     lambda found: found.versions, 1, bucket=LOCKED, source={**SOURCE, **GOVERNED},
                                     without={**RENAMED, "moto": ["carriage\rreturn"]},
                                     before=lambda found: found("put_object", Body=b"new")),
    "metadata-headers": Case("metadata", {"mode": "merge", "content-type": "text/html", "content-language": "de",
                                          "content-disposition": "inline", "content-encoding": "identity",
                                          "expires": "2030-01-02T03:04:05Z"},
                             lambda found: (found.head("ContentType", "ContentLanguage", "ContentDisposition", "ContentEncoding"),
                                            found("head_object")["ResponseMetadata"]["HTTPHeaders"]["expires"], found.tags),
                             (("text/html", "de", "inline", "identity"), "Wed, 02 Jan 2030 03:04:05 GMT", {"a": "1", "b": "1"})),
    "metadata-by-extension": Case("metadata", {"mode": "merge", "content-type-by-extension": True}, lambda found: found.all,
                                  (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})),
    "retention-extend": Case("retention", {"mode": "GOVERNANCE", "extend-by": "30d"}, lambda found: found.head("ObjectLockMode"),
                             ("GOVERNANCE",), bucket=LOCKED, refuses={"moto": "InvalidResponse"}),
    "retention-remove": Case("retention", {"remove": True, "bypass-governance": True}, lambda found: found.head("ObjectLockMode"),
                             (None,), bucket=LOCKED, source={**SOURCE, **GOVERNED},
                             # SeaweedFS knows no retention that is none; moto answers with nothing about one.
                             refuses={"seaweedfs": "InvalidRequest", "moto": "InvalidResponse"}),
    "restore-bulk": archived("GLACIER", "BULK"),
    "restore-expedited": archived("GLACIER", "EXPEDITED"),
    "restore-deep": archived("DEEP_ARCHIVE", "STANDARD"),
}


def says_what_is_lacking(server, request, outcomes):
    """Every task failed, and its message says which request the store does not support."""
    lacking = f'store "main" ({server.endpoint}) does not support this {request} request: '
    for key, (status, http, code, message) in outcomes.items():
        assert (status, code in ("MethodNotAllowed", "NotImplemented")) == ("failed", True), key
        assert message.startswith(lacking), message


#: What no case has, and where it is tested: with two servers, with time that passes, or with more than one object.
ELSEWHERE = {
    "copy": {"target-store": "test_two_stores.py"},
    "replicate": {"stores": "test_replicate.py", "mark": "test_replicate.py", "noncurrent-versions": "test_replicate.py"},
    "restore": {"wait": "test_restore.py", "check-every": "test_restore.py"},
}
#: Operations that need no store.
WITHOUT_STORE = {"invoke", "noop"}


def test_every_parameter_of_every_operation_has_a_case(sandbox, workspace_of):
    shown = workspace_of(sandbox).longshore("operations", "--json")
    for operation in map(json.loads, shown.out.splitlines()):
        name, declared = operation["name"], set(operation["parameters"].get("properties", {}))
        if name in WITHOUT_STORE:
            continue
        cases = [case for case in CASES.values() if case.operation == name]
        elsewhere = ELSEWHERE.get(name, {})
        assert cases and declared - set().union(*(case.parameters for case in cases)) == set(elsewhere), name
        for parameter, file in elsewhere.items():
            assert parameter in (ROOT / "tests/e2e" / file).read_text(), (name, parameter)


@pytest.fixture(params=["sandbox", "moto", "seaweedfs"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", CASES)
def test_operation(server, bucket_of, workspace_of, name):
    case, workspace = CASES[name], workspace_of(server)
    bucket, target = bucket_of(server, **case.bucket), bucket_of(server, **case.target)
    # A store that refuses is asked again and again: one key is enough.
    keys = [key for key in server.odd_keys if key not in case.without.get(server.name, ())]
    keys = keys[:1] if server.name in case.refuses else keys[:case.keys]
    if case.setup and server.name not in case.refuses:
        case.setup(server.client(), bucket, target)
    workspace.manifest(bucket, keys)
    for key in keys:
        server.client().put_object(Bucket=bucket, Key=key, **case.source)
        if case.before:
            case.before(Found(server.client(), bucket, key))
    workspace.job(case.operation, {key: target if value == "TARGET" else value for key, value in case.parameters.items()})
    result = workspace.run()
    outcomes = workspace.outcomes(result.job)
    if server.name in case.lacks:
        says_what_is_lacking(server, case.lacks[server.name], outcomes)
        return
    if server.name in case.refuses:
        assert result.job["failures"] == {case.refuses[server.name]: 1}, outcomes
        return
    assert result.code == 0, outcomes
    place = target if case.operation in ("copy", "replicate") else bucket
    found = {key: case.outcome(Found(server.client(), place, case.renamed(key))) for key in keys}
    if server.name in case.differs:
        assert all(value != case.expected for value in found.values()), f"no longer differs: {case.differs[server.name]}"
    else:
        assert found == dict.fromkeys(keys, case.expected)
