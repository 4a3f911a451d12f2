"""Copies and moves from one store to another, with endpoints and credentials of their own; read back with boto3."""

import hashlib
import http.client
import http.server
import threading

import pytest
from botocore.exceptions import ClientError

from harness import free_port

MIB = 1024 * 1024
# A bucket that keeps versions.
LOCKED = {"ObjectLockEnabledForBucket": True}
# Which of the two stores the job reads from.
MAIN = 'store = "main"'
LARGE = b"".join(f"{number:015}\n".encode() for number in range(20 * MIB // 16)) + b"end"
SOURCE = {"ContentType": "text/plain", "CacheControl": "no-cache", "Metadata": {"color": "blue"},
          "Tagging": "a=1&b=two%20words"}


def second_store(server, endpoint=None):
    """A part of longshore.toml."""
    return f'''
[store.second]
endpoint = "{endpoint or server.endpoint}"
region = "eu-west-1"
path-style = true
credentials = {{ source = "static", access-key-id = "{server.access_key}", secret-access-key = "${{OTHER_SECRET:-{server.secret_key}}}" }}
'''


@pytest.fixture(params=["sandbox to moto", "moto to sandbox"])
def pair(request, sandbox, moto):
    """Two servers that know nothing of each other."""
    return (sandbox, moto) if request.param == "sandbox to moto" else (moto, sandbox)


@pytest.fixture
def stores(pair, bucket_of, workspace_of):
    """Both, a bucket on each, and a workspace whose jobs read the first."""
    one, other = pair
    workspace = workspace_of(one)
    workspace.configure(second_store(other))
    return one, bucket_of(one), other, bucket_of(other), workspace


def seen(server, bucket, key):
    found = server.client().get_object(Bucket=bucket, Key=key)
    tags = server.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {**{field: found.get(field) for field in ("ContentType", "CacheControl", "Metadata")},
            "Body": found["Body"].read(), "Tags": {tag["Key"]: tag["Value"] for tag in tags}}


def test_small_and_large_objects_come_along_whole(stores):
    one, source, other, target, workspace = stores
    keys = [key for key in one.odd_keys if key in other.odd_keys]
    for key in keys:
        one.client().put_object(Bucket=source, Key=key, Body=f"body of {key}".encode(), **SOURCE)
    one.client().put_object(Bucket=source, Key="empty", Body=b"", **SOURCE)
    one.client().put_object(Bucket=source, Key="large", Body=LARGE, **SOURCE)
    keys += ["empty", "large"]
    workspace.manifest(source, keys)
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "verify": True}, head=MAIN)
    workspace.run_twice(lambda: [seen(other, target, key) for key in keys])
    for key in keys:
        assert seen(other, target, key) == seen(one, source, key)
        assert seen(other, target, key)["Tags"] == {"a": "1", "b": "two words"}
    assert other.client().head_object(Bucket=target, Key="large")["ETag"].endswith('-3"')
    assert other.client().list_objects_v2(Bucket=target)["KeyCount"] == len(keys)


def test_parts_that_are_too_large_for_memory_are_sent_as_they_are_read(stores):
    one, source, other, target, workspace = stores
    body = LARGE * 4
    one.client().put_object(Bucket=source, Key="k", Body=body, **SOURCE)
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "multipart": {"part-size": 65 * MIB}}, head=MAIN)
    result = workspace.run()
    assert result.code == 0, workspace.outcomes(result.job)
    assert seen(other, target, "k") == seen(one, source, "k")
    assert other.client().head_object(Bucket=target, Key="k")["ETag"].endswith('-2"')


class Between(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the store, signatures and all, and keeps the headers and the digest of each upload."""

    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "PUT":
            self.server.uploads.append((self.headers, hashlib.sha256(body).hexdigest()))
        connection = http.client.HTTPConnection(self.server.store)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.headers.get("Content-Length", 0) if self.command == "HEAD" else len(content))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

    def log_message(self, *_):
        """Not on the test's output."""


@pytest.fixture
def between(sandbox):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
    server.daemon_threads, server.store, server.uploads = True, sandbox.endpoint.removeprefix("http://"), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("option", ["", "sign-bodies = true\n"])
def test_bodies_are_signed_where_it_is_wanted(sandbox, bucket_of, workspace_of, between, option):
    source, target, workspace = bucket_of(sandbox), bucket_of(sandbox), workspace_of(sandbox)
    workspace.configure(second_store(sandbox, f"http://127.0.0.1:{between.server_port}") + option)
    sandbox.put(source, ["small"])
    sandbox.client().put_object(Bucket=source, Key="large", Body=LARGE)
    workspace.manifest(source, ["small", "large"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second"}, head=MAIN)
    result = workspace.run()
    assert result.code == 0, workspace.outcomes(result.job)
    assert len(between.uploads) == 4
    for headers, digest in between.uploads:
        assert headers["x-amz-content-sha256"] == (digest if option else "UNSIGNED-PAYLOAD")
        assert headers["Content-MD5"] and "content-md5" in headers["Authorization"]
    assert sandbox.client().get_object(Bucket=target, Key="large")["Body"].read() == LARGE


def test_a_move(stores):
    one, source, other, target, workspace = stores
    for key in ("small", "large"):
        one.client().put_object(Bucket=source, Key=key, Body=LARGE if key == "large" else b"body", **SOURCE)
    workspace.manifest(source, ["small", "large"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "mode": "move"}, head=MAIN)
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert one.client().list_objects_v2(Bucket=source)["KeyCount"] == 0
    assert seen(other, target, "large")["Body"] == LARGE
    outcomes = workspace.outcomes(result.job)
    assert outcomes["small"][3].startswith("moved; verified: 4 bytes, ETag ")
    assert outcomes["large"][3].startswith(f"moved; verified: {len(LARGE)} bytes; there is no checksum that both have")


def test_what_is_there_is_skipped(stores):
    one, source, other, target, workspace = stores
    one.client().put_object(Bucket=source, Key="k", Body=b"body")
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "skip-identical": True}, head=MAIN)
    assert workspace.run().code == 0
    before = other.client().head_object(Bucket=target, Key="k")["LastModified"]
    result = workspace.run()
    assert "identical" in result.out or "same size and ETag" in workspace.outcomes(result.job)["k"][3]
    assert other.client().head_object(Bucket=target, Key="k")["LastModified"] == before


def test_the_policies_are_asked_about_both_stores(sandbox, moto, bucket_of, workspace_of):
    source, target = bucket_of(sandbox), bucket_of(moto)
    policies = [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": f"arn:aws:s3:::{source}/*"},
                {"Effect": "Allow", "Action": "s3:Put*", "Resource": f"arn:aws:s3:::{target}/open/*"}]
    workspace = workspace_of(sandbox, policies)
    workspace.configure(second_store(moto))
    sandbox.put(source, ["open/k", "shut/k"])
    workspace.manifest(source, ["open/k", "shut/k"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second"}, head=MAIN)
    planned = workspace.longshore("plan", "job.toml")
    assert planned.code == 3 and f"s3:PutObject on arn:aws:s3:::{target}/shut/k" in planned.out + planned.err
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"AccessDenied": 1})
    assert f"may not s3:PutObject on arn:aws:s3:::{target}/shut/k" in workspace.refusals(result.job)["shut/k"]
    found = moto.client().list_objects_v2(Bucket=target)["Contents"]
    assert [one["Key"] for one in found] == ["open/k"]


@pytest.mark.parametrize(
    ("store", "words"),
    [("secnd", 'unknown store "secnd"'), ("main", 'store "main" is the job\'s own'),
     ("second", 'store "second" is the job\'s own')])
def test_stores_that_no_copy_can_go_to(sandbox, workspace_of, store, words):
    workspace = workspace_of(sandbox)
    # Another name for the same place, as the same user.
    workspace.configure(second_store(sandbox).replace("eu-west-1", "us-east-1"))
    workspace.manifest("b", ["k"])
    workspace.job("copy", {"target-bucket": "b", "target-store": store}, head=MAIN)
    result = workspace.longshore("validate", "job.toml")
    assert (result.code, words in result.err) == (2, True), result.err
    assert "job.toml:" in result.err


@pytest.mark.parametrize("other", [{"overwrite": False}, {"skip-identical": True}, {}])
def test_a_move_onto_itself_under_another_name_deletes_nothing(sandbox, bucket_of, workspace_of, other):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    workspace.configure(second_store(sandbox, sandbox.endpoint.replace("127.0.0.1", "localhost")))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": bucket, "target-store": "second", "mode": "move", **other}, head=MAIN)
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidRequest": 1})
    assert "the two may be one object under two names, and a move would delete the only copy; it stays" in workspace.outcomes(result.job)["k"][3]
    assert sandbox.client().get_object(Bucket=bucket, Key="k")["Body"].read()


def test_one_endpoint_is_two_stores_in_another_region(sandbox, bucket_of, workspace_of):
    """As it is with another account of one provider: the engine copies where the store could not."""
    source, target, workspace = bucket_of(sandbox), bucket_of(sandbox), workspace_of(sandbox)
    workspace.configure(second_store(sandbox))
    sandbox.put(source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "mode": "move"}, head=MAIN)
    result = workspace.run()
    assert result.code == 0, workspace.outcomes(result.job)
    assert sandbox.client().list_objects_v2(Bucket=source)["KeyCount"] == 0
    assert sandbox.client().list_objects_v2(Bucket=target)["KeyCount"] == 1


def test_versions_are_moved_to_where_all_of_them_stay(sandbox, bucket_of, workspace_of):
    """The versions of a key have one key there too: without versions the last copy would be all that is left."""
    source, plain, versioned = bucket_of(sandbox, **LOCKED), bucket_of(sandbox), bucket_of(sandbox, **LOCKED)
    client, workspace = sandbox.client(), workspace_of(sandbox)
    ids = [client.put_object(Bucket=source, Key="k", Body=body)["VersionId"] for body in (b"one", b"two")]
    workspace.write("manifest.csv", "".join(f"{source},k,{version}\n" for version in ids))
    for target, code in [(plain, 3), (versioned, 0)]:
        # Each copy is looked at before the next one takes its place.
        workspace.job("copy", {"target-bucket": target, "mode": "move", "overwrite": True},
                      fields='["Bucket", "Key", "VersionId"]', concurrency=1)
        result = workspace.run()
        assert result.code == code, workspace.outcomes(result.job)
        if code:
            assert result.job["failures"] == {"InvalidRequest": 2}
            assert len(client.list_object_versions(Bucket=source)["Versions"]) == 2
    assert "Versions" not in client.list_object_versions(Bucket=source)
    assert len(client.list_object_versions(Bucket=versioned)["Versions"]) == 2


def test_a_second_store_that_does_not_answer_holds_the_job_back(sandbox, bucket_of, workspace_of):
    workspace, bucket = workspace_of(sandbox), bucket_of(sandbox)
    workspace.configure(second_store(sandbox, endpoint=f"http://127.0.0.1:{free_port()}"))
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": "b", "target-store": "second"}, head=MAIN)
    job = workspace.submit()
    started = workspace.longshore("start", "--until-idle")
    assert started.code == 8, started.err
    status = workspace.status(job)
    assert (status["state"], status["failed"]) == ("New", 0)
    assert 'store "second"' in status["obstacle"]


def test_a_source_that_changes_is_not_mixed(stores):
    """The ETag of the row is not that of the object: nothing is written."""
    one, source, other, target, workspace = stores
    one.client().put_object(Bucket=source, Key="k", Body=b"new")
    workspace.write("manifest.csv", f"{source},k,{'0' * 32}\n")
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "if-match": "column"}, head=MAIN,
                  fields='["Bucket", "Key", { column = "ETag" }]')
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"PreconditionFailed": 1}), result.out + result.err
    with pytest.raises(ClientError):
        other.client().head_object(Bucket=target, Key="k")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "MD5", "SHA1", "SHA256", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"])
def test_every_checksum_goes_with_the_bytes(sandbox, bucket_of, workspace_of, between, algorithm):
    """The store compares each with what it receives."""
    source, target, workspace = bucket_of(sandbox), bucket_of(sandbox), workspace_of(sandbox)
    workspace.configure(second_store(sandbox, f"http://127.0.0.1:{between.server_port}"))
    sandbox.put(source, ["small"])
    sandbox.client().put_object(Bucket=source, Key="large", Body=LARGE)
    workspace.manifest(source, ["small", "large"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second", "checksum-algorithm": algorithm}, head=MAIN)
    result = workspace.run()
    assert result.code == 0, workspace.outcomes(result.job)
    assert len(between.uploads) == 4 and all(headers[f"x-amz-checksum-{algorithm}"] for headers, _ in between.uploads)
    small, large = (sandbox.client().head_object(Bucket=target, Key=key, ChecksumMode="ENABLED") for key in ("small", "large"))
    assert small[f"Checksum{algorithm}"] in [headers[f"x-amz-checksum-{algorithm}"] for headers, _ in between.uploads]
    # CRC64NVME has no other type.
    kind = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    assert (large["ChecksumType"], large[f"Checksum{algorithm}"].endswith("-3")) == (kind, kind == "COMPOSITE")
