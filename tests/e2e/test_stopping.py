"""When a job gives up: Amazon's threshold to the task, a number of failures, error codes; all of it also after a crash."""

import pytest

from documents import ALLOW_ALL, policy
from harness import Workspace, kill, start_seeded, wait_for

TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }')
OBJECTS = 500


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    server, rows = start_seeded(
        tmp_path_factory.mktemp("stopping"), OBJECTS, "--fault", "delay=600s,count=1,key=missing/hangs")
    yield server, rows
    server.stop()


@pytest.fixture
def stopping(seeded, tmp_path):
    """Makes a workspace whose manifest names so many objects that are missing, and so many that are there."""
    server, rows = seeded
    server.clear_log()

    def make(missing, found, extra="", concurrency=16, first=()):
        workspace = Workspace(tmp_path / "workspace", server)
        absent = [f"objects,missing/{number}" for number in range(missing)]
        workspace.write("manifest.csv", "".join(row + "\n" for row in [*first, *absent, *rows[:found]]))
        workspace.job(**TAGGING, extra=extra, concurrency=concurrency)
        return workspace

    return make


def test_exactly_half_of_a_thousand_may_fail(stopping):
    ended = stopping(500, 500).run()
    assert ended.code == 3, ended.err
    assert (ended.job["state"], ended.job["succeeded"], ended.job["failed"]) == ("Complete", 500, 500)


def test_one_more_than_half_of_a_thousand_may_not(stopping):
    workspace = stopping(501, 499)
    ended = workspace.run()
    assert ended.code == 4, ended.err
    assert (ended.job["state"], ended.job["succeeded"], ended.job["failed"]) == ("Failed", 499, 501)
    assert (ended.job["failure_code"], ended.job["failure_reason"]) == (
        "FailureThresholdExceeded",
        "501 of 1000 tasks run so far failed, more than the 50 % that limits.failure-threshold allows")
    assert len(workspace.rows(ended.job)) == 1000


def test_fewer_than_a_thousand_may_all_fail(stopping):
    ended = stopping(999, 0).run()
    assert (ended.code, ended.job["state"], ended.job["failed"]) == (3, "Complete", 999), ended.err


def test_a_number_of_failures(stopping):
    workspace = stopping(50, 450, "failure-threshold = { count = 20 }", concurrency=1)
    ended = workspace.run()
    assert (ended.code, ended.job["failure_code"]) == (4, "FailureThresholdExceeded"), ended.err
    assert "as many as limits.failure-threshold.count (20) allows" in ended.job["failure_reason"]
    # What a lane and one commit window hold may still run.
    assert 20 <= ended.job["failed"] <= 50
    assert "fails at 20 failed tasks" in workspace.longshore("status", ended.job["id"]).out


def test_an_error_code_and_its_first_object(stopping):
    workspace = stopping(
        3, 400, '[[limits.stop]]\ncodes = ["PluginTrap"]\n[[limits.stop]]\ncodes = ["NoSuch*"]\ncount = 3', concurrency=1)
    ended = workspace.run()
    assert (ended.code, ended.job["failure_code"]) == (4, "StopRuleMet"), ended.err
    reason = ended.job["failure_reason"]
    assert reason.startswith(
        "3 tasks failed with NoSuch*: rule 2 of limits.stop ends the job at 3; "
        "the first in the manifest is objects/missing/0 (row 1): NoSuchKey: ")
    assert ended.job["failed"] == 3
    assert len(workspace.rows(ended.job)) == ended.job["succeeded"] + 3


def test_the_first_refusal_by_a_policy(stopping):
    workspace = stopping(0, 500, '[[limits.stop]]\ncodes = ["AccessDenied"]')
    refused = (workspace.directory / "manifest.csv").read_text().splitlines()[100]
    workspace.write("role.json", policy(ALLOW_ALL, {
        "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::objects/refused"}))
    workspace.write("manifest.csv", (workspace.directory / "manifest.csv").read_text().replace(
        refused + "\n", "objects,refused\n", 1))
    ended = workspace.run()
    assert (ended.code, ended.job["failure_code"], ended.job["failed"]) == (4, "StopRuleMet", 1), ended.err
    assert "the first in the manifest is objects/refused (row 101): AccessDenied: role" in ended.job["failure_reason"]


def test_rules_count_on_after_a_crash(stopping):
    # Three failures before the crash, the fourth after it: the first request of that object hangs.
    workspace = stopping(
        3, 100, '[[limits.stop]]\ncodes = ["NoSuchKey"]\ncount = 4', concurrency=2, first=["objects,missing/hangs"])
    job = workspace.submit()
    engine = workspace.start("start")
    wait_for(lambda: (lambda now: now["failed"] == 3 and now["succeeded"] == 100)(workspace.status(job)), "all but one task")
    kill(engine)
    assert workspace.status(job)["state"] == "Active"
    assert workspace.longshore("start", "--until-idle").code == 4
    ended = workspace.status(job)
    assert (ended["state"], ended["failure_code"], ended["failed"]) == ("Failed", "StopRuleMet", 4)
    assert "(row 1): NoSuchKey" in ended["failure_reason"]
