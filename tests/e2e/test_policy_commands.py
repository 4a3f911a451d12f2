"""`longshore policy`: check, explain, simulate, suggest; in words, as JSON, and with bad input."""

import json

import pytest

from documents import ALLOW_ALL, allow, deny, policy
from harness import ACCOUNT, ROOT

TAGGING = {"mode": "replace", "tags": {"a": "1"}}
BROKEN = '''{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "allow", "Action": "GetObject", "Resource": "*"},
    {"Effect": "Deny", "Action": "s3:PutObjectTaging", "Resource": "*"}
  ]
}
'''


def test_check_shows_every_finding_at_its_place(workspace):
    workspace.write("broken.json", BROKEN)
    workspace.write("fine.json", policy(ALLOW_ALL))
    shown = workspace.longshore("policy", "check", "broken.json", "fine.json", "absent.json")
    assert shown.code == 2
    assert '''broken.json:4:16: error: L2: Effect is "Allow" or "Deny", in this spelling, not "allow"
  |
4 |     {"Effect": "allow", "Action": "GetObject", "Resource": "*"},
  |                ^^^^^^^
''' in shown.out
    assert 'broken.json:4:35: error: L5: the action "GetObject" has no service prefix' in shown.out
    assert "broken.json: does not load as identity policy (assumed; --kind says otherwise)" in shown.out
    assert "fine.json: loads as identity policy (assumed; --kind says otherwise)" in shown.out
    assert "absent.json: error: cannot read the policy: " in shown.out
    assert "3 policy files: 3 errors, 0 warnings" in shown.err
    machine = workspace.longshore("policy", "check", "--json", "broken.json")
    [value] = machine.events
    assert (machine.code, machine.err, value["errors"]) == (2, "", 2)
    [file] = value["files"]
    assert (file["file"], file["kind"], file["assumed"], file["loads"]) == ("broken.json", "identity", True, False)
    assert [(one["severity"], one["code"], one["line"], one["column"]) for one in file["findings"]] == [
        ("error", "L2", 4, 16), ("error", "L5", 4, 35)]


def test_check_warns_and_knows_kinds(workspace):
    workspace.write("warned.json", policy(ALLOW_ALL, deny("s3:PutObjectTaging")))
    shown = workspace.longshore("policy", "check", "warned.json")
    assert shown.code == 0, shown.out
    assert "warning: W4: " in shown.out and 'did you mean "PutObjectTagging"?' in shown.out
    workspace.write("bucket.json", policy({**ALLOW_ALL, "Principal": "*"}))
    assert "loads as resource policy (assumed" in workspace.longshore("policy", "check", "bucket.json").out
    as_identity = workspace.longshore("policy", "check", "--kind", "identity", "bucket.json")
    assert as_identity.code == 2 and "L4: " in as_identity.out and "assumed" not in as_identity.out
    workspace.write("long.json", policy(*(allow("s3:GetObject", sid=f"S{n}") for n in range(40))))
    assert workspace.longshore("policy", "check", "long.json").code == 0
    as_session = workspace.longshore("policy", "check", "--kind", "session", "long.json")
    assert as_session.code == 2 and "L15: the document has" in as_session.out
    assert workspace.longshore("policy", "check", "--kind", "bucket", "bucket.json").code == 2


def test_check_of_everything_and_of_a_role(workspace):
    workspace.configure('boundary = ["boundary.json"]\n[guard]\npolicies = ["guard.json"]\n[bucket-policy]\nb = "b.json"')
    workspace.write("role.json", policy(
        allow("s3:GetObject", "arn:aws:s3:::in/*", sid="Fine"), allow("s3:GetObject", "arn:aws:s3:::out/*", sid="Outside"),
        allow("s3:ListBucket", "arn:aws:s3:::in/*", sid="WrongArn"), allow("s3:PutObject", "arn:aws:s3:::in/*", sid="Barred"),
        allow("s3:GetObject", "*", sid="Network", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})))
    workspace.write("boundary.json", policy(allow("s3:*", "arn:aws:s3:::in*")))
    workspace.write("guard.json", policy(ALLOW_ALL, deny("s3:Put*", sid="ReadOnly")))
    workspace.write("b.json", policy({**deny("s3:*", "arn:aws:s3:::b/*"), "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}}))
    everything = workspace.longshore("policy", "check")
    assert everything.code == 0 and "4 policy files: 0 errors" in everything.err
    shown = workspace.longshore("policy", "check", "--role", "tester")
    assert shown.code == 0
    assert [line for line in shown.out.splitlines() if line.startswith("never")] == [
        'never takes effect: statement "Outside" of role.json: boundary.json allows none of it',
        'never takes effect: statement "WrongArn" of role.json: its actions never work on its resources: '
        "an object is arn:aws:s3:::BUCKET/KEY, a bucket arn:aws:s3:::BUCKET",
        'never takes effect: statement "Barred" of role.json: statement "ReadOnly" of guard.json denies all of it',
        'never takes effect: statement "Network" of role.json: its condition on aws:SourceIp never holds, '
        "because no request here has that key",
        'never takes effect: statement "Not" of b.json: it is about other principals',
    ]
    idle = workspace.longshore("policy", "check", "--role", "tester", "--json").events[0]["idle"]
    assert [(one["statement"].get("sid"), one["reason"]) for one in idle] == [
        ("Outside", "outside"), ("WrongArn", "resource"), ("Barred", "denied"), ("Network", "condition"),
        ("Not", "principal")]
    workspace.write("guard.json", "[]")
    broken = workspace.longshore("policy", "check", "--role", "tester")
    assert broken.code == 2 and "guard.json:1:1: error: L1: " in broken.out
    unknown = workspace.longshore("policy", "check", "--role", "nobody")
    assert (unknown.code, unknown.out) == (2, "")
    assert "--role nobody: longshore.toml has no such role; its roles are: tester" in unknown.err


def explain(workspace, *more, action="s3:PutObjectTagging", key="k"):
    return workspace.longshore("policy", "explain", "--role", "tester", "--action", action,
                               "--resource", f"arn:aws:s3:::b/{key}", *more)


def test_explain(sandbox, workspace):
    workspace.write("role.json", policy(
        allow("s3:*", "arn:aws:s3:::b/*", sid="Own"),
        deny("s3:PutObjectTagging", sid="Locked", Condition={"StringEquals": {"s3:ExistingObjectTag/lock": "yes"}})))
    before = sandbox.requests()
    allowed = explain(workspace)
    assert allowed.code == 0, allowed.err
    assert allowed.out == f'''Allow: statement "Own" of role.json allows it
  principal  arn:aws:sts::{ACCOUNT}:assumed-role/tester/explain
  action     s3:PutObjectTagging
  resource   arn:aws:s3:::b/k
applies: Allow statement "Own" of role.json
does not apply: Deny statement "Locked" of role.json
  StringEquals on s3:ExistingObjectTag/lock asks for ["yes"]: the request has no such key
'''
    refused = explain(workspace, "--context", "s3:existingobjecttag/lock=yes", "--json")
    assert (refused.code, refused.err) == (3, "")
    [value] = refused.events
    assert (value["effect"], value["matched"][1]["sid"]) == ("ExplicitDeny", "Locked")
    assert explain(workspace, "--bucket-owner", "999988887777").code == 3
    assert sandbox.requests() == before, "nothing is asked of the store"


def test_explain_asks_with_the_keys_that_a_task_has(workspace):
    """The same conditions that jobs fulfil, fulfilled here; and the keys of the command line, one value or several."""
    workspace.write("role.json", policy(
        allow("s3:PutObjectTagging", Condition={
            "StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalType": "AssumedRole"},
            "Bool": {"aws:SecureTransport": "false", "aws:MultiFactorAuthPresent": "false"},
            "DateGreaterThan": {"aws:CurrentTime": "2020-01-01"},
            "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]},
            "Null": {"s3:RequestObjectTagKeys": "false"}})))
    keys = lambda *names: [word for name in names for word in ("--context", f"s3:RequestObjectTagKeys={name}")]
    assert explain(workspace, *keys("a")).code == 0
    assert explain(workspace, *keys("a", "b")).code == 0
    assert explain(workspace, *keys("a", "c")).code == 3
    assert explain(workspace, *keys("a"), "--context", "aws:CurrentTime=2019-01-01").code == 3
    assert explain(workspace).code == 3
    noted = explain(workspace, *keys("a"), "--context", "aws:SourceIp=10.0.0.1")
    assert "no request that the engine sends for s3:PutObjectTagging has the condition key aws:SourceIp" in noted.err


@pytest.mark.parametrize(("arguments", "words"), [
    (["--role", "testr"], "--role testr: longshore.toml has no such role; its roles are: tester"),
    (["--action", "s3:PutObjectTaging"], "S3 has no such action; did you mean s3:PutObjectTagging?"),
    (["--action", "PutObject"], "write service:Name, such as s3:GetObject"),
    (["--context", "prefix"], "write KEY=VALUE"),
    (["--context", "s3:prefix=a", "--context", "s3:prefix=b"], "--context s3:prefix: this condition key has one value"),
    (["--bucket-owner", "12"], "an AWS account number has 12 digits"),
    (["--store", "mian"], "--store mian: longshore.toml has no such store"),
    (["--policy", "absent.json"], "absent.json: cannot read the policy"),
])
def test_explain_with_bad_input(workspace, arguments, words):
    whole = ["--role", "tester", "--action", "s3:PutObject", "--resource", "arn:aws:s3:::b/k"]
    for name in {word for word in arguments if word in whole}:
        place = whole.index(name)
        del whole[place:place + 2]
    shown = workspace.longshore("policy", "explain", *whole, *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert words in shown.err


def test_explain_with_a_policy_of_the_job(workspace):
    workspace.write("only.json", policy(allow("s3:GetObject")))
    shown = explain(workspace, "--policy", "only.json")
    assert shown.code == 3
    assert "the session policy only.json does not allow it" in shown.out


def test_simulate_counts_and_sends_nothing(sandbox, bucket, workspace):
    workspace.write("role.json", policy(
        allow("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/free/*", sid="Free"),
        allow("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/team/*", sid="Team",
              Condition={"StringEquals": {"s3:ExistingObjectTag/team": "blue"}}),
        deny("s3:*", f"arn:aws:s3:::{bucket}/free/not/*", sid="NotThese")))
    workspace.manifest(bucket, ["free/1", "free/2", "free/not/1", "team/1", "team/2", "other"])
    workspace.job("tagging", TAGGING)
    before = sandbox.requests()
    shown = workspace.longshore("policy", "simulate", "job.toml", "--all")
    assert shown.code == 3, shown.err
    assert shown.out == f'''job.toml: under role tester
6 rows, all of them simulated; nothing was sent to objects
  2 allowed
  2 depend on what is not known
    2: s3:PutObjectTagging on the object: depends on the object's tags: statement "Team" of role.json (first: {bucket}/team/1)
  2 refused
    1: s3:PutObjectTagging on the object: no statement of the role's policy role.json allows it (first: {bucket}/other)
    1: s3:PutObjectTagging on the object: statement "NotThese" of role.json denies it (first: {bucket}/free/not/1)
'''
    [value] = workspace.longshore("policy", "simulate", "job.toml", "--json").events
    assert (value["rows"], value["simulated"], value["allowed"]) == (6, 6, 2)
    assert [(one["rows"], one["statement"]["sid"]) for one in value["depends"]] == [(2, "Team")]
    assert [(one["rows"], one.get("statement", {}).get("sid")) for one in value["refused"]] == [(1, None), (1, "NotThese")]
    assert value["manifest"] == value["report"] == {"verdict": "allowed"}
    assert sandbox.requests() == before
    workspace.write("role.json", policy(ALLOW_ALL))
    assert workspace.longshore("policy", "simulate", "job.toml").code == 0


def test_simulate_of_a_sample_and_of_rows_that_fail(bucket, workspace):
    workspace.manifest(bucket, [f"k{number}" for number in range(5000)])
    workspace.job("tagging", TAGGING)
    shown = workspace.longshore("policy", "simulate", "job.toml", "--sample", "100")
    assert shown.code == 0, shown.err
    assert "5,000 rows, a random sample of 100 simulated; nothing was sent to objects\n  100 allowed" in shown.out
    workspace.manifest(bucket, ["k", "l"], ["v1", ""])
    workspace.job("tagging", TAGGING, fields='["Bucket", "Key", "VersionId"]')
    shown = workspace.longshore("policy", "simulate", "job.toml")
    assert shown.code == 3
    assert "1 would fail\n    1: InvalidRequest: Task failed due to missing VersionId (first: row 2)" in shown.out
    assert workspace.longshore("policy", "simulate", "job.toml", "--sample", "0").code == 2
    assert workspace.longshore("policy", "simulate", "job.toml", "--sample", "5", "--all").code == 2
    assert workspace.longshore("policy", "simulate", "absent.toml").code == 2


def test_simulate_looks_at_manifest_and_report_too(sandbox, bucket, workspace):
    sandbox.client().put_object(Bucket=bucket, Key="list.csv", Body=f"{bucket},k\n".encode())
    workspace.write("role.json", policy(allow("s3:PutObjectTagging")))
    workspace.job("tagging", TAGGING, manifest=f"s3://{bucket}/list.csv", report=f'location = "s3://{bucket}/reports"')
    before = len(sandbox.log())
    shown = workspace.longshore("policy", "simulate", "job.toml")
    assert shown.code == 3, shown.err
    nothing = "no statement of the role's policy role.json allows it"
    assert f"  the manifest is refused: s3:GetObject on the object: {nothing}\n" in shown.out
    assert f"  the report is refused: s3:PutObject on the object: {nothing}\n" in shown.out
    assert {entry["key"] for entry in sandbox.log()[before:] if entry["key"]} == {"list.csv"}


JOBS = {
    "tagging": ("tagging", TAGGING),
    "merge": ("tagging", {"mode": "merge", "tags": {"a": "1"}}),
    "copy": ("copy", {"target-bucket": "TARGET", "target-prefix": "to", "canned-acl": "private"}),
    "acl": ("acl", {"canned": "private"}),
}


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("name", JOBS)
def test_a_suggested_policy_is_enough_and_none_of_it_too_much(sandbox, bucket, workspace, bucket_of, name, many):
    target = bucket_of(sandbox)
    operation, parameters = JOBS[name]
    parameters = {key: target if value == "TARGET" else value for key, value in parameters.items()}
    keys = [f"d{n % 3}/k {n}" for n in range(60)] if many else ["a*", "b?", "${c}", "ü/d"]
    sandbox.put(bucket, keys)
    manifest = workspace.manifest(bucket, keys).read_bytes()
    sandbox.client().put_object(Bucket=bucket, Key="lists/m.csv", Body=manifest)
    workspace.job(operation, parameters, manifest=f"s3://{bucket}/lists/m.csv", report=f'location = "s3://{target}/reports"')
    suggested = workspace.longshore("policy", "suggest", "job.toml")
    assert suggested.code == 0, suggested.err
    document = json.loads(suggested.out)
    assert document["Version"] == "2012-10-17"
    assert len({statement["Sid"] for statement in document["Statement"]}) == len(document["Statement"])
    workspace.write("role.json", suggested.out)
    assert workspace.longshore("policy", "check", "--role", "tester").err == "1 policy file: 0 errors, 0 warnings\n"
    assert workspace.longshore("policy", "simulate", "job.toml", "--all").code == 0
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    for left_out in range(len(document["Statement"])):
        rest = [statement for place, statement in enumerate(document["Statement"]) if place != left_out]
        workspace.write("role.json", policy(*rest or [allow("s3:ListBucket")]))
        assert workspace.longshore("policy", "simulate", "job.toml", "--all").code == 3, document["Statement"][left_out]


def test_suggest_from_a_sample_and_for_nothing(bucket, workspace):
    workspace.manifest(bucket, [f"d/{number}" for number in range(1000)])
    workspace.job("tagging", TAGGING)
    shown = workspace.longshore("policy", "suggest", "job.toml", "--sample", "10")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["Statement"] == [{
        "Sid": "PutObjectTagging", "Effect": "Allow", "Action": ["s3:PutObjectTagging"],
        "Resource": [f"arn:aws:s3:::{bucket}/d/*"]}]
    assert "from a sample of 10 of 1000 rows: others may need more" in shown.err
    workspace.job("noop", {})
    nothing = workspace.longshore("policy", "suggest", "job.toml")
    assert (nothing.code, nothing.out) == (2, "")
    assert "the job asks for nothing" in nothing.err


def test_mistakes_of_a_policy_that_a_job_brings(workspace):
    workspace.write("manifest.csv", "some-bucket,key\n")
    workspace.job("tagging", TAGGING, head='policy = "own.json"')
    workspace.write("own.json", BROKEN)
    for command in ("validate", "submit", "run"):
        shown = workspace.longshore(command, "job.toml")
        assert (shown.code, shown.out) == (2, "")
        assert 'job.toml:3:10: error: own.json:4:16: L2: Effect is "Allow" or "Deny"' in shown.err
        assert 'job.toml:3:10: error: own.json:4:35: L5: the action "GetObject" has no service prefix' in shown.err
    (workspace.directory / "own.json").unlink()
    assert "own.json: cannot read the policy" in workspace.longshore("validate", "job.toml").err


def test_the_page_about_policies_shows_what_the_commands_print(workspace):
    """Every command of docs/policies.md, run on the documents that the page shows."""
    page = (ROOT / "docs/policies.md").read_text()
    for name in ("longshore.toml", "policies/tagger.json", "policies/boundary.json", "job.toml", "manifest.csv"):
        text = page.split(f"<!-- file: {name} -->\n```", 1)[1].split("\n", 1)[1].split("```", 1)[0]
        workspace.write(name, text)
    consoles = [block.split("```", 1)[0] for block in page.split("```console\n")[1:]]
    assert len(consoles) >= 4
    for block in consoles:
        command, expected = block.split("\n", 1)
        assert command.startswith("$ longshore ")
        shown = workspace.longshore(*command.split()[2:])
        assert shown.out == expected, command
