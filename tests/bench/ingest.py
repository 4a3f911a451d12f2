"""Measures Preparing and `manifest inspect`: rows per second on one core, bytes in the spool, peak memory; and DuckDB counting the
same files beside them.

Usage: ingest.py path/to/longshore      (BENCH_LIST_ROWS="1000000 10000000 100000000" changes the sizes)

The last row of each list is bad, so that its job is read, checked and spooled whole and then fails: nothing but Preparing is
measured. The MD5 of a list is computed only where the job file says it (`etag`), which is measured, too.
Prints figures; asserts only that the jobs ended so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import zlib
from pathlib import Path

import pyarrow
import pyarrow.parquet

from bench import Cost, show  # It reads the same argument.
from harness import Workspace, kill, start_sandbox, wait_for

SIZES = [int(rows) for rows in os.environ.get("BENCH_LIST_ROWS", "1000000 10000000").split()]
# Objects of one directory, and rows that are written at once.
DIRECTORY = 500
BATCH = 1_000_000


def photos(number):
    """A key of 70 bytes with eight digits that cannot be foreseen."""
    directory, file = divmod(number, DIRECTORY)
    digest = zlib.crc32(number.to_bytes(8, "little"))
    return f"users/{directory:08}/uploads/{date(directory)}/camera-roll/IMG_{file:06}-{digest:08x}.jpeg"


def parts(number):
    """A key of 72 bytes with a UUID of its own, of which two need to be encoded."""
    directory, file = divmod(number, DIRECTORY)
    digest = uuid.UUID(bytes=hashlib.md5(number.to_bytes(8, "little")).digest())
    return f"t/dt={date(directory)}/part-{file:05}-{digest}.parquet"


def date(number):
    return f"2026-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"


def batches(key, rows):
    for first in range(0, rows, BATCH):
        yield [key(number) for number in range(first, min(first + BATCH, rows))]


def write_csv(path, key, rows):
    with path.open("w") as file:
        for batch in batches(key, rows - 1):
            file.write("".join(f"bench-objects,{key}\n" for key in batch).replace("=", "%3D"))
        file.write("bench-objects,100%\n")


def write_parquet(path, key, rows):
    schema = pyarrow.schema([("bucket", pyarrow.string()), ("key", pyarrow.string())])
    with pyarrow.parquet.ParquetWriter(path, schema) as file:
        for batch in batches(key, rows - 1):
            file.write_table(pyarrow.table([["bench-objects"] * len(batch), batch], schema=schema))
        file.write_table(pyarrow.table([["bench-objects"], [None]], schema=schema))


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
    job(workspace, name, more)
    command = workspace.command("run", "--json", "job.toml")
    show(f"longshore, Preparing, {name}{more and ', '}{more.split(' ')[0]}", rows, on_one_core(command, code=4))


def inspect(workspace, name, rows):
    """The command that checks a list without a job."""
    show(f"longshore manifest inspect {name}", rows, on_one_core(workspace.command("manifest", "inspect", "--json", name), code=2))


def duckdb(workspace, name, rows):
    """DuckDB counts the rows and the buckets: it parses all and keeps nothing."""
    table = f"read_parquet('{name}')" if name.endswith("parquet") else \
        f"read_csv('{name}', header=false, columns={{'bucket': 'VARCHAR', 'key': 'VARCHAR'}}, auto_detect=false)"
    text = ("import duckdb; duckdb.sql('SET threads=1'); "
            f"found = duckdb.sql(\"SELECT count(*), count(DISTINCT bucket), max(length(key)) FROM {table}\").fetchone(); "
            f"assert found[0] == {rows}, found")
    command = dict(args=[sys.executable, "-c", text], cwd=workspace.directory, env=os.environ)
    show(f"DuckDB, count, {name}", rows, on_one_core(command))


def spool_size(workspace, name, rows):
    """Bytes of the whole spool for each row: the job is stopped once its rows are there."""
    job(workspace, name, f"limit = {rows - 1}")
    submitted = workspace.longshore("submit", "--json", "job.toml").events[0]["id"]
    engine = workspace.start("start")
    said = wait_for(lambda: (found := workspace.longshore("status", "--json", submitted).events[0])["total"] and found, "the spool")
    kill(engine)
    spool = workspace.directory / "data/spools" / submitted / "manifest.spool"
    size, listed = (file.stat().st_size / said["total"] for file in (spool, workspace.directory / name))
    print(f"{'spool of ' + name:<44} {said['total']:>9,} {size:>8.2f} bytes a row, of {listed:.1f} in the list", flush=True)


def measure_size(directory, server, rows):
    workspace = Workspace(directory / str(rows), server)
    lists = {"photos.csv": (write_csv, photos), "photos.parquet": (write_parquet, photos), "parts.csv": (write_csv, parts)}
    for name, (write, key) in lists.items():
        path = workspace.directory / name
        write(path, key, rows)
        prepare(workspace, name, rows)
        inspect(workspace, name, rows)
        duckdb(workspace, name, rows)
        if name == "photos.csv":
            prepare(workspace, name, rows, "unique = true")
            prepare(workspace, name, rows, f'etag = "{"0" * 32}"')
        if name.endswith("csv") and rows == SIZES[0]:
            spool_size(workspace, name, rows)
        path.unlink()
    shutil.rmtree(workspace.directory)


def main():
    print("Lists of keys of 70 bytes, 500 in a directory, photos with 4 bytes and parts with 15 that cannot be foreseen; on one core")
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
