"""A clock that jumps by hours and years, and a cancel that races the end of its job: the outcome is one, and a true one.

RACE_SEEDS  cancels that race (default 12)
RACE_SEED   seed of their moments (default: by chance; printed)
"""

import os
import random
import time
from pathlib import Path

import pytest

import faults
from harness import STARTED, kill, wait_for
from test_crash import TAGGING, check_report
from test_crash_points import seed, submitted

RACES = int(os.environ.get("RACE_SEEDS", 12))
SEED = int(os.environ.get("RACE_SEED", random.randrange(1 << 32)))
CONCURRENCY = 16
LIBRARIES = [path for place in ("/usr/lib", "/usr/local/lib") for path in Path(place).glob("**/faketime/libfaketimeMT.so.1")]
needs_faketime = pytest.mark.skipif(not LIBRARIES, reason="faketime is not installed")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    server, rows = seed(tmp_path_factory.mktemp("clock"), 3_000)
    yield server, rows
    server.stop()


def at_another_time(command, clock):
    """The command with a wall clock that is off by what the file says at every moment; timers are left alone."""
    return {**command, "env": {**command["env"], "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(clock),
                               "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}}


def set_clock(clock, offset):
    """Sets it, all at once."""
    new = clock.with_suffix(".new")
    new.write_text(offset)
    new.rename(clock)


def reach(server, engine, more):
    reached = server.requests() + more
    wait_for(lambda: server.requests() >= reached or engine.poll() is not None, "more tasks")
    assert engine.poll() is None, engine.stderr.read().decode()


@needs_faketime
def test_a_store_that_refuses_the_time_fails_no_task(seeded, tmp_path):
    """Signatures of another time do not hold: the store says so, and the requests are signed again with the store's time."""
    server, rows = seeded
    workspace, job = submitted(tmp_path / "workspace", server, rows, CONCURRENCY)
    server.clear_log()
    clock = tmp_path / "clock"
    set_clock(clock, "+0")
    engine = faults.start(at_another_time(workspace.command("start", "--until-idle"), clock))
    for jump in ["+1h", "-3h", "+10y", "-30y"]:
        reach(server, engine, 200)
        set_clock(clock, jump)
    _, errors = engine.communicate(timeout=300)
    assert engine.returncode == 3, errors.decode()
    STARTED.remove(engine)
    check_report(workspace, workspace.status(job), rows)
    refused = [entry for entry in server.log() if entry["status"] == 403]
    assert refused, "the clock did not jump"
    assert len(refused) <= 20 * CONCURRENCY


@needs_faketime
def test_a_clock_that_jumps_changes_no_outcome(moto, bucket_of, workspace_of, tmp_path):
    """A store that takes any time sees one request for each row, though the clock is moved while tasks run and between two
    engines."""
    bucket = bucket_of(moto)
    keys = [f"object-{number}" for number in range(300)]
    moto.put(bucket, keys)
    workspace = workspace_of(moto)
    workspace.manifest(bucket, keys)
    workspace.job(**{**TAGGING, "concurrency": 4})
    job, clock = workspace.submit(), tmp_path / "clock"
    done = 0
    for offsets in (["+0", "+1h", "-3h", "+10y"], ["-20y", "+50y"]):
        set_clock(clock, offsets[0])
        engine = faults.start(at_another_time(workspace.command("start"), clock))
        for offset in offsets[1:]:
            done = wait_for(lambda: stepped(workspace, job, engine, done + 20), "more results")
            set_clock(clock, offset)
        kill(engine)
        STARTED.remove(engine)
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code == 0, ended.err
    stood = workspace.status(job)
    assert (stood["state"], stood["succeeded"], stood["failed"]) == ("Complete", len(keys), 0)
    assert sorted(row[1] for row in workspace.rows(stood)) == sorted(keys)


def stepped(workspace, job, engine, count):
    assert engine.poll() is None, engine.stderr.read().decode()
    stood = workspace.status(job)
    done = stood["succeeded"] + stood["failed"]
    return done if done >= min(count, stood["total"] or count) else None


def test_a_cancel_that_races_the_end_has_one_outcome(tmp_path):
    print(f"RACE_SEED={SEED}")
    chance, ends = random.Random(SEED), []
    server, rows = seed(tmp_path / "server", 40)
    try:
        workspace, first = submitted(tmp_path / "workspace", server, rows)
        engine = workspace.start("start")
        wait_for(lambda: workspace.status(first)["state"] == "Complete", "the first job")
        began = time.monotonic()
        second = workspace.submit()
        wait_for(lambda: workspace.status(second)["state"] == "Complete", "the second job")
        usual = time.monotonic() - began
        for _ in range(RACES):
            job = workspace.submit()
            time.sleep(chance.uniform(0, usual))
            asked = workspace.longshore("cancel", job)
            ended = wait_for(lambda: (stood := workspace.status(job))["state"] in ("Complete", "Cancelled") and stood, "the end")
            assert asked.code in (0, 2), asked.err
            assert ended["state"] == ("Cancelled" if asked.code == 0 else "Complete"), asked.out + asked.err
            check_reported(workspace, ended, rows)
            ends.append(ended["state"])
        print(ends)
        engine.terminate()
        engine.communicate(timeout=300)
        faults.check_database(workspace.directory / "data")
    finally:
        server.stop()


def check_reported(workspace, job, rows):
    """Each task that has a result is in the report once."""
    if job["state"] == "Complete":
        return check_report(workspace, job, rows)
    done = job["succeeded"] + job["failed"]
    reported = [f"{row[0]},{row[1]}" for row in workspace.rows(job)] if done else []
    assert len(reported) == len(set(reported)) == done
    assert set(reported) <= set(rows)
    return None
