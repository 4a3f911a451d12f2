"""Notifications: webhooks and commands are told of every transition, until they have it."""

import base64
import hashlib
import hmac
import http.server
import json
import threading

import pytest

from harness import wait_for

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
WAY = ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]


class Receiver(http.server.ThreadingHTTPServer):
    """A webhook that answers as it is told, and 200 from then on."""

    def __init__(self, answers, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.answers, self.got, self.lock, self.release = list(answers), [], threading.Lock(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def accepted(self):
        """The CloudEvents that were answered with success."""
        with self.lock:
            return [json.loads(body) for status, _, body in self.got if status == 200]

    def stop(self):
        self.release.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            status = self.server.answers.pop(0) if self.server.answers else 200
            if status is not None:
                self.server.got.append((status, dict(self.headers), body))
        if status is None:
            self.server.release.wait(300)
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url + "/elsewhere")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"said")

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    """Starts webhook receivers."""
    started = []

    def start(*answers, port=0):
        started.append(Receiver(answers, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def workspace(two_of_three):
    return two_of_three


def webhook(url, more=""):
    return f'[[notify]]\nname = "hook"\nurl = "{url}"\nsecret = "{SECRET}"\n{more}\n'


def start(workspace):
    engine = workspace.start("start")
    assert b"engine started" in engine.stderr.readline()
    return engine


def stop(engine):
    engine.terminate()
    _, errors = engine.communicate(timeout=300)
    return errors.decode()


def left(workspace):
    return workspace.longshore("notifications", "--json").events


def test_a_webhook_gets_every_transition_signed(workspace, receiver):
    hook = receiver(503, 500)
    workspace.configure(webhook(hook.url))
    job = workspace.submit()
    engine = start(workspace)
    wait_for(lambda: len(hook.accepted()) >= len(WAY), "every transition")
    stop(engine)
    details = [event["data"]["serviceEventDetails"] for event in hook.accepted()]
    assert sorted(detail["status"] for detail in details) == sorted(WAY)
    assert {detail["jobId"] for detail in details} == {job}
    # What failed is told again under the same ID, and nothing is left.
    ids = [headers["webhook-id"] for _, headers, _ in hook.got]
    assert len(ids) == len(WAY) + 2 and len(set(ids)) == len(WAY)
    assert left(workspace) == []
    for _, headers, body in hook.got:
        event = json.loads(body)
        signed = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.'.encode() + body
        expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert headers["content-type"].startswith("application/cloudevents+json")
        assert (event["specversion"], event["id"], event["subject"]) == ("1.0", headers["webhook-id"], job)
        assert event["data"]["serviceEventDetails"]["jobEventId"] == event["id"]
    created = next(event for event in hook.accepted() if event["data"]["eventName"] == "JobCreated")
    assert created["data"]["serviceEventDetails"]["jobArn"] == f"arn:aws:s3:us-east-1:111122223333:job/{job}"
    end = next(detail for detail in details if detail["status"] == "Complete")
    assert end["progressSummary"] == {
        "totalNumberOfTasks": 3, "numberOfTasksSucceeded": 2, "numberOfTasksFailed": 1}


def test_what_was_not_delivered_is_delivered_by_the_next_engine(workspace, receiver):
    hook = receiver()
    port = hook.server_address[1]
    url = hook.url
    hook.shutdown()
    hook.server_close()
    workspace.configure(webhook(url, 'states = ["Complete", "Failed"]'))
    ran = workspace.run()
    assert ran.code == 3, ran.err
    [waiting] = left(workspace)
    assert (waiting["target"], waiting["status"], waiting["job"]) == ("hook", "Complete", ran.job["id"])
    assert waiting["attempts"] >= 1 and waiting["last_error"] and waiting["next_at"]
    shown = workspace.longshore("notifications").out
    assert f"hook: {ran.job['id'][:8]} Complete: tried again at" in shown

    again = receiver(port=port)
    engine = start(workspace)
    wait_for(lambda: again.accepted(), "the notification")
    wait_for(lambda: not left(workspace), "nothing to be left")
    stop(engine)
    [event] = again.accepted()
    assert event["id"] == waiting["id"]


def test_a_target_that_is_gone_is_given_up_until_a_user_retries(workspace, receiver):
    hook = receiver(410)
    workspace.configure(webhook(hook.url, 'states = ["Complete"]'))
    ran = workspace.run()
    assert "given up" in ran.err
    [kept] = left(workspace)
    assert kept["next_at"] is None and kept["last_error"] == "410 Gone said"
    assert "undelivered, 1 failed attempts: 410 Gone said" in workspace.longshore("notifications").out
    assert workspace.longshore("notifications", "--retry").out == "1 notifications are tried again\n"
    assert workspace.longshore("start", "--until-idle").code == 0
    assert [event["id"] for event in hook.accepted()] == [kept["id"]]
    assert "everything was delivered" in workspace.longshore("notifications").err


def test_redirections_are_not_followed(workspace, receiver):
    hook = receiver(302, 302)
    workspace.configure(webhook(hook.url, 'states = ["Complete"]'))
    workspace.run()
    [kept] = left(workspace)
    assert "redirections are not followed" in kept["last_error"]
    assert {status for status, _, _ in hook.got} == {302}


def test_a_target_that_hangs_holds_up_no_job(workspace, receiver):
    hook = receiver(None)
    workspace.configure(webhook(hook.url, 'timeout = "1m"'))
    job = workspace.submit()
    engine = start(workspace)
    wait_for(lambda: workspace.status(job)["state"] == "Complete", "the job")
    assert hook.got == []
    engine.kill()
    engine.communicate()
    # The attempt has no answer: it is made again.
    hook.release.set()
    engine = start(workspace)
    wait_for(lambda: len(hook.accepted()) >= len(WAY), "every transition")
    stop(engine)


HOOK = """#!/usr/bin/env python3
import json, os, pathlib, sys
event = json.load(sys.stdin)
here = pathlib.Path(sys.argv[1])
(here / event["id"]).write_text(json.dumps({"event": event, "environment": dict(os.environ)}))
sys.stderr.write("x" * 1000000)
sys.exit(0 if (here / "open").exists() else 5)
"""


def test_a_command_reads_the_notification(workspace):
    script, heard = workspace.write("hook.py", HOOK), workspace.directory / "heard"
    script.chmod(0o755)
    heard.mkdir()
    workspace.configure(f'[[notify]]\nname = "program"\ncommand = ["{script}", "{heard}"]\nstates = ["Complete"]\n')
    ran = workspace.run()
    [kept] = left(workspace)
    assert "ended with exit status: 5: xxx" in kept["last_error"] and len(kept["last_error"]) <= 500
    (heard / "open").touch()
    workspace.longshore("notifications", "--retry")
    assert workspace.longshore("start", "--until-idle").code == 0
    assert left(workspace) == []
    told = json.loads((heard / kept["id"]).read_text())
    assert told["event"]["data"]["serviceEventDetails"]["status"] == "Complete"
    assert told["environment"]["LONGSHORE_JOB"] == ran.job["id"]
    assert "TEST_SECRET" not in told["environment"]


def test_mistakes_in_the_configuration(workspace):
    workspace.configure("""
[[notify]]
name = "one"
url = "https://example.com/x"
[[notify]]
name = "one"
url = "https://example.com/x"
secret = "c2hvcnQ="
states = ["Completed"]
[[notify]]
name = "two"
command = ["x"]
url = "https://example.com/x"
""")
    refused = workspace.longshore("start", "--until-idle")
    assert refused.code == 2
    for said in ('a webhook needs a "secret"', 'there is a target "one" already', "base64 of 24 to 64 bytes",
                 'did you mean "Complete"?', 'either "url" and "secret", or "command"'):
        assert said in refused.err, refused.err
    assert "c2hvcnQ=" not in refused.err
