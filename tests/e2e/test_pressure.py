"""Stores that take only so much: the engine finds out how much, with few requests in vain, and over few connections."""

import datetime

import pytest

from harness import Workspace, start_seeded

TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }')
LANES = 64
TASKS = "method=PUT,bucket=objects"


@pytest.fixture
def pressed(tmp_path):
    """Makes workspaces with a job of `count` objects on a sandbox with faults."""
    servers = []

    def make(count, *faults, lanes=LANES, **job):
        options = [option for fault in faults for option in ("--fault", fault)]
        server, rows = start_seeded(tmp_path / f"server-{len(servers)}", count, *options)
        servers.append(server)
        workspace = Workspace(tmp_path / "workspace", server)
        workspace.write("manifest.csv", "\n".join(rows))
        workspace.job(**TAGGING, concurrency=lanes, **job)
        return workspace

    yield make
    for server in servers:
        server.stop()


def tasks_of(server):
    return [entry for entry in server.log() if (entry["method"], entry["bucket"]) == ("PUT", "objects")]


@pytest.mark.parametrize("fault", [
    f"status=503,code=SlowDown,at-once=8,{TASKS}",
    f"status=503,code=ServiceUnavailable,at-once=8,{TASKS}",
    f"status=429,code=TooManyRequests,at-once=1,{TASKS}",
    f"status=503,code=SlowDown,per-second=300,{TASKS}",
])
def test_what_a_store_takes_is_found_out(pressed, fault):
    workspace = pressed(2000, f"delay=5ms,{TASKS}", fault)
    ended = workspace.run()
    assert ended.code == 0, ended.err
    assert (ended.job["succeeded"], ended.job["failed"]) == (2000, 0)
    sent = tasks_of(workspace.server)
    print(f"{fault}: 2000 tasks took {len(sent)} requests")
    assert len(sent) <= 1.3 * 2000


def test_a_store_that_refuses_everything_holds_the_job_back(pressed):
    workspace = pressed(500, f"status=503,code=SlowDown,{TASKS}", lanes=16, extra='[retry]\ntotal-time = "2s"')
    ended = workspace.run()
    assert ended.code == 8, ended.err
    [job] = workspace.longshore("list", "--json").events
    assert (job["state"], job["succeeded"], job["failed"]) == ("Active", 0, 0)
    assert "the store asks for fewer requests, however few it gets: SlowDown" in workspace.status(job["id"])["obstacle"]
    # At worst each lane makes all attempts of its task.
    vain = len(tasks_of(workspace.server))
    print(f"a store that refuses everything got {vain} requests of 16 lanes")
    assert vain <= 16 * 8
    # It recovers: nothing was lost, and nothing is sent in vain.
    well = pressed(500)
    workspace.configure(endpoint=well.server.endpoint)
    assert workspace.longshore("start", "--until-idle").code == 0
    again = workspace.status(job["id"])
    assert (again["state"], again["succeeded"], again["failed"], again["obstacle"]) == ("Complete", 500, 0, None)
    assert len(tasks_of(well.server)) == 500


def test_retry_after_holds_for_every_request(pressed):
    workspace = pressed(20, f"status=503,code=SlowDown,retry-after=1,count=1,{TASKS}", lanes=1)
    ended = workspace.run()
    assert ended.code == 0, ended.err
    refused, *rest = tasks_of(workspace.server)
    assert refused["status"] == 503 and len(rest) == 20
    asked = datetime.datetime.fromisoformat(refused["end"]) + datetime.timedelta(seconds=1)
    assert min(datetime.datetime.fromisoformat(entry["start"]) for entry in rest) >= asked


def test_connections_are_used_again(pressed):
    workspace = pressed(2000)
    ended = workspace.run()
    assert ended.code == 0, ended.err
    used = {entry["connection"] for entry in tasks_of(workspace.server)}
    print(f"2000 tasks of {LANES} lanes took {len(used)} connections")
    # The client's pool opens one more where a request comes before the last one has given its connection back.
    assert len(used) <= 2 * LANES


def per_second(entries):
    """As the server saw them: a slow machine sends fewer, and a moment's delay on the way can bunch some of them."""
    starts = sorted(datetime.datetime.fromisoformat(entry["start"]) for entry in entries)
    return (len(starts) - 1) / (starts[-1] - starts[0]).total_seconds()


@pytest.mark.parametrize("bound", ["job", "store", "engine"])
def test_requests_per_second(pressed, bound):
    extra = "requests-per-second = 100" if bound == "job" else ""
    workspace = pressed(300, f"status=503,code=SlowDown,rate=0.1,{TASKS}", extra=extra)
    if bound != "job":
        bound_configuration(workspace, bound, "requests-per-second = 100")
    ended = workspace.run()
    assert (ended.code, ended.job["succeeded"]) == (0, 300), ended.err
    sent = tasks_of(workspace.server)
    assert len(sent) > 300, "retries count, too"
    rate = per_second(sent)
    print(f"{bound}: {rate:.0f} requests a second of 100")
    assert rate <= 150


def test_jobs_together_keep_to_the_bound_of_the_engine(pressed):
    workspace = pressed(200)
    bound_configuration(workspace, "engine", "requests-per-second = 100")
    jobs = [workspace.submit() for _ in range(3)]
    assert workspace.longshore("start", "--until-idle").code == 0
    assert [workspace.status(job)["succeeded"] for job in jobs] == [200] * 3
    assert per_second(tasks_of(workspace.server)) <= 150


def bound_configuration(workspace, place, line):
    table = {"engine": "[engine]", "store": "[store.main]"}[place]
    text = (workspace.directory / "longshore.toml").read_text()
    if table not in text:
        text += f"\n{table}\n"
    workspace.write("longshore.toml", text.replace(table, f"{table}\n{line}", 1))
