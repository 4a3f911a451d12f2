"""Jobs that wait for their time or for others, and jobs whose time is over."""

import sqlite3
from pathlib import Path

import pytest

from harness import TAGGING, Workspace, start_seeded

PAST, FUTURE = "2020-01-01T00:00:00Z", "2999-12-31T00:00:00Z"


@pytest.fixture
def workspace(two_objects):
    return two_objects


def job(workspace, head, name="timed.toml", **more):
    workspace.job(**{**TAGGING, **more}, head=head, name=name)
    return workspace.submit(name)


def test_a_job_waits_for_its_start(workspace):
    waits = job(workspace, f'start-at = "{FUTURE}"')
    begins = job(workspace, f'start-at = "{PAST}"')
    done = workspace.longshore("start", "--until-idle")
    assert done.code == 6 and "1 jobs wait for their time or for other jobs" in done.err
    assert (workspace.status(waits)["state"], workspace.status(begins)["state"]) == ("New", "Complete")
    assert "at 2999-12-31T00:00:00Z" in workspace.longshore("status", waits).out
    ran = workspace.longshore("run", "timed.toml")
    assert ran.code == 0, ran.err
    workspace.job(**TAGGING, head=f'start-at = "{FUTURE}"', name="timed.toml")
    ran = workspace.longshore("run", "timed.toml")
    assert ran.code == 6 and "waits for its time or for other jobs; 'longshore start' runs it then" in ran.err
    for name in [event["id"] for event in workspace.longshore("list", "--json", "--state", "New").events]:
        assert workspace.longshore("cancel", name).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5


def test_a_job_comes_after_others_whatever_their_priority(workspace):
    first = job(workspace, 'client-token = "nightly"')
    second = job(workspace, f'after = ["{first[:8]}"]\npriority = 5')
    third = job(workspace, f'after = ["nightly", "{second}"]\npriority = 9')
    assert f"once nightly, {second} is Complete" in workspace.longshore("status", third).out
    assert workspace.longshore("start", "--until-idle").code == 0
    jobs = [workspace.status(one) for one in (first, second, third)]
    assert [one["state"] for one in jobs] == ["Complete"] * 3
    for earlier, later in zip(jobs, jobs[1:]):
        assert earlier["finished_at"] < later["started_at"]


def test_a_job_fails_with_the_one_that_it_comes_after(workspace):
    first = job(workspace, "", name="first.toml")
    needs = job(workspace, f'after = ["{first}"]')
    takes_any = job(workspace, f'after-ended = ["{first}"]')
    assert workspace.longshore("cancel", first).code == 0
    assert workspace.longshore("start", "--until-idle").code == 4
    failed = workspace.status(needs)
    assert (failed["state"], failed["failure_code"], failed["total"]) == ("Failed", "DependencyFailed", None)
    assert failed["failure_reason"] == f"the job was to run after job {first}, which is Cancelled"
    assert workspace.status(takes_any)["state"] == "Complete"


def test_a_job_after_one_that_there_is_not_is_refused(workspace):
    workspace.job(**TAGGING, head='after = ["nightly"]')
    refused = workspace.longshore("submit", "job.toml")
    assert refused.code == 2 and 'the job is to run after "nightly", and no job has that ID or client token' in refused.err
    assert workspace.longshore("list", "--json").events == []


def test_a_deadline_that_has_passed(workspace):
    late = job(workspace, f'deadline = "{PAST}"')
    assert workspace.longshore("start", "--until-idle").code == 4
    ended = workspace.status(late)
    assert (ended["state"], ended["failure_code"], ended["succeeded"]) == ("Failed", "DeadlineExceeded", 0)
    assert ended["failure_reason"] == "the deadline of the job was 2020-01-01T00:00:00Z, and its manifest was not read yet"


def test_a_deadline_while_tasks_run(tmp_path):
    server, rows = start_seeded(tmp_path / "server", 400, "--fault", "delay=1s,method=PUT,bucket=objects")
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "\n".join(rows))
    late = job(workspace, 'deadline = "2s"', concurrency=4)
    done = workspace.longshore("start", "--until-idle")
    assert done.code == 4, done.err
    ended = workspace.status(late)
    assert (ended["state"], ended["failure_code"]) == ("Failed", "DeadlineExceeded")
    # What was running ran to its end; what ran is reported, and nothing else.
    ran = sum(entry["bucket"] == "objects" for entry in server.log())
    assert 0 < ran == ended["succeeded"] < len(rows)
    assert len(workspace.rows(ended)) == ran
    server.stop()


def test_a_deadline_passes_while_the_job_is_paused_or_to_be_confirmed(workspace):
    waits = job(workspace, 'confirm = true\ndeadline = "2999-12-31"')
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(waits)["state"] == "Suspended"
    assert "2999-12-31T00:00:00Z" in workspace.longshore("status", waits).out
    late = job(workspace, f'confirm = true\ndeadline = "{PAST}"')
    assert workspace.longshore("start", "--until-idle").code == 4
    assert workspace.status(late)["failure_code"] == "DeadlineExceeded"


def test_what_is_wrong_with_times(workspace):
    workspace.job(**TAGGING, head='start-at = "tomorrow"\ndeadline = "soon"')
    refused = workspace.longshore("validate", "job.toml")
    assert refused.code == 2
    assert '"tomorrow" is no date or time' in refused.err and '"deadline" is no date, time or duration' in refused.err
    workspace.job(**TAGGING, head='start-at = "2026-12-01"\ndeadline = "2026-11-30"')
    refused = workspace.longshore("validate", "job.toml")
    assert refused.code == 2 and '"deadline" is not after "start-at"' in refused.err
    workspace.job(**TAGGING, head='deadline = "0s"')
    assert "1s to 10 years" in workspace.longshore("validate", "job.toml").err


def backdate(workspace, job, column, moment):
    """Lets a job look as old as a test needs it."""
    with sqlite3.connect(workspace.directory / "data" / "queue.db") as database:
        assert database.execute(f"UPDATE job_records SET {column} = ? WHERE id = ?", (moment, job)).rowcount == 1


def test_old_jobs_fail_or_go_when_the_engine_starts(workspace):
    long_ago = "2020-01-01T00:00:00.000000000Z"
    old, kept = job(workspace, ""), job(workspace, "", name="kept.toml")
    waits, waits_long = job(workspace, "confirm = true"), job(workspace, "confirm = true", name="long.toml")
    assert workspace.longshore("start", "--until-idle").code == 0
    report = workspace.status(old)["report"]
    backdate(workspace, old, "finished_at", long_ago)
    backdate(workspace, waits_long, "suspended_at", long_ago)

    workspace.configure('[retention]\nsuspended = "never"\nfinished = "never"')
    assert workspace.longshore("start", "--until-idle").code == 0
    assert len(workspace.longshore("list", "--json").events) == 4
    workspace.configure()
    assert workspace.longshore("start", "--until-idle").code == 4
    assert workspace.longshore("status", old).code == 2, "it is gone"
    assert Path(report).exists(), "its report is not"
    assert workspace.status(kept)["state"] == "Complete" and workspace.status(waits)["state"] == "Suspended"
    failed = workspace.status(waits_long)
    assert (failed["state"], failed["failure_code"]) == ("Failed", "NotConfirmed")


def test_what_is_left_in_the_folder_of_a_job_goes_with_it(workspace):
    gone = job(workspace, "")
    assert workspace.longshore("start", "--until-idle").code == 0
    spools = workspace.directory / "data" / "spools"
    (spools / gone).mkdir(parents=True)
    (spools / gone / "left").write_text("rows")
    backdate(workspace, gone, "finished_at", "2020-01-01T00:00:00.000000000Z")
    assert workspace.longshore("start", "--until-idle").code == 0
    assert list(spools.iterdir()) == []
    assert workspace.longshore("list", "--json").events == []


def test_what_is_wrong_with_retention(workspace):
    workspace.configure('[retention]\nsuspended = "a while"\nfinished = "0s"')
    refused = workspace.longshore("list")
    assert refused.code == 2
    assert '"suspended" is no time that jobs can be kept' in refused.err and '"finished" is no time' in refused.err


def test_a_job_that_recurs(workspace):
    every = job(workspace, '[schedule]\ncron = "0 22 * * *"\ntime-zone = "Europe/Berlin"')
    assert workspace.longshore("start", "--until-idle").code == 6
    assert len(workspace.longshore("list", "--json").events) == 1, "its time has not come"
    assert '0 22 * * * (Europe/Berlin), none while the one before has not ended' in workspace.longshore("status", every).out
    assert "New (next 2" in workspace.longshore("list").out
    # The engine was off for years: what it missed runs once.
    with sqlite3.connect(workspace.directory / "data" / "queue.db") as database:
        assert database.execute("UPDATE schedules SET next_at = '2020-01-01T21:00:00.000000000Z'").rowcount == 1
    for _ in range(2):
        assert workspace.longshore("start", "--until-idle").code == 6
    template = workspace.status(every)
    [occurrence] = template["occurrences"]
    assert template["state"] == "New" and template["next_occurrence"] > occurrence["at"]
    ran = workspace.status(occurrence["job"])
    assert (ran["state"], ran["succeeded"], ran["occurrence_of"]) == ("Complete", 2, every)
    assert f"Occurrence of: {every} at {occurrence['at']}" in workspace.longshore("status", ran["id"]).out

    refused = workspace.longshore("run", "timed.toml")
    assert refused.code == 2 and "use 'longshore submit' and 'longshore start'" in refused.err
    assert workspace.longshore("cancel", every).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5
    assert "next_occurrence" in workspace.status(every) and workspace.status(every)["next_occurrence"] is None


def test_what_is_wrong_with_a_schedule(workspace):
    workspace.job(**TAGGING, head='deadline = "2026-12-01"\nafter = ["x"]\n[schedule]\ncron = "at ten"\ntime-zone = "Berlin"')
    refused = workspace.longshore("validate", "job.toml")
    assert refused.code == 2
    for problem in ('"cron" is no cron expression', 'there is no time zone "Berlin"', "is a time from the start of each occurrence",
                    "begins by it, and not after others"):
        assert problem in refused.err, problem
    workspace.job(**TAGGING, head='[schedule]\ncron = "@daily"\noverlap = "wait"')
    assert '"skip"' in workspace.longshore("validate", "job.toml").err
