"""Deletions of objects that a customer's key encrypts (SSE-C): they need no key, and HeadObject does."""

import pytest

SEALED = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


@pytest.fixture
def sealed(sandbox, bucket, workspace):
    sandbox.put(bucket, ["k"], **SEALED)
    workspace.manifest(bucket, ["k"])
    return workspace


def keys(sandbox, bucket):
    return [listed["Key"] for listed in sandbox.client().list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_they_are_deleted(sandbox, bucket, sealed):
    sealed.job("delete")
    job = sealed.run_twice(lambda: keys(sandbox, bucket))
    assert sealed.outcomes(job)["k"] == ("succeeded", "200", "", "deleted for good")
    assert keys(sandbox, bucket) == []


def test_a_version_is_deleted(sandbox, bucket, workspace):
    client = sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old, new = [client.put_object(Bucket=bucket, Key="k", Body=b"body", **SEALED)["VersionId"] for _ in range(2)]
    workspace.manifest(bucket, ["k"], [old])
    workspace.job("delete", fields='["Bucket", "Key", "VersionId"]')
    result = workspace.run()
    assert workspace.outcomes(result.job)["k"] == ("succeeded", "200", "", "version deleted for good")
    assert [it["VersionId"] for it in client.list_object_versions(Bucket=bucket)["Versions"]] == [new]


def test_a_condition_that_cannot_be_compared_is_not_met(sandbox, bucket, sealed):
    sealed.job("delete", {"if-match": "e"})
    result = sealed.run()
    status, http_status, code, message = sealed.outcomes(result.job)["k"]
    assert (result.code, status, http_status, code) == (3, "failed", "400", "InvalidRequest")
    assert "encrypts it (SSE-C)" in message and message.endswith("delete it without if-match")
    assert keys(sandbox, bucket) == ["k"]
