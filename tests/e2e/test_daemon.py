"""`longshore start` as a daemon: signals, who has the data directory, and what is left of an engine that lost it."""

import contextlib
import hashlib
import os
import signal
import sqlite3

import pytest

from harness import Workspace, start_seeded, wait_for
from test_crash import check_report, finish, now, of_all_rows, reach

OBJECTS = 4_000
CONCURRENCY = 16
TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }', concurrency=CONCURRENCY)
TAKEN_OVER = "another engine took over"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    server, rows = start_seeded(tmp_path_factory.mktemp("daemon"), OBJECTS)
    yield server, rows
    server.stop()


@pytest.fixture
def daemon(seeded, tmp_path):
    """A workspace with a job of all objects, and its rows."""
    return of_all_rows(*seeded, tmp_path, TAGGING)


def started(workspace, *arguments):
    """An engine that has the data directory."""
    engine = workspace.start("start", *arguments)
    line = engine.stderr.readline()
    assert b"engine started" in line, line + engine.stderr.read()
    return engine


def ended(engine):
    """How an engine ended, and what it said."""
    _, errors = engine.communicate(timeout=300)
    return engine.returncode, errors.decode()


def content(workspace):
    """Everything in the data directory: the database row by row, the other files by their bytes."""
    data = workspace.directory / "data"
    with sqlite3.connect(f"file:{data / 'queue.db'}?mode=ro", uri=True) as database:
        rows = list(database.iterdump())
    names = {"queue.db", "queue.db-wal", "queue.db-shm"}
    files = {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
             for path in data.rglob("*") if path.is_file() and path.name not in names}
    return rows, files


def stopped(workspace, engine):
    """Stops the engine's process. False if that was in the middle of a transaction: then it holds SQLite's lock, and nobody
    can take the queue over."""
    engine.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, engine.pid, os.WSTOPPED | os.WNOWAIT)  # every thread of it stands now
    with contextlib.closing(sqlite3.connect(workspace.directory / "data" / "queue.db", timeout=0)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError:
            engine.send_signal(signal.SIGCONT)
            return False


def lose_the_lock(workspace, engine):
    """Stops the engine's process where it is, and takes its lock away."""
    wait_for(lambda: stopped(workspace, engine), "a moment between two transactions")
    (workspace.directory / "data" / "engine.lock").unlink()


def test_tasks_that_outlast_the_drain_time_are_left_to_the_next_start(tmp_path):
    server, rows = start_seeded(tmp_path / "server", 10, "--fault", "delay=600s,count=1,method=PUT")
    try:
        workspace = Workspace(tmp_path / "workspace", server)
        text = (workspace.directory / "longshore.toml").read_text()
        workspace.write("longshore.toml", 'drain = "100ms"\n' + text)
        workspace.write("manifest.csv", "\n".join(rows))
        workspace.job(**TAGGING)
        job = workspace.submit()
        engine = started(workspace)
        wait_for(lambda: workspace.status(job)["succeeded"] == 9, "all tasks but the one that hangs")
        engine.terminate()
        code, errors = ended(engine)
        assert code == 6, errors
        assert "the next start goes on with them" in errors
        stands = workspace.status(job)
        assert (stands["state"], stands["succeeded"], stands["failed"]) == ("Active", 9, 0)
        finish(workspace)
        check_report(workspace, workspace.status(job), rows)
    finally:
        server.stop()


def test_an_idle_engine_stops_at_a_signal(workspace):
    engine = started(workspace)
    engine.terminate()
    assert ended(engine)[0] == 0


def test_an_engine_that_was_replaced_writes_nothing(daemon):
    workspace, rows = daemon
    job = workspace.submit()
    stale = started(workspace)
    reach(workspace, stale, 1000)
    lose_the_lock(workspace, stale)
    finish(workspace)
    check_report(workspace, workspace.status(job), rows)
    before, moment = content(workspace), now()

    stale.send_signal(signal.SIGCONT)
    code, errors = ended(stale)
    assert code == 7, errors
    assert TAKEN_OVER in errors
    assert content(workspace) == before
    # A lane that was stopped between its look and its request still sends that one.
    assert sum(entry["start"] >= moment for entry in workspace.server.log()) <= CONCURRENCY
    check_report(workspace, workspace.status(job), rows)


def test_an_engine_that_was_replaced_is_in_nobody_s_way(daemon):
    workspace, rows = daemon
    job = workspace.submit()
    stale = started(workspace)
    reach(workspace, stale, 1500)
    lose_the_lock(workspace, stale)
    engine = started(workspace)
    reach(workspace, engine, workspace.server.requests() + 1000)
    stale.send_signal(signal.SIGCONT)
    code, errors = ended(stale)
    assert code == 7 and TAKEN_OVER in errors, errors
    wait_for(lambda: workspace.status(job)["state"] == "Complete", "the job")
    engine.terminate()
    assert ended(engine)[0] == 0
    check_report(workspace, workspace.status(job), rows)


def test_an_idle_engine_that_was_replaced_notices(workspace):
    stale = started(workspace)
    lose_the_lock(workspace, stale)
    engine = started(workspace)
    stale.send_signal(signal.SIGCONT)
    code, errors = ended(stale)
    assert code == 7 and TAKEN_OVER in errors, errors
    assert engine.poll() is None
    engine.terminate()
    assert ended(engine)[0] == 0


def test_of_two_engines_that_start_at_once_one_works(workspace):
    for _ in range(100):
        engines = [workspace.start("start") for _ in range(2)]
        wait_for(lambda: any(engine.poll() is not None for engine in engines), "one to be refused")
        [refused] = [engine for engine in engines if engine.poll() is not None]
        [works] = [engine for engine in engines if engine is not refused]
        code, errors = ended(refused)
        assert code == 7 and "another engine" in errors, errors
        assert b"engine started" in works.stderr.readline()
        works.terminate()
        assert ended(works)[0] == 0
