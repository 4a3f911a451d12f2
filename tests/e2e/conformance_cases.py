"""What the conformance tests try: each operation with every parameter, and every value of those that have few. What a store lacks is
named here, and Longshore's message must name it; what a store does otherwise is named, too, and fails the test once it no longer does."""

import base64
import datetime
import hashlib
from dataclasses import dataclass, field

SERVERS = ("sandbox", "moto", "seaweedfs")
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
#: The canonical user ID of Amazon EC2, and of whoever owns everything in the sandbox and in moto.
EC2 = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"
OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
KMS = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
MIB = 1024 * 1024
LARGE = b"0123456789abcdef" * (11 * MIB // 16)
SOURCE = dict(Body=b"body", Metadata={"color": "blue"}, ContentType="text/x-source", Tagging="a=1&b=1")
#: What a copy of it has.
CARRIED = (b"body", {"color": "blue"}, "text/x-source", {"a": "1", "b": "1"})
ETAG = hashlib.md5(b"body").hexdigest()
#: The checksums of `body`, as zlib, hashlib, awscrt and xxhash compute them.
SUMS = {
    "CRC32": "dba80bb2", "CRC32C": "263fc950", "CRC64NVME": "988f898b53473fcd", "SHA1": hashlib.sha1(b"body").hexdigest(),
    "SHA256": hashlib.sha256(b"body").hexdigest(), "SHA512": hashlib.sha512(b"body").hexdigest(), "MD5": ETAG,
    "XXHASH64": "31724ab4313d2d0f", "XXHASH3": "84f2c8ee187fe1fa", "XXHASH128": "177aefccffa6f74acbf1c497eac76e10",
}
LOCKED = {"ObjectLockEnabledForBucket": True}
GOVERNED = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)}
#: moto answers with nothing about the retention of an object that has none yet.
HOLD = "x-amz-object-lock-event-hold"
NO_RETENTION = ("InvalidResponse", "no valid answer to GetObjectRetention")
#: SeaweedFS lists these keys as a/double/slash and back/slash, so that what lists them does not find them.
RENAMED = {"seaweedfs": {"a//double//slash", "back\\slash"}}
#: And of uploads it says that it encodes the keys, which it does not: some become others when they are decoded.
ENCODED = {"seaweedfs": {*RENAMED["seaweedfs"], "plus+plus", "%41 looks encoded"}}
#: moto lists versions without encoding keys, and XML makes another character of this one.
LISTED = {**RENAMED, "moto": ["carriage\rreturn"]}
#: A copy with a longer key has no room for it.
LONGEST = dict.fromkeys(["sandbox", "moto"], ["k" * 1024])


@dataclass
class Found:
    """An object as boto3 finds it."""

    server: object
    bucket: str
    key: str
    #: Where its copy goes.
    copy: object = None

    def __call__(self, call, **more):
        return getattr(self.server.client(), call)(Bucket=self.bucket, Key=self.key, **more)

    def head(self, *names):
        head = self("head_object")
        return tuple(head.get(name) for name in names)

    def header(self, name, **more):
        return self("head_object", **more)["ResponseMetadata"]["HTTPHeaders"].get(name)

    def listed(self, kind):
        """How many versions, or delete markers, there are."""
        listed = self.server.client().list_object_versions(Bucket=self.bucket, Prefix=self.key).get(kind, [])
        return sum(version["Key"] == self.key for version in listed)

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
    def rights(self):
        """What others may do than the owner."""
        return self.grants - {(self("get_object_acl")["Owner"]["ID"], "FULL_CONTROL")}

    @property
    def present(self):
        """Whether the object is there."""
        return "Contents" in self.server.client().list_objects_v2(Bucket=self.bucket, Prefix=self.key, EncodingType="url")

    @property
    def storage_class(self):
        return self.head("StorageClass")[0] or "STANDARD"

    @property
    def retention(self):
        retention = self("get_object_retention")["Retention"]
        return retention["Mode"], retention["RetainUntilDate"].year

    @property
    def uploads(self):
        """How many uploads of the key are unfinished."""
        # No key begins with another. They are not compared: in XML a carriage return comes as a newline.
        return len(self.server.client().list_multipart_uploads(Bucket=self.bucket, Prefix=self.key).get("Uploads", []))

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
    #: How many of the odd keys, or which keys; None: all odd ones.
    keys: object = None
    #: What the rows of the manifest say besides: column -> value.
    columns: dict = field(default_factory=dict)
    #: Headers that reach the store with each copy.
    sends: dict = field(default_factory=dict)
    #: What the row of the report says of a success.
    says: str = ""
    #: Code, and words of the message, where the task has to fail.
    fails: tuple = None
    #: Store -> the code of the failure, where the task is run again.
    again: dict = field(default_factory=dict)
    #: Store -> the request that it does not support.
    lacks: dict = field(default_factory=dict)
    #: Store -> the code of its refusal, and words of the message, which name what it lacks.
    refuses: dict = field(default_factory=dict)
    #: Store -> what is otherwise there.
    differs: dict = field(default_factory=dict)

    def shows(self):
        """Whether a store does what is expected, or is at least sent what is looked at."""
        return self.sends or not all(any(store in but for but in (self.lacks, self.refuses, self.differs)) for store in SERVERS)

    def failure_on(self, server):
        """Code and words of the failure; None where the task succeeds."""
        return self.refuses.get(server) or (None if server in self.differs else self.fails)


def tagging(mode, expected, **parameters):
    return Case("tagging", {"mode": mode, **parameters}, lambda found: found.tags, expected)


def copy(parameters, outcome, expected, **more):
    return Case("copy", {"target-bucket": "TARGET", **parameters}, outcome, expected, **more)


def unmet(parameters, **more):
    """A copy whose condition is not met."""
    return copy(parameters, lambda found: found.present, False, keys=3, fails=("PreconditionFailed", "pre-condition"),
                differs={"moto": "it ignores the conditions of copies"}, **more)


def archived(storage_class, tier, **more):
    parameters = {"days": 2, "tier": tier}
    restore = lambda found: found.head("Restore")[0].split(",")[0] in ('ongoing-request="true"', 'ongoing-request="false"')
    # moto knows no time between request and copy: there the second run moves the expiry.
    return Case("restore", parameters, restore, True, source={**SOURCE, "StorageClass": storage_class},
                lacks={"seaweedfs": "RestoreObject"}, again={"sandbox": "RestoreAlreadyInProgress"}, **more)


def restoring(found):
    """The slowest restore is in progress."""
    if found.server.name != "seaweedfs":
        found("restore_object", RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Bulk"}})


def replication(client, bucket, target):
    """Both buckets keep versions, and the first is replicated to the second."""
    for name in (bucket, target):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{target}", "StorageClass": "STANDARD_IA"}}
    configuration = {"Role": "arn:aws:iam::111122223333:role/replication", "Rules": [rule]}
    client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)


def replica(parameters, outcome, expected, **more):
    refuses = {"seaweedfs": ("SrcBucketReplicationConfigMissing", "replication configuration")}
    return Case("replicate", parameters, outcome, expected, setup=replication, refuses=refuses, **more)


def hold(status):
    return Case("legal-hold", {"status": status}, lambda found: found("get_object_legal_hold")["LegalHold"]["Status"], status,
                bucket=LOCKED, before=None if status == "ON" else lambda found: found("put_object_legal_hold", LegalHold={"Status": "ON"}))


def retention(mode):
    return Case("retention", {"mode": mode, "retain-until": "2040-01-01"}, lambda found: found.retention, (mode, 2040), bucket=LOCKED,
                refuses={"moto": NO_RETENTION})


def leave_a_lone_marker(found):
    """The only version goes, and the delete marker in front of it stays."""
    version = found("head_object")["VersionId"]
    found("delete_object")
    found("delete_object", VersionId=version)


def headers_of(found):
    names = ("ContentType", "CacheControl", "ContentLanguage", "ContentDisposition", "ContentEncoding")
    return found.head(*names), found.header("expires")


def composite(body, size):
    """The checksum of the checksums of its parts, as a report writes it."""
    parts = [hashlib.sha256(body[start:start + size]).digest() for start in range(0, len(body), size)]
    whole = base64.b64encode(hashlib.sha256(b"".join(parts)).digest()).decode()
    return f"{whole}-{len(parts)}".replace("=", "\\u003d")


HEADERS = {"content-type": "text/plain", "cache-control": "no-cache", "content-language": "de", "content-disposition": "inline",
           "content-encoding": "identity", "expires": "2030-01-02T03:04:05Z"}
HEADERS_FOUND = (("text/plain", "no-cache", "de", "inline", "identity"), "Wed, 02 Jan 2030 03:04:05 GMT")
#: To SeaweedFS a copy in place with another class or key changes nothing.
SAME_TO_SEAWEEDFS = {"seaweedfs": ("InvalidRequest", "storage class, website redirect location or encryption attributes")}
#: To moto a copy with a lock needs the checksum of a body that it has not.
NO_BODY = ("MissingUploadObjectWithObjectLockHeaders", "Object Lock")
NO_KEYS = {"seaweedfs": ("InternalError", "x-amz-server-side-encryption")}
CASES = {
    "tagging-replace": tagging("replace", {"c": "3"}, tags={"c": "3"}),
    "tagging-merge": tagging("merge", {"a": "2", "b": "1", "c": "3"}, tags={"a": "2", "c": "3"}),
    "tagging-remove": tagging("remove", {"b": "1"}, keys=["a"]),
    "tagging-delete-all": tagging("delete-all", {}),
    "acl": Case("acl", {"canned": "public-read"}, lambda found: found.rights, {(ALL_USERS, "READ")}),
    "acl-grants": Case("acl", {"grants": [
        {"type": "id", "grantee": "alice", "permission": "FULL_CONTROL"},
        {"type": "uri", "grantee": ALL_USERS, "permission": "READ_ACP"},
    ]}, lambda found: found.grants, {("alice", "FULL_CONTROL"), (ALL_USERS, "READ_ACP")},
        differs={"seaweedfs": "it ignores the x-amz-grant headers"}),
    "acl-owner": Case("acl", {"owner": OWNER, "grants": [{"type": "id", "grantee": OWNER, "permission": "FULL_CONTROL"}]},
                      lambda found: found.grants, {(OWNER, "FULL_CONTROL")},
                      # Another owns everything there, and nobody may give that away: it says no more.
                      refuses={"seaweedfs": ("AccessDenied", "Access Denied")}),
    "copy": copy({}, lambda found: found.all, CARRIED),
    "copy-directives": copy({"mode": "copy", "metadata": {"directive": "copy"}, "tags": {"directive": "copy"}},
                            lambda found: found.all, CARRIED, keys=3),
    "copy-metadata": copy({"metadata": {"directive": "replace", **HEADERS, "user": {"size": "big"}}},
                          lambda found: (headers_of(found), found.all[1]), (HEADERS_FOUND, {"size": "big"})),
    "copy-tags-replaced": copy({"tags": {"directive": "replace", "set": {"c": "3"}}}, lambda found: found.tags, {"c": "3"}),
    "copy-tags-dropped": copy({"tags": {"directive": "drop"}}, lambda found: found.tags, {}),
    "copy-sse-s3": copy({"sse": {"algorithm": "AES256"}}, lambda found: found.head("ServerSideEncryption"), ("AES256",),
                        refuses=NO_KEYS),
    "copy-sse-kms": copy({"sse": {"algorithm": "aws:kms", "kms-key-id": KMS, "bucket-key": True}},
                         lambda found: found.head("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"),
                         ("aws:kms", KMS, True), refuses=NO_KEYS),
    "copy-moved": copy({"mode": "move"}, lambda found: found.all, CARRIED, says="moved; verified: 4 bytes",
                       again=dict.fromkeys(SERVERS, "NoSuchKey")),
    "copy-moved-before": copy({"mode": "move"}, lambda found: found.all, CARRIED, keys=3, columns={"ETag": ETAG}, says="moved"),
    "copy-if-match-head": copy({"if-match": "head"}, lambda found: found.body, b"body", keys=3,
                               sends={"x-amz-copy-source-if-match": f'"{ETAG}"'}),
    "copy-if-match-column": unmet({"if-match": "column"}, columns={"ETag": "0" * 32}),
    "copy-modified-since": unmet({"modified-since": "2100-01-01T00:00:00Z"}),
    "copy-unmodified-since": unmet({"unmodified-since": "2000-01-01T00:00:00Z"}),
    "copy-no-overwrite": copy({"overwrite": False}, lambda found: found.body, b"older", keys=3, says="stays",
                              before=lambda found: found.copy("put_object", Body=b"older")),
    "copy-moved-over": copy({"mode": "move", "overwrite": True}, lambda found: found.body, b"body", keys=3, says="moved",
                            again=dict.fromkeys(SERVERS, "NoSuchKey"), before=lambda found: found.copy("put_object", Body=b"older")),
    "copy-verified": copy({"verify": True}, lambda found: found.body, b"body", keys=3, says="verified: 4 bytes"),
    "copy-skip-identical": copy({"skip-identical": True}, lambda found: found.all[1], {"kept": "yes"}, keys=3,
                                says="the same size and ETag",
                                before=lambda found: found.copy("put_object", Body=b"body", Metadata={"kept": "yes"})),
    "copy-requester-pays": copy({"requester-pays": True}, lambda found: found.body, b"body", keys=3,
                                sends={"x-amz-request-payer": "requester"}),
    "copy-new-keys": copy({"target-prefix": "new", "rewrite": {"pattern": "^", "replace": "x-"}}, lambda found: found.all,
                          CARRIED, renamed=lambda key: f"new/x-{key}", without=LONGEST),
    "copy-target-key": copy({"target-key": "copied/{{key}}"}, lambda found: found.body, b"body", renamed=lambda key: f"copied/{key}",
                            without=LONGEST),
    "copy-redirect": copy({"redirect-location": "/there"}, lambda found: found.head("WebsiteRedirectLocation"), ("/there",),
                          refuses={"seaweedfs": ("NotImplemented", "x-amz-website-redirect-location")}),
    "copy-in-parts": copy({"multipart": {"threshold": 5 * MIB, "part-size": 5 * MIB}},
                          lambda found: (found.head("ETag")[0][-3:], found.all), ('-3"', (LARGE, *CARRIED[1:])),
                          source={**SOURCE, "Body": LARGE}, keys=2),
    "replicate": replica({}, lambda found: (found.all[0], set(found.all[1]), found.all[2:], found.storage_class),
                         (b"body", {"color", "longshore-replica-of"}, CARRIED[2:], "STANDARD_IA")),
    "replicate-unmarked": replica({"mark": False}, lambda found: found.all, CARRIED, keys=3),
    "legal-hold": hold("ON"),
    "retention": retention("GOVERNANCE"),
    "retention-extend": Case("retention", {"mode": "GOVERNANCE", "extend-by": "30d"}, lambda found: found.head("ObjectLockMode"),
                             ("GOVERNANCE",), bucket=LOCKED,
                             refuses={"moto": NO_RETENTION}),
    "retention-remove": Case("retention", {"remove": True, "bypass-governance": True}, lambda found: found.head("ObjectLockMode"),
                             (None,), bucket=LOCKED, source={**SOURCE, **GOVERNED},
                             # SeaweedFS knows no retention that is none, and says no more.
                             refuses={"seaweedfs": ("InvalidRequest", "Invalid Request"),
                                      "moto": NO_RETENTION}),
    "delete": Case("delete", {}, lambda found: found.present, False, without=RENAMED),
    "delete-marker": Case("delete", {}, lambda found: found.present, False, bucket=LOCKED, without=RENAMED),
    "delete-if-match": Case("delete", {"if-match": ETAG}, lambda found: found.present, False, without=RENAMED),
    "delete-if-match-other": Case("delete", {"if-match": "0" * 32}, lambda found: found.body, b"body", keys=3,
                                  fails=("PreconditionFailed", "ETag")),
    "delete-all-versions": Case("delete", {"all-versions": True, "bypass-governance": True}, lambda found: found.listed("Versions"), 0,
                                bucket=LOCKED, source={**SOURCE, **GOVERNED}, without=LISTED,
                                before=lambda found: found("put_object", Body=b"new")),
    "undelete": Case("undelete", {}, lambda found: found.body, b"body", bucket=LOCKED, without=RENAMED,
                     before=lambda found: found("delete_object")),
    "storage-class": Case("storage-class", {"storage-class": "STANDARD_IA"}, lambda found: (found.storage_class, found.all),
                          ("STANDARD_IA", CARRIED), refuses=SAME_TO_SEAWEEDFS),
    "metadata-replace": Case("metadata", {"mode": "replace", "user": {"size": "big"}},
                             lambda found: (found.head("CacheControl"), found.all),
                             ((None,), (b"body", {"size": "big"}, *CARRIED[2:])), source={**SOURCE, "CacheControl": "no-cache"}),
    "metadata-merge": Case("metadata", {"mode": "merge", "cache-control": "no-cache", "user": {"size": "big"}},
                           lambda found: (found.head("CacheControl"), found.all),
                           (("no-cache",), (b"body", {"color": "blue", "size": "big"}, *CARRIED[2:]))),
    "metadata-remove": Case("metadata", {"mode": "remove", "names": ["user.color"]}, lambda found: found.all, (b"body", {}, *CARRIED[2:])),
    "metadata-headers": Case("metadata", {"mode": "merge", **HEADERS}, lambda found: (headers_of(found), found.tags),
                             (HEADERS_FOUND, CARRIED[3])),
    "metadata-by-extension": Case("metadata", {"mode": "merge", "content-type-by-extension": True}, lambda found: found.all,
                                  (*CARRIED[:2], "image/jpeg", CARRIED[3]), keys=["photo.jpg", "ü/a photo.jpeg"]),
    "encrypt": Case("encrypt", {"algorithm": "aws:kms", "kms-key-id": KMS, "bucket-key": True},
                    lambda found: (found.head("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"), found.all),
                    (("aws:kms", KMS, True), CARRIED), refuses=SAME_TO_SEAWEEDFS),
    "encrypt-sse-s3": Case("encrypt", {"algorithm": "AES256"}, lambda found: (found.head("ServerSideEncryption"), found.all),
                           (("AES256",), CARRIED), keys=3, refuses=SAME_TO_SEAWEEDFS),
    "checksum": Case("checksum", {"algorithm": "SHA256", "expect": SUMS["SHA256"]}, lambda found: found.all, CARRIED),
    "checksum-unexpected": Case("checksum", {"algorithm": "SHA256", "expect": SUMS["SHA256"][::-1]}, lambda found: found.body, b"body",
                                keys=3, fails=("ChecksumMismatch", SUMS["SHA256"][::-1])),
    "checksum-composite": Case("checksum", {"algorithm": "SHA256", "type": "COMPOSITE", "part-size": 5 * MIB},
                               lambda found: found.head("ContentLength"), (len(LARGE),), source={**SOURCE, "Body": LARGE}, keys=1,
                               says=f'"checksum_base64":"{composite(LARGE, 5 * MIB)}"'),
    "checksum-stored": Case("checksum", {"algorithm": "SHA256", "compare-stored": True}, lambda found: found.body, b"body",
                            source={**SOURCE, "ChecksumAlgorithm": "SHA256"}, keys=3),
    "checksum-not-stored": Case("checksum", {"algorithm": "SHA1", "compare-stored": True}, lambda found: found.body, b"body",
                                source={**SOURCE, "ChecksumAlgorithm": "SHA256"}, keys=3, fails=("ChecksumNotStored", "SHA1")),
    "expire-versions": Case("expire-versions", {"keep": 1}, lambda found: (found.listed("Versions"), found.body), (1, b"body"),
                            bucket=LOCKED, without=LISTED, before=lambda found: found("put_object", Body=b"body")),
    "expire-versions-young": Case("expire-versions", {"keep": 1, "min-age": "1d"}, lambda found: found.listed("Versions"), 2,
                                  bucket=LOCKED, without=LISTED, before=lambda found: found("put_object", Body=b"new")),
    "expire-versions-governed": Case("expire-versions", {"keep": 1, "bypass-governance": True}, lambda found: found.listed("Versions"), 1,
                                     bucket=LOCKED, source={**SOURCE, **GOVERNED}, without=LISTED,
                                     before=lambda found: found("put_object", Body=b"new")),
    "expire-versions-markers": Case("expire-versions", {"keep": 1, "lone-markers": True}, lambda found: found.listed("DeleteMarkers"), 0,
                                    bucket=LOCKED, without=LISTED, before=leave_a_lone_marker),
    # Time passes between the beginning of an upload and the job: more than a millisecond.
    "abort-uploads": Case("abort-uploads", {"older-than": "1ms"}, lambda found: found.uploads, 0, without=ENCODED,
                          before=lambda found: found("create_multipart_upload")),
    "abort-uploads-young": Case("abort-uploads", {"older-than": "7d"}, lambda found: found.uploads, 1, without=RENAMED, keys=3,
                                says="no upload to abort", before=lambda found: found("create_multipart_upload"),
                                differs={"moto": "it says of every upload that it began in 2010"}),
    "restore": archived("GLACIER", "BULK"),
}

#: Canned ACL -> what it lets others do than the owner.
CANNED = {
    "private": set(), "public-read": {(ALL_USERS, "READ")}, "public-read-write": {(ALL_USERS, "READ"), (ALL_USERS, "WRITE")},
    "aws-exec-read": {(EC2, "READ")}, "authenticated-read": {(AUTHENTICATED, "READ")}, "bucket-owner-read": set(),
    "bucket-owner-full-control": set(),
}
#: Every permission, and every way to name a grantee.
GRANTS = [("id", "alice", "FULL_CONTROL"), ("id", "bob", "READ"), ("id", "carol", "WRITE"), ("uri", ALL_USERS, "READ_ACP"),
          ("id", "dave", "WRITE_ACP"), ("emailAddress", "a@example.com", "READ")]
CLASSES = ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
#: Nobody has this address in the sandbox.
UNKNOWN = {"id": {}, "uri": {}, "emailAddress": {"sandbox": ("UnresolvableGrantByEmailAddress", "email address")}}


def only(values, value, store, what):
    """What is so with some values only."""
    return {store: what} if value in values else {}


def canned_acl(name, rights):
    other = "authenticated-read" if name == "public-read" else "public-read"
    return Case("acl", {"canned": name}, lambda found: found.rights, rights,
                before=lambda found: found("put_object_acl", ACL=other), lacks=only(["aws-exec-read"], name, "seaweedfs", "PutObjectAcl"),
                differs=only(["public-read-write", "aws-exec-read"], name, "moto", "it leaves this grant out"))


def copy_canned_acl(name, rights):
    """What an ACL that leaves all to the owner does, no ACL does too: the header is looked at."""
    differs = {**only(["public-read-write", "aws-exec-read"], name, "moto", "it leaves this grant out"),
               **only(["aws-exec-read"], name, "seaweedfs", "it ignores the header, and no group shows that")}
    shows = [name for name, rights in CANNED.items() if rights and name != "aws-exec-read"]
    return copy({"canned-acl": name}, lambda found: found.rights, rights, sends={"x-amz-acl": name}, differs=differs,
                refuses=only(shows, name, "seaweedfs", ("NotImplemented", "x-amz-acl")))


def granted(kind, grantee, permission):
    """Grants with one grant, and whether it is there."""
    return [{"type": kind, "grantee": grantee, "permission": permission}], lambda found: (grantee, permission) in found.grants


def acl_grant(kind, *grant):
    grants, outcome = granted(kind, *grant)
    return Case("acl", {"grants": grants}, outcome, True, refuses=UNKNOWN[kind],
                differs={"seaweedfs": "it ignores the x-amz-grant headers"})


def copy_grant(kind, *grant):
    grants, outcome = granted(kind, *grant)
    return copy({"grants": grants}, outcome, True, refuses={**UNKNOWN[kind], "seaweedfs": ("NotImplemented", "x-amz-grant-")})


def copy_checksum(algorithm, digest):
    """The source keeps another one."""
    wrong = [name for name in SUMS if name not in ("CRC32", "SHA1", "SHA256")]
    return copy({"checksum-algorithm": algorithm},
                lambda found: found.header(f"x-amz-checksum-{algorithm.lower()}", ChecksumMode="ENABLED"),
                base64.b64encode(bytes.fromhex(digest)).decode(),
                source={**SOURCE, "ChecksumAlgorithm": "SHA256" if algorithm == "SHA1" else "SHA1"},
                differs=only(wrong, algorithm, "moto", "it computes another one"),
                refuses={"seaweedfs": ("NotImplemented", "x-amz-checksum-algorithm")})


def copy_held(hold, headers, mode=None):
    """An event hold, which of the stores here only the sandbox has."""
    sends = {f"x-amz-object-lock-event-hold{name}": value for name, value in headers.items()}
    refuses = {"seaweedfs": ("NotImplemented", "x-amz-object-lock-event-hold"), "moto": NO_RETENTION}
    if mode:
        sends["x-amz-object-lock-mode"] = mode
        refuses["moto"] = NO_BODY
    shown = [f"ObjectLock{name}" for name in ("EventHold", "EventHoldDurationDays", "EventHoldDurationYears", "Mode")]
    return copy({"event-hold": hold}, lambda found: found.head(*shown), (hold["status"], hold.get("days"), hold.get("years"), mode),
                target=LOCKED, sends=sends, refuses=refuses)


def copy_locked(mode):
    parameters = {"lock": {"mode": mode, "retain-until": "2040-01-01T00:00:00Z"}, "legal-hold": True}
    # A second copy is a second version; what is looked at is the current one.
    return copy(parameters, lambda found: (*found.retention, *found.head("ObjectLockLegalHoldStatus"), found.body),
                (mode, 2040, "ON", b"body"), target=LOCKED,
                refuses={"moto": NO_BODY, "seaweedfs": ("NotImplemented", "x-amz-object-lock-mode")})


def move(storage_class):
    other = "STANDARD_IA" if storage_class == "STANDARD" else "STANDARD"
    # moto tells no ACL of an archived object, which is read first.
    again = only(["GLACIER", "DEEP_ARCHIVE"], storage_class, "moto", "InvalidObjectState")
    return Case("storage-class", {"storage-class": storage_class}, lambda found: found.storage_class, storage_class,
                source={**SOURCE, "StorageClass": other}, refuses=SAME_TO_SEAWEEDFS, again=again)


#: Every value of parameters that have few: in one job, a step for each of them, which is for the one object with its name.
FAMILIES = {
    "acl-canned": {name: canned_acl(name, rights) for name, rights in CANNED.items()},
    "acl-grants": {f"{kind}-{permission}": acl_grant(kind, grantee, permission) for kind, grantee, permission in GRANTS},
    "copy-canned-acl": {name: copy_canned_acl(name, rights) for name, rights in CANNED.items()},
    "copy-grants": {f"{kind}-{permission}": copy_grant(kind, grantee, permission) for kind, grantee, permission in GRANTS
                    if permission != "WRITE"},
    "copy-checksum": {algorithm: copy_checksum(algorithm, digest) for algorithm, digest in SUMS.items()},
    "copy-class": {name: copy({"storage-class": name}, lambda found: found.storage_class, name, sends={"x-amz-storage-class": name})
                   for name in CLASSES},
    "copy-annotations": {name: copy({"annotations": name}, lambda found: found.body, b"body",
                                    sends={"x-amz-object-annotation-directive": name.upper()}) for name in ("copy", "exclude")},
    "copy-event-hold": {
        "on": copy_held({"status": "ON", "days": 3}, {"": "ON", "-duration-days": "3"}),
        "years": copy_held({"status": "ON", "years": 2}, {"": "ON", "-duration-years": "2"}),
        "off": copy({"event-hold": {"status": "OFF"}}, lambda found: found.body, b"body", target=LOCKED, sends={HOLD: "OFF"}),
        **{mode: copy_held({"status": "ON", "mode": mode, "days": 3}, {"": "ON"}, mode) for mode in ("GOVERNANCE", "COMPLIANCE")}},
    "copy-lock": {mode: copy_locked(mode) for mode in ("GOVERNANCE", "COMPLIANCE")},
    "storage-class": {name: move(name) for name in CLASSES},
    "legal-hold": {status: hold(status) for status in ("ON", "OFF")},
    "retention": {mode: retention(mode) for mode in ("GOVERNANCE", "COMPLIANCE")},
    # The sandbox takes a faster tier than that of the restore in progress, and no EXPEDITED for DEEP_ARCHIVE.
    "restore": {
        "STANDARD": archived("GLACIER", "STANDARD", before=restoring),
        "BULK": archived("GLACIER", "BULK", before=restoring, refuses={"sandbox": ("RestoreAlreadyInProgress", "in progress")}),
        "EXPEDITED": archived("DEEP_ARCHIVE", "EXPEDITED", refuses={"sandbox": ("InvalidArgument", "Retrieval option")})},
    "checksum": {
        algorithm: Case("checksum", {"algorithm": algorithm, "type": "FULL_OBJECT"}, lambda found: found.body, b"body",
                        says=f'"checksum_hex":"{digest.upper()}"') for algorithm, digest in SUMS.items()},
}

#: Values that an operation refuses before there is a job: operation -> parameters, and words of the message.
INVALID = {
    "copy": ({"target-bucket": "copies", "grants": [{"type": "id", "grantee": "carol", "permission": "WRITE"}]},
             "S3 knows permission WRITE on buckets only"),
}
#: What no case shows, and where it is tested: with two servers, with time that passes, with more than one object, or with a
#: state that many jobs change.
ELSEWHERE = {
    "copy": {"target-store": "tests/e2e/test_two_stores.py"},
    "replicate": {"stores": "tests/e2e/test_replicate.py", "noncurrent-versions": "tests/e2e/test_replicate.py"},
    "restore": {"wait": "tests/e2e/test_restore.py", "check-every": "tests/e2e/test_restore.py"},
    "retention": {"event-hold": "tests/e2e/test_event_hold.py"},
}
#: Operations that need no store.
WITHOUT_STORE = {"invoke", "noop"}
