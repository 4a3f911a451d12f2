"""Policies: exactly what the role allows reaches the server, and each refusal names what refused it."""

import pytest

from documents import ALLOW_ALL, allow, deny, policy
from harness import ACCOUNT

TAGGING = {"mode": "replace", "tags": {"a": "1"}}
ROLE = 'role "tester" may not'


@pytest.mark.parametrize("way", ["allow", "deny"])
def test_half_of_a_thousand(sandbox, bucket, workspace, way):
    keys = [f"{'odd' if number % 2 else 'even'}/{number:04}" for number in range(1000)]
    objects = f"arn:aws:s3:::{bucket}/"
    if way == "allow":
        statements = [allow("s3:PutObjectTagging", objects + "even/*")]
        reason = "no statement of the role's policy role.json allows it"
    else:
        statements = [ALLOW_ALL, deny("s3:Put*", objects + "odd/*", sid="NoOdd")]
        reason = 'statement "NoOdd" of role.json denies it'
    workspace.write("role.json", policy(*statements))
    sandbox.put(bucket, keys)
    before = len(sandbox.log())
    workspace.manifest(bucket, keys)
    workspace.job("tagging", TAGGING, concurrency=64)
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    even, odd = ([key for key in keys if key.startswith(half)] for half in ("even", "odd"))
    reached = [(entry["method"], entry["key"]) for entry in sandbox.log()[before:] if entry["key"]]
    assert sorted(reached) == [("PUT", key) for key in even], "one request for each allowed key, none for others"
    assert workspace.refusals(result.job) == {
        key: f"{ROLE} s3:PutObjectTagging on {objects}{key}: {reason}" for key in odd}
    assert (result.job["succeeded"], result.job["failures"]) == (500, {"AccessDenied": 500})


def test_plan_asks_the_same_policies_and_sends_nothing(sandbox, bucket, workspace):
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:*Tagging", f"arn:aws:s3:::{bucket}/no*", sid="NoNo")))
    workspace.manifest(bucket, ["yes", "no"])
    workspace.job("tagging", TAGGING)
    shown = workspace.longshore("plan", "job.toml")
    assert shown.code == 3, shown.err
    assert 'statement "NoNo" of role.json denies it' in shown.out
    assert not [entry for entry in sandbox.log() if entry["bucket"] == bucket and entry["key"]]


def test_boundary(sandbox, bucket, workspace):
    workspace.configure('boundary = ["boundary.json"]')
    workspace.write("boundary.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/in/*")))
    sandbox.put(bucket, ["in/k", "out/k"])
    workspace.manifest(bucket, ["in/k", "out/k"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert workspace.refusals(job) == {
        "out/k": f"{ROLE} s3:PutObjectTagging on arn:aws:s3:::{bucket}/out/k: "
                 "the permissions boundary boundary.json does not allow it"}


def test_session(sandbox, bucket, workspace):
    workspace.configure('session = ["session.json"]')
    workspace.write("session.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/in/*")))
    sandbox.put(bucket, ["in/k", "out/k"])
    workspace.manifest(bucket, ["in/k", "out/k"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert workspace.refusals(job) == {
        "out/k": f"{ROLE} s3:PutObjectTagging on arn:aws:s3:::{bucket}/out/k: "
                 "the session policy session.json does not allow it"}


def test_guard(sandbox, bucket, workspace):
    workspace.configure('[guard]\npolicies = ["guard.json"]')
    workspace.write("guard.json", policy(ALLOW_ALL, deny("s3:PutObjectAcl", sid="NoAcl")))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING)
    assert workspace.run().code == 0
    workspace.job("acl", {"canned": "public-read"})
    job = workspace.run().job
    assert workspace.refusals(job) == {
        "k": f'{ROLE} s3:PutObjectAcl on arn:aws:s3:::{bucket}/k: statement "NoAcl" of guard.json denies it'}


def test_guard_allows_nothing_by_itself(sandbox, bucket, workspace):
    workspace.configure('[guard]\npolicies = ["guard.json"]')
    workspace.write("guard.json", policy(ALLOW_ALL))
    workspace.write("role.json", policy(allow("s3:GetObject")))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert "no statement of the role's policy role.json allows it" in workspace.refusals(job)["k"]


def test_bucket_policy(sandbox, bucket, workspace, bucket_of):
    other = bucket_of(sandbox)
    workspace.configure(f'[bucket-policy]\n{bucket} = "bucket.json"')
    role = f"arn:aws:iam::{ACCOUNT}:role/tester"
    workspace.write("bucket.json", policy(
        {**deny("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/held/*", sid="Held"), "Principal": {"AWS": role}},
        {**deny("s3:*", f"arn:aws:s3:::{bucket}/*", sid="Others"), "Principal": {"AWS": role.replace("tester", "x")}}))
    for name in (bucket, other):
        sandbox.put(name, ["held/k", "k"])
    workspace.write("manifest.csv", "".join(f"{name},{key}\n" for name in (bucket, other) for key in ("held/k", "k")))
    workspace.job("tagging", TAGGING)
    rows = workspace.rows(workspace.run().job)
    assert [(row[0], row[1], row[6]) for row in rows if row[3] == "failed"] == [
        (bucket, "held/k", f"{ROLE} s3:PutObjectTagging on arn:aws:s3:::{bucket}/held/k: "
                           'statement "Held" of bucket.json denies it')]


def test_a_copy_needs_all_its_permissions(sandbox, bucket, workspace, bucket_of):
    target = bucket_of(sandbox)
    sandbox.client().put_object(Bucket=bucket, Key="k", Body=b"", Tagging="a=1")
    needed = {
        "s3:GetObject": (bucket, {}), "s3:GetObjectTagging": (bucket, {}), "s3:PutObject": (target, {}),
        "s3:PutObjectTagging": (target, {}), "s3:PutObjectAcl": (target, {"canned-acl": "private"}),
    }
    workspace.manifest(bucket, ["k"])
    for action, (place, more) in needed.items():
        workspace.write("role.json", policy(ALLOW_ALL, deny(action, sid="One")))
        workspace.job("copy", {"target-bucket": target, **more})
        result = workspace.run()
        assert workspace.refusals(result.job) == {
            "k": f'{ROLE} {action} on arn:aws:s3:::{place}/k: statement "One" of role.json denies it'}
    workspace.write("role.json", policy(*(
        allow(action, f"arn:aws:s3:::{place}/k", sid=action[3:]) for action, (place, _) in needed.items())))
    assert workspace.run().code == 0


def test_keys_are_no_patterns(sandbox, bucket, workspace):
    """A wildcard in a key is a letter; one in a policy is a wildcard. Odd keys are matched as they are."""
    keys = ["a*", "ab", "a?", "line\nfeed", "ünï cödé", "%41"]
    sandbox.put(bucket, keys)
    arn = f"arn:aws:s3:::{bucket}/"
    workspace.write("role.json", policy(
        allow("s3:*", [arn + "a${*}", arn + "line\nfeed", arn + "ünï*", arn + "%41"])))
    workspace.manifest(bucket, keys)
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert set(workspace.refusals(job)) == {"ab", "a%3F"}


@pytest.mark.parametrize("command", ["validate", "plan", "run", "submit"])
def test_warnings_reach_the_user(sandbox, bucket, workspace, command):
    """A Deny with a misspelt action denies nothing, which is legal: whoever wrote it must hear of it."""
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:PutObjectTaging")))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING)
    shown = workspace.longshore(command, "job.toml")
    assert shown.code == 0, shown.err
    assert "role.json:1:" in shown.err
    assert "PutObjectTaging" in shown.err
    assert "PutObjectTagging" in shown.err, "it says what may have been meant"


@pytest.mark.parametrize("name", ["BUCKET/../victim", "BUCKET?versioning", "BUCKET#", "no bucket", "BUCKET/in"])
def test_a_bucket_name_is_no_path(sandbox, bucket, workspace, name):
    """What a policy is asked about is what the server is asked for, however a name is written."""
    name = name.replace("BUCKET", bucket)
    workspace.write("role.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}*")))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": name})
    before = len(sandbox.log())
    result = workspace.run()
    assert result.code == 2, result.out + result.err
    assert "target-bucket" in result.err
    assert not [entry for entry in sandbox.log()[before:] if entry["method"] == "PUT"]


def test_a_bucket_name_that_only_the_gate_refuses(sandbox, bucket, workspace):
    """A role that may do everything may not ask for what is no bucket either."""
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": ".."})
    before = len(sandbox.log())
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidRequest": 1}), result.out + result.err
    assert workspace.outcomes(result.job)["k"][3] == '".." is no bucket name: it is a path'
    assert not [entry for entry in sandbox.log()[before:] if entry["method"] == "PUT"]
