"""Bad manifests: the job fails while it is prepared, says which row and why, and no task has run."""

import hashlib

import pytest

from harness import TAGGING, policy

GOOD_ROWS = 1500  # more than a chunk, so that good rows come before the bad one

# What stands after the good rows, and what is said about row 1,501.
ROWS = {
    "too few columns": (b"{bucket}\n", "Unexpected number of task fields", "the row has 1 column, the job declares 2"),
    "too many columns": (b"{bucket},key,version\n", "Unexpected number of task fields", "3 columns"),
    "escape that is none": (b"{bucket},100%\n", "Invalid object key format", "100%", "write `%` itself as %25"),
    "escape of what is not UTF-8": (b"{bucket},%ff\n", "Invalid object key format", "UTF-8"),
    "bytes that are not UTF-8": (b"{bucket},\xff\n", "Invalid object key format", "UTF-8"),
    "NUL": (b"{bucket},a%00b\n", "Invalid object key format", "a%00b"),
    "NUL as it is": (b"{bucket},a\0b\n", "Invalid object key format", "a\\x00b"),
    "key of 1,025 bytes": (b"{bucket}," + b"k" * 1025 + b"\n", "Invalid object key format", "1025"),
    "no key": (b"{bucket},\n", "Invalid object key format", "every row needs a key"),
    "no bucket": (b",key\n", "Invalid Manifest Content", "every row needs a bucket name"),
    "bucket that is none": (b"a/b,key\n", "Invalid Manifest Content", "a/b"),
    "empty line": (b"\n{bucket},key\n", "not properly formatted", "the line is empty"),
    "open quote": (b'{bucket},"key\n', "not properly formatted", "close the quote"),
    "row without end": (b"{bucket}," + b"k" * 70_000, "not properly formatted", "longer than 65536 bytes"),
}


def failed(workspace, code, *words):
    """The job fails with this code and these words; nothing was asked but whether the store is there."""
    server = workspace.server
    before = server.requests()
    result = workspace.run()
    assert result.code == 4, result.out + result.err
    job = result.job
    assert (job["state"], job["failure_code"]) == ("Failed", code), job
    for word in words:
        assert word in job["failure_reason"], job["failure_reason"]
    assert "panicked" not in result.err
    assert (job["total"], job["succeeded"], job["failed"], job["report"]) == (None, 0, 0, None)
    sent = {(entry["method"], entry["bucket"]) for entry in server.log()[before:]}
    assert sent - {("GET", "lists"), ("HEAD", "lists")} == {("GET", None)}
    assert list((workspace.directory / "data" / "spools").iterdir()) == [], "the spool is left behind"
    assert [path for path in workspace.directory.glob("reports/**/*") if path.is_file()] == []
    plain = workspace.longshore("status", job["id"])
    assert code in plain.out and all(word in plain.out for word in words), plain.out
    no_report = workspace.longshore("report", job["id"])
    assert (no_report.code, no_report.out) == (2, "") and "no completion report" in no_report.err
    return job


@pytest.fixture
def workspace(sandbox, workspace_of):
    workspace = workspace_of(sandbox)
    workspace.job(**TAGGING)
    return workspace


@pytest.mark.parametrize("row", ROWS)
def test_rows_that_name_no_object(workspace, bucket_of, row):
    text, *words = ROWS[row]
    bucket = bucket_of(workspace.server)
    manifest = workspace.manifest(bucket, [f"key-{number}" for number in range(GOOD_ROWS)])
    manifest.write_bytes(manifest.read_bytes() + text.replace(b"{bucket}", bucket.encode()))
    failed(workspace, "InvalidManifestContent", f"row {GOOD_ROWS + 1} ", *words)


@pytest.mark.parametrize("text, words", [
    (b"", ["the manifest is empty"]),
    (b"\xef\xbb\xbfbucket,key\n", ["byte order mark"]),
    (b"Bucket,Key\nbucket,key\n", ["row 1 ", "the first row names the columns", "`header = true`"]),
    (b"\n", ["row 1 ", "the line is empty"]),
])
def test_files_that_are_no_manifest(workspace, text, words):
    workspace.write("manifest.csv", text)
    failed(workspace, "InvalidManifestContent", *words)


def test_a_file_that_is_not_there(workspace):
    failed(workspace, "ManifestNotReadable", "manifest.csv: cannot read the manifest", "No such file")
    workspace.write("manifest.csv/file", "")
    failed(workspace, "ManifestNotReadable", "manifest.csv", "directory")


def test_the_dry_run_says_the_same(workspace):
    workspace.write("manifest.csv", "some-bucket,key\nsome-bucket,100%\n")
    reason = failed(workspace, "InvalidManifestContent", "row 2 ")["failure_reason"]
    planned = workspace.longshore("plan", "job.toml")
    assert planned.code == 4 and reason in planned.err, planned.err


def test_a_file_that_has_changed(workspace):
    manifest = workspace.manifest("some-bucket", ["key"])
    expected = hashlib.md5(b"another list").hexdigest()
    text = (workspace.directory / "job.toml").read_text()
    workspace.write("job.toml", text.replace("fields =", f'etag = "{expected}"\nfields ='))
    failed(workspace, "ManifestETagMismatch", expected, hashlib.md5(manifest.read_bytes()).hexdigest(), "manifest.etag")


@pytest.fixture
def lists(sandbox):
    """A bucket for manifests."""
    sandbox.client().create_bucket(Bucket="lists")
    return sandbox.client()


def test_manifests_in_the_store(workspace, sandbox, lists, bucket_of):
    bucket = bucket_of(sandbox)
    sandbox.put(bucket, ["key"])
    good = f"{bucket},key\n".encode()
    lists.put_object(Bucket="lists", Key="bad.csv", Body=good + b"only-one-column\n")
    lists.put_object(Bucket="lists", Key="good.csv", Body=good)

    workspace.job(**TAGGING, manifest="s3://lists/absent.csv")
    failed(workspace, "ManifestNotReadable", "s3://lists/absent.csv", "NoSuchKey")
    workspace.job(**TAGGING, manifest="s3://lists/bad.csv")
    failed(workspace, "InvalidManifestContent", "row 2 ")
    workspace.job(**TAGGING, manifest='s3://lists/good.csv"\netag = "0123456789abcdef0123456789abcdef')
    failed(workspace, "ManifestETagMismatch", "s3://lists/good.csv", "0123456789abcdef0123456789abcdef", "manifest.etag")
    workspace.write("role.json", policy({"Effect": "Allow", "Action": "s3:PutObject*", "Resource": "*"}))
    workspace.job(**TAGGING, manifest="s3://lists/good.csv")
    before = sandbox.requests()
    failed(workspace, "ManifestNotReadable", "s3://lists/good.csv", "tester", "s3:GetObject", "arn:aws:s3:::lists/good.csv")
    assert [entry for entry in sandbox.log()[before:] if entry["bucket"] == "lists"] == []
