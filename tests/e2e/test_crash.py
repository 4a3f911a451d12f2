"""kill -9, SIGTERM and second engines: no result is lost, and nothing is done again but what was in flight."""

import datetime
import signal

import pytest

from harness import Workspace, kill, start_seeded, wait_for

OBJECTS = 10_000
CONCURRENCY = 32
# What a crash may repeat: the running tasks, and the results that wait for a commit (docs/ARCHITECTURE.md).
COMMIT_WINDOW = 4096
TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }', concurrency=CONCURRENCY)


MOMENTS = [700, 5000, 9000]


def hanging(moment):
    """The key whose first request hangs, so that the job cannot end before its engine is killed."""
    return f"missing/hangs-at-{moment}"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    faults = [word for moment in MOMENTS for word in ("--fault", f"delay=600s,count=1,key={hanging(moment)}")]
    server, rows = start_seeded(tmp_path_factory.mktemp("crash"), OBJECTS, *faults)
    for number in range(50, OBJECTS, 1000):
        rows.insert(number, f"objects,missing/{number}")
    yield server, rows
    server.stop()


@pytest.fixture
def crash(seeded, tmp_path):
    """A workspace with the job of this file, and its rows."""
    return of_all_rows(*seeded, tmp_path, TAGGING)


def of_all_rows(server, rows, directory, job):
    """A workspace with a job of these rows, and the rows; the server's log is empty."""
    workspace = Workspace(directory / "workspace", server)
    workspace.write("manifest.csv", "".join(row + "\n" for row in rows))
    workspace.job(**job)
    server.clear_log()
    return workspace, rows


def now():
    """This moment, as the access log writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def finish(workspace):
    ended = workspace.longshore("start", "--until-idle")
    # 3 where the manifest names missing objects; what became of each is for the report to say.
    assert ended.code in (0, 3), ended.out + ended.err


def reach(workspace, process, count):
    """Waits until the server has answered `count` requests of a job that still runs."""
    wait_for(lambda: workspace.server.requests() >= count or process.poll() is not None, f"{count} requests")
    assert process.poll() is None, process.stderr.read().decode()


def check_report(workspace, job, rows):
    """The report has every row of the manifest exactly once, each with its own outcome."""
    missing = [row for row in rows if "missing/" in row]
    found = [row for row in rows if "missing/" not in row]
    assert sorted(f"{row[0]},{row[1]}" for row in workspace.rows(job, "succeeded")) == sorted(found)
    assert sorted(f"{row[0]},{row[1]}" for row in workspace.rows(job, "failed")) == sorted(missing)
    assert {tuple(row[3:]) for row in workspace.rows(job, "succeeded")} == {("succeeded", "200", "", "Successful")}
    assert {tuple(row[3:6]) for row in workspace.rows(job, "failed")} <= {("failed", "404", "NoSuchKey")}
    assert (job["state"], job["total"], job["succeeded"], job["failed"]) == (
        "Complete", len(rows), len(found), len(missing))


def calls_of(log):
    """The calls of tasks by key, in order."""
    calls = {}
    for entry in sorted(log, key=lambda entry: entry["start"]):
        if entry["bucket"] == "objects":
            calls.setdefault(entry["key"], []).append(entry)
    return calls


def check_never_at_once(calls):
    for key, entries in calls.items():
        for earlier, later in zip(entries, entries[1:]):
            assert earlier["end"] <= later["start"], f"two calls at once for {key!r}"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_job_goes_on_where_it_was(crash, moment):
    workspace, rows = crash
    rows = [f"objects,{hanging(moment)}", *rows]
    workspace.write("manifest.csv", "".join(row + "\n" for row in rows))
    # Longer than the test may take: the request that hangs is not tried again.
    configuration = (workspace.directory / "longshore.toml").read_text()
    workspace.write("longshore.toml", configuration.replace("[store.main]", '[store.main]\nrequest-timeout = "1h"'))
    job = workspace.submit()
    engine = workspace.start("start")
    reach(workspace, engine, moment)
    kill(engine)
    stood = workspace.status(job)
    before, again = workspace.server.requests(), now()
    durable = stood["succeeded"] + stood["failed"]
    assert stood["state"] == "Active"
    assert before - (CONCURRENCY + COMMIT_WINDOW) <= durable <= before

    finish(workspace)
    check_report(workspace, workspace.status(job), rows)
    log = workspace.server.log()
    calls = calls_of(log)
    assert len(calls) == len(rows)
    assert sum(map(len, calls.values())) - len(rows) <= CONCURRENCY + COMMIT_WINDOW
    # What was durable is not done again, and everything else is done once.
    after = calls_of(entry for entry in log if entry["start"] >= again)
    assert [len(entries) for entries in after.values()] == [1] * (len(rows) - durable)
    check_never_at_once(calls)


def test_many_crashes_in_one_job(crash):
    workspace, rows = crash
    job = workspace.submit()
    for _ in range(5):
        engine = workspace.start("start")
        # However far it gets beyond that, there is an end to wait for.
        reach(workspace, engine, min(workspace.server.requests() + 1000, len(rows) - 1))
        kill(engine)
    finish(workspace)
    check_report(workspace, workspace.status(job), rows)
    calls = calls_of(workspace.server.log())
    assert max(map(len, calls.values())) <= 6
    check_never_at_once(calls)


def test_a_foreground_job_that_is_killed_goes_on_with_start(crash):
    workspace, rows = crash
    foreground = workspace.start("run", "--json", "job.toml")
    reach(workspace, foreground, 3000)
    kill(foreground)
    [job] = workspace.longshore("list", "--json").events
    finish(workspace)
    check_report(workspace, workspace.status(job["id"]), rows)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_tasks_finish(crash, number):
    workspace, rows = crash
    foreground = workspace.start("run", "--json", "job.toml")
    reach(workspace, foreground, 2000)
    foreground.send_signal(number)
    _, errors = foreground.communicate(timeout=300)
    assert foreground.returncode == 6, errors.decode()
    assert b"stopping: running tasks finish first" in errors and b"\x1b" not in errors
    [job] = workspace.longshore("list", "--json").events
    assert job["state"] == "Active"
    assert job["succeeded"] + job["failed"] == len(calls_of(workspace.server.log())) < len(rows)
    assert workspace.longshore("status", job["id"], "--exit-code").code == 6

    finish(workspace)
    check_report(workspace, workspace.status(job["id"]), rows)
    assert {len(entries) for entries in calls_of(workspace.server.log()).values()} == {1}


def test_an_engine_that_a_signal_stops_leaves_the_rest_to_the_next(crash):
    workspace, rows = crash
    job = workspace.submit()
    engine = workspace.start("start", "--until-idle")
    reach(workspace, engine, 2000)
    engine.send_signal(signal.SIGTERM)
    _, errors = engine.communicate(timeout=300)
    assert engine.returncode == 6, errors.decode()
    assert workspace.status(job)["state"] == "Active"
    finish(workspace)
    check_report(workspace, workspace.status(job), rows)
    assert {len(entries) for entries in calls_of(workspace.server.log()).values()} == {1}


def test_one_engine_per_data_directory(crash):
    workspace, _ = crash
    engine = workspace.start("start")
    try:
        assert b"engine started" in engine.stderr.readline()
        for command in (["start"], ["start", "--until-idle"], ["run", "job.toml"]):
            refused = workspace.longshore(*command)
            assert refused.code == 7, refused.err
            assert f"another engine (process {engine.pid}) works on" in refused.err
            assert "submit jobs to it" in refused.err
        assert workspace.longshore("list", "--json").events == []
        # The first one is undisturbed, and takes jobs that are submitted to it.
        job = workspace.submit()
        wait_for(lambda: workspace.status(job)["state"] == "Complete", "the first engine to do the job")
    finally:
        engine.terminate()
        engine.communicate(timeout=300)


def test_a_second_signal_stops_at_once(tmp_path):
    server, rows = start_seeded(tmp_path / "server", 10, "--fault", "delay=600s,count=1,method=PUT")
    try:
        workspace = Workspace(tmp_path / "workspace", server)
        workspace.write("manifest.csv", "\n".join(rows))
        workspace.job(**TAGGING)
        foreground = workspace.start("run", "job.toml")
        wait_for(lambda: server.requests() >= 10, "all calls but the one that hangs")
        foreground.terminate()
        for line in foreground.stderr:
            if b"stopping" in line:
                break
        foreground.terminate()
        foreground.communicate(timeout=300)
        assert foreground.returncode == 6
        finish(workspace)
        [job] = workspace.longshore("list", "--json").events
        check_report(workspace, job, rows)
    finally:
        server.stop()


UPLOADS = ["*.csv", "*/policies.json", "*/operations.json", "*/manifest.json", "*/manifest.json.md5"]


@pytest.mark.parametrize("file", UPLOADS)
def test_a_crash_while_the_report_is_written(tmp_path, file):
    # The first attempt to write the file hangs, so that the engine is killed in the middle of it.
    server, rows = start_seeded(
        tmp_path / "server", 100, "--fault", f"delay=600s,count=1,method=PUT,bucket=reports,key={file}")
    try:
        workspace = Workspace(tmp_path / "workspace", server)
        workspace.write("manifest.csv", "\n".join(rows))
        workspace.job(**TAGGING, report='location = "s3://reports/crash"')
        job = workspace.submit()
        engine = workspace.start("start")
        uploads = UPLOADS.index(file)
        wait_for(lambda: sum((entry["method"], entry["bucket"]) == ("PUT", "reports") for entry in server.log()) == uploads
                 and workspace.status(job)["state"] == "Completing", "the report")
        kill(engine)
        assert workspace.status(job)["report"] is None
        finish(workspace)
        check_report(workspace, workspace.status(job), rows)
        listed = server.client().list_objects_v2(Bucket="reports")["Contents"]
        assert len(listed) == len(UPLOADS), "the second report replaces the first"
    finally:
        server.stop()
