"""The example of a custom operation (examples/plugins/mark-large), run by the real binary through a job file."""

import shutil

import pytest

from documents import ALLOW_ALL, policy
from harness import TARGET

# The build compiles it there, for a test of engine/builtins that `make test` runs before these.
MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_mark_large.wasm"
OPERATION = 'plugin = "plugins/mark-large.wasm"'


@pytest.fixture
def bucket(sandbox, bucket_of):
    return bucket_of(sandbox)


@pytest.fixture
def workspace_of(workspace_of):
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"

    def make(*arguments):
        workspace = workspace_of(*arguments)
        (workspace.directory / "plugins").mkdir()
        shutil.copy(MODULE, workspace.directory / "plugins/mark-large.wasm")
        return workspace

    return make


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox)


def put(server, bucket, sizes):
    for key, size in sizes.items():
        server.client().put_object(Bucket=bucket, Key=key, Body=b"x" * size)


def tags(server, bucket, key):
    found = server.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


def test_it_does_what_its_source_says(server, bucket_of, workspace_of):
    bucket, workspace = bucket_of(server), workspace_of(server)
    put(server, bucket, {"empty": 0, "small": 99, "large": 100, "larger ü+": 5000})
    workspace.manifest(bucket, ["empty", "small", "large", "larger ü+", "gone"])
    workspace.job(OPERATION, {"min-bytes": 100})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"NoSuchKey": 1}), result.out + result.err
    assert [tags(server, bucket, key) for key in ("empty", "small")] == [{}, {}]
    assert [tags(server, bucket, key) for key in ("large", "larger ü+")] == [{"size": "large"}] * 2
    outcomes = workspace.outcomes(result.job)
    assert outcomes["small"] == ("succeeded", "200", "", "99 bytes")
    assert outcomes["large"] == ("succeeded", "200", "", "Successful")
    assert outcomes["gone"][:3] == ("failed", "404", "NoSuchKey")


def test_many_tasks_each_in_an_instance_of_its_own(sandbox, bucket, workspace):
    keys = [f"k{number:04}" for number in range(1500)]
    put(sandbox, bucket, {key: number % 2 for number, key in enumerate(keys)})
    workspace.manifest(bucket, keys)
    workspace.job(OPERATION, {"min-bytes": 1}, concurrency=128)
    before = len(sandbox.log())
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    made = sandbox.log()[before:]
    assert sorted(entry["key"] for entry in made if entry["method"] == "HEAD") == keys
    assert sorted(entry["key"] for entry in made if entry["method"] == "PUT") == keys[1::2]


def test_policies_bind_it(sandbox, bucket, workspace):
    objects = f"arn:aws:s3:::{bucket}/"
    workspace.write("role.json", policy(
        ALLOW_ALL, {"Sid": "Hands", "Effect": "Deny", "Action": "s3:PutObjectTagging", "Resource": objects + "held"}))
    put(sandbox, bucket, {"held": 10, "free": 10})
    before = len(sandbox.log())
    workspace.manifest(bucket, ["held", "free"])
    workspace.job(OPERATION, {"min-bytes": 1})
    result = workspace.run()
    assert workspace.outcomes(result.job)["held"] == (
        "failed", "403", "AccessDenied",
        f'role "tester" may not s3:PutObjectTagging on {objects}held: statement "Hands" of role.json denies it')
    # It says before the task what it may need, so the HEAD of the refused object is not sent either.
    made = [(entry["method"], entry["key"]) for entry in sandbox.log()[before:] if entry["key"]]
    assert sorted(made) == [("HEAD", "free"), ("PUT", "free")]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [("{}", "min-bytes"), ('{ min-bytes = "many" }', "min-bytes"), ("{ min-bytes = 1, max-bytes = 2 }", "max-bytes"),
     ("{ min-bytes = -1 }", "min-bytes")])
def test_its_schema_checks_the_job_file(bucket, workspace, parameters, words):
    workspace.manifest(bucket, ["k"])
    path = workspace.job(OPERATION, parameters)
    line = path.read_text().splitlines().index(f"parameters = {parameters}") + 1
    result = workspace.longshore("run", "job.toml")
    assert result.code == 2
    assert f"job.toml:{line}:" in result.err
    assert words in result.err
    assert workspace.longshore("list", "--json").events == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot read the plugin"), (b"not wasm", "mark-large.wasm"), (b"\0asm\x01\0\0\0", "mark-large.wasm"),
     (b"\0asm\x0d\0\x01\0", "mark-large.wasm")])
def test_a_file_that_is_no_operation(bucket, workspace, content, words):
    file = workspace.directory / "plugins/mark-large.wasm"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    workspace.manifest(bucket, ["k"])
    path = workspace.job(OPERATION, {"min-bytes": 1})
    line = path.read_text().splitlines().index(OPERATION) + 1
    result = workspace.longshore("run", "job.toml")
    assert result.code == 2
    assert f"job.toml:{line}:" in result.err
    assert words in result.err


def test_a_plugin_that_changed_since_it_was_submitted_does_not_run(sandbox, bucket, workspace):
    put(sandbox, bucket, {"k": 1})
    workspace.manifest(bucket, ["k"])
    workspace.job(OPERATION, {"min-bytes": 1})
    submitted = workspace.longshore("submit", "job.toml")
    assert submitted.code == 0, submitted.err
    file = workspace.directory / "plugins/mark-large.wasm"
    # A custom section changes the file and nothing else.
    file.write_bytes(file.read_bytes() + b"\x00\x05\x04note")
    before = len(sandbox.log())
    workspace.longshore("start", "--until-idle")
    (job,) = workspace.longshore("list", "--json").events
    shown = workspace.longshore("status", job["id"], "--json").events[-1]
    assert (shown["state"], shown["failure_code"]) == ("Failed", "OperationNotUsable")
    assert "the plugin changed since the job was submitted" in shown["failure_reason"]
    assert not [entry for entry in sandbox.log()[before:] if entry["key"]]
