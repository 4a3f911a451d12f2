"""Operations in Python and JavaScript: the examples that scripts/languages builds, run by the real binary through job files."""

import json
import shutil

import pytest

from documents import ALLOW_ALL, policy
from harness import TARGET

COUNT = 1000
PYTHON, JAVASCRIPT = "csv-profile", "count-values"
LANGUAGES = [PYTHON, JAVASCRIPT]


@pytest.fixture
def workspace(sandbox, workspace_of):
    workspace = workspace_of(sandbox)
    for name in LANGUAGES:
        module = TARGET / f"languages/{name}.wasm"
        assert module.exists(), f"{module} is not built: run 'scripts/languages'"
        (workspace.directory / f"{name}.wasm").symlink_to(module)
    return workspace


@pytest.fixture
def put(sandbox, bucket):
    def put(bodies):
        for key, body in bodies.items():
            sandbox.client().put_object(Bucket=bucket, Key=key, Body=body)

    return put


@pytest.fixture
def run(bucket, workspace):
    """Runs an operation over keys of the bucket."""

    def run(name, parameters, keys, code, **more):
        workspace.manifest(bucket, keys)
        workspace.job(f'plugin = "{name}.wasm"', parameters, **more)
        result = workspace.run()
        assert result.code == code, result.out + result.err
        return result

    return run


def tags(server, bucket, key):
    found = server.client().get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


def body(server, bucket, key):
    return server.client().get_object(Bucket=bucket, Key=key)["Body"].read()


def test_python_over_a_thousand_objects(sandbox, bucket, workspace, put, run):
    rows = {f"k{number:03}.csv": number % 7 for number in range(COUNT)}
    put({key: b"id,text\n" + b'1,"a\nb"\n' * count for key, count in rows.items()})
    result = run(PYTHON, {"columns": ["id"]}, list(rows), 0)
    outcomes = workspace.outcomes(result.job)
    assert {key: outcome[3] for key, outcome in outcomes.items()} == {key: f"{n} rows" for key, n in rows.items()}
    for key in list(rows)[::97]:
        assert tags(sandbox, bucket, key) == {"rows": str(rows[key]), "columns": "2"}


def test_javascript_over_a_thousand_objects(sandbox, bucket, workspace, put, run):
    lines = {f"k{number:03}": 1 + number % 7 for number in range(COUNT)}
    put({key: '{"level":"ü"}\n' * (count - 1) + '{"level":"info"}\n' for key, count in lines.items()})
    result = run(JAVASCRIPT, {"field": "level"}, list(lines), 0)
    outcomes = workspace.outcomes(result.job)
    assert {key: outcome[3] for key, outcome in outcomes.items()} == {key: f"{n} lines" for key, n in lines.items()}
    for key in list(lines)[::97]:
        more = {"ü": lines[key] - 1} if lines[key] > 1 else {}
        assert json.loads(body(sandbox, bucket, key + ".counts.json")) == {**more, "info": 1}


def test_large_objects_are_read_in_ranges(sandbox, bucket, workspace, put, run):
    row = b"x" * 1023
    put({"large.csv": b"only\n" + (row + b"\n") * 5000, "large.json": (b'{"level":"' + row + b'"}\n') * 5000})
    before = len(sandbox.log())
    result = run(PYTHON, {}, ["large.csv"], 0)
    assert workspace.outcomes(result.job)["large.csv"][3] == "5000 rows"
    result = run(JAVASCRIPT, {"field": "level"}, ["large.json"], 0)
    assert workspace.outcomes(result.job)["large.json"][3] == "5000 lines"
    # The tags of the CSV are read, too.
    reads = [entry["key"] for entry in sandbox.log()[before:] if entry["method"] == "GET"]
    assert reads.count("large.csv") - reads.count("large.json") == 1 and reads.count("large.json") == 2


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [(PYTHON, '{ columns = "id" }', "columns"), (PYTHON, '{ delimiter = ";;" }', "delimiter"), (PYTHON, "{ colums = [] }", "colums"),
     (JAVASCRIPT, "{}", "field"), (JAVASCRIPT, "{ field = 1 }", "field"), (JAVASCRIPT, '{ field = "a", sufix = "" }', "sufix")])
def test_its_schema_checks_the_job_file(bucket, workspace, name, parameters, words):
    workspace.manifest(bucket, ["k"])
    path = workspace.job(f'plugin = "{name}.wasm"', parameters)
    line = path.read_text().splitlines().index(f"parameters = {parameters}") + 1
    result = workspace.longshore("run", "job.toml")
    assert (result.code, f"job.toml:{line}:" in result.err, words in result.err) == (2, True, True), result.err


@pytest.mark.parametrize(
    ("name", "parameters", "good", "bad", "code", "message"),
    [(PYTHON, {"columns": ["id"]}, b"id\n1\n", b"name\n", "MissingColumn", "the header has no column 'id'"),
     (JAVASCRIPT, {"field": "level"}, b'{"level":1}', b"{}\n{", "InvalidJson", "line 2: ")])
def test_failures_of_the_store_and_of_its_own(workspace, put, run, name, parameters, good, bad, code, message):
    put({"good": good, "bad": bad})
    result = run(name, parameters, ["good", "bad", "gone"], 3)
    assert result.job["failures"] == {code: 1, "NoSuchKey": 1}
    outcomes = workspace.outcomes(result.job)
    assert outcomes["good"][0] == "succeeded"
    assert outcomes["bad"][:3] == ("failed", "", code) and outcomes["bad"][3].startswith(message)
    assert outcomes["gone"][:3] == ("failed", "404", "NoSuchKey")


@pytest.mark.parametrize(
    ("name", "parameters", "good", "bad", "message"),
    [(PYTHON, {}, b"id\n", b"id\n\xff\n", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 3"),
     (JAVASCRIPT, {"field": "level"}, b"{}\n", b"null\n", "TypeError: ")])
def test_an_exception_fails_its_task_with_its_words(workspace, put, run, name, parameters, good, bad, message):
    put({"good": good, "bad": bad})
    result = run(name, parameters, ["bad", "good"], 3)
    outcomes = workspace.outcomes(result.job)
    assert outcomes["bad"][:3] == ("failed", "", "UncaughtException")
    assert outcomes["bad"][3].startswith(message) and "plugin" in outcomes["bad"][3]
    assert outcomes["good"][0] == "succeeded"


@pytest.mark.parametrize(
    ("name", "parameters", "writes"), [(PYTHON, {}, "s3:PutObjectTagging"), (JAVASCRIPT, {"field": "level"}, "s3:PutObject")])
def test_policies_bind_its_plan(sandbox, bucket, workspace, put, run, name, parameters, writes):
    statement = {"Sid": "Hands", "Effect": "Deny", "Action": writes, "Resource": f"arn:aws:s3:::{bucket}/*"}
    workspace.write("role.json", policy(ALLOW_ALL, statement))
    put({"k": b"{}"})
    before = len(sandbox.log())
    result = run(name, parameters, ["k"], 3)
    assert workspace.refusals(result.job).keys() == {"k"}
    assert not [entry for entry in sandbox.log()[before:] if entry["key"]]
