"""The engine that hostile guests run in, and what it is looked at for."""

import itertools
import os
import posixpath
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from harness import Workspace, wait_for

NUMBERS = itertools.count()


@dataclass(eq=False)
class Lab:
    """A store, a role that may use a part of it, and an engine that works for it."""

    workspace: Workspace
    engine: subprocess.Popen
    log: Path
    #: The jobs that ran to their end.
    jobs: list = field(default_factory=list)

    @property
    def server(self):
        return self.workspace.server

    def memory(self):
        """What the engine has in memory, in MiB."""
        pages = int(Path(f"/proc/{self.engine.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def files(self):
        """How many files the engine has open."""
        return len(os.listdir(f"/proc/{self.engine.pid}/fd"))

    def prepare(self, plugin, keys, role="tester", **job):
        """Writes a job that runs a plugin on objects below `inside/`, under a name of its own."""
        number = next(NUMBERS)
        if isinstance(plugin, Path):
            operation = f'plugin = "{plugin}"'
        elif isinstance(plugin, str):
            operation = f'name = "{plugin}"'
        else:
            operation = f'plugin = "{plugin.build(self.workspace.directory / f"guest-{number}.wasm")}"'
        self.workspace.manifest("allowed", [f"inside/{key}" for key in keys], name=f"{number}.csv")
        extra = job.pop("extra", "")
        file = self.workspace.job(operation, manifest=f"{number}.csv", name=f"{number}.toml",
                                  extra=f"failure-threshold.percent = 100\n{extra}", **job)
        file.write_text(file.read_text().replace('role = "tester"', f'role = "{role}"'))
        return f"{number}.toml"

    def ended(self, job):
        """Waits for the end of a job."""
        ends = ("Complete", "Failed", "Cancelled")
        return wait_for(lambda: (status := self.workspace.status(job))["state"] in ends and status, f"the end of job {job}")

    def run(self, plugin, keys, **job):
        """Has the engine run a job to its end; its outcomes by key, as `Workspace.outcomes`."""
        ended = self.ended(self.workspace.submit(self.prepare(plugin, keys, **job)))
        assert ended["state"] == "Complete", ended
        self.jobs.append(ended["id"])
        outcomes = self.workspace.outcomes(ended)
        return {key.removeprefix("inside/"): outcome for key, outcome in outcomes.items()}

    def refused(self, plugin, command="submit", **job):
        """What `submit` says of a plugin that it must refuse."""
        result = self.workspace.longshore(command, self.prepare(plugin, ["k"], **job))
        assert result.code == 2, (result.code, result.out, result.err)
        return result.err

    def check(self, guest, outcomes):
        """Each attack failed as the guest expects, and no other task."""
        assert set(guest.expected) <= set(outcomes)
        wrong = {key: outcome for key, outcome in outcomes.items() if outcome[2] != (guest.expected.get(key) or "")}
        assert wrong == {}
        assert all(outcome[0] == "succeeded" for key, outcome in outcomes.items() if guest.expected.get(key) is None)

    def attack(self, guest, good=50, **job):
        """Runs every attack of a guest, with good objects among them."""
        keys = list(guest.expected)
        for number in range(good):
            keys.insert(number * len(keys) // good, f"good-{number}")
        outcomes = self.run(guest, keys, **job)
        assert len(outcomes) == len(keys)
        self.check(guest, outcomes)
        return outcomes


def outside(entry):
    """Whether a request of the access log is about anything but what the role may use, also as a proxy would clean its path."""
    if entry["bucket"] is None:
        # Whether the store is there.
        return entry["method"] not in ("GET", "HEAD")
    cleaned = posixpath.normpath(f"{entry['bucket']}/{entry['key']}")
    return any(not path.startswith("allowed/inside/") for path in (cleaned, f"{entry['bucket']}/{entry['key']}"))
