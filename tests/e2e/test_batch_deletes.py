"""`batch-deletes`: deletions that wait for each other go together, and each is one of its own all the same."""

import pytest

from documents import ALLOW_ALL, policy
from conformance_cases import RENAMED
from test_conformance import server  # noqa: F401 (a fixture)

COUNT = 1000


@pytest.fixture
def workspace_at(workspace_of):
    """A workspace whose store deletes in batches."""

    def make(server):
        workspace = workspace_of(server)
        file = workspace.directory / "longshore.toml"
        file.write_text(file.read_text().replace("path-style = true", "path-style = true\nbatch-deletes = true", 1))
        return workspace

    return make


def keys_of(server, bucket):
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def run(workspace, bucket, keys, code, versions=None, **more):
    workspace.manifest(bucket, keys, versions)
    workspace.job("delete", concurrency=64, extra="failure-threshold.percent = 100", **more)
    result = workspace.run()
    assert result.code == code, result.out + result.err
    return result


def test_a_thousand_objects_take_far_fewer_requests(sandbox, bucket, workspace_at):
    keys = [f"k{number:04}" for number in range(COUNT)]
    sandbox.put(bucket, keys)
    workspace = workspace_at(sandbox)
    sandbox.clear_log()
    result = run(workspace, bucket, keys, 0)
    assert (result.job["succeeded"], keys_of(sandbox, bucket)) == (COUNT, set())
    sent = [entry["method"] for entry in sandbox.log() if entry["method"] in ("DELETE", "POST")]
    assert "POST" in sent and len(sent) < COUNT / 4, len(sent)
    assert {outcome[3] for outcome in workspace.outcomes(result.job).values()} == {"deleted for good"}
    # A second run finds nothing to do.
    assert run(workspace, bucket, keys, 0).job["succeeded"] == COUNT


def test_unusual_keys(server, bucket_of, workspace_at):  # noqa: F811
    bucket, workspace = bucket_of(server), workspace_at(server)
    keys = [key for key in server.odd_keys if key not in RENAMED.get(server.name, ())]
    server.put(bucket, [*keys, "left"])
    run(workspace, bucket, keys, 0)
    assert keys_of(server, bucket) == {"left"}


def test_what_the_policies_refuse_is_in_no_batch(sandbox, bucket, workspace_at):
    keys = [f"{folder}/{number}" for number in range(100) for folder in ("go", "keep")]
    sandbox.put(bucket, keys)
    workspace = workspace_at(sandbox)
    workspace.write("role.json", policy(ALLOW_ALL, {
        "Sid": "Kept", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/keep/*"}))
    result = run(workspace, bucket, keys, 3)
    assert result.job["failures"] == {"AccessDenied": 100}
    assert keys_of(sandbox, bucket) == {key for key in keys if key.startswith("keep/")}


def test_what_the_store_refuses_fails_its_own_task(sandbox, bucket_of, workspace_at):
    bucket, client = bucket_of(sandbox, ObjectLockEnabledForBucket=True), sandbox.client()
    versions = {}
    for number in range(100):
        held = {"ObjectLockLegalHoldStatus": "ON"} if number % 10 == 0 else {}
        versions[f"k{number}"] = client.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x", **held)["VersionId"]
    workspace = workspace_at(sandbox)
    result = run(workspace, bucket, versions, 3, versions.values(), fields='["Bucket", "Key", "VersionId"]')
    assert (result.job["succeeded"], result.job["failures"]) == (90, {"AccessDenied": 10}), result.out + result.err
    for key, (status, http, code, message) in workspace.outcomes(result.job).items():
        expected = ("failed", "403", "AccessDenied") if int(key[1:]) % 10 == 0 else ("succeeded", "200", "")
        assert (status, http, code) == expected, (key, message)


def test_delete_markers_are_told_apart(sandbox, bucket_of, workspace_at):
    bucket, client = bucket_of(sandbox), sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keys = [f"k{number}" for number in range(100)]
    sandbox.put(bucket, keys)
    workspace = workspace_at(sandbox)
    outcomes = workspace.outcomes(run(workspace, bucket, keys, 0).job)
    markers = {item["Key"]: item["VersionId"] for item in client.list_object_versions(Bucket=bucket)["DeleteMarkers"]}
    assert {key: outcome[3] for key, outcome in outcomes.items()} == {
        key: f"delete marker made: {marker}" for key, marker in markers.items()}


@pytest.fixture
def troubled(sandbox_with, workspace_at):
    """Deletes 200 objects of a store with faults; the store, and the methods of the requests that deleted."""

    def delete(*faults):
        server = sandbox_with("--empty-bucket", "objects", *(word for fault in faults for word in ("--fault", fault)))
        keys = [f"k{number}" for number in range(200)]
        server.put("objects", keys)
        workspace = workspace_at(server)
        file = workspace.directory / "longshore.toml"
        file.write_text(file.read_text().replace("batch-deletes = true", 'batch-deletes = true\nrequest-timeout = "1s"', 1))
        server.clear_log()
        result = run(workspace, "objects", keys, 0)
        assert (result.job["succeeded"], keys_of(server, "objects")) == (200, set())
        return [entry["method"] for entry in server.log() if entry["method"] in ("DELETE", "POST")]

    return delete


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_request_that_is_never_answered_holds_the_others_for_its_time_only(troubled, method):
    troubled(f"delay=600s,count=1,method={method}")


def test_a_store_without_batches_is_asked_for_one_once(troubled):
    sent = troubled("status=501,code=NotImplemented,method=POST")
    # One for each round that was under way.
    assert sent.count("DELETE") == 200 and 1 <= sent.count("POST") <= 3, sent


def test_what_is_wrong_with_the_common_form_is_no_object_s_fault(troubled):
    sent = troubled("status=400,code=MalformedXML,method=POST")
    assert sent.count("DELETE") == 200


def test_batches_are_tried_again(troubled):
    troubled("status=503,code=SlowDown,rate=0.5,seed=3,method=POST")
