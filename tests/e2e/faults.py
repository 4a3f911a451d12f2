"""A disk that fails: runs the engine with tests/faults/disk.c between it and the kernel, and replays what it wrote."""

import functools
import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from harness import ROOT, STARTED, TARGET

EVERY_CHANGE = "create,write,truncate,sync,rename,remove,mkdir"


@functools.cache
def disk():
    """The library that is loaded before the engine; built when its source is newer."""
    source, library = ROOT / "tests/faults/disk.c", TARGET / "faults/disk.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        library.parent.mkdir(parents=True, exist_ok=True)
        new = library.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", new, source, "-ldl"], check=True)
        new.rename(library)
    return library


def on_disk(command, directory, **faults):
    """The command with faults of the disk below `directory`; the words are those of disk.c, in lower case."""
    words = {f"FAULT_{name.upper()}": str(value) for name, value in faults.items()}
    return {**command, "env": {**command["env"], "LD_PRELOAD": str(disk()), "FAULT_ROOT": str(directory.resolve()), **words}}


def start(command):
    """Starts a command. What still runs at the end of the test is killed then."""
    process = subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    STARTED.append(process)
    return process


def run(command, timeout=300):
    """Runs a command to its end: exit code, standard output, standard error."""
    process = start(command)
    out, err = process.communicate(timeout=timeout)
    STARTED.remove(process)
    return process.returncode, out.decode(), err.decode()


def check_database(data):
    """The database is sound. The answer is the state of each job and how many of its tasks have a result."""
    connection = sqlite3.connect(data / "queue.db")
    try:
        connection.execute("PRAGMA synchronous = OFF")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return connection.execute("SELECT state, succeeded + failed FROM jobs").fetchall()
    finally:
        connection.close()


@dataclass
class Note:
    """One call that changed the disk, or one line of standard output."""

    kind: str
    number: int
    path: str
    content: bytes


def notes(trace):
    """What disk.c noted down."""
    found, rest = [], memoryview(trace.read_bytes())
    while rest:
        end = bytes(rest[:8192]).index(b"\n")
        kind, number, length, path = bytes(rest[:end]).decode().split(" ", 3)
        found.append(Note(kind, int(number), path, bytes(rest[end + 1:end + 1 + int(length)])))
        rest = rest[end + 1 + int(length):]
    return found


@dataclass(eq=False)
class Inode:
    """A file: what is safe, and what was written since it was last synced."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)

    def sync(self):
        for change in self.pending:
            apply(self.safe, change)
        self.pending.clear()


def apply(content, change):
    """Writes or truncates."""
    kind, number, data = change
    if kind == "T":
        del content[number:]
        content.extend(bytes(number - len(content)))
    else:
        content.extend(bytes(max(0, number - len(content))))
        content[number:number + len(data)] = data


class Disk:
    """A disk that keeps for sure only what was synced: the bytes of a file by a sync of the file, its name by a sync of its
    directory. POSIX promises no more."""

    def __init__(self, root):
        """The disk as it is now, all of it safe."""
        self.root = Path(root)
        self.names, self.safe_names = {}, {}
        for path in [self.root, *sorted(self.root.rglob("*"))]:
            self.names[str(path)] = None if path.is_dir() else Inode(bytearray(path.read_bytes()))
        self.safe_names.update(self.names)

    def take(self, note):
        """Does what the call did."""
        path = note.path
        if note.kind == "M":
            return
        if note.kind in "CK":
            self.names[path] = Inode() if note.kind == "C" else None
        elif note.kind in "UD":
            self.names.pop(path, None)
        elif note.kind == "R":
            self.names[note.content.decode()] = self.names.pop(path)
        elif note.kind == "S":
            self.sync(path)
        elif not path.endswith(" (deleted)"):
            self.names[path].pending.append((note.kind, note.number, note.content))

    def sync(self, path):
        node = self.names.get(path)
        if node is not None:
            node.sync()
            return
        for names, others in ((self.safe_names, self.names), (self.names, self.safe_names)):
            for name in [name for name in names if os.path.dirname(name) == path and name not in others]:
                if names is self.safe_names:
                    del names[name]
                else:
                    others[name] = names[name]
        for name, node in self.names.items():
            if os.path.dirname(name) == path:
                self.safe_names[name] = node

    def lose_power(self, target, chance=None):
        """Writes to `target` what is left. Without `chance` only what is safe; with it, names and writes that were under way
        are there or not, in any order, and the last write of a file may be torn."""
        shutil.rmtree(target, ignore_errors=True)
        left = dict(self.safe_names)
        if chance:
            for name in sorted({*self.names, *self.safe_names}):
                if chance.random() < 0.5:
                    left.pop(name, None)
                    if name in self.names:
                        left[name] = self.names[name]
        reachable = {str(self.root)}
        for name in sorted(left):
            place = target / os.path.relpath(name, self.root)
            if name != str(self.root) and os.path.dirname(name) not in reachable:
                continue
            if left[name] is None:
                reachable.add(name)
                place.mkdir(parents=True)
            else:
                place.write_bytes(content_after_loss(left[name], chance))


# What a disk writes as a whole, in bytes.
SECTOR = 512


def content_after_loss(node, chance):
    content = bytearray(node.safe)
    for change in node.pending if chance else []:
        kind, number, data = change
        if kind == "T" or len(data) <= SECTOR:
            if chance.random() < 0.5:
                apply(content, change)
            continue
        for start in range(0, len(data), SECTOR):
            if chance.random() < 0.7:
                apply(content, (kind, number + start, data[start:start + SECTOR]))
    return content


def lines(steps):
    """What went to standard output, which is JSON."""
    return [json.loads(line) for step in steps if step.kind == "M" for line in step.content.decode().splitlines()]
