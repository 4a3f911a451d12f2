"""Policies: exactly what the role allows reaches the server, and each refusal names what refused it."""

import pytest

from harness import ACCOUNT, ALLOW_ALL, policy

TAGGING = {"mode": "replace", "tags": {"a": "1"}}
ROLE = 'role "tester" may not'


@pytest.fixture
def bucket(sandbox, bucket_of):
    return bucket_of(sandbox)


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox)


def requests(server, bucket):
    """(method, query without SDK's x-id, key) of each request on objects of the bucket, each once."""
    return {(entry["method"], (entry["query"] or "").split("&")[0].rstrip("="), entry["key"])
            for entry in server.log() if entry["bucket"] == bucket and entry["key"]}


def refusals(workspace, job):
    """key -> message of the tasks that policies refused."""
    failed = {key: row for key, row in workspace.outcomes(job).items() if row[0] == "failed"}
    assert {row[1:3] for row in failed.values()} <= {("403", "AccessDenied")}
    return {key: row[3] for key, row in failed.items()}


def allow(actions, resource="*", sid="Some", **more):
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, **more}


def deny(actions, resource="*", sid="Not", **more):
    return {**allow(actions, resource, sid, **more), "Effect": "Deny"}


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
    assert refusals(workspace, result.job) == {
        key: f"{ROLE} s3:PutObjectTagging on {objects}{key}: {reason}" for key in odd}
    assert (result.job["succeeded"], result.job["failures"]) == (500, {"AccessDenied": 500})


def test_plan_asks_the_same_policies_and_sends_nothing(sandbox, bucket, workspace):
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:*Tagging", f"arn:aws:s3:::{bucket}/no*", sid="NoNo")))
    workspace.manifest(bucket, ["yes", "no"])
    workspace.job("tagging", TAGGING)
    shown = workspace.longshore("plan", "job.toml")
    assert shown.code == 3, shown.err
    assert 'statement "NoNo" of role.json denies it' in shown.out
    assert requests(sandbox, bucket) == set()


def test_existing_tags(sandbox, bucket, workspace):
    workspace.write("role.json", policy(
        ALLOW_ALL, deny("s3:PutObjectTagging", sid="Locked",
                        Condition={"StringEquals": {"s3:ExistingObjectTag/lock": "yes"}})))
    sandbox.put(bucket, ["locked"], Tagging="lock=yes")
    sandbox.put(bucket, ["open"], Tagging="lock=no")
    sandbox.put(bucket, ["bare"])
    before = requests(sandbox, bucket)
    workspace.manifest(bucket, ["locked", "open", "bare"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert refusals(workspace, job) == {
        "locked": f"{ROLE} s3:PutObjectTagging on arn:aws:s3:::{bucket}/locked: "
                  'statement "Locked" of role.json denies it'}
    made = requests(sandbox, bucket) - before
    assert {key for method, query, key in made if method == "PUT"} == {"open", "bare"}
    assert {key for method, query, key in made if (method, query) == ("GET", "tagging")} == {"locked", "open", "bare"}
    found = sandbox.client().get_object_tagging(Bucket=bucket, Key="locked")["TagSet"]
    assert found == [{"Key": "lock", "Value": "yes"}]


def test_existing_tags_that_cannot_be_read_refuse(sandbox, bucket, workspace):
    workspace.write("role.json", policy(
        allow("s3:*", Condition={"StringEquals": {"s3:ExistingObjectTag/lock": "no"}})))
    workspace.manifest("no-such-bucket-at-all", ["k"])
    workspace.job("tagging", TAGGING)
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    assert "present tags, which could not be read" in refusals(workspace, result.job)["k"]


def test_boundary(sandbox, bucket, workspace):
    workspace.configure('boundary = ["boundary.json"]')
    workspace.write("boundary.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/in/*")))
    sandbox.put(bucket, ["in/k", "out/k"])
    workspace.manifest(bucket, ["in/k", "out/k"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert refusals(workspace, job) == {
        "out/k": f"{ROLE} s3:PutObjectTagging on arn:aws:s3:::{bucket}/out/k: "
                 "the permissions boundary boundary.json does not allow it"}


def test_session(sandbox, bucket, workspace):
    workspace.configure('session = ["session.json"]')
    workspace.write("session.json", policy(allow("s3:*", f"arn:aws:s3:::{bucket}/in/*")))
    sandbox.put(bucket, ["in/k", "out/k"])
    workspace.manifest(bucket, ["in/k", "out/k"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert refusals(workspace, job) == {
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
    assert refusals(workspace, job) == {
        "k": f'{ROLE} s3:PutObjectAcl on arn:aws:s3:::{bucket}/k: statement "NoAcl" of guard.json denies it'}


def test_guard_allows_nothing_by_itself(sandbox, bucket, workspace):
    workspace.configure('[guard]\npolicies = ["guard.json"]')
    workspace.write("guard.json", policy(ALLOW_ALL))
    workspace.write("role.json", policy(allow("s3:GetObject")))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING)
    job = workspace.run().job
    assert "no statement of the role's policy role.json allows it" in refusals(workspace, job)["k"]


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


# Conditions on the request itself: (policy, what it takes, what it refuses, the refused action).
CONDITIONS = {
    "tag": (allow("s3:PutObjectTagging", Condition={"StringLike": {"s3:RequestObjectTag/team": "stor*"}}),
            ("tagging", {"mode": "replace", "tags": {"team": "storage"}}),
            ("tagging", {"mode": "replace", "tags": {"team": "sales"}}), "s3:PutObjectTagging"),
    "tag-keys": (allow("s3:PutObjectTagging", Condition={
                     "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]},
                     "Null": {"s3:RequestObjectTagKeys": "false"}}),
                 ("tagging", {"mode": "replace", "tags": {"a": "1"}}),
                 ("tagging", {"mode": "replace", "tags": {"a": "1", "c": "1"}}), "s3:PutObjectTagging"),
    "canned-acl": (allow("s3:*", Condition={"StringEqualsIfExists": {"s3:x-amz-acl": "private"}}),
                   ("acl", {"canned": "private"}), ("acl", {"canned": "public-read"}), "s3:PutObjectAcl"),
    "grant": (deny("s3:PutObjectAcl", sid="NoReaders", Condition={"Null": {"s3:x-amz-grant-read": "false"}}),
              ("acl", {"grants": [{"type": "id", "grantee": "a", "permission": "WRITE_ACP"}]}),
              ("acl", {"grants": [{"type": "id", "grantee": "a", "permission": "READ"}]}), "s3:PutObjectAcl"),
    "storage-class": (deny("s3:PutObject", Condition={"StringLike": {"s3:x-amz-storage-class": "*GLACIER*"}}),
                      ("copy", {"target-bucket": "BUCKET", "target-prefix": "to", "storage-class": "STANDARD_IA"}),
                      ("copy", {"target-bucket": "BUCKET", "target-prefix": "to", "storage-class": "GLACIER"}),
                      "s3:PutObject"),
    "encryption": (deny("s3:PutObject", Condition={
                       "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}),
                   ("copy", {"target-bucket": "BUCKET", "target-prefix": "to", "sse": {"algorithm": "aws:kms"}}),
                   ("copy", {"target-bucket": "BUCKET", "target-prefix": "to"}), "s3:PutObject"),
    "metadata": (deny("s3:PutObject", Condition={"StringEquals": {"s3:x-amz-metadata-directive": "REPLACE"}}),
                 ("copy", {"target-bucket": "BUCKET", "target-prefix": "to"}),
                 ("copy", {"target-bucket": "BUCKET", "target-prefix": "to", "metadata": {"directive": "replace"}}),
                 "s3:PutObject"),
    "account": (allow("s3:*", Condition={"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"},
                                         "NumericLessThan": {"s3:signatureAge": "1000"}}),
                ("tagging", TAGGING), None, None),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition_on_the_request(sandbox, bucket, workspace, name):
    statement, taken, refused, action = CONDITIONS[name]
    statements = [statement] if statement["Effect"] == "Allow" else [ALLOW_ALL, statement]
    workspace.write("role.json", policy(*statements))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    for (operation, parameters), code in ((taken, 0), (refused, 3)) if refused else ((taken, 0),):
        workspace.job(operation, {key: bucket if value == "BUCKET" else value for key, value in parameters.items()})
        before = len(sandbox.log())
        result = workspace.run()
        assert result.code == code, result.out + result.err
        if code:
            assert f"{ROLE} {action} on arn:aws:s3:::{bucket}/" in refusals(workspace, result.job)["k"]
            assert not [entry for entry in sandbox.log()[before:] if entry["key"]]


def test_what_is_only_known_at_the_call_is_asked_there(sandbox, bucket, workspace):
    """Merging writes tags that are there already: whether the role may write those is known once they are read."""
    only_a = {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a"]}}
    workspace.write("role.json", policy(
        allow("s3:GetObjectTagging", sid="Read"), allow("s3:PutObjectTagging", Condition={
            **only_a, "Null": {"s3:RequestObjectTagKeys": "false"}})))
    sandbox.put(bucket, ["bare"])
    sandbox.put(bucket, ["tagged"], Tagging="b=1")
    before = requests(sandbox, bucket)
    workspace.manifest(bucket, ["bare", "tagged"])
    workspace.job("tagging", {"mode": "merge", "tags": {"a": "1"}})
    job = workspace.run().job
    assert list(refusals(workspace, job)) == ["tagged"]
    made = {(method, key) for method, _, key in requests(sandbox, bucket) - before}
    assert made == {("GET", "bare"), ("PUT", "bare"), ("GET", "tagged")}


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
        assert refusals(workspace, result.job) == {
            "k": f'{ROLE} {action} on arn:aws:s3:::{place}/k: statement "One" of role.json denies it'}
    workspace.write("role.json", policy(*(
        allow(action, f"arn:aws:s3:::{place}/k", sid=action[3:]) for action, (place, _) in needed.items())))
    assert workspace.run().code == 0


def test_versions_have_actions_of_their_own(sandbox, bucket, workspace):
    client = sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = (client.put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"] for _ in range(2))
    workspace.write("role.json", policy(
        allow("s3:PutObjectVersionTagging", Condition={"StringEquals": {"s3:VersionId": first}})))
    workspace.manifest(bucket, ["k", "k"], [first, second])
    workspace.job("tagging", TAGGING, fields='["Bucket", "Key", "VersionId"]')
    rows = {row[2]: row for row in workspace.rows(workspace.run().job)}
    assert rows[first][3] == "succeeded"
    assert f"{ROLE} s3:PutObjectVersionTagging on" in rows[second][6]


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
    assert set(refusals(workspace, job)) == {"ab", "a%3F"}
