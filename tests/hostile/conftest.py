"""One engine for all hostile guests: whatever a test has run on it, it lives on, and gives back what it took."""

import subprocess

import pytest

from documents import allow, policy
from harness import ACCOUNT, Workspace, start_sandbox, wait_for
from laboratory import Lab, outside

#: What the engine may have more than before, once a test's jobs have ended: memory that its allocator keeps, in MiB, and open
#: files (connections to the store, readers of the database).
MORE_MEMORY, MORE_FILES = 96, 16

#: What a hostile guest must not see, and must not change.
SECRET = b"only the engine may read this"

#: A second role, which tests write the policies of.
CONFIGURATION = f"""
[role.almost]
account = "{ACCOUNT}"
policies = ["almost.json"]
"""


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory):
    """The engine, for the whole run."""
    directory = tmp_path_factory.mktemp("hostile")
    server = start_sandbox(directory / "sandbox", "--bucket", "allowed", "--bucket", "vault")
    workspace = Workspace(directory / "workspace", server, [allow("s3:*", "arn:aws:s3:::allowed/inside/*")])
    workspace.configure(CONFIGURATION)
    workspace.write("almost.json", policy())
    server.put("allowed", ["inside/k"], Metadata={"purpose": "test"})
    for bucket, key in [("vault", "secret"), ("allowed", "outside/secret"), ("allowed", "inside-out"), ("allowed", "secret")]:
        server.client().put_object(Bucket=bucket, Key=key, Body=SECRET)
    log = directory / "engine.log"
    engine = subprocess.Popen(**workspace.command("start"), stdout=subprocess.DEVNULL, stderr=log.open("w"))
    lab = Lab(workspace, engine, log)
    # What it has once it has worked is what it may have.
    lab.run("noop", [f"warm-{number}" for number in range(200)])
    yield lab
    assert engine.poll() is None, log.read_text()
    engine.terminate()
    assert engine.wait(60) == 0, log.read_text()
    server.stop()


@pytest.fixture
def lab(laboratory):
    """The engine, for one test: it lives, has given back what it took, works on, and has asked for nothing it should not."""
    server = laboratory.server
    server.clear_log()
    memory, files = laboratory.memory(), laboratory.files()
    yield laboratory
    assert laboratory.engine.poll() is None, laboratory.log.read_text()
    assert [entry for entry in server.log() if outside(entry)] == []

    def is_as_before():
        # The allocator gives back what is free as it is called.
        outcomes = laboratory.run("noop", ["afterwards"])
        assert outcomes["afterwards"][0] == "succeeded"
        files_now, memory_now = laboratory.files(), laboratory.memory()
        print(f"files: {files_now}, {files} before; memory: {memory_now}, {memory} before")
        return files_now <= files + MORE_FILES and memory_now <= memory + MORE_MEMORY

    wait_for(is_as_before, "the engine to close its files and give back its memory", 60)
    for bucket, key in [("vault", "secret"), ("allowed", "outside/secret"), ("allowed", "inside-out"), ("allowed", "secret")]:
        assert server.client().get_object(Bucket=bucket, Key=key)["Body"].read() == SECRET
    listed = server.client().list_objects_v2(Bucket="allowed")["Contents"]
    assert {item["Key"] for item in listed if not item["Key"].startswith("inside/")} == {
        "outside/secret", "inside-out", "secret"}
