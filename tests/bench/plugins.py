"""Measures what a plugin's task costs on this machine, and a call of Extism beside it in the same run. Prints figures.

Usage: plugins.py path/to/per_task [PLUGIN…]    (needs a C compiler and, in this Python, the package extism; each further plugin is made
ready, compiled and from the cache)
"""

import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import extism_sys

CALLS, INSTANCES = 300_000, 10_000


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}"


def extism():
    """Nanoseconds: compiling, a reused call, a fresh call."""
    source = Path(__file__).parent / "extism/loop.c"
    library = next(Path(extism_sys.__file__).parent.glob("*.so"))
    with tempfile.TemporaryDirectory() as directory:
        loop = Path(directory) / "loop"
        subprocess.run(["cc", "-O2", "-o", loop, source, "-ldl"], check=True)
        done = subprocess.run([loop, library, str(CALLS), str(INSTANCES)], check=True, capture_output=True, text=True)
    return [int(number) for number in done.stdout.split()]


def main():
    print(f"machine: {machine()}")
    print(f"command: {' '.join(sys.argv)}")
    print()
    print("Longshore: a task of a plugin. Two calls of the guest (plan, run), its handles, the policies, the bookkeeping; `fresh` also")
    print("a new store and instance, and configure with the parameters. noop sends nothing, tagging and copy one request.")
    sys.stdout.flush()
    subprocess.run(sys.argv[1:], check=True)
    compiling, reused, fresh = extism()
    print()
    print(f"Extism {version('extism-sys')}, from C, without Python: one call of a function that does nothing and takes and gives nothing; fresh also a")
    print("new plugin of the compiled module.")
    for name, nanoseconds in (("reused", reused), ("fresh", fresh)):
        print(f"noop     {name}: {nanoseconds / 1000:.2f} µs per call ({1e9 / nanoseconds:,.0f} calls/s)")
    print(f"compiling a module of one function: {compiling / 1e6:.1f} ms")


if __name__ == "__main__":
    main()
