"""Bad job files, configurations and policies: refused with every problem at its place, before anything is sent or stored."""

import json

import pytest

from harness import ALLOW_ALL, policy

GOOD = '''role = "tester"
[operation]
name = "tagging"
parameters = { mode = "replace", tags = { a = "b" } }
[manifest]
location = "manifest.csv"
fields = ["Bucket", "Key"]
'''
CONFIG = "longshore.toml"


@pytest.fixture
def workspace(sandbox, workspace_of):
    """A workspace in which the job file is right, and which must end as untouched as it began."""
    workspace = workspace_of(sandbox)
    workspace.write("manifest.csv", "some-bucket,key\n")
    workspace.write("job.toml", GOOD)
    before = sandbox.requests()
    yield workspace
    assert sandbox.requests() == before, "something was sent"
    data = workspace.directory / "data"
    if data.exists():
        assert workspace.longshore("list", "--json").events == [], "something was queued"


def refused(workspace, *words, commands=("run",)):
    """The commands refuse the job file, all in the same words."""
    said = set()
    for command in commands:
        result = workspace.longshore(command, "job.toml")
        assert result.code == 2, f"{command}: {result.out}{result.err}"
        assert result.out == ""
        assert "panicked" not in result.err
        said.add(result.err)
    [text] = said
    for word in words:
        assert word in text, text
    return text


def edited(workspace, old, new, name="job.toml"):
    text = (workspace.directory / name).read_text()
    assert old in text
    workspace.write(name, text.replace(old, new, 1))


MISTAKES = {
    "syntax": ('role = "tester"', 'role = "tester', "job.toml:1:15: error: not valid TOML"),
    "no value": ('role = "tester"', "role = ", "job.toml:1:8: error: not valid TOML"),
    "same key twice": ("[operation]", 'role = "x"\n[operation]', "job.toml:2:1: error: not valid TOML: duplicate key"),
    "unknown key": ("[operation]", "prioriti = 2\n[operation]", 'job.toml:2:1: error: unknown key "prioriti"',
                    'did you mean "priority"?', "^^^^^^^^\n"),
    "unknown key in a table": ("fields", "feilds", 'job.toml:7:1: error: unknown key "feilds" in [manifest]',
                               'did you mean "fields"?'),
    "wrong type": ("[operation]", 'priority = "high"\n[operation]',
                   'job.toml:2:12: error: "priority": expected an integer, found a string'),
    "out of range": ("[operation]", "priority = 2147483648\n[operation]", "job.toml:2:12: error:", "2147483647"),
    "missing field": ('fields = ["Bucket", "Key"]\n', "", 'job.toml:5:2: error: missing key "fields" in [manifest]'),
    "missing table": (GOOD[GOOD.index("[manifest]"):], "", 'job.toml:1:1: error: missing key "manifest"'),
    "unknown operation": ('"tagging"', '"taging"', 'job.toml:3:8: error: unknown operation "taging"',
                          'did you mean "tagging"?'),
    "plugin that is not there": ('name = "tagging"', 'plugin = "own.wasm"', "job.toml:3:10: error:", "own.wasm"),
    "plugin that is none": ('name = "tagging"', 'plugin = "manifest.csv"', "job.toml:3:10: error:", "manifest.csv"),
    "parameter of the wrong value": ('"replace"', '"replce"', 'job.toml:4:23: error: "mode" is "replce"',
                                     'did you mean "replace"?'),
    "parameter that is unknown": ("{ mode", "{ moode = 1, mode", "job.toml:4:16: error: unknown key \"moode\""),
    "parameter that is missing": ('mode = "replace", ', "", 'missing key "mode" in [operation.parameters]'),
    "parameters that do not go together": ('"replace", tags', '"delete-all", tags', "job.toml",
                                           'mode "delete-all" takes no tags'),
    "unknown role": ('"tester"', '"testr"', 'job.toml:1:8: error: unknown role "testr"', 'did you mean "tester"?'),
    "unknown store": ("[operation]", 'store = "mian"\n[operation]', 'job.toml:2:9: error: unknown store "mian"',
                      'did you mean "main"?'),
    "unknown field": ('"Key"]', '"Kee"]', 'job.toml:7:21: error: item 2 of "fields" is "Kee"', 'did you mean "Key"?'),
    "no Key field": (', "Key"]', "]", "job.toml:7:10: error:", "Key"),
    "place that is none": ('"manifest.csv"', '"ftp://host/x"', "job.toml:6:12: error:", "s3://bucket/key"),
    "variable that is not set": ('"manifest.csv"', '"${NOT_SET}"', "the environment variable NOT_SET is not set"),
    "secret": ('"manifest.csv"', '"${TEST_SECRET}"', "job.toml:6:13: error: TEST_SECRET looks like a secret"),
}


SECRET_NAMES = ["DB_PASSWD", "GH_PAT", "S3_API_KEY", "aws_access_key", "MY_PASSPHRASE", "SMTP_PWD", "GIT_CREDENTIALS"]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_variables_that_look_like_secrets(workspace, name):
    edited(workspace, "[operation]", f'description = "${{{name}:-x}}"\n[operation]')
    refused(workspace, f"job.toml:2:16: error: {name} looks like a secret")


def test_a_configured_secret_is_refused_whatever_it_is_called(workspace, monkeypatch):
    """By its value: nothing of it is shown, and it is not stored."""
    monkeypatch.setenv("S3_KEY", workspace.secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "in-the-environment")
    edited(workspace, "${TEST_SECRET}", "${S3_KEY}", CONFIG)
    for value in ("${S3_KEY}", "before ${S3_KEY} after", workspace.secret):
        workspace.write("job.toml", GOOD)
        edited(workspace, "[operation]", f'description = "{value}"\n[operation]')
        edited(workspace, 'a = "b"', f'a = "{value}"')
        text = refused(workspace, "job.toml:2:15: error: a configured secret is in this value",
                       "job.toml:5:47: error: a configured secret is in this value", commands=("validate", "submit", "run"))
        assert workspace.secret not in text
    edited(workspace, '"tester"', f'"{workspace.secret}"')
    assert workspace.secret not in refused(workspace, "job.toml:1:8: error: a configured secret is in this value")
    machine = workspace.longshore("run", "--json", "job.toml")
    assert machine.code == 2 and workspace.secret not in machine.out + machine.err


def test_secrets_that_are_written_wrong_are_not_shown(workspace):
    text = (workspace.directory / CONFIG).read_text()
    for wrong, *words in [
        (text.replace("http://", "http://user:in-plain-sight@"), '"endpoint" is', "://*******************@127.0.0.1"),
        (text.replace("secret-access-key = \"${TEST_SECRET}\"", 'sekret-access-key = "in-plain-sight"'), "sekret-access-key"),
        (text.replace("secret-access-key = \"${TEST_SECRET}\"", 'access-key = "in-plain-sight"'), "access-key"),
        (text.replace("secret-access-key = \"${TEST_SECRET}\"", 'pasword = "in-plain-sight"'), "pasword"),
    ]:
        workspace.write(CONFIG, wrong)
        assert "in-plain-sight" not in refused(workspace, "longshore.toml:", *words)
        assert "in-plain-sight" not in workspace.longshore("run", "--json", "job.toml").err
    workspace.configure()
    edited(workspace, '"manifest.csv"', '"ftp://user:in-plain-sight@host/x"')
    assert "in-plain-sight" not in refused(workspace, "job.toml:6:12: error:")


def test_one_mistake_does_not_hide_or_make_another(workspace):
    workspace.write("job.toml", GOOD.replace('["Bucket", "Key"]', '["Bucket", "Kee", "Key", "Key"]'))
    refused(workspace, 'item 2 of "fields" is "Kee"', 'job.toml:7:35: error: "Key" occurs twice in "fields"')
    # What a line that is not TOML says is not known, so nothing is said to be missing.
    workspace.write("job.toml", GOOD.replace('parameters = {', 'parameters {'))
    text = refused(workspace, "job.toml:4:", "not valid TOML")
    assert text.count(" error: ") == 1, text
    workspace.write("job.toml", GOOD.replace('"tagging"', '"copy"').replace(
        'mode = "replace", tags = { a = "b" }', 'target-bucket = "copies", storage-class = "STANDARD_AI"'))
    text = refused(workspace, 'allowed: "STANDARD", "STANDARD_IA"', 'did you mean "STANDARD_IA"?')
    assert "null" not in text


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_of_a_job_file(workspace, mistake):
    old, new, *words = MISTAKES[mistake]
    edited(workspace, old, new)
    text = refused(workspace, *words)
    assert workspace.secret not in text


def test_all_problems_of_a_job_file_at_once(workspace):
    for name in ["unknown key in a table", "unknown operation", "unknown role", "place that is none"]:
        old, new, *_ = MISTAKES[name]
        edited(workspace, old, new)
    text = refused(workspace, commands=("validate", "plan", "submit", "run"))
    places = [line.split(" error: ")[0] for line in text.splitlines() if " error: " in line]
    assert places == ["job.toml:1:8:", "job.toml:3:8:", "job.toml:5:2:", "job.toml:6:12:", "job.toml:7:1:"]
    carets = [line.split("|")[1].rstrip() for line in text.splitlines() if "^" in line]
    assert len(carets) == 5
    assert carets[0] == "        " + "^" * len('"testr"')

    machine = workspace.longshore("run", "--json", "job.toml")
    problems = json.loads(machine.err)
    assert (machine.code, machine.out, problems["exit"]) == (2, "", 2)
    assert [f"{p['file']}:{p['line']}:{p['column']}:" for p in problems["problems"]] == places


def test_a_job_file_that_is_not_there_or_not_text(workspace):
    workspace.write("job.toml", b"role = \"\xff\"\n")
    refused(workspace, "job.toml", "UTF-8")
    (workspace.directory / "job.toml").unlink()
    refused(workspace, "job.toml: cannot read the job file")


def test_a_command_line_that_is_none(workspace):
    for arguments in (["run"], ["rnu", "job.toml"], ["run", "--conccurrency", "1", "job.toml"], []):
        assert workspace.longshore(*arguments).code == 2
    wrong_log = workspace.longshore("--log", "longshore=lound=1", "list")
    assert wrong_log.code == 2, wrong_log.err


def test_mistakes_of_the_configuration(workspace):
    edited(workspace, 'region = "us-east-1"', 'regoin = "us-east-1"', CONFIG)
    edited(workspace, 'account = "111122223333"', 'account = "12"', CONFIG)
    text = refused(workspace, 'longshore.toml:5:1: error: unknown key "regoin" in [store.main]', 'did you mean "region"?',
                   'longshore.toml:9:11: error: "account" is "12"; it must be 12 digits')
    assert workspace.secret not in text
    assert workspace.longshore("list").code == 2
    (workspace.directory / CONFIG).unlink()
    refused(workspace, "longshore.toml: there is no engine configuration here", "'longshore init' writes one")


def test_a_secret_of_the_configuration_is_not_shown(workspace):
    edited(workspace, '"${TEST_SECRET}"', '"in-plain-sight" oops', CONFIG)
    text = refused(workspace, "longshore.toml:7:", "not valid TOML")
    assert "in-plain-sight" not in text
    workspace.configure()
    edited(workspace, "${TEST_SECRET}", "${OTHER_SECRET}", CONFIG)
    refused(workspace, "the environment variable OTHER_SECRET is not set")


POLICIES = {
    "not JSON": ('{"Version": "2012-10-17",\n}', "role.json:2:1: L1: not JSON"),
    "unknown element": (policy({**ALLOW_ALL, "Conditions": {}}), 'L1: a statement has no element "Conditions"',
                        'did you mean "Condition"?'),
    "effect": (policy({**ALLOW_ALL, "Effect": "allow"}), "role.json:1:", 'L2: Effect is "Allow" or "Deny"'),
    "action": (policy({**ALLOW_ALL, "Action": "GetObject"}), 'L5: the action "GetObject" has no service prefix'),
    "resource": (policy({**ALLOW_ALL, "Resource": "bucket/*"}), 'L6: "bucket/*" is neither "*" nor an ARN'),
    "operator": (policy({**ALLOW_ALL, "Condition": {"StringEqual": {"a:b": "c"}}}), 'no condition operator "StringEqual"',
                 'did you mean "StringEquals"?'),
    "principal": (policy({**ALLOW_ALL, "Principal": "*"}), "L4:", 'remove "Principal"'),
}


@pytest.mark.parametrize("mistake", POLICIES)
def test_mistakes_of_a_policy(workspace, mistake):
    text, *words = POLICIES[mistake]
    workspace.write("role.json", text)
    refused(workspace, "role.json:", *words)


def test_all_problems_of_all_policies_at_once(workspace):
    workspace.configure("boundary = [\"boundary.json\"]\nsession = [\"absent.json\"]\n")
    workspace.write("role.json", policy({**ALLOW_ALL, "Effect": "allow", "Action": "GetObject"}))
    workspace.write("boundary.json", "[]")
    refused(workspace, "role.json:1:", "L2: ", "L5: ", "boundary.json:1:1: L1:", "absent.json: cannot read the policy")


def test_a_policy_that_breaks_after_the_job_was_queued(sandbox, workspace_of, bucket_of):
    """Between submission and start the world may change: the job waits until it is mended, and nothing is sent."""
    workspace, bucket = workspace_of(sandbox), bucket_of(sandbox)
    workspace.write("job.toml", GOOD)
    workspace.manifest(bucket, ["key"])
    submitted = workspace.longshore("submit", "--json", "job.toml").events[0]
    workspace.write("role.json", "{}")
    before = sandbox.requests()
    started = workspace.longshore("start", "--until-idle")
    assert (started.code, "goes on once this is mended" in started.err) == (6, True), started.err
    [job] = workspace.longshore("status", "--json", submitted["id"]).events
    assert job["state"] == "New"
    assert job["obstacle"].startswith("RoleNotUsable: ") and "role.json:1:" in job["obstacle"]
    assert "Held back" in workspace.longshore("status", submitted["id"]).out
    assert sandbox.requests() == before
