"""Conditions of policies: on the request that is about to be sent, and on the tags that an object has."""

import pytest

from documents import ALLOW_ALL, allow, deny, policy

TAGGING = {"mode": "replace", "tags": {"a": "1"}}
ROLE = 'role "tester" may not'


def requests(server, bucket):
    """(method, query without SDK's x-id, key) of each request on objects of the bucket, each once."""
    return {(entry["method"], (entry["query"] or "").split("&")[0].rstrip("="), entry["key"])
            for entry in server.log() if entry["bucket"] == bucket and entry["key"]}


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
    assert workspace.refusals(job) == {
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
    assert "present tags, which could not be read" in workspace.refusals(result.job)["k"]


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
            assert f"{ROLE} {action} on arn:aws:s3:::{bucket}/" in workspace.refusals(result.job)["k"]
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
    assert list(workspace.refusals(job)) == ["tagged"]
    made = {(method, key) for method, _, key in requests(sandbox, bucket) - before}
    assert made == {("GET", "bare"), ("PUT", "bare"), ("GET", "tagged")}


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
