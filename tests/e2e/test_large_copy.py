"""Copies in parts, on both servers: what comes along, what becomes of uploads that fail or are cut off."""

import hashlib
import os
import random
import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from harness import Workspace, kill, start_seeded, usage, wait_for, with_usage
from test_two_stores import MAIN, second_store

MIB = 1024 * 1024
IN_PARTS = {"multipart": {"threshold": 5 * MIB, "part-size": 5 * MIB}}
BODY = b"".join(f"{number:015}\n".encode() for number in range(11 * MIB // 16)) + b"end"
SOURCE = {"ContentType": "text/plain", "CacheControl": "no-cache", "Metadata": {"color": "blue"},
          "Tagging": "a=1&b=two%20words"}
KMS = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def source(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def target(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


def uploads(server, bucket):
    """Keys of the uploads that are neither complete nor aborted."""
    return [upload["Key"] for upload in server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def test_everything_comes_along(server, source, target, workspace):
    keys = ["k", "ü k+%41/"]
    for key in keys:
        server.client().put_object(Bucket=source, Key=key, Body=BODY, **SOURCE)
    workspace.manifest(source, keys)
    workspace.job("copy", {"target-bucket": target, "storage-class": "STANDARD_IA", "canned-acl": "public-read",
                           **IN_PARTS})

    def state():
        found = [server.client().get_object(Bucket=target, Key=key) for key in keys]
        return [(one["ETag"], one["Metadata"], one["ContentType"], one["CacheControl"], one["StorageClass"],
                 one["Body"].read() == BODY) for one in found]

    workspace.run_twice(state)
    for etag, metadata, content_type, cache_control, storage_class, same in state():
        assert (metadata, content_type, cache_control, same) == ({"color": "blue"}, "text/plain", "no-cache", True)
        assert (etag.endswith('-3"'), storage_class) == (True, "STANDARD_IA")
    for key in keys:
        tags = server.client().get_object_tagging(Bucket=target, Key=key)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "two words"}
        grants = server.client().get_object_acl(Bucket=target, Key=key)["Grants"]
        assert ALL_USERS in {grant["Grantee"].get("URI") for grant in grants}
    assert uploads(server, target) == []


def test_what_is_replaced(server, source, target, workspace):
    server.client().put_object(Bucket=source, Key="k", Body=BODY, **SOURCE)
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "metadata": {"directive": "replace", "content-type": "image/png"},
                           "tags": {"directive": "drop"}, "verify": True, **IN_PARTS})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    found = server.client().get_object(Bucket=target, Key="k")
    assert (found["ContentType"], found["Metadata"]) == ("image/png", {})
    assert server.client().get_object_tagging(Bucket=target, Key="k")["TagSet"] == []
    [message] = [row[3] for row in workspace.outcomes(result.job).values()]
    assert message.startswith(f"verified: {len(BODY)} bytes")


def test_small_objects_are_copied_at_once(sandbox, bucket_of, workspace_of):
    source, target, workspace = bucket_of(sandbox), bucket_of(sandbox), workspace_of(sandbox)
    sandbox.client().put_object(Bucket=source, Key="k", Body=b"x" * 5 * MIB)
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, **IN_PARTS})
    assert workspace.run().code == 0
    assert "-" not in sandbox.client().head_object(Bucket=target, Key="k")["ETag"]


def test_a_part_that_fails(sandbox_with, bucket_of, workspace_of):
    server = sandbox_with("--fault", "status=400,code=InvalidArgument,method=PUT,key=to/*,count=1")
    bucket, workspace = bucket_of(server), workspace_of(server)
    server.client().put_object(Bucket=bucket, Key="k", Body=BODY)
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": bucket, "target-prefix": "to", **IN_PARTS})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidArgument": 1}), result.err
    assert uploads(server, bucket) == []
    assert [line["method"] for line in server.log() if line["key"] == "to/k"][-1] == "DELETE"


def test_a_part_that_fails_for_a_while_is_tried_again(sandbox_with, bucket_of, workspace_of):
    server = sandbox_with("--fault", "status=503,code=SlowDown,method=PUT,key=to/*,count=4")
    bucket, workspace = bucket_of(server), workspace_of(server)
    server.client().put_object(Bucket=bucket, Key="k", Body=BODY)
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": bucket, "target-prefix": "to", **IN_PARTS})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert server.client().get_object(Bucket=bucket, Key="to/k")["Body"].read() == BODY


def test_what_may_not_be_aborted_is_not_begun(sandbox, bucket_of, workspace_of):
    policies = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:AbortMultipartUpload", "Resource": "*"}]
    source, target, workspace = bucket_of(sandbox), bucket_of(sandbox), workspace_of(sandbox, policies)
    sandbox.client().put_object(Bucket=source, Key="k", Body=BODY)
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, **IN_PARTS})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"AccessDenied": 1})
    assert "may not s3:AbortMultipartUpload" in workspace.refusals(result.job)["k"]
    assert [line for line in sandbox.log() if line["bucket"] == target and line["key"]] == []


@pytest.fixture
def cut_off(sandbox_with, bucket_of, tmp_path):
    """A server, a bucket and a workspace whose engine was killed between the parts of a copy; the job's ID."""
    # The eight parts that are under way at once are answered late: the engine dies before it sends the others.
    server = sandbox_with("--fault", "delay=1s,method=PUT,key=to/*")
    bucket, workspace = bucket_of(server), Workspace(tmp_path / "workspace", server)
    server.client().put_object(Bucket=bucket, Key="k", Body=bytes(60 * MIB))
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": bucket, "target-prefix": "to", **IN_PARTS})
    job = workspace.submit()
    engine = workspace.start("start")
    wait_for(lambda: len(parts(server)) >= 8 or engine.poll() is not None, "eight parts")
    kill(engine)
    assert workspace.status(job)["state"] == "Active"
    assert len(uploads(server, bucket)) == 1
    return server, bucket, workspace, job


def parts(server):
    """Numbers of the parts that were made, in their order."""
    queries = [urllib.parse.parse_qs(line["query"] or "") for line in server.log()
               if line["method"] == "PUT" and line["key"] == "to/k" and line["status"] == 200]
    return [int(query["partNumber"][0]) for query in queries if "partNumber" in query]


def test_a_copy_that_was_cut_off_goes_on(cut_off):
    server, bucket, workspace, job = cut_off
    before = set(parts(server))
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code == 0, ended.out + ended.err
    assert workspace.status(job)["state"] == "Complete"
    made = parts(server)
    # Those that were under way when the engine died may have been made without its knowledge; none is made a third time.
    assert set(made) == set(range(1, 13))
    assert max(made.count(number) for number in before) <= 2
    assert [number for number in before if made.count(number) == 1], "no part was of use"
    head = server.client().head_object(Bucket=bucket, Key="to/k")
    assert (head["ContentLength"], head["ETag"][-4:]) == (60 * MIB, '-12"')
    assert uploads(server, bucket) == []


def test_a_job_that_is_cancelled_leaves_no_upload(cut_off):
    server, bucket, workspace, job = cut_off
    assert workspace.longshore("cancel", job).code == 0
    ended = workspace.longshore("start", "--until-idle")
    assert ended.code in (0, 5), ended.out + ended.err
    assert workspace.status(job)["state"] == "Cancelled"
    assert uploads(server, bucket) == []


#: GiB of the object that goes from one server to another.
GIB = int(os.environ.get("TEST_LARGE_GIB", 6))
large = pytest.mark.skipif(not os.environ.get("TEST_LARGE"), reason="TEST_LARGE=1 copies objects of 6 GiB, and 20,000")


def of_parts(client, bucket, key, sources, **more):
    """An object of the bytes of others, which takes no more room than they do."""
    upload = client.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]
    made = [
        client.upload_part_copy(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
                                CopySource={"Bucket": bucket, "Key": source})["CopyPartResult"]["ETag"]
        for number, source in enumerate(sources, 1)
    ]
    done = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(made, 1)]
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done})


def six_gibibytes(client, bucket, **more):
    """An object of zeros."""
    client.put_object(Bucket=bucket, Key="part", Body=bytes(1024 * MIB))
    of_parts(client, bucket, "k", ["part"] * 6, **more)


@large
@pytest.mark.parametrize("operation, parameters, changed", [
    ("metadata", {"mode": "merge", "content-type": "text/html"}, {"ContentType": "text/html"}),
    ("storage-class", {"storage-class": "GLACIER_IR"}, {"StorageClass": "GLACIER_IR"}),
    ("encrypt", {"algorithm": "aws:kms", "kms-key-id": KMS}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS}),
])
def test_six_gibibytes_in_place(sandbox, bucket_of, workspace_of, operation, parameters, changed):
    """Larger than one CopyObject: by parts, and nothing is lost but the ETag, which is of the parts."""
    bucket, workspace, client = bucket_of(sandbox), workspace_of(sandbox), sandbox.client()
    six_gibibytes(client, bucket, **SOURCE, StorageClass="STANDARD_IA", ACL="public-read", WebsiteRedirectLocation="/there",
                  ChecksumAlgorithm="SHA256")

    def state():
        head = client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        grants = client.get_object_acl(Bucket=bucket, Key="k")["Grants"]
        names = ["ContentLength", "ContentType", "CacheControl", "Metadata", "StorageClass", "WebsiteRedirectLocation",
                 "ServerSideEncryption", "SSEKMSKeyId", "ChecksumType"]
        return {**{name: head.get(name) for name in names}, "sha256": "ChecksumSHA256" in head, "grants": grants,
                "tags": client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]}

    before = state()
    workspace.manifest(bucket, ["k"])
    workspace.job(operation, parameters)
    workspace.run_twice(state)
    assert state() == {**before, **changed}
    assert uploads(sandbox, bucket) == []


@large
def test_six_gibibytes(sandbox, bucket_of, workspace_of):
    """Larger than one CopyObject, with no parameter that says so."""
    source, target, workspace = bucket_of(sandbox), bucket_of(sandbox), workspace_of(sandbox)
    client = sandbox.client()
    six_gibibytes(client, source)
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "verify": True})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    head = client.head_object(Bucket=target, Key="k")
    assert (head["ContentLength"], head["ETag"][-4:]) == (6144 * MIB, '-48"')
    assert uploads(sandbox, target) == []


@pytest.fixture
def ten_thousand(tmp_path, sandbox_with):
    """A server with as many small objects, another one, and a workspace that copies the first `count` of them there."""
    one, rows = start_seeded(tmp_path / "one", 10_000)
    other = sandbox_with("--empty-bucket", "copies")

    def make(count):
        workspace = Workspace(tmp_path / f"workspace-{count}", one)
        workspace.configure(second_store(other))
        workspace.write("manifest.csv", "\n".join(rows[:count]))
        workspace.job("copy", {"target-bucket": "copies", "target-store": "second"}, head=MAIN, concurrency=64)
        return workspace

    yield one, other, make
    one.stop()


def listed(server, bucket):
    """Keys and ETags."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, EncodingType="url")
    return {urllib.parse.unquote_plus(item["Key"]): item["ETag"] for page in pages for item in page.get("Contents", [])}


def peak_mib(workspace, *command):
    """The most memory that the engine had in its hands while it ran that command to its end."""
    used = workspace.directory / "used"
    subprocess.run(**with_usage(workspace.command(*command), used), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return usage(used)[1]


def peak_mib_so_far(engine):
    """The same of an engine that runs."""
    [kib] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{engine.pid}/status").read_text())
    return int(kib) / 1024


def killed_and_resumed(workspace, half_done):
    """Runs the job with an engine that is killed in its midst, and another one to its end; the most memory of either."""
    job = workspace.submit()
    engine = workspace.start("start")
    wait_for(lambda: half_done(job) or engine.poll() is not None, "half of the job", 3600)
    assert engine.poll() is None, engine.stderr.read()
    first = peak_mib_so_far(engine)
    kill(engine)
    stopped = workspace.status(job)
    assert stopped["state"] == "Active" and stopped["succeeded"] < stopped["total"]
    second = peak_mib(workspace, "start", "--until-idle")
    done = workspace.status(job)
    assert (done["state"], done["succeeded"], done["failed"]) == ("Complete", done["total"], 0)
    print(f"peak memory: {first:.0f} MiB until it was killed, {second:.0f} MiB after")
    return max(first, second)


@pytest.fixture
def two_servers(tmp_path, sandbox_with):
    """Two servers, and what makes workspaces that copy the object of a name from one to the other."""
    one, other = (sandbox_with("--empty-bucket", bucket) for bucket in ("objects", "copies"))

    def make(name):
        workspace = Workspace(tmp_path / name, one)
        workspace.configure(second_store(other))
        workspace.manifest("objects", [name])
        workspace.job("copy", {"target-bucket": "copies", "target-store": "second"}, head=MAIN)
        return workspace

    return one, other, make


#: More than copies may hold of objects at once (64 MiB), with what it takes to send and receive that, and to read a list.
MORE_MIB = 150


@large
def test_many_gibibytes_between_two_servers_survive_a_kill(two_servers):
    one, other, make = two_servers
    client, chance = one.client(), random.Random(7)
    # Zeros in front take no room.
    pieces = {f"piece-{number}": bytes(8 * MIB - 1024) + chance.randbytes(1024) for number in range(16)}
    for key, body in {**pieces, "small": b"body"}.items():
        client.put_object(Bucket="objects", Key=key, Body=body)
    # A part in another's place would be noticed.
    order = chance.choices(list(pieces), k=GIB * 128)
    of_parts(client, "objects", "large", order)
    small = peak_mib(make("small"), "run", "job.toml")

    def sent():
        return [line for line in other.log() if line["method"] == "PUT" and line["key"] == "large" and line["status"] == 200]

    workspace = make("large")
    peak = killed_and_resumed(workspace, lambda _: other.requests() >= len(order) // 2)
    sums = b"".join(hashlib.md5(pieces[key]).digest() for key in order)
    head = other.client().head_object(Bucket="copies", Key="large")
    assert (head["ContentLength"], head["ETag"]) == (GIB << 30, f'"{hashlib.md5(sums).hexdigest()}-{len(order)}"')
    print(f"{GIB} GiB in {len(order)} parts, {len(sent()) - len(order)} of them twice; peak memory for a small object: {small:.0f} MiB")
    # Those that were under way when the engine died may have come whole, too late to be found there.
    assert len(sent()) <= len(order) + 8
    assert peak <= small + MORE_MIB
    assert (uploads(one, "objects"), uploads(other, "copies")) == ([], [])


@large
def test_memory_is_flat_for_ten_thousand_objects_between_two_servers(ten_thousand):
    one, other, make = ten_thousand
    few, many = (peak_mib(make(count), "run", "job.toml") for count in (1_000, 10_000))
    print(f"peak memory: {few:.0f} MiB for 1,000 objects, {many:.0f} MiB for 10,000")
    # What ten times the objects may cost at most: a tenth of what is there anyway.
    assert many <= few * 1.1 + 4
    assert listed(other, "copies") == listed(one, "objects")


@large
def test_ten_thousand_objects_survive_a_kill(ten_thousand):
    one, other, make = ten_thousand
    workspace = make(10_000)
    one.client().put_object(Bucket="objects", Key="large", Body=os.urandom(64 * MIB))
    with (workspace.directory / "manifest.csv").open("a") as manifest:
        manifest.write("\nobjects,large\n")
    few = peak_mib(make(1_000), "run", "job.toml")
    peak = killed_and_resumed(workspace, lambda job: workspace.status(job)["succeeded"] >= 3_000)
    print(f"peak memory for 1,000 objects: {few:.0f} MiB")
    assert peak <= few + MORE_MIB
    source, copies = listed(one, "objects"), listed(other, "copies")
    # That of the large one is of its parts.
    assert source.pop("large") != copies.pop("large")
    assert copies == source
    assert (uploads(one, "objects"), uploads(other, "copies")) == ([], [])
