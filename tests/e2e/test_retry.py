"""`longshore retry`: the failed tasks of a job run again as a job of their own."""

import contextlib
import shutil
import sqlite3
import urllib.parse

import pytest

from documents import ALLOW_ALL, deny
from harness import TAGGING, TARGET, kill, start_seeded, wait_for

TAG_COLUMNS = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_tag_columns.wasm"


def retry(workspace, job, *options):
    """What `retry --json` says of the new job."""
    done = workspace.longshore("retry", "--json", job, *options)
    assert done.code == 0, done.err
    return done.events[0]


def refused(workspace, job, *options):
    """Why `retry` adds no job."""
    before = len(workspace.longshore("list", "--json").events)
    done = workspace.longshore("retry", job, *options)
    assert (done.code, done.out) == (2, "")
    assert len(workspace.longshore("list", "--json").events) == before
    return done.err


@contextlib.contextmanager
def database(workspace):
    with contextlib.closing(sqlite3.connect(workspace.directory / "data/queue.db")) as connection, connection:
        yield connection


@pytest.fixture
def failed(workspace, bucket):
    """A job of which the objects with odd keys are missing, those of `refused/` are not allowed, and two others are there."""
    workspace.bucket = bucket
    workspace.policies = [ALLOW_ALL, deny("s3:*", f"arn:aws:s3:::{bucket}/refused/*")]
    workspace.__post_init__()
    workspace.missing = workspace.server.odd_keys
    workspace.server.put(bucket, ["one", "two", "refused/x", "refused/y"])
    workspace.manifest(bucket, ["one", "refused/x", *workspace.missing, "two", "refused/y"])
    workspace.job(**TAGGING, head='description = "the first"\npriority = 7\nclient-token = "once"\ntags = { team = "x" }')
    done = workspace.run()
    assert (done.code, done.job["failed"]) == (3, len(workspace.missing) + 2), done.err
    return workspace, done.job["id"]


def test_the_failed_tasks_run_again_as_a_job_of_their_own(failed):
    workspace, old = failed
    dry = retry(workspace, old, "--dry-run")
    assert dry == {"id": None, "retry_of": old, "tasks": len(workspace.missing) + 2, "bad_rows": 0}
    assert len(workspace.longshore("list", "--json").events) == 1

    workspace.server.put(workspace.bucket, workspace.missing)
    workspace.policies = [ALLOW_ALL]
    workspace.__post_init__()
    # The list is not read again, and the earlier job may go: all that is needed was copied.
    workspace.directory.joinpath("manifest.csv").unlink()
    new = retry(workspace, old[:8], "--description", "the second", "--priority", "9")
    assert new == {**dry, "id": new["id"]}
    with database(workspace) as connection:
        connection.execute("DELETE FROM failures")
    before = len(workspace.server.log())
    assert workspace.longshore("start", "--until-idle").code == 0

    job = workspace.status(new["id"])
    assert (job["state"], job["succeeded"], job["failed"]) == ("Complete", len(workspace.missing) + 2, 0)
    assert (job["retry_of"], job["description"], job["priority"], job["client_token"]) == (old, "the second", 9, None)
    assert (job["operation"], job["tags"], job["parameters"]) == ("tagging", {"team": "x"}, workspace.status(old)["parameters"])
    keys = ["refused/x", *workspace.missing, "refused/y"]
    assert [urllib.parse.unquote(row[1]) for row in workspace.rows(job)] == keys
    assert {entry["key"] for entry in workspace.server.log()[before:] if entry["bucket"] == workspace.bucket} == set(keys)

    assert old in workspace.longshore("status", new["id"]).out
    assert old[:8] in workspace.longshore("list").out.splitlines()[1]
    [first, *_] = workspace.longshore("status", "--json", "--events", new["id"]).events[0]["events"]
    assert first["cause"] == f"submitted: again {len(keys)} failed tasks of job {old}"
    with database(workspace) as connection:
        assert connection.execute("SELECT count(*) FROM retry_rows").fetchone() == (0,)


@pytest.mark.parametrize("codes, wanted", [
    ("NoSuchKey", "missing"), ("404", "missing"), ("AccessDenied", "refused"), ("403", "refused"),
    ("403,NoSuchKey", "all"), ("AccessDenied,403", "refused"),
])
def test_codes_and_statuses_select(failed, codes, wanted):
    workspace, old = failed
    tasks = {"missing": len(workspace.missing), "refused": 2, "all": len(workspace.missing) + 2}[wanted]
    assert retry(workspace, old, "--code", codes)["tasks"] == tasks
    assert workspace.longshore("start", "--until-idle").code == 3
    [newest, _] = workspace.longshore("list", "--json").events
    assert (newest["total"], newest["failed"]) == (tasks, tasks)


def test_a_code_that_no_task_failed_with(failed):
    workspace, old = failed
    missing = len(workspace.missing)
    told = f"error: no task of job {old} failed with SlowDown or 503; its tasks failed with " \
           f"NoSuchKey 404 ({missing}), AccessDenied 403 (2)\n"
    assert refused(workspace, old, "--code", "SlowDown,404,503") == told


def test_a_retry_of_a_retry(failed):
    workspace, old = failed
    workspace.server.put(workspace.bucket, workspace.missing[:3])
    second = retry(workspace, old, "--code", "NoSuchKey")["id"]
    assert workspace.longshore("start", "--until-idle").code == 3
    assert workspace.status(second)["succeeded"] == 3
    third = retry(workspace, second)
    assert (third["retry_of"], third["tasks"]) == (second, len(workspace.missing) - 3)
    workspace.server.put(workspace.bucket, workspace.missing)
    assert workspace.longshore("start", "--until-idle").code == 0


def test_only_a_job_that_has_ended(workspace, bucket):
    workspace.server.put(bucket, ["one"])
    workspace.manifest(bucket, ["one", "missing"])
    workspace.job(**TAGGING)
    job = workspace.submit()
    assert "is New; only a job that is Complete or Cancelled or Failed may be retried" in refused(workspace, job)
    assert 'no job has the ID "nowhere"' in refused(workspace, "nowhere")
    assert workspace.longshore("cancel", job).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5
    assert refused(workspace, job) == f"error: no task of job {job} failed: there is nothing to retry\n"

    workspace.manifest(bucket, ["one"])
    assert workspace.run().code == 0
    done = workspace.longshore("list", "--json").events[0]["id"]
    assert refused(workspace, done) == f"error: no task of job {done} failed: there is nothing to retry\n"


def test_what_did_not_run_is_said(workspace, bucket):
    workspace.server.put(bucket, ["one", "two"])
    workspace.manifest(bucket, ["one", "two"])
    workspace.job(**TAGGING, head="confirm = true")
    assert workspace.longshore("run", "job.toml").code == 6
    [job] = workspace.longshore("list", "--json").events
    assert workspace.longshore("cancel", job["id"]).code == 0
    assert workspace.longshore("start", "--until-idle").code == 5
    assert "2 of its tasks did not run, and their rows went with the end of the job" in refused(workspace, job["id"])


def test_bad_rows_are_left_out(workspace, bucket):
    workspace.write("manifest.csv", f"{bucket},missing\n{bucket},%zz\n{bucket},gone\n")
    workspace.write("job.toml", 'role = "tester"\noperation = { name = "tagging", parameters = { mode = "replace", tags = {} } }\n'
                    '[manifest]\nlocation = "manifest.csv"\nfields = ["Bucket", "Key"]\non-bad-row = "skip"\n')
    ran = workspace.run()
    assert (ran.code, ran.job["failed"]) == (3, 3), ran.err
    old = ran.job["id"]
    assert "rows that name no object" in refused(workspace, old, "--code", "InvalidManifestContent")
    done = workspace.longshore("retry", old)
    assert done.code == 0 and "queued: 2 failed tasks" in done.err and "1 more are left out" in done.err
    assert workspace.longshore("start", "--until-idle").code == 3
    assert workspace.status(done.out.strip())["total"] == 2


def test_columns_and_a_changed_plugin(workspace, bucket):
    shutil.copy(TAG_COLUMNS, workspace.directory / "tag-columns.wasm")
    workspace.write("list.csv", f'{bucket},one,"a b"\n{bucket},two,\n')
    workspace.write("job.toml", 'role = "tester"\n[operation]\nplugin = "tag-columns.wasm"\nparameters = { columns = ["owner"] }\n'
                    '[manifest]\nlocation = "list.csv"\nfields = ["Bucket", "Key", { column = "owner" }]\n')
    assert workspace.run().code == 3
    [old] = workspace.longshore("list", "--json").events
    workspace.server.put(bucket, ["one", "two"])
    # A custom section at the end: another file of the same component.
    module = TAG_COLUMNS.read_bytes()
    workspace.write("tag-columns.wasm", module + b"\x00\x04\x03xyz")
    done = workspace.longshore("retry", old["id"])
    assert done.code == 0 and f"the plugin is another than that of job {old['id']}" in done.err, done.err
    assert workspace.longshore("start", "--until-idle").code == 0
    new = workspace.status(done.out.strip())
    assert new["plugin_digest"] != old["plugin_digest"]
    tags = [workspace.server.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"] for key in ("one", "two")]
    assert tags[0] == [{"Key": "owner", "Value": "a b"}]

    workspace.directory.joinpath("tag-columns.wasm").unlink()
    assert "tag-columns.wasm: cannot read the plugin" in refused(workspace, old["id"])


def test_what_the_job_names_is_looked_up_again(failed):
    workspace, old = failed
    config = workspace.directory / "longshore.toml"
    text = config.read_text()
    config.write_text(text.replace("[role.tester]", "[role.other]"))
    assert "tester" in refused(workspace, old)
    config.write_text(text.replace("[store.main]", "[store.other]"))
    assert "the job works on store main, which the engine configuration does not have any more" in refused(workspace, old)


def test_a_retry_beside_a_running_engine_and_through_a_crash(tmp_path, workspace_of):
    server, _ = start_seeded(tmp_path / "server", 10)
    try:
        workspace = workspace_of(server)
        workspace.write("manifest.csv", "".join(f"objects,gone/{number}\n" for number in range(3000)))
        workspace.job(**TAGGING, extra="failure-threshold = { percent = 100 }")
        engine = workspace.start("start")
        old = workspace.submit()
        wait_for(lambda: workspace.longshore("status", old, "--exit-code").code == 3, "the job", 60)
        new = retry(workspace, old)
        assert new["tasks"] == 3000
        wait_for(lambda: workspace.status(new["id"])["failed"] > 0, "its tasks", 60)
        kill(engine)
        assert workspace.longshore("start", "--until-idle").code == 3
        ended = workspace.status(new["id"])
        assert (ended["state"], ended["failed"]) == ("Complete", 3000)
        assert [row[:2] for row in workspace.rows(ended)] == [row[:2] for row in workspace.rows({"id": old})]
    finally:
        server.stop()
