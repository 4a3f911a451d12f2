"""Unit tests: the operation runs against a store of fixtures, without an engine."""

import longshore
import pytest
from longshore.testing import FakeStore
from plugin import MyOperation


@pytest.fixture
def store():
    store = FakeStore()
    store.insert("b", "small", size=99)
    store.insert("b", "large", size=100)
    return store


def test_only_large_objects_are_tagged(store):
    assert store.run(MyOperation, {"min-bytes": 100}, "b", "small") == longshore.skipped("99 bytes")
    assert store.run(MyOperation, {"min-bytes": 100}, "b", "large") == longshore.done("100 bytes")
    assert store.sent == ["HeadObject s3://b/small", "HeadObject s3://b/large", "PutObjectTagging s3://b/large tag=size=large"]


def test_the_plan_is_what_it_sends(store):
    assert store.plan(MyOperation, {"min-bytes": 100}, "b", "large") == [
        "HeadObject s3://b/large", "PutObjectTagging s3://b/large tag=size=large"]


def test_the_stores_errors_fail_the_task(store):
    with pytest.raises(longshore.StoreError, match="NoSuchKey"):
        store.run(MyOperation, {"min-bytes": 100}, "b", "gone")
