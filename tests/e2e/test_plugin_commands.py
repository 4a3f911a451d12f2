"""`longshore plugin new`, `build`, `test` and `run`: what they refuse and what they show. The guides' tests run what goes well."""

import shutil

import pytest

from documents import ALLOW_ALL, deny
from harness import TARGET

# The build compiles it there, for a test of engine/builtins that `make test` runs before these.
MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_mark_large.wasm"


@pytest.fixture
def workspace(sandbox, workspace_of):
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"
    workspace = workspace_of(sandbox)
    shutil.copy(MODULE, workspace.directory / "mark.wasm")
    return workspace


def test_new_overwrites_nothing_and_says_what_a_name_is(workspace):
    (workspace.directory / "taken").mkdir()
    refused = workspace.longshore("plugin", "new", "taken")
    assert (refused.code, refused.err) == (2, "error: taken exists already; nothing was written\n")
    assert list((workspace.directory / "taken").iterdir()) == []
    assert workspace.longshore("plugin", "new", "Mark_Large").code == 2
    unknown = workspace.longshore("plugin", "new", "mark", "--lang", "cobol")
    assert unknown.code == 2 and "rust" in unknown.err
    assert not (workspace.directory / "mark").exists()


def test_build_says_what_a_project_is(workspace):
    refused = workspace.longshore("plugin", "build", ".")
    assert refused.code == 2 and "Cargo.toml" in refused.err and "longshore plugin new" in refused.err


def run(workspace, bucket, key, *more, parameters='{"min-bytes": 3}'):
    where = ["--bucket", bucket, "--key", key, "--parameters", parameters]
    return workspace.longshore("plugin", "run", "mark.wasm", *where, *more)


def test_run_shows_every_call(workspace, sandbox, bucket):
    sandbox.put(bucket, ["k"])
    done = run(workspace, bucket, "k")
    lines = done.out.splitlines()
    assert done.code == 0, done.err
    assert lines[0].startswith(f"HeadObject s3://{bucket}/k -> 200 (")
    assert lines[1].startswith(f"PutObjectTagging s3://{bucket}/k tag=size=large -> 200 (")
    assert lines[2:] == ["done"]
    [value] = run(workspace, bucket, "k", "--json").events
    assert (value["outcome"], [call["status"] for call in value["calls"]]) == ("done", [200, 200])


def test_run_fails_as_a_task_does(workspace, sandbox, bucket):
    missing = run(workspace, bucket, "missing")
    assert missing.code == 3 and missing.out.splitlines()[-1].startswith("failed: NoSuchKey: ")
    assert run(workspace, bucket, "k", parameters='{"min-byte": 3}').code == 2
    assert run(workspace, bucket, "k", parameters="3").code == 2
    workspace.configure(endpoint="http://127.0.0.1:1")
    assert run(workspace, bucket, "k").code == 8


def test_a_dry_run_sends_nothing(sandbox, bucket, workspace, workspace_of):
    sandbox.put(bucket, ["k"])
    sandbox.clear_log()
    plan = run(workspace, bucket, "k", "--dry-run")
    expected = [f"HeadObject s3://{bucket}/k", f"PutObjectTagging s3://{bucket}/k tag=size=large"]
    assert (plan.code, plan.out.splitlines()) == (0, expected)
    strict = workspace_of(sandbox, [ALLOW_ALL, deny("s3:PutObjectTagging", sid="NoTags")])
    shutil.copy(MODULE, strict.directory / "mark.wasm")
    for options in ([], ["--dry-run"]):
        refused = run(strict, bucket, "k", *options)
        assert refused.code == 3 and "failed: AccessDenied: " in refused.out and "NoTags" in refused.out
    assert [entry for entry in sandbox.log() if entry["key"]] == []


FIXTURES = """
[[case]]
name = "as it is"
parameters = { min-bytes = 4 }
object = [{ key = "k", body = "four", tags = { old = "yes" }, metadata = { a = "b" } }]
[case.expect]
outcome = "done"
calls = ["HeadObject", "PutObjectTagging s3://bucket/k tag=size=large"]
object = [{ key = "k", body = "four", size = 4, tags = { size = "large" }, metadata = { a = "b" } }, { key = "other", absent = true }]

[[case]]
name = "as it is not"
parameters = { min-bytes = 5 }
object = [{ key = "k", body = "four" }]
[case.expect]
outcome = "done"
calls = ["HeadObject", "PutObjectTagging"]
object = [{ key = "k", body = "five!", tags = { size = "large" } }, { key = "other" }]
"""


def test_test_shows_every_difference(workspace):
    workspace.write("fixtures.toml", FIXTURES)
    done = workspace.longshore("plugin", "test", "mark.wasm")
    assert done.code == 3, done.err
    assert "ok  as it is\n" in done.out and done.out.endswith("1 passed, 1 failed\n")
    failed = done.out[done.out.index("FAILED"):]
    for line in ("! outcome", "!   - done", "!   + skipped", "!   - PutObjectTagging", "! s3://bucket/k: tags", "!   - size=large",
                 "!   + none", "!   - five!", "!   + four", "! s3://bucket/other"):
        assert f"    {line}\n" in failed, failed
    [value] = workspace.longshore("plugin", "test", "mark.wasm", "--json").events
    assert (value["failed"], [case["outcome"] for case in value["cases"]]) == (1, ["done", "skipped"])


def test_mistakes_in_fixtures_are_shown_where_they_are(workspace):
    workspace.write("fixtures.toml", '[[case]]\nname = "x"\nobjects = []\n[case.expect]\noutcome = "fine"\n')
    refused = workspace.longshore("plugin", "test", "mark.wasm")
    assert refused.code == 2
    for word in ("fixtures.toml:3:1", '"objects"', "object", "fixtures.toml:5:", '"fine"'):
        assert word in refused.err, refused.err


def test_parameters_of_a_case_are_checked_as_those_of_a_job(workspace):
    workspace.write("fixtures.toml", '[[case]]\nname = "x"\nkey = "k"\nparameters = { min-byte = 3 }\n')
    refused = workspace.longshore("plugin", "test", "mark.wasm")
    assert refused.code == 2 and "min-bytes" in refused.err
