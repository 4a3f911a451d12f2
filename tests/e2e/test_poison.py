"""A task during which the engine dies again and again is failed; its job goes on and its neighbours succeed."""

import json

import pytest

from harness import Workspace, kill, start_seeded, wait_for

TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { seen = "yes" } }')
OBJECTS = 30


@pytest.fixture
def poisoned(tmp_path):
    """A workspace with a job whose first task never ends, so that it can be killed in the middle of it."""
    server, rows = start_seeded(tmp_path / "server", OBJECTS, "--fault", "delay=600s,key=poison")
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "\n".join(["objects,poison", *rows]))
    workspace.job(**TAGGING)
    configuration = (workspace.directory / "longshore.toml").read_text()
    workspace.write("longshore.toml", configuration.replace("[store.main]", '[store.main]\nrequest-timeout = "1h"'))
    yield workspace
    server.stop()


def test_a_task_that_kills_the_engine_is_failed_in_the_end(poisoned):
    job = poisoned.submit()
    folder = poisoned.directory / "data/spools" / job

    def noted(deaths):
        """Whether the engine knows of so many deaths with the task, and runs it."""
        known, running = folder / "suspects.json", folder / "running"
        if deaths < 0:
            return running.exists()
        expected = [[0, 0, deaths]] if deaths else []
        return known.exists() and json.loads(known.read_text()) == expected and any(running.read_bytes())

    # After the first death the tasks that run are noted; four more are needed.
    for death in range(5):
        engine = poisoned.start("start")
        wait_for(lambda: noted(death - 1) and poisoned.status(job)["succeeded"] == OBJECTS, "only that task to run")
        kill(engine)
        assert poisoned.status(job)["state"] == "Active"
    assert poisoned.longshore("start", "--until-idle").code == 3
    ended = poisoned.status(job)
    assert (ended["state"], ended["succeeded"], ended["failures"]) == ("Complete", OBJECTS, {"TaskKillsEngine": 1})
    assert "died 4 times while it ran this task" in poisoned.outcomes(ended)["poison"][3]


def test_an_engine_that_ends_by_itself_leaves_no_suspects(poisoned):
    poisoned.write("manifest.csv", (poisoned.directory / "manifest.csv").read_text().replace("objects,poison\n", ""))
    ended = poisoned.run()
    assert ended.code == 0, ended.err
    assert list((poisoned.directory / "data/spools").iterdir()) == []
