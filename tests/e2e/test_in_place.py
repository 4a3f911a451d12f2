"""Copies in place lose nothing, on two independent servers; outcomes are read back with boto3."""

import datetime

import pytest

from documents import ALLOW_ALL, allow, deny
from test_update_encryption import with_updates

UTC = datetime.timezone.utc
GROUP = "http://acs.amazonaws.com/groups/global/AllUsers"
RICH = {"ContentType": "text/plain", "CacheControl": "no-cache", "ContentDisposition": "inline", "ContentEncoding": "identity",
        "ContentLanguage": "de", "Metadata": {"team": "a"}, "Tagging": "a=1&b=2", "WebsiteRedirectLocation": "/there"}


@pytest.fixture
def bucket(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


def everything(server, bucket, key):
    """What an object has, but for what a copy in place must change."""
    client = server.client()
    head = client.head_object(Bucket=bucket, Key=key)
    for name in ("ResponseMetadata", "LastModified", "VersionId", "AcceptRanges"):
        head.pop(name, None)
    tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    grants = client.get_object_acl(Bucket=bucket, Key=key)["Grants"]
    body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    grants = sorted((grant["Permission"], grant["Grantee"].get("URI") or grant["Grantee"]["ID"]) for grant in grants)
    return {"head": head, "tags": sorted((tag["Key"], tag["Value"]) for tag in tags), "grants": grants, "body": body}


def run_to(workspace, expected_message):
    """Runs the job and a second time: every task says the message, then that nothing is to do."""
    first = workspace.run()
    assert first.code == 0, first.out + first.err
    assert {row[3] for row in workspace.outcomes(first.job).values()} == {expected_message}
    second = workspace.run()
    assert all(row[3].endswith("already") for row in workspace.outcomes(second.job).values())


def test_another_class_and_nothing_else(server, bucket, workspace):
    keys = server.odd_keys
    server.put(bucket, keys, **RICH)
    server.client().put_object_acl(Bucket=bucket, Key=keys[0], ACL="public-read")
    before = {key: everything(server, bucket, key) for key in keys}
    workspace.manifest(bucket, keys)
    workspace.job("storage-class", {"storage-class": "STANDARD_IA"})
    run_to(workspace, "moved from STANDARD to STANDARD_IA")
    for key in keys:
        after = everything(server, bucket, key)
        assert after["head"].pop("StorageClass") == "STANDARD_IA"
        assert after == before[key], key
    assert ("READ", GROUP) in before[keys[0]]["grants"]


def test_metadata_are_merged_removed_replaced(server, bucket, workspace):
    server.put(bucket, ["dir/page.html"], **RICH)
    before = everything(server, bucket, "dir/page.html")
    workspace.write("manifest.csv", f"{bucket},dir/page.html,ann\n")
    fields = '["Bucket", "Key", { column = "owner" }]'
    workspace.job("metadata", '{ mode = "merge", content-type-by-extension = true, expires = "2031-02-03", '
                  'user = { owner = "{{column.owner}}", dir = "{{key_dir}}" } }', fields=fields)
    run_to(workspace, "Successful")
    merged = everything(server, bucket, "dir/page.html")
    assert merged["head"]["ContentType"] == "text/html"
    assert merged["head"]["Metadata"] == {"team": "a", "owner": "ann", "dir": "dir"}
    assert merged["head"]["ExpiresString"] == "Mon, 03 Feb 2031 00:00:00 GMT"
    workspace.job("metadata", '{ mode = "remove", names = ["expires", "user.owner", "user.dir"] }', fields=fields)
    run_to(workspace, "Successful")
    workspace.job("metadata", '{ mode = "merge", content-type = "text/plain" }', fields=fields)
    run_to(workspace, "Successful")
    assert everything(server, bucket, "dir/page.html") == before, "and back again"
    workspace.job("metadata", '{ mode = "replace", user = { only = "this" } }', fields=fields)
    run_to(workspace, "Successful")
    head = everything(server, bucket, "dir/page.html")["head"]
    assert (head["Metadata"], head["ContentType"], head.get("CacheControl")) == ({"only": "this"}, "text/plain", None)


def test_another_key_by_a_copy_where_the_store_has_no_better_way(server, bucket, workspace):
    server.put(bucket, ["k"], ServerSideEncryption="AES256", **RICH)
    before = everything(server, bucket, "k")
    workspace.manifest(bucket, ["k"])
    key = "arn:aws:kms:us-east-1:111122223333:key/3a1f0000-0000-4000-8000-000000000000"
    workspace.job("encrypt", {"algorithm": "aws:kms", "kms-key-id": key})
    run_to(workspace, "encrypted by a copy in place")
    after = everything(server, bucket, "k")
    assert (after["head"].pop("ServerSideEncryption"), after["head"].pop("SSEKMSKeyId")) == ("aws:kms", key)
    assert before["head"].pop("ServerSideEncryption") == "AES256"
    for state in (before, after):
        state["head"].pop("BucketKeyEnabled", None)
        state["head"].pop("ETag")  # not of the bytes where a KMS key is used
    assert after == before


@pytest.mark.parametrize(("operation", "parameters", "message"), [
    ("storage-class", {"storage-class": "STANDARD_IA"}, "moved from STANDARD to STANDARD_IA"),
    ("metadata", {"mode": "merge", "user": {"a": "b"}}, "Successful"),
    ("encrypt", {"algorithm": "aws:kms"}, "encrypted by a copy in place"),
])
def test_a_lock_goes_along(sandbox, bucket_of, workspace_of, operation, parameters, message):
    # moto wants a Content-MD5 of every write with a lock, also of a copy, which has no content.
    server, workspace = sandbox, workspace_of(sandbox)
    bucket = bucket_of(server, ObjectLockEnabledForBucket=True)
    until = datetime.datetime(2031, 2, 3, tzinfo=UTC)
    server.put(bucket, ["k"], ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON")
    workspace.manifest(bucket, ["k"])
    workspace.job(operation, parameters)
    run_to(workspace, message)
    head = server.client().head_object(Bucket=bucket, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    assert head["ObjectLockRetainUntilDate"] == until


LOCKED = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.datetime(2031, 2, 3, tzinfo=UTC),
          "ObjectLockLegalHoldStatus": "ON"}
COLDER = {"storage-class": "STANDARD_IA"}


@pytest.mark.parametrize("action", ["s3:GetBucketObjectLockConfiguration", "s3:GetObjectRetention", "s3:GetObjectLegalHold"])
def test_a_lock_that_may_not_be_read_is_not_lost(sandbox, bucket_of, workspace_of, action):
    bucket, workspace = bucket_of(sandbox, ObjectLockEnabledForBucket=True), workspace_of(sandbox, [ALLOW_ALL, deny(action)])
    sandbox.put(bucket, ["k"], **LOCKED)
    workspace.manifest(bucket, ["k"])
    workspace.job("storage-class", COLDER)
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    assert f"may not {action} on arn:aws:s3:::{bucket}" in workspace.refusals(result.job)["k"]
    assert len(sandbox.client().list_object_versions(Bucket=bucket)["Versions"]) == 1


def test_a_bucket_without_locks_needs_no_rights_to_them_and_is_asked_once(sandbox_with, bucket_of, workspace_of):
    server = sandbox_with()
    bucket = bucket_of(server)
    workspace = workspace_of(server, [ALLOW_ALL, deny(["s3:GetObjectRetention", "s3:GetObjectLegalHold"])])
    keys = [f"k{number}" for number in range(5)]
    server.put(bucket, keys)
    workspace.manifest(bucket, keys)
    workspace.job("storage-class", COLDER, concurrency=1)
    server.clear_log()
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    # What is read of the bucket itself is whether it has locks.
    asked = [entry for entry in server.log() if (entry["method"], entry["bucket"]) == ("GET", bucket) and not entry["key"]]
    assert len(asked) == 1, asked


def test_rights_to_write_are_kept(sandbox, bucket_of, workspace_of):
    bucket, workspace, client = bucket_of(sandbox), workspace_of(sandbox), sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    sandbox.put(bucket, ["k"], ACL="public-read-write")
    grants = everything(sandbox, bucket, "k")["grants"]
    assert ("WRITE", GROUP) in grants
    workspace.manifest(bucket, ["k"])
    workspace.job("storage-class", COLDER)
    run_to(workspace, "moved from STANDARD to STANDARD_IA")
    assert everything(sandbox, bucket, "k")["grants"] == grants


def test_a_lock_that_the_store_ignores_on_a_copy_is_set(seaweedfs, bucket_of, workspace_of):
    """SeaweedFS ignores the headers for locks on a copy."""
    bucket, workspace, client = bucket_of(seaweedfs, ObjectLockEnabledForBucket=True), workspace_of(seaweedfs), seaweedfs.client()
    seaweedfs.put(bucket, ["k"], **LOCKED)
    old = client.head_object(Bucket=bucket, Key="k")["VersionId"]
    workspace.manifest(bucket, ["k"])
    workspace.job("metadata", {"mode": "merge", "user": {"a": "b"}})
    result = workspace.run()
    assert result.code == 0, workspace.rows(result.job)
    head = client.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["VersionId"] != old) == ({"a": "b"}, True)
    retention = client.get_object_retention(Bucket=bucket, Key="k", VersionId=head["VersionId"])["Retention"]
    assert (retention["Mode"], retention["RetainUntilDate"]) == ("GOVERNANCE", LOCKED["ObjectLockRetainUntilDate"])
    hold = client.get_object_legal_hold(Bucket=bucket, Key="k", VersionId=head["VersionId"])
    assert hold["LegalHold"]["Status"] == "ON"


def test_a_key_by_its_arn_asks_for_no_rights_to_copy_beforehand(sandbox, bucket_of, workspace_of):
    """What only a copy needs is refused when the copy's turn comes, with nothing written."""
    bucket = bucket_of(sandbox)
    workspace = workspace_of(sandbox, [allow(["s3:GetObject", "s3:UpdateObjectEncryption"])])
    sandbox.put(bucket, ["k"], ServerSideEncryption="AES256")
    workspace.manifest(bucket, ["k"])
    key = "arn:aws:kms:us-east-1:111122223333:key/3a1f0000-0000-4000-8000-000000000000"
    workspace.job("encrypt", {"algorithm": "aws:kms", "kms-key-id": key})
    result = workspace.run()
    assert "may not s3:GetBucketObjectLockConfiguration" in workspace.refusals(result.job)["k"]
    assert sandbox.client().head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"
    with_updates(workspace)
    result = workspace.run()
    assert workspace.outcomes(result.job)["k"] == ("succeeded", "200", "", "encrypted anew without a copy")


def test_an_old_version_is_not_brought_back(server, bucket, workspace):
    client = server.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old, new = [client.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"old", b"new")]
    workspace.manifest(bucket, ["k", "k"], [old, new])
    workspace.job("storage-class", {"storage-class": "STANDARD_IA"}, fields='["Bucket", "Key", "VersionId"]')
    result = workspace.run()
    outcomes = {row[2]: row[3:6] for row in workspace.rows(result.job)}
    assert outcomes == {old: ["failed", "400", "InvalidRequest"], new: ["succeeded", "200", ""]}
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
