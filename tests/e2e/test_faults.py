"""Stores in trouble: throttling, broken connections, delays and errors cost time, not results."""

import collections

import pytest

from harness import Workspace, start_seeded

TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }')
# Attempts in all for one request (longshore_store::RetryPolicy).
ATTEMPTS = 8


@pytest.fixture
def troubled(tmp_path):
    """Makes workspaces with a job of `count` objects on a sandbox with faults."""
    servers = []

    def make(count, *faults):
        options = [option for fault in faults for option in ("--fault", fault)]
        server, rows = start_seeded(tmp_path / f"server-{len(servers)}", count, *options)
        servers.append(server)
        workspace = Workspace(tmp_path / f"workspace-{len(servers)}", server)
        workspace.write("manifest.csv", "\n".join(rows))
        return workspace

    yield make
    for server in servers:
        server.stop()


def attempts_of(server):
    """How often each key of the objects was refused by a fault, and how often it was not."""
    struck, served = collections.Counter(), collections.Counter()
    for entry in server.log():
        if entry["bucket"] == "objects":
            (struck if entry["fault"] else served)[entry["key"]] += 1
    return struck, served


@pytest.mark.parametrize("fault", ["status=503,code=SlowDown", "status=500", "reset"])
def test_a_third_of_the_requests_goes_wrong(troubled, fault):
    workspace = troubled(200, f"{fault},rate=0.3,seed=3,method=PUT,bucket=objects")
    workspace.job(**TAGGING)
    ended = workspace.run()
    struck, served = attempts_of(workspace.server)
    assert struck.total() > 40
    # A task fails only if every one of its attempts was struck, which chance all but rules out; no other is lost or repeated.
    lost = [key for key, count in struck.items() if count == ATTEMPTS]
    assert len(lost) <= 2
    assert ended.code == (3 if lost else 0), ended.err
    assert (ended.job["succeeded"], ended.job["failed"]) == (200 - len(lost), len(lost))
    assert sorted(served.elements()) == sorted(set(served)) and len(served) == 200 - len(lost)
    assert max(struck.values()) <= ATTEMPTS
    assert len(workspace.rows(ended.job)) == 200


def test_the_last_attempt_counts_and_there_is_no_other(sandbox_with, workspace_of):
    server = sandbox_with(
        "--bucket", "objects",
        "--fault", f"status=503,code=SlowDown,method=DELETE,key=last,count={ATTEMPTS - 1}",
        "--fault", f"status=503,code=SlowDown,method=DELETE,key=lost,count={ATTEMPTS}",
    )
    keys = ["last", "lost", "well"]
    server.put("objects", keys)
    server.clear_log()
    workspace = workspace_of(server)
    workspace.manifest("objects", keys)
    workspace.job("tagging", '{ mode = "delete-all" }')
    ended = workspace.run()
    assert ended.code == 3, ended.err
    outcomes = workspace.outcomes(ended.job)
    assert outcomes["last"] == outcomes["well"] == ("succeeded", "200", "", "Successful")
    assert outcomes["lost"][:3] == ("failed", "503", "SlowDown")
    assert f"{ATTEMPTS} attempts" in outcomes["lost"][3]
    assert attempts_of(server) == ({"last": ATTEMPTS - 1, "lost": ATTEMPTS}, {"last": 1, "well": 1})


@pytest.mark.parametrize("status, code", [(403, "AccessDenied"), (400, "InvalidRequest"), (412, "PreconditionFailed")])
def test_final_errors_are_not_tried_again(troubled, status, code):
    workspace = troubled(30, f"status={status},code={code},method=PUT,bucket=objects")
    workspace.job(**TAGGING)
    ended = workspace.run()
    assert ended.code == 3
    assert {row[3:6] == ["failed", str(status), code] for row in workspace.rows(ended.job)} == {True}
    struck, _ = attempts_of(workspace.server)
    assert set(struck.values()) == {1} and len(struck) == 30


def test_a_code_the_engine_does_not_know_is_passed_on(troubled):
    workspace = troubled(3, "status=418,code=Teapot,method=PUT,bucket=objects")
    workspace.job(**TAGGING)
    ended = workspace.run()
    assert ended.job["failures"] == {"Teapot": 3}


def test_delays_are_waited_for_side_by_side(troubled):
    workspace = troubled(100, "delay=300ms,method=PUT,bucket=objects")
    workspace.job(**TAGGING, concurrency=50)
    ended = workspace.run()
    assert (ended.code, ended.job["succeeded"]) == (0, 100)
    log = [entry for entry in workspace.server.log() if entry["bucket"] == "objects"]
    at_once = max(sum(other["start"] <= entry["start"] < other["end"] for other in log) for entry in log)
    assert 1 < at_once <= 50


def test_trouble_with_copies_and_the_report(sandbox_with, workspace_of):
    """The bytes and the report arrive whole, whichever request breaks."""
    server = sandbox_with(
        "--bucket", "objects", "--empty-bucket", "copies", "--empty-bucket", "reports",
        "--fault", "reset,rate=0.2,seed=5,method=PUT,bucket=copies",
        "--fault", "status=503,code=SlowDown,count=2,method=PUT,bucket=reports",
    )
    client = server.client()
    bodies = {f"key {number}": f"body {number}".encode() for number in range(60)}
    for key, body in bodies.items():
        client.put_object(Bucket="objects", Key=key, Body=body)
    workspace = workspace_of(server)
    workspace.manifest("objects", bodies)
    workspace.job("copy", '{ target-bucket = "copies" }', report='location = "s3://reports/copies"')
    ended = workspace.run()
    assert (ended.code, ended.job["succeeded"]) == (0, 60), ended.err
    assert len(workspace.rows(ended.job)) == 60
    assert {key: client.get_object(Bucket="copies", Key=key)["Body"].read() for key in bodies} == bodies


@pytest.mark.parametrize("retry, status, code, attempts", [
    ("attempts = 2", 503, "SlowDown", 2),
    ("attempts = 1", 500, "InternalError", 1),
    ('classes = ["connection"]', 503, "SlowDown", 1),
    ('codes = ["Operation*"]\nattempts = 3', 409, "OperationAborted", 3),
])
def test_a_job_says_what_is_tried_again(sandbox_with, workspace_of, retry, status, code, attempts):
    server = sandbox_with("--bucket", "objects", "--fault", f"status={status},code={code},method=PUT,key=lost")
    server.put("objects", ["found"])
    server.clear_log()
    workspace = workspace_of(server)
    workspace.manifest("objects", ["lost", "found"])
    workspace.job(**TAGGING, extra=f'[retry]\nbase-delay = "1ms"\n{retry}')
    ended = workspace.run()
    assert ended.code == 3, ended.err
    assert workspace.outcomes(ended.job)["lost"][:3] == ("failed", str(status), code)
    assert attempts_of(server) == ({"lost": attempts}, {"found": 1})
