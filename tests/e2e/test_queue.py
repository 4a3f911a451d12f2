"""The queue: submit, start, status, list, failures, cancel, client tokens, priorities, thresholds."""

import contextlib
import json
import subprocess
import threading

import pytest

from harness import TAGGING, Workspace, start_seeded, wait_for


@pytest.fixture
def workspace(two_objects):
    """A workspace with a job of three objects, one of which is missing."""
    two_objects.manifest(two_objects.bucket, ["one", "missing", "two"])
    two_objects.job(**TAGGING, head='description = "the first"')
    return two_objects


def test_the_life_of_a_queued_job(workspace):
    before = workspace.server.requests()
    plain = workspace.longshore("submit", "job.toml")
    job = plain.out.strip()
    assert plain.code == 0 and "'longshore start'" in plain.err
    assert workspace.server.requests() == before
    assert workspace.status(job)["state"] == "New"
    assert workspace.longshore("status", job, "--exit-code").code == 6
    assert job[:8] in workspace.longshore("status").out
    early = workspace.longshore("report", job)
    assert early.code == 2 and "it has not ended yet" in early.err

    assert workspace.longshore("start", "--until-idle").code == 3
    ended = workspace.status(job)
    assert (ended["state"], ended["total"], ended["succeeded"], ended["failed"]) == ("Complete", 3, 2, 1)
    assert ended["failures"] == {"NoSuchKey": 1}
    assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"]
    # Complete is not success, and says so.
    shown = workspace.longshore("status", job, "--exit-code")
    assert shown.code == 3
    assert "Complete with failed tasks" in shown.out and "1 NoSuchKey" in shown.out
    assert workspace.longshore("status").out == ""
    assert "Complete with failed tasks" in workspace.longshore("list").out

    history = workspace.longshore("status", "--json", "--events", job).events[0]["events"]
    assert [event["to"] for event in history] == ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]


def test_failures(workspace):
    job = workspace.submit()
    workspace.longshore("start", "--until-idle")
    [failure] = workspace.longshore("failures", "--json", job).events
    assert (failure["row"], failure["key"], failure["code"], failure["status"]) == (1, "missing", "NoSuchKey", 404)
    line = workspace.longshore("failures", job).out
    assert line.startswith(f"row 2: {workspace.bucket}/missing: NoSuchKey (404): ")
    assert workspace.longshore("failures", job, "--code", "NoSuchKey,AccessDenied").out == line
    assert workspace.longshore("failures", job, "--code", "AccessDenied").out == ""
    assert workspace.longshore("failures", job, "--limit", "0").out == ""


def test_jobs_are_found_by_the_start_of_their_id(workspace):
    job = workspace.submit()
    assert workspace.status(job[:8])["id"] == job
    for wanted in ("0" * 36, "zzzz", job[:3], "%"):
        for command in (["status", wanted], ["cancel", wanted], ["failures", wanted], ["report", wanted]):
            unknown = workspace.longshore(*command)
            assert unknown.code == 2, command
            assert f'no job has the ID "{wanted}"' in unknown.err


def test_the_highest_priority_goes_first_and_then_the_oldest(workspace):
    workspace.configure("[engine]\nactive-jobs = 1")
    wanted = {}
    for number, priority in enumerate([1, 2147483647, 5, 1, 0]):
        workspace.job(**TAGGING, head=f"priority = {priority}", name=f"{number}.toml")
        wanted[workspace.submit(f"{number}.toml")] = (-priority, number)
    order = [event["job"] for event in workspace.longshore("start", "--until-idle", "--json").events
             if event["event"] == "state" and event["state"] == "Active"]
    assert order == sorted(wanted, key=wanted.get)
    newest_first = [job["id"] for job in workspace.longshore("list", "--json").events]
    assert newest_first == list(reversed(wanted))


def test_list_by_state(workspace):
    first = workspace.submit()
    workspace.longshore("start", "--until-idle")
    second = workspace.submit()
    assert [job["id"] for job in workspace.longshore("list", "--json", "--state", "Complete").events] == [first]
    assert [job["id"] for job in workspace.longshore("list", "--json", "--state", "New").events] == [second]
    unknown = workspace.longshore("list", "--state", "Done")
    assert unknown.code == 2 and "Complete" in unknown.err


def test_one_client_token_is_one_job(workspace):
    workspace.job(**TAGGING, head='client-token = "token-1"')
    first = workspace.longshore("submit", "--json", "job.toml").events[0]
    second = workspace.longshore("submit", "--json", "job.toml").events[0]
    assert first["created"] and second == {"id": first["id"], "created": False}
    ran = workspace.run()
    assert (ran.code, ran.job["id"]) == (3, first["id"])
    # After its end, too: nothing runs again.
    before = [entry for entry in workspace.server.log() if entry["bucket"] == workspace.bucket]
    again = workspace.run()
    assert (again.code, again.job["id"]) == (3, first["id"])
    assert [entry for entry in workspace.server.log() if entry["bucket"] == workspace.bucket] == before
    assert len(workspace.longshore("list", "--json").events) == 1

    workspace.job(**TAGGING, head='client-token = "token-1"\npriority = 3')
    other = workspace.longshore("submit", "job.toml")
    assert other.code == 2
    assert "token-1" in other.err and first["id"] in other.err


def test_cancel_before_the_start(workspace):
    job = workspace.submit()
    cancelled = workspace.longshore("cancel", job, "--reason", "a mistake")
    assert (cancelled.code, cancelled.out) == (0, f"{job} Cancelling\n")
    assert workspace.longshore("cancel", "--json", job, "--reason", "again").events == [{"id": job, "state": "Cancelling"}]
    before = workspace.server.requests()
    assert workspace.longshore("start", "--until-idle").code == 5
    assert workspace.server.requests() == before
    ended = workspace.status(job)
    assert (ended["state"], ended["status_reason"], ended["report"]) == ("Cancelled", "a mistake", None)
    assert workspace.longshore("status", job, "--exit-code").code == 5
    late = workspace.longshore("cancel", job)
    assert late.code == 2 and f"job {job} is Cancelled" in late.err


@pytest.fixture
def slow(tmp_path):
    """A workspace with a job of 4,000 objects on a store that takes its time: 20 seconds, of which a test needs a few."""
    server, rows = start_seeded(tmp_path / "server", 4000, "--fault", "delay=100ms,method=PUT,bucket=objects")
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "\n".join(rows))
    workspace.job(**TAGGING, concurrency=20)
    yield workspace, rows
    server.stop()


def test_cancel_of_a_running_job_from_another_process(slow):
    workspace, rows = slow
    foreground = workspace.start("run", "--json", "job.toml")
    wait_for(lambda: workspace.server.requests() > 200, "some tasks")
    [job] = workspace.longshore("list", "--json").events
    assert workspace.longshore("cancel", job["id"], "--reason", "enough").code == 0
    out, errors = foreground.communicate(timeout=300)
    assert foreground.returncode == 5, errors.decode()
    ended = json.loads(out.splitlines()[-1])["job"]
    assert (ended["state"], ended["status_reason"], ended["total"]) == ("Cancelled", "enough", len(rows))

    # The report lists what ran and nothing else, in the order of the manifest.
    ran = sum(entry["bucket"] == "objects" for entry in workspace.server.log())
    assert 200 <= ended["succeeded"] == ran < len(rows) and ended["failed"] == 0
    reported = [f"{row[0]},{row[1]}" for row in workspace.rows(ended)]
    assert reported == [row for row in rows if row in set(reported)]
    assert len(reported) == ran
    assert workspace.longshore("status", ended["id"], "--exit-code").code == 5


def test_cancel_while_the_manifest_is_read(workspace):
    """A list without an end: only the cancel ends the job, and what was read of it is gone."""
    workspace.job(**TAGGING, manifest="-")
    foreground = workspace.start("run", "--json", "job.toml", stdin=subprocess.PIPE)

    def feed():
        with contextlib.suppress(BrokenPipeError):
            while True:
                foreground.stdin.write(f"{workspace.bucket},one\n".encode() * 10_000)

    feeder = threading.Thread(target=feed)
    feeder.start()
    [job] = wait_for(lambda: workspace.longshore("list", "--json", "--state", "Preparing").events, "the reading")
    assert workspace.longshore("cancel", job["id"]).code == 0
    assert foreground.wait(timeout=300) == 5, foreground.stderr.read()
    feeder.join()
    ended = workspace.status(job["id"])
    assert (ended["state"], ended["succeeded"], ended["report"]) == ("Cancelled", 0, None)
    assert list((workspace.directory / "data" / "spools").iterdir()) == []


def test_too_many_failures_fail_the_job(workspace):
    missing = [f"missing/{number}" for number in range(5000)]
    workspace.manifest(workspace.bucket, missing)
    workspace.job(**TAGGING, extra="failure-threshold = { percent = 20, minimum-tasks = 100 }")
    ended = workspace.run()
    assert ended.code == 4
    job = ended.job
    assert (job["state"], job["failure_code"]) == ("Failed", "FailureThresholdExceeded")
    assert "limits.failure-threshold" in job["failure_reason"] and "20 %" in job["failure_reason"]
    assert 100 <= job["failed"] < 5000
    reported = {row[1]: None for row in workspace.rows(job)}
    assert len(reported) == job["failed"] and list(reported) == [key for key in missing if key in reported]
    assert workspace.longshore("status", job["id"], "--exit-code").code == 4


@pytest.mark.parametrize("failing, code", [(50, 3), (51, 4)])
def test_a_job_fails_above_its_threshold_not_at_it(workspace, failing, code):
    keys = [f"key-{number}" for number in range(100 - failing)]
    workspace.server.put(workspace.bucket, keys)
    workspace.manifest(workspace.bucket, keys + [f"missing/{number}" for number in range(failing)])
    workspace.job(**TAGGING, extra="failure-threshold = { percent = 50, minimum-tasks = 100 }")
    ended = workspace.run()
    assert (ended.code, ended.job["failed"]) == (code, failing)
    assert len(workspace.rows(ended.job)) == 100
