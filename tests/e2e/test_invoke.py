"""The operation invoke: functions and webhooks that know nothing of Longshore are called for each object."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from documents import ALLOW_ALL, allow, policy
from endpoints import Endpoint, arn, tls_context, verdict
from harness import ACCOUNT, ODD_KEYS, ROOT, STARTED

INVOKE = allow(["lambda:InvokeFunction", "longshore:InvokeEndpoint"], sid="Invoke")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
QUICK = {"delay-seconds": 1}


@pytest.fixture
def endpoint():
    """Starts endpoints."""
    started = []

    def start(function, **more):
        started.append(Endpoint(function, **more))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox, [ALLOW_ALL, INVOKE])


def lambda_at(server, name="f", more="", qualifier=""):
    return f'[endpoint.f]\nkind = "lambda"\nurl = "{server.url}"\nfunction = "{arn(name, qualifier)}"\n{more}\n'


def webhook_at(server, more=""):
    return f'[endpoint.f]\nkind = "webhook"\nurl = "{server.url}/batch?x=1"\n{more}\n'


def run(workspace, keys, config, parameters=None, bucket="photos", **more):
    workspace.configure(config)
    workspace.manifest(bucket, keys)
    workspace.job("invoke", {"endpoint": "f", **QUICK, **(parameters or {})}, **more)
    return workspace.run()


def function_server(workspace, server, function):
    """Starts examples/lambda_server.py with a function that finds the store where the SDK looks for it. Its URL."""
    environment = {**os.environ, "AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_ACCESS_KEY_ID": server.access_key,
                   "AWS_SECRET_ACCESS_KEY": server.secret_key, "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, ROOT / "examples/lambda_server.py", function, "0"]
    log = (workspace.directory / "function.log").open("w")
    process = subprocess.Popen(command, cwd=ROOT / "tests/e2e", env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    STARTED.append(process)
    return process.stdout.readline().strip()


def test_a_team_s_function_moves_over_without_changing_a_line(sandbox, bucket, workspace):
    url = function_server(workspace, sandbox, "batch_function.lambda_handler")
    config = f'[endpoint.f]\nkind = "lambda"\nurl = "{url}"\nfunction = "{arn("mark")}"'
    keys = sandbox.odd_keys
    sandbox.put(bucket, keys)
    ended = run(workspace, [*keys, "gone"], config, bucket=bucket)
    assert (ended.code, ended.job["failures"]) == (3, {"PermanentFailure": 1}), ended.out + ended.err
    outcomes = workspace.outcomes(ended.job)
    for key in keys:
        tags = sandbox.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "size", "Value": "4"}], key
        assert outcomes[urllib.parse.quote(key)] == ("succeeded", "200", "", "Marked with 4 bytes.")
    assert outcomes["gone"] == ("failed", "200", "PermanentFailure", "Object gone not found")


def test_calls_of_both_schemas(workspace, endpoint):
    server = endpoint(lambda event, _: verdict(event))
    workspace.configure(lambda_at(server, "resize", qualifier="$LATEST"))
    workspace.manifest("photos", ["a b+c", "{\"x\": 1}|y"], versions=["v1", "null"])
    fields = '["Bucket", "Key", "VersionId"]'
    workspace.job("invoke", {"endpoint": "f"}, fields=fields, concurrency=1)
    first = workspace.run()
    assert first.code == 0, first.err
    arguments = {"mode": "fast", "empty": ""}
    workspace.job("invoke", {"endpoint": "f", "schema": "2.0", "user-arguments": arguments}, fields=fields, concurrency=1)
    second = workspace.run()
    assert second.code == 0, second.err
    assert {path for path, _, _ in server.calls} == {"/2015-03-31/functions/resize/invocations?Qualifier=%24LATEST"}
    assert {headers["X-Amz-Invocation-Type"] for _, headers, _ in map(titled, server.calls)} == {"RequestResponse"}
    old, new = server.events[:2], server.events[2:]
    assert [event["invocationSchemaVersion"] for event in server.events] == ["1.0", "1.0", "2.0", "2.0"]
    for event in old:
        assert event["job"] == {"id": first.job["id"]}
        assert event["tasks"][0]["s3BucketArn"] == "arn:aws:s3:::photos"
        assert set(event["tasks"][0]) == {"taskId", "s3Key", "s3VersionId", "s3BucketArn"}
    for event in new:
        assert event["job"] == {"id": second.job["id"], "userArguments": arguments}
        assert event["tasks"][0]["s3Bucket"] == "photos"
        assert set(event["tasks"][0]) == {"taskId", "s3Key", "s3VersionId", "s3Bucket"}
    for events in (old, new):
        assert [(event["tasks"][0]["s3Key"], event["tasks"][0]["s3VersionId"]) for event in events] == [
            ("a%20b%2Bc", "v1"), ("%7B%22x%22%3A%201%7D%7Cy", "null")]
    ids = [event[name] for event in server.events for name in ("invocationId",)] + [
        event["tasks"][0]["taskId"] for event in server.events]
    assert len(ids) == len(set(ids))


def titled(call):
    path, headers, body = call
    return path, {name.title(): value for name, value in headers.items()}, body


def test_keys_need_not_exist_and_come_unharmed(workspace, endpoint):
    server = endpoint(lambda event, _: verdict(event, text=urllib.parse.unquote(event["tasks"][0]["s3Key"])[:1000]))
    ended = run(workspace, ODD_KEYS, lambda_at(server))
    assert ended.code == 0, ended.err
    assert sorted(urllib.parse.unquote(event["tasks"][0]["s3Key"]) for event in server.events) == sorted(ODD_KEYS)
    # Functions that take a plus for a space read the same.
    assert sorted(urllib.parse.unquote_plus(event["tasks"][0]["s3Key"]) for event in server.events) == sorted(ODD_KEYS)
    messages = {row[1]: row[6] for row in workspace.rows(ended.job)}
    assert messages[urllib.parse.quote("line\nfeed")] == "line\\nfeed"


def test_a_temporary_failure_is_redriven(workspace, endpoint):
    seen = {}

    def function(event, _):
        key = event["tasks"][0]["s3Key"]
        seen[key] = seen.get(key, 0) + 1
        if key == "always" or (key == "twice" and seen[key] <= 2):
            return verdict(event, "TemporaryFailure", f"busy {seen[key]}")
        return verdict(event, text=f"run {seen[key]}")

    server = endpoint(function)
    ended = run(workspace, ["once", "twice", "always"], lambda_at(server), {"attempts": 4, "max-delay-seconds": 1})
    assert (ended.code, ended.job["failures"]) == (3, {"TemporaryFailure": 1}), ended.out + ended.err
    outcomes = workspace.outcomes(ended.job)
    assert outcomes["once"] == ("succeeded", "200", "", "run 1")
    assert outcomes["twice"] == ("succeeded", "200", "", "run 3")
    assert outcomes["always"][:3] == ("failed", "200", "TemporaryFailure")
    assert outcomes["always"][3].startswith("busy 4 (given up after 4 runs")
    of_always = [event for event in server.events if event["tasks"][0]["s3Key"] == "always"]
    assert len({event["tasks"][0]["taskId"] for event in of_always}) == 1
    assert len({event["invocationId"] for event in of_always}) == len(of_always) == 4


def test_results_that_are_missing(workspace, endpoint):
    def function(event, _):
        answer = {**verdict(event), "results": []}
        treat = event["tasks"][0]["s3Key"]
        if treat == "none":
            del answer["treatMissingKeysAs"]
        else:
            answer["treatMissingKeysAs"] = treat
        return answer

    keys = ["Succeeded", "PermanentFailure", "TemporaryFailure", "none", "Perhaps"]
    ended = run(workspace, keys, lambda_at(endpoint(function)), {"attempts": 1})
    outcomes = workspace.outcomes(ended.job)
    assert [outcomes[key][:3] for key in keys] == [
        ("succeeded", "200", ""), ("failed", "200", "PermanentFailure"), ("failed", "200", "TemporaryFailure"),
        ("failed", "200", "TemporaryFailure"), ("failed", "200", "InvalidAnswer")]
    assert "which is TemporaryFailure by default" in outcomes["none"][3]


def test_a_function_that_breaks_off(workspace, endpoint):
    def function(event, _):
        raise ValueError("no such face")

    ended = run(workspace, ["k"], lambda_at(endpoint(function)))
    assert ended.code == 3, ended.err
    message = 'Lambda returned function error: {"errorMessage": "no such face", "errorType": "ValueError"}'
    assert workspace.outcomes(ended.job)["k"] == ("failed", "200", "PermanentFailure", message)


def test_errors_of_the_lambda_api_keep_their_code(workspace, endpoint):
    said = {"Type": "User", "Message": "Function not found"}
    error = (404, {"x-amzn-ErrorType": "ResourceNotFoundException:http://internal"}, said)
    ended = run(workspace, ["k"], lambda_at(endpoint(lambda *_: error)))
    outcome = workspace.outcomes(ended.job)["k"]
    assert outcome[:3] == ("failed", "404", "ResourceNotFoundException") and "Function not found" in outcome[3]


def test_throttled_calls_are_sent_again(workspace, endpoint):
    calls = []

    def function(event, _):
        calls.append(event)
        if len(calls) < 3:
            return 429, {"x-amzn-ErrorType": "TooManyRequestsException", "Retry-After": "0"}, {}
        return verdict(event, text="at last")

    ended = run(workspace, ["k"], lambda_at(endpoint(function)), extra='[retry]\nbase-delay = "10ms"')
    assert ended.code == 0, ended.out + ended.err
    assert workspace.outcomes(ended.job)["k"][3] == "at last"
    assert calls[0] == calls[1] == calls[2]


def test_lambda_is_called_with_a_signature(workspace, endpoint):
    server = endpoint(lambda event, _: verdict(event))
    credentials = ('credentials = { source = "static", access-key-id = "AKID", secret-access-key = "${TEST_SECRET}", '
                   'session-token = "tok/en+" }')
    ended = run(workspace, ["k"], lambda_at(server, "resize", credentials, qualifier="7"))
    assert ended.code == 0, ended.out + ended.err
    path, headers, body = titled(server.calls[0])
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest("POST", server.url + path, {name: headers[name.title()] for name in signed if name != "host"}, body)
    request.headers["host"] = headers["Host"]
    request.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials("AKID", workspace.secret, "tok/en+"), "lambda", "eu-central-1")
    canonical = auth.canonical_request(request)
    expected = auth.signature(auth.string_to_sign(request, canonical), request)
    assert headers["Authorization"].endswith(f"Signature={expected}")
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(signed)
    assert headers["X-Amz-Security-Token"] == "tok/en+"


def test_a_webhook_with_token_header_and_signature(workspace, endpoint):
    server = endpoint(lambda event, _: verdict(event, text="hooked"))
    more = f'token = "${{TEST_SECRET}}"\nheaders = {{ x-team = "storage" }}\nsecret = "{SECRET}"'
    ended = run(workspace, ["k"], webhook_at(server, more), {"schema": "2.0"})
    assert ended.code == 0, ended.out + ended.err
    path, headers, body = titled(server.calls[0])
    assert path == "/batch?x=1"
    assert (headers["Authorization"], headers["X-Team"]) == (f"Bearer {workspace.secret}", "storage")
    assert headers["Content-Type"] == "application/json" and "X-Amz-Invocation-Type" not in headers
    text = f'{headers["Webhook-Id"]}.{headers["Webhook-Timestamp"]}.'.encode() + body
    digest = base64.b64encode(hmac.digest(bytes(range(32)), text, hashlib.sha256)).decode()
    assert headers["Webhook-Signature"] == f"v1,{digest}"


def test_tls_trusts_the_machine_s_certificates(workspace, endpoint, tmp_path, monkeypatch):
    context, certificate = tls_context(tmp_path)
    server = endpoint(lambda event, _: verdict(event), tls=context)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    ended = run(workspace, ["k"], webhook_at(server))
    assert ended.code == 0, ended.out + ended.err


def test_policies_are_asked_about_function_and_endpoint(sandbox, workspace_of, endpoint):
    server = endpoint(lambda event, _: verdict(event))
    both = lambda_at(server, "resize", qualifier="7") + webhook_at(server).replace("[endpoint.f]", "[endpoint.hook]")
    for name, action, resource, other in [
        ("f", "lambda:InvokeFunction", arn("resize", "7"), arn("resize")),
        ("hook", "longshore:InvokeEndpoint", "arn:aws:longshore:::endpoint/hook", "arn:aws:longshore:::endpoint/f"),
    ]:
        allowed, refused = [workspace_of(sandbox, [allow(action, where, sid="Invoke")]) for where in (resource, other)]
        assert run(allowed, ["k"], both, {"endpoint": name}).code == 0
        calls = len(server.calls)
        ended = run(refused, ["k"], both, {"endpoint": name})
        assert ended.code == 3 and len(server.calls) == calls
        [message] = refused.refusals(ended.job).values()
        assert f"may not {action} on {resource}" in message
        planned = refused.longshore("plan", "job.toml")
        assert planned.code == 3 and resource in planned.out + planned.err, planned
        assert "InvokeEndpoint" in allowed.longshore("plan", "job.toml").out
        simulated = refused.longshore("policy", "simulate", "job.toml")
        assert simulated.code == 3 and f"{action} on {resource}" in simulated.out, simulated
        suggested = allowed.longshore("policy", "suggest", "job.toml")
        statements = json.loads(suggested.out)["Statement"]
        assert {"Sid": "Invoke" + ("Function" if name == "f" else "Endpoint"), "Effect": "Allow", "Action": [action],
                "Resource": [resource]} in statements
        allowed.write("role.json", policy(*statements))
        assert allowed.run().code == 0


def test_conditions_see_the_endpoint_and_not_the_store(sandbox, workspace_of, endpoint):
    server = endpoint(lambda event, _: verdict(event))
    same = {"StringEquals": {"aws:RequestedRegion": "eu-central-1", "aws:ResourceAccount": ACCOUNT,
                             "aws:SecureTransport": "false"}, "Null": {"s3:authType": "true"}}
    workspace = workspace_of(sandbox, [allow("lambda:InvokeFunction", sid="Invoke", Condition=same)])
    assert run(workspace, ["k"], lambda_at(server)).code == 0


def test_an_unknown_endpoint_is_refused_before_anything_runs(workspace):
    workspace.configure('[endpoint.resize]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"')
    workspace.manifest("photos", ["k"])
    workspace.job("invoke", {"endpoint": "resise"})
    for command in ("validate", "plan", "submit", "run"):
        done = workspace.longshore(command, "job.toml")
        assert done.code == 2 and 'unknown endpoint "resise"' in done.err, done
        assert 'did you mean "resize"?' in done.err
    workspace.configure()
    assert "declare it in longshore.toml: [endpoint.resise]" in workspace.longshore("validate", "job.toml").err


def test_calls_at_once_are_bound_by_the_endpoint(workspace, endpoint):
    now, most, lock = [0], [0], threading.Lock()

    def function(event, _):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1
        return verdict(event)

    ended = run(workspace, [f"k{number}" for number in range(60)], lambda_at(endpoint(function), more="concurrency = 3"),
                concurrency=32)
    assert ended.code == 0 and most[0] <= 3
