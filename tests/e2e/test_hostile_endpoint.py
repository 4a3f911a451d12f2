"""Endpoints that mean harm: each costs its own task, with a code of its own, and nothing else."""

import os
import subprocess

import pytest

from documents import ALLOW_ALL, allow
from endpoints import Endpoint, Hostile, tls_context, verdict

INVOKE = allow("longshore:InvokeEndpoint", sid="Invoke")

#: Behaviour -> code and HTTP status of its task.
CODES = {
    "never": ("", "Timeout"), "slow": ("", "Timeout"), "huge": ("", "ResponseTooLarge"),
    "announced": ("", "ResponseTooLarge"), "headers": ("", "InvalidResponse"), "no-http": ("", "InvalidResponse"),
    "malformed": ("200", "InvalidAnswer"), "wrong-content": ("200", "InvalidAnswer"), "deep": ("200", "InvalidAnswer"),
    "of-another": ("200", "InvalidAnswer"), "other-schema": ("200", "InvalidAnswer"),
    "redirect": ("302", "EndpointRedirect"), "same-method": ("308", "EndpointRedirect"),
    "cut": ("", "ConnectionLost"), "closed": ("", "ConnectionLost"),
    "broken": ("500", "EndpointError"), "forbidden": ("403", "EndpointError"),
}

#: What the report says of it, besides.
WORDS = {
    "never": "did not answer within 1 s, its `timeout`", "huge": "more than 1048576 bytes, which is its `answer-bytes`",
    "redirect": "redirections are not followed: set `url`", "malformed": "Invalid JSON returned in Lambda payload: EOF",
    "wrong-content": 'it begins with "<html><h1>It works!', "of-another": 'invocationId of the answer is "another"',
    "broken": "500 Internal Server Error: out of [31morder", "cut": "the connection broke before the answer was complete",
}


@pytest.fixture
def hostile():
    server = Hostile()
    yield server
    server.stop()


@pytest.fixture
def elsewhere():
    server = Endpoint(lambda event, _: verdict(event))
    yield server
    server.stop()


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox, [ALLOW_ALL, INVOKE])


def prepare(workspace, url, keys, attempts=1, concurrency=8, more=""):
    workspace.configure(f'[endpoint.hostile]\nkind = "webhook"\nurl = "{url}"\ntimeout = "1s"\n{more}')
    workspace.manifest("photos", keys)
    workspace.job("invoke", {"endpoint": "hostile"}, concurrency=concurrency,
                  extra=f'failure-threshold.percent = 100\n[retry]\nattempts = {attempts}\nbase-delay = "1ms"')


def test_each_fails_its_own_task_alone(workspace, hostile, elsewhere):
    hostile.elsewhere = f"{elsewhere.url}/taken"
    keys = [key for behaviour in CODES for key in (behaviour, f"good/after-{behaviour}")]
    prepare(workspace, hostile.url, keys)
    ended = workspace.run()
    assert ended.code == 3, ended.out + ended.err
    outcomes = workspace.outcomes(ended.job)
    assert len(outcomes) == len(keys)
    for behaviour, expected in CODES.items():
        assert outcomes[behaviour][:3] == ("failed", *expected), (behaviour, outcomes[behaviour])
        assert WORDS.get(behaviour, "") in outcomes[behaviour][3], outcomes[behaviour]
        assert hostile.url not in outcomes[behaviour][3], "the URL may be a secret"
        assert outcomes[f"good/after-{behaviour}"] == ("succeeded", "200", "", "fine")
    assert elsewhere.calls == []


def test_what_may_pass_is_tried_again_and_what_has_run_is_not(workspace, hostile, elsewhere):
    hostile.elsewhere = elsewhere.url
    counts = {}
    for behaviour in CODES:
        method = getattr(hostile, behaviour.replace("-", "_"))

        def counted(connection, event, behaviour=behaviour, method=method):
            counts[behaviour] = counts.get(behaviour, 0) + 1
            method(connection, event)

        setattr(hostile, behaviour.replace("-", "_"), counted)
    prepare(workspace, hostile.url, list(CODES), attempts=2, concurrency=32)
    assert workspace.run().code == 3
    assert counts == {behaviour: 2 if code in ("Timeout", "ConnectionLost") or behaviour == "broken" else 1
                      for behaviour, (_, code) in CODES.items()}


def test_memory_is_bound_whatever_comes(workspace, hostile):
    """What 500 endless answers cost beside 500 short ones: at most what the answers under way may hold."""
    def peak(behaviour):
        prepare(workspace, hostile.url, [f"{behaviour}/{number}" for number in range(500)], concurrency=16)
        process = subprocess.Popen(**workspace.command("run", "job.toml"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_maxrss / 1024

    (code, quiet), (code_of_huge, loud) = peak("good"), peak("huge")
    assert (code, code_of_huge) == (0, 3)
    # 16 lanes hold 1 MiB each, twice while it grows, and allocators round up.
    assert loud < quiet + 80, f"{loud:.0f} MiB instead of {quiet:.0f} MiB"


def test_nobody_there(workspace):
    prepare(workspace, "http://127.0.0.1:9/", ["k", "l"])
    ended = workspace.run()
    outcomes = workspace.outcomes(ended.job)
    assert {outcome[:3] for outcome in outcomes.values()} == {("failed", "", "ConnectionError")}


def test_a_certificate_that_nobody_knows(workspace, tmp_path):
    context, _ = tls_context(tmp_path)
    server = Endpoint(lambda event, _: verdict(event), tls=context)
    try:
        prepare(workspace, server.url, ["k"])
        outcome = workspace.outcomes(workspace.run().job)["k"]
        assert outcome[:3] == ("failed", "", "ConnectionError") and "invalid peer certificate" in outcome[3], outcome
        assert server.calls == []
    finally:
        server.stop()


def test_tls_with_whoever_speaks_none(workspace, elsewhere):
    prepare(workspace, elsewhere.url.replace("http:", "https:"), ["k"])
    assert workspace.outcomes(workspace.run().job)["k"][:3] == ("failed", "", "ConnectionError")
