"""What machines and scripts rely on: `--json` everywhere, the exit codes, the dry run, output that is data only."""

import json
import re
import subprocess

import pytest

from harness import ALLOW_ALL, ROOT, TAGGING, policy


@pytest.fixture
def workspace(two_objects):
    return two_objects


def test_every_command_speaks_json(workspace):
    ran = workspace.run()
    assert ran.code == 0 and ran.err == ""
    kinds = [event["event"] for event in ran.events]
    assert kinds[0] == "state" and kinds[-1] == "summary" and set(kinds) <= {"state", "reading", "progress", "summary"}
    job = ran.job["id"]
    commands = [
        ["validate", "job.toml"], ["plan", "job.toml"], ["submit", "job.toml"], ["start", "--until-idle"], ["list"],
        ["status"], ["status", job], ["status", job, "--events"], ["failures", job], ["report", job],
        ["operations"], ["operations", "copy"], ["schema", "job"], ["schema", "config"],
        ["init", "elsewhere"],
    ]
    for command in commands:
        done = workspace.longshore(*command, "--json")
        assert done.code == 0, done.err
        assert done.err == "", command
        text = done.out.strip()
        try:
            values = [json.loads(line) for line in text.splitlines()]
        except json.JSONDecodeError:
            values = [json.loads(text)]
        assert all(isinstance(value, (dict, list)) for value in values), command


@pytest.mark.parametrize("command", [
    ["status", "nowhere"], ["cancel", "nowhere"], ["failures", "nowhere"], ["report", "nowhere"], ["run", "absent.toml"],
    ["operations", "nothing"], ["list", "--state", "Nothing"],
])
def test_errors_speak_json_too(workspace, command):
    failed = workspace.longshore(*command, "--json")
    assert (failed.code, failed.out) == (2, "")
    said = json.loads(failed.err)
    assert said["exit"] == 2 and said["error"]
    plain = workspace.longshore(*command)
    assert (plain.code, plain.out) == (2, "") and plain.err.startswith("error: ")


def test_exit_codes_of_the_other_kinds(workspace):
    """0 to 8 but for 5, 6, 7 (queue, crash) and 8 (stores)."""
    assert workspace.run().code == 0
    workspace.manifest(workspace.bucket, ["one", "missing"])
    assert workspace.run().code == 3
    workspace.write("manifest.csv", "")
    assert workspace.run().code == 4
    text = (workspace.directory / "longshore.toml").read_text()
    workspace.write("longshore.toml", text.replace('"data"', '"role.json"'))
    outside = workspace.longshore("list")
    assert outside.code == 1 and "role.json" in outside.err and "must be a directory" in outside.err


def test_reports_that_cannot_be_written_fail_the_job(workspace):
    workspace.write("reports", "a file where a directory should be")
    ended = workspace.run()
    assert (ended.code, ended.job["state"], ended.job["failure_code"]) == (4, "Failed", "ReportNotWritten")
    # Noticed before the first task.
    assert (ended.job["succeeded"], ended.job["report"]) == (0, None)

    workspace.job(**TAGGING, report='location = "s3://no-such-bucket/reports"')
    ended = workspace.run()
    assert (ended.code, ended.job["failure_code"]) == (4, "ReportNotWritten")
    assert "NoSuchBucket" in ended.job["failure_reason"]


def test_a_job_without_a_report(workspace):
    workspace.job(**TAGGING, report="enabled = false")
    ended = workspace.run()
    assert (ended.code, ended.job["state"], ended.job["report"]) == (0, "Complete", None)
    shown = workspace.longshore("report", ended.job["id"])
    assert shown.code == 2 and "switches the report off" in shown.err
    assert not (workspace.directory / "reports").exists()


def test_the_dry_run_sends_nothing(workspace):
    """Half of the keys may be written: the plan says which, and what stands in the way of the others."""
    workspace.manifest(workspace.bucket, ["open/1", "shut/1", "open/2", "shut/2", "open/3"])
    allow = {**ALLOW_ALL, "Resource": f"arn:aws:s3:::{workspace.bucket}/open/*"}
    workspace.write("role.json", policy(allow))
    before = workspace.server.requests()
    planned = workspace.longshore("plan", "--json", "job.toml")
    assert planned.code == 3, planned.err
    [plan] = planned.events
    assert (plan["rows"], plan["allowed"], plan["requests"]) == (5, 3, {"PutObjectTagging": 3})
    [refusal] = plan["refused"]
    assert refusal["rows"] == 2 and refusal["first"] == f"{workspace.bucket}/shut/1"
    assert all(word in refusal["reason"] for word in ("AccessDenied", "tester", "s3:PutObjectTagging"))
    plain = workspace.longshore("plan", "job.toml", "--show", "2").out
    assert "5 rows: 3 may run, 2 would fail; nothing was sent" in plain
    assert f"row 1: {workspace.bucket}/open/1: PutObjectTagging" in plain and "row 3:" not in plain
    limited = workspace.longshore("plan", "--json", "job.toml", "--limit", "1")
    assert (limited.code, limited.events[0]["rows"]) == (0, 1)
    assert workspace.server.requests() == before
    assert not (workspace.directory / "data").exists() and not (workspace.directory / "reports").exists()


def test_a_plain_run_keeps_its_output_apart(workspace):
    ran = workspace.longshore("run", "job.toml")
    assert ran.code == 0
    assert "Complete" in ran.out and "2 in all: 2 succeeded, 0 failed" in ran.out
    assert ran.err.startswith("Job ") and "\x1b" not in ran.out + ran.err


def test_a_key_cannot_play_with_the_terminal(workspace):
    workspace.manifest(workspace.bucket, ["\x1b[2Jgone\nrow 9: fake"])
    ended = workspace.run()
    shown = workspace.longshore("failures", ended.job["id"]).out
    assert ended.code == 3 and "\x1b" not in shown and len(shown.splitlines()) == 1


def test_what_init_writes_is_valid(workspace, tmp_path):
    made = workspace.longshore("init", "fresh")
    assert made.code == 0, made.err
    fresh = workspace.directory / "fresh"
    valid = workspace.longshore("--config", fresh / "longshore.toml", "validate", fresh / "job.toml")
    assert valid.code == 0, valid.err
    before = {path: path.read_bytes() for path in fresh.rglob("*") if path.is_file()}
    again = workspace.longshore("init", "fresh")
    assert again.code != 0, "what is there is never overwritten"
    assert {path: path.read_bytes() for path in fresh.rglob("*") if path.is_file()} == before


def test_the_first_run_succeeds_as_init_and_readme_say(workspace, sandbox_with, monkeypatch):
    made = workspace.longshore("init", "fresh")
    fresh = workspace.directory / "fresh"
    [line] = re.findall(r"^  longshore sandbox (.+)$", made.err, re.MULTILINE)
    keys = dict(re.findall(r"(AWS_\w+)=(\S+)", made.err))
    readme = (ROOT / "README.md").read_text()
    assert f"longshore sandbox {line} " in readme and f"export {' '.join(f'{k}={v}' for k, v in keys.items())}\n" in readme
    server = sandbox_with(*line.split())
    monkeypatch.setenv("S3_ENDPOINT", server.endpoint)

    def command(name):
        done = workspace.command(*name.split())
        return subprocess.run(**{**done, "cwd": fresh, "env": {**done["env"], **keys}}, capture_output=True, text=True)

    for name in re.findall(r"^  longshore ((?:validate|plan|run) .+)$", made.err, re.MULTILINE):
        done = command(name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARN" not in done.stderr
    # Without the keys it says what is missing, on one line.
    for name in keys:
        keys[name] = ""
    lost = command("run job.toml")
    assert lost.returncode == 8 and lost.stderr.startswith("error: ") and lost.stderr.count("\n") == 1, lost.stderr


def test_everything_about_a_job_is_shown(workspace):
    workspace.job(**TAGGING, head='tags = { team = "storage", ticket = "7" }\nclient-token = "once"')
    job = workspace.run().job
    assert job["tags"] == {"team": "storage", "ticket": "7"} and job["client_token"] == "once"
    assert job["store"] == "main" and job["manifest"].endswith("/manifest.csv") and job["limits"]["concurrency"] == 16
    assert job["parameters"]["mode"] == "replace"
    shown = workspace.longshore("status", job["id"]).out
    for words in ("team=storage, ticket=7", "main", "manifest.csv", "16 tasks at once, fails above 50 % of at least 1,000"):
        assert words in shown
    assert "team=storage, ticket=7" in workspace.longshore("list").out


def test_the_sandbox_listens_on_loopback_only(workspace):
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:9000", "localhost"):
        refused = workspace.longshore("sandbox", "--listen", address, timeout=60)
        assert refused.code == 2 and "127.0.0.1:9000" in refused.err


def test_help_and_page_explain_every_word_of_a_fault(workspace):
    wrong = workspace.longshore("sandbox", "--fault", "nonsense=1")
    assert wrong.code == 2
    words = re.search(r"the words are (.+)", wrong.err)[1].split(", ")
    shown, page = workspace.longshore("sandbox", "--help").out, (ROOT / "docs/sandbox.md").read_text()
    assert "status" in words
    for word in words:
        assert re.search(rf"^ +{word}\b", shown, re.MULTILINE) and re.search(rf"^\| `{word}\b", page, re.MULTILINE), word


def test_operations_list_their_parameters(workspace):
    names = [operation["name"] for operation in workspace.longshore("operations", "--json").events]
    assert {"acl", "copy", "restore", "tagging"} <= set(names)
    shown = workspace.longshore("operations", "tagging").out
    assert "mode" in shown and "delete-all" in shown
