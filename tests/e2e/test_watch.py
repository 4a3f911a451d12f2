"""`longshore watch` beside an engine that another process runs."""

import json
import os
import pty
import re
import signal
import subprocess

import pytest

from harness import STARTED, TAGGING, wait_for
from test_terminal import at_terminal



@pytest.fixture
def workspace(sandbox, workspace_of, bucket):
    """A workspace with a job of two objects, one of which is missing."""
    workspace = workspace_of(sandbox)
    sandbox.put(bucket, ["one"])
    workspace.manifest(bucket, ["one", "missing"])
    workspace.job(**TAGGING)
    return workspace


@pytest.fixture
def slow(slow_rows):
    return slow_rows[0]


def test_a_job_until_it_has_ended(workspace):
    job = workspace.submit()
    watch = workspace.start("watch", "--json", job[:8])
    first = json.loads(watch.stdout.readline())
    assert (first["event"], first["job"]["id"], first["job"]["state"]) == ("job", job, "New")
    assert first["tasks_per_second"] is None and first["seconds_left"] is None
    assert workspace.longshore("start", "--until-idle").code == 3
    out, errors = watch.communicate(timeout=60)
    assert watch.returncode == 3, errors
    last = json.loads(out.splitlines()[-1])["job"]
    stood = workspace.status(job)
    assert last == {key: stood[key] for key in last}
    assert (last["state"], last["failures"]) == ("Complete", {"NoSuchKey": 1})


def test_lines_for_all_jobs_and_the_ends_that_nobody_saw_coming(workspace):
    first = workspace.submit()
    watch = workspace.start("watch")
    assert watch.stdout.readline().decode() == f"{first[:8]}  New  tasks not counted yet\n"
    second = workspace.run().job["id"]
    seen = ""
    while not re.search(f"{second[:8]}  Complete.*\n", seen):
        seen += watch.stdout.readline().decode()
    assert f"{second[:8]}  Complete  100 % 2 of 2 tasks  1 failed (1 NoSuchKey)\n" in seen
    assert workspace.longshore("cancel", first).code == 0
    assert watch.stdout.readline().decode() == f"{first[:8]}  Cancelling  tasks not counted yet\n"
    watch.send_signal(signal.SIGINT)
    out, errors = watch.communicate(timeout=60)
    assert (watch.returncode, out, errors) == (0, b"", b"")


def test_once(workspace):
    nothing = workspace.longshore("watch", "--once")
    assert (nothing.code, nothing.out) == (0, "") and nothing.err.startswith("no job is waiting or running")
    low = workspace.submit()
    workspace.job(**TAGGING, head="priority = 5")
    high = workspace.submit()
    assert workspace.longshore("watch", "--once").out == "".join(f"{job[:8]}  New  tasks not counted yet\n" for job in (high, low))
    assert workspace.longshore("watch", "--once", low).code == 6
    assert workspace.longshore("start", "--until-idle").code == 3
    assert workspace.longshore("watch", "--once").out == ""
    one = workspace.longshore("watch", "--once", low)
    assert (one.code, one.out) == (3, f"{low[:8]}  Complete  100 % 2 of 2 tasks  1 failed (1 NoSuchKey)\n")
    unknown = workspace.longshore("watch", "nowhere")
    assert unknown.code == 2 and 'no job has the ID "nowhere"' in unknown.err


def test_rate_and_time_left_of_a_running_job(slow):
    job = slow.submit()
    slow.start("start")
    wait_for(lambda: slow.status(job)["succeeded"] > 20, "some tasks", 60)
    shown = slow.longshore("watch", "--once", job).out
    assert re.fullmatch(rf"{job[:8]}  Active  \d+ % [\d,]+ of 2,000 tasks  [\d,]+/s  \d+ (minute|second)s? left\n", shown), shown
    [value] = slow.longshore("watch", "--once", "--json", job).events
    left = value["job"]["total"] - value["job"]["succeeded"]
    assert value["seconds_left"] == pytest.approx(left / value["tasks_per_second"])


def test_at_a_terminal_until_the_job_has_ended(slow):
    job = slow.submit()
    engine = slow.start("start", "--until-idle")
    code, text = at_terminal(slow, "watch", job)
    assert code == 0, text
    assert engine.wait(60) == 0
    assert re.search(rf"{job[:8]}  [━╸─]+ Active  \d+ % ", text), text
    assert "Ctrl-C, ends this" in text
    assert f"{job[:8]}  Complete  100 % 2,000 of 2,000 tasks" in text


def test_the_watcher_leaves_and_the_job_goes_on(slow):
    # For minutes, so that it does not end while somebody watches.
    slow.job(**TAGGING, concurrency=1)
    job = slow.submit()
    slow.start("start")
    assert at_terminal(slow, "watch", interrupt=r"Active  \d+ % ")[0] == 0
    assert at_terminal(slow, "watch", job, interrupt=r"Active  \d+ % ")[0] == 6
    # q and Enter do the same.
    master, terminal = pty.openpty()
    process = subprocess.Popen(**slow.command("watch"), stdin=terminal, stdout=terminal, stderr=terminal)
    STARTED.append(process)
    os.close(terminal)
    os.write(master, b"x\nq\n")
    text = b""
    try:
        while more := os.read(master, 65536):
            text += more
    except OSError:
        pass
    os.close(master)
    assert process.wait(60) == 0, text
    assert slow.status(job)["state"] == "Active"
