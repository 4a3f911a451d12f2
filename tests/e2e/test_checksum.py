"""Checksums on two independent servers, against Python's own."""

import base64
import hashlib
import json
import zlib

import pytest

PART = 5 * 1024 * 1024
BODY = bytes(range(256)) * 64


@pytest.fixture
def bucket(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


def results(workspace, job):
    return {row[1]: json.loads(row[-1]) for row in workspace.rows(job) if row[3] == "succeeded"}


def test_the_row_is_amazons(server, bucket, workspace):
    client = server.client()
    client.put_object(Bucket=bucket, Key="k", Body=BODY)
    client.put_object(Bucket=bucket, Key="empty", Body=b"")
    workspace.manifest(bucket, ["k", "empty", "none"])
    for algorithm, digest in (("CRC32", lambda body: zlib.crc32(body).to_bytes(4)), ("SHA256", lambda body: hashlib.sha256(body).digest()),
                              ("SHA512", lambda body: hashlib.sha512(body).digest()), ("MD5", lambda body: hashlib.md5(body).digest())):
        workspace.job("checksum", {"algorithm": algorithm})
        result = workspace.run()
        assert result.code == 3 and result.job["failures"] == {"NoSuchKey": 1}
        for key, body in (("k", BODY), ("empty", b"")):
            expected = digest(body)
            assert results(workspace, result.job)[key] == {
                "checksum_base64": base64.b64encode(expected).decode(), "etag": hashlib.md5(body).hexdigest(),
                "checksumAlgorithm": algorithm, "checksumType": "FULL_OBJECT", "checksum_hex": expected.hex().upper()}
    [message] = [row[-1] for row in workspace.rows(result.job) if row[1] == "k"]
    assert "\\u003d" in message and " " not in message and message.startswith('{"checksum_base64":"')


def test_every_algorithm_reads_the_object_once(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(bucket, sandbox.odd_keys)
    workspace.manifest(bucket, sandbox.odd_keys)
    for algorithm, length in (("CRC32", 4), ("CRC32C", 4), ("CRC64NVME", 8), ("MD5", 16), ("SHA1", 20), ("SHA256", 32), ("SHA512", 64),
                              ("XXHASH64", 8), ("XXHASH3", 8), ("XXHASH128", 16)):
        workspace.job("checksum", {"algorithm": algorithm})
        result = workspace.run()
        assert result.code == 0, result.out + result.err
        rows = [json.loads(row[-1]) for row in workspace.rows(result.job)]
        assert len(rows) == len(sandbox.odd_keys) and len({row["checksum_hex"] for row in rows}) == 1
        assert len(rows[0]["checksum_hex"]) == 2 * length


def test_composite_is_what_the_store_keeps(server, bucket, workspace):
    client = server.client()
    bodies = [b"a" * PART, b"b" * PART, b"end"]
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = [{"PartNumber": number, "ETag": client.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]}
             for number, body in enumerate(bodies, 1)]
    client.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    etag = client.head_object(Bucket=bucket, Key="parts")["ETag"].strip('"')
    assert etag.endswith("-3")
    workspace.manifest(bucket, ["parts"])
    workspace.job("checksum", f'{{ algorithm = "MD5", type = "COMPOSITE", part-size = {PART}, compare-stored = true }}')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    row = results(workspace, result.job)["parts"]
    assert (row["checksum_hex"].lower(), row["checksum_base64"][-2:]) == (etag[:-2], "-3")
    workspace.job("checksum", f'{{ algorithm = "MD5", type = "COMPOSITE", part-size = {PART - 1}, compare-stored = true }}')
    assert workspace.run().job["failures"] == {"ChecksumMismatch": 1}


def test_what_the_row_expects(server, bucket, workspace):
    client = server.client()
    client.put_object(Bucket=bucket, Key="k", Body=BODY)
    sums = [hashlib.sha256(BODY).hexdigest(), base64.b64encode(hashlib.sha256(BODY).digest()).decode(), "0" * 64, "none"]
    workspace.write("manifest.csv", "".join(f"{bucket},k,{value}\n" for value in sums))
    workspace.job("checksum", {"algorithm": "SHA256", "expect": "{{column.sum}}"}, fields='["Bucket", "Key", { column = "sum" }]')
    result = workspace.run()
    assert [row[5] for row in workspace.rows(result.job)] == ["", "", "ChecksumMismatch", "InvalidRequest"]
