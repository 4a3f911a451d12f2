"""Disks that are full or broken: a full one holds jobs back until there is room; from a broken one the engine stops, or goes on
where nothing was lost. It never says that something is done which is not.

DISK_EVERY  break the disk at every n-th call of a kind (default 30; of rare kinds more; 1 is all of them)
DISK_SEED   seed of where that begins (default: by chance; printed)
"""

import itertools
import os
import random
import shutil
import subprocess
from contextlib import contextmanager

import pytest

import faults
from harness import Workspace, wait_for
from test_crash import COMMIT_WINDOW, TAGGING, calls_of, check_report, now
from test_crash_points import ENDS, check_end, durable_results, restored, seed, submitted

EVERY = int(os.environ.get("DISK_EVERY", 30))
SEED = int(os.environ.get("DISK_SEED", random.randrange(1 << 32)))
LARGE, CONCURRENCY = 6_000, 16


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    server, rows = seed(tmp_path_factory.mktemp("large"), LARGE)
    yield server, rows
    server.stop()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    server, rows = seed(tmp_path_factory.mktemp("small"), 40)
    yield server, rows
    server.stop()


@contextmanager
def tmpfs(directory, size):
    """A disk of that size."""
    directory.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"this process may not mount a disk: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def fill(directory):
    """Takes all the room that is left."""
    path = directory / f"ballast-{len(list(directory.glob('ballast-*')))}"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 4096):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return path


def held(workspace, engine, job):
    """What holds the job back, once something does."""
    def obstacle():
        assert engine.poll() is None, engine.stderr.read().decode()
        return workspace.status(job)["obstacle"]

    return wait_for(obstacle, "the job to be held back")


def ended(workspace, engine, job):
    wait_for(lambda: engine.poll() is not None or workspace.status(job)["state"] == "Complete", "the job to end")
    assert engine.poll() is None, engine.stderr.read().decode()


def check_repeats(workspace, rows, concurrency):
    """A full disk costs no more than a crash."""
    calls = calls_of(workspace.server.log())
    assert len(calls) == len(rows)
    assert sum(map(len, calls.values())) - len(rows) <= concurrency + COMMIT_WINDOW


def test_a_full_disk_holds_the_job_until_there_is_room(large, tmp_path):
    server, rows = large
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "".join(row + "\n" for row in rows))
    workspace.job(**{**TAGGING, "concurrency": CONCURRENCY})
    data = workspace.directory / "data"
    server.clear_log()
    with tmpfs(data, "24m"):
        job = workspace.submit()
        engine = workspace.start("start")
        wait_for(lambda: server.requests() >= 300, "the first tasks")
        fill(data)
        obstacle = held(workspace, engine, job)
        assert obstacle.startswith("DiskFull: ")
        assert "is full; make room" in obstacle or "No space left on device" in obstacle
        stood = workspace.status(job)
        assert stood["state"] == "Active" and stood["succeeded"] + stood["failed"] < len(rows)
        # What is asked of the queue meanwhile is refused in words, not lost.
        ballast = fill(data)
        refused = workspace.longshore("submit", "job.toml")
        assert refused.code == 1 and "is full; make room and try again" in refused.err
        assert len(workspace.longshore("list", "--json").events) == 1
        for file in ballast, data / "ballast-0":
            file.unlink()
        ended(workspace, engine, job)
        engine.terminate()
        engine.communicate(timeout=300)
        done = workspace.status(job)
        assert done["obstacle"] is None
        check_report(workspace, done, rows)
        faults.check_database(data)
        check_repeats(workspace, rows, CONCURRENCY)


def test_a_disk_that_was_full_before_the_engine_is_named_and_changes_nothing(small, tmp_path):
    server, rows = small
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "".join(row + "\n" for row in rows))
    workspace.job(**{**TAGGING, "concurrency": 4})
    data = workspace.directory / "data"
    with tmpfs(data, "8m"):
        job = workspace.submit()
        ballast = fill(data)
        for command in (["start", "--until-idle"], ["status", job], ["cancel", job]):
            refused = workspace.longshore(*command)
            assert refused.code == 1
            assert "is full; make room and try again" in refused.err or "No space left on device" in refused.err
        ballast.unlink()
        assert workspace.longshore("start", "--until-idle").code == 3
        check_report(workspace, workspace.status(job), rows)


@pytest.mark.parametrize("error, where, calls, state", [
    ("ENOSPC", "data/spools", "create,write,mkdir", "Preparing"), ("EDQUOT", "reports", "mkdir", "Preparing"),
    ("ENOSPC", "reports", "write", "Completing"), ("EDQUOT", "data/spools", "sync", "Preparing"),
])
def test_no_room_for_a_file_holds_the_job(small, tmp_path, error, where, calls, state):
    server, rows = small
    workspace, job = submitted(tmp_path / "workspace", server, rows)
    server.clear_log()
    switch = tmp_path / "full"
    switch.touch()
    full = {"calls": calls, "while": switch, "error": error}
    engine = faults.start(faults.on_disk(workspace.command("start"), workspace.directory / where, **full))
    obstacle = held(workspace, engine, job)
    assert obstacle.startswith("DiskFull: ") and where.split("/")[0] in obstacle
    assert ("No space left on device" if error == "ENOSPC" else "quota exceeded") in obstacle
    assert workspace.status(job)["state"] == state
    switch.unlink()
    ended(workspace, engine, job)
    check_report(workspace, workspace.status(job), rows)
    check_repeats(workspace, rows, 4)


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT"])
def test_a_queue_that_cannot_be_written_at_all_is_tried_again(large, tmp_path, error):
    server, rows = large
    workspace, job = submitted(tmp_path / "workspace", server, rows, CONCURRENCY)
    server.clear_log()
    switch = tmp_path / "full"
    full = {"calls": "create,write,mkdir,sync", "while": switch, "error": error}
    engine = faults.start(faults.on_disk(workspace.command("start"), workspace.directory / "data", **full))
    wait_for(lambda: server.requests() >= 300, "the first tasks")
    switch.touch()
    said = []
    warned = any(said.append(line) or b"stays as it is" in line for line in engine.stderr)
    assert warned, b"".join(said[-3:]).decode()
    requests = server.requests()
    switch.unlink()
    ended(workspace, engine, job)
    assert requests < len(rows)
    check_report(workspace, workspace.status(job), rows)
    check_repeats(workspace, rows, CONCURRENCY)


@pytest.mark.parametrize("kind", ["write", "sync", "create", "truncate", "rename", "open", "read", "mkdir"])
@pytest.mark.parametrize("sticky", [0, 1], ids=["once", "for-good"])
def test_a_broken_disk_stops_the_engine_or_does_no_harm(small, tmp_path, kind, sticky):
    print(f"DISK_SEED={SEED}")
    server, rows = small
    workspace, job = submitted(tmp_path / "workspace", server, rows)
    shutil.copytree(workspace.directory / "data", tmp_path / "template")
    data, engine = workspace.directory / "data", workspace.command("start", "--until-idle")
    # There are fewer calls of some kinds than of others.
    every = max(1, EVERY // {"write": 1, "read": 1, "open": 2, "sync": 3}.get(kind, 6))
    for call in itertools.count(1 + SEED % every, every):
        restored(workspace, tmp_path / "template")
        (workspace.directory / "reports").mkdir()
        broken = dict(calls=kind, at=call, error="EIO", sticky=sticky)
        trace = tmp_path / f"trace-{call}"
        code, out, err = faults.run(faults.on_disk(engine, data, trace=trace, **broken))
        said, again = f"{kind} {call}: {out}{err}", now()
        assert code in ENDS or code > 0 and "error:" in err, said
        done = workspace.status(job)["state"] == "Complete"
        if code in ENDS:
            assert done, f"the engine ended as if the job had: {said}"
        check_end(workspace, job, rows, durable_results(workspace, job), again)
        if not any(note.kind == "F" for note in faults.notes(trace)):
            break
        trace.unlink()
