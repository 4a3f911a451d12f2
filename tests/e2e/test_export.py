"""`longshore export`: the results of a job, read back by other programs."""

import csv
import io
import json
import os
import subprocess

import pyarrow.parquet
import pytest

from harness import TAGGING

COLUMNS = ["Bucket", "Key", "VersionId", "TaskStatus", "HTTPStatusCode", "ErrorCode", "ResultMessage"]
WAYS = ["parquet", "jsonl", "csv"]


@pytest.fixture
def ended(workspace, bucket):
    """Runs a job on odd keys, every third of which is missing."""
    keys = workspace.server.odd_keys
    workspace.server.put(bucket, [key for number, key in enumerate(keys) if number % 3])
    workspace.manifest(bucket, keys)

    def run(code=3, **more):
        workspace.job(**TAGGING, **more)
        done = workspace.run()
        assert done.code == code, done.err
        return done.job

    return workspace, run


def export(workspace, job, name, *options):
    done = workspace.longshore("export", "--json", job["id"], "-o", name, *options)
    assert done.code == 0, done.err
    path = workspace.directory / name
    [said] = done.events
    assert said == {"file": name, "rows": said["rows"], "bytes": path.stat().st_size}
    rows = read(path)
    assert len(rows) == said["rows"]
    return rows


def read(path):
    """The rows as lists of cells, null as None; in CSV both are empty."""
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        assert table.column_names == COLUMNS
        return [[row[name] for name in COLUMNS] for row in table.to_pylist()]
    if path.suffix == ".jsonl":
        return [[json.loads(line).get(name) for name in COLUMNS] for line in path.read_text().splitlines()]
    header, *rows = csv.reader(io.StringIO(path.read_text(), newline=""))
    assert header == COLUMNS
    return [[cell or None for cell in row] for row in rows]


def reported(workspace, job, which="all"):
    return [[cell or None for cell in row] for row in workspace.rows(job, which)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["reports", "s3"])
def test_all_results(ended, bucket, way, place):
    workspace, run = ended
    job = run(report=f'location = "{place if place == "reports" else f"s3://{bucket}/reports"}"')
    rows = export(workspace, job, f"out.{way}")
    assert rows == reported(workspace, job) and len(rows) == job["total"]
    assert {row[3] for row in rows} == {"succeeded", "failed"}


@pytest.mark.parametrize("way", WAYS)
def test_failures_need_no_report(ended, way):
    workspace, run = ended
    job = run()
    failed = export(workspace, job, f"with.{way}", "--failed")
    assert failed == reported(workspace, job, "failed") and len(failed) == job["failed"] > 0
    without = run(report="enabled = false")
    assert [row[1:] for row in export(workspace, without, f"without.{way}", "--failed")] == [row[1:] for row in failed]


def test_standard_output_and_files_that_are_there(ended):
    workspace, run = ended
    job = run()
    shown = workspace.longshore("export", job["id"], "-o", "-", "--format", "csv")
    rows = list(csv.reader(io.StringIO(shown.out, newline="")))
    assert rows[1:] == workspace.rows(job)
    there = workspace.write("out.csv", "mine")
    refused = workspace.longshore("export", job["id"], "-o", "out.csv")
    assert refused.code == 2 and "out.csv: this exists" in refused.err and there.read_text() == "mine"
    assert len(export(workspace, job, "out.csv", "--force")) == job["total"]
    nameless = workspace.longshore("export", job["id"], "-o", "out")
    assert nameless.code == 2 and "out: the name says no format" in nameless.err
    plain = workspace.longshore("export", job["id"], "-o", "again.parquet")
    assert plain.code == 0 and plain.out.startswith(f"{job['total']} rows written to again.parquet (")


def test_what_is_not_known_any_more_is_not_exported(ended):
    workspace, run = ended
    off = run(report="enabled = false")
    failures = run(report='location = "reports"\nscope = "FailedTasksOnly"')
    waits = {"id": workspace.submit()}
    for job, why in [(off, "its job file switches the completion report off"),
                     (failures, "its completion report lists failed tasks only"), (waits, "it has not ended yet")]:
        refused = workspace.longshore("export", job["id"], "-o", "out.csv")
        assert refused.code == 2 and f"job {job['id']}: {why}; of a task that succeeded the ledger keeps only that it did" in refused.err
    early = workspace.longshore("export", waits["id"], "-o", "early.csv", "--failed")
    assert early.code == 0 and "these are the failures so far" in early.err
    assert read(workspace.directory / "early.csv") == []


def test_a_report_that_is_not_whole_any_more(ended):
    workspace, run = ended
    job = run()
    [part] = [path for path in workspace.directory.glob(f"reports/job-{job['id']}/results/*.csv") if "succeeded" in path.read_text()]
    rows = list(csv.reader(io.StringIO(part.read_text(), newline="")))
    with part.open("w", newline="") as file:
        csv.writer(file).writerows(rows[1:])
    refused = workspace.longshore("export", job["id"], "-o", "out.csv")
    assert refused.code == 1
    assert f"ran {job['total']} tasks, and its report in" in refused.err and f"has {job['total'] - 1} rows" in refused.err
    assert not (workspace.directory / "out.csv").exists()


def test_a_job_of_which_nothing_ran(workspace, bucket):
    workspace.manifest(bucket, ["one", "two"])
    workspace.job(**TAGGING, head="confirm = true")
    assert workspace.longshore("run", "job.toml").code == 6
    [job] = workspace.longshore("list", "--json").events
    workspace.longshore("cancel", job["id"])
    assert workspace.longshore("start", "--until-idle").code == 5
    done = workspace.longshore("export", job["id"], "-o", "out.parquet")
    assert done.code == 0 and "2 tasks did not run and are in no report" in done.err
    assert read(workspace.directory / "out.parquet") == []


def peak(workspace, rows):
    """The most memory, in MiB, that exporting a job of so many rows of a kilobyte takes."""
    with (workspace.directory / "manifest.csv").open("w") as manifest:
        # A process begins with the memory of the one that starts it: it must not be that of the list.
        manifest.writelines(f"b,{number:0900}\n" for number in range(rows))
    workspace.job("noop")
    job = workspace.run().job
    process = subprocess.Popen(**workspace.command("export", job["id"], "-o", f"{rows}.parquet"), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert pyarrow.parquet.read_metadata(workspace.directory / f"{rows}.parquet").num_rows == rows
    return usage.ru_maxrss // 1024


def test_memory_is_flat(workspace):
    small, large = peak(workspace, 40_000), peak(workspace, 200_000)
    # The larger report has 190 MiB.
    assert large < small + 64, f"{small} MiB for 40,000 rows, {large} MiB for 200,000"
    print(f"export: {small} MiB for 40,000 rows, {large} MiB for 200,000")
