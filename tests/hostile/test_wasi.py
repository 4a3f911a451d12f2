"""The WASI that can be granted, tried by a guest in Python with everything that its standard library has for it."""

import json
import os
import re
import socket
import time

import pytest

from harness import TARGET

MODULE = TARGET / "languages/wasi-probe.wasm"
REFUSED = ["read a file", "write a file", "list a folder", "list this folder", "make a folder", "connect", "resolve a name",
           "start a program"]


@pytest.fixture
def listener():
    """Somebody who listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.fixture
def probe(lab):
    assert MODULE.exists(), f"{MODULE} is not built: run 'scripts/languages'"
    return MODULE


def found(lab, probe, listener, keys):
    """What each task told."""
    outcomes = lab.run(probe, keys, parameters={"port": listener.getsockname()[1]})
    assert {outcome[0] for outcome in outcomes.values()} == {"succeeded"}, outcomes
    return {key: json.loads(outcome[3]) for key, outcome in outcomes.items()}


def test_there_is_nothing_in_it(lab, probe, listener):
    lab.server.put("allowed", ["inside/probe"])
    before = time.time()
    told = found(lab, probe, listener, ["probe"])["probe"]
    for name in REFUSED:
        assert told[name] is not None and "Error" in told[name], (name, told)
    assert (told["environment"], told["arguments"], told["input"]) == ([], [], "")
    # The clock is the engine's, in whole milliseconds.
    assert before - 1 <= told["time"] <= time.time() + 1
    assert abs(told["time"] * 1000 - round(told["time"] * 1000)) < 0.01
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert not os.path.exists("/tmp/longshore-was-here") and not os.path.exists("longshore-was-here")
    assert re.search(r"WARN.*a line on standard error", lab.log.read_text())


def test_what_is_random_is_the_task_s_own(lab, probe, listener):
    lab.server.put("allowed", ["inside/one", "inside/other"])
    told = found(lab, probe, listener, ["one", "other"])
    one, other = told["one"]["random"], told["other"]["random"]
    assert len({*one, *other}) == 4


def test_without_the_grant_it_is_not_installed(lab, probe):
    result = lab.workspace.longshore("plugin", "install", str(probe), "--grant", "s3:GetObject")
    assert result.code == 2, result.out + result.err
    assert "wasi" in result.err
    result = lab.workspace.longshore("plugin", "inspect", str(probe))
    assert result.code == 0 and "wasi" in result.out
