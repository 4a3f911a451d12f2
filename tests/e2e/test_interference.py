"""Rows of tasks whose objects are written by somebody else while they run, and of keys that have too much: between the engine and
the store is a server that sees to it. boto3 says what is left."""

import hashlib
import http.server
import itertools
import threading
import urllib.parse
import urllib.request

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from test_large_copy import uploads
from test_two_stores import MAIN, Between, second_store

MIB = 1024 * 1024
MEANWHILE = b"written meanwhile"
#: More than one PutObject carries to another store.
LARGE = bytes(9 * MIB)


class Meddling(Between):
    """Passes requests on, unless the test has an answer of its own."""

    def do(self):
        answer = self.server.meddle(self.command, urllib.parse.urlsplit(self.path))
        if answer is None:
            return super().do()
        status, headers, body = answer
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        return self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do


@pytest.fixture
def between(sandbox):
    """The server between: `meddle` is asked about each request, by method and split URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Meddling)
    server.daemon_threads, server.store, server.uploads = True, sandbox.endpoint.removeprefix("http://"), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def workspace(sandbox, workspace_of, between):
    """A workspace whose jobs reach the store by way of `between`, and as the store `second` without it."""
    workspace = workspace_of(sandbox)
    workspace.configure(second_store(sandbox), endpoint=f"http://127.0.0.1:{between.server_port}")
    return workspace


def before(method, bucket, number, act):
    """Acts before such a request for the object `k` comes for the `number`th time; what it answers is the answer, if it answers."""
    count = itertools.count(1)

    def meddle(command, url):
        asked = (command, url.path, "tagging" in url.query) == (method, f"/{bucket}/k", False)
        return act() if asked and next(count) == number else None

    return meddle


def overwriting(server, bucket):
    """Somebody else writes the object."""

    def act():
        server.client().put_object(Bucket=bucket, Key="k", Body=MEANWHILE)

    return act


def body(server, bucket):
    try:
        return server.client().get_object(Bucket=bucket, Key="k")["Body"].read()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchKey"
        return None


COPY = {"target-bucket": "TARGET"}
ELSEWHERE = {**COPY, "target-store": "second"}
CONDITION = "At least one of the pre-conditions you specified did not hold"
#: Name -> operation, parameters, before which request somebody writes, the row (HTTP status, code, words of the message), and
#: what source and target hold in the end.
WRITTEN = {
    "copy-differs": ("copy", {**COPY, "verify": True}, ("HEAD", "TARGET", 1),
                     ("", "VerificationFailed", "the copy has 17 bytes, the source 4"), (b"body", MEANWHILE)),
    "move-source": ("copy", {**COPY, "mode": "move"}, ("HEAD", "SOURCE", 2),
                    ("412", "PreconditionFailed", "the source was written while it was copied; it stays, and so does the copy"),
                    (MEANWHILE, b"body")),
    "move-target": ("copy", {**COPY, "mode": "move"}, ("HEAD", "TARGET", 2),
                    ("", "VerificationFailed", "the copy has 17 bytes, the source 4"), (b"body", MEANWHILE)),
    "copy-before": ("copy", {**COPY, "if-match": "head"}, ("PUT", "TARGET", 1),
                    ("412", "PreconditionFailed", CONDITION), (MEANWHILE, None)),
    "between-stores": ("copy", ELSEWHERE, ("GET", "SOURCE", 1), ("412", "PreconditionFailed", CONDITION), (MEANWHILE, None)),
    "between-stores-move": ("copy", {**ELSEWHERE, "mode": "move"}, ("HEAD", "SOURCE", 3),
                            ("412", "PreconditionFailed", "it stays, and so does the copy"), (MEANWHILE, b"body")),
    "in-place": ("metadata", {"mode": "merge", "user": {"a": "b"}}, ("PUT", "SOURCE", 1),
                 ("412", "PreconditionFailed", CONDITION), (MEANWHILE, None)),
    "checksum": ("checksum", {"algorithm": "SHA256"}, ("GET", "SOURCE", 1),
                 ("412", "PreconditionFailed", CONDITION), (MEANWHILE, None)),
    "delete": ("delete", {"if-match": hashlib.md5(b"body").hexdigest()}, ("DELETE", "SOURCE", 1),
               ("412", "PreconditionFailed", CONDITION), (MEANWHILE, None)),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_written(sandbox, between, bucket_of, workspace, name):
    operation, parameters, (method, written, number), expected, left = WRITTEN[name]
    buckets = {"SOURCE": bucket_of(sandbox), "TARGET": bucket_of(sandbox)}
    sandbox.put(buckets["SOURCE"], ["k"])
    # In a copy's request the written object is the source, whatever it is sent to.
    victim = "SOURCE" if method == "PUT" else written
    between.meddle = before(method, buckets[written], number, overwriting(sandbox, buckets[victim]))
    workspace.manifest(buckets["SOURCE"], ["k"])
    workspace.job(operation, {key: buckets.get(value, value) if isinstance(value, str) else value
                              for key, value in parameters.items()}, head=MAIN)
    failed(workspace, *expected)
    assert (body(sandbox, buckets["SOURCE"]), body(sandbox, buckets["TARGET"])) == left


def failed(workspace, status, code, words):
    """Runs the job of one task, which fails: its row."""
    result = workspace.run()
    [row] = workspace.outcomes(result.job).values()
    assert (result.code, *row[:3]) == (3, "failed", status, code), row
    assert words in row[3]


def test_a_large_source_that_is_written_between_two_parts(sandbox, between, bucket_of, workspace):
    source, target = bucket_of(sandbox), bucket_of(sandbox)
    sandbox.client().put_object(Bucket=source, Key="k", Body=LARGE)
    between.meddle = before("GET", source, 2, overwriting(sandbox, source))
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second"}, head=MAIN)
    failed(workspace, "412", "PreconditionFailed", CONDITION)
    assert (body(sandbox, source), body(sandbox, target)) == (MEANWHILE, None)
    assert uploads(sandbox, target) == []


def test_a_source_of_a_store_without_conditions(sandbox, between, bucket_of, workspace):
    """What comes has another ETag than what was looked at: it is not taken for the source."""
    source, target = bucket_of(sandbox), bucket_of(sandbox)
    sandbox.put(source, ["k"])
    headers = {"ETag": f'"{hashlib.md5(b"next").hexdigest()}"', "Content-Range": "bytes 0-3/4"}
    between.meddle = before("GET", source, 1, lambda: (206, headers, b"next"))
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "target-store": "second"}, head=MAIN)
    failed(workspace, "412", "PreconditionFailed", "the source was written while it was copied")
    assert body(sandbox, target) is None


@pytest.mark.parametrize("parameters", [{}, {"target-store": "second"}])
def test_what_has_more_bytes_than_so_many_parts_can(sandbox, between, bucket_of, workspace, parameters):
    """No object of Amazon's does: one byte more than 10,000 parts of 5 GiB. Nothing is begun."""
    source, target, bytes_ = bucket_of(sandbox), bucket_of(sandbox), (10_000 * 5 << 30) + 1
    sandbox.put(source, ["k"])
    between.meddle = before("HEAD", source, 1, lambda: (200, {"ETag": '"e"', "Content-Length": bytes_}, b""))
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "multipart": {"threshold": 5 * MIB}, **parameters}, head=MAIN)
    failed(workspace, "400", "EntityTooLarge", f"the object has {bytes_} bytes; in 10000 parts of {5 << 30} bytes {bytes_ - 1} can be copied")
    assert (body(sandbox, target), uploads(sandbox, target)) == (None, [])


def one_a_page(server):
    """Lists of versions and uploads have one entry a page, so that little is too much."""
    signer = S3SigV4QueryAuth(Credentials(server.access_key, server.secret_key), "s3", "us-east-1")

    def meddle(command, url):
        if command != "GET" or not {"versions", "uploads"} & urllib.parse.parse_qs(url.query, keep_blank_values=True).keys():
            return None
        request = AWSRequest("GET", f"{server.endpoint}{url.path}?{url.query}&max-keys=1&max-uploads=1")
        signer.add_auth(request)
        with urllib.request.urlopen(request.url) as answer:
            return answer.status, {"Content-Type": "application/xml"}, answer.read()

    return meddle


@pytest.mark.parametrize("operation, parameters", [("expire-versions", {"keep": 1}), ("delete", {"all-versions": True}), ("undelete", {})])
def test_too_many_versions(sandbox, between, bucket_of, workspace, operation, parameters):
    bucket = bucket_of(sandbox)
    sandbox.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    sandbox.put(bucket, ["k"] * 101)
    between.meddle = one_a_page(sandbox)
    workspace.manifest(bucket, ["k"])
    workspace.job(operation, parameters, head=MAIN)
    failed(workspace, "", "TooManyVersions", "the key has more than 100 versions, the most that one task looks at")
    assert len(sandbox.client().list_object_versions(Bucket=bucket)["Versions"]) == 101


def test_as_many_versions_as_a_task_looks_at(sandbox, between, bucket_of, workspace):
    bucket = bucket_of(sandbox)
    sandbox.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    sandbox.put(bucket, ["k"] * 100)
    between.meddle = one_a_page(sandbox)
    workspace.manifest(bucket, ["k"])
    workspace.job("expire-versions", {"keep": 1}, head=MAIN)
    result = workspace.run()
    assert workspace.outcomes(result.job)["k"] == ("succeeded", "200", "", "99 versions deleted")


def test_too_many_uploads(sandbox, between, bucket_of, workspace):
    bucket, client = bucket_of(sandbox), sandbox.client()
    for _ in range(101):
        client.create_multipart_upload(Bucket=bucket, Key="k")
    between.meddle = one_a_page(sandbox)
    workspace.manifest(bucket, ["k"])
    workspace.job("abort-uploads", {"older-than": "1d"}, head=MAIN)
    failed(workspace, "", "TooManyUploads", "the key has more uploads than fit on 100 pages, the most that one task looks at")
    assert len(client.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 101
