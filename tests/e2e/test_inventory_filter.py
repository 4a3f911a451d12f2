"""`where` on inventories: which rows pass is compared with the same conditions in Python, in all three file formats."""

import csv
import datetime
import gzip
import hashlib
import io
import itertools
import json
import re
import urllib.parse

import pyarrow
import pyarrow.orc
import pyarrow.parquet
import pytest

from harness import Workspace

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
COLUMNS = ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "ETag", "StorageClass",
           "ReplicationStatus", "EncryptionStatus"]
#: Name in Parquet and ORC files where that is not the CSV one in lower case.
SNAKE = {"VersionId": "version_id", "IsLatest": "is_latest", "IsDeleteMarker": "is_delete_marker", "LastModifiedDate": "last_modified_date",
         "ETag": "e_tag", "StorageClass": "storage_class", "ReplicationStatus": "replication_status", "EncryptionStatus": "encryption_status"}


def listed():
    """Rows of every kind, and a delete marker."""
    kinds = itertools.product([0, 10, 5_000_000], [1, 100], ["STANDARD", "GLACIER"], ["", "COMPLETED", "FAILED"], ["NOT-SSE", "SSE-S3", "SSE-KMS"])
    for number, (size, age, storage, replication, encryption) in enumerate(kinds):
        key = f"{['logs', 'größe & %'][number % 2]}/{number:03}.{['txt', 'jpg'][number % 3 == 0]}"
        yield ["b", key, f"v{number}", number % 5 != 0, False, size, NOW - age * DAY, f"{number:032x}", storage, replication, encryption]
    yield ["b", "logs/gone.txt", "gone", True, True, None, NOW - DAY, "", "", "", ""]


ROWS = list(listed())
#: `where` -> what it means, of a row as a dictionary.
FILTERS = {
    'prefixes = ["logs/"]': lambda row: row["Key"].startswith("logs/"),
    'substrings = ["ö"]\nsuffixes = [".jpg"]': lambda row: "ö" in row["Key"] and row["Key"].endswith(".jpg"),
    'size-greater-than = 10': lambda row: row["Size"] > 10,
    'size-less-than = "1 KiB"\nstorage-classes = ["GLACIER"]': lambda row: row["Size"] < 1024 and row["StorageClass"] == "GLACIER",
    'older-than = "90d"': lambda row: row["LastModifiedDate"] < NOW - 90 * DAY,
    f'created-after = "{(NOW - 2 * DAY).isoformat()}"': lambda row: row["LastModifiedDate"] > NOW - 2 * DAY,
    'replication-statuses = ["NONE", "FAILED"]': lambda row: row["ReplicationStatus"] in ("", "FAILED"),
    'encryption = ["SSE-KMS"]': lambda row: row["EncryptionStatus"] == "SSE-KMS",
    f'etags = ["\\"{7:032x}\\""]': lambda row: row["ETag"] == f"{7:032x}",
    'expression = "!is_latest && (size == 0 || key.endsWith(\'.jpg\'))"':
        lambda row: not row["IsLatest"] and (row["Size"] == 0 or row["Key"].endswith(".jpg")),
    'any = [{ glob = ["logs/*"] }, { not = { storage-classes = ["STANDARD"] } }]':
        lambda row: row["Key"].startswith("logs/") or row["StorageClass"] != "STANDARD",
}


@pytest.fixture(scope="module", params=["CSV", "Parquet", "ORC"])
def inventory(request, tmp_path_factory):
    """Where the `manifest.json` of an inventory is, and its format."""
    directory = tmp_path_factory.mktemp(request.param)
    return write_inventory(directory, request.param, ROWS), request.param


def write_inventory(directory, file_format, rows, columns=COLUMNS):
    data = {"CSV": csv_data, "Parquet": parquet_data, "ORC": orc_data}[file_format](rows, columns)
    (directory / "data").mkdir()
    (directory / "data/1").write_bytes(data)
    index = {
        "sourceBucket": "b", "destinationBucket": "arn:aws:s3:::lists", "version": "2016-11-30", "creationTimestamp": "1514944800000",
        "fileFormat": file_format, "fileSchema": ", ".join(columns),
        "files": [{"key": "data/1", "size": len(data), "MD5checksum": hashlib.md5(data).hexdigest()}],
    }
    (directory / "manifest.json").write_text(json.dumps(index))
    return directory / "manifest.json"


def csv_data(rows, columns):
    def cell(column, value):
        match value:
            case bool(): return str(value).lower()
            case None: return ""
            case datetime.datetime(): return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return encoded(value) if column == "Key" else value

    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([[cell(column, value) for column, value in zip(columns, row)] for row in rows])
    return gzip.compress(text.getvalue().encode())


def encoded(key):
    return urllib.parse.quote(key, safe="/-._~")


def table(rows, columns):
    return pyarrow.table({SNAKE.get(column, column.lower()): [row[place] for row in rows] for place, column in enumerate(columns)})


def parquet_data(rows, columns):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table(rows, columns), buffer)
    return buffer.getvalue()


def orc_data(rows, columns):
    buffer = io.BytesIO()
    pyarrow.orc.write_table(table(rows, columns), buffer)
    return buffer.getvalue()


def passing(meant):
    rows = [dict(zip(COLUMNS, row)) for row in ROWS]
    return [row["VersionId"] for row in rows if not row["IsDeleteMarker"] and meant(row)]


@pytest.fixture
def workspace(tmp_path, sandbox):
    return Workspace(tmp_path, sandbox)


def converted(workspace, manifest, where, *options):
    target = workspace.directory / "out.jsonl"
    done = workspace.longshore("manifest", "convert", "--where", where, *options, manifest, target)
    assert done.code == 0, done.err
    return [json.loads(line) for line in target.read_text().splitlines()]


# Without the time: those who collect the tests together must agree on their names.
@pytest.mark.parametrize("where", FILTERS, ids=[re.sub(r'"\d{4}-[^"]+"', "TIME", where) for where in FILTERS])
def test_the_rows_that_pass_are_those_that_the_columns_say(workspace, inventory, where):
    expected = passing(FILTERS[where])
    assert 0 < len(expected) < len(ROWS) - 1, "the condition parts the rows"
    found = converted(workspace, inventory[0], where)
    assert [row["VersionId"] for row in found] == expected
    keys = {row[2]: row[1] for row in ROWS}
    assert all(urllib.parse.unquote(row["Key"]) == keys[row["VersionId"]] for row in found)


def write_job(workspace, manifest, keys):
    workspace.write("job.toml", f'''
role = "tester"
operation = {{ name = "noop" }}
report = {{ location = "reports" }}
[manifest]
location = "{manifest}"
format = "S3InventoryReport_CSV_20161130"
{keys}
''')


def test_a_job_gets_the_rows_and_the_columns_that_it_asks_for(workspace, inventory):
    """The columns stand in another order than in the file, one of them is asked by the filter, too, and one is not."""
    columns = 'fields = [{ column = "StorageClass" }, { column = "Size" }]'
    write_job(workspace, inventory[0], f'{columns}\nwhere = {{ size-greater-than = 10, encryption = ["SSE-S3"] }}')
    ran = workspace.run()
    assert ran.code == 0, ran.err
    expected = passing(lambda row: row["Size"] > 10 and row["EncryptionStatus"] == "SSE-S3")
    assert sorted(row[2] for row in workspace.rows(ran.job)) == sorted(expected)


def test_columns_reach_the_operation_in_the_order_of_the_job(workspace, inventory):
    found = converted(workspace, inventory[0], 'etags = ["' + f"{7:032x}" + '"]', "--fields", "StorageClass,Size")
    row = dict(zip(COLUMNS, ROWS[7]))
    assert [(row["StorageClass"], str(row["Size"]))] == [(line["StorageClass"], line["Size"]) for line in found]


def test_delete_markers_that_are_kept_are_asked_for_their_key_and_time(workspace, inventory):
    found = converted(workspace, inventory[0], 'newer-than = "2d"\nprefixes = ["logs/gone"]', "--delete-markers", "keep")
    assert [row["VersionId"] for row in found] == ["gone"]


def test_what_no_row_passes_is_no_manifest(workspace, inventory):
    write_job(workspace, inventory[0], 'where = { prefixes = ["nowhere/"] }')
    ran = workspace.longshore("run", "job.toml")
    assert ran.code != 0
    assert 'what "where" leaves out is not there' in ran.err


@pytest.mark.parametrize(("keys", "says"), [
    ('where = { tags = { class = "cold" } }', '"where" asks for the tags, which no column of an inventory tells'),
    ('where = { size-greater-than = 1 }\ndelete-markers = "keep"', '"where" asks for the size, which delete markers do not have'),
    ('where = { size-greater-then = 1 }', 'did you mean "size-greater-than"?'),
])
def test_what_an_inventory_cannot_tell_is_refused_before_anything_runs(workspace, keys, says):
    write_job(workspace, "manifest.json", keys)
    refused = workspace.longshore("validate", "job.toml")
    assert refused.code == 2, refused.err
    assert says in refused.err


def test_where_is_for_inventories(workspace):
    workspace.write("list.csv", "b,one\n")
    refused = workspace.longshore("manifest", "convert", "--where", 'prefixes = ["a"]', "list.csv", "out.jsonl")
    assert refused.code == 2
    assert "--where has no meaning for a list of the format S3BatchOperations_CSV_20180820" in refused.err


def test_a_column_that_is_missing_is_named(workspace, tmp_path):
    (tmp_path / "short").mkdir()
    manifest = write_inventory(tmp_path / "short", "CSV", [["b", "one"]], ["Bucket", "Key"])
    refused = workspace.longshore("manifest", "convert", "--where", "size-greater-than = 1", manifest, "out.jsonl")
    assert refused.code == 2
    assert "`where` asks for the size, and the inventory has no column for that (Size); it has: Bucket, Key" in refused.err


def test_a_cell_that_does_not_tell_is_named(workspace, tmp_path):
    (tmp_path / "odd").mkdir()
    manifest = write_inventory(tmp_path / "odd", "CSV", [["b", "one", 3], ["b", "two", "many"]], ["Bucket", "Key", "Size"])
    refused = workspace.longshore("manifest", "convert", "--where", "size-greater-than = 1", manifest, "out.jsonl")
    assert refused.code == 2
    assert 'row 2: `where` asks for the size, which Size "many" does not tell' in refused.err
