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


def crc(bits, polynomial):
    """A CRC as its definition says: bits reflected, and ones before and after."""
    def of(body):
        ones = value = (1 << bits) - 1
        for byte in body:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ (polynomial if value & 1 else 0)
        return (value ^ ones).to_bytes(bits // 8)
    return of


def xxhash_body(length):
    """The buffer that xxHash's own tests hash (fillTestBuffer in tests/sanity_test.c)."""
    generator = 2654435761
    body = bytearray()
    for _ in range(length):
        body.append(generator >> 56)
        generator = generator * 11400714785074694797 % 2**64
    return bytes(body)


LENGTHS = (222, 2367)
DEFINED = {"CRC32": lambda body: zlib.crc32(body).to_bytes(4), "CRC32C": crc(32, 0x82F63B78), "CRC64NVME": crc(64, 0x9A6C9329AC4BC9B5),
           **{name.upper(): lambda body, name=name: hashlib.new(name, body).digest() for name in ("md5", "sha1", "sha256", "sha512")}}
# The vectors without a seed of xxHash, cli/xsum_sanity_check.c: XSUM_XXH64_testdata ends at 222 bytes.
PUBLISHED = {"XXHASH64": {222: "b641ae8cb691c174"}, "XXHASH3": {2367: "cb37aeb9e5d361ed"},
             "XXHASH128": {222: "337e09641b948717f1aebd597cec6b3a", 2367: "e89c0f6ff369b427cb37aeb9e5d361ed"}}


@pytest.mark.parametrize("algorithm", [*DEFINED, *PUBLISHED])
def test_every_algorithm_is_what_its_definition_says(sandbox, bucket_of, workspace_of, algorithm):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    bodies = {length: xxhash_body(length) for length in LENGTHS}
    for length, body in bodies.items():
        sandbox.client().put_object(Bucket=bucket, Key=str(length), Body=body)
    expected = PUBLISHED.get(algorithm) or {length: DEFINED[algorithm](body).hex() for length, body in bodies.items()}
    workspace.manifest(bucket, [str(length) for length in expected])
    workspace.job("checksum", {"algorithm": algorithm})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    rows = results(workspace, result.job)
    assert {int(key): row["checksum_hex"].lower() for key, row in rows.items()} == expected
    for row in rows.values():
        assert base64.b64decode(row["checksum_base64"]).hex().upper() == row["checksum_hex"]


def upload(client, bucket, key, bodies, **create):
    """Uploads in these parts, with their checksums; its ETag without quotes."""
    names = {"Bucket": bucket, "Key": key}
    names["UploadId"] = client.create_multipart_upload(**names, **create)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        part = client.upload_part(**names, PartNumber=number, Body=body, **{name: create[name] for name in create if name == "ChecksumAlgorithm"})
        parts.append({"PartNumber": number, **{name: part[name] for name in part if name == "ETag" or name.startswith("Checksum")}})
    client.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    return client.head_object(Bucket=bucket, Key=key)["ETag"].strip('"')


def test_composite_is_what_the_store_keeps(server, bucket, workspace):
    etag = upload(server.client(), bucket, "parts", [b"a" * PART, b"b" * PART, b"end"])
    assert etag.endswith("-3")
    workspace.manifest(bucket, ["parts"])
    workspace.job("checksum", f'{{ algorithm = "MD5", type = "COMPOSITE", part-size = {PART}, compare-stored = true }}')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    row = results(workspace, result.job)["parts"]
    assert (row["checksum_hex"].lower(), row["checksum_base64"][-2:]) == (etag[:-2], "-3")
    workspace.job("checksum", f'{{ algorithm = "MD5", type = "COMPOSITE", part-size = {PART - 1}, compare-stored = true }}')
    assert workspace.run().job["failures"] == {"ChecksumMismatch": 1}
    # What the ETag says of the parts says nothing of the whole.
    workspace.job("checksum", {"algorithm": "MD5", "compare-stored": True})
    result = workspace.run()
    assert result.job["failures"] == {"ChecksumNotStored": 1}
    assert workspace.outcomes(result.job)["parts"][3].endswith('type = "COMPOSITE" compares them')


# Parts of which the first and the number would give the same size as the others have, and do not: no sum of them is a right one.
UNEVEN = [b"a" * (PART + 2), b"b" * PART, b"c" * (PART + 2)]


@pytest.mark.parametrize("bodies, code", [([b"a" * PART, b"b" * PART, b"end"], None), ([b"a" * PART, b"end"], None),
                                          ([b"alone"], None), (UNEVEN, "InvalidRequest")])
def test_the_parts_are_those_that_there_are(sandbox, bucket_of, workspace_of, bodies, code):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    etag = upload(sandbox.client(), bucket, "parts", bodies)
    workspace.manifest(bucket, ["parts"])
    workspace.job("checksum", {"algorithm": "MD5", "type": "COMPOSITE", "compare-stored": True})
    result = workspace.run()
    assert result.job["failures"] == ({code: 1} if code else {}), result.out + result.err
    if code:
        assert "3 parts are not of one size, as far as the store says" in workspace.outcomes(result.job)["parts"][3]
    else:
        assert results(workspace, result.job)["parts"]["checksum_hex"].lower() == etag.split("-")[0]


def test_a_stored_checksum_is_compared_with_one_of_its_type(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    upload(sandbox.client(), bucket, "composite", [b"a" * PART, b"end"], ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    upload(sandbox.client(), bucket, "full", [b"a" * PART, b"end"], ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    workspace.manifest(bucket, ["composite", "full"])
    for kind, compared, other in (("COMPOSITE", "composite", "full"), ("FULL_OBJECT", "full", "composite")):
        workspace.job("checksum", {"algorithm": "CRC32", "type": kind, "compare-stored": True})
        result = workspace.run()
        assert (list(results(workspace, result.job)), result.job["failures"]) == ([compared], {"ChecksumNotStored": 1})
        assert f"a {kind} one was asked for" in workspace.outcomes(result.job)[other][3]


def test_a_large_object_is_read_in_ranges(server, bucket, workspace):
    """One range holds 64 MiB: the last byte is in the second one."""
    body = bytes(64 * 1024 * 1024) + b"x"
    server.client().put_object(Bucket=bucket, Key="large", Body=body)
    workspace.manifest(bucket, ["large"])
    workspace.job("checksum", {"algorithm": "SHA256", "expect": hashlib.sha256(body).hexdigest()})
    result = workspace.run()
    assert result.code == 0, result.out + result.err


def test_what_the_row_expects(server, bucket, workspace):
    client = server.client()
    client.put_object(Bucket=bucket, Key="k", Body=BODY)
    sums = [hashlib.sha256(BODY).hexdigest(), base64.b64encode(hashlib.sha256(BODY).digest()).decode(), "0" * 64, "none"]
    workspace.write("manifest.csv", "".join(f"{bucket},k,{value}\n" for value in sums))
    workspace.job("checksum", {"algorithm": "SHA256", "expect": "{{column.sum}}"}, fields='["Bucket", "Key", { column = "sum" }]')
    result = workspace.run()
    assert [row[5] for row in workspace.rows(result.job)] == ["", "", "ChecksumMismatch", "InvalidRequest"]
