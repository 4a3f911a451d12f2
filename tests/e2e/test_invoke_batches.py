"""`batch-tasks` of an endpoint: a call has the tasks of several objects, and each has a result of its own."""

import collections
import urllib.parse

import pytest

from test_invoke import endpoint, lambda_at, run, webhook_at, workspace  # noqa: F401 (fixtures)

BATCHES = 'batch-tasks = 10\nbatch-wait = "1s"'


def name(task):
    return urllib.parse.unquote(task["s3Key"])


def answering(verdict_of, **more):
    """A function that looks at all tasks. What `verdict_of` says of a key is its code; None leaves it out of the answer."""

    def function(event, _):
        codes = [(task, verdict_of(name(task))) for task in event["tasks"]]
        results = [{"taskId": task["taskId"], "resultCode": code, "resultString": f"it is {name(task)}"} for task, code in codes if code]
        return {"invocationSchemaVersion": event["invocationSchemaVersion"], "invocationId": event["invocationId"],
                "treatMissingKeysAs": "PermanentFailure", "results": results, **more}

    return function


@pytest.mark.parametrize("kind", [lambda_at, webhook_at])
def test_calls_have_several_tasks_and_tasks_their_own_results(workspace, endpoint, kind):  # noqa: F811
    server = endpoint(answering(lambda key: "PermanentFailure" if key.startswith("bad") else "Succeeded"))
    keys = [f"good {number}" for number in range(90)] + [f"bad{number}" for number in range(10)]
    ended = run(workspace, keys, kind(server, more=BATCHES), concurrency=20)
    assert (ended.code, ended.job["succeeded"], ended.job["failures"]) == (3, 90, {"PermanentFailure": 10}), ended.err
    messages = {urllib.parse.unquote(key): outcome[3] for key, outcome in workspace.outcomes(ended.job).items()}
    assert messages == {key: f"it is {key}" for key in keys}
    events = server.events
    assert sorted(name(task) for event in events for task in event["tasks"]) == sorted(keys)
    assert max(len(event["tasks"]) for event in events) == 10 and len(events) <= 30, [len(event["tasks"]) for event in events]
    assert len({event["invocationId"] for event in events}) == len(events)


def test_what_the_answer_leaves_out_is_what_it_says(workspace, endpoint):  # noqa: F811
    server = endpoint(answering(lambda key: "Succeeded" if key == "named" else None))
    ended = run(workspace, ["named", "left out"], lambda_at(server, more=BATCHES))
    assert (ended.code, ended.job["failures"]) == (3, {"PermanentFailure": 1}), ended.err
    assert [len(event["tasks"]) for event in server.events] == [2]


def test_a_temporary_failure_comes_again_with_others(workspace, endpoint):  # noqa: F811
    seen = collections.Counter()

    def verdict_of(key):
        seen[key] += 1
        return "TemporaryFailure" if seen[key] == 1 else "Succeeded"

    server = endpoint(answering(verdict_of))
    ended = run(workspace, [f"k{number}" for number in range(10)], lambda_at(server, more=BATCHES))
    assert (ended.code, set(seen.values())) == (0, {2}), ended.err


def test_a_call_that_fails_fails_its_tasks(workspace, endpoint):  # noqa: F811
    def function(event, _):
        raise ValueError(f"{len(event['tasks'])} at once")

    server = endpoint(function)
    ended = run(workspace, ["a", "b", "c"], lambda_at(server, more=BATCHES), extra="failure-threshold.percent = 100")
    assert (ended.code, ended.job["failures"]) == (3, {"PermanentFailure": 3}), ended.err
    assert all("3 at once" in outcome[3] for outcome in workspace.outcomes(ended.job).values())


@pytest.mark.parametrize(("more", "words"), [
    ({"invocationId": "another"}, 'invocationId of the answer is "another"'), ({"results": 1}, "the answer is not one of schema 1.0")])
def test_an_answer_to_something_else_fails_each(workspace, endpoint, more, words):  # noqa: F811
    server = endpoint(answering(lambda key: "Succeeded", **more))
    ended = run(workspace, ["a", "b"], lambda_at(server, more=BATCHES), extra="failure-threshold.percent = 100")
    assert ended.job["failures"] == {"InvalidAnswer": 2}, ended.err
    assert all(words in outcome[3] for outcome in workspace.outcomes(ended.job).values())


def test_jobs_do_not_share_calls(workspace, endpoint):  # noqa: F811
    server = endpoint(answering(lambda key: "Succeeded"))
    config = lambda_at(server, more=BATCHES)
    first, second = run(workspace, ["a", "b"], config), run(workspace, ["a", "b"], config)
    assert (first.code, second.code) == (0, 0)
    assert [event["job"]["id"] for event in server.events] == [first.job["id"], second.job["id"]]


def test_bounds_of_the_settings(workspace):  # noqa: F811
    more = 'kind = "webhook"\nurl = "http://127.0.0.1:9"\nbatch-tasks = 1001\nbatch-wait = "1h"'
    workspace.configure(f"[endpoint.f]\n{more}\n")
    result = workspace.longshore("list")
    assert result.code == 2
    assert "batch-tasks" in result.err and "batch-wait" in result.err


def test_the_same_object_twice_is_in_two_calls(workspace, endpoint):  # noqa: F811
    server = endpoint(answering(lambda key: "Succeeded"))
    ended = run(workspace, ["a", "b", "a"], lambda_at(server, more=BATCHES))
    assert (ended.code, ended.job["succeeded"]) == (0, 3), ended.err
    assert all(len({task["taskId"] for task in event["tasks"]}) == len(event["tasks"]) for event in server.events)
