"""Replication by the configuration of the bucket: what replicas carry, which objects get one, and the row in the report of
every code that Amazon has for it. Outcomes are read back with boto3."""

import datetime
import json

import pytest

from harness import ODD_KEYS
from test_two_stores import MAIN, second_store

UTC = datetime.timezone.utc
MIB = 1024 * 1024
VERSIONS = dict(fields='["Bucket", "Key", "VersionId"]')
LOCKED = {"ObjectLockEnabledForBucket": True}
KMS = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-55555555555"
RICH = {"ContentType": "text/plain", "CacheControl": "no-cache", "ContentDisposition": "inline", "ContentLanguage": "de",
        "Metadata": {"team": "a"}, "Tagging": "a=1&b=2", "WebsiteRedirectLocation": "/there", "StorageClass": "STANDARD_IA",
        "ChecksumAlgorithm": "SHA256"}
HEADERS = ["ContentType", "CacheControl", "ContentDisposition", "ContentLanguage", "WebsiteRedirectLocation", "StorageClass",
           "ChecksumSHA256", "ETag"]


def rule(bucket, number=1, **more):
    """A rule for every object, or as `more` says."""
    destination = {"Bucket": f"arn:aws:s3:::{bucket}", **more.pop("Destination", {})}
    return {"ID": f"rule-{number}", "Priority": number, "Status": "Enabled", "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": destination, **more}


class World:
    """Two buckets that keep versions, and a workspace."""

    def __init__(self, server, bucket_of, workspace_of, policies=None, **options):
        self.server, self.bucket_of, self.options = server, bucket_of, options
        self.client, self.workspace = server.client(), workspace_of(server, policies)
        self.source, self.target = self.versioned(), self.versioned()

    def versioned(self, server=None):
        server = server or self.server
        bucket = self.bucket_of(server, **self.options)
        server.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return bucket

    def rules(self, *rules):
        configuration = {"Role": "arn:aws:iam::111122223333:role/replication", "Rules": list(rules)}
        self.client.put_bucket_replication(Bucket=self.source, ReplicationConfiguration=configuration)

    def put(self, key="k", **more):
        return self.client.put_object(Bucket=self.source, Key=key, **{"Body": b"body", **more})["VersionId"]

    def job(self, rows, parameters="{}", **more):
        """A job for keys, or for pairs of key and version."""
        versions = [version for _, version in rows] if isinstance(rows[0], tuple) else None
        keys = [key for key, _ in rows] if versions else rows
        self.workspace.manifest(self.source, keys, versions)
        self.workspace.job("replicate", parameters, **(VERSIONS if versions else {}), **more)

    def run(self, rows, parameters="{}", **more):
        """(status, HTTP status, code, message) of each row."""
        self.job(rows, parameters, **more)
        result = self.workspace.run()
        return [tuple(row[3:]) for row in self.workspace.rows(result.job)]

    def failed(self, parameters="{}", key="k", **more):
        """The code of a row that failed, and its message; its HTTP status is that of Amazon's reports."""
        [(status, http_status, code, message)] = self.run([key], parameters, **more)
        assert (status, http_status) == ("failed", "500"), message
        return code, message

    def versions(self, bucket=None):
        return self.client.list_object_versions(Bucket=bucket or self.target).get("Versions", [])


@pytest.fixture
def world(sandbox, bucket_of, workspace_of):
    return World(sandbox, bucket_of, workspace_of)


@pytest.fixture
def world_of(bucket_of, workspace_of):
    """Worlds with policies, buckets or servers of their own."""
    return lambda server, policies=None, **options: World(server, bucket_of, workspace_of, policies, **options)


@pytest.fixture
def refusing(sandbox, world_of):
    """Worlds whose role may not do certain things."""

    def make(*actions, where="*", **options):
        policies = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                    {"Effect": "Deny", "Action": list(actions), "Resource": where}]
        world = world_of(sandbox, policies, **options)
        world.rules(rule(world.target))
        return world

    return make


def seen(client, bucket, key):
    head = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    grants = client.get_object_acl(Bucket=bucket, Key=key)["Grants"]
    return {**{name: head.get(name) for name in HEADERS}, "Body": client.get_object(Bucket=bucket, Key=key)["Body"].read(),
            "tags": {tag["Key"]: tag["Value"] for tag in tags}, "grants": sorted(map(json.dumps, grants))}


def test_replicas_carry_everything_and_are_made_once(world):
    versions = [(key, world.put(key, Body=f"body of {key}".encode(), **RICH)) for key in ODD_KEYS]
    world.client.put_object_acl(Bucket=world.source, Key=ODD_KEYS[0], ACL="public-read")
    world.rules(rule(world.target))
    world.job(versions)
    world.workspace.run_twice(lambda: sorted((it["Key"], it["VersionId"]) for it in world.versions()))
    for key, version in versions:
        replica = seen(world.client, world.target, key)
        assert replica == seen(world.client, world.source, key)
        head = world.client.head_object(Bucket=world.target, Key=key)
        assert head["Metadata"] == {"team": "a", "longshore-replica-of": f"{version}/{head['ETag'][1:-1]}"}
    assert any("AllUsers" in grant for grant in seen(world.client, world.target, ODD_KEYS[0])["grants"])
    assert len(world.versions()) == len(ODD_KEYS)
    [(*_, message)] = world.run(versions[:1])
    assert message == f"replicated before to {world.target}"


def test_a_replica_without_a_mark_is_known_by_what_it_is(world):
    world.put(**RICH)
    world.rules(rule(world.target))
    world.job(["k"], {"mark": False})
    world.workspace.run_twice(lambda: [it["VersionId"] for it in world.versions()])
    assert world.client.head_object(Bucket=world.target, Key="k")["Metadata"] == {"team": "a"}


def test_locks_go_along(world_of, sandbox):
    world = world_of(sandbox, **LOCKED)
    until = datetime.datetime(2040, 1, 2, tzinfo=UTC)
    world.put(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON")
    world.put("free")
    world.rules(rule(world.target))
    assert [row[0] for row in world.run(["k", "free"])] == ["succeeded", "succeeded"]
    head = world.client.head_object(Bucket=world.target, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", until, "ON")
    assert "ObjectLockMode" not in world.client.head_object(Bucket=world.target, Key="free")


def test_rules_choose_objects_and_destinations(world):
    other = world.versioned()
    logs = {"And": {"Prefix": "logs/", "Tags": [{"Key": "keep", "Value": "yes"}]}}
    world.rules(
        rule(world.target, 1),
        rule(world.target, 2, Filter={"Prefix": "logs/"}, Destination={"StorageClass": "GLACIER_IR"}),
        rule(other, 3, Filter=logs),
        rule(other, 4, Status="Disabled"),
    )
    for key, tagging in {"data": "", "logs/a": "", "logs/b": "keep=yes"}.items():
        world.put(key, Tagging=tagging, StorageClass="STANDARD_IA")
    rows = world.run(["data", "logs/a", "logs/b"])
    assert [row[3] for row in rows] == [f"replicated to {world.target}"] * 2 + [f"replicated to {world.target}, {other}"]
    classes = {it["Key"]: it["StorageClass"] for it in world.versions()}
    assert classes == {"data": "STANDARD_IA", "logs/a": "GLACIER_IR", "logs/b": "GLACIER_IR"}
    assert [it["Key"] for it in world.versions(other)] == ["logs/b"]


def test_encryption_and_owner_as_the_rule_says(world):
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    world.rules(rule(world.target, SourceSelectionCriteria=criteria, Destination={
        "Account": "111122223333", "AccessControlTranslation": {"Owner": "Destination"},
        "EncryptionConfiguration": {"ReplicaKmsKeyID": f"{KMS}6"},
    }))
    world.put("kms", ServerSideEncryption="aws:kms", SSEKMSKeyId=f"{KMS}5", BucketKeyEnabled=True)
    world.put("plain")
    assert [row[0] for row in world.run(["kms", "plain"])] == ["succeeded", "succeeded"]
    head = world.client.head_object(Bucket=world.target, Key="kms")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"], head["BucketKeyEnabled"]) == ("aws:kms", f"{KMS}6", True)
    assert world.client.head_object(Bucket=world.target, Key="plain")["ServerSideEncryption"] == "AES256"


def test_to_another_store(world, moto):
    there = world.versioned(moto)
    # The sandbox wants to see the bucket when it is named.
    world.client.create_bucket(Bucket=there)
    world.client.put_bucket_versioning(Bucket=there, VersioningConfiguration={"Status": "Enabled"})
    world.rules(rule(world.target, 1), rule(there, 2))
    world.workspace.configure(second_store(moto))
    world.put(**RICH)
    world.put("large", Body=bytes(9 * MIB), Metadata={"team": "b"})
    world.job(["k", "large"], {"stores": {there: "second"}}, head=MAIN)
    world.workspace.run_twice(lambda: [(it["Key"], it["VersionId"]) for it in moto.client().list_object_versions(Bucket=there)["Versions"]])
    [row, _] = world.run(["k", "large"], {"stores": {there: "second"}}, head=MAIN)
    assert row[3] == f'replicated before to {world.target}, {there} (store "second")'
    assert world.versions(there) == [], "it is the other store's bucket that is meant"
    head = moto.client().head_object(Bucket=there, Key="k")
    assert (head["Metadata"]["team"], head["CacheControl"], head["ContentLength"]) == ("a", "no-cache", 4)
    tags = moto.client().get_object_tagging(Bucket=there, Key="k")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "2"}
    assert moto.client().head_object(Bucket=there, Key="large")["ContentLength"] == 9 * MIB


def test_stores_are_those_of_the_configuration(world):
    world.workspace.configure(second_store(world.server))
    world.workspace.manifest(world.source, ["k"])
    world.workspace.job("replicate", {"stores": {"far": "secnd", "near": "main"}}, head=MAIN)
    refused = world.workspace.longshore("validate", "job.toml")
    assert refused.code == 2
    assert 'unknown store "secnd"' in refused.err and 'did you mean "second"?' in refused.err
    assert 'store "main" is the job\'s own' in refused.err


def test_versions_that_are_not_current_are_replicated_when_asked_for(world):
    old, new = world.put(Body=b"old"), world.put(Body=b"new")
    world.rules(rule(world.target))
    older = {"noncurrent-versions": True}
    [(status, http_status, code, message)] = world.run([("k", old)])
    assert (status, http_status, code) == ("failed", "500", "SrcObjectNotEligible")
    assert "noncurrent-versions = true" in message
    assert [row[0] for row in world.run([("k", old)], older) + world.run([("k", new)])] == ["succeeded"] * 2
    assert [row[3] for row in world.run([("k", old)], older)] == [f"replicated before to {world.target}"]
    bodies = [world.client.get_object(Bucket=world.target, Key="k", VersionId=it["VersionId"])["Body"].read() for it in world.versions()]
    assert bodies == [b"new", b"old"]


def test_a_newer_replica_is_not_hidden_by_an_older_one(world):
    old, new = world.put(Body=b"old"), world.put(Body=b"new")
    world.rules(rule(world.target))
    world.run([("k", new)])
    [(*_, code, message)] = world.run([("k", old)], {"noncurrent-versions": True})
    assert (code, "a newer version is replicated already" in message) == ("SrcObjectNotEligible", True)
    assert world.client.get_object(Bucket=world.target, Key="k")["Body"].read() == b"new"


def test_delete_markers(world):
    world.put()
    world.rules(rule(world.target, DeleteMarkerReplication={"Status": "Enabled"}))
    world.run(["k"])
    marker = world.client.delete_object(Bucket=world.source, Key="k")["VersionId"]
    assert world.run([("k", marker)]) == [("succeeded", "200", "", f"delete marker replicated to {world.target}")]
    assert "Contents" not in world.client.list_objects_v2(Bucket=world.target)
    assert world.run([("k", marker)]) == [("succeeded", "200", "", f"nothing to delete in {world.target}")]
    assert len(world.client.list_object_versions(Bucket=world.target)["DeleteMarkers"]) == 1
    world.put()
    world.run(["k"])
    [(*_, code, message)] = world.run([("k", marker)])
    assert (code, "would hide newer ones" in message) == ("SrcObjectNotEligible", True)


def test_rules_of_the_first_version_replicate_delete_markers(world):
    world.put()
    first = {"ID": "v1", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": f"arn:aws:s3:::{world.target}"}}
    world.rules(first)
    world.run(["k"])
    marker = world.client.delete_object(Bucket=world.source, Key="k")["VersionId"]
    assert world.run([("k", marker)]) == [("succeeded", "200", "", f"delete marker replicated to {world.target}")]
    assert "Contents" not in world.client.list_objects_v2(Bucket=world.target)


def test_rights_to_write_go_along(world):
    world.put(ACL="public-read-write")
    world.rules(rule(world.target))
    assert [row[0] for row in world.run(["k"])] == ["succeeded"]
    grants = seen(world.client, world.target, "k")["grants"]
    assert grants == seen(world.client, world.source, "k")["grants"]
    assert any('"WRITE"' in grant for grant in grants)


def test_one_destination_that_fails_does_not_keep_the_others_waiting(world):
    gone = world.versioned()
    world.put()
    world.rules(rule(gone, 1), rule(world.target, 2))
    world.client.delete_bucket(Bucket=gone)
    code, message = world.failed()
    assert code == "DstBucketNotFound"
    assert message.startswith(f"to bucket {gone}: NoSuchBucket: ") and message.endswith(f"(replicated to {world.target})")
    assert len(world.versions()) == 1


# Rows with the codes of Amazon's reports (its user guide, "Amazon S3 replication failure reasons"). test_failure_codes.py has
# the list.


def test_the_source_is_not_there(world):
    world.rules(rule(world.target))
    gone = world.put()
    world.client.delete_object(Bucket=world.source, Key="k", VersionId=gone)
    assert world.failed()[0] == "SrcObjectNotFound"
    assert [row[2] for row in world.run([("k", gone)])] == ["SrcVersionNotFound"]


def test_the_bucket_is_not_there_or_has_no_configuration(world):
    world.put()
    code, message = world.failed()
    assert (code, "ReplicationConfigurationNotFoundError" in message) == ("SrcBucketReplicationConfigMissing", True)
    world.source = "never-made"
    assert world.failed()[0] == "SrcBucketNotFound"


ANSWERS = [
    ("GET", "the-source", "", "status=403,code=AccessDenied", "InitiateReplicationNotPermitted"),
    ("GET", "the-source", "", "status=400,code=AuthorizationHeaderMalformed", "SrcBucketInvalidRegion"),
    ("HEAD", "the-source", "k", "status=403", "SrcHeadObjectNotPermitted"),
    ("HEAD", "the-source", "k", "status=400", "SrcObjectNotEligible"),
    ("GET", "the-source", "k", "status=400,code=KMS.DisabledException", "SrcKmsKeyInvalidState"),
    ("GET", "the-target", "", "status=400,code=IllegalLocationConstraintException", "DstBucketInvalidRegion"),
    ("PUT", "the-target", "k", "status=403,code=AccessDenied", "DstPutObjectNotPermitted"),
    ("PUT", "the-target", "k", "status=404,code=NoSuchKey", "SrcKeyNotFound"),
    ("PUT", "the-target", "k", "status=400,code=KMS.NotFoundException", "DstKmsKeyNotFound"),
    ("PUT", "the-target", "k", "status=400,code=KMS.DisabledException", "DstKmsKeyInvalidState"),
]


@pytest.mark.parametrize("method, bucket, key, answer, code", ANSWERS, ids=[answer[-1] for answer in ANSWERS])
def test_what_the_store_answers(sandbox_with, workspace_of, method, bucket, key, answer, code):
    server = sandbox_with("--fault", f"{answer},method={method},bucket={bucket}" + (f",key={key}" if key else ""))
    names = iter(["the-source", "the-target"])

    def make(server, **options):
        name = next(names)
        server.client().create_bucket(Bucket=name)
        return name

    world = World(server, make, workspace_of)
    world.put()
    world.rules(rule(world.target))
    assert world.failed()[0] == code


REFUSALS = {
    "s3:GetObjectVersionAcl": "SrcGetAclNotPermitted",
    "s3:GetObjectRetention": "SrcGetRetentionNotPermitted",
    "s3:GetObjectLegalHold": "SrcGetLegalHoldNotPermitted",
    "s3:GetObjectVersion": "SrcGetObjectNotPermitted",
    "s3:PutObject": "DstPutObjectNotPermitted",
    "s3:PutObjectTagging": "DstPutTaggingNotPermitted",
    "s3:PutObjectAcl": "DstPutAclNotPermitted",
    "s3:PutObjectRetention": "DstPutRetentionNotPermitted",
    "s3:PutObjectLegalHold": "DstPutLegalHoldNotPermitted",
}


@pytest.mark.parametrize("action", REFUSALS)
def test_what_the_role_may_not(refusing, action):
    world = refusing(action, **LOCKED)
    world.put(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=datetime.datetime(2040, 1, 2, tzinfo=UTC),
              ObjectLockLegalHoldStatus="ON")
    world.client.put_object_acl(Bucket=world.source, Key="k", ACL="public-read")
    code, message = world.failed()
    assert code == REFUSALS[action]
    assert f"may not {action} on arn:aws:s3:::" in message


def test_tags_that_may_not_be_read(refusing):
    world = refusing("s3:GetObjectVersionTagging")
    world.put(Tagging="a=1")
    code, message = world.failed()
    assert (code, "may not s3:GetObjectVersionTagging" in message) == ("SrcGetTaggingNotPermitted", True)
    world.rules(rule(world.target, Filter={"Tag": {"Key": "a", "Value": "1"}}))
    assert world.failed()[0] == "SrcGetTaggingNotPermitted"


@pytest.mark.parametrize("action", ["s3:InitiateReplication", "s3:GetReplicationConfiguration", "s3:GetObject"])
def test_what_the_plan_asks_for_is_refused_before_anything_is_sent(refusing, action):
    world = refusing(action)
    world.put()
    [(status, http_status, code, message)] = world.run(["k"])
    assert (status, http_status, code) == ("failed", "403", "AccessDenied")
    assert f"may not {action} on arn:aws:s3:::{world.source}" in message


def test_a_delete_marker_that_may_not_be_made(refusing):
    world = refusing("s3:DeleteObject")
    world.rules(rule(world.target, DeleteMarkerReplication={"Status": "Enabled"}))
    world.put()
    world.run(["k"])
    marker = world.client.delete_object(Bucket=world.source, Key="k")["VersionId"]
    [row] = world.run([("k", marker)])
    assert row[:3] == ("failed", "500", "DstDelObjNotPermitted")


def test_destinations_that_take_no_replicas(world, world_of, sandbox, bucket_of):
    world.put()
    world.rules(rule(world.target))
    world.client.delete_bucket_replication(Bucket=world.source)
    plain = bucket_of(sandbox)
    # A bucket that is a destination is versioned, as long as nobody makes it anew.
    world.client.put_bucket_versioning(Bucket=plain, VersioningConfiguration={"Status": "Enabled"})
    world.rules(rule(plain))
    world.client.put_bucket_versioning(Bucket=plain, VersioningConfiguration={"Status": "Suspended"})
    assert world.failed()[0] == "DstBucketUnversioned"
    locked = world_of(sandbox, **LOCKED)
    locked.put(ObjectLockLegalHoldStatus="ON")
    locked.rules(rule(world.target))
    assert locked.failed()[0] == "DstBucketObjectLockConfigMissing"


#: The second of two requests: the seed decides.
SECOND = "rate=0.5,seed=3"


@pytest.mark.parametrize("fault, code", [
    ("method=POST", "DstMultipartInitNotPermitted"),
    ("method=PUT", "DstMultipartUploadNotPermitted"),
    (f"method=POST,{SECOND}", "DstMultipartCompleteNotPermitted"),
])
def test_uploads_that_are_refused(world, sandbox_with, fault, code):
    far = sandbox_with("--fault", f"status=403,code=AccessDenied,key=large,{fault}")
    for server in (far, world.server):
        server.client().create_bucket(Bucket="far")
        server.client().put_bucket_versioning(Bucket="far", VersioningConfiguration={"Status": "Enabled"})
    world.workspace.configure(second_store(far))
    world.put("large", Body=bytes(9 * MIB))
    world.rules(rule("far"))
    assert world.failed({"stores": {"far": "second"}}, "large", head=MAIN)[0] == code
    assert "Uploads" not in far.client().list_multipart_uploads(Bucket="far")


def test_objects_that_are_not_eligible(world):
    kms = dict(ServerSideEncryption="aws:kms", SSEKMSKeyId=f"{KMS}5")
    world.rules(rule(world.target, Filter={"Tag": {"Key": "keep", "Value": "yes"}}))
    tiers = {"Id": "cold", "Status": "Enabled", "Filter": {"Prefix": "tier"}, "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    world.client.put_bucket_intelligent_tiering_configuration(Bucket=world.source, Id="cold", IntelligentTieringConfiguration=tiers)
    words = {"archived": "archived (GLACIER)", "deep": "archived (DEEP_ARCHIVE)", "tier": "archived (ARCHIVE_ACCESS)",
             "kms": "SseKmsEncryptedObjects", "customer": "the customer's key", "other": 'the tag "keep" = "yes"'}
    objects = {"archived": {"StorageClass": "GLACIER"}, "deep": {"StorageClass": "DEEP_ARCHIVE"},
               "tier": {"StorageClass": "INTELLIGENT_TIERING"}, "kms": kms,
               "customer": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, "other": {}}
    for key, more in objects.items():
        world.put(key, Tagging="keep=no" if key == "other" else "keep=yes", **more)
    rows = world.run(list(words))
    assert {row[:3] for row in rows} == {("failed", "500", "SrcObjectNotEligible")}
    for row, (key, said) in zip(rows, words.items()):
        assert said in row[3], key
