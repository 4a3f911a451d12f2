"""What is in the way of a job from outside: it waits and loses nothing, whatever is missing and whenever."""

import pytest

from harness import Workspace, kill, start_sandbox, start_seeded, wait_for

TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }')
OBJECTS = 300


@pytest.fixture
def server_of(tmp_path):
    """Starts sandboxes with objects, their manifest beside them."""
    servers = []

    def start(*options):
        servers.append(start_seeded(tmp_path / "server", OBJECTS, *options))
        return servers[-1]

    yield start
    for server, _ in servers:
        server.stop()


def workspace_with(tmp_path, server, rows, **job):
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "".join(row + "\n" for row in rows))
    workspace.job(**{**TAGGING, **job})
    return workspace


def status(workspace):
    [job] = workspace.longshore("list", "--json").events
    return workspace.longshore("status", "--json", job["id"]).events[0]


def half_done(workspace, server):
    """A job of which all tasks but one have a result when its engine is killed."""
    engine = workspace.start("run", "job.toml")
    wait_for(lambda: server.requests() >= OBJECTS or engine.poll() is not None, "all calls but the one that hangs")
    wait_for(lambda: status(workspace)["succeeded"] == OBJECTS, "their results")
    kill(engine)


def test_an_outage_fails_no_task(tmp_path):
    """The store goes away in the middle: tasks are held back instead of failing one by one, and run once it is back."""
    hang = ("--data", tmp_path / "data", "--fault", "delay=600s,count=1,key=*hangs")
    server, rows = start_seeded(tmp_path / "server", OBJECTS, *hang)
    workspace = workspace_with(tmp_path, server, ["objects,hangs", *rows], concurrency=1)
    engine = workspace.start("run", "job.toml")
    wait_for(lambda: status(workspace)["state"] == "Active" if workspace.longshore("list", "--json").events else False,
             "the first task")
    server.stop()
    _, errors = engine.communicate(timeout=300)
    assert engine.returncode == 8, errors
    assert b"goes on once this is mended" in errors
    job = status(workspace)
    assert (job["state"], job["failed"]) == ("Active", 0)
    assert job["obstacle"].startswith("StoreNotUsable: ")

    again = start_sandbox(tmp_path / "again", "--data", tmp_path / "data")
    try:
        workspace.configure(endpoint=again.endpoint)
        ended = workspace.longshore("start", "--until-idle")
        assert ended.code == 3, ended.err
        job = status(workspace)
        assert (job["succeeded"], job["failures"], job["obstacle"]) == (OBJECTS, {"NoSuchKey": 1}, None)
    finally:
        again.stop()


def test_a_begun_job_waits_for_its_role(tmp_path, server_of):
    server, rows = server_of("--fault", "delay=600s,count=1,key=hangs")
    workspace = workspace_with(tmp_path, server, ["objects,hangs", *rows])
    half_done(workspace, server)
    good = (workspace.directory / "role.json").read_text()
    workspace.write("role.json", good[:-1] + ",}")
    held = workspace.longshore("start", "--until-idle")
    assert held.code == 6, held.err
    job = status(workspace)
    assert (job["state"], job["succeeded"]) == ("Active", OBJECTS)
    assert "role.json:1:" in job["obstacle"]

    workspace.write("role.json", good)
    assert workspace.longshore("start", "--until-idle").code == 3
    assert len(workspace.rows(status(workspace))) == OBJECTS + 1


def test_a_cancelled_job_ends_cancelled_whatever_is_missing(tmp_path, server_of):
    server, rows = server_of("--fault", "delay=600s,count=1,key=hangs")
    workspace = workspace_with(tmp_path, server, ["objects,hangs", *rows])
    half_done(workspace, server)
    assert workspace.longshore("cancel", status(workspace)["id"]).code == 0
    workspace.write("role.json", "{}")
    assert workspace.longshore("start", "--until-idle").code == 5
    job = status(workspace)
    assert (job["state"], job["report"]) == ("Cancelled", None)
    assert len(workspace.rows(job)) == OBJECTS, "the rows of what did run are kept"


@pytest.mark.parametrize("location", ["s3://no-such-bucket/reports", "manifest.csv/reports"])
def test_a_place_that_takes_no_report_is_noticed_before_the_first_task(tmp_path, server_of, location):
    server, rows = server_of()
    workspace = workspace_with(tmp_path, server, rows, report=f'location = "{location}"')
    result = workspace.run()
    assert (result.code, result.job["failure_code"]) == (4, "ReportNotWritten"), result.out
    assert not [entry for entry in server.log() if entry["bucket"] == "objects"]


def test_the_rows_of_a_report_that_could_not_be_written_are_kept(tmp_path, server_of):
    server, rows = server_of("--fault", "status=403,code=AccessDenied,method=PUT,bucket=reports")
    workspace = workspace_with(tmp_path, server, [*rows, "objects,missing"], report='location = "s3://reports/x"')
    result = workspace.run()
    assert (result.code, result.job["failure_code"]) == (4, "ReportNotWritten"), result.out
    assert (result.job["succeeded"], result.job["failed"], result.job["report"]) == (OBJECTS, 1, None)
    assert [row[1] for row in workspace.rows(result.job, "failed")] == ["missing"]
    # Neither is it lost when the next engine tidies up.
    assert workspace.longshore("start", "--until-idle").code == 0
    assert len(workspace.rows(result.job)) == OBJECTS + 1


def test_files_in_the_data_directory_that_are_not_the_engine_s_stay(tmp_path, server_of):
    server, rows = server_of()
    workspace = workspace_with(tmp_path, server, rows)
    mine = [workspace.write(f"data/{name}/mine/keep.toml", "") for name in ("jobs", "spools")]
    assert workspace.run().code == 0
    assert workspace.longshore("start", "--until-idle").code == 0
    assert all(path.exists() for path in mine)


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_reader_that_goes_away_changes_nothing(tmp_path, server_of, json):
    server, rows = server_of()
    workspace = workspace_with(tmp_path, server, [*rows, "objects,missing"])
    engine = workspace.start("run", *json, "job.toml")
    engine.stdout.close()
    engine.stderr.read()
    assert engine.wait(timeout=300) == 3
    assert status(workspace)["state"] == "Complete"


def test_the_exit_code_of_start_is_that_of_the_worst_job(tmp_path, server_of):
    server, rows = server_of()
    workspace = workspace_with(tmp_path, server, rows)
    workspace.job(**TAGGING, name="failing.toml", manifest="empty.csv")
    workspace.write("empty.csv", "")
    for file in ("failing.toml", "job.toml"):
        assert workspace.longshore("submit", file).code == 0
    assert workspace.longshore("start", "--until-idle").code == 4
    assert workspace.longshore("start", "--until-idle").code == 0
