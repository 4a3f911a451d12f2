"""Tasks that ask to run again later: they hold no lane, survive a restart with their time and count, and obey the user."""

import shutil
import sqlite3

import pytest

from harness import TARGET, kill, wait_for

# The build compiles it there, for a test of engine/builtins that `make test` runs before these.
MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_await_restore.wasm"
FOREVER = "600000"


@pytest.fixture
def waiting(sandbox_with, workspace_of):
    """Makes a workspace with a job on so many archived objects, whose restores take so long (milliseconds)."""
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"

    def make(count, delay, check_every, concurrency=4, extra=""):
        server = sandbox_with("--bucket", "objects", "--restore-delay", delay)
        keys = [f"k{number:04}" for number in range(count)]
        server.put("objects", keys, StorageClass="GLACIER")
        server.clear_log()
        workspace = workspace_of(server)
        shutil.copy(MODULE, workspace.directory / "await-restore.wasm")
        workspace.manifest("objects", keys)
        workspace.job('plugin = "await-restore.wasm"', {"days": 1, "check-every": check_every},
                      concurrency=concurrency, extra=extra)
        return workspace

    return make


def attempts(workspace):
    """The next run of each waiting task, by row."""
    with sqlite3.connect(f"file:{workspace.directory}/data/queue.db?mode=ro", uri=True) as queue:
        return dict(queue.execute("SELECT row, attempt FROM waiting"))


def waits(workspace, job, count):
    now = workspace.status(job)["waiting"]
    return now is not None and now["tasks"] == count


def test_restores_are_waited_for_without_a_lane(waiting):
    # One lane: it would take 20 times as long if a task kept it. More than one chunk, so that chunks come back.
    workspace = waiting(1500, "1000", 1, concurrency=32)
    ended = workspace.run()
    assert ended.code == 0, ended.err
    assert (ended.job["state"], ended.job["succeeded"], ended.job["failed"]) == ("Complete", 1500, 0)
    messages = {row[6] for row in workspace.rows(ended.job)}
    assert messages and all(message.startswith("readable, seen by run ") for message in messages)
    assert "readable, seen by run 1" not in messages
    # Each restore was begun once.
    begun = [entry["key"] for entry in workspace.server.log() if entry["method"] == "POST"]
    assert len(begun) == len(set(begun)) == 1500
    assert workspace.status(ended.job["id"])["waiting"] is None and attempts(workspace) == {}


def test_a_killed_engine_keeps_times_and_counts(waiting):
    workspace = waiting(30, FOREVER, 3600)
    job = workspace.submit()
    engine = workspace.start("start")
    wait_for(lambda: waits(workspace, job, 30), "all tasks to wait")
    before = workspace.status(job)
    assert before["state"] == "Active" and before["waiting"]["next_at"] > before["started_at"]
    assert "Waiting: 30 tasks run again, from 20" in workspace.longshore("status", job).out
    requests = workspace.server.requests()
    kill(engine)
    engine = workspace.start("start")
    assert b"engine started" in engine.stderr.readline()
    # The new engine takes up another job in the meantime: this one holds nothing.
    workspace.write("other.toml", (workspace.directory / "job.toml").read_text().replace(
        'plugin = "await-restore.wasm"', 'name = "noop"').replace("parameters", "#"))
    other = workspace.submit("other.toml")
    wait_for(lambda: workspace.status(other)["state"] == "Complete", "the other job")
    assert workspace.status(job)["waiting"] == before["waiting"]
    assert set(attempts(workspace).values()) == {2}
    heads = [entry for entry in workspace.server.log()[requests:] if entry["key"]]
    assert heads == [], "nothing is due, so nothing runs"

    assert workspace.longshore("pause", job).code == 0
    wait_for(lambda: workspace.status(job)["state"] == "Paused", "the pause")
    assert workspace.longshore("resume", job).code == 0
    wait_for(lambda: workspace.status(job)["state"] == "Active", "the job to go on")
    assert workspace.status(job)["waiting"] == before["waiting"]
    assert workspace.longshore("cancel", job).code == 0
    wait_for(lambda: workspace.status(job)["state"] == "Cancelled", "the end")
    ended = workspace.status(job)
    assert (ended["succeeded"], ended["failed"], ended["waiting"]) == (0, 0, None)
    assert "30 not run" in workspace.longshore("status", job).out


def test_attempts_count_on_after_a_crash(waiting):
    workspace = waiting(3, FOREVER, 1)
    job = workspace.submit()
    for least in (3, 5):
        engine = workspace.start("start")
        wait_for(lambda: sorted(attempts(workspace).values()) >= [least] * 3, f"run {least} of each task")
        kill(engine)
        assert set(attempts(workspace)) == {0, 1, 2}
    assert workspace.status(job)["state"] == "Active"
    # Each run looked once; each restore was begun once.
    begun = [entry["key"] for entry in workspace.server.log() if entry["method"] == "POST"]
    assert sorted(begun) == ["k0000", "k0001", "k0002"]


def test_tasks_that_fail_beside_tasks_that_wait(waiting):
    workspace = waiting(50, "1000", 1)
    manifest = (workspace.directory / "manifest.csv").read_text()
    workspace.write("manifest.csv", "objects,gone\n" + manifest + "objects,missing\n")
    ended = workspace.run()
    assert ended.code == 3, ended.err
    assert (ended.job["succeeded"], ended.job["failures"]) == (50, {"NoSuchKey": 2})
    assert len(workspace.rows(ended.job)) == 52


def test_a_rule_stops_a_job_whose_tasks_wait(waiting):
    workspace = waiting(50, FOREVER, 3600, concurrency=1, extra='[[limits.stop]]\ncodes = ["NoSuchKey"]')
    manifest = (workspace.directory / "manifest.csv").read_text()
    workspace.write("manifest.csv", manifest + "objects,missing\n")
    ended = workspace.run()
    assert (ended.code, ended.job["failure_code"]) == (4, "StopRuleMet"), ended.err
    assert [row[1] for row in workspace.rows(ended.job)] == ["missing"]
