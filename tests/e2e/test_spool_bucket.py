"""The rows of a job in a bucket: they come back whole, nothing of them is left, and a bucket out of reach is waited for."""

import base64
import os
import random
from pathlib import Path

import pytest

from harness import Workspace, kill, start_sandbox, start_seeded, wait_for

SEGMENT_BYTES = 8 * 1024 * 1024
OBJECTS = 300
TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }')


def keys_of(count):
    """Long keys that do not shrink: some 12,000 of them fill a segment."""
    some = random.Random(count)
    return [base64.urlsafe_b64encode(some.randbytes(675)).decode() for _ in range(count)]


def spool_in(bucket, more=""):
    return f'[spool]\nlocation = "s3://{bucket}/some/spools"\n{more}'


def noop(workspace, bucket, keys):
    """A job of which nothing but its list is in need of the store."""
    workspace.configure(spool_in(bucket))
    workspace.manifest("b", keys)
    workspace.job("noop")


def segments(server, bucket):
    """Keys and sizes of what is below the prefix."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="some/spools/")
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


def local(workspace):
    folder = workspace.directory / "data/spools"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def nothing_is_left(workspace, server, bucket):
    assert segments(server, bucket) == {}
    assert local(workspace) == []


@pytest.fixture
def seeded(tmp_path):
    """A sandbox with objects, one of which hangs the first time, and a job that tags them; its spool is in `reports`."""
    server, rows = start_seeded(tmp_path / "server", OBJECTS, "--fault", "delay=600s,count=1,key=hangs")
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.configure(spool_in("reports"))
    workspace.write("manifest.csv", "".join(row + "\n" for row in ["objects,hangs", *rows]))
    workspace.job(**TAGGING)
    yield server, workspace
    server.stop()


def half_done(workspace):
    """A job of which all tasks but one have a result when its engine is killed."""
    job = workspace.submit()
    engine = workspace.start("start")
    wait_for(lambda: workspace.status(job)["succeeded"] == OBJECTS or engine.poll() is not None, "the results")
    kill(engine)
    stood = workspace.status(job)
    assert (stood["state"], stood["succeeded"]) == ("Active", OBJECTS), stood
    return job


def test_a_job_of_several_segments(workspace, sandbox, bucket):
    keys = keys_of(30_000)
    noop(workspace, bucket, keys)
    sandbox.clear_log()
    done = workspace.run()
    assert (done.code, done.job["succeeded"]) == (0, len(keys)), done.err
    assert sorted(row[1] for row in workspace.rows(done.job)) == sorted(keys)
    calls = [(entry["method"], entry["key"]) for entry in sandbox.log() if entry["bucket"] == bucket and entry["key"]]
    written = [key for method, key in calls if method == "PUT"]
    assert len(written) == len(set(written)) > 2
    assert all(key.startswith(f"some/spools/{done.job['id']}/") for key in written)
    assert len([key for method, key in calls if method == "GET"]) == len(keys) / 1000, "one request for a chunk"
    assert sorted(key for method, key in calls if method == "DELETE") == written
    nothing_is_left(workspace, sandbox, bucket)


def test_a_crash_while_the_list_is_read(workspace, sandbox, bucket):
    keys = keys_of(40_000)
    noop(workspace, bucket, keys)
    path = workspace.directory / "manifest.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    os.mkfifo(path)
    job = workspace.submit()
    engine = workspace.start("start")
    with path.open("wb") as pipe:
        pipe.write(b"".join(lines[:30_000]))
        pipe.flush()
        before = wait_for(lambda: segments(sandbox, bucket) or engine.poll() is not None, "the first segment")
        assert engine.poll() is None, engine.stderr.read().decode()
        kill(engine)
    assert max(before.values()) <= SEGMENT_BYTES
    assert "manifest.spool" not in str(local(workspace))

    path.unlink()
    path.write_bytes(b"".join(lines))
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code == 0, ended.err
    done = workspace.status(job)
    assert (done["state"], done["total"], done["succeeded"]) == ("Complete", len(keys), len(keys))
    assert sorted(row[1] for row in workspace.rows(done)) == sorted(keys)
    nothing_is_left(workspace, sandbox, bucket)


def test_a_list_with_a_bad_row_leaves_nothing(workspace, sandbox, bucket):
    noop(workspace, bucket, keys_of(30_000))
    with (workspace.directory / "manifest.csv").open("a") as file:
        file.write("no row\n")
    done = workspace.run()
    assert (done.code, done.job["failure_code"]) == (4, "InvalidManifestContent"), done.err
    nothing_is_left(workspace, sandbox, bucket)


def test_a_crash_while_tasks_run(seeded):
    server, workspace = seeded
    job = half_done(workspace)
    assert len(segments(server, "reports")) == 1
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code == 3, ended.err
    done = workspace.status(job)
    assert (done["state"], done["succeeded"], done["failures"]) == ("Complete", OBJECTS, {"NoSuchKey": 1})
    assert len({row[1] for row in workspace.rows(done)}) == len(workspace.rows(done)) == OBJECTS + 1
    nothing_is_left(workspace, server, "reports")


def test_a_begun_job_keeps_its_bucket_whatever_is_configured_then(seeded):
    server, workspace = seeded
    job = half_done(workspace)
    workspace.configure()
    assert workspace.longshore("start", "--until-idle").code == 3
    assert workspace.status(job)["state"] == "Complete"
    nothing_is_left(workspace, server, "reports")


def test_a_cancelled_job_takes_its_rows_along(seeded):
    server, workspace = seeded
    job = half_done(workspace)
    assert workspace.longshore("cancel", job).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5
    done = workspace.status(job)
    assert done["state"] == "Cancelled"
    assert len(workspace.rows(done)) == OBJECTS, "what ran is in the report"
    nothing_is_left(workspace, server, "reports")


@pytest.mark.parametrize("how, words", [("gone", "0 are left"), ("cut", "bytes were written there"), ("changed", "the checksum")])
def test_rows_that_are_lost_fail_the_job(seeded, how, words):
    server, workspace = seeded
    job = half_done(workspace)
    client = server.client()
    [key] = segments(server, "reports")
    body = client.get_object(Bucket="reports", Key=key)["Body"].read()
    if how == "gone":
        client.delete_object(Bucket="reports", Key=key)
    else:
        other = body[:20] if how == "cut" else body[:-1] + bytes([body[-1] ^ 1])
        client.put_object(Bucket="reports", Key=key, Body=other)
    assert workspace.longshore("start", "--until-idle").code == 4
    done = workspace.status(job)
    assert (done["state"], done["failure_code"], done["succeeded"]) == ("Failed", "SpoolDamaged", OBJECTS)
    assert f"s3://reports/{key} is damaged at byte 8: " in done["failure_reason"]
    assert words in done["failure_reason"] and "submit the job again" in done["failure_reason"]
    assert "results are missing in the report" in workspace.longshore("status", "--events", job).out
    nothing_is_left(workspace, server, "reports")


@pytest.fixture
def two_stores(tmp_path):
    """A job on one store whose rows are on another; that one can be stopped, and started anew."""
    main, rows = start_seeded(tmp_path / "main", OBJECTS, "--fault", "delay=600s,count=1,key=hangs")
    workspace = Workspace(tmp_path / "workspace", main)
    servers = []

    def start():
        servers.append(start_sandbox(tmp_path / f"spools-{len(servers)}", "--data", tmp_path / "data", "--bucket", "spools"))
        workspace.configure(spool_in("spools", 'store = "spools"\n') + f'''
[store.spools]
endpoint = "{servers[-1].endpoint}"
region = "us-east-1"
path-style = true
credentials = {{ source = "static", access-key-id = "{main.access_key}", secret-access-key = "${{TEST_SECRET}}" }}
''')
        return servers[-1]

    workspace.write("manifest.csv", "".join(row + "\n" for row in ["objects,hangs", *rows]))
    workspace.job(**TAGGING, head='store = "main"')
    yield workspace, start
    for server in [main, *servers]:
        server.stop()


@pytest.mark.parametrize("ending", ["the store comes back", "its rows are given up"])
def test_a_job_waits_for_the_store_of_its_rows(two_stores, ending):
    workspace, start = two_stores
    spools = start()
    job = half_done(workspace)
    spools.stop()
    held = workspace.longshore("start", "--until-idle", timeout=60)
    assert held.code == 8, held.err
    stood = workspace.status(job)
    assert (stood["state"], stood["succeeded"], stood["failed"]) == ("Active", OBJECTS, 0)
    assert stood["obstacle"].startswith("SpoolNotReachable: cannot read the chunk spool s3://spools/some/spools/"), stood

    assert workspace.longshore("cancel", job).code == 0
    held = workspace.longshore("start", "--until-idle", timeout=60)
    assert (held.code, workspace.status(job)["state"]) == (8, "Cancelling"), "its report still wants rows"

    back = ending == "the store comes back"
    if back:
        spools = start()
    else:
        (workspace.directory / "data/spools" / job / "segments.json").unlink()
    assert workspace.longshore("start", "--until-idle").code == 5
    done = workspace.status(job)
    assert (done["state"], done["obstacle"], done["succeeded"]) == ("Cancelled", None, OBJECTS)
    assert len(workspace.rows(done)) == (OBJECTS if back else 0)
    assert ("results are missing in the report" in workspace.longshore("status", "--events", job).out) != back
    assert local(workspace) == []
    if back:
        nothing_is_left(workspace, spools, "spools")


def test_a_list_is_not_read_without_a_place_for_its_rows(two_stores):
    workspace, start = two_stores
    start().stop()
    job = workspace.submit()
    assert workspace.longshore("start", "--until-idle").code == 8
    stood = workspace.status(job)
    assert (stood["state"], stood["failure_code"]) == ("Preparing", None)
    assert "cannot write the chunk spool" in stood["obstacle"]
    start()
    engine = workspace.start("start")
    wait_for(lambda: workspace.status(job)["succeeded"] == OBJECTS or engine.poll() is not None, "the results")


def test_rows_that_could_not_be_removed_are_removed_by_the_next_start(two_stores):
    workspace, start = two_stores
    spools = start()
    workspace.job(**TAGGING, report='location = "reports"\nscope = "FailedTasksOnly"', head='store = "main"\nconfirm = true')
    job = workspace.submit()
    workspace.longshore("start", "--until-idle")
    assert workspace.status(job)["state"] == "Suspended"
    assert workspace.longshore("cancel", job).code == 0
    spools.stop()
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code == 5 and "the next start of the engine removes them" in ended.err, ended.err
    assert (workspace.status(job)["state"], len(local(workspace))) == ("Cancelled", 2)

    spools = start()
    assert len(segments(spools, "spools")) == 1
    assert workspace.longshore("start", "--until-idle").code == 0
    nothing_is_left(workspace, spools, "spools")


def peak_of(engine):
    """Peak memory of a process so far, in MiB; None once it has ended."""
    text = Path(f"/proc/{engine.pid}/status").read_text()
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM:")), None)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak memory of a process that runs")
def test_memory_does_not_grow_with_the_list(workspace, sandbox, bucket):
    peaks = []
    for count in (40_000, 160_000):
        noop(workspace, bucket, keys_of(count))
        with (workspace.directory / "manifest.csv").open("a") as file:
            file.write("the end of the job, and the beginning of none\n")
        engine = workspace.start("run", "job.toml")
        seen = []
        wait_for(lambda: seen.append(peak_of(engine)) or seen[-1] is None, "the end of the list")
        assert engine.wait() == 4, engine.stderr.read().decode()
        peaks.append(max(filter(None, seen)))
    print(f"peak memory in MiB: {peaks}")
    # The longer list has 80 MiB of segments more; allocators need some room.
    assert peaks[1] - peaks[0] < 40, peaks
