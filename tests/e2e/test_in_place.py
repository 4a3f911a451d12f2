"""Copies in place lose nothing, on two independent servers; outcomes are read back with boto3."""

import datetime

import pytest

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


def test_a_lock_goes_along(sandbox, bucket_of, workspace_of):
    # moto wants a Content-MD5 of every write with a lock, also of a copy, which has no content.
    server, workspace = sandbox, workspace_of(sandbox)
    bucket = bucket_of(server, ObjectLockEnabledForBucket=True)
    until = datetime.datetime(2031, 2, 3, tzinfo=UTC)
    server.put(bucket, ["k"], ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON")
    workspace.manifest(bucket, ["k"])
    workspace.job("storage-class", {"storage-class": "STANDARD_IA"})
    run_to(workspace, "moved from STANDARD to STANDARD_IA")
    head = server.client().head_object(Bucket=bucket, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    assert head["ObjectLockRetainUntilDate"] == until


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
