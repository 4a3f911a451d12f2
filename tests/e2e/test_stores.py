"""Stores that do not answer or do not know us, and secrets that must stay secret."""

import pytest

from harness import TAGGING, free_port, start_sandbox

SECRET = "s3cr3t/that+nobody=may.see"


@pytest.fixture
def workspace(sandbox, workspace_of, bucket_of):
    workspace = workspace_of(sandbox)
    workspace.bucket = bucket_of(sandbox)
    workspace.server.put(workspace.bucket, ["key"])
    workspace.manifest(workspace.bucket, ["key"])
    workspace.job(**TAGGING)
    return workspace


def unreachable(workspace, *words):
    """`run` refuses with code 8, and nothing is in the queue."""
    result = workspace.longshore("run", "job.toml")
    assert result.code == 8, result.out + result.err
    assert result.out == ""
    for word in words:
        assert word in result.err, result.err
    assert workspace.longshore("list", "--json").events == []


def held_in_queue(workspace, *words):
    """`start` notices it too, before the first task: the job waits, and says what for."""
    job = workspace.longshore("submit", "--json", "job.toml").events[0]["id"]
    started = workspace.longshore("start", "--until-idle")
    assert started.code == 8, started.err
    [status] = workspace.longshore("status", "--json", job).events
    assert (status["state"], status["succeeded"], status["failed"]) == ("New", 0, 0), status
    for word in ["StoreNotUsable", *words]:
        assert word in status["obstacle"], status["obstacle"]


def test_a_store_that_does_not_answer(workspace):
    endpoint = f"http://127.0.0.1:{free_port()}"
    workspace.configure(endpoint=endpoint)
    words = ["main", "check `endpoint` in longshore.toml, and that the store runs"]
    unreachable(workspace, *words)
    held_in_queue(workspace, *words)


def test_a_wrong_secret(workspace):
    workspace.configure(secret="wrong")
    words = ["main", "the secret access key does not belong to the access key ID", "SignatureDoesNotMatch"]
    unreachable(workspace, *words)
    held_in_queue(workspace, *words)


def test_a_wrong_access_key(workspace):
    text = (workspace.directory / "longshore.toml").read_text()
    workspace.write("longshore.toml", text.replace('access-key-id = "sandbox"', 'access-key-id = "nobody"'))
    words = ["main", "does not know the access key ID", "InvalidAccessKeyId"]
    unreachable(workspace, *words)
    held_in_queue(workspace, *words)


def test_a_server_that_speaks_no_s3(workspace, tmp_path):
    fault = start_sandbox(tmp_path / "fault", "--fault", "status=404,code=Nonsense")
    try:
        workspace.configure(endpoint=fault.endpoint)
        unreachable(workspace, "main", "Nonsense")
    finally:
        fault.stop()


def test_secrets_are_nowhere(tmp_path, workspace_of):
    server = start_sandbox(tmp_path / "server", "--secret-key", SECRET, "--bucket", "objects")
    server.secret_key = SECRET
    try:
        server.put("objects", ["key"])
        workspace = workspace_of(server)
        workspace.manifest("objects", ["key", "missing"])
        workspace.job(**TAGGING, report='location = "s3://objects/reports"')
        shown = []
        for log_format in ("text", "json"):
            shown.append(workspace.longshore("run", "job.toml", "--log", "trace", "--log-format", log_format))
            assert shown[-1].code == 3, shown[-1].err
        job = workspace.longshore("list", "--json").events[0]["id"]
        commands = [["list"], ["status", job, "--events"], ["failures", job], ["report", job, "--rows", "all"], ["--help"],
                    ["run", "--help"], ["sandbox", "--help"], ["validate", "job.toml"], ["plan", "job.toml"]]
        for command in commands:
            for more in ([], ["--json"]):
                shown.append(workspace.longshore(*command, *more, "--log", "trace"))
        for result in shown:
            assert SECRET not in result.out + result.err
        files = [path for directory in (workspace.directory, server.access_log.parent)
                 for path in directory.rglob("*") if path.is_file()]
        assert workspace.directory / "data/queue.db" in files
        for path in files:
            assert SECRET.encode() not in path.read_bytes(), path
    finally:
        server.stop()
