"""`/metrics`, `/healthz` and `/readyz`, read by an independent parser."""

import re
import signal
import urllib.error
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness import TAGGING, wait_for



@pytest.fixture
def workspace(sandbox_with, workspace_of):
    server = sandbox_with("--bucket", "objects", "--fault", "status=503,code=SlowDown,count=1,method=PUT,key=one",
                          "--fault", "delay=600s,count=1,method=PUT,key=hangs")
    workspace = workspace_of(server)
    server.put("objects", ["two"])
    workspace.job(**TAGGING)
    return workspace


def started(workspace, *arguments):
    """An engine that shows metrics, and where."""
    engine = workspace.start("start", *arguments)
    line = engine.stderr.readline().decode()
    found = re.match(r"metrics at (http://127\.0\.0\.1:\d+)/metrics$", line)
    assert found, line + engine.stderr.read().decode()
    return engine, found[1]


def get(url, method="GET"):
    """Status, media type and body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def metrics(base):
    """Every sample by its name and labels."""
    status, kind, text = get(f"{base}/metrics")
    assert status == 200 and kind.startswith("application/openmetrics-text; version=1.0.0")
    families = list(text_string_to_metric_families(text))
    return {(sample.name, *sorted(sample.labels.items())): sample.value
            for family in families for sample in family.samples}


def test_what_the_engine_measures(workspace):
    engine, base = started(workspace, "--listen", "127.0.0.1:0")
    idle = metrics(base)
    assert idle["longshore_jobs", ("state", "Active")] == 0
    assert ("longshore_build_info", ("version", "0.1.0")) in idle
    workspace.manifest("objects", ["two", "missing", "hangs"])
    job = workspace.submit()
    wait_for(lambda: (stands := workspace.status(job))["succeeded"] + stands["failed"] == 2, "two of three tasks")
    seen = metrics(base)
    assert seen["longshore_jobs", ("state", "Active")] == 1
    assert seen["longshore_tasks_running",] == 1
    assert seen["longshore_tasks_finished_total", ("result", "succeeded")] == 1
    assert seen["longshore_tasks_finished_total", ("result", "failed")] == 1
    put = (("operation", "PutObjectTagging"), ("store", "main"))
    requests = {dict(key[1:])["status"]: value for key, value in seen.items()
                if key[0] == "longshore_store_requests_total" and put[0] in key}
    assert requests == {"200": 1, "404": 1}
    assert seen["longshore_store_request_duration_seconds_count", *put] == 2
    assert seen["longshore_store_request_duration_seconds_bucket", ("le", "+Inf"), *put] == 2
    assert seen["longshore_queue_commit_duration_seconds_count",] > 5
    assert not any(label in str(seen) for label in (job, "missing", "objects"))
    assert (get(f"{base}/readyz")[0], get(f"{base}/healthz")[0]) == (200, 200)
    # While it drains it lives, and is not ready.
    engine.send_signal(signal.SIGTERM)
    wait_for(lambda: get(f"{base}/readyz")[0] == 503, "the engine to stop")
    assert get(f"{base}/healthz")[0] == 200
    engine.send_signal(signal.SIGTERM)
    engine.communicate(timeout=300)
    assert engine.returncode == 6


def test_retries_are_counted(workspace):
    engine, base = started(workspace, "--listen", "127.0.0.1:0")
    workspace.manifest("objects", ["one"])
    workspace.submit()
    wait_for(lambda: metrics(base)["longshore_jobs", ("state", "Complete")] == 1, "the job")
    seen = metrics(base)
    assert seen["longshore_store_retries_total",] == 1
    of_put = {dict(key[1:])["status"] for key in seen if key[0] == "longshore_store_requests_total"
              and ("operation", "PutObjectTagging") in key}
    assert "503" in of_put
    engine.terminate()
    engine.communicate(timeout=300)


def test_the_configuration_says_where(workspace):
    workspace.configure('[metrics]\nlisten = "127.0.0.1:0"')
    engine, base = started(workspace)
    assert get(f"{base}/")[0] == 404
    assert get(f"{base}/metrics", "POST")[0] == 405
    engine.terminate()
    engine.communicate(timeout=300)


def test_other_machines_must_be_let_in_on_purpose(workspace):
    for arguments in (["--listen", "0.0.0.0:0"], ["--listen", "[::]:0"]):
        refused = workspace.longshore("start", *arguments)
        assert refused.code == 2 and "allow-remote = true" in refused.err
    workspace.configure("[metrics]\nallow-remote = true")
    done = workspace.longshore("start", "--until-idle", "--listen", "0.0.0.0:0")
    assert done.code == 0 and "metrics at http://0.0.0.0:" in done.err


def test_a_port_that_is_taken_is_said(workspace):
    taken = workspace.server.endpoint.removeprefix("http://")
    refused = workspace.longshore("start", "--listen", taken)
    assert refused.code == 1 and f"cannot listen at {taken} for metrics" in refused.err
