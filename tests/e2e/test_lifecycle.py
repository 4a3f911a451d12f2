"""What users ask of jobs while they live: confirm, pause, resume, another priority."""

import json

import pytest

from harness import TAGGING, kill, wait_for


@pytest.fixture
def workspace(two_objects):
    return two_objects


@pytest.fixture
def slow(slow_rows):
    return slow_rows


def reported(workspace, job):
    return sorted(f"{row[0]},{row[1]}" for row in workspace.rows(job))


def test_a_job_to_be_confirmed_waits_with_its_manifest_read(workspace):
    workspace.server.put(workspace.bucket, ["three"])
    before = len(workspace.server.log())
    workspace.job(**TAGGING, head="confirm = true")
    ran = workspace.longshore("run", "job.toml")
    assert ran.code == 6, ran.err
    [job] = workspace.longshore("list", "--json").events
    assert (job["state"], job["total"], job["succeeded"]) == ("Suspended", 2, 0)
    assert f"the manifest is read (2 tasks), nothing has run; to run it: 'longshore confirm {job['id']}'" in ran.err
    waiting = workspace.longshore("start", "--until-idle")
    assert waiting.code == 0 and "1 jobs are paused or wait for a confirmation" in waiting.err
    assert [entry for entry in workspace.server.log()[before:] if entry["method"] == "PUT"] == []
    assert "Suspended" in workspace.longshore("status").out

    assert workspace.longshore("confirm", "--json", job["id"]).events == [{"id": job["id"], "state": "Ready"}]
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(job["id"])["succeeded"] == 2
    late = workspace.longshore("confirm", job["id"])
    assert late.code == 2 and "is Complete; only a job that is Suspended may be confirmed" in late.err


def test_a_suspended_job_can_be_cancelled_and_leaves_nothing(workspace):
    workspace.job(**TAGGING, head="confirm = true")
    assert workspace.longshore("run", "job.toml").code == 6
    [job] = workspace.longshore("list", "--json").events
    assert workspace.longshore("cancel", job["id"]).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5
    assert workspace.status(job["id"])["state"] == "Cancelled"
    assert list((workspace.directory / "data" / "spools").iterdir()) == []


def pause_in_the_middle(workspace, rows, ask):
    """Runs the job, pauses it in the middle, and returns its ID and what came out of `run`."""
    foreground = workspace.start("run", "--json", "job.toml")
    wait_for(lambda: workspace.server.requests() > 200, "some tasks")
    [job] = workspace.longshore("list", "--json").events
    ask(job["id"])
    out, errors = foreground.communicate(timeout=300)
    assert foreground.returncode == 6, errors.decode()
    ended = json.loads(out.splitlines()[-1])["job"]
    assert ended["state"] == "Paused" and 200 <= ended["succeeded"] < len(rows)
    return ended


def test_pause_and_resume_from_another_process(slow):
    workspace, rows = slow

    def ask(job):
        assert workspace.longshore("pause", "--json", job).events == [{"id": job, "state": "Pausing"}]

    paused = pause_in_the_middle(workspace, rows, ask)
    # What ran, ran to its end: nothing is repeated.
    ran = sum(entry["bucket"] == "objects" for entry in workspace.server.log())
    assert paused["succeeded"] == ran
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(paused["id"])["succeeded"] == ran, "a paused job does not run"

    assert workspace.longshore("resume", paused["id"]).out == f"{paused['id']} Ready\n"
    assert workspace.longshore("start", "--until-idle").code == 0
    ended = workspace.status(paused["id"])
    assert (ended["state"], ended["succeeded"], ended["failed"]) == ("Complete", len(rows), 0)
    assert reported(workspace, ended) == sorted(rows)
    assert sum(entry["bucket"] == "objects" for entry in workspace.server.log()) == len(rows)


def test_a_paused_job_that_is_cancelled_reports_what_ran(slow):
    workspace, rows = slow
    paused = pause_in_the_middle(workspace, rows, lambda job: workspace.longshore("pause", job))
    assert workspace.longshore("cancel", paused["id"]).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5
    ended = workspace.status(paused["id"])
    assert (ended["state"], ended["succeeded"]) == ("Cancelled", paused["succeeded"])
    assert len(reported(workspace, ended)) == paused["succeeded"]


def kill_while_pausing(workspace):
    """The job, whose engine is killed as soon as it was asked to pause."""
    engine = workspace.start("run", "job.toml")
    wait_for(lambda: workspace.server.requests() > 200, "some tasks")
    [job] = workspace.longshore("list", "--json").events
    assert workspace.longshore("pause", job["id"]).code == 0
    kill(engine)
    return job


def test_an_engine_that_is_killed_while_a_job_is_pausing(slow):
    workspace, rows = slow
    job = kill_while_pausing(workspace)
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(job["id"])["state"] == "Paused"
    assert workspace.longshore("resume", job["id"]).code == 0
    assert workspace.longshore("start", "--until-idle").code == 0
    ended = workspace.status(job["id"])
    assert (ended["state"], ended["succeeded"]) == ("Complete", len(rows))
    assert reported(workspace, ended) == sorted(rows)


def test_a_pause_needs_no_store(slow):
    workspace, _ = slow
    job = kill_while_pausing(workspace)
    workspace.server.stop()
    assert workspace.longshore("start", "--until-idle").code == 0
    paused = workspace.status(job["id"])
    assert (paused["state"], paused["obstacle"]) == ("Paused", None)


def test_a_job_that_has_not_begun_is_not_paused(workspace):
    job = workspace.submit()
    early = workspace.longshore("pause", job)
    assert early.code == 2 and "is New; only a job that is Ready or Active may be paused" in early.err


def test_the_priority_of_a_waiting_job(workspace):
    workspace.configure("[engine]\nactive-jobs = 1")
    workspace.write("other.toml", (workspace.directory / "job.toml").read_text())
    first, second = workspace.submit(), workspace.submit("other.toml")
    changed = workspace.longshore("priority", second, "7")
    assert (changed.code, changed.out) == (0, f"{second} New\n"), changed.err
    assert workspace.status(second)["priority"] == 7
    assert workspace.longshore("start", "--until-idle").code == 0
    jobs = {job["id"]: job for job in workspace.longshore("list", "--json").events}
    assert jobs[second]["started_at"] < jobs[first]["started_at"]
    late = workspace.longshore("priority", second, "1")
    assert late.code == 2 and "is Complete; only a job that is not at its end may get another priority" in late.err
    assert workspace.longshore("priority", second, "-1").code == 2
