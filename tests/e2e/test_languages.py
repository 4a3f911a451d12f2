"""Operations in Python, JavaScript and C: the examples that scripts/languages builds, run by the real binary through job files."""

import json
import random
import re
import shutil

import pytest

from documents import ALLOW_ALL, policy
from harness import ROOT, TARGET

COUNT = 1000
MIB = 1024 * 1024
PYTHON, JAVASCRIPT, C = "csv-profile", "count-values", "tag-text"
LANGUAGES = [PYTHON, JAVASCRIPT, C]


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


#: Of what the texts are made that C reads: the first seven are UTF-8, then surrogates, overlong forms, and characters cut off.
MORSELS = [b"a", b"\r", b"\n", b"\r\n", "ä".encode(), "€".encode(), "🚢".encode(), b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
           b"\xe0\x80\x80", b"\xc0\xaf", b"\xe2\x82", b"\xf0\x9f", b"\x80", b"\xff"]


def some_text(chance):
    pool = MORSELS[:7] if chance.random() < 0.7 else MORSELS
    text = b"".join(chance.choices(pool, k=chance.randint(1, 12)))
    return text + b"\0" + text if chance.random() < 0.1 else text


def first_bad_byte(text):
    """Where the first character begins that is no text in UTF-8, if there is one."""
    bad = [text.index(b"\0")] if b"\0" in text else []
    try:
        text.decode()
    except UnicodeDecodeError as error:
        bad.append(error.start)
    return min(bad, default=None)


def kind_of(text):
    """The tags that a text gets, by Python's own codecs."""
    if b"\0" in text:
        return {"charset": "binary"}
    charset = "unknown-8bit" if first_bad_byte(text) is not None else "us-ascii" if text.isascii() else "utf-8"
    ends = set(re.findall(rb"\r\n|\r|\n", text))
    name = "mixed" if len(ends) > 1 else {b"\n": "lf", b"\r\n": "crlf", b"\r": "cr", b"": "none"}[b"".join(ends)]
    return {"charset": charset, "line-ends": name, "lines": str(len(text.splitlines()))}


def said_of(kind):
    return "binary" if len(kind) == 1 else "{charset}, {line-ends}, {lines} lines".format_map(kind)


def test_c_over_a_thousand_objects(sandbox, bucket, workspace, put, run):
    chance = random.Random(1)
    texts = {f"k{number:03}": some_text(chance) for number in range(COUNT)}
    assert {kind_of(text)["charset"] for text in texts.values()} == {"binary", "unknown-8bit", "us-ascii", "utf-8"}
    put(texts)
    result = run(C, {}, list(texts), 0)
    outcomes = workspace.outcomes(result.job)
    assert {key: outcome[3] for key, outcome in outcomes.items()} == {key: said_of(kind_of(text)) for key, text in texts.items()}
    for key in list(texts)[::97]:
        assert tags(sandbox, bucket, key) == kind_of(texts[key])

    result = run(C, {"only-utf-8": True}, list(texts), 3)
    bad = {key: first_bad_byte(text) for key, text in texts.items() if first_bad_byte(text) is not None}
    failed = {key: outcome[2:] for key, outcome in workspace.outcomes(result.job).items() if outcome[0] == "failed"}
    assert failed == {key: ("NotUtf8", f"what begins at byte {place} is not text in UTF-8") for key, place in bad.items()}


def test_c_reads_more_than_it_has_memory_for(sandbox, bucket, workspace, put, run):
    """It has 64 MiB: what it did not free would not fit. A character and a line end lie across the ends of ranges, or end the object."""
    texts = {
        "large": b"x" * (MIB - 1) + "🚢".encode() + b"y" * (MIB - 4) + b"\r\n" + (b"z" * (MIB - 1) + b"\n") * 67,
        "cut": b"x" * (2 * MIB - 2) + "🚢".encode()[:2],
        "whole": b"x" * (2 * MIB - 4) + "🚢".encode(),
        "late": b"x" * (MIB + 5) + b"\0" + b"x" * (3 * MIB),
        "empty": b"",
    }
    put(texts)
    before = len(sandbox.log())
    result = run(C, {}, [*texts, "gone"], 3)
    outcomes = workspace.outcomes(result.job)
    assert outcomes.pop("gone")[:3] == ("failed", "404", "NoSuchKey")
    assert outcomes.pop("empty")[3] == "the object is empty"
    reads = [entry["key"] for entry in sandbox.log()[before:] if entry["method"] == "GET"]
    # One of them is that of the tags.
    for key, ranges in {"large": 70, "cut": 2, "whole": 2, "late": 2}.items():
        assert (outcomes[key][3], tags(sandbox, bucket, key)) == (said_of(kind_of(texts[key])), kind_of(texts[key]))
        assert reads.count(key) == ranges + 1, key
    assert tags(sandbox, bucket, "empty") == {} and reads.count("empty") == reads.count("gone") == 0


def test_the_example_in_c_is_a_project_whose_fixtures_pass(workspace):
    """Built by `plugin test`, which is what a reader would do with a copy of it."""
    shutil.copytree(ROOT / "examples/plugins-c" / C, workspace.directory / "project")
    done = workspace.longshore("plugin", "test", "--json", "project")
    assert done.code == 0, done.out + done.err
    assert done.events[0]["failed"] == 0 and len(done.events[0]["cases"]) > 5


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
     (JAVASCRIPT, "{}", "field"), (JAVASCRIPT, "{ field = 1 }", "field"), (JAVASCRIPT, '{ field = "a", sufix = "" }', "sufix"),
     (C, '{ only-utf-8 = "yes" }', "only-utf-8"), (C, "{ only-utf8 = true }", "only-utf8")])
def test_its_schema_checks_the_job_file(bucket, workspace, name, parameters, words):
    workspace.manifest(bucket, ["k"])
    path = workspace.job(f'plugin = "{name}.wasm"', parameters)
    line = path.read_text().splitlines().index(f"parameters = {parameters}") + 1
    result = workspace.longshore("run", "job.toml")
    assert (result.code, f"job.toml:{line}:" in result.err, words in result.err) == (2, True, True), result.err


@pytest.mark.parametrize(
    ("name", "parameters", "good", "bad", "code", "message"),
    [(PYTHON, {"columns": ["id"]}, b"id\n1\n", b"name\n", "MissingColumn", "the header has no column 'id'"),
     (JAVASCRIPT, {"field": "level"}, b'{"level":1}', b"{}\n{", "InvalidJson", "line 2: "),
     (C, {"only-utf-8": True}, b"a\n", b"a\n\xe4", "NotUtf8", "what begins at byte 2 is not text in UTF-8")])
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
    ("name", "parameters", "writes"),
    [(PYTHON, {}, "s3:PutObjectTagging"), (JAVASCRIPT, {"field": "level"}, "s3:PutObject"), (C, {}, "s3:PutObjectTagging")])
def test_policies_bind_its_plan(sandbox, bucket, workspace, put, run, name, parameters, writes):
    statement = {"Sid": "Hands", "Effect": "Deny", "Action": writes, "Resource": f"arn:aws:s3:::{bucket}/*"}
    workspace.write("role.json", policy(ALLOW_ALL, statement))
    put({"k": b"{}"})
    before = len(sandbox.log())
    result = run(name, parameters, ["k"], 3)
    assert workspace.refusals(result.job).keys() == {"k"}
    assert not [entry for entry in sandbox.log()[before:] if entry["key"]]
