"""Requests as values, and the store of fixtures that answers them."""

import csv
import io
import zipfile

import pytest

import longshore
from longshore.testing import NOW, FakeStore, line


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def object(store):
    store.insert("b", "k", body=b"0123456789", etag='"e"', tags={"a": "b"}, content_type="text/plain")
    return store.object("b", "k")


def test_a_request_is_sent_by_send_alone(store, object):
    request = object.put_tags({"size": "large", "owner": "ann"})
    assert store.sent == []
    request.send()
    assert store.sent == ["PutObjectTagging s3://b/k tag=size=large tag=owner=ann"]
    assert object.get_tags().send().tags == {"size": "large", "owner": "ann"}


def test_a_setting_that_a_request_does_not_have_is_an_error_at_once(object):
    with pytest.raises(TypeError, match="head has no setting 'storage_class'; its settings: checksums, if_match"):
        object.head(storage_class="GLACIER")
    with pytest.raises(TypeError, match="delete_tags"):
        object.delete_tags(if_match="x")


def test_settings_without_a_value_are_left_out(object):
    assert line(object.put(b"x", content_type=None, tags={"a": "b"}).provisional()) == (
        "PutObject s3://b/k bytes=1 tags=a=b (provisional)")


def test_a_response_has_what_the_contract_has_and_no_more(object):
    response = object.head().send()
    assert (response.size, response.etag, response.tags, response.storage_class) == (10, '"e"', {"a": "b"}, None)
    with pytest.raises(AttributeError, match="siez"):
        response.siez  # noqa: B018


def test_errors_carry_the_stores_code(store):
    with pytest.raises(longshore.StoreError) as caught:
        store.object("b", "gone").get().send()
    assert (caught.value.code, caught.value.http_status) == ("NoSuchKey", 404)


def test_calls_fail_where_a_test_wants_it(store, object):
    store.fail("HeadObject", "SlowDown", 503)
    with pytest.raises(longshore.StoreError, match="SlowDown"):
        object.head().send()
    assert object.head().send().size == 10


def test_conditions_hold(object):
    with pytest.raises(longshore.StoreError, match="PreconditionFailed"):
        object.get(if_match='"other"').send()
    with pytest.raises(longshore.StoreError, match="PreconditionFailed"):
        object.put(b"", if_none_match="*").send()


def test_writes_and_copies_are_seen_by_later_reads(store, object):
    object.put(b"new", content_type="text/csv", user_metadata={"m": "1"}).send()
    object.copy_to("b", "other", storage_class="GLACIER", tags={"x": "y"}, tagging_directive="REPLACE").send()
    copy = store.object("b", "other").get().send()
    assert (copy.body, copy.content_type, copy.user_metadata) == (b"new", "text/csv", {"m": "1"})
    assert (copy.storage_class, copy.tags) == ("GLACIER", {"x": "y"})
    object.delete().send()
    assert ("b", "k") not in store.objects


def test_endpoints_answer(store, object):
    store.endpoint("upper", bytes.upper)
    assert object.invoke("upper", b"text").send().body == b"TEXT"


def test_a_reader_asks_for_ranges_of_one_version(store, object):
    assert object.reader(chunk_bytes=4).read() == b"0123456789"
    assert store.sent == ["GetObject s3://b/k range=(0, 3)"] + [
        f'GetObject s3://b/k range={range} if_match="e"' for range in ("(4, 7)", "(8, 11)")]


def test_a_reader_is_a_file(store):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("rows.csv", "a,b\n1,2\n")
    store.insert("b", "z.zip", body=archive.getvalue())
    with zipfile.ZipFile(store.object("b", "z.zip").reader(16)) as read, read.open("rows.csv") as rows:
        assert list(csv.reader(io.TextIOWrapper(rows))) == [["a", "b"], ["1", "2"]]


def test_a_reader_notices_a_change(object):
    reader = object.reader(chunk_bytes=4)
    assert reader.read(4) == b"0123"
    object.store.insert("b", "k", body=b"other", etag='"f"')
    with pytest.raises(longshore.StoreError, match="PreconditionFailed"):
        reader.read(1)


def test_an_empty_object_can_be_read(store):
    store.insert("b", "empty")
    assert store.object("b", "empty").reader().read() == b""
    reader = store.object("b", "empty").reader()
    assert (reader.seek(0, io.SEEK_END), reader.read(1)) == (0, b"")


def test_tasks_have_columns(store):
    task = store.task(attempt=2, columns={"owner": "ann"})
    assert (task.attempt, task.column("owner"), task.column("size"), task.now) == (2, "ann", None, NOW)


def test_uploads_become_objects_once_they_are_complete(store):
    large = store.object("b", "large")
    upload_id = large.create_upload(content_type="text/plain").send().upload_id
    large.upload_part(upload_id, 2, b"two").send()
    large.upload_part(upload_id, 1, b"one").send()
    assert store.objects == {}
    large.complete_upload(upload_id).send()
    assert (large.get().send().body, large.head().send().content_type) == (b"onetwo", "text/plain")
    with pytest.raises(longshore.StoreError, match="NoSuchUpload"):
        large.abort_upload(upload_id).send()
