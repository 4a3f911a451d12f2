"""The completion report, byte for byte, in a bucket and in a directory."""

import csv
import hashlib
import io
import json
import re
import urllib.parse

import pytest

from documents import ALLOW_ALL, deny

SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
TAGGING = {"mode": "replace", "tags": {"a": "1"}}


@pytest.fixture
def bucket(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


def md5(content):
    return hashlib.md5(content).hexdigest()


class InBucket:
    """A report's files by key."""

    def __init__(self, server, bucket):
        client = server.client()
        listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        self.files = {
            found["Key"]: client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read() for found in listed}
        self.bucket = bucket


class InDirectory:
    """A report's files by path below the directory."""

    def __init__(self, directory):
        self.files = {
            str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        self.bucket = ""


def check(report, root, expected):
    """The files below `root` are a whole report, and its results are `expected`: status -> bytes."""
    manifest = report.files[f"{root}/manifest.json"]
    assert report.files[f"{root}/manifest.json.md5"] == md5(manifest).encode()
    parsed = json.loads(manifest)
    assert list(parsed) == ["Format", "ReportCreationDate", "Results", "ReportSchema"]
    assert (parsed["Format"], parsed["ReportSchema"]) == ("Report_CSV_20180820", SCHEMA)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,}Z", parsed["ReportCreationDate"])
    results = {}
    for result in parsed["Results"]:
        assert list(result) == ["TaskExecutionStatus", "Bucket", "MD5Checksum", "Key"]
        assert result["Bucket"] == report.bucket
        assert re.fullmatch(re.escape(root) + r"/results/[0-9a-f]{40}\.csv", result["Key"])
        assert result["MD5Checksum"] == md5(report.files[result["Key"]])
        results[result["TaskExecutionStatus"]] = report.files[result["Key"]]
    assert results == expected
    policies = json.loads(report.files[f"{root}/policies.json"])
    assert list(policies) == ["JobId", "Role", "PolicySnapshots"]
    [snapshot] = policies["PolicySnapshots"]
    assert re.fullmatch("[0-9a-f]{64}", snapshot["SHA256"])
    operations = json.loads(report.files[f"{root}/operations.json"])
    [operation] = operations["Operations"]
    assert operation["Step"] == 1 and operation["Operation"] in ("copy", "tagging")
    assert re.fullmatch("[0-9a-f]{64}", operation["SHA256"])
    own = ("manifest.json", "manifest.json.md5", "policies.json", "operations.json")
    names = {f"{root}/{name}" for name in own} | {result["Key"] for result in parsed["Results"]}
    assert set(report.files) == names, "nothing else is written"


@pytest.mark.parametrize(("prefix", "root"), [("", ""), ("/", ""), ("/a b/ü", "a b/ü/"), ("/final/", "final//")])
def test_in_a_bucket(server, bucket, workspace, bucket_of, prefix, root):
    reports = bucket_of(server)
    server.put(bucket, ["k", "l"])
    workspace.manifest(bucket, ["k", "gone", "l"])
    workspace.job("tagging", TAGGING, report=f'location = "s3://{reports}{prefix}"')
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    root = f"{root}job-{result.job['id']}"
    assert result.job["report"] == f"s3://{reports}/{root}/manifest.json"
    check(InBucket(server, reports), root, {
        "succeeded": f"{bucket},k,,succeeded,200,,Successful\n{bucket},l,,succeeded,200,,Successful\n".encode(),
        "failed": f"{bucket},gone,,failed,404,NoSuchKey,The specified key does not exist.\n".encode(),
    })


def test_in_a_directory(server, bucket, workspace):
    server.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING, report='location = "out/reports"')
    job = workspace.run().job
    directory = workspace.directory / "out/reports"
    assert job["report"] == str(directory / f"job-{job['id']}/manifest.json")
    rows = f"{bucket},k,,succeeded,200,,Successful\n".encode()
    check(InDirectory(directory), f"job-{job['id']}", {"succeeded": rows})
    assert workspace.longshore("report", job["id"]).out == job["report"] + "\n"
    assert workspace.longshore("report", job["id"], "--rows", "all").out.encode() == rows
    assert workspace.longshore("report", job["id"], "--rows", "failed").out == ""


def test_keys_are_echoed_as_the_manifest_writes_them(server, bucket, workspace):
    """Lower-case escapes, needless escapes, plus signs, quotes: one key, many ways to write it."""
    server.put(bucket, ["a b+c%20/ü"])
    written = ["a%20b+c%2520/%C3%BC", "a%20b%2bc%2520%2f%c3%bc", "%61 b+c%2520/ü"]
    workspace.write("manifest.csv", "".join(f'"{bucket}","{key}"\r\n' for key in written))
    workspace.job("tagging", TAGGING)
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    rows = "".join(f"{bucket},{key},,succeeded,200,,Successful\n" for key in written)
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {"succeeded": rows.encode()})


def test_odd_keys_url_encoded(server, bucket, workspace):
    server.put(bucket, server.odd_keys)
    workspace.manifest(bucket, server.odd_keys)
    workspace.job("tagging", TAGGING)
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    rows = "".join(f"{bucket},{urllib.parse.quote(key)},,succeeded,200,,Successful\n" for key in server.odd_keys)
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {"succeeded": rows.encode()})


def test_odd_keys_raw(server, bucket, workspace):
    """Raw keys go in and come out as CSV cells that a standard reader understands."""
    server.put(bucket, server.odd_keys)
    table = io.StringIO()
    csv.writer(table).writerows([bucket, key] for key in server.odd_keys)
    workspace.write("manifest.csv", table.getvalue())
    workspace.job("tagging", TAGGING, fields='["Bucket", "Key"]\nkeys = "raw"')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    quoted = {key: '"' + key.replace('"', '""') + '"' if re.search(r'[,"\x00-\x1f]', key) else key for key in server.odd_keys}
    rows = "".join(f"{bucket},{quoted[key]},,succeeded,200,,Successful\n" for key in server.odd_keys)
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {"succeeded": rows.encode()})
    assert [row[1] for row in workspace.rows(result.job)] == server.odd_keys


def test_columns_in_any_order(server, bucket, workspace):
    server.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = server.client().put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"]
    workspace.write("manifest.csv", f"k,some,{version},{bucket},\n")
    workspace.job("tagging", TAGGING, fields='["Key", "Ignore", "VersionId", "Bucket", "Ignore"]')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    rows = f"{bucket},k,{version},succeeded,200,,Successful\n".encode()
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {"succeeded": rows})


def test_every_kind_of_failed_row(sandbox_with, bucket_of, workspace_of):
    server = sandbox_with("--fault", "status=403,code=AccessDenied,method=PUT,key=copies/locked")
    bucket, target = bucket_of(server), bucket_of(server)
    server.put(bucket, ["fine", "secret", "locked"])
    server.put(bucket, ["cold"], StorageClass="GLACIER")
    workspace = workspace_of(server, [ALLOW_ALL, deny("*", "arn:aws:s3:::*/secret", sid="NoSecrets")])
    workspace.manifest(bucket, ["secret", "gone", "fine", "cold", "locked"])
    workspace.job("copy", {"target-bucket": target, "target-prefix": "copies"})
    result = workspace.run()
    assert result.code == 3, result.out + result.err
    refused = (f'role ""tester"" may not s3:PutObject on arn:aws:s3:::{target}/copies/secret: '
               'statement ""NoSecrets"" of role.json denies it')
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {
        "succeeded": f"{bucket},fine,,succeeded,200,,Successful\n".encode(),
        "failed": (
            f'{bucket},secret,,failed,403,AccessDenied,"{refused}"\n'
            f"{bucket},gone,,failed,404,NoSuchKey,The specified key does not exist.\n"
            f"{bucket},cold,,failed,403,InvalidObjectState,The operation is not valid for the object's storage class\n"
            f"{bucket},locked,,failed,403,AccessDenied,This error was injected by a fault rule of the sandbox.\n"
        ).encode(),
    })
    assert result.job["failures"] == {"AccessDenied": 2, "InvalidObjectState": 1, "NoSuchKey": 1}
    shown = workspace.longshore("failures", result.job["id"], "--json", "--code", "AccessDenied").events
    assert [(failure["key"], failure["status"]) for failure in shown] == [("secret", 403), ("locked", 403)]


def test_failed_row_of_a_missing_version(server, bucket, workspace):
    server.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = server.client().put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"]
    gone = "00000000-0000-4000-8000-000000000000"
    workspace.manifest(bucket, ["k", "k"], [gone, version])
    workspace.job("tagging", TAGGING, fields='["Bucket", "Key", "VersionId"]')
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"NoSuchVersion": 1})
    rows = {tuple(row) for row in workspace.rows(result.job)}
    assert (bucket, "k", version, "succeeded", "200", "", "Successful") in rows
    assert {row[:6] for row in rows if row[3] == "failed"} == {(bucket, "k", gone, "failed", "404", "NoSuchVersion")}


def test_failed_tasks_only(server, bucket, workspace):
    server.put(bucket, ["k"])
    workspace.manifest(bucket, ["k", "gone"])
    workspace.job("tagging", TAGGING, report='location = "reports"\nscope = "FailedTasksOnly"')
    result = workspace.run()
    assert result.code == 3
    rows = f"{bucket},gone,,failed,404,NoSuchKey,The specified key does not exist.\n".encode()
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {"failed": rows})


def test_failed_tasks_only_without_any(server, bucket, workspace):
    server.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING, report='location = "reports"\nscope = "FailedTasksOnly"')
    result = workspace.run()
    assert result.code == 0
    check(InDirectory(workspace.directory / "reports"), f"job-{result.job['id']}", {})


def test_no_report(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING, report="enabled = false")
    result = workspace.run()
    assert (result.code, result.job["report"]) == (0, None)
    assert not (workspace.directory / "reports").exists()
    shown = workspace.longshore("report", result.job["id"])
    assert shown.code == 2
    assert "its job file switches the report off" in shown.err


def test_a_report_that_cannot_be_written_fails_the_job(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING, report='location = "s3://no-such-bucket-for-reports/x"')
    result = workspace.run()
    assert (result.code, result.job["failure_code"]) == (4, "ReportNotWritten"), result.out + result.err
    assert "no-such-bucket-for-reports" in result.job["failure_reason"]
    assert "NoSuchBucket" in result.job["failure_reason"]


def test_a_report_that_the_role_may_not_write_is_noticed_before_the_first_task(sandbox, bucket_of, workspace_of):
    bucket, reports = bucket_of(sandbox), bucket_of(sandbox)
    deny_there = deny("s3:PutObject", f"arn:aws:s3:::{reports}/*", sid="NotThere")
    workspace = workspace_of(sandbox, [ALLOW_ALL, deny_there])
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("tagging", TAGGING, report=f'location = "s3://{reports}"')
    before = len(sandbox.log())
    result = workspace.run()
    assert (result.code, result.job["failure_code"]) == (4, "ReportNotWritten"), result.out + result.err
    assert 'statement "NotThere" of role.json denies it' in result.job["failure_reason"]
    assert not [entry for entry in sandbox.log()[before:] if entry["method"] == "PUT"]


def test_a_directory_that_cannot_be_made_is_noticed_before_the_first_task(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.put(bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.write("file", "not a directory")
    workspace.job("tagging", TAGGING, report='location = "file/reports"')
    before = len(sandbox.log())
    result = workspace.run()
    assert (result.code, result.job["failure_code"]) == (4, "ReportNotWritten"), result.out + result.err
    assert str(workspace.directory / "file/reports") in result.job["failure_reason"]
    assert not [entry for entry in sandbox.log()[before:] if entry["method"] == "PUT"]


def test_many_chunks_list_each_row_once(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    keys = [f"k{number:05}" for number in range(4500)]
    workspace.manifest(bucket, keys)
    workspace.job("noop")
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert sorted(row[1] for row in workspace.rows(result.job)) == keys
