"""Measures how fast a bucket is listed, with s5cmd and rclone beside it in the same run. Prints figures; asserts only that every
lister found every key.

Usage: listing.py path/to/longshore      (BENCH_KEYS changes the size)
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import measure, show
from harness import LONGSHORE, Workspace, start_sandbox

KEYS = int(os.environ.get("BENCH_KEYS", 1_000_000))

# One page of a listing.
PAGE = 1000


def requests(server):
    """Requests since the last time, as a share of the pages that there are."""
    count = server.requests()
    server.clear_log()
    return f"{count:,} requests for {-(-KEYS // PAGE):,} pages"


def longshore(directory, server):
    """The whole bucket, and what passes a filter."""
    workspace = Workspace(directory / "workspace", server)
    for name, flags in (("as CSV", ["--output", "list.csv"]), ("as an inventory", ["--save", "lists"]),
                        ("filtered", ["--suffix", "7.jpg", "--larger-than", "1", "--output", "some.csv"])):
        show(f"longshore manifest generate, {name}", KEYS,
             measure(workspace.command("manifest", "generate", "bench-objects", *flags)))
        print(f"    {requests(server)}")
    with (workspace.directory / "list.csv").open() as rows:
        assert sum(1 for _ in rows) == KEYS


def peers(server):
    """The same bucket, whole."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "RCLONE_"))}
    environment |= {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key,
                   "AWS_REGION": "us-east-1", "S3_ENDPOINT_URL": server.endpoint, "RCLONE_CONFIG": "",
                   "RCLONE_CONFIG_BENCH_TYPE": "s3", "RCLONE_CONFIG_BENCH_PROVIDER": "Other",
                   "RCLONE_CONFIG_BENCH_ENV_AUTH": "true", "RCLONE_CONFIG_BENCH_ENDPOINT": server.endpoint}
    beside = str(Path(sys.executable).parent)
    for program, arguments in (("s5cmd", ["ls", "s3://bench-objects/*"]),
                               ("rclone", ["lsf", "--recursive", "--files-only", "--fast-list", "bench:bench-objects"])):
        found = shutil.which(program, path=f"{beside}{os.pathsep}{os.environ['PATH']}")
        if found is None:
            print(f"{program} is not installed: not measured")
            continue
        show(" ".join([program, *arguments[:-1]]), KEYS, measure(dict(args=[found, *arguments], env=environment)))
        print(f"    {requests(server)}")


def main():
    version = subprocess.run([LONGSHORE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version} on {platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; "
          "the server runs on the same cores")
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        server = start_sandbox(directory / "sandbox", "--bucket", "bench-objects", "--seed", str(KEYS))
        try:
            server.clear_log()
            longshore(directory, server)
            peers(server)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
