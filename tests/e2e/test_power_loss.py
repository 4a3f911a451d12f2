"""Loss of power at every step that the engine takes on its disk: all that was not synced is gone, or is there in part and in any
order. What the engine has said before is still so, and the job goes on.

The engine runs once; what it wrote is noted down (tests/faults/disk.c) and replayed up to every step on a disk that keeps
for sure only what was synced.

POWER_EVERY  look at what is left at every n-th step (default 4; of long jobs fewer), and start some engines on it; 1 is all steps, and an
             engine on each
POWER_SEED   seed of what is left (default: by chance; printed)
"""

import os
import random

import pytest

import faults
from harness import Workspace, start_seeded
from test_crash import TAGGING, check_report

EVERY = int(os.environ.get("POWER_EVERY", 4))
SEED = int(os.environ.get("POWER_SEED", random.randrange(1 << 32)))
ENDS = (0, 3)
# States that a job on its way passes, in order.
WAY = ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]


class Course:
    """A job from its submission to its end: the disk before, and every step in order."""

    def __init__(self, directory, count, concurrency):
        self.server, self.rows = start_seeded(directory / "server", count)
        for number in range(5, count, count // 4):
            self.rows.insert(number, f"objects,missing/{number}")
        self.workspace = Workspace(directory / "workspace", self.server)
        self.workspace.write("manifest.csv", "".join(row + "\n" for row in self.rows))
        self.workspace.job(**{**TAGGING, "concurrency": concurrency})
        self.workspace.longshore("list")
        self.before = faults.Disk(self.workspace.directory)
        self.trace = directory / "trace"
        for arguments in (["submit", "--json", "job.toml"], ["start", "--until-idle", "--json"]):
            command = faults.on_disk(self.workspace.command(*arguments), self.workspace.directory, trace=self.trace)
            code, out, err = faults.run(command)
            assert code in ENDS, out + err
        self.steps = faults.notes(self.trace)
        self.job = faults.lines(self.steps[:next(at for at, step in enumerate(self.steps) if step.kind == "M") + 1])[0]["id"]

    def lost(self):
        """(step, lines of standard output so far, the disk) at every step."""
        disk, said = self.before, []
        for number, step in enumerate(self.steps):
            yield number, said, disk
            disk.take(step)
            if step.kind == "M":
                said.extend(faults.lines([step]))
        yield len(self.steps), said, disk


@pytest.fixture(params=[(40, 4), (2_100, 16)], ids=["one-chunk", "three-chunks"])
def course(request, tmp_path):
    made = Course(tmp_path, *request.param)
    yield made
    made.server.stop()


def promised(said):
    """What the lines of `--json` have promised: whether the job is there, its state, its results."""
    events = [line for line in said if "event" in line]
    states = [event["state"] for event in events if event["event"] == "state"]
    results = [event["succeeded"] + event["failed"] for event in events if event["event"] == "progress"]
    return bool(said), (["New"] + states)[-1], max(results, default=0)


def check_kept(data, said, step):
    """The database is sound and has what was promised."""
    jobs = faults.check_database(data)
    there, state, results = promised(said)
    assert there <= len(jobs) <= 1, f"step {step}: the job is gone"
    if there:
        assert WAY.index(jobs[0][0]) >= WAY.index(state), f"step {step}: {state} was said, it is {jobs[0][0]}"
        assert jobs[0][1] >= results, f"step {step}: {results} results were said, {jobs[0][1]} are there"


def test_what_was_said_is_still_so_and_the_job_goes_on(course):
    print(f"POWER_SEED={SEED}")
    chance = random.Random(SEED)
    directory, started = course.workspace.directory, 0
    look = EVERY if EVERY == 1 else EVERY * len(course.steps) // 180 or 1
    start = look if EVERY == 1 else look * 9
    for step, said, disk in course.lost():
        if (step + SEED) % look:
            continue
        for way in (None, chance):
            disk.lose_power(directory, way)
            check_kept(directory / "data", said, step)
        if (step + SEED) % start:
            continue
        disk.lose_power(directory, chance if chance.random() < 0.5 else None)
        engine = course.workspace.longshore("start", "--until-idle")
        assert engine.code in ENDS, f"step {step}: {engine.out}{engine.err}"
        if promised(said)[0]:
            check_report(course.workspace, course.workspace.status(course.job), course.rows)
            faults.check_database(directory / "data")
            started += 1
    assert started, "no engine went on"
