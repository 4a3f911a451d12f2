"""Writes the lists of this directory: `make.py [DIRECTORY]`, by default the one it stands in.

`index.toml` says of each what comes of it. `plain` are the same bytes everywhere; what `packed` writes depends on the versions
of zlib, zstd, Arrow, Parquet and ORC, and is the same list.
"""

import bz2
import csv
import datetime
import decimal
import gzip
import hashlib
import io
import json
import lzma
import sys
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.orc
import pyarrow.parquet

KEYS = ["plain", "with space", "100%", "ünï/cödé", 'comma,quote"', "a+b", "🚢"]
ENCODED = ["plain", "with%20space", "100%25", "%C3%BCn%C3%AF/c%C3%B6d%C3%A9", "comma%2Cquote%22", "a%2Bb", "%F0%9F%9A%A2"]
ROWS = [("b", key) for key in ENCODED]
MANY = "".join(f"b,photos/2026/{number:04}.jpg\n" for number in range(1500)).encode()


def lines(rows, quoting=csv.QUOTE_MINIMAL, end="\n", delimiter=","):
    """Rows by Python's own csv."""
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator=end, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


def gz(data):
    return gzip.compress(data, mtime=0)


def zst(data):
    return pyarrow.compress(data, codec="zstd", asbytes=True)


def zipped(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("list.csv"), data)
    return buffer.getvalue()


def damaged(data, at):
    """One bit is another."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def plain():
    """Name -> bytes of the lists that are text, and of a few that are damaged by hand."""
    return {f"csv/{name}": data for name, data in csv_lists().items()} \
        | {f"jsonl/{name}": data for name, data in json_lists().items()} \
        | {f"report/{name}": data for name, data in reports().items()} \
        | {f"inventory/{name}/manifest.json": data for name, data in plain_inventories().items()}


def csv_lists():
    two = b"b,one\nb,two\n"
    return good_csv(two) | bad_csv(two)


def good_csv(two):
    return {
        "amazon.csv": lines(ROWS),
        "crlf.csv": lines(ROWS, end="\r\n"),
        "cr.csv": lines(ROWS, end="\r"),
        "no-last-line-end.csv": two[:-1],
        "quoted.csv": lines(ROWS, quoting=csv.QUOTE_ALL),
        "odd-quotes.csv": b'b,in"side\n"b",tail"s\nb,"a""b"c\nb,"line\nend"\n',
        "raw.csv": lines([("b", key) for key in KEYS]),
        "versions.csv": b"b,one,v1\nb,two,null\nb,three,3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo\n",
        "empty-version.csv": b"b,one,v1\nb,two,\n",
        "named.csv": lines([("size", "VERSION_ID", "key", "Bucket"), ("3", "v1", "one", "b"), ("4", "null", "two", "b")]),
        "own-names.csv": lines([("s3_bucket", "s3_key"), *ROWS]),
        "tabs.tsv": lines([("b", key) for key in KEYS], delimiter="\t"),
        "semicolons.csv": lines(ROWS, delimiter=";"),
        "keys-only.txt": "".join(f"{key}\n" for key in ENCODED).encode(),
        "any-order.csv": b"x,v1,one,,b\n\xff,null,two,y,b\n",
        "columns.csv": 'ann,b,one,"3, or 4"\nünï,b,two,\n'.encode(),
        "column-of-1024-bytes.csv": b"b,one," + b"c" * 1024 + b"\n",
        "key-of-1024-bytes.csv": b"b," + b"k" * 1024 + b"\n",
        "key-of-1024-encoded-bytes.csv": b"b," + b"%C3%A9" * 512 + b"\n",
        "row-of-65536-bytes.csv": b"b,one," + b"x" * (65536 - 6) + b"\n",
        "old-bucket-names.csv": b"My_Bucket,one\n192.168.5.4,two\nab,three\n",
        "twice.csv": b"b,a%20b\nb,c\nb,a b\nc,c\nb,c\n",
        "some-bad.csv": b"b,one\nb\nb,100%\nb,two\n,three\n",
        "header-is-an-object.csv": b"b,one\nBucket,Key\n",
        "dot-keys.csv": b"b,../up\nb,./here\nb,a//b\nb,/\n",
    }


def bad_csv(two):
    good = two * 3
    return {
        "empty.csv": b"",
        "only-header.csv": b"Bucket,Key\n",
        "header.csv": b"Bucket,Key\n" + two,
        "header-in-other-order.csv": b"key,bucket\none,b\n",
        "header-with-more.csv": b'"bucket","key","size"\nb,one,3\n',
        "header-version.csv": b"bucket,key,version_id\nb,one,v1\n",
        "header-without-key.csv": b"Bucket,Size\nb,3\n",
        "header-with-key-twice.csv": b"Bucket,Key,key\nb,one,two\n",
        "byte-order-mark.csv": b"\xef\xbb\xbf" + two,
        "utf-16.csv": two.decode().encode("utf-16"),
        "utf-16-without-mark.csv": two.decode().encode("utf-16-le"),
        "latin-1.csv": b"b,one\nb,caf\xe9\n",
        "empty-line.csv": b"b,one\n\nb,two\n",
        "empty-last-line.csv": two + b"\n",
        "blank-line.csv": b"b,one\n  \nb,two\n",
        "too-few-columns.csv": good + b"b\n" + two,
        "too-many-columns.csv": good + b"b,comma,in-key\n",
        "comma-in-the-last-row.csv": good + b"b,one,\n",
        "percent.csv": good + b"b,100%\n",
        "percent-and-one-digit.csv": good + b"b,a%2\n",
        "percent-and-letters.csv": good + b"b,50%zz\n",
        "encoded-latin-1.csv": good + b"b,caf%E9\n",
        "nul.csv": good + b"b,a\0b\n",
        "encoded-nul.csv": good + b"b,a%00b\n",
        "only-nul.csv": b"\0" * 600,
        "key-of-1025-bytes.csv": good + b"b," + b"k" * 1025 + b"\n",
        "key-of-1026-encoded-bytes.csv": good + b"b," + b"%C3%A9" * 513 + b"\n",
        "no-key.csv": good + b"b,\n",
        "no-bucket.csv": good + b",one\n",
        "bucket-with-slash.csv": good + b"a/b,one\n",
        "bucket-as-uri.csv": good + b"s3://b,one\n",
        "bucket-with-space.csv": good + b" b,one\n",
        "bucket-too-long.csv": good + b"b" * 256 + b",one\n",
        "columns-in-other-order.csv": b"photos/one.jpg,b\n",
        "version-with-tab.csv": b"b,one,v1\nb,two,v\t2\n",
        "version-of-1025-bytes.csv": b"b,one," + b"v" * 1025 + b"\n",
        "version-latin-1.csv": b"b,one,\xe9\n",
        "column-of-1025-bytes.csv": b"b,one," + b"c" * 1025 + b"\n",
        "column-latin-1.csv": b"b,one,caf\xe9\n",
        "open-quote.csv": good + b'b,"one\nb,two\n',
        "row-of-65537-bytes.csv": b"b,one," + b"x" * (65537 - 6) + b"\n",
        "row-without-end.csv": good + b"b," + b"k" * 70_000,
        "uris.txt": b"s3://b/one\ns3://b/two\n",
        "object-listing.txt": b"2026-01-02 03:04:05       1234 photos/one.jpg\n",
    }


def json_lines(objects):
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects).encode()


def json_lists():
    one = json_lines([{"Bucket": "b", "Key": "one"}])
    return {
        "plain.jsonl": json_lines({"Bucket": "b", "Key": key} for key in KEYS),
        "escapes.jsonl": "".join(json.dumps({"Bucket": "b", "Key": key}) + "\r\n" for key in KEYS).encode(),
        "versions.jsonl": json_lines([{"Key": "one", "Bucket": "b", "VersionId": "v"}, {"Key": "two", "Bucket": "b"},
                                      {"Key": "three", "Bucket": "b", "VersionId": None}]),
        "columns.jsonl": json_lines([{"bucket": "b", "name": "one", "size": 3, "more": {"a": [1]}},
                                     {"bucket": "b", "name": "two", "size": None}, {"name": "three", "bucket": "b"}]),
        "empty.jsonl": b"",
        "empty-line.jsonl": one + b"\n" + one,
        "byte-order-mark.jsonl": b"\xef\xbb\xbf" + one,
        "array.json": json.dumps([{"Bucket": "b", "Key": "one"}]).encode(),
        "pretty.json": json.dumps({"Bucket": "b", "Key": "one"}, indent=2).encode(),
        "cut.jsonl": one + one[:-10],
        "two-in-a-line.jsonl": one[:-1] + one,
        "no-key.jsonl": one + json_lines([{"Bucket": "b", "key": "one"}]),
        "null-key.jsonl": one + json_lines([{"Bucket": "b", "Key": None}]),
        "number-key.jsonl": one + json_lines([{"Bucket": "b", "Key": 3}]),
        "empty-key.jsonl": one + json_lines([{"Bucket": "b", "Key": ""}]),
        "null-version.jsonl": one + json_lines([{"Bucket": "b", "Key": "one", "VersionId": None}]),
        "nul.jsonl": one + json_lines([{"Bucket": "b", "Key": "a\0b"}]),
        "lone-surrogate.jsonl": one + b'{"Bucket":"b","Key":"\\ud800"}\n',
        "latin-1.jsonl": one + b'{"Bucket":"b","Key":"caf\xe9"}\n',
        "percent.jsonl": one + json_lines([{"Bucket": "b", "Key": "100%"}]),
        "line-of-70000-bytes.jsonl": one + json_lines([{"Bucket": "b", "Key": "k" * 70_000}]),
    }


RESULTS = {
    "succeeded": lines([("b", "one", "", "succeeded", "200", "", "Successful"), ("b", "two", "v2", "succeeded", "200", "", "")]),
    "failed": lines([("b", "a%20b", "", "failed", "403", "AccessDenied", "Access denied"),
                     ("b", "four", "v4", "failed", "404", "NoSuchKey", 'no "such", key')]),
}


def report_index(results, **sums):
    files = [{"TaskExecutionStatus": status, "Bucket": "reports", "MD5Checksum": sums.get(status, md5(RESULTS[status])),
              "Key": f"jobs/job-1/results/{status}.csv"} for status in results]
    return json.dumps({"Format": "Report_CSV_20180820", "ReportCreationDate": "2026-01-02T03:04:05Z", "Results": files,
                       "ReportSchema": "Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage"}).encode()


def reports():
    files = {f"results/{status}.csv": data for status, data in RESULTS.items()}
    return files | {
        "manifest.json": report_index(["succeeded", "failed"]),
        "none-failed.json": report_index(["succeeded"]),
        "wrong-md5.json": report_index(["succeeded", "failed"], failed=md5(b"another")),
        "not-json.json": b"Bucket,Key\n",
        "results/both.csv": RESULTS["succeeded"] + RESULTS["failed"],
        "results/list.csv": b"b,one\n",
    }


def md5(data):
    return hashlib.md5(data).hexdigest()


def inventory(files, file_format="CSV", schema="Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size", **more):
    """`manifest.json` of an inventory with these data files: (key, bytes) each."""
    files = [{"key": key, "size": len(data), "MD5checksum": md5(data)} for key, data in files]
    return json.dumps({
        "sourceBucket": "b", "destinationBucket": "arn:aws:s3:::lists", "version": "2016-11-30",
        "creationTimestamp": "1514944800000", "fileFormat": file_format, "fileSchema": schema, "files": files, **more,
    }, indent=2).encode()


def plain_inventories():
    """Those that have no data files that they could need."""
    absent = [("inv/b/data/absent.csv.gz", b"absent")]
    return {
        "missing-file": inventory(absent),
        "no-files": inventory([]),
        "no-key-column": inventory([("inv/no-key-column/data/1.csv", b"b,one\n")], schema="Bucket, Size"),
        "unknown-format": inventory(absent, "Avro"),
        "not-json": b"Bucket,Key\n",
        "of-a-report": report_index(["failed"]),
        "bad-md5": inventory([]).replace(b'"files": []', b'"files": [{"key": "k", "size": 1, "MD5checksum": "none"}]'),
    }


VERSIONS = [("b", key, f"v{number}", "true", "false", "3") for number, key in enumerate(ENCODED)] \
    + [("b", "null-version", "", "true", "false", "4"), ("b", "deleted", "d", "true", "true", "")]
CURRENT = "Bucket, Key, Size"


def csv_inventories():
    every, current = lines(VERSIONS, csv.QUOTE_ALL), lines([("b", key, "3") for key in ENCODED], csv.QUOTE_ALL)
    packed = gz(every)
    found = {
        "all-versions": ({"data/1.csv.gz": packed}, {}, {}),
        "current": ({"data/1.csv.gz": gz(current)}, {}, dict(schema=CURRENT)),
        "two-files": ({"data/1.csv.gz": gz(b'"b","one","3"\n'), "data/2.csv.gz": gz(b'"b","two","4"\n')}, {}, dict(schema=CURRENT)),
        "an-empty-file": ({"data/1.csv.gz": gz(b""), "data/2.csv.gz": gz(b'"b","two","4"\n')}, {}, dict(schema=CURRENT)),
        "only-empty-files": ({"data/1.csv.gz": gz(b"")}, {}, dict(schema=CURRENT)),
        "only-delete-markers": ({"data/1.csv.gz": gz(lines(VERSIONS[-1:]))}, {}, {}),
        "wrong-md5": ({"data/1.csv.gz": damaged(packed, 4)}, {"data/1.csv.gz": packed}, {}),
        "cut": ({"data/1.csv.gz": packed[:-20]}, {"data/1.csv.gz": packed}, {}),
        "damaged-when-made": ({"data/1.csv.gz": packed[:-20]}, {}, {}),
        "bad-row": ({"data/1.csv.gz": gz(b'"b","one","3"\n"b","100%","3"\n')}, {}, dict(schema=CURRENT)),
    }
    for name, (files, told, more) in found.items():
        index = inventory([(f"inv/{name}/{file}", told.get(file, data)) for file, data in files.items()], **more)
        yield f"inventory/{name}/manifest.json", index
        yield from ((f"inventory/{name}/{file}", data) for file, data in files.items())
    yield "inventory/no-key-column/data/1.csv", b"b,one\n"
    # The MD5 is right and the size is not: nothing writes such a thing, and yet it is checked.
    index = inventory([("inv/wrong-size/data/1.csv.gz", packed)]).replace(f": {len(packed)},".encode(), b": 7,")
    yield "inventory/wrong-size/manifest.json", index
    yield "inventory/wrong-size/data/1.csv.gz", packed


def table(keys=KEYS, **columns):
    return pyarrow.table({"bucket": pyarrow.array(["b"] * len(keys), pyarrow.string()), "key": keys, **columns})


def tables():
    """Name -> table, each written as Parquet and as ORC."""
    three = ["one", "two", "three"]
    return {
        "plain": table(),
        "versions": table(three, version_id=["v1", None, ""]),
        "binary": table([key.encode() for key in KEYS]),
        "own-names": pyarrow.table({"size": [1, 2, 3], "s3_key": three, "s3_bucket": ["b"] * 3}),
        "nested": pyarrow.table({"object": [{"bucket": "b", "key": key} for key in three], "bucket": ["b"] * 3}),
        "empty": table(pyarrow.array([], pyarrow.string())),
        "no-columns": pyarrow.table({"size": [1, 2]}),
        "null-key": table(["one", None, "three"]),
        "null-bucket": pyarrow.table({"bucket": ["b", None], "key": ["one", "two"]}),
        "number-key": pyarrow.table({"bucket": ["b"], "key": [3]}),
        "list-key": pyarrow.table({"bucket": ["b"], "key": [["one", "two"]]}),
        "latin-1": table([b"one", b"caf\xe9"]),
        "long-key": table(["one", "k" * 1025]),
        "column-types": table(
            three, text=["x", None, "z"], number=[1, None, -3], flag=[True, False, None], ratio=[0.5, None, 2.0],
            time=[datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, datetime.UTC), None, datetime.datetime(1969, 12, 31, tzinfo=datetime.UTC)],
            day=[datetime.date(2026, 1, 2), None, datetime.date(1969, 12, 31)],
            price=[decimal.Decimal("1.50"), None, decimal.Decimal("-0.05")], tags=[["a"], None, []]),
    }


def written(tables, name, write, **options):
    buffer = io.BytesIO()
    write(tables[name], buffer, **options)
    return buffer.getvalue()


def columnar():
    every = tables()
    marked = table(["one", "two", "three", "gone"], version_id=["v1", "v2", None, "d"],
                   is_delete_marker=[False, False, None, True], size=[1, 2, 3, None])
    for kind, write in (("parquet", pyarrow.parquet.write_table), ("orc", pyarrow.orc.write_table)):
        for name in every:
            yield f"{kind}/{name}.{kind}", written(every, name, write)
        whole = written(every, "plain", write)
        yield f"{kind}/cut.{kind}", whole[:-9]
        yield f"{kind}/zstd.{kind}", written(every, "plain", write, compression="zstd")
        yield f"csv/is-{kind}.csv", whole
        data = written({"marked": marked}, "marked", write)
        shown = {"parquet": "Parquet", "orc": "ORC"}[kind]
        yield f"inventory/{kind}/manifest.json", inventory([(f"inv/{kind}/data/1.{kind}", data)], shown, "in its own words")
        yield f"inventory/{kind}/data/1.{kind}", data
    yield "parquet/gzip.parquet", written(every, "plain", pyarrow.parquet.write_table, compression="gzip")
    yield "parquet/brotli.parquet", written(every, "plain", pyarrow.parquet.write_table, compression="brotli")
    groups = table([f"key-{number}" for number in range(10)])
    yield "parquet/row-groups.parquet", written({"groups": groups}, "groups", pyarrow.parquet.write_table, row_group_size=3)
    large = pyarrow.table({"bucket": pyarrow.array(["b"] * 2, pyarrow.large_string()), "key": pyarrow.array(["one", "two"], pyarrow.large_string())})
    yield "parquet/large-strings.parquet", written({"large": large}, "large", pyarrow.parquet.write_table, use_dictionary=False)
    for kind in ("parquet", "orc"):
        yield f"{kind}/is-csv.{kind}", b"b,one\n"
        yield f"{kind}/is-gzip.{kind}.gz", gz(b"packed")
    yield "parquet/is-orc.parquet", written(every, "plain", pyarrow.orc.write_table)
    for codec in ("snappy", "lz4"):
        yield f"orc/{codec}.orc", written(every, "plain", pyarrow.orc.write_table, compression=codec)


def packed():
    """Name -> bytes of what is compressed or columnar, and of the indexes that say their MD5."""
    text = lines(ROWS)
    files = {
        "csv/gzip.csv.gz": gz(text),
        "csv/gzip-by-content.csv": gz(text),
        "csv/gzip-members.csv.gz": gz(b"b,one\nb,t") + gz(b"wo\n"),
        "csv/zstd.csv.zst": zst(text),
        "csv/zstd-frames.csv.zst": zst(b"b,one\n") + zst(b"b,two\n"),
        "csv/bzip2.csv.bz2": bz2.compress(text),
        "csv/gzip-of-nothing.csv.gz": gz(b""),
        "csv/gzip-of-bad-row.csv.gz": gz(MANY + b"b\n"),
        "csv/cut.csv.gz": gz(MANY)[:-40],
        "csv/cut-in-header.csv.gz": gz(MANY)[:9],
        "csv/cut.csv.zst": zst(MANY)[:-40],
        "csv/cut.csv.bz2": bz2.compress(MANY)[:-40],
        "csv/wrong-crc.csv.gz": damaged(gz(MANY), -8),
        "csv/garbage-behind.csv.gz": gz(text) + b"garbage",
        "csv/xz.csv.xz": lzma.compress(text),
        "csv/zip.zip": zipped(text),
        "jsonl/gzip.jsonl.gz": gz(json_lines({"Bucket": "b", "Key": key} for key in KEYS)),
    }
    return files | dict(csv_inventories()) | dict(columnar())


def write(directory):
    """Writes all of them."""
    for name, data in (plain() | packed()).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
