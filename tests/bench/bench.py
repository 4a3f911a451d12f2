"""Measures the engine on this machine, and s5cmd beside it in the same run. Prints figures; asserts only success.

Usage: bench.py path/to/longshore      (BENCH_ROWS, BENCH_OBJECTS change the sizes)
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ["LONGSHORE_BIN"] = str(Path(sys.argv[1]).resolve())
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import LONGSHORE, Workspace, start_sandbox, usage, with_usage  # noqa: E402

ROWS = int(os.environ.get("BENCH_ROWS", 1_000_000))
OBJECTS = int(os.environ.get("BENCH_OBJECTS", 10_000))
CONCURRENCY = 64


@dataclass
class Cost:
    """What one process took."""

    seconds: float
    cpu: float
    peak_mib: float
    errors: int = 0


def measure(command, peer=False, code=0):
    """Runs a command to its end, which should be `code`, and reads its own resource usage. A peer may fail objects; that is counted."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as errors, tempfile.NamedTemporaryFile() as used:
        process = subprocess.run(**with_usage(command, used.name), stdout=subprocess.DEVNULL, stderr=errors)
        seconds = time.monotonic() - begin
        cpu, mib = usage(used.name)
        errors.seek(0)
        failed = sum(line.startswith(b"ERROR") for line in errors) if peer else 0
        if process.returncode != code and not failed:
            errors.seek(0)
            sys.exit(f"bench: {command['args']} ended with {process.returncode}\n{errors.read().decode()}")
    return Cost(seconds, cpu, mib, failed)


def show(name, count, cost):
    """One line of the result."""
    rate, cpu = count / cost.seconds, cost.cpu / count * 1e6
    print(f"{name:<44} {count:>9,} {cost.seconds:>8.2f} s {rate:>11,.0f}/s {cpu:>8.1f} µs CPU each {cost.peak_mib:>6.0f} MiB"
          + (f" ({cost.errors} objects failed)" if cost.errors else ""), flush=True)


def big_manifest(workspace, rows):
    """A manifest of realistic keys."""
    with (workspace.directory / "manifest.csv").open("w") as file:
        for number in range(rows):
            file.write(f"bench-objects,data/2026/11/{number % 31:02}/part-{number:012}-c000.snappy.parquet\n")


def engine_alone(directory, server):
    """No-op tasks: manifest, queue, policy, plugin, report; no S3."""
    for rows in (10_000, ROWS):
        workspace = Workspace(directory / f"noop-{rows}", server)
        big_manifest(workspace, rows)
        workspace.job("noop", concurrency=CONCURRENCY)
        show("longshore run, operation noop", rows, measure(workspace.command("run", "job.toml")))
        kept = sum(path.stat().st_size for path in (workspace.directory / "data").rglob("*")
                   if path.is_file() and path.name != "reserve")
        print(f"{'durable state once the job has ended':<44} {kept:>9,} bytes {kept / rows:>8.3f} bytes a task", flush=True)


def against_store(directory, server):
    """Tagging and copy of small objects, and s5cmd doing the same copy."""
    workspace = Workspace(directory / "objects", server)
    workspace.write("manifest.csv", (directory / "sandbox/bench-objects.csv").read_bytes())
    workspace.job("tagging", '{ mode = "replace", tags = { bench = "yes" } }', concurrency=CONCURRENCY)
    show("longshore run, operation tagging", OBJECTS, measure(workspace.command("run", "job.toml")))
    workspace.job("copy", '{ target-bucket = "bench-copies" }', concurrency=CONCURRENCY)
    show("longshore run, operation copy", OBJECTS, measure(workspace.command("run", "job.toml")))
    peer(directory, server)


def peer(directory, server):
    """s5cmd: server-side copies, once from a file with a line per object, once from a wildcard."""
    s5cmd = Path(sys.executable).parent / "s5cmd"
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key,
                   "AWS_REGION": "us-east-1", "S3_ENDPOINT_URL": server.endpoint}
    keys = [item["Key"] for page in server.client().get_paginator("list_objects_v2").paginate(Bucket="bench-objects")
            for item in page.get("Contents", [])]
    plain = [key for key in keys if key.isascii() and key.replace("/", "").replace("-", "").replace(".", "").isalnum()]
    runfile = directory / "s5cmd.txt"
    runfile.write_text("".join(f"cp s3://bench-objects/{key} s3://bench-peer/{key}\n" for key in plain))
    common = [str(s5cmd), "--numworkers", str(CONCURRENCY), "--log", "error"]
    for name, arguments in (("one line per object", ["run", str(runfile)]),
                            ("wildcard", ["cp", "s3://bench-objects/*", "s3://bench-peer/wild/"])):
        count = len(plain) if "line" in name else len(keys)
        show(f"s5cmd, copy, {name}", count, measure(dict(args=[*common, *arguments], env=environment), peer=True))


def main():
    version = subprocess.run([LONGSHORE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version} on {platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; "
          f"concurrency {CONCURRENCY}; the server runs on the same cores")
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        server = start_sandbox(directory / "sandbox", "--bucket", "bench-objects", "--seed", str(OBJECTS),
                               "--manifests", str(directory / "sandbox"),
                               "--empty-bucket", "bench-copies", "--empty-bucket", "bench-peer")
        try:
            engine_alone(directory, server)
            against_store(directory, server)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
