"""kill -9 at every step that the engine takes on its disk, and at random moments: each row is in the report exactly once, and
nothing that was durable is done again.

CRASH_EVERY   kill at every n-th step of the small job (default 8; 1 is all of them)
CRASH_MOMENTS random moments of the large job (default 12)
CRASH_SEED    seed of the moments (default: by chance; printed)
"""

import itertools
import os
import random
import shutil
import subprocess
import time

import pytest

import faults
from harness import STARTED, Workspace, kill, start_seeded
from test_crash import COMMIT_WINDOW, TAGGING, calls_of, check_never_at_once, check_report, now

EVERY = int(os.environ.get("CRASH_EVERY", 8))
MOMENTS = int(os.environ.get("CRASH_MOMENTS", 12))
SEED = int(os.environ.get("CRASH_SEED", random.randrange(1 << 32)))
SMALL, LARGE = 40, 10_000
CONCURRENCY = 4
# The manifest names missing objects, so a job that ends has failed tasks; an engine that finds nothing to do says 0.
ENDS = (0, 3)


def seed(directory, count):
    server, rows = start_seeded(directory, count)
    for number in range(5, count, count // 4):
        rows.insert(number, f"objects,missing/{number}")
    return server, rows


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    server, rows = seed(tmp_path_factory.mktemp("small"), SMALL)
    yield server, rows
    server.stop()


def submitted(directory, server, rows, concurrency=CONCURRENCY):
    """A workspace with one submitted job."""
    workspace = Workspace(directory, server)
    workspace.write("manifest.csv", "".join(row + "\n" for row in rows))
    workspace.job(**{**TAGGING, "concurrency": concurrency})
    return workspace, workspace.submit()


def emptied(workspace):
    """No job has been here, and no request has been sent."""
    for name in ("data", "reports"):
        shutil.rmtree(workspace.directory / name, ignore_errors=True)
    workspace.server.clear_log()


def restored(workspace, template):
    """The workspace as it was before its engine started."""
    emptied(workspace)
    shutil.copytree(template, workspace.directory / "data")


def check_end(workspace, job, rows, durable, again, crashes=1, concurrency=CONCURRENCY):
    """A new engine takes the job to its end as if nothing had been."""
    engine = workspace.longshore("start", "--until-idle")
    assert engine.code in ENDS, engine.out + engine.err
    check_report(workspace, workspace.status(job), rows)
    faults.check_database(workspace.directory / "data")
    calls = calls_of(workspace.server.log())
    assert len(calls) == len(rows)
    assert sum(map(len, calls.values())) - len(rows) <= crashes * (concurrency + COMMIT_WINDOW)
    after = calls_of(entry for entry in workspace.server.log() if entry["start"] >= again)
    assert [len(entries) for entries in after.values()] == [1] * (len(rows) - durable)
    check_never_at_once(calls)


def durable_results(workspace, job):
    faults.check_database(workspace.directory / "data")
    stood = workspace.status(job)
    return stood["succeeded"] + stood["failed"]


def test_killed_before_every_step_on_the_disk(small, tmp_path):
    server, rows = small
    workspace, job = submitted(tmp_path / "workspace", server, rows)
    template = tmp_path / "template"
    shutil.copytree(workspace.directory / "data", template)
    engine = workspace.command("start", "--until-idle")
    for step in itertools.count(1 + SEED % EVERY, EVERY):
        restored(workspace, template)
        struck = dict(calls=faults.EVERY_CHANGE, at=step, error="KILL")
        code, out, err = faults.run(faults.on_disk(engine, workspace.directory, **struck))
        if code in ENDS:
            break
        assert code == -9, f"step {step}: {out}{err}"
        again = now()
        check_end(workspace, job, rows, durable_results(workspace, job), again)
    assert step > 100, "the steps are not counted any more"


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("call, stride", [("pwrite64", 24), ("fdatasync", 5), ("rename", 1), ("unlinkat", 2), ("openat", 60)])
def test_killed_in_a_system_call(small, tmp_path, call, stride):
    """As seen by strace, which counts the calls of each thread by itself; from the very first, that makes the database."""
    server, rows = small
    workspace, _ = submitted(tmp_path / "workspace", server, rows)
    if traced(workspace, "-e", "trace=none", "true").returncode != 0:
        pytest.skip("this process may not trace others")
    stride = stride * EVERY // 8 or 1
    for number in itertools.count(1 + SEED % stride, stride):
        emptied(workspace)
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
        ended = traced(workspace, *inject, *workspace.command("run", "job.toml")["args"])
        if ended.returncode in ENDS:
            break
        assert ended.returncode == -9, ended.stderr.decode()
        again = now()
        jobs = workspace.longshore("list", "--json").events
        if not jobs:
            continue
        check_end(workspace, jobs[0]["id"], rows, durable_results(workspace, jobs[0]["id"]), again)
    assert number > 1, f"there is no {call} to be killed in"


def traced(workspace, *arguments):
    command = workspace.command()
    line = ["strace", "-qq", "-f", "-o", "/dev/null", *arguments]
    return subprocess.run(**{**command, "args": line}, capture_output=True, timeout=300)


def test_killed_at_random_moments(tmp_path):
    """Several crashes in one job, several jobs; from the start of the engine to after its end."""
    print(f"CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    server, rows = seed(tmp_path / "server", LARGE)
    concurrency = 32
    try:
        workspace, job = submitted(tmp_path / "workspace", server, rows, concurrency)
        shutil.copytree(workspace.directory / "data", tmp_path / "template")
        left = MOMENTS
        while left > 0:
            restored(workspace, tmp_path / "template")
            crashes, durable, again = 0, 0, now()
            while left > 0 and workspace.status(job)["state"] not in ("Complete", "Failed"):
                engine = workspace.start("start", "--until-idle")
                time.sleep(chance.uniform(0, 2.5))
                kill(engine)
                STARTED.remove(engine)
                again, crashes, left = now(), crashes + 1, left - 1
                stood = durable_results(workspace, job)
                assert stood >= durable, "durable results are gone"
                durable = stood
            check_end(workspace, job, rows, durable, again, crashes, concurrency)
    finally:
        server.stop()
