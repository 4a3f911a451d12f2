"""`longshore sql` and the views that docs/queue-schema.md describes."""

import contextlib
import csv
import io
import json
import re
import sqlite3

import pytest

from harness import ROOT, TAGGING

PAGE = (ROOT / "docs/queue-schema.md").read_text()
EXAMPLES = re.findall(r"```sql\n(.+?)```", PAGE, re.DOTALL)
# A recursive query without an end.
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"


@pytest.fixture
def ledger(workspace, bucket):
    """A job of which one object is missing, and one that waits."""
    workspace.bucket = bucket
    workspace.server.put(bucket, ["one"])
    workspace.manifest(bucket, ["one", "miss,ing"])
    workspace.job(**TAGGING, head='description = "first"\ntags = { team = "x" }')
    workspace.ran = workspace.run().job
    workspace.waits = workspace.longshore("retry", workspace.ran["id"]).out.strip()
    return workspace


def query(workspace, sql, *options):
    done = workspace.longshore("sql", "--json", sql, *options)
    assert done.code == 0, done.err
    return done.events


@pytest.mark.parametrize("sql", EXAMPLES, ids=lambda sql: sql.splitlines()[0].strip("- "))
def test_the_examples_of_the_page(ledger, sql):
    """They run, with the same answer as in another client, and what they have to say of these jobs is no empty answer."""
    answers = query(ledger, sql)
    with contextlib.closing(sqlite3.connect(ledger.directory / "data/queue.db")) as connection:
        found = connection.execute(sql)
        names = [column[0] for column in found.description]
        assert [dict(zip(names, row)) for row in found] == answers
    assert answers or re.search("Active|jobs > 1", sql)


def test_the_page_describes_every_column_of_every_view(ledger):
    views = {}
    for row in ledger.longshore("sql", "--schema", "--json").events:
        views.setdefault(row["view"], []).append(row["column"])
    described = {}
    for name, section in re.findall(r"^### `(\w+)`.*?\n(.+?)(?=^#)", PAGE, re.DOTALL | re.MULTILINE):
        cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
        described[name] = [column for cell in cells for column in re.findall(r"`(\w+)`", cell)]
    assert described.keys() == views.keys()
    for view in views:
        assert sorted(described[view]) == sorted(views[view])
    assert "task_failures  row_number" in ledger.longshore("sql", "--schema").out


def test_views_say_what_the_commands_say(ledger):
    ran, waits = ledger.ran["id"], ledger.waits
    [first, second] = query(ledger, "SELECT * FROM jobs ORDER BY created_at")
    shown = ledger.status(ran)
    shown["start_at"] = shown["timing"].get("start_at")
    for column, value in first.items():
        name = {"job": "id", "total_tasks": "total"}.get(column, column)
        if column in ("tags", "parameters"):
            value = json.loads(value)
        if column.endswith("_at") and value is not None:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", value)
            value, shown[name] = value[:20], shown[name][:20]
        assert shown[name] == value, column
    assert (second["job"], second["state"], second["retry_of"]) == (waits, "New", ran)
    [failure] = query(ledger, f"SELECT * FROM task_failures WHERE job = '{ran}'")
    assert (failure["row_number"], failure["bucket"], failure["key"]) == (2, ledger.bucket, "miss%2Cing")
    assert (failure["code"], failure["status"]) == ("NoSuchKey", 404)
    states = query(ledger, f"SELECT to_state, actor FROM events WHERE job = '{ran}' ORDER BY number")
    assert [row["to_state"] for row in states] == ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]
    assert query(ledger, "SELECT * FROM view_version") == [{"version": 1}]


def test_forms_of_an_answer(ledger):
    sql = "SELECT 1 AS one, NULL AS none, 'a,\"b\"' || char(10, 27) AS text, 1.5 AS ratio, x'00ff' AS bytes"
    assert query(ledger, sql) == [{"one": 1, "none": None, "text": 'a,"b"\n\x1b', "ratio": 1.5, "bytes": "00ff"}]
    shown = ledger.longshore("sql", "--format", "csv", sql)
    rows = list(csv.reader(io.StringIO(shown.out, newline="")))
    assert rows == [["one", "none", "text", "ratio", "bytes"], ["1", "", 'a,"b"\n\x1b', "1.5", "00ff"]]
    plain = ledger.longshore("sql", sql)
    assert plain.out.split() == ["ONE", "NONE", "TEXT", "RATIO", "BYTES", "1", r'a,"b"\n\u{1b}', "1.5", "00ff"]
    nothing = "SELECT job FROM jobs WHERE job = ''"
    assert (ledger.longshore("sql", nothing).out, ledger.longshore("sql", nothing).err) == ("", "no rows\n")
    assert ledger.longshore("sql", "--format", "csv", nothing).out == "job\n"


@pytest.mark.parametrize("sql, told", [
    ("SELECT job,\n  stat FROM jobs", "error: the query cannot be answered: no such column: stat, at line 2, column 3\n    stat FROM jobs\n    ^\n"),
    ("SELEC 1", 'error: the query cannot be answered: near "SELEC": syntax error, at line 1, column 1\n  SELEC 1\n  ^\n'),
    ("SELECT 1; SELECT 2", "error: this is not one query: give one SELECT statement"),
    ("", "error: this is not one query"),
    ("-- nothing", "error: this is not one query"),
    ("BEGIN", "error: this is not one query"),
    ("DELETE FROM failures", "error: this is not one query"),
    ("UPDATE job_records SET priority = 9 RETURNING id", "attempt to write a readonly database"),
    ("ATTACH 'other.db' AS other", "error: this is not one query"),
    ("SELECT load_extension('x')", "not authorized"),
])
def test_what_is_no_query(ledger, sql, told):
    before = query(ledger, "SELECT * FROM jobs")
    refused = ledger.longshore("sql", sql)
    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err
    assert query(ledger, "SELECT * FROM jobs") == before
    assert not (ledger.directory / "other.db").exists()


def test_an_answer_is_bounded(ledger):
    slow = ledger.longshore("sql", "--timeout", "1", ENDLESS.format("count(*)"))
    assert slow.code == 1 and "the query was stopped after 1 s" in slow.err
    large = ledger.longshore("sql", ENDLESS.format("hex(zeroblob(100000))"), "--limit", "1000000")
    assert large.code == 1 and "the answer has more than 64 MiB" in large.err
    cut = ledger.longshore("sql", ENDLESS.format("i"))
    assert cut.code == 0 and len(cut.out.splitlines()) == 10_001
    assert cut.err == "only the first 10000 rows are shown; --limit takes more\n"
    whole = ledger.longshore("sql", "--json", ENDLESS.format("i"))
    assert (whole.code, whole.out) == (1, "") and "more than 10000 rows" in whole.err
    assert query(ledger, ENDLESS.format("i"), "--limit", "2") == [{"i": 1}, {"i": 2}]
    twice = ledger.longshore("sql", "--json", "SELECT 1 AS a, 2 AS a")
    assert twice.code == 2 and "two columns of the answer are called" in twice.err


def test_beside_a_running_engine(ledger):
    engine = ledger.start("start", "--json")
    line = b""
    while b"Complete\"" not in line:
        line = engine.stdout.readline()
        assert line, engine.stderr.read()
        [row] = query(ledger, f"SELECT state FROM jobs WHERE job = '{ledger.waits}'")
    assert query(ledger, f"SELECT state, failed FROM job_progress WHERE job = '{ledger.waits}'") == [
        {"state": "Complete", "failed": 1}]
    assert engine.poll() is None
