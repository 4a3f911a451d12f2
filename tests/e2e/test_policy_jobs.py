"""Jobs over a thousand keys under every kind of policy: the server's log proves that nothing refused was ever sent."""

import json

import pytest

from documents import ALLOW_ALL, allow, deny, policy
from harness import ACCOUNT, kill, wait_for

TAGGING = {"mode": "replace", "tags": {"a": "1"}}
KEYS = [f"{'odd' if number % 2 else 'even'}/{number:04}" for number in range(1000)]
EVEN, ODD = ([key for key in KEYS if key.startswith(half)] for half in ("even", "odd"))
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tester"


@pytest.fixture
def bucket(sandbox, bucket_of):
    return bucket_of(sandbox)


@pytest.fixture
def workspace(sandbox, workspace_of, bucket):
    workspace = workspace_of(sandbox)
    workspace.manifest(bucket, KEYS)
    workspace.job("tagging", TAGGING, concurrency=64)
    return workspace


def sent(server, bucket, before):
    """method -> the keys that were asked for, sorted, since the log had `before` lines."""
    found = {}
    for entry in server.log()[before:]:
        if entry["bucket"] == bucket and entry["key"]:
            found.setdefault(entry["method"], []).append(entry["key"])
    return {method: sorted(keys) for method, keys in found.items()}


def run_half(sandbox, bucket, workspace, reason):
    """Runs the job: the even half is done, the odd half is refused for this reason. What was sent."""
    before = len(sandbox.log())
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    assert (result.job["succeeded"], result.job["failures"]) == (500, {"AccessDenied": 500})
    assert workspace.refusals(result.job) == {
        key: f'role "tester" may not s3:PutObjectTagging on arn:aws:s3:::{bucket}/{key}: {reason}' for key in ODD}
    return sent(sandbox, bucket, before)


def test_existing_tags(sandbox, bucket, workspace):
    """Tags are asked for, once for each object; what they refuse is not sent."""
    sandbox.put(bucket, EVEN, Tagging="lock=no")
    sandbox.put(bucket, ODD, Tagging="lock=yes")
    workspace.write("role.json", policy(
        allow("s3:PutObjectTagging", Condition={"StringEquals": {"s3:ExistingObjectTag/lock": "no"}})))
    asked = run_half(sandbox, bucket, workspace, "no statement of the role's policy role.json allows it")
    assert asked == {"GET": sorted(KEYS), "PUT": EVEN}


def test_boundary(sandbox, bucket, workspace):
    sandbox.put(bucket, KEYS)
    workspace.configure('boundary = ["boundary.json"]')
    workspace.write("boundary.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/even/*")))
    asked = run_half(sandbox, bucket, workspace, "the permissions boundary boundary.json does not allow it")
    assert asked == {"PUT": EVEN}


def test_policy_of_the_job_itself(sandbox, bucket, workspace):
    """Frozen at submission: what becomes of the file before the job starts does not matter."""
    sandbox.put(bucket, KEYS)
    workspace.write("only.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/even/*")))
    workspace.job("tagging", TAGGING, concurrency=64, head='policy = "only.json"')
    before = len(sandbox.log())
    submitted = workspace.longshore("submit", "--json", "job.toml").events[0]
    workspace.write("only.json", policy(ALLOW_ALL))
    assert workspace.longshore("start", "--until-idle").code == 3
    job = workspace.longshore("status", "--json", submitted["id"]).events[0]
    assert (job["succeeded"], job["failures"], job["policy"]) == (500, {"AccessDenied": 500}, "only.json")
    assert set(workspace.refusals(job)) == set(ODD)
    assert "the session policy only.json does not allow it" in workspace.refusals(job)[ODD[0]]
    assert sent(sandbox, bucket, before) == {"PUT": EVEN}
    other = workspace.longshore("submit", "--json", "job.toml").events[0]
    workspace.longshore("start", "--until-idle")
    other = workspace.longshore("status", "--json", other["id"]).events[0]
    assert (other["failed"], other["policy_digest"] != job["policy_digest"]) == (0, True)


def test_a_job_cannot_widen_the_sessions_of_its_role(sandbox, bucket, workspace):
    """The operator's session policy and the job's must both allow."""
    sandbox.put(bucket, KEYS)
    workspace.configure('session = ["session.json"]')
    workspace.write("session.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/even/*")))
    workspace.write("all.json", policy(ALLOW_ALL))
    workspace.job("tagging", TAGGING, concurrency=64, head='policy = "all.json"')
    asked = run_half(sandbox, bucket, workspace, "the session policy session.json does not allow it")
    assert asked == {"PUT": EVEN}


def test_guard_and_bucket_policy(sandbox, bucket, workspace):
    """The guard refuses a quarter, the bucket's policy another, and the role may do everything."""
    sandbox.put(bucket, KEYS)
    workspace.configure(f'[guard]\npolicies = ["guard.json"]\n[bucket-policy]\n{bucket} = "bucket.json"')
    workspace.write("guard.json", policy(ALLOW_ALL, deny("s3:Put*", [f"arn:aws:s3:::{bucket}/odd/0{digit}*" for digit in range(5)], sid="NoOld")))
    bucket_deny = deny("s3:*", f"arn:aws:s3:::{bucket}/odd/*", sid="No odd ones", Principal={"AWS": ROLE})
    workspace.write("bucket.json", policy(bucket_deny))
    before = len(sandbox.log())
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    reasons = [message.rsplit(": ", 1)[1] for message in workspace.refusals(result.job).values()]
    assert {reason: reasons.count(reason) for reason in reasons} == {
        'statement "NoOld" of guard.json denies it': 250, 'statement "No odd ones" of bucket.json denies it': 250}
    assert sent(sandbox, bucket, before) == {"PUT": EVEN}


def test_the_policies_of_a_job_are_on_record(sandbox_with, workspace_of):
    """A job that goes on after a crash loads the policies anew: each snapshot is kept, shown and reported."""
    # The engine is killed while it waits for one answer.
    server = sandbox_with("--bucket", "objects", "--fault", "delay=600s,count=1,method=PUT,key=odd/0501")
    server.put("objects", [key for key in KEYS if key != "odd/0501"])
    workspace = workspace_of(server)
    workspace.manifest("objects", KEYS)
    workspace.job("tagging", TAGGING, concurrency=1)
    submitted = workspace.longshore("submit", "--json", "job.toml").events[0]
    engine = workspace.start("start")
    wait_for(lambda: any(entry["key"] == "odd/0499" and entry["query"] for entry in server.log()), "half of the tasks")
    wait_for(lambda: workspace.longshore("status", "--json", submitted["id"]).events[0]["succeeded"] == 501, "their results")
    kill(engine)
    first = workspace.longshore("status", "--json", "--events", submitted["id"]).events[0]
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:PutObjectTagging", sid="Stop")))
    assert workspace.longshore("start", "--until-idle").code == 3
    job = workspace.longshore("status", "--json", "--events", submitted["id"]).events[0]
    assert job["state"] == "Complete"
    assert (job["succeeded"], job["failures"]) == (501, {"AccessDenied": 499})
    digests = [snapshot["digest"] for snapshot in job["policy_snapshots"]]
    assert digests == [first["policy_digest"], job["policy_digest"]]
    assert len(set(digests)) == 2
    report = workspace.directory / f"reports/job-{job['id']}/policies.json"
    assert json.loads(report.read_text()) == {"JobId": job["id"], "Role": "tester", "PolicySnapshots": [
        {"Since": snapshot["at"], "SHA256": snapshot["digest"]} for snapshot in job["policy_snapshots"]]}
    shown = workspace.longshore("status", "--events", job["id"]).out
    assert all(f"sha256:{digest}" in shown for digest in digests)


@pytest.mark.parametrize("key", ["aws:SourceIp", "aws:UserAgent", "s3:x-amz-content-sha256"])
def test_a_condition_that_the_engine_cannot_decide_is_refused(workspace, key):
    """Taken for absent, the Deny would not apply where Amazon's does."""
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:*", Condition={"StringLike": {key: "*"}})
                                        if key != "aws:SourceIp" else deny("s3:*", Condition={"IpAddress": {key: "0.0.0.0/0"}})))
    result = workspace.longshore("validate", "job.toml")
    assert (result.code, f"a condition on {key}, which the engine does not know" in result.err) == (2, True), result.err
