"""Restore with every parameter, on two independent servers; outcomes are read back with boto3."""

import pytest


@pytest.fixture
def bucket(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


def restored(server, bucket, key, **more):
    """The `x-amz-restore` header."""
    return server.client().head_object(Bucket=bucket, Key=key, **more).get("Restore")


@pytest.mark.parametrize(
    ("storage_class", "tier"),
    [("GLACIER", "STANDARD"), ("GLACIER", "BULK"), ("GLACIER", "EXPEDITED"), ("DEEP_ARCHIVE", "BULK"), ("GLACIER", None)],
)
def test_restore_starts(server, bucket, workspace, storage_class, tier):
    server.put(bucket, server.odd_keys, StorageClass=storage_class)
    assert restored(server, bucket, server.odd_keys[0]) is None
    workspace.manifest(bucket, server.odd_keys)
    workspace.job("restore", {"days": 3, **({"tier": tier} if tier else {})})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    # moto knows no time between request and copy.
    ongoing = "true" if server.name == "sandbox" else "false"
    for key in server.odd_keys:
        assert f'ongoing-request="{ongoing}"' in restored(server, bucket, key), key
    assert {row[5:7] for row in map(tuple, workspace.rows(result.job))} == {("", "Successful")}


def test_restore_of_what_is_restored_moves_the_expiry(server, sandbox_with, bucket_of, workspace_of):
    # The shared sandbox restores for ten minutes.
    server = sandbox_with("--restore-delay", "0") if server.name == "sandbox" else server
    bucket, workspace = bucket_of(server), workspace_of(server)
    server.put(bucket, ["k"], StorageClass="GLACIER")
    workspace.manifest(bucket, ["k"])
    expiries = []
    for days, message in ((1, "Successful"), (30, "already restored; expiry updated")):
        workspace.job("restore", {"days": days})
        result = workspace.run()
        assert result.code == 0, result.out + result.err
        assert workspace.outcomes(result.job)["k"] == ("succeeded", "200", "", message)
        expiries.append(restored(server, bucket, "k"))
    assert expiries[0] != expiries[1]
    if server.name == "sandbox":  # moto counts from the second of the request
        workspace.run_twice(lambda: restored(server, bucket, "k"))


# moto has no restores in progress.
@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({"days": 3, "tier": "BULK"}, {"days": 3, "tier": "EXPEDITED"}, None),
        ({"days": 3, "tier": "STANDARD"}, {"days": 3, "tier": "BULK"}, "RestoreAlreadyInProgress"),
        ({"days": 3}, {"days": 3}, "RestoreAlreadyInProgress"),
        ({"days": 3, "tier": "BULK"}, {"days": 4, "tier": "EXPEDITED"}, "RestoreAlreadyInProgress"),
    ],
)
def test_restore_in_progress(sandbox, bucket_of, workspace_of, first, second, code):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(bucket, ["k"], StorageClass="GLACIER")
    workspace.manifest(bucket, ["k"])
    workspace.job("restore", first)
    assert workspace.run().code == 0
    before = restored(sandbox, bucket, "k")
    workspace.job("restore", second)
    result = workspace.run()
    assert (result.code, result.job["failures"]) == ((3, {code: 1}) if code else (0, {}))
    assert restored(sandbox, bucket, "k") == before
    if code:
        assert workspace.outcomes(result.job)["k"] == (
            "failed", "409", code, "Object restore is already in progress")


def test_restore_of_what_is_not_archived(server, bucket, workspace):
    server.put(bucket, ["warm"])
    server.put(bucket, ["cold"], StorageClass="GLACIER")
    workspace.manifest(bucket, ["warm", "cold"])
    workspace.job("restore", {"days": 1})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidObjectState": 1})
    assert workspace.outcomes(result.job)["warm"][:3] == ("failed", "403", "InvalidObjectState")
    assert restored(server, bucket, "warm") is None
    assert restored(server, bucket, "cold")


# moto takes any tier for any class, any request without days, and restores the current version, whichever is named.
@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [({"days": 1, "tier": "EXPEDITED"}, "400", "InvalidArgument"), ({}, "400", "MalformedXML")],
)
def test_restore_that_the_class_does_not_take(sandbox, bucket_of, workspace_of, parameters, status, code):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(bucket, ["k"], StorageClass="DEEP_ARCHIVE")
    workspace.manifest(bucket, ["k"])
    workspace.job("restore", parameters)
    result = workspace.run()
    assert result.code == 3
    assert workspace.outcomes(result.job)["k"][:3] == ("failed", status, code)
    assert restored(sandbox, bucket, "k") is None


def test_restore_of_a_version(sandbox, bucket_of, workspace_of):
    bucket, workspace, client = bucket_of(sandbox), workspace_of(sandbox), sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old, current = (
        client.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")["VersionId"] for _ in range(2))
    workspace.manifest(bucket, ["k"], [old])
    workspace.job("restore", {"days": 1}, fields='["Bucket", "Key", "VersionId"]')
    assert workspace.run().code == 0
    assert restored(sandbox, bucket, "k", VersionId=old)
    assert restored(sandbox, bucket, "k", VersionId=current) is None


def test_a_task_may_wait_until_the_object_is_readable(sandbox_with, bucket_of, workspace_of):
    server = sandbox_with("--restore-delay", "1500")
    bucket, workspace = bucket_of(server), workspace_of(server)
    server.put(bucket, ["cold"], StorageClass="GLACIER")
    server.put(bucket, ["warm"])
    workspace.manifest(bucket, ["cold", "warm"])
    workspace.job("restore", '{ days = 3, wait = true, check-every = 1 }')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    outcomes = workspace.outcomes(result.job)
    assert outcomes["cold"][3].startswith("readable until ")
    assert outcomes["warm"] == ("succeeded", "200", "", "it is not archived")
    assert 'ongoing-request="false"' in restored(server, bucket, "cold")
    assert server.client().get_object(Bucket=bucket, Key="cold")["Body"].read() == b"body"


@pytest.mark.parametrize("tier", ["EXPEDITED", "BULK"])
def test_a_task_that_waits_asks_for_its_own_tier(sandbox_with, bucket_of, workspace_of, tier):
    """A restore of somebody else goes on: the store takes a faster tier, and refuses one that is no faster."""
    server = sandbox_with("--restore-delay", "1500")
    bucket, workspace = bucket_of(server), workspace_of(server)
    server.put(bucket, ["k"], StorageClass="GLACIER")
    request = {"Days": 3, "GlacierJobParameters": {"Tier": "Bulk"}}
    server.client().restore_object(Bucket=bucket, Key="k", RestoreRequest=request)
    server.clear_log()
    workspace.manifest(bucket, ["k"])
    workspace.job("restore", f'{{ days = 3, tier = "{tier}", wait = true, check-every = 1 }}')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert workspace.outcomes(result.job)["k"][3].startswith("readable until ")
    answers = [entry["status"] for entry in server.log() if (entry["method"], entry["key"]) == ("POST", "k")]
    assert answers == [202 if tier == "EXPEDITED" else 409]
