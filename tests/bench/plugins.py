"""Measures what a plugin's task costs on this machine, with Extism running the same function in the same run; and what it takes to
start with a plugin, when it has to be compiled and when it was before. Prints figures.

Usage: plugins.py path/to/per_task [PLUGIN…]    (needs `longshore` of the same build and a C compiler, and, in this Python, the package
extism; each further plugin is started with, too)
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import extism_sys

HERE = Path(__file__).resolve().parent
PER_TASK = Path(sys.argv[1]).resolve()
os.environ["LONGSHORE_BIN"] = str(PER_TASK.parents[1] / "longshore")
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness import LONGSHORE, TARGET, Workspace, start_sandbox  # noqa: E402

CALLS, INSTANCES, STARTS = 200_000, 10_000, 5
KEY = ("landing/tenant=acme-retail/dataset=orders/year=2026/month=11/day=29/hour=07/"
       "part-00042-5f0c7a54-7e0d-4d8e-9a55-b7f1c3f5f1de.c000.snappy.parquet")


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}"


def output(*args, **more):
    """What a command says on standard output."""
    done = subprocess.run(args, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"plugins: {args} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def longshore_guest(directory):
    """The custom operation, made and built as its author would."""
    project = directory / "shard"
    output(LONGSHORE, "plugin", "new", "shard", "--path", project)
    shutil.copy(HERE / "guest/longshore.rs", project / "src/lib.rs")
    shutil.copy(HERE / "guest/shard.rs", project / "src/shard.rs")
    output(LONGSHORE, "plugin", "build", project, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET / "bench/longshore")})
    return project / "shard.wasm"


class Extism:
    """Extism's C library, and a module that does what the custom operation does."""

    def __init__(self, directory):
        self.loop = directory / "loop"
        subprocess.run(["cc", "-O2", "-o", self.loop, HERE / "extism/loop.c", "-ldl"], check=True)
        self.library = next(Path(extism_sys.__file__).parent.glob("*.so"))
        self.module = output(PER_TASK, "compile", HERE / "extism", TARGET / "bench/extism", "extism-guest").strip()

    def command(self, calls, instances):
        return [self.loop, self.library, self.module, KEY, str(calls), str(instances)]

    def measure(self):
        """For each function: nanoseconds of a reused call and of a fresh one, and the answer."""
        lines = output(*self.command(CALLS, INSTANCES)).splitlines()
        return {name: line.split(" ", 2) for name, line in zip(("noop", "custom"), lines)}


def seconds(command, cache, env=os.environ, **more):
    """How long a command takes that finds compiled plugins in a cache."""
    begin = time.monotonic()
    output(*command, env={**env, "XDG_CACHE_HOME": str(cache)}, **more)
    return time.monotonic() - begin


def start(what, command, **more):
    """Prints how long a command takes with an empty cache of compiled plugins, and then with what it put there."""
    with tempfile.TemporaryDirectory() as cache:
        compiled = seconds(command, cache, **more)
        cached = statistics.median(seconds(command, cache, **more) for _ in range(STARTS))
    print(f"{what:<56} compiled {compiled * 1e3:>7,.0f} ms   from the cache {cached * 1e3:>6,.1f} ms", flush=True)


def jobs(directory, plugin):
    """Jobs of one task, which sends nothing: of a built-in operation, of the custom one."""
    server = start_sandbox(directory / "sandbox", "--bucket", "objects")
    try:
        workspace = Workspace(directory / "work", server)
        workspace.manifest("objects", [KEY])
        shutil.copy(plugin, workspace.directory)
        for operation in ("noop", f'plugin = "{plugin.name}"'):
            workspace.job(operation)
            # So that the queue is there already.
            workspace.longshore("run", "job.toml")
            command = workspace.command("run", "job.toml")
            start(f"longshore run, a job of one task, {operation}", command.pop("args"), **command)
    finally:
        server.stop()


def tasks(extism, plugin):
    """Prints what tasks and calls cost."""
    measured = extism.measure()
    print("Longshore: a task of a plugin. `Reuse`: two calls of the guest (plan, run), its handles, the policies, the bookkeeping; `Fresh`")
    print("also a new store and instance, and a third call (configure). noop sends nothing, custom answers from a key of")
    print(f"{len(KEY)} bytes, tagging and copy send one request, without the store.", flush=True)
    subprocess.run([PER_TASK, plugin, KEY, measured["custom"][2]], check=True)
    print()
    print(f"Extism {version('extism-sys')}, from C, without Python: one call, its answer taken. noop takes and gives nothing, custom takes")
    print("the same key and gives the same answer, by the same source; `Fresh` also a new plugin of the compiled module.")
    for name, (reused, fresh, _) in measured.items():
        for kind, nanoseconds in (("Reuse", int(reused)), ("Fresh", int(fresh))):
            print(f"{name:<8} {kind}: {nanoseconds / 1000:.2f} µs a call ({1e9 / nanoseconds:.0f} calls/s)", flush=True)


def starts(directory, extism, plugin, others):
    """Prints what starting costs."""
    print(f"From the start of a program to its end, with no plugin compiled before, and with it (median of {STARTS}). Longshore compiles the")
    print("plugins of others in a process of its own.")
    for path in (plugin, *map(Path, others)):
        start(f"longshore plugin inspect, {path.name} ({path.stat().st_size:,} bytes)", [LONGSHORE, "plugin", "inspect", path])
    jobs(directory, plugin)
    size = Path(extism.module).stat().st_size
    start(f"Extism from C, a few calls, module ({size:,} bytes)", extism.command(1, 1))


def main():
    print(f"machine: {machine()}")
    print(f"command: {' '.join(sys.argv)}")
    print()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        plugin, extism = longshore_guest(directory), Extism(directory)
        tasks(extism, plugin)
        print()
        starts(directory, extism, plugin, sys.argv[2:])


if __name__ == "__main__":
    main()
