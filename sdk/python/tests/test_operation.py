"""Operations: what they say of themselves, how their tasks end."""

import json
from dataclasses import dataclass

import pytest

import longshore
from longshore.operation import configure, describe, failure_of
from longshore.testing import FakeStore


class MarkLarge(longshore.Operation):
    """Tags large objects with size=large.

    More about it."""

    name = "mark-large"
    version = "1.2.3"
    actions = ["s3:GetObject"]

    @dataclass
    class Parameters:
        min_bytes: int

    def setup(self):
        if self.parameters.min_bytes < 0:
            raise ValueError("min-bytes: use 0 or more")

    def plan(self, object, task):
        return [object.head(), object.put_tags({"size": "large"}).provisional()]

    def run(self, object, task):
        size = object.head().send().size
        if size < self.parameters.min_bytes:
            return longshore.skipped(f"{size} bytes")
        object.put_tags({"size": "large"}).send()


class Bare(longshore.Operation):
    name = "bare"
    version = "0.1.0"


def test_it_describes_itself():
    description = describe(MarkLarge)
    assert json.loads(description.pop("parameters"))["required"] == ["min-bytes"]
    assert description == {"name": "mark-large", "version": "1.2.3", "actions": ["s3:GetObject"],
                           "summary": "Tags large objects with size=large."}
    assert json.loads(describe(Bare)["parameters"])["properties"] == {}


def test_it_runs_and_plans():
    store = FakeStore()
    store.insert("b", "large", size=100)
    store.insert("b", "small", size=99)
    assert store.run(MarkLarge, {"min-bytes": 100}, "b", "large") is None
    assert store.run(MarkLarge, {"min-bytes": 100}, "b", "small") == longshore.skipped("99 bytes")
    assert store.plan(MarkLarge, {"min-bytes": 1}, "b", "large") == [
        "HeadObject s3://b/large", "PutObjectTagging s3://b/large tag=size=large (provisional)"]


def test_it_may_refuse_parameters():
    with pytest.raises(ValueError, match="use 0 or more"):
        configure(MarkLarge, {"min-bytes": -1})


@pytest.mark.parametrize(("error", "code", "message", "status"), [
    (longshore.StoreError("NoSuchKey", "gone", 404), "NoSuchKey", "gone", 404),
    (longshore.Failure("BadRow", "row 3"), "BadRow", "row 3", None),
    (ValueError("five"), "UncaughtException", "ValueError: five", None),
    (KeyboardInterrupt(), "UncaughtException", "KeyboardInterrupt", None),
])
def test_an_exception_becomes_a_failure(error, code, message, status):
    failure = failure_of(error)
    assert (failure.code, failure.message, failure.http_status) == (code, message, status)


def test_an_uncaught_exception_says_where_it_was_raised():
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    assert failure_of(caught.value).message.startswith("ZeroDivisionError: division by zero (")
    assert "test_operation.py:" in failure_of(caught.value).message
