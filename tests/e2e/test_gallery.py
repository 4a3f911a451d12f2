"""The gallery of custom operations (examples/plugins), run by the real binary on real objects; and its page."""

import gzip
import io
import json
import os
import re
import shutil
import struct
import zlib

import pyarrow
import pytest

from harness import ROOT, TARGET
from test_operations_page import table_of

MODULES = TARGET / "wasm/wasm32-unknown-unknown/release"
GALLERY = sorted(path.parent.name for path in (ROOT / "examples/plugins").glob("*/job.toml"))
PAGE = ROOT / "docs/plugin-gallery.md"
MIB = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def module_of(name):
    """The build compiles them there, for a test of engine/builtins that `make test` runs before these."""
    module = MODULES / f"longshore_example_{name.replace('-', '_')}.wasm"
    assert module.exists(), "the example plugins are not built: run 'cargo test -p longshore-builtins'"
    return module


@pytest.fixture
def job_of(bucket, workspace):
    """Writes a job that runs an operation of the gallery on objects of the bucket."""

    def make(name, keys, parameters, **more):
        shutil.copy(module_of(name), workspace.directory / f"{name}.wasm")
        workspace.manifest(bucket, keys, **more)
        workspace.job(f'plugin = "{name}.wasm"', parameters)

    return make


@pytest.fixture
def client(sandbox):
    return sandbox.client()


def state_of(client, bucket):
    """What a bucket holds: key -> bytes, headers, metadata, tags."""
    found = {}
    for listed in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        key = listed["Key"]
        head = client.head_object(Bucket=bucket, Key=key)
        tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        found[key] = {
            "etag": listed["ETag"], "type": head["ContentType"], "encoding": head.get("ContentEncoding"), "class": head.get("StorageClass"),
            "metadata": head["Metadata"], "tags": {tag["Key"]: tag["Value"] for tag in tags}}
    return found


def body_of(client, bucket, key):
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


# fix-content-type


def test_content_types_are_mended_and_nothing_else(sandbox, client, bucket, workspace, job_of):
    keys = sandbox.odd_keys
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=PNG + b"\0\0\0\rIHDR", Metadata={"owner": "ann"}, Tagging="team=a",
                          StorageClass="STANDARD_IA", CacheControl="no-cache", ContentType="binary/octet-stream")
    before = state_of(client, bucket)
    job_of("fix-content-type", keys, {})
    workspace.run_twice(lambda: state_of(client, bucket))
    assert state_of(client, bucket) == {key: {**was, "type": "image/png"} for key, was in before.items()}
    assert client.head_object(Bucket=bucket, Key=keys[0])["CacheControl"] == "no-cache"


def test_content_types_are_not_guessed_beyond_what_bytes_tell(client, bucket, workspace, job_of):
    unknown = "binary/octet-stream"
    client.put_object(Bucket=bucket, Key="empty.png", Body=b"", ContentType=unknown)
    client.put_object(Bucket=bucket, Key="list.csv", Body=b"BMW;Audi\n", ContentType=unknown)
    client.put_object(Bucket=bucket, Key="page.txt", Body=b"<html><script>", ContentType="text/plain")
    client.put_object(Bucket=bucket, Key="photo.jpg", Body=PNG + b"\0\0\0\rIHDR", ContentType="image/jpeg")
    client.put_object(Bucket=bucket, Key="style.css", Body=gzip.compress(b"a {}"), ContentType="text/css", ContentEncoding="gzip")
    client.put_object(Bucket=bucket, Key="cold", Body=PNG, ContentType=unknown, StorageClass="DEEP_ARCHIVE")
    job_of("fix-content-type", ["empty.png", "list.csv", "page.txt", "photo.jpg", "style.css", "cold", "gone"],
           {"fix": "wrong", "text-by-extension": True})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidObjectState": 1, "NoSuchKey": 1}), result.out + result.err
    types = {key: kept["type"] for key, kept in state_of(client, bucket).items()}
    assert types == {"empty.png": unknown, "list.csv": "text/csv", "page.txt": "text/plain", "photo.jpg": "image/png",
                     "style.css": "text/css", "cold": unknown}
    outcomes = workspace.outcomes(result.job)
    assert outcomes["empty.png"] == ("succeeded", "200", "", "it is empty")
    assert outcomes["style.css"][3] == "its content is encoded: gzip"


# redact-csv

REDACTION = {"columns": {"email": "hash", "phone": "mask", "notes": "drop"}, "hash-key": {"bucket": "", "key": "the key"}}


def test_columns_are_redacted_in_place_once(client, bucket, workspace, job_of):
    rows = "id,email,phone,notes\n1,ann@example.org,112,tea\n2,bob@example.org,,\"a\nb\"\n"
    client.put_object(Bucket=bucket, Key="the key", Body=b"k" * 32)
    client.put_object(Bucket=bucket, Key="people ü+.csv", Body=rows.encode(), ContentType="text/csv", Tagging="team=a",
                      Metadata={"owner": "ann"}, StorageClass="STANDARD_IA")
    client.put_object(Bucket=bucket, Key="empty.csv", Body=b"")
    client.put_object(Bucket=bucket, Key="other.csv", Body=b"id,name\n1,ann\n")
    client.put_object(Bucket=bucket, Key="zipped.csv", Body=gzip.compress(rows.encode()))
    before = state_of(client, bucket)
    job_of("redact-csv", ["people ü+.csv", "empty.csv", "other.csv", "zipped.csv"],
           {**REDACTION, "hash-key": {"bucket": bucket, "key": "the key"}})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"ColumnNotFound": 1, "NotCsv": 2}), result.out + result.err
    redacted = body_of(client, bucket, "people ü+.csv").decode()
    assert re.fullmatch(r"id,email,phone\n1,[0-9a-f]{64},\*\*\*\n2,[0-9a-f]{64},\n", redacted)
    after = state_of(client, bucket)
    was, now = before.pop("people ü+.csv"), after.pop("people ü+.csv")
    assert after == before, "what cannot be redacted stays"
    assert now["metadata"].pop("redacted") and {**now, "etag": was["etag"]} == was
    again = workspace.run()
    assert workspace.outcomes(again.job)["people%20%C3%BC%2B.csv"][3] == "it is redacted already"
    assert body_of(client, bucket, "people ü+.csv").decode() == redacted


def test_a_file_larger_than_the_memory_of_an_operation_is_redacted(client, bucket, workspace, job_of):
    row = b"7,somebody@example.org," + b"x" * 990 + b"\n"
    count = 80 * MIB // len(row)
    client.put_object(Bucket=bucket, Key="large.csv", Body=b"id,email,rest\n" + row * count)
    job_of("redact-csv", ["large.csv"], {"columns": {"email": "mask"}, "target-key": "redacted/{{key}}"})
    result = workspace.run()
    assert result.code == 0, result.out + result.err + str(workspace.rows(result.job))
    assert body_of(client, bucket, "redacted/large.csv") == b"id,email,rest\n" + row.replace(b"somebody@example.org", b"***") * count
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_a_broken_file_leaves_no_upload_behind(client, bucket, workspace, job_of):
    rows = b"id,email\n" + (b"1," + b"x" * 1000 + b"\n") * (20 * MIB // 1000)
    client.put_object(Bucket=bucket, Key="broken.csv", Body=rows + b"1,2,3\n")
    job_of("redact-csv", ["broken.csv"], {"columns": {"id": "mask"}})
    result = workspace.run()
    assert result.job["failures"] == {"MalformedCsv": 1}, result.out + result.err
    assert client.head_object(Bucket=bucket, Key="broken.csv")["ContentLength"] == len(rows) + 6
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


# thumbnail


def png(width, height, said=None):
    """A PNG file of one colour; `said` is what it says of itself instead."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", *(said or (width, height)), 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xc8\x0a\x0a" * width) * height)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def dimensions(file):
    assert file.startswith(PNG)
    return struct.unpack(">II", file[16:24])


def test_thumbnails_are_made_once(sandbox, client, bucket, workspace, job_of):
    keys = [key for key in sandbox.odd_keys if len(key) < 1000]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=png(640, 320))
    job_of("thumbnail", keys, {"width": 100, "height": 100, "format": "png", "target-key": "thumbnails/{{key}}.png"})
    workspace.run_twice(lambda: state_of(client, bucket))
    for key in keys:
        assert dimensions(body_of(client, bucket, f"thumbnails/{key}.png")) == (100, 50)
        assert body_of(client, bucket, key) == png(640, 320)
    after = state_of(client, bucket)
    assert len(after) == 2 * len(keys)
    assert after[f"thumbnails/{keys[0]}.png"]["type"] == "image/png"


def test_a_large_picture_fits_and_a_bomb_does_not_go_off(client, bucket, workspace, job_of):
    client.put_object(Bucket=bucket, Key="large", Body=png(3200, 2400))
    client.put_object(Bucket=bucket, Key="bomb", Body=png(20000, 20000))
    client.put_object(Bucket=bucket, Key="liar", Body=png(10, 10, said=(65535, 65535)))
    client.put_object(Bucket=bucket, Key="huge", Body=PNG + bytes(9 * MIB))
    client.put_object(Bucket=bucket, Key="empty.jpg", Body=b"")
    client.put_object(Bucket=bucket, Key="page.jpg", Body=b"<html>")
    client.put_object(Bucket=bucket, Key="cut.png", Body=png(100, 100)[:60])
    keys = ["large", "bomb", "liar", "huge", "empty.jpg", "page.jpg", "cut.png"]
    job_of("thumbnail", keys, {"format": "png", "target-key": "t/{{key}}"})
    result = workspace.run()
    assert result.job["failures"] == {"ImageTooLarge": 3, "NotAnImage": 2, "ImageDamaged": 1}, workspace.rows(result.job)
    assert dimensions(body_of(client, bucket, "t/large")) == (256, 192)
    assert set(state_of(client, bucket)) == {*keys, "t/large"}


# scan

RULES = [{"name": "EICAR", "hex": EICAR.hex()}, {"name": "private key", "text": "-----BEGIN PRIVATE KEY-----"}]


def test_objects_are_tagged_with_what_is_found_in_them(sandbox, client, bucket, workspace, job_of):
    keys = sandbox.odd_keys
    for number, key in enumerate(keys):
        client.put_object(Bucket=bucket, Key=key, Body=b"xyz" + EICAR if number % 2 else b"harmless", Tagging="team=a")
    client.put_object(Bucket=bucket, Key="empty", Body=b"")
    # Over the border of two steps that are read one after the other.
    client.put_object(Bucket=bucket, Key="border", Body=b"x" * (8 * MIB - 30) + EICAR + b"x" * MIB)
    job_of("scan", [*keys, "empty", "border"], {"rules": RULES})
    workspace.run_twice(lambda: state_of(client, bucket))
    tags = {key: kept["tags"] for key, kept in state_of(client, bucket).items()}
    found, clean = {"scan": "found", "scan-rule": "EICAR"}, {"scan": "clean"}
    wanted = {key: {"team": "a", **(found if number % 2 else clean)} for number, key in enumerate(keys)}
    assert tags == {**wanted, "empty": clean, "border": found}


def test_a_find_fails_the_task_if_that_is_wanted(client, bucket, workspace, job_of):
    client.put_object(Bucket=bucket, Key="bad", Body=EICAR)
    client.put_object(Bucket=bucket, Key="good", Body=b"good")
    client.put_object(Bucket=bucket, Key="cold", Body=b"cold", StorageClass="GLACIER")
    job_of("scan", ["bad", "good", "cold"], {"rules": RULES, "fail-if-found": True})
    result = workspace.run()
    assert result.job["failures"] == {"PatternFound": 1, "InvalidObjectState": 1}, result.out + result.err
    assert workspace.outcomes(result.job)["bad"] == ("failed", "", "PatternFound", "EICAR at byte 0")
    tags = {key: kept["tags"] for key, kept in state_of(client, bucket).items()}
    assert tags == {"bad": {"scan": "found", "scan-rule": "EICAR"}, "good": {"scan": "clean"}, "cold": {}}


def test_of_versions_the_one_that_was_read_is_tagged(client, bucket, workspace, job_of):
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = client.put_object(Bucket=bucket, Key="k", Body=EICAR)["VersionId"]
    new = client.put_object(Bucket=bucket, Key="k", Body=b"harmless")["VersionId"]
    job_of("scan", ["k"], {"rules": RULES})
    workspace.job('plugin = "scan.wasm"', {"rules": RULES}, fields='["Bucket", "Key", "VersionId"]')
    workspace.manifest(bucket, ["k"], versions=[old])
    assert workspace.run().code == 0

    def tags(version):
        return client.get_object_tagging(Bucket=bucket, Key="k", VersionId=version)["TagSet"]

    assert tags(old) == [{"Key": "scan", "Value": "found"}, {"Key": "scan-rule", "Value": "EICAR"}]
    assert tags(new) == []


# recompress


def json_lines(size):
    rows, line = io.BytesIO(), 0
    while rows.tell() < size:
        rows.write(b'{"id": %d, "name": "user %d", "path": "/api/v1/orders/%d"}\n' % (line, line % 977, line * 7919 % 100003))
        line += 1
    return rows.getvalue()


def zstd_content(body):
    """What an independent implementation reads in it."""
    return pyarrow.CompressedInputStream(pyarrow.BufferReader(body), "zstd").read()


def test_text_and_gzip_become_zstandard_and_originals_go_once_that_is_proven(sandbox, client, bucket, workspace, job_of):
    content = json_lines(20_000)
    keys = [key for key in sandbox.odd_keys if len(key) < 1000]
    described = dict(ContentType="application/json", Tagging="team=a", Metadata={"owner": "ann"}, StorageClass="STANDARD_IA")
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=content, **described)
    client.put_object(Bucket=bucket, Key="z.json.gz", Body=gzip.compress(content), ContentEncoding="gzip", **described)
    before = state_of(client, bucket)
    job_of("recompress", [*keys, "z.json.gz"], {"delete-original": True, "level": 9})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    after = state_of(client, bucket)
    assert set(after) == {*(key + ".zst" for key in keys), "z.json.zst"}
    for key, now in after.items():
        was = before.get(key.removesuffix(".zst")) or before["z.json.gz"]
        assert now["metadata"].pop("recompressed-from") == was["etag"]
        assert now == {**was, "etag": now["etag"], "encoding": "zstd"}
        assert zstd_content(body_of(client, bucket, key)) == content


def test_a_file_larger_than_the_memory_of_an_operation_is_recompressed(client, bucket, workspace, job_of):
    content = json_lines(80 * MIB)
    client.put_object(Bucket=bucket, Key="large.jsonl.gz", Body=gzip.compress(content, 1))
    job_of("recompress", ["large.jsonl.gz"], {"level": 1})
    result = workspace.run()
    assert result.code == 0, workspace.rows(result.job)
    made = body_of(client, bucket, "large.jsonl.zst")
    assert zstd_content(made) == content
    assert len(made) < client.head_object(Bucket=bucket, Key="large.jsonl.gz")["ContentLength"]


def test_what_cannot_be_recompressed_stays(client, bucket, workspace, job_of):
    content = json_lines(10_000)
    client.put_object(Bucket=bucket, Key="empty", Body=b"")
    client.put_object(Bucket=bucket, Key="broken.gz", Body=gzip.compress(content)[:-20])
    client.put_object(Bucket=bucket, Key="noise", Body=zlib.compress(content, 9))
    client.put_object(Bucket=bucket, Key="taken", Body=content)
    client.put_object(Bucket=bucket, Key="taken.zst", Body=b"of somebody else")
    client.put_object(Bucket=bucket, Key="cold", Body=content, StorageClass="GLACIER")
    before = state_of(client, bucket)
    job_of("recompress", ["empty", "broken.gz", "noise", "taken", "taken.zst", "cold"], {"delete-original": True})
    result = workspace.run()
    assert result.job["failures"] == {"UnexpectedEof": 1, "TargetExists": 1, "InvalidRequest": 1}, workspace.rows(result.job)
    assert state_of(client, bucket) == before


# The gallery as such


@pytest.mark.parametrize("name", GALLERY)
def test_the_job_file_of_each_is_valid(sandbox, workspace, name):
    text = (ROOT / "examples/plugins" / name / "job.toml").read_text()
    built = f"../../../target/wasm32-unknown-unknown/release/{module_of(name).name}"
    assert built in text, "where cargo build puts it"
    job = workspace.write("job.toml", text.replace(built, str(module_of(name))))
    valid = workspace.longshore("--config", ROOT / "examples/longshore.toml", "validate", job)
    assert valid.code == 0, valid.err


def inspected(workspace, name):
    shown = workspace.longshore("plugin", "inspect", "--json", module_of(name))
    assert shown.code == 0, shown.err
    return shown.events[0]


def section(page, name):
    [text] = re.findall(rf"^## `{name}`: .+?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return text


def test_the_page_has_every_parameter_and_action(workspace):
    page = PAGE.read_text()
    assert re.findall(r"^## `([\w-]+)`", page, re.MULTILINE) == GALLERY
    wanted = page
    for name in GALLERY:
        before, rest = wanted.split(f"<!-- parameters: {name} -->\n")
        wanted = before + f"<!-- parameters: {name} -->\n" + table_of(inspected(workspace, name)["parameters"]) + rest[rest.index("<!-- end -->"):]
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(wanted)
    assert wanted == PAGE.read_text(), "UPDATE_DOCS=1 writes the tables anew"
    for name in GALLERY:
        assert set(re.findall(r"`(s3:\w+)`", section(page, name))) == set(inspected(workspace, name)["actions"])
