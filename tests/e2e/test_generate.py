"""Manifests generated from a bucket: what passes, what it costs, what becomes of it after a crash and when it is refused."""

import csv
import gzip
import hashlib
import io
import json
import time
import urllib.parse
from datetime import timedelta

import pyarrow.csv
import pytest

from documents import ALLOW_ALL, allow, deny, policy, toml
from harness import kill, start_seeded, wait_for

LIST = "list-type=2"

# Objects whose listing is interrupted: 100 pages, of which 16 at most are under way at a time.
MANY = 100_000


def put(server, bucket, key, body=b"body", **more):
    server.client().put_object(Bucket=bucket, Key=key, Body=body, **more)


def generate(workspace, bucket, *flags, code=0):
    """The rows of `manifest generate --json`, with decoded keys."""
    result = workspace.longshore("manifest", "generate", bucket, "--json", *flags)
    assert result.code == code, result.out + result.err
    return [{**row, "Key": urllib.parse.unquote(row["Key"])} for row in result.events]


def keys(workspace, bucket, *flags):
    return [row["Key"] for row in generate(workspace, bucket, *flags)]


def job_of(workspace, manifest, operation="noop", head=""):
    workspace.write("job.toml", f'''
role = "tester"
{head}
operation = {{ name = "{operation}" }}
[manifest.generate]
{manifest}''')


def rows_of(workspace, manifest, code=0):
    """Bucket, key and version of the report's rows."""
    job_of(workspace, manifest)
    result = workspace.run()
    assert result.code == code, result.out + result.err
    return [tuple(row[:3]) for row in workspace.rows(result.job)]


def listings(server, bucket, of=LIST):
    return [entry for entry in server.log() if entry["bucket"] == bucket and of in (entry["query"] or "")]


def about_objects(server, bucket):
    """The keys and queries of the requests for single objects."""
    return sorted((entry["key"], entry["query"]) for entry in server.log()
                  if entry["bucket"] == bucket and entry["key"] and entry["method"] in ("GET", "HEAD"))


@pytest.fixture
def varied(sandbox, bucket):
    """A bucket in which every condition holds for some objects."""
    put(sandbox, bucket, "logs/2024/a.log", b"x" * 10, Tagging="class=cold&team=web")
    put(sandbox, bucket, "logs/2025/b.log", b"x" * 2000, Metadata={"Origin": "scanner"})
    put(sandbox, bucket, "logs/2025/c.tmp", b"x" * 300_000, StorageClass="STANDARD_IA", Tagging="class=hot")
    put(sandbox, bucket, "photo.jpg", b"x" * 3, ServerSideEncryption="aws:kms", SSEKMSKeyId="key-1")
    return bucket


A, B, C, D = "logs/2024/a.log", "logs/2025/b.log", "logs/2025/c.tmp", "photo.jpg"


@pytest.mark.parametrize("conditions, expected", [
    ({}, [A, B, C, D]),
    ({"prefixes": ["logs/2025/", "photo"]}, [B, C, D]),
    ({"prefixes": ["logs/", "logs/2025/"]}, [A, B, C]),
    ({"suffixes": [".log", ".jpg"]}, [A, B, D]),
    ({"substrings": ["/b", "oto"]}, [B, D]),
    ({"glob": ["logs/*/*.log"]}, [A, B]),
    ({"glob": ["*.jpg", "**.tmp"]}, [C, D]),
    ({"glob": ["logs/*"]}, []),
    ({"regex": "^logs/[0-9]{4}/[ac]"}, [A, C]),
    ({"size-greater-than": 10}, [B, C]),
    ({"size-less-than": "2 kB"}, [A, D]),
    ({"size-greater-than": "1 KiB", "size-less-than": "1 MB"}, [B, C]),
    ({"created-after": "2020-01-01", "newer-than": "1d"}, [A, B, C, D]),
    ({"created-before": "2020-01-01T00:00:00Z"}, []),
    ({"older-than": "1h"}, []),
    ({"etags": [hashlib.md5(b"xxx").hexdigest()]}, [D]),
    ({"storage-classes": ["STANDARD_IA", "GLACIER"]}, [C]),
    ({"tags": {"class": ["cold", "warm"], "team": True}}, [A]),
    ({"tags": {"class": False}}, [B, D]),
    ({"metadata": {"origin": "scanner"}}, [B]),
    ({"encryption": ["SSE-KMS"]}, [D]),
    ({"kms-keys": ["key-1"]}, [D]),
    ({"replication-statuses": ["NONE"]}, [A, B, C, D]),
    ({"expression": "size > 1 * KiB && key.endsWith('.log')"}, [B]),
    ({"expression": "'class' in tags && tags['class'] == 'hot'"}, [C]),
    ({"expression": "size > 10 * MiB && age > 90 * days || key.startsWith('logs/2025') && tags.size() == 0"}, [B]),
    ({"any": [{"suffixes": [".tmp"]}, {"size-less-than": 5}]}, [C, D]),
    ({"all": [{"prefixes": ["logs/"]}, {"suffixes": [".log"]}], "not": {"substrings": ["2024"]}}, [B]),
    ({"not": {"any": [{"tags": {"class": "cold"}}, {"all": [{"glob": ["**/*"]}, {"storage-classes": ["STANDARD_IA"]}]}]}},
     [B, D]),
])
def test_every_condition(workspace, varied, conditions, expected):
    where = "\n".join(f"{key} = {toml(value)}" for key, value in conditions.items())
    if expected:
        assert keys(workspace, varied, "--where", where) == expected
        job_of(workspace, f'bucket = "{varied}"\nwhere = {toml(conditions)}')
        planned = workspace.longshore("plan", "job.toml", "--json", "--show", "0")
        assert (planned.code, planned.events[0]["rows"]) == (0, len(expected)), planned.out + planned.err
    else:
        result = workspace.longshore("manifest", "generate", varied, "--where", where)
        assert result.code == 4 and "found no keys matching the filter criteria" in result.err, result.err
        assert "4 entries were listed, none of them passes" in result.err, result.err


@pytest.mark.parametrize("flags, expected", [
    (["--prefix", "logs/2025", "--prefix", "ph"], [B, C, D]),
    (["--suffix", ".log", "--larger-than", "1 kB"], [B]),
    (["--substring", "2024", "--smaller-than", "11"], [A]),
    (["--glob", "*.jpg", "--newer-than", "1d", "--created-after", "2020-01-01"], [D]),
    (["--regex", "tmp$", "--storage-class", "STANDARD_IA"], [C]),
    (["--tag", "class=cold", "--tag", "team=web"], [A]),
    (["--expression", "size < 5"], [D]),
    (["--suffix", ".log", "--where", "not = { substrings = ['2024'] }"], [B]),
    (["--suffix", ".log", "--where", "@filter.toml"], [B]),
])
def test_conditions_as_flags(workspace, varied, flags, expected):
    workspace.write("filter.toml", 'substrings = ["2025"]\n')
    assert keys(workspace, varied, *flags) == expected


def test_moments(sandbox, workspace, bucket):
    """An object is taken as written at the second that the store tells."""
    put(sandbox, bucket, "first")
    first = sandbox.client().head_object(Bucket=bucket, Key="first")["LastModified"]
    wait_for(lambda: time.time() > (first + timedelta(seconds=2)).timestamp(), "the next second")
    put(sandbox, bucket, "second")
    between = (first + timedelta(seconds=1)).isoformat()
    assert keys(workspace, bucket, "--created-before", between) == ["first"]
    assert keys(workspace, bucket, "--created-after", between) == ["second"]
    assert keys(workspace, bucket, "--older-than", "1s")[:1] == ["first"]


def test_a_filter_costs_as_few_requests_as_it_can(sandbox, workspace, varied):
    """Conditions that the listing answers are asked first; one request for an object tells all that it can."""
    sandbox.clear_log()
    assert keys(workspace, varied, "--suffix", ".log", "--larger-than", "1") == [A, B]
    assert about_objects(sandbox, varied) == []
    assert keys(workspace, varied, "--suffix", ".log", "--tag", "class=cold") == [A]
    assert about_objects(sandbox, varied) == [(A, "tagging"), (B, "tagging")]
    sandbox.clear_log()
    where = 'suffixes = [".log"]\nmetadata = { origin = true }\nencryption = ["NOT-SSE", "SSE-S3"]'
    assert keys(workspace, varied, "--where", where) == [B]
    assert [key for key, _ in about_objects(sandbox, varied)] == [A, B]
    sandbox.clear_log()
    assert keys(workspace, varied, "--prefix", "logs/2025/") == [B, C]
    asked = listings(sandbox, varied)
    assert asked and all("prefix=logs%2F2025%2F" in entry["query"] for entry in asked), "only that part is listed"


def test_odd_keys(server, workspace_of, bucket_of):
    bucket, workspace = bucket_of(server), workspace_of(server)
    odd = sorted(server.odd_keys, key=str.encode)
    server.put(bucket, odd)
    assert keys(workspace, bucket) == odd
    assert rows_of(workspace, f'bucket = "{bucket}"') == [(bucket, encoded(key), "") for key in odd]


def encoded(key):
    return urllib.parse.quote(key, safe="/-._~")


@pytest.fixture
def versioned(server, bucket_of):
    """key -> version IDs, the newest first; "deleted" has a delete marker on top, "back" one in the middle."""
    bucket, client = bucket_of(server), server.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def write(key):
        return client.put_object(Bucket=bucket, Key=key, Body=b"v")["VersionId"]

    def delete(key):
        return client.delete_object(Bucket=bucket, Key=key)["VersionId"]

    versions = {key: [] for key in ("one", "three", "deleted", "back")}
    versions["one"].insert(0, write("one"))
    for _ in range(3):
        versions["three"].insert(0, write("three"))
    for step in (write, write, delete):
        versions["deleted"].insert(0, step("deleted"))
    for step in (write, delete, write):
        versions["back"].insert(0, step("back"))
    return bucket, versions


@pytest.mark.parametrize("flags, expected", [
    (["--versions", "all"],
     [("back", 0), ("back", 2), ("deleted", 1), ("deleted", 2), ("one", 0), ("three", 0), ("three", 1), ("three", 2)]),
    (["--versions", "noncurrent"], [("back", 2), ("deleted", 1), ("deleted", 2), ("three", 1), ("three", 2)]),
    (["--versions", "noncurrent", "--keep-newest", "1"], [("back", 2), ("deleted", 2), ("three", 1), ("three", 2)]),
    (["--versions", "all", "--keep-newest", "2"], [("three", 2)]),
    (["--versions", "delete-markers"], [("back", 1), ("deleted", 0)]),
    (["--versions", "all", "--expression", "!is_latest && size > 0", "--prefix", "t"], [("three", 1), ("three", 2)]),
])
def test_versions(server, workspace_of, versioned, flags, expected):
    (bucket, versions), workspace = versioned, workspace_of(server)
    found = [(row["Key"], row["VersionId"]) for row in generate(workspace, bucket, *flags)]
    assert found == [(key, versions[key][index]) for key, index in expected]


def test_current_objects_have_no_version(server, workspace_of, versioned):
    bucket, _ = versioned
    rows = generate(workspace_of(server), bucket)
    assert [row["Key"] for row in rows] == ["back", "one", "three"] and not any("VersionId" in row for row in rows)


def test_versions_reach_the_tasks(server, workspace_of, versioned):
    (bucket, versions), workspace = versioned, workspace_of(server)
    found = rows_of(workspace, f'bucket = "{bucket}"\nversions = "noncurrent"\nkeep-newest = 1\nwhere = {{ prefixes = ["three"] }}')
    assert found == [(bucket, "three", versions["three"][1]), (bucket, "three", versions["three"][2])]


def test_many_versions_of_one_key_across_pages(sandbox, workspace, bucket):
    client = sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(1100):
        put(sandbox, bucket, "key", b"")
    put(sandbox, bucket, "other", b"")
    assert len(generate(workspace, bucket, "--versions", "all")) == 1101
    assert len(generate(workspace, bucket, "--versions", "all", "--keep-newest", "1050")) == 50


def test_what_does_not_go_together(workspace, bucket):
    for flags, word in [
        (["--keep-newest", "1"], '"keep-newest" is for versions'),
        (["--versions", "delete-markers", "--larger-than", "1"], "delete markers have no such thing as the size"),
        (["--glob", "["], "not a usable glob"),
        (["--older-than", "soon"], '"soon" is no age'),
        (["--tag", "a=1", "--tag", "a=2"], "an object has one value for a tag"),
        (["--where", "sise-less-than = 1"], 'did you mean "size-less-than"?'),
        (["--where", "@absent.toml"], "absent.toml: cannot read the filter"),
        (["--role", "nobody"], "has no such role"),
        (["--store", "nowhere"], "has no such store"),
        (["--save", "gs://x"], "--save"),
    ]:
        result = workspace.longshore("manifest", "generate", bucket, *flags)
        assert result.code == 2 and word in result.err, result.err
    job_of(workspace, f'bucket = "{bucket}"\nkeep-newest = 1\nwhere = {{ expression = "sise > 1" }}')
    result = workspace.longshore("validate", "job.toml")
    assert result.code == 2 and "keep-newest" in result.err and 'did you mean "size"?' in result.err, result.err


def test_a_bucket_that_is_not_there_or_empty(workspace, bucket):
    absent = workspace.longshore("manifest", "generate", "no-such-bucket")
    assert absent.code == 4 and "ManifestGenerationFailed: listing s3://no-such-bucket/ failed: NoSuchBucket" in absent.err
    job_of(workspace, f'bucket = "{bucket}"')
    empty = workspace.run()
    assert (empty.code, empty.job["state"], empty.job["failure_code"]) == (4, "Failed", "ManifestGenerationFailed")
    assert empty.job["failure_reason"] == (
        f"Manifest generation found no keys matching the filter criteria: s3://{bucket}: there is nothing in it to list")


def test_csv_and_json_lines_are_manifests(sandbox, workspace, bucket):
    odd = sorted(sandbox.odd_keys, key=str.encode)
    sandbox.put(bucket, odd)
    done = workspace.longshore("manifest", "generate", bucket, "--output", "list.csv")
    assert done.code == 0 and done.out == f"{len(odd)} entries listed, {len(odd)} rows written to list.csv\n", done.out
    workspace.job("noop", manifest="list.csv")
    result = workspace.run()
    assert [row[1] for row in workspace.rows(result.job)] == [encoded(key) for key in odd]
    assert workspace.longshore("manifest", "generate", bucket).out == (workspace.directory / "list.csv").read_text()
    workspace.write("list.jsonl", workspace.longshore("manifest", "generate", bucket, "--json").out)
    workspace.write("job.toml", 'role = "tester"\noperation = { name = "noop" }\n'
                                '[manifest]\nlocation = "list.jsonl"\nformat = "JSONLines"\n')
    result = workspace.run()
    assert [row[1] for row in workspace.rows(result.job)] == [encoded(key) for key in odd]


@pytest.mark.parametrize("place", ["lists", "s3"])
def test_a_saved_inventory_is_read_back(sandbox, workspace, versioned_sandbox, bucket_of, place):
    bucket, lists = versioned_sandbox, bucket_of(sandbox)
    save = f"s3://{lists}/some/prefix" if place == "s3" else "lists"
    done = workspace.longshore("manifest", "generate", bucket, "--versions", "all", "--save", save, "--json")
    assert done.code == 0, done.err
    saved = done.events[0]
    assert (saved["listed"], saved["rows"]) == (5, 4)

    def fetch(name):
        if place == "s3":
            return sandbox.client().get_object(Bucket=lists, Key=f"some/prefix/{name}")["Body"].read()
        return (workspace.directory / "lists" / name).read_bytes()

    text = fetch("manifest.json")
    assert hashlib.md5(text).hexdigest() == fetch("manifest.checksum").decode() == saved["etag"]
    manifest = json.loads(text)
    columns = [name.strip() for name in manifest["fileSchema"].split(",")]
    (file,) = manifest["files"]
    data = fetch(f"data/{file['key'].rsplit('/', 1)[1]}")
    assert (file["size"], file["MD5checksum"]) == (len(data), hashlib.md5(data).hexdigest())
    rows = [dict(zip(columns, row)) for row in csv.reader(io.StringIO(gzip.decompress(data).decode(), newline=""))]
    expected = [("a b", True), ("plus+", True), ("ü", True), ("ü", False)]
    assert [(urllib.parse.unquote(row["Key"]), row["IsLatest"] == "true") for row in rows] == expected
    table = pyarrow.csv.read_csv(
        io.BytesIO(gzip.decompress(data)), read_options=pyarrow.csv.ReadOptions(column_names=columns))
    assert table.column("Size").to_pylist() == [4, 4, 4, 4] and set(table.column("Bucket").to_pylist()) == {bucket}
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\n'
                                f'location = "{saved["location"]}"\nformat = "S3InventoryReport_CSV_20211130"\n'
                                + (f'etag = "{saved["etag"]}"\n' if place == "s3" else ""))
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert [tuple(row[1:3]) for row in workspace.rows(result.job)] == [(row["Key"], row["VersionId"]) for row in rows]


@pytest.fixture
def versioned_sandbox(sandbox, bucket_of):
    bucket, client = bucket_of(sandbox), sandbox.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    sandbox.put(bucket, ["ü", "a b", "plus+", "ü", "gone"])
    client.delete_object(Bucket=bucket, Key="gone", VersionId=client.head_object(Bucket=bucket, Key="gone")["VersionId"])
    client.delete_object(Bucket=bucket, Key="marker")
    return bucket


def test_a_job_saves_its_list_and_says_where(sandbox, workspace, bucket, bucket_of):
    lists = bucket_of(sandbox)
    sandbox.put(bucket, ["a", "b"])
    job_of(workspace, f'bucket = "{bucket}"\nsave = "s3://{lists}/generated"')
    first = workspace.run()
    assert first.code == 0, first.out + first.err
    shown = workspace.longshore("status", first.job["id"], "--json").events[0]
    (saved,) = shown["saved_lists"]
    assert saved["location"] == f"s3://{lists}/generated/job-{first.job['id']}/manifest.json"
    assert saved["location"] in workspace.longshore("status", first.job["id"]).out
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\n'
                                f'location = "{saved["location"]}"\nformat = "S3InventoryReport_CSV_20211130"\netag = "{saved["etag"]}"\n')
    assert [row[1] for row in workspace.rows(workspace.run().job)] == ["a", "b"]


def test_several_sources(workspace, sandbox, bucket):
    sandbox.put(bucket, ["a", "b", "c"])
    workspace.write("list.csv", f"{bucket},x\n{bucket},b\n")
    workspace.write("job.toml", f'''
role = "tester"
operation = {{ name = "noop" }}
[manifest]
unique = true
[[manifest.sources]]
location = "list.csv"
fields = ["Bucket", "Key"]
[[manifest.sources]]
generate = {{ bucket = "{bucket}", where = {{ prefixes = ["b", "c"] }} }}
[[manifest.sources]]
generate = {{ bucket = "{bucket}" }}
''')
    result = workspace.run()
    assert [row[1] for row in workspace.rows(result.job)] == ["x", "b", "c", "a"], result.out + result.err


@pytest.mark.parametrize("manifest, statement, action, request_of_listing", [
    ("", deny("s3:ListBucket"), "s3:ListBucket", LIST),
    ('versions = "all"', deny("s3:ListBucketVersions"), "s3:ListBucketVersions", "versions"),
])
def test_a_role_that_may_not_list(sandbox, workspace, bucket, manifest, statement, action, request_of_listing):
    """Nothing is listed, nothing runs."""
    sandbox.put(bucket, ["a"])
    workspace.write("role.json", policy(ALLOW_ALL, statement))
    job_of(workspace, f'bucket = "{bucket}"\n{manifest}', "tagging")
    workspace.write("job.toml", (workspace.directory / "job.toml").read_text().replace(
        '{ name = "tagging" }', '{ name = "tagging", parameters = { mode = "replace", tags = { a = "1" } } }'))
    sandbox.clear_log()
    result = workspace.run()
    assert (result.code, result.job["state"], result.job["failure_code"]) == (4, "Failed", "ManifestGenerationFailed")
    reason = result.job["failure_reason"]
    assert f'role "tester" may not {action} on arn:aws:s3:::{bucket}' in reason and 'statement "Not" of role.json' in reason, reason
    assert result.job["total"] is None
    assert listings(sandbox, bucket, request_of_listing) == [] and about_objects(sandbox, bucket) == []
    assert [entry for entry in sandbox.log() if entry["method"] == "PUT"] == []
    again = workspace.longshore("manifest", "generate", bucket, *(["--versions", "all"] if manifest else []))
    assert again.code == 4 and f"the role and the store must allow {action} on the bucket" in again.err, again.err


def test_a_role_that_may_not_look_at_objects(sandbox, workspace, bucket):
    sandbox.put(bucket, ["a", "b"])
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:GetObjectTagging", f"arn:aws:s3:::{bucket}/b")))
    sandbox.clear_log()
    result = workspace.longshore("manifest", "generate", bucket, "--tag", "a=1")
    assert result.code == 4 and "the filter asks for the tags, but GetObjectTagging" in result.err, result.err
    assert ("b", "tagging") not in about_objects(sandbox, bucket)


def test_a_role_that_may_not_save(sandbox, workspace, bucket, bucket_of):
    """It is told before anything is listed."""
    lists = bucket_of(sandbox)
    sandbox.put(bucket, ["a"])
    workspace.write("role.json", policy(ALLOW_ALL, deny("s3:PutObject", f"arn:aws:s3:::{lists}/*")))
    job_of(workspace, f'bucket = "{bucket}"\nsave = "s3://{lists}/x"')
    sandbox.clear_log()
    for result in (workspace.longshore("run", "job.toml"),
                   workspace.longshore("manifest", "generate", bucket, "--save", f"s3://{lists}/x")):
        assert result.code == 4 and "Failed to write manifest" in result.out + result.err, result.out + result.err
    assert listings(sandbox, bucket) == []
    simulated = workspace.longshore("policy", "simulate", "job.toml")
    assert simulated.code == 3 and "the saved list is refused: s3:PutObject" in simulated.out, simulated.out


def test_rehearsals_list_and_save_nothing(sandbox, workspace, bucket, bucket_of):
    lists = bucket_of(sandbox)
    sandbox.put(bucket, ["a", "b"], Tagging="class=cold")
    job_of(workspace, f'bucket = "{bucket}"\nwhere = {{ tags = {{ class = "cold" }} }}\nsave = "s3://{lists}/x"')
    workspace.write("role.json", policy(ALLOW_ALL, deny(["s3:ListBucket", "s3:GetObjectTagging"])))
    simulated = workspace.longshore("policy", "simulate", "job.toml", "--json")
    assert simulated.code == 3, simulated.out + simulated.err
    told = simulated.events[0]
    assert (told["rows"], told["manifest"]["verdict"]) == (2, "refused") and "s3:ListBucket" in told["manifest"]["reason"]
    workspace.write("role.json", policy(ALLOW_ALL))
    suggested = workspace.longshore("policy", "suggest", "job.toml")
    assert suggested.code == 0, suggested.err
    workspace.write("role.json", suggested.out)
    planned = workspace.longshore("plan", "job.toml", "--json")
    assert (planned.code, planned.events[0]["rows"]) == (0, 2), planned.out + planned.err
    assert sandbox.client().list_objects_v2(Bucket=lists)["KeyCount"] == 0
    assert workspace.run().code == 0, "the suggested policy is enough"
    assert sandbox.client().list_objects_v2(Bucket=lists)["KeyCount"] == 3


def test_a_job_killed_while_it_lists_goes_on(tmp_path, workspace_of):
    """What was listed is not listed again."""
    server, rows = start_seeded(tmp_path / "store", MANY, "--fault", "delay=100ms,method=GET,bucket=objects")
    try:
        whole = workspace_of(server)
        assert whole.longshore("manifest", "generate", "objects", "--output", "list.csv").code == 0
        needed = len(listings(server, "objects"))
        assert 100 <= needed <= 150, "100 pages, and some guesses"
        workspace = workspace_of(server)
        job_of(workspace, 'bucket = "objects"')
        server.clear_log()
        process = workspace.start("run", "job.toml")
        wait_for(lambda: len(listings(server, "objects")) >= 100, "most pages")
        kill(process)
        server.clear_log()
        done = workspace.longshore("start", "--until-idle")
        assert done.code == 0, done.err
        again = len(listings(server, "objects"))
        assert 0 < again < needed * 2 / 3, (again, needed)
        (job,) = [json.loads(line) for line in workspace.longshore("list", "--json").out.splitlines()]
        assert (job["state"], job["total"], job["succeeded"]) == ("Complete", MANY, MANY)
        assert sorted(row[1] for row in workspace.rows(job)) == sorted(row.split(",")[1] for row in rows)
    finally:
        server.stop()


def test_a_command_killed_while_it_lists_goes_on(tmp_path, workspace_of):
    server, rows = start_seeded(tmp_path / "store", MANY, "--fault", "delay=100ms,method=GET,bucket=objects")
    try:
        workspace = workspace_of(server)
        command = ["manifest", "generate", "objects", "--output", "list.csv"]
        process = workspace.start(*command)
        wait_for(lambda: len(listings(server, "objects")) >= 100, "most pages")
        busy = workspace.longshore(*command)
        assert busy.code == 4 and "another process generates the same list" in busy.err, busy.err
        kill(process)
        assert not (workspace.directory / "list.csv").exists()
        before = len(listings(server, "objects"))
        done = workspace.longshore(*command, "--resume")
        assert done.code == 0 and "100,000 rows written to list.csv" in done.out, done.out + done.err
        assert len(listings(server, "objects")) - before < 100 * 2 / 3, "not everything again"
        found = (workspace.directory / "list.csv").read_text().splitlines()
        assert sorted(found) == sorted(rows)
        assert list((workspace.directory / "data" / "listings").iterdir()) == [], "nothing is left behind"
    finally:
        server.stop()


def test_the_expected_owner_is_passed_on(sandbox, workspace, bucket):
    sandbox.put(bucket, ["a"])
    result = workspace.longshore("manifest", "generate", bucket, "--expected-bucket-owner", "999988887777")
    assert result.code == 4 and "listing s3://" in result.err and "AccessDenied" in result.err, result.err


def test_the_list_needs_only_what_it_says(sandbox, workspace, bucket):
    sandbox.put(bucket, ["logs/a", "other"])
    workspace.write("role.json", policy(
        allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "logs/*"}})))
    assert keys(workspace, bucket, "--prefix", "logs/") == ["logs/a"]
    assert workspace.longshore("manifest", "generate", bucket).code == 4
