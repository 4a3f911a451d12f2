"""Jobs with several operations: steps in order for each object, their conditions, policies, failures and waits."""

import shutil
import sqlite3

import pytest

from documents import ALLOW_ALL, allow, deny, toml
from harness import TARGET, kill, wait_for

# The build compiles it there, for a test of engine/builtins that `make test` runs before these.
MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_await_restore.wasm"
SKIPPED = "skipped: the condition is not met"


def tagging(tags, **more):
    return {"name": "tagging", "parameters": {"mode": "merge", "tags": tags}, **more}


def copy(bucket, **more):
    return {"name": "copy", "parameters": {"target-bucket": bucket}, **more}


def pipeline(workspace, *steps, extra=""):
    """A job file with these steps."""
    tables = "".join("[[operation]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in step.items()) for step in steps)
    workspace.write("job.toml", f'''
role = "tester"
{tables}
[manifest]
location = "manifest.csv"
fields = ["Bucket", "Key"]
[report]
location = "reports"
{extra}''')
    return workspace


def tags(workspace, bucket, key):
    found = workspace.server.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


def sent(workspace, bucket):
    """The requests for objects of the bucket, in short: method and what it is about."""
    return [(entry["method"], (entry["query"] or "").split("&")[0].split("=")[0])
            for entry in workspace.server.log() if entry["bucket"] == bucket and entry["key"]]


@pytest.fixture
def objects(sandbox_with, workspace_of):
    """A workspace with these objects in the bucket `objects`, listed in its manifest; `copies` is an empty bucket."""

    def make(keys, *options, policies=None, **more):
        server = sandbox_with("--bucket", "objects", "--empty-bucket", "copies", *options)
        server.put("objects", keys, **more)
        workspace = workspace_of(server, policies or [ALLOW_ALL])
        workspace.manifest("objects", keys)
        server.clear_log()
        return workspace

    return make


@pytest.mark.parametrize("slots", [16, 4000], ids=["every instance is kept", "one instance a lane"])
def test_steps_run_in_order_for_each_object(objects, slots):
    workspace = objects(["a", "b", "c d"])
    workspace.configure(f"[engine]\nconcurrency = {slots}")
    pipeline(workspace, tagging({"before": "1"}), copy("copies"), tagging({"after": "2"}))
    ran = workspace.run()
    assert ran.code == 0, ran.err
    for key in ["a", "b", "c d"]:
        assert tags(workspace, "copies", key) == {"before": "1"}
        assert tags(workspace, "objects", key) == {"before": "1", "after": "2"}
    assert {row[3:] for row in map(tuple, workspace.rows(ran.job))} == {("succeeded", "200", "", "Successful")}
    # The whole pipeline may run again.
    again = workspace.run()
    assert again.code == 0 and tags(workspace, "objects", "a") == {"before": "1", "after": "2"}


def test_the_first_failure_stops_a_task_and_names_the_step(objects):
    workspace = objects(["a", "b"])
    pipeline(workspace, tagging({"before": "1"}), copy("no-such-bucket"), tagging({"after": "2"}, label="mark"))
    ran = workspace.run()
    assert ran.code == 3 and ran.job["failures"] == {"NoSuchBucket": 2}
    status, http, code, message = workspace.outcomes(ran.job)["a"]
    assert (status, http, code) == ("failed", "404", "NoSuchBucket")
    assert message.startswith("step 2 (copy): NoSuchBucket: ") and message.endswith("; step 3 (mark) not run")
    assert tags(workspace, "objects", "a") == {"before": "1"}
    # Failed tasks run again from the first step on.
    workspace.server.client().create_bucket(Bucket="no-such-bucket")
    again = workspace.longshore("retry", ran.job["id"]).out.strip()
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(again)["succeeded"] == 2
    assert [step["operation"] for step in workspace.status(again)["steps"]] == ["tagging", "copy", "tagging"]
    assert tags(workspace, "objects", "b") == {"before": "1", "after": "2"}


def test_a_step_may_let_the_task_go_on_which_is_failed_then(objects):
    workspace = objects(["a"])
    pipeline(workspace, copy("no-such-bucket", **{"on-failure": "continue"}), tagging({"after": "2"}),
             copy("nor-this-one", label="second-copy"))
    ran = workspace.run()
    assert ran.code == 3
    status, http, code, message = workspace.outcomes(ran.job)["a"]
    assert (status, http, code) == ("failed", "404", "NoSuchBucket")
    first, second = message.split("; ")
    assert first.startswith("step 1 (copy): NoSuchBucket: ") and second.startswith("step 3 (second-copy): NoSuchBucket: ")
    assert tags(workspace, "objects", "a") == {"after": "2"}


@pytest.mark.parametrize("when, requests", [
    ({"suffixes": [".yes"]}, []),
    ({"size-greater-than": 10}, [("HEAD", "")]),
    ({"size-less-than": "5 B", "not": {"prefixes": ["q"]}}, [("HEAD", "")]),
    ({"storage-classes": ["STANDARD_IA"]}, [("HEAD", "")]),
    ({"tags": {"wanted": "yes"}}, [("GET", "tagging")]),
    ({"metadata": {"origin": "scanner"}}, [("HEAD", "")]),
    ({"older-than": "1d"}, [("HEAD", "")]),
    ({"any": [{"suffixes": [".yes"]}, {"tags": {"wanted": True}}]}, [("GET", "tagging")]),
    ({"expression": "size == 12 && metadata.origin == 'scanner'"}, [("HEAD", "")]),
], ids=str)
def test_conditions_ask_only_for_what_the_row_does_not_tell(objects, when, requests):
    workspace = objects([])
    client = workspace.server.client()
    client.put_object(Bucket="objects", Key="object.yes", Body=b"x" * 12, StorageClass="STANDARD_IA",
                      Metadata={"origin": "scanner"}, Tagging="wanted=yes")
    client.put_object(Bucket="objects", Key="object.no", Body=b"x" * 7)
    workspace.manifest("objects", ["object.yes", "object.no"])
    small_or_old = "size-less-than" in when or "older-than" in when
    pipeline(workspace, {"name": "noop"}, tagging({"met": "1"}, when=when))
    workspace.server.clear_log()
    ran = workspace.run()
    assert ran.code == 0, ran.err
    outcomes = workspace.outcomes(ran.job)
    assert outcomes["object.no"] == ("succeeded", "200", "", f"step 2 (tagging) {SKIPPED}")
    assert outcomes["object.yes"][3] == (f"step 2 (tagging) {SKIPPED}" if small_or_old else "Successful")
    asked = [entry for entry in workspace.server.log() if entry["key"] == "object.no"]
    assert [(entry["method"], entry["query"].split("=")[0] if entry["query"] else "") for entry in asked] == requests


def test_columns_of_the_list_answer_conditions_until_a_step_has_run(objects):
    workspace = objects(["a", "b", "c"])
    workspace.write("manifest.csv", "objects,a,5000000,\nobjects,b,10,STANDARD\nobjects,c,,\n")
    pipeline(workspace, tagging({"large": "1"}, when={"size-greater-than": "1 MB"}),
             tagging({"plain": "1"}, when={"storage-classes": ["STANDARD"]}))
    fields = '["Bucket", "Key", { column = "Size" }, { column = "StorageClass" }]'
    workspace.write("job.toml", (workspace.directory / "job.toml").read_text().replace('["Bucket", "Key"]', fields))
    planned = workspace.longshore("plan", "job.toml").out
    assert "row 1: objects/a: step 1 (tagging): GetObjectTagging, PutObjectTagging; step 2 (tagging), if the condition is met: HeadObject" in planned
    assert "row 2: objects/b: step 1 (tagging) skipped; step 2 (tagging): GetObjectTagging" in planned
    workspace.server.clear_log()
    assert workspace.run().code == 0
    assert [tags(workspace, "objects", key) for key in "abc"] == [{"large": "1", "plain": "1"}, {"plain": "1"}, {"plain": "1"}]
    # The list says nothing about the third, and what it says about the first is out of date after its first step.
    assert sorted(entry["key"] for entry in workspace.server.log() if entry["method"] == "HEAD" and entry["key"]) == ["a", "c"]


def test_an_answer_serves_all_conditions_until_a_step_may_have_changed_the_object(objects):
    workspace = objects(["a"])
    large = {"size-greater-than": "1 GiB"}
    pipeline(workspace, tagging({"never": "1"}, when=large), tagging({"nor": "1"}, when={**large, "tags": {"x": "1"}}),
             tagging({"class": "cold"}, when={"metadata": {"origin": False}}),
             tagging({"seen": "1"}, when={"tags": {"class": "cold"}}))
    ran = workspace.run()
    assert ran.code == 0, ran.err
    assert tags(workspace, "objects", "a") == {"class": "cold", "seen": "1"}
    assert [request for request in sent(workspace, "objects") if request[0] == "HEAD"] == [("HEAD", "")]
    assert workspace.outcomes(ran.job)["a"][3] == f"step 1 (tagging) {SKIPPED}; step 2 (tagging) {SKIPPED}"


def test_a_condition_that_cannot_be_decided_fails_the_step(objects):
    workspace = objects(["a"])
    workspace.manifest("objects", ["a", "missing"])
    pipeline(workspace, tagging({"x": "1"}, when={"expression": "tags.owner == 'me'"}, **{"on-failure": "continue"}),
             {"name": "noop", "when": {"size-greater-than": 1}})
    ran = workspace.run()
    assert ran.code == 3
    outcomes = workspace.outcomes(ran.job)
    assert outcomes["a"][:3] == ("failed", "", "ConditionFailed") and "step 1 (tagging): ConditionFailed: " in outcomes["a"][3]
    assert outcomes["missing"][:3] == ("failed", "404", "NoSuchKey")
    assert "step 1 (tagging): NoSuchKey: the condition needs GetObjectTagging: " in outcomes["missing"][3]
    assert "; step 2 (noop): " in outcomes["missing"][3] and "the condition needs HeadObject: " in outcomes["missing"][3]


def test_policies_are_asked_for_each_step(objects):
    secret = deny("s3:PutObjectTagging", "arn:aws:s3:::objects/secret", sid="NoTagsThere")
    workspace = objects(["a", "secret"], policies=[ALLOW_ALL, secret])
    pipeline(workspace, copy("copies"), tagging({"x": "1"}))
    planned = workspace.longshore("plan", "job.toml")
    assert planned.code == 3
    assert "row 1: objects/a: step 1 (copy): CopyObject; step 2 (tagging): " in planned.out
    assert "row 2: objects/secret: AccessDenied: step 2 (tagging): AccessDenied: " in planned.out
    assert "2 rows: 1 may run, 1 would fail" in planned.out
    simulated = workspace.longshore("policy", "simulate", "job.toml")
    assert simulated.code == 3 and "1 refused" in simulated.out
    assert "step 2 (tagging): s3:PutObjectTagging on the object: " in simulated.out
    ran = workspace.run()
    assert ran.code == 3
    [message] = workspace.refusals(ran.job).values()
    assert message.startswith('step 2 (tagging): AccessDenied: role "tester" may not s3:PutObjectTagging')
    assert "NoTagsThere" in message
    # The first step of that task has run.
    assert workspace.server.client().head_object(Bucket="copies", Key="secret")


def test_policies_are_asked_for_conditions(objects):
    workspace = objects(["a"], policies=[allow(["s3:PutObjectTagging", "s3:GetObjectTagging"])])
    pipeline(workspace, tagging({"x": "1"}), tagging({"y": "1"}, when={"size-greater-than": "1 MiB"}))
    planned = workspace.longshore("plan", "job.toml")
    assert planned.code == 3
    assert "step 2 (tagging): AccessDenied: the condition needs HeadObject: role \"tester\" may not s3:GetObject" in planned.out
    simulated = workspace.longshore("policy", "simulate", "job.toml")
    assert "step 2 (tagging): s3:GetObject on the object: " in simulated.out
    ran = workspace.run()
    assert ran.code == 3 and ("HEAD", "") not in sent(workspace, "objects")
    suggested = workspace.longshore("policy", "suggest", "job.toml")
    assert suggested.code == 0 and "s3:GetObject\"" in suggested.out and "s3:PutObjectTagging" in suggested.out
    workspace.write("role.json", suggested.out)
    assert workspace.run().code == 0


def test_what_may_be_skipped_may_be_refused(objects):
    workspace = objects(["a"], policies=[ALLOW_ALL, deny("s3:PutObjectTagging", "arn:aws:s3:::objects/*")])
    pipeline(workspace, copy("copies"), tagging({"y": "1"}, when={"size-greater-than": "1 MiB"}))
    simulated = workspace.longshore("policy", "simulate", "job.toml")
    assert simulated.code == 3 and "1 depend on what is not known" in simulated.out
    assert "step 2 (tagging): refused if the condition is met: s3:PutObjectTagging on the object" in simulated.out
    planned = workspace.longshore("plan", "job.toml")
    assert planned.code == 3 and "(if the condition is met)" in planned.out
    assert workspace.run().code == 0


def test_commands_tell_the_steps(objects):
    workspace = objects(["a"])
    pipeline(workspace, copy("copies", label="keep", **{"on-failure": "continue"}),
             tagging({"y": "1"}, when={"suffixes": [".gz"]}))
    planned = workspace.longshore("plan", "job.toml")
    assert "row 1: objects/a: step 1 (keep): CopyObject; step 2 (tagging) skipped" in planned.out
    assert "copy+tagging under role tester" in workspace.longshore("validate", "job.toml").out
    job = workspace.run().job
    assert (job["operation"], len(job["parameters"])) == ("copy+tagging", 2)
    assert [(step["step"], step["label"], step["operation"], step["on_failure"]) for step in job["steps"]] == [
        (1, "keep", "copy", "continue"), (2, None, "tagging", "stop")]
    assert job["steps"][1]["condition"] == {"suffixes": [".gz"]}
    assert job["plugin_digest"] == "+".join(step["plugin_digest"] for step in job["steps"])
    shown = workspace.longshore("status", job["id"]).out
    assert "1. copy (keep), goes on if it fails" in shown and '2. tagging, when {"suffixes":[".gz"]}' in shown
    assert "copy+tagging" in workspace.longshore("list").out
    [row] = workspace.longshore("sql", "--json", "SELECT operation, plugin_digest FROM jobs").events
    assert row == {"operation": "copy+tagging", "plugin_digest": job["plugin_digest"]}
    rows = workspace.longshore("sql", "--json", "SELECT step, label, operation, plugin_digest FROM steps ORDER BY step").events
    assert rows == [{key: step[key] for key in row} for step, row in zip(job["steps"], rows)]
    clone = workspace.longshore("clone", job["id"]).out.strip()
    assert workspace.status(clone)["steps"] == job["steps"]


def test_a_killed_engine_repeats_no_more_than_the_running_tasks(objects):
    keys = [f"k{number:02}" for number in range(20)]
    # The copy of one object hangs until the engine is killed: its task is in its second step then.
    workspace = objects(keys, "--fault", "delay=600s,count=1,method=PUT,bucket=copies,key=k07")
    pipeline(workspace, tagging({"before": "1"}), copy("copies"), tagging({"after": "2"}),
             extra="[limits]\nconcurrency = 4")
    engine = workspace.start("run", "job.toml")
    job = wait_for(lambda: next(iter(workspace.longshore("list", "--json").events), None), "the job")["id"]
    wait_for(lambda: workspace.status(job)["succeeded"] == len(keys) - 1, "all tasks but one")
    kill(engine)
    workspace.server.clear_log()
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(job)["succeeded"] == len(keys)
    assert {entry["key"] for entry in workspace.server.log() if entry["method"] == "PUT"} == {"k07"}
    assert all(tags(workspace, "objects", key) == {"before": "1", "after": "2"} for key in keys)


def waiting(workspace):
    """What the queue keeps of the waiting tasks."""
    with sqlite3.connect(f"file:{workspace.directory}/data/queue.db?mode=ro", uri=True) as queue:
        return queue.execute("SELECT attempt, progress FROM waiting").fetchall()


def test_a_task_that_waits_goes_on_at_its_step_also_after_a_crash(objects):
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"
    keys = [f"k{number}" for number in range(10)]
    workspace = objects(keys, "--restore-delay", "5000", StorageClass="GLACIER")
    shutil.copy(MODULE, workspace.directory / "await-restore.wasm")
    pipeline(workspace, copy("no-such-bucket", **{"on-failure": "continue"}), tagging({"before": "1"}),
             {"plugin": "await-restore.wasm", "parameters": {"days": 1, "check-every": 2}, "label": "thaw"},
             copy("copies"))
    job = workspace.submit()
    engine = workspace.start("start")
    wait_for(lambda: len(waiting(workspace)) == len(keys), "all tasks to wait")
    kill(engine)
    assert all("NoSuchBucket" in progress and progress.endswith('{"Succeeded":null}]') for _, progress in waiting(workspace))
    done = workspace.longshore("start", "--until-idle")
    assert done.code == 3, done.err
    for key, (status, http, code, message) in workspace.outcomes({"id": job}).items():
        # What failed before the wait is not forgotten.
        assert (status, http, code) == ("failed", "404", "NoSuchBucket"), key
        assert message.startswith("step 1 (copy): NoSuchBucket: ") and "; step 3 (thaw): readable, seen by run " in message
        assert workspace.server.client().head_object(Bucket="copies", Key=key)
    # No step before the one that waits has run twice.
    written = [entry["key"] for entry in workspace.server.log() if entry["method"] == "PUT" and entry["query"] and "tagging" in entry["query"]]
    assert sorted(written) == keys
    begun = [entry["key"] for entry in workspace.server.log() if entry["method"] == "POST"]
    assert sorted(begun) == keys
