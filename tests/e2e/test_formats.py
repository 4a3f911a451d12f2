"""Lists of every format, most of them written by other programs: pyarrow and Python's own csv, gzip, bz2 and json."""

import bz2
import csv
import gzip
import hashlib
import io
import json
import subprocess

import pyarrow
import pyarrow.orc
import pyarrow.parquet
import pytest

KEYS = ["plain", "with space", "100%", "ünï/cödé", "comma,quote\"", "a+b"]
ENCODED = ["plain", "with%20space", "100%25", "%C3%BCn%C3%AF/c%C3%B6d%C3%A9", "comma%2Cquote%22", "a%2Bb"]


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox)


def job_of(workspace, manifest):
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\n{manifest}')


def rows_of(workspace, manifest, code=0):
    """Bucket, key and version of the report's rows."""
    job_of(workspace, manifest)
    result = workspace.run()
    assert result.code == code, result.out + result.err
    return [tuple(row[:3]) for row in workspace.rows(result.job)]


def fails(workspace, manifest, code, *words):
    job_of(workspace, manifest)
    result = workspace.run()
    assert result.code == 4, result.out + result.err
    assert result.job["failure_code"] == code, result.job
    assert all(word in result.job["failure_reason"] for word in words), result.job["failure_reason"]
    assert list((workspace.directory / "data" / "spools").iterdir()) == [], "the spool is left behind"


def table(keys=KEYS, **columns):
    return pyarrow.table({"bucket": ["b"] * len(keys), "key": keys, **columns})


def expected(keys=ENCODED):
    return [("b", key, "") for key in keys]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_raw_keys_by_python_s_csv(workspace, pack):
    text = io.StringIO()
    csv.writer(text).writerows([["bucket", "size", "key"], *(["b", "3", key] for key in KEYS)])
    workspace.write("list", pack(text.getvalue().encode()))
    assert rows_of(workspace, 'location = "list"\nheader = true\nkeys = "raw"\n') == expected(KEYS)


def test_json_lines(workspace):
    workspace.write("list", "".join(json.dumps({"Bucket": "b", "Key": key}) + "\n" for key in KEYS))
    assert rows_of(workspace, 'location = "list"\nformat = "JSONLines"\nkeys = "raw"\n') == expected(KEYS)


def test_parquet_and_orc_with_columns_of_any_name(workspace):
    mine = pyarrow.table({"s3_bucket": ["b"] * len(KEYS), "s3_key": KEYS, "size": range(len(KEYS))})
    pyarrow.parquet.write_table(mine, workspace.directory / "list.parquet", compression="zstd")
    pyarrow.orc.write_table(mine, workspace.directory / "list.orc", compression="zlib")
    fields = 'fields = [{ column = "s3_bucket", as = "Bucket" }, { column = "s3_key", as = "Key" }, { column = "size" }]\n'
    assert rows_of(workspace, f'location = "list.parquet"\nformat = "Parquet"\n{fields}') == expected()
    assert rows_of(workspace, f'location = "list.orc"\nformat = "ORC"\n{fields}') == expected()
    fails(workspace, 'location = "list.parquet"\nformat = "Parquet"\n', "InvalidManifestContent", "no column Bucket, Key")
    workspace.write("cut.parquet", (workspace.directory / "list.parquet").read_bytes()[:-9])
    fails(workspace, 'location = "cut.parquet"\nformat = "Parquet"\n', "InvalidManifestContent", "the Parquet file is damaged")


def inventory(name, data, file_format, schema):
    """`manifest.json` of an inventory with one data file."""
    return json.dumps({
        "sourceBucket": "b", "destinationBucket": "arn:aws:s3:::lists", "version": "2016-11-30",
        "creationTimestamp": "1514944800000", "fileFormat": file_format, "fileSchema": schema,
        "files": [{"key": name, "size": len(data), "MD5checksum": hashlib.md5(data).hexdigest()}],
    })


def csv_inventory():
    """All versions: one of them the null version, one a delete marker."""
    rows = [["b", key, f"v{number}", "true", "false", "3"] for number, key in enumerate(ENCODED)]
    rows += [["b", "null-version", "", "true", "false", "3"], ["b", "deleted", "d", "true", "true", ""]]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    data = gzip.compress(text.getvalue().encode())
    return data, inventory("inv/b/all/data/1.csv.gz", data, "CSV", "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size")


INVENTORY = 'format = "S3InventoryReport_CSV_20161130"\n'
VERSIONS = [("b", key, f"v{number}") for number, key in enumerate(ENCODED)] + [("b", "null-version", "null")]


def test_an_inventory_copied_to_this_machine(workspace):
    data, index = csv_inventory()
    workspace.write("copy/b/all/2026-01-01T00-00Z/manifest.json", index)
    location = f'location = "copy/b/all/2026-01-01T00-00Z/manifest.json"\n{INVENTORY}'
    fails(workspace, location, "ManifestNotReadable", "inv/b/all/data/1.csv.gz")
    workspace.write("copy/b/all/data/1.csv.gz", data)
    assert rows_of(workspace, location) == VERSIONS
    assert rows_of(workspace, location + 'delete-markers = "keep"\n') == [*VERSIONS, ("b", "deleted", "d")]
    workspace.write("copy/b/all/data/1.csv.gz", gzip.compress(gzip.decompress(data).replace(b"plain", b"other")))
    fails(workspace, location, "InvalidManifestContent", "manifest.json says its MD5 is")
    workspace.write("copy/b/all/data/1.csv.gz", data[:-20])
    fails(workspace, location, "InvalidManifestContent", "the gzip file is damaged")


def test_inventories_in_the_store(workspace, sandbox):
    client = sandbox.client()
    client.create_bucket(Bucket="lists")
    data, index = csv_inventory()
    client.put_object(Bucket="lists", Key="inv/b/all/data/1.csv.gz", Body=data)
    client.put_object(Bucket="lists", Key="inv/manifest.json", Body=index)
    assert rows_of(workspace, f'location = "s3://lists/inv/manifest.json"\n{INVENTORY}') == VERSIONS
    for file_format, write in (("Parquet", pyarrow.parquet.write_table), ("ORC", pyarrow.orc.write_table)):
        buffer = io.BytesIO()
        marked = table(version_id=["v"] * 5 + [None], is_delete_marker=[False] * 5 + [True])
        write(marked, buffer)
        client.put_object(Bucket="lists", Key="data", Body=buffer.getvalue())
        client.put_object(Bucket="lists", Key="index", Body=inventory("data", buffer.getvalue(), file_format, "its own"))
        assert rows_of(workspace, f'location = "s3://lists/index"\n{INVENTORY}') == [("b", key, "v") for key in ENCODED[:5]]


def test_a_large_object_is_read_in_ranges(workspace, sandbox):
    client = sandbox.client()
    client.create_bucket(Bucket="large")
    keys = [f"{number:07}-{'x' * 200}" for number in range(50_000)]
    client.put_object(Bucket="large", Key="list.csv", Body="".join(f"b,{key}\n" for key in keys))
    sandbox.clear_log()
    # Chunks are reported in the order in which they end.
    assert sorted(rows_of(workspace, 'location = "s3://large/list.csv"\nfields = ["Bucket", "Key"]\n')) == expected(keys)
    sent = [entry["method"] for entry in sandbox.log() if entry["bucket"] == "large"]
    assert sent == ["HEAD", "GET", "GET", "HEAD"]


def test_the_report_of_an_earlier_job(workspace):
    workspace.write("list.csv", "b,good\nb,100%\nb,also-good\n")
    job_of(workspace, 'location = "list.csv"\nfields = ["Bucket", "Key"]\non-bad-row = "skip"\n')
    first = workspace.run()
    assert first.code == 3 and (first.job["succeeded"], first.job["failed"]) == (2, 1), first.out
    [failed] = [row for row in workspace.rows(first.job) if row[3] == "failed"]
    assert failed[:2] == ["b", "100%"] and failed[4:6] == ["400", "InvalidManifestContent"], failed
    assert "row 2 (at byte 7)" in failed[6]
    report = f'location = "{first.job["report"]}"\nformat = "Report_CSV_20180820"\n'
    assert rows_of(workspace, report + 'rows = "succeeded"\n') == expected(["good", "also-good"])
    assert rows_of(workspace, report + 'keys = "raw"\n') == expected(["100%"])


def test_each_object_once(workspace):
    workspace.write("list.csv", "b,a%20b\nb,c\nb,a b\nb,c\nb,d\n")
    one = 'location = "list.csv"\nfields = ["Bucket", "Key"]\nunique = true\n'
    assert rows_of(workspace, one) == expected(["a%20b", "c", "d"])
    assert rows_of(workspace, one + "limit = 2\n") == expected(["a%20b", "c"])


def test_standard_input(workspace):
    job_of(workspace, 'location = "-"\nfields = ["Bucket", "Key"]\n')
    done = subprocess.run(**workspace.command("run", "--json", "job.toml"), input=b"b,k\n", capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    submitted = workspace.longshore("submit", "job.toml")
    assert submitted.code == 2 and "standard input" in submitted.err, submitted.err
