"""Many jobs at once: priorities, shares, limits; seen in the order of the requests at the store."""

import pytest

from harness import TAGGING, Workspace, start_seeded, wait_for


# Rows of the three jobs of a test.
PARTS = {"first": slice(0, 400), "second": slice(400, 600), "third": slice(600, 700)}


class Bench:
    """A workspace with jobs over parts of the objects of a store that takes its time."""

    def __init__(self, directory, delay="20ms"):
        self.server, rows = start_seeded(directory / "server", 700, "--fault", f"delay={delay},method=PUT,bucket=objects")
        self.workspace = Workspace(directory / "workspace", self.server)
        keys = [entry["Key"] for entry in self.listed()]
        assert len(keys) == len(rows) == 700
        self.keys, self.jobs = {}, {}
        for name, part in PARTS.items():
            self.keys[name] = set(keys[part])
            self.workspace.manifest("objects", keys[part], name=f"{name}.csv")

    def listed(self):
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket="objects")
        return [entry for page in pages for entry in page["Contents"]]

    def submit(self, name, priority=0, **more):
        """Submits the job of that name."""
        self.workspace.job(**TAGGING, name=f"{name}.toml", manifest=f"{name}.csv", head=f"priority = {priority}", **more)
        self.jobs[name] = self.workspace.submit(f"{name}.toml")
        return self.jobs[name]

    def puts(self):
        """The requests for objects so far, in the order in which they were answered."""
        return [entry for entry in self.server.log() if entry["method"] == "PUT" and entry["bucket"] == "objects"]

    def order(self):
        """Whose the requests were, in the order in which they came."""
        owner = {key: name for name, keys in self.keys.items() for key in keys}
        return [owner[entry["key"]] for entry in sorted(self.puts(), key=lambda entry: entry["start"])]

    def states(self, name):
        """The states of the job, with the cause of each."""
        shown = self.workspace.longshore("status", "--json", "--events", self.jobs[name]).events[0]
        return [(event["to"], event["cause"]) for event in shown["events"]]

    def work(self):
        """Works through the queue; every job succeeds, and no task runs twice."""
        done = self.workspace.longshore("start", "--until-idle")
        assert done.code == 0, done.err
        self.check()

    def check(self):
        assert len(self.puts()) == sum(len(self.keys[name]) for name in self.jobs)
        for name, job in self.jobs.items():
            ended = self.workspace.status(job)
            assert (ended["state"], ended["succeeded"]) == ("Complete", len(self.keys[name]))
            assert {key for _, key, *_ in self.workspace.rows(ended)} and len(self.workspace.rows(ended)) == len(self.keys[name])


def most_at_once(entries):
    """How many of the requests were in flight at the same time."""
    edges = sorted([(entry["start"], 1) for entry in entries] + [(entry["end"], -1) for entry in entries])
    now = most = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.server.stop()


def test_equal_jobs_share(bench):
    bench.workspace.configure("[engine]\nconcurrency = 4")
    bench.submit("second")
    bench.submit("first")
    bench.work()
    # While both run, each has its half; the first requests are of the job that was prepared first.
    order = bench.order()
    both = order[order.index("first"):len(order) - order[::-1].index("second")]
    share = both.count("first") / len(both)
    assert 0.3 < share < 0.7, share
    assert most_at_once(bench.puts()) <= 4


def test_equal_jobs_take_turns_at_one_slot(bench):
    bench.workspace.configure("[engine]\nconcurrency = 1")
    bench.submit("second")
    bench.submit("third")
    bench.work()
    order = bench.order()
    changes = sum(one != other for one, other in zip(order, order[1:]))
    assert changes > 10, order
    assert most_at_once(bench.puts()) == 1


def test_a_higher_priority_takes_what_runs(bench):
    bench.workspace.configure("[engine]\nconcurrency = 4")
    bench.submit("first", priority=1)
    engine = bench.workspace.start("start", "--until-idle")
    wait_for(lambda: len(bench.puts()) >= 40, "some tasks of the lower priority")
    bench.submit("third", priority=2)
    _, errors = engine.communicate(timeout=300)
    assert engine.returncode == 0, errors.decode()
    bench.check()
    order = bench.order()
    begin, end = order.index("third"), len(order) - order[::-1].index("third")
    # Four tasks of the lower one run to their end, and as many begin while the last of the higher one run.
    assert order[begin:end].count("first") <= 12, order[begin:end]
    assert order[:begin].count("first") >= 40 and "first" in order[end:]


def test_a_lower_priority_has_what_the_higher_leaves(bench):
    bench.workspace.configure("[engine]\nconcurrency = 6")
    bench.submit("first", priority=1)
    bench.submit("third", priority=2, concurrency=2)
    bench.work()
    order = bench.order()
    begin, end = order.index("third"), len(order) - order[::-1].index("third")
    assert order[begin:end].count("first") > 100, "two slots for the higher, four for the lower"


def test_the_priority_of_running_jobs(bench):
    bench.workspace.configure("[engine]\nconcurrency = 2")
    bench.submit("first", priority=5)
    bench.submit("third", priority=1)
    engine = bench.workspace.start("start", "--until-idle")
    wait_for(lambda: bench.order().count("first") >= 20, "some tasks")
    # The other may have read its manifest earlier, and ends the tasks that it has begun.
    begun = bench.order().index("first") + 4
    assert "third" not in bench.order()[begun:begun + 10]
    assert bench.workspace.longshore("priority", bench.jobs["third"], "6").code == 0
    assert engine.wait(timeout=300) == 0
    bench.check()
    order = bench.order()
    assert order[-1] == "first" and order[::-1].index("third") > 100, "the job with the new priority ended long before"


def test_a_job_beyond_the_limit_of_active_jobs_waits_or_displaces(bench):
    bench.workspace.configure("[engine]\nactive-jobs = 1")
    bench.submit("first", priority=1, concurrency=2)
    engine = bench.workspace.start("start", "--until-idle")
    wait_for(lambda: len(bench.puts()) >= 40, "some tasks")
    bench.submit("second", priority=1)
    bench.submit("third", priority=2)
    assert engine.wait(timeout=300) == 0
    bench.check()
    causes = dict(bench.states("first"))
    assert [state for state, _ in bench.states("first")] == [
        "New", "Preparing", "Ready", "Active", "Ready", "Active", "Completing", "Complete"]
    assert ("Ready", "it makes way for a job of higher priority") in bench.states("first"), causes
    order = bench.order()
    assert "first" not in order[order.index("third"):len(order) - order[::-1].index("third")]
    # An equal displaces nobody: the older one goes on first.
    assert order.index("second") > len(order) - 1 - order[::-1].index("first")


def test_the_limit_of_a_store_holds_over_all_jobs(bench):
    endpoint = bench.server.endpoint
    bench.workspace.configure(f'''
[store.narrow]
endpoint = "{endpoint}"
region = "us-east-1"
path-style = true
credentials = {{ source = "static", access-key-id = "sandbox", secret-access-key = "${{TEST_SECRET}}" }}
concurrency = 3
''')
    for name in ("second", "third"):
        bench.workspace.job(**TAGGING, name=f"{name}.toml", manifest=f"{name}.csv", head='store = "narrow"')
        bench.jobs[name] = bench.workspace.submit(f"{name}.toml")
    bench.work()
    assert most_at_once(bench.puts()) == 3
    assert len(set(bench.order()[:60])) == 2, "both jobs ran meanwhile"


def test_an_engine_that_is_stopped_leaves_every_job_to_go_on(bench):
    for name in PARTS:
        bench.submit(name, concurrency=4)
    engine = bench.workspace.start("start")
    wait_for(lambda: set(bench.order()) == set(PARTS), "tasks of all jobs")
    engine.terminate()
    out, errors = engine.communicate(timeout=300)
    assert engine.returncode == 6, errors.decode()
    assert {bench.workspace.status(job)["state"] for job in bench.jobs.values()} == {"Active"}
    bench.work()


def test_an_obstacle_of_one_job_holds_back_only_that_job(bench):
    bench.submit("second")
    bench.workspace.configure('''
[store.gone]
endpoint = "http://127.0.0.1:1"
region = "us-east-1"
credentials = { source = "static", access-key-id = "nobody", secret-access-key = "nobody-secret" }
''')
    bench.workspace.job(**TAGGING, name="gone.toml", manifest="third.csv", head='priority = 9\nstore = "gone"')
    gone = bench.workspace.submit("gone.toml")
    done = bench.workspace.longshore("start", "--until-idle", "--json")
    assert done.code == 8, done.err
    bench.check()
    assert "gone" in bench.workspace.status(gone)["obstacle"]
    assert [event for event in done.events[:-1] if event.get("job") == gone] == [], "nothing was begun"
