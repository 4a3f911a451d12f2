"""The engine as a service: what systemd is told, and what a machine reads in the log."""

import json
import re
import socket

import pytest

from harness import ROOT

SECRET = "a-secret-that-nobody-may-see"


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(300)
        self.told = []

    def wait_for(self, message):
        """Reads until the engine says that."""
        while not self.told or self.told[-1] != message:
            self.told.append(self.socket.recv(4096).decode())


@pytest.fixture
def manager(tmp_path, monkeypatch):
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    yield manager
    manager.socket.close()


@pytest.fixture
def workspace(two_of_three):
    return two_of_three


def test_systemd_is_told(workspace, manager):
    engine = workspace.start("start")
    manager.wait_for("READY=1")
    assert manager.told == ["READY=1"]
    manager.wait_for("WATCHDOG=1")
    manager.told.clear()
    manager.wait_for("WATCHDOG=1")
    job = workspace.submit()
    manager.wait_for(f"STATUS=job {job[:8]}: Complete")
    assert "STOPPING=1" not in manager.told
    engine.terminate()
    manager.wait_for("STOPPING=1")
    engine.communicate(timeout=300)
    assert engine.returncode == 0


def test_an_engine_that_cannot_start_is_not_ready(workspace, manager):
    workspace.write("longshore.toml", "nonsense = 1")
    assert workspace.longshore("start").code == 2
    manager.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.socket.recv(4096)


def test_a_service_manager_that_is_gone_stops_nothing(workspace, manager):
    manager.path.unlink()
    job = workspace.submit()
    done = workspace.longshore("start", "--until-idle")
    assert done.code == 3
    assert "the service manager cannot be told READY=1" in done.err
    assert workspace.status(job)["state"] == "Complete"


def test_a_watchdog_that_makes_no_sense_is_said(workspace, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "soon")
    refused = workspace.longshore("start", "--until-idle")
    assert refused.code == 2 and 'WATCHDOG_USEC is "soon"' in refused.err


def test_the_log_for_machines_is_json_line_by_line(workspace):
    workspace.secret = SECRET
    workspace.configure(secret=SECRET)
    job = workspace.submit()
    refused = workspace.longshore("start", "--until-idle", "--log-format", "json", "--log-level", "debug")
    assert refused.code == 8
    lines = [json.loads(line) for line in refused.err.splitlines()]
    assert lines[-1]["level"] == "ERROR" and lines[-1]["fields"]["exit"] == 8
    assert {"timestamp", "level", "target", "fields"} <= set(lines[0])
    assert SECRET not in refused.err

    workspace.configure()
    done = workspace.longshore("start", "--until-idle", "--log-format", "json", "--log-level", "debug")
    assert done.code == 3, done.err
    lines = [json.loads(line) for line in done.err.splitlines()]
    states = [line["fields"]["state"] for line in lines if line["fields"].get("message") == "the job moved"]
    assert states[-1] == "Complete"
    spans = [span for line in lines for span in line.get("spans", [])]
    assert {"name": "job", "job": job} in spans
    assert "missing" in {span.get("key") for span in spans if span["name"] == "task"}
    assert workspace.server.secret_key not in done.err


def test_the_unit_file_starts_what_there_is():
    unit = (ROOT / "examples" / "longshore.service").read_text()
    [command] = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert command.split()[1:2] == ["start"]
    assert "Type=notify" in unit and "WatchdogSec=" in unit
