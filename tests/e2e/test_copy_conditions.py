"""Copies under conditions, with new keys, verified, and moves, on a store that honours conditions; read back with boto3."""

import base64
import hashlib
import zlib

import pytest
from botocore.exceptions import ClientError

FIELDS = '["Bucket", "Key", { column = "ETag" }]'


@pytest.fixture
def buckets(sandbox, bucket_of):
    return bucket_of(sandbox), bucket_of(sandbox)


def body(server, bucket, key):
    try:
        return server.client().get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchKey"
        return None


def test_only_what_the_row_means(sandbox, buckets, workspace):
    source, target = buckets
    sandbox.put(source, ["same", "other"])
    sums = {"same": hashlib.md5(b"body").hexdigest(), "other": "0" * 32}
    workspace.write("manifest.csv", "".join(f"{source},{key},{etag}\n" for key, etag in sums.items()))
    workspace.job("copy", {"target-bucket": target, "if-match": "column"}, fields=FIELDS)
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"PreconditionFailed": 1}), result.err
    assert (body(sandbox, target, "same"), body(sandbox, target, "other")) == (b"body", None)


@pytest.mark.parametrize("condition", [{"modified-since": "2100-01-01T00:00:00Z"},
                                       {"unmodified-since": "2000-01-01T00:00:00Z"}])
def test_only_what_was_modified_then(sandbox, buckets, workspace, condition):
    source, target = buckets
    sandbox.put(source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, **condition})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"PreconditionFailed": 1}), result.err
    assert body(sandbox, target, "k") is None


def test_nothing_is_overwritten(sandbox, buckets, workspace):
    source, target = buckets
    sandbox.put(source, ["new", "there"])
    sandbox.client().put_object(Bucket=target, Key="there", Body=b"older")
    workspace.manifest(source, ["new", "there"])
    workspace.job("copy", {"target-bucket": target, "overwrite": False})
    workspace.run_twice(lambda: [body(sandbox, target, key) for key in ("new", "there")])
    assert (body(sandbox, target, "new"), body(sandbox, target, "there")) == (b"body", b"older")


def test_new_keys(sandbox, buckets, workspace):
    source, target = buckets
    sandbox.put(source, ["photos/2025-07/cat.jpg", "ü +%/dog"])
    workspace.manifest(source, ["photos/2025-07/cat.jpg", "ü +%/dog"])
    workspace.job("copy", {"target-bucket": target, "target-prefix": "p", "target-key": "{{key_dir}}/v1-{{key_name}}",
                           "rewrite": {"pattern": r"^photos/(\d+)-(\d+)", "replace": "$1/$2"}})
    assert workspace.run().code == 0
    listed = sandbox.client().list_objects_v2(Bucket=target)["Contents"]
    assert {found["Key"] for found in listed} == {"p/2025/07/v1-cat.jpg", "p/ü +%/v1-dog"}


def test_a_move(sandbox, buckets, workspace):
    source, target = buckets
    sandbox.put(source, sandbox.odd_keys)
    workspace.manifest(source, sandbox.odd_keys)
    workspace.job("copy", {"target-bucket": target, "mode": "move"})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert sandbox.client().list_objects_v2(Bucket=source)["KeyCount"] == 0
    assert all(body(sandbox, target, key) == b"body" for key in sandbox.odd_keys)
    messages = {row[3] for row in workspace.outcomes(result.job).values()}
    crc = base64.b64encode(zlib.crc32(b"body").to_bytes(4)).decode()
    assert messages == {f"moved; verified: 4 bytes, CRC32 {crc}"}


def test_a_move_onto_itself_deletes_nothing(sandbox, buckets, workspace):
    source, _ = buckets
    sandbox.put(source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": source, "mode": "move", "storage-class": "STANDARD_IA"})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidRequest": 1})
    assert body(sandbox, source, "k") == b"body"
