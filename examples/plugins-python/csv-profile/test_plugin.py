import longshore
import pytest
from longshore.testing import FakeStore
from plugin import CsvProfile


@pytest.fixture
def store():
    return FakeStore()


def profile(store, body, **parameters):
    store.insert("b", "rows.csv", body=body, etag='"e"', tags={"owner": "ann"})
    return store.run(CsvProfile, parameters, "b", "rows.csv")


def test_rows_and_columns_become_tags_beside_those_that_are_there(store):
    assert profile(store, b'id,text\n1,"a\nb"\n2,\xc3\xbc\n') == longshore.done("2 rows")
    assert store.objects["b", "rows.csv"]["tags"] == {"owner": "ann", "rows": "2", "columns": "2"}


def test_an_empty_object_is_left_alone(store):
    assert profile(store, b"") == longshore.skipped("the object is empty")
    assert [line.split()[0] for line in store.sent] == ["GetObject"]


@pytest.mark.parametrize(("body", "parameters", "words"), [
    (b"id,text\n", {"columns": ["id", "owner"]}, "MissingColumn: the header has no column 'owner'"),
    (b"a,b\n1,2\n3\n", {}, "RaggedRow: line 3 has 1 fields; the header has 2"),
    (b"a,b\n", {"delimiter": ";", "columns": ["a"]}, "MissingColumn: the header has no column 'a'"),
])
def test_what_is_wrong_fails_the_task(store, body, parameters, words):
    with pytest.raises(longshore.Failure) as caught:
        profile(store, body, **parameters)
    assert str(caught.value) == words
    assert store.objects["b", "rows.csv"]["tags"] == {"owner": "ann"}


def test_the_plan_names_what_a_role_must_allow(store):
    assert store.plan(CsvProfile, {}, "b", "k") == [
        "GetObject s3://b/k", "GetObjectTagging s3://b/k", "PutObjectTagging s3://b/k (provisional)"]
