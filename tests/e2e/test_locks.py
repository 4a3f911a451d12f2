"""Legal holds and retention; outcomes are read back with boto3."""

import datetime

import pytest

UTC = datetime.timezone.utc


@pytest.fixture
def bucket(server, bucket_of):
    return bucket_of(server, ObjectLockEnabledForBucket=True)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


@pytest.fixture
def retention_store(sandbox, bucket_of, workspace_of):
    """Server, bucket and workspace for retention: moto does not know GetObjectRetention."""
    return sandbox, bucket_of(sandbox, ObjectLockEnabledForBucket=True), workspace_of(sandbox)


def held(server, bucket, keys):
    client = server.client()
    return [client.get_object_legal_hold(Bucket=bucket, Key=key)["LegalHold"]["Status"] for key in keys]


def retained(server, bucket, key):
    """Mode and end of a retention, or None."""
    try:
        retention = server.client().get_object_retention(Bucket=bucket, Key=key)["Retention"]
    except server.client().exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchObjectLockConfiguration"
        return None
    return (retention["Mode"], retention["RetainUntilDate"]) if retention else None


def test_holds_are_set_and_released(server, bucket, workspace):
    keys = server.odd_keys
    server.put(bucket, keys)
    workspace.manifest(bucket, keys)
    for status, other in (("ON", "OFF"), ("OFF", "ON")):
        workspace.job("legal-hold", {"status": status})
        job = workspace.run_twice(lambda: held(server, bucket, keys))
        assert held(server, bucket, keys) == [status] * len(keys)
        assert {row[3] for row in workspace.outcomes(job).values()} == {"Successful"}
        again = workspace.run()
        assert {row[3] for row in workspace.outcomes(again.job).values()} == {f"the legal hold is {status} already"}


def test_a_bucket_without_object_lock_is_named(server, bucket_of, workspace):
    plain = bucket_of(server)
    server.put(plain, ["k"])
    workspace.manifest(plain, ["k"])
    for operation, parameters in (("legal-hold", {"status": "ON"}), ("retention", {"mode": "GOVERNANCE", "extend-by": "1d"})):
        workspace.job(operation, parameters)
        result = workspace.run()
        assert (result.code, result.job["state"]) == (4, "Failed")
        reason = f"bucket {plain} has no Object Lock, so that nothing in it can be locked: switch it on first"
        assert (result.job["failure_code"], result.job["failure_reason"]) == ("ObjectLockConfigurationNotFoundError", reason)
        assert (result.job["succeeded"], result.job["failed"]) == (0, 0), "no task ran"


def test_a_bucket_further_on_is_the_affair_of_its_tasks(sandbox, bucket_of, workspace_of):
    locked, plain, workspace = bucket_of(sandbox, ObjectLockEnabledForBucket=True), bucket_of(sandbox), workspace_of(sandbox)
    for bucket in (locked, plain):
        sandbox.put(bucket, ["k"])
    workspace.write("manifest.csv", f"{locked},k\n{plain},k\n")
    workspace.job("legal-hold", {"status": "ON"})
    result = workspace.run()
    assert result.code == 3
    outcomes = {row[0]: row[3:6] for row in workspace.rows(result.job)}
    assert outcomes == {locked: ["succeeded", "200", ""], plain: ["failed", "404", "ObjectLockConfigurationNotFoundError"]}


def test_a_role_that_may_not_ask_fails_its_tasks(sandbox, bucket_of, workspace_of):
    policies = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:GetBucketObjectLockConfiguration", "Resource": "*"}]
    plain, workspace = bucket_of(sandbox), workspace_of(sandbox, policies)
    sandbox.put(plain, ["k"])
    workspace.manifest(plain, ["k"])
    workspace.job("legal-hold", {"status": "ON"})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"AccessDenied": 1})


def test_a_step_with_a_condition_is_not_asked_for(sandbox, bucket_of, workspace_of):
    plain, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(plain, ["k"])
    workspace.manifest(plain, ["k"])
    workspace.write("job.toml", '''
role = "tester"
[[operation]]
name = "legal-hold"
parameters = { status = "ON" }
when = { suffixes = [".locked"] }
[[operation]]
name = "tagging"
parameters = { mode = "replace", tags = { a = "b" } }
[manifest]
location = "manifest.csv"
fields = ["Bucket", "Key"]
[report]
location = "reports"
''')
    assert workspace.run().code == 0


def test_retention_is_set_extended_and_removed(retention_store):
    server, bucket, workspace = retention_store
    server.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("retention", {"mode": "GOVERNANCE", "retain-until": "2031-02-03"})
    workspace.run_twice(lambda: retained(server, bucket, "k"))
    until = datetime.datetime(2031, 2, 3, tzinfo=UTC)
    assert retained(server, bucket, "k") == ("GOVERNANCE", until)

    workspace.job("retention", {"mode": "GOVERNANCE", "extend-by": "10y"})
    workspace.run_twice(lambda: retained(server, bucket, "k"))
    mode, extended = retained(server, bucket, "k")
    assert mode == "GOVERNANCE" and extended > until and extended.time() == datetime.time(0)

    workspace.job("retention", '{ remove = true }')
    result = workspace.run()
    assert result.code == 3
    assert workspace.outcomes(result.job)["k"][:3] == ("failed", "403", "AccessDenied")
    assert retained(server, bucket, "k") == (mode, extended)
    workspace.job("retention", '{ remove = true, bypass-governance = true }')
    result = workspace.run()
    assert workspace.outcomes(result.job)["k"] == ("succeeded", "200", "", "retention removed")
    assert retained(server, bucket, "k") is None
    assert workspace.outcomes(workspace.run().job)["k"][3] == "the retention is as wanted already"


def test_compliance_is_never_loosened(retention_store):
    server, bucket, workspace = retention_store
    server.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("retention", {"mode": "COMPLIANCE", "retain-until": "2031-02-03"})
    assert workspace.run().code == 0
    before = retained(server, bucket, "k")
    for parameters in ('{ remove = true, bypass-governance = true }',
                       '{ mode = "COMPLIANCE", retain-until = "2030-01-01", bypass-governance = true }',
                       '{ mode = "GOVERNANCE", retain-until = "2032-01-01", bypass-governance = true }'):
        workspace.job("retention", parameters)
        result = workspace.run()
        assert workspace.outcomes(result.job)["k"] == (
            "failed", "403", "AccessDenied",
            "the object is retained until 2031-02-03T00:00:00Z in mode COMPLIANCE, which can only be extended")
        assert retained(server, bucket, "k") == before


def test_policies_bound_what_a_job_retains(retention_store, workspace_of):
    server, bucket, _ = retention_store
    server.put(bucket, ["k"])
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    short = {"Effect": "Deny", "Action": "s3:PutObjectRetention", "Resource": "*",
             "Condition": {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "100"}}}
    bypass = {"Effect": "Deny", "Action": "s3:BypassGovernanceRetention", "Resource": "*"}
    workspace = workspace_of(server, [allow, short, bypass])
    workspace.manifest(bucket, ["k"])
    for parameters, denied in (('{ mode = "GOVERNANCE", extend-by = "99d" }', None),
                               ('{ mode = "GOVERNANCE", extend-by = "101d" }', "s3:PutObjectRetention"),
                               ('{ remove = true, bypass-governance = true }', "s3:BypassGovernanceRetention")):
        workspace.job("retention", parameters)
        result = workspace.run()
        assert result.code == (3 if denied else 0)
        if denied:
            assert denied in workspace.refusals(result.job)["k"]


def test_a_version_of_a_row_is_the_one_that_is_held(server, bucket, workspace):
    client = server.client()
    versions = [client.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"] for _ in range(2)]
    workspace.manifest(bucket, ["k"], versions[:1])
    workspace.job("legal-hold", {"status": "ON"}, fields='["Bucket", "Key", "VersionId"]')
    assert workspace.run().code == 0
    found = [client.head_object(Bucket=bucket, Key="k", VersionId=version).get("ObjectLockLegalHoldStatus")
             for version in versions]
    assert found == ["ON", None]
