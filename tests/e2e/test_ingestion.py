"""Preparing: what a crash, a list that changes, bad rows and several sources do to a job; and columns on their way to a plugin."""

import hashlib
import io
import json
import os
import shutil

import pyarrow.orc
import pyarrow.parquet
import pytest

from harness import TARGET, kill, wait_for
from test_corpus import DIRECTORY

# The build compiles it there, for a test of engine/builtins that `make test` runs before these.
MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_tag_columns.wasm"
LIST = '[[manifest.sources]]\nlocation = "{}"\nfields = ["Bucket", "Key"]\n'
ROWS = 400_000


def noop(workspace, manifest, head=""):
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n{head}[manifest]\n{manifest}')


def spool_of(workspace, job):
    return workspace.directory / "data/spools" / job / "manifest.spool"


def reach_spool(workspace, job, engine):
    """Waits until rows of the list are in the spool, which is long before its end."""
    spool = spool_of(workspace, job)
    wait_for(lambda: (spool.exists() and spool.stat().st_size > 1000) or engine.poll() is not None, "the spool")
    assert engine.poll() is None, engine.stderr.read().decode()
    return spool


def rows_of(count):
    return "".join(f"b,photos/2026/{number:09}.jpg\n" for number in range(count))


def test_a_crash_in_the_middle_of_a_list_repeats_no_row(workspace):
    # Such keys do not shrink, so that some of them are on disk early.
    keys = [hashlib.md5(str(number).encode()).hexdigest() for number in range(30_000)]
    lines = [f"b,{key}\n".encode() for key in keys]
    path = workspace.directory / "list.csv"
    os.mkfifo(path)
    noop(workspace, 'location = "list.csv"\nfields = ["Bucket", "Key"]\n')
    job = workspace.submit()
    engine = workspace.start("start")
    with path.open("wb") as pipe:
        # The list has no end yet, so that the engine cannot come to it.
        pipe.write(b"".join(lines[:20_000]))
        pipe.flush()
        spool = reach_spool(workspace, job, engine)
        kill(engine)
        pipe.close()
    stood = workspace.status(job)
    assert (stood["state"], stood["total"]) == ("Preparing", None), stood
    assert spool.exists()

    path.unlink()
    path.write_bytes(b"".join(lines))
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code == 0, ended.err
    done = workspace.status(job)
    assert (done["state"], done["total"], done["succeeded"]) == ("Complete", len(keys), len(keys))
    assert sorted(row[1] for row in workspace.rows(done)) == sorted(keys)
    assert list((workspace.directory / "data/spools").iterdir()) == []


def changed(workspace, job, engine):
    """The job fails because its list has changed: nothing ran, nothing is left behind."""
    engine.communicate(timeout=300)
    said = workspace.status(job)
    assert (said["state"], said["failure_code"], said["total"], said["succeeded"]) == ("Failed", "ManifestChanged", None, 0), said
    assert "the list changed while it was read; submit the job again" in said["failure_reason"]
    assert list((workspace.directory / "data/spools").iterdir()) == [], "the spool is left behind"
    assert said["report"] is None
    return said["failure_reason"]


@pytest.mark.parametrize("how", ["a row more", "another file in its place"])
def test_a_file_that_changes_while_it_is_read(workspace, how):
    path = workspace.write("list.csv", rows_of(ROWS))
    noop(workspace, 'location = "list.csv"\nfields = ["Bucket", "Key"]\n')
    job = workspace.submit()
    engine = workspace.start("start", "--until-idle")
    reach_spool(workspace, job, engine)
    if how == "a row more":
        with path.open("a") as file:
            file.write("b,one-more\n")
    else:
        shutil.copy2(path, path.with_suffix(".new"))
        path.with_suffix(".new").rename(path)
    assert str(path) in changed(workspace, job, engine)


def test_an_object_that_changes_while_it_is_read(workspace, sandbox, bucket):
    client = sandbox.client()
    text = rows_of(ROWS).encode()
    client.put_object(Bucket=bucket, Key="list.csv", Body=text)
    noop(workspace, f'location = "s3://{bucket}/list.csv"\nfields = ["Bucket", "Key"]\n')
    job = workspace.submit()
    engine = workspace.start("start", "--until-idle")
    reach_spool(workspace, job, engine)
    # As many bytes, so that only the ETag says it.
    client.put_object(Bucket=bucket, Key="list.csv", Body=text.replace(b"photos", b"images"))
    assert f"s3://{bucket}/list.csv" in changed(workspace, job, engine)


def test_bad_rows_are_failed_tasks_in_their_places(workspace):
    keys = ["100%" if number % 100 == 99 else f"key-{number}" for number in range(2500)]
    workspace.write("list.csv", "".join(f"b,{key}\n" for key in keys))
    noop(workspace, 'location = "list.csv"\nfields = ["Bucket", "Key"]\non-bad-row = "skip"\n')
    done = workspace.run()
    assert (done.code, done.job["total"], done.job["succeeded"], done.job["failed"]) == (3, 2500, 2475, 25), done.err
    failed = workspace.rows(done.job, "failed")
    assert [row[:6] for row in failed] == [["b", "100%", "", "failed", "400", "InvalidManifestContent"]] * 25
    assert [f" row {number} (at byte " in row[6] for number, row in zip(range(100, 2501, 100), failed)] == [True] * 25
    assert sorted(row[1] for row in workspace.rows(done.job, "succeeded")) == sorted(set(keys) - {"100%"})
    assert done.job["failures"] == {"InvalidManifestContent": 25}


def test_a_sample_and_a_limit_of_several_sources(workspace):
    workspace.write("a.csv", "".join(f"b,a-{number}\n" for number in range(3000)))
    workspace.write("b.jsonl", "".join(json.dumps({"Bucket": "b", "Key": f"b {number}"}) + "\n" for number in range(3000)))
    # Nothing of it is read once the limit is reached.
    workspace.write("c.csv", "no manifest")
    lists = LIST.format("a.csv") + '[[manifest.sources]]\nlocation = "b.jsonl"\nformat = "JSONLines"\nkeys = "raw"\n'
    every = [f"a-{number}" for number in range(3000)] + [f"b%20{number}" for number in range(3000)]

    def taken(more, lists=lists):
        noop(workspace, f"{more}\n{lists}")
        done = workspace.run()
        assert done.code == 0, done.out + done.err
        # Chunks are reported in the order in which they end.
        return sorted((row[1] for row in workspace.rows(done.job)), key=every.index)

    sample = taken("sample = 0.25\nseed = 7")
    assert 1300 < len(sample) < 1700
    assert {key[0] for key in sample} == {"a", "b"}
    many = len([key for key in sample if key[0] == "a"]) + 5
    assert taken(f"sample = 0.25\nseed = 7\nlimit = {many}", lists + LIST.format("c.csv")) == sample[:many]
    assert taken("limit = 3001", lists + LIST.format("c.csv")) == every[:3001]
    noop(workspace, lists + LIST.format("c.csv"))
    assert "c.csv: Unexpected number of task fields" in workspace.run().job["failure_reason"]


def test_one_object_in_several_sources_once(workspace):
    workspace.write("a.csv", "b,x%20y\nb,z\n")
    workspace.write("b.csv", "b,x y\nb,w\n")
    noop(workspace, "unique = true\n" + LIST.format("a.csv") + LIST.format("b.csv") + 'keys = "raw"\n')
    done = workspace.run()
    assert [row[1] for row in workspace.rows(done.job)] == ["x%20y", "z", "w"], done.err


def test_the_spool_may_be_in_a_directory_of_its_own(workspace):
    workspace.write("list.csv", rows_of(1500))
    noop(workspace, 'location = "list.csv"\nfields = ["Bucket", "Key"]\n')
    configuration = workspace.directory / "longshore.toml"
    configuration.write_text(configuration.read_text() + '[spool]\nlocation = "fast/disk"\n')
    done = workspace.run()
    assert (done.code, done.job["total"]) == (0, 1500), done.err
    assert list((workspace.directory / "fast/disk").iterdir()) == []
    assert not (workspace.directory / "data/spools").exists()
    (workspace.directory / "fast/disk").rmdir()
    workspace.write("fast/disk", "no directory")
    again = workspace.run()
    assert again.code == 1 and "fast/disk" in again.err, again.err


@pytest.fixture
def tagger(sandbox, bucket, workspace):
    """Runs the example plugin that writes columns as tags, and says the tags of the objects then."""
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"
    shutil.copy(MODULE, workspace.directory / "tag-columns.wasm")
    sandbox.put(bucket, ["one", "two", "three"])

    def run(columns, manifest):
        workspace.write("job.toml", f'role = "tester"\n[operation]\nplugin = "tag-columns.wasm"\n'
                                    f'parameters = {{ columns = {json.dumps(columns)} }}\n[manifest]\n{manifest}')
        done = workspace.run()
        assert done.code == 0, done.out + done.err
        tags = (sandbox.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"] for key in ("one", "two", "three"))
        return [{tag["Key"]: tag["Value"] for tag in found} for found in tags]

    return run


def fields_of(columns):
    return "fields = [" + ", ".join(["'Bucket'", "'Key'", *(f"{{ column = '{name}' }}" for name in columns)]) + "]\n"


def test_columns_of_several_sources_reach_a_plugin(tagger, workspace, bucket):
    workspace.write("list.csv", f'ünï,{bucket},one,"3 or 4"\n')
    workspace.write("list.jsonl", json.dumps({"Key": "two", "Bucket": bucket, "size": 12, "owner": "ann"}) + "\n"
                    + json.dumps({"Key": "three", "Bucket": bucket, "size": None}) + "\n")
    first = 'location = "list.csv"\nfields = [{ column = "owner" }, "Bucket", "Key", { column = "note" }]\n'
    second = 'location = "list.jsonl"\nformat = "JSONLines"\nfields = ["Bucket", "Key", { column = "size" }, { column = "owner" }]\n'
    tags = tagger(["owner", "note", "size"], f"[[manifest.sources]]\n{first}[[manifest.sources]]\n{second}")
    assert tags == [{"owner": "ünï", "note": "3 or 4"}, {"owner": "ann", "size": "12"}, {}]


EVERY_TYPE = {
    "text": ["x", None, "z"], "number": ["1", None, "-3"], "flag": ["true", "false", None], "ratio": ["0.5", None, "2.0"],
    "time": ["2026-01-02T03:04:05.678Z", None, "1969-12-31T00:00:00.000Z"], "day": ["2026-01-02", None, "1969-12-31"],
}


@pytest.mark.parametrize("kind", ["Parquet", "ORC"])
def test_columns_of_every_type_reach_a_plugin(tagger, workspace, bucket, kind):
    name = f"column-types.{kind.lower()}"
    read, write = {"Parquet": (pyarrow.parquet.read_table, pyarrow.parquet.write_table),
                   "ORC": (pyarrow.orc.read_table, pyarrow.orc.write_table)}[kind]
    table = read(DIRECTORY / kind.lower() / name)
    buffer = io.BytesIO()
    write(table.set_column(0, "bucket", pyarrow.array([bucket] * 3)), buffer)
    workspace.write(name, buffer.getvalue())
    tags = tagger(list(EVERY_TYPE), f'location = "{name}"\nformat = "{kind}"\n{fields_of(EVERY_TYPE)}')
    expected = [{name: values[row] for name, values in EVERY_TYPE.items() if values[row] is not None} for row in range(3)]
    assert tags == expected
