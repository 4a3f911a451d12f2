"""Measures Preparing: rows per second on one core, bytes in the spool, peak memory; and DuckDB counting the same files beside it.

Usage: ingest.py path/to/longshore      (BENCH_LIST_ROWS="1000000 10000000 100000000" changes the sizes)

A job whose `etag` is that of another list is read, checked and spooled whole and then fails: so nothing but Preparing is measured.
Prints figures; asserts only that the jobs ended so.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pyarrow
import pyarrow.parquet

from bench import Cost, show  # It reads the same argument.
from harness import Workspace, kill, start_sandbox, wait_for

SIZES = [int(rows) for rows in os.environ.get("BENCH_LIST_ROWS", "1000000 10000000").split()]
# Objects of one directory, and rows that are written at once.
DIRECTORY = 500
BATCH = 1_000_000
ANOTHER_ETAG = "0" * 32


def keys(first, count, random):
    """Keys of about 70 bytes as Spark writes them: the UUID is that of the directory, or with `random` each key has its own."""
    state = uuid.UUID(int=first)
    for number in range(first, first + count):
        if random or number % DIRECTORY == 0 or number == first:
            state = uuid.uuid5(state, str(number))
        directory = number // DIRECTORY
        yield f"t/dt=2026-{directory % 12 + 1:02}-{directory // 12 % 28 + 1:02}/part-{number % DIRECTORY:05}-{state}.parquet"


def batches(rows, random=False):
    for first in range(0, rows, BATCH):
        yield list(keys(first, min(BATCH, rows - first), random))


def write_csv(path, rows, random=False):
    with path.open("w") as file:
        for batch in batches(rows, random):
            file.write("".join(f"bench-objects,{key}\n" for key in batch).replace("=", "%3D"))


def write_parquet(path, rows):
    schema = pyarrow.schema([("bucket", pyarrow.string()), ("key", pyarrow.string())])
    with pyarrow.parquet.ParquetWriter(path, schema) as file:
        for batch in batches(rows):
            file.write_table(pyarrow.table([["bench-objects"] * len(batch), batch], schema=schema))


def on_one_core(command, code=0):
    """Runs a command to its end, which should be `code`, on one core."""
    with tempfile.TemporaryFile() as errors:
        begin = time.monotonic()
        process = subprocess.Popen(**command, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=take_one_core)
        peak = ended = 0
        while not ended:
            # What wait4 says of a child is at least what its parent had: the process's own figure is read while it lives.
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.005)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            errors.seek(0)
            sys.exit(f"ingest: {command['args']} ended with {process.returncode}\n{errors.read().decode()}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak / 1024)


def take_one_core():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def peak_of(pid):
    """Peak resident memory of a running process, in KiB."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:")), 0)


def job(workspace, name, more=""):
    form = 'format = "Parquet"' if name.endswith("parquet") else 'fields = ["Bucket", "Key"]'
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\nlocation = "{name}"\n{form}\n{more}\n')


def prepare(workspace, name, rows, more=""):
    """Preparing alone."""
    job(workspace, name, f'etag = "{ANOTHER_ETAG}"\n{more}')
    command = workspace.command("run", "--json", "job.toml")
    show(f"longshore, Preparing, {name}{', unique' if more else ''}", rows, on_one_core(command, code=4))


def duckdb(workspace, name, rows):
    """DuckDB counts the rows and the buckets: it parses all and keeps nothing."""
    table = f"read_parquet('{name}')" if name.endswith("parquet") else \
        f"read_csv('{name}', header=false, columns={{'bucket': 'VARCHAR', 'key': 'VARCHAR'}}, auto_detect=false)"
    text = ("import duckdb; duckdb.sql('SET threads=1'); "
            f"found = duckdb.sql(\"SELECT count(*), count(DISTINCT bucket), max(length(key)) FROM {table}\").fetchone(); "
            f"assert found[0] == {rows}, found")
    command = dict(args=[sys.executable, "-c", text], cwd=workspace.directory, env=os.environ)
    show(f"DuckDB, count, {name}", rows, on_one_core(command))


def spool_size(workspace, name):
    """Bytes of the whole spool for each row: the job is stopped once its rows are there."""
    job(workspace, name)
    submitted = workspace.longshore("submit", "--json", "job.toml").events[0]["id"]
    engine = workspace.start("start")
    said = wait_for(lambda: (found := workspace.longshore("status", "--json", submitted).events[0])["total"] and found, "the spool")
    kill(engine)
    spool = workspace.directory / "data/spools" / submitted / "manifest.spool"
    size = spool.stat().st_size / said["total"]
    listed = (workspace.directory / name).stat().st_size / said["total"]
    print(f"{'spool of ' + name:<44} {said['total']:>9,} {size:>8.2f} bytes a row, of {listed:.1f} in the list", flush=True)


def measure_size(directory, server, rows):
    workspace = Workspace(directory / str(rows), server)
    lists = {"list.csv": write_csv, "list.parquet": write_parquet}
    for name, write in lists.items():
        write(workspace.directory / name, rows)
        prepare(workspace, name, rows)
        duckdb(workspace, name, rows)
    prepare(workspace, "list.csv", rows, "unique = true")
    if rows == SIZES[0]:
        write_csv(workspace.directory / "random.csv", rows, random=True)
        prepare(workspace, "random.csv", rows)
        for name in ("list.csv", "random.csv"):
            spool_size(workspace, name)
    shutil.rmtree(workspace.directory)


def main():
    print("Lists of keys of 70 to 80 bytes, 500 in a directory; random.csv: a UUID of its own in each key; all on one core")
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        server = start_sandbox(directory / "sandbox")
        try:
            for rows in SIZES:
                measure_size(directory, server, rows)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
