"""`longshore manifest inspect`, `convert` and `split`: lists that pyarrow and Python's own modules write and read back."""

import bz2
import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import pty
import signal
import stat
import subprocess

import pyarrow
import pyarrow.orc
import pyarrow.parquet
import pytest

from documents import policy
from harness import Workspace, wait_for

KEYS = ["plain", "with space", "100%", "ünï/cödé", "comma,quote\"", "a+b", "line\nfeed"]
ENCODED = ["plain", "with%20space", "100%25", "%C3%BCn%C3%AF/c%C3%B6d%C3%A9", "comma%2Cquote%22", "a%2Bb", "line%0Afeed"]
VERSION = "3HL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY"


class Nowhere:
    """A store that nobody needs."""

    endpoint, access_key, secret_key = "http://127.0.0.1:9", "none", "none"


@pytest.fixture
def bare(tmp_path):
    """A directory without configuration: lists on this machine need none."""
    workspace = Workspace(tmp_path, Nowhere)
    (tmp_path / "longshore.toml").unlink()
    return workspace


def manifest(workspace, *arguments, code=0, input=None):
    done = subprocess.run(**workspace.command("manifest", *arguments), input=input, capture_output=True, timeout=300)
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    return done


def inspect(workspace, *arguments, code=0, input=None):
    return json.loads(manifest(workspace, "inspect", "--json", *arguments, code=code, input=input).stdout)


def convert(workspace, *arguments):
    return json.loads(manifest(workspace, "convert", "--json", *arguments).stdout)


def write_csv(workspace, name, rows, pack=bytes, **dialect):
    text = io.StringIO()
    csv.writer(text, **dialect).writerows(rows)
    return workspace.write(name, pack(text.getvalue().encode()))


def read_csv(path, **dialect):
    return list(csv.reader(io.StringIO(path.read_text(), newline=""), **dialect))


def table(keys=KEYS, **columns):
    return pyarrow.table({"Bucket": ["photos"] * len(keys), "Key": keys, **columns})


def objects(report):
    return [(row["Bucket"], row["Key"], row["VersionId"]) for row in report["first"]]


def expected(keys, version=None):
    return [("photos", key, version) for key in keys]


def run_section(workspace, section, sandbox_rows):
    """A job with this [manifest] section reads the same objects."""
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n{section}')
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    assert sorted(row[1] for row in workspace.rows(result.job)) == sorted(sandbox_rows)


@pytest.mark.parametrize("pack, name", [(bytes, "none"), (gzip.compress, "gzip"), (bz2.compress, "bzip2")])
def test_csv_of_any_dialect_is_recognised(bare, pack, name):
    rows = [["photos", key, "3"] for key in KEYS]
    write_csv(bare, "list", [["bucket", "KEY", "size"], *rows], pack, delimiter=";")
    report = inspect(bare, "list", "--show", "10")
    assert (report["compression"], report["header"], report["delimiter"], report["keys"]) == (name, True, ";", "raw")
    assert (report["rows"], report["complete"], report["problems"]["count"]) == (len(KEYS), True, 0)
    assert objects(report) == expected(KEYS)
    assert report["bytes"] == (bare.directory / "list").stat().st_size
    assert report["buckets"] == {"count": 1, "more": False, "rows": {"photos": len(KEYS)}}
    write_csv(bare, "amazon", [["photos", key, VERSION] for key in ENCODED], pack)
    report = inspect(bare, "amazon", "--show", "10")
    assert (report["header"], report["fields"], report["keys"]) == (False, ["Bucket", "Key", "VersionId"], "url")
    assert objects(report) == expected(ENCODED, VERSION)


def test_the_options_overrule_the_guess(bare):
    write_csv(bare, "list", [["x", "photos", "k%20", "ann"]], delimiter="|")
    report = inspect(bare, "list", "--fields", "Ignore,Bucket,Key,owner", "--keys", "raw", "--delimiter", "|", "--header=false")
    assert objects(report) == [("photos", "k%20", None)]
    assert report["first"][0]["columns"] == {"owner": "ann"}
    bare.write("keys", "a/b\nc/d\n")
    assert "--bucket" in manifest(bare, "inspect", "keys", code=2).stderr.decode()
    assert objects(inspect(bare, "keys", "--bucket", "photos")) == expected(["a/b", "c/d"])
    wrong = manifest(bare, "inspect", "keys", "--format", "jsonl", "--delimiter", ";", code=2)
    assert "--delimiter has no meaning for a list of the format JSONLines" in wrong.stderr.decode()
    for options in (["--delimiter", '"'], ["--bucket", "a/b"], ["--fields", "x=Nothing"], ["--format", "xml"]):
        manifest(bare, "inspect", "keys", *options, code=2)


@pytest.mark.parametrize("write", [pyarrow.parquet.write_table, pyarrow.orc.write_table])
def test_columnar_files_with_columns_of_any_name(bare, write):
    path = bare.directory / "list"
    write(pyarrow.table({"object_key": KEYS, "size": range(len(KEYS)), "bucket_name": ["photos"] * len(KEYS)}), path)
    report = inspect(bare, "list", "--show", "10")
    assert report["fields"] == ["bucket_name=Bucket", "object_key=Key"]
    assert objects(report) == expected(ENCODED)
    write(table(), path)
    assert inspect(bare, "list")["fields"] == []
    assert objects(inspect(bare, "-", "--show", "10", input=path.read_bytes())) == expected(ENCODED)
    write(pyarrow.table({"a": KEYS}), path)
    [problem] = inspect(bare, "list", code=2)["problems"]["first"]
    assert "no column Bucket, Key" in problem["message"]


def test_json_lines(bare):
    bare.write("list", "".join(json.dumps({"bucket": "photos", "key": key}) + "\n" for key in KEYS))
    report = inspect(bare, "list", "--show", "10")
    assert (report["format"], report["fields"], report["keys"]) == ("JSONLines", ["bucket=Bucket", "key=Key"], "raw")
    assert objects(report) == expected(KEYS)


def write_inventory(workspace):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(["photos", key, "", "true", "false"] for key in ENCODED)
    data = gzip.compress(text.getvalue().encode())
    workspace.write("inv/data/1.csv.gz", data)
    workspace.write("inv/manifest.json", json.dumps({
        "sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::lists", "version": "2016-11-30",
        "creationTimestamp": "1514944800000", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker",
        "files": [{"key": "data/1.csv.gz", "size": len(data), "MD5checksum": hashlib.md5(data).hexdigest()}],
    }, indent=1))
    return len(data)


def test_inventories(bare):
    size = write_inventory(bare)
    report = inspect(bare, "inv/manifest.json", "--show", "10")
    assert (report["format"], report["bytes"]) == ("S3InventoryReport_CSV_20161130", size)
    assert objects(report) == expected(ENCODED, "null")
    convert(bare, "inv/manifest.json", "list.csv")
    assert read_csv(bare.directory / "list.csv") == [["photos", key, "null"] for key in ENCODED]
    data = bare.directory / "inv/data/1.csv.gz"
    data.write_bytes(gzip.compress(gzip.decompress(data.read_bytes()).replace(b"plain", b"other")))
    [problem] = inspect(bare, "inv/manifest.json", code=2)["problems"]["first"]
    assert "manifest.json says its MD5 is" in problem["message"]


def test_completion_reports(sandbox, workspace_of):
    workspace = workspace_of(sandbox)
    workspace.write("list.csv", "photos,good\nphotos,100%\n")
    workspace.write("job.toml", 'role = "tester"\noperation = { name = "noop" }\n'
                                '[manifest]\nlocation = "list.csv"\nfields = ["Bucket", "Key"]\non-bad-row = "skip"\n')
    assert workspace.run().code == 3
    [index] = workspace.directory.glob("reports/*/manifest.json")
    report = inspect(workspace, index, "--keys", "raw")
    assert report["format"] == "Report_CSV_20180820" and objects(report) == expected(["100%"])
    assert inspect(workspace, index, "--report-rows", "all", "--keys", "raw")["rows"] == 2
    [results] = [path for path in workspace.directory.glob("reports/*/results/*.csv") if "failed" in path.read_text()]
    assert inspect(workspace, results)["format"] == "Report_CSV_20180820"


def test_problems_have_their_place_and_the_option_that_accepts_them(bare):
    bare.write("list", "photos,a%20b\nphotos,100%\n,empty\nphotos,ok\nphotos,50%\n")
    report = inspect(bare, "list", "--keys", "url", "--problems", "2", code=2)
    assert report["rows"] == 5 and report["buckets"]["rows"] == {"photos": 2}
    assert report["problems"]["count"] == 3
    assert report["problems"]["accepted_by"] == {'keys = "raw"': 2}
    key, bucket = report["problems"]["first"]
    assert (key["row"], key["offset"], key["reason"], key["option"]) == (2, 13, "Invalid object key format", 'keys = "raw"')
    assert (bucket["row"], bucket["offset"], bucket["option"]) == (3, 25, None)
    text = manifest(bare, "inspect", "list", "--keys", "url", "--problems", "2", code=2).stdout.decode()
    assert "row 2 (at byte 13): Invalid object key format" in text and "… and 1 more" in text
    assert '2 of them are accepted by keys = "raw" (here: --keys=raw)' in text


def test_what_ends_a_list_early_is_a_problem_too(bare):
    def only_problem(*arguments, **more):
        report = inspect(bare, *arguments, code=2, **more)
        assert report["problems"]["count"] == 1 and not report["complete"], report
        return report["problems"]["first"][0]

    bare.write("list", "bucket,key\nphotos,a\n")
    header = only_problem("list", "--header=false")
    assert (header["row"], header["offset"], header["option"]) == (1, 0, "header = true")
    assert inspect(bare, "list")["header"] is True
    assert "the manifest is empty" in only_problem("-", input=b"")["message"]
    bare.write("list", 'photos,a\nphotos,"b\n')
    assert "quoted cell is still open" in only_problem("list")["message"]
    bare.write("list", gzip.compress(b"photos,key\n" * 10_000)[:-9])
    assert "gzip file is damaged" in only_problem("list")["message"]
    bare.write("list", b"\xef\xbb\xbfphotos,a\n")
    assert "byte order mark" in only_problem("list")["message"]
    assert "cannot read the manifest" in manifest(bare, "inspect", "nothing", code=1).stderr.decode()
    report = json.loads(manifest(bare, "inspect", "--json", "nothing", code=1).stderr)
    assert report["exit"] == 1


def test_buckets_are_bounded(bare):
    bare.write("list", "".join(f"bucket-{number},k\n" for number in range(1200)))
    report = inspect(bare, "list")
    assert report["rows"] == 1200 and report["buckets"]["more"] and report["buckets"]["count"] == 1000
    assert "more than 1,000: bucket-0 (1)" in manifest(bare, "inspect", "list").stdout.decode()


def test_a_job_reads_the_section_that_is_shown(sandbox, workspace_of):
    workspace = workspace_of(sandbox)
    odd = workspace.directory / "odd ${HOME} ' \" name"
    odd.write_text("size\tobject_key\tbucket\n" + "".join(f"3\t{key}\tphotos\n" for key in KEYS[:4]))
    run_section(workspace, inspect(workspace, odd)["manifest"], KEYS[:4])
    shown = manifest(workspace, "inspect", odd).stdout.decode()
    run_section(workspace, shown[shown.index("[manifest]"):], KEYS[:4])
    for name in ("list.csv.gz", "list.jsonl.zst", "list.parquet", "list.orc"):
        run_section(workspace, convert(workspace, odd, name)["manifest"], ENCODED[:4])


def read_back(path):
    """Bucket, key and version of a list, read with other programs."""
    name = path.name
    if name.endswith(".parquet"):
        return [tuple(row.values()) for row in pyarrow.parquet.read_table(path).to_pylist()]
    if name.endswith(".orc"):
        return [tuple(row.values()) for row in pyarrow.orc.read_table(path).to_pylist()]
    raw = path.read_bytes()
    if name.endswith(".gz"):
        raw = gzip.decompress(raw)
    elif name.endswith(".bz2"):
        raw = bz2.decompress(raw)
    elif name.endswith(".zst"):
        raw = pyarrow.input_stream(pyarrow.BufferReader(raw), compression="zstd").read()
    text = raw.decode()
    if ".jsonl" in name:
        rows = map(json.loads, text.splitlines())
        return [(row["Bucket"], row["Key"], row.get("VersionId")) for row in rows]
    return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t" if ".tsv" in name else ",")]


@pytest.mark.parametrize("version", [None, VERSION])
def test_every_format_that_is_written_is_read_by_others(bare, version):
    columns = {} if version is None else {"VersionId": [version] * len(KEYS)}
    pyarrow.parquet.write_table(table(**columns), bare.directory / "source.parquet")
    cut = [("photos", key, *([version] if version else [])) for key in KEYS]
    for pack in ("", ".gz", ".zst", ".bz2"):
        for name in ("list.csv", "list.tsv"):
            done = convert(bare, "source.parquet", name + pack)
            assert done["rows"] == len(KEYS) and done["bytes"] == (bare.directory / (name + pack)).stat().st_size
            rows = read_back(bare.directory / (name + pack))
            assert rows == [(row[0], key, *row[2:]) for row, key in zip(cut, ENCODED)]
        convert(bare, "source.parquet", "list.jsonl" + pack, "--to-keys", "raw")
        assert read_back(bare.directory / ("list.jsonl" + pack)) == expected(KEYS, version)
    for name in ("list.parquet", "list.orc"):
        for number, pack in enumerate(("none", "gzip", "zstd")):
            convert(bare, "source.parquet", f"{number}-{name}", "--compression", pack)
            assert read_back(bare.directory / f"{number}-{name}") == expected(KEYS, version)
    convert(bare, "source.parquet", "header.csv", "--to-header", "--to-keys", "raw", "--without-versions", "--to-delimiter", "|")
    assert read_csv(bare.directory / "header.csv", delimiter="|") == [["Bucket", "Key"], *(["photos", key] for key in KEYS)]


def test_columns_for_the_operation_come_along(bare):
    write_csv(bare, "list.csv", [["ann", "photos", "a", ""], ["", "photos", "b", "x,y"]])
    options = ("--fields", "owner,Bucket,Key,note")
    for name in ("out.parquet", "out.orc"):
        convert(bare, "list.csv", name, *options)
        read = pyarrow.parquet.read_table if name.endswith("parquet") else pyarrow.orc.read_table
        assert read(bare.directory / name).select(["Key", "owner", "note"]).to_pylist() == [
            {"Key": "a", "owner": "ann", "note": ""}, {"Key": "b", "owner": "", "note": "x,y"}]
    report = inspect(bare, "out.orc", "--fields", "Bucket,Key,note,owner")
    assert [row["columns"] for row in report["first"]] == [{"note": "", "owner": "ann"}, {"note": "x,y", "owner": ""}]


def test_several_lists_a_limit_a_sample_and_each_object_once(bare):
    bare.write("a.csv", "".join(f"photos,k%20{number}\n" for number in range(1000)))
    bare.write("b.jsonl", "".join(json.dumps({"Bucket": "photos", "Key": f"k {number}"}) + "\n" for number in range(500, 1500)))

    def keys(*options):
        convert(bare, "a.csv", "b.jsonl", "out.csv", "--force", *options)
        return [row[1] for row in read_csv(bare.directory / "out.csv")]

    both = [f"k%20{number}" for number in itertools.chain(range(1000), range(500, 1500))]
    assert keys() == both
    assert keys("--unique") == both[:1000] + both[1500:]
    assert keys("--unique", "--limit", "1001") == both[:1000] + both[1500:1501]
    assert keys("--limit", "3") == both[:3]
    some = keys("--sample", "0.1", "--seed", "7")
    assert 100 < len(some) < 300 and some == keys("--sample", "0.1", "--seed", "7") != keys("--sample", "0.1")
    for options in (["--sample", "2"], ["--sample", "0"], ["--limit", "0"], ["--seed", "1"]):
        manifest(bare, "convert", "a.csv", "out.csv", "--force", *options, code=2)


def leaves_nothing(workspace, before):
    assert sorted(path.name for path in workspace.directory.iterdir()) == before


def test_a_convert_that_fails_leaves_nothing(bare):
    bare.write("bad.csv", "photos,a\n" * 50_000 + "photos,100%\nphotos,b b%20\n")
    bare.write("mixed.jsonl", '{"Bucket":"b","Key":"k","VersionId":"v"}\n{"Bucket":"b","Key":"l"}\n')
    bare.write("there.csv", "mine")
    before = sorted(path.name for path in bare.directory.iterdir())
    done = manifest(bare, "convert", "bad.csv", "out.parquet", "--keys", "url", code=2)
    assert "row 50001" in done.stderr.decode() and "Invalid object key format" in done.stderr.decode()
    assert "row 2 cannot be written" in manifest(bare, "convert", "mixed.jsonl", "out.csv", code=2).stderr.decode()
    assert "--force" in manifest(bare, "convert", "mixed.jsonl", "there.csv", code=2).stderr.decode()
    assert "--to" in manifest(bare, "convert", "mixed.jsonl", "out.txt", code=2).stderr.decode()
    manifest(bare, "convert", "mixed.jsonl", "out.parquet.gz", code=2)
    manifest(bare, "convert", "mixed.jsonl", "out.orc", "--compression", "bzip2", code=2)
    manifest(bare, "convert", "mixed.jsonl", "no/such/directory/out.csv", code=1)
    manifest(bare, "convert", "mixed.jsonl", code=2)
    manifest(bare, "convert", "-", "-", "out.csv", code=2)
    leaves_nothing(bare, before)
    assert (bare.directory / "there.csv").read_text() == "mine"
    convert(bare, "mixed.jsonl", "there.csv", "--without-versions", "--force")
    assert read_csv(bare.directory / "there.csv") == [["b", "k"], ["b", "l"]]
    mode = stat.S_IMODE((bare.directory / "there.csv").stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    assert mode == 0o666 & ~mask


def test_a_convert_that_is_stopped_leaves_nothing(bare):
    before = sorted(path.name for path in bare.directory.iterdir())
    process = subprocess.Popen(**bare.command("manifest", "convert", "-", "out.csv"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = b"photos,key\n" * 100_000
    process.stdin.write(lines)
    wait_for(lambda: list(bare.directory.glob(".longshore-*")), "the unfinished file")
    process.send_signal(signal.SIGINT)
    try:
        while process.poll() is None:
            process.stdin.write(lines)
    except BrokenPipeError:
        pass
    process.stdin.close()
    assert process.wait(60) == 6, process.stderr.read()
    leaves_nothing(bare, before)


def test_standard_input_and_output(bare):
    lines = "".join(f"photos,{key}\n" for key in ENCODED)
    many = "".join(f"photos,{'x' * 200}/{number}\n" for number in range(20_000))
    assert manifest(bare, "convert", "-", "-", input=lines.encode()).stdout.decode() == lines
    # More than what is looked at for the guess, and packed.
    for pack in (bytes, gzip.compress, bz2.compress):
        done = manifest(bare, "convert", "-", "-", input=pack(many.encode()))
        assert done.stdout.decode() == many and done.stderr == b""
    packed = manifest(bare, "convert", "-", "-", "--to", "jsonl", "--compression", "gzip", input=lines.encode()).stdout
    assert [json.loads(line)["Key"] for line in gzip.decompress(packed).splitlines()] == ENCODED
    orc = manifest(bare, "convert", "-", "-", "--to", "orc", input=lines.encode()).stdout
    assert pyarrow.orc.read_table(pyarrow.BufferReader(orc))["Key"].to_pylist() == KEYS
    report = inspect(bare, "-", input=lines.encode())
    assert report["rows"] == len(KEYS) and 'location = "-"' in report["manifest"]


def part_rows(directory):
    parts = sorted(directory.iterdir())
    assert [path.name.split(".")[0] for path in parts] == [f"part-{number:05}" for number in range(1, len(parts) + 1)]
    return [[row[1] for row in read_back(path)] for path in parts]


def test_split_gives_all_rows_exactly_once(bare):
    keys = [f"k{number}" for number in range(10_007)]
    bare.write("list.csv", "".join(f"photos,{key}\n" for key in keys))
    done = json.loads(manifest(bare, "split", "--json", "list.csv", "new/seven", "--into", "7").stdout)
    parts = part_rows(bare.directory / "new/seven")
    assert sum(parts, []) == keys and {len(part) for part in parts} == {1429, 1430}
    assert [part["rows"] for part in done["parts"]] == [len(part) for part in parts] and done["rows"] == len(keys)
    (bare.directory / "empty").mkdir()
    manifest(bare, "split", "list.csv", "empty", "--rows", "1000", "--to", "parquet")
    parts = part_rows(bare.directory / "empty")
    assert sum(parts, []) == keys and [len(part) for part in parts] == [1000] * 10 + [7]
    manifest(bare, "split", "-", "packed", "--rows", "4000", "--compression", "gzip", "--limit", "9000",
             input=(bare.directory / "list.csv").read_bytes())
    assert [len(part) for part in part_rows(bare.directory / "packed")] == [4000, 4000, 1000]
    for path in (bare.directory / "packed").iterdir():
        assert inspect(bare, path)["problems"]["count"] == 0
    again = manifest(bare, "split", "list.csv", "again", "--into", "7")
    assert "part-00007.csv: 1,429 rows" in again.stdout.decode()
    assert part_rows(bare.directory / "again") == part_rows(bare.directory / "new/seven")


def test_a_split_that_fails_leaves_nothing(bare):
    bare.write("list.csv", "photos,a\nphotos,b\n")
    bare.write("bad.csv", "photos,a%20\nphotos,b\nphotos,100%\n")
    bare.write("full/file", "")
    before = sorted(path.name for path in bare.directory.iterdir())
    assert "2 rows cannot be split into 3" in manifest(bare, "split", "list.csv", "out", "--into", "3", code=2).stderr.decode()
    assert "not empty" in manifest(bare, "split", "list.csv", "full", "--into", "2", code=2).stderr.decode()
    manifest(bare, "split", "bad.csv", "out", "--rows", "1", "--keys", "url", code=2)
    manifest(bare, "split", "list.csv", "out", code=2)
    manifest(bare, "split", "list.csv", "out", "--rows", "1", "--into", "2", code=2)
    leaves_nothing(bare, before)


def test_lists_in_the_store(sandbox, workspace_of):
    workspace = workspace_of(sandbox)
    client = sandbox.client()
    client.create_bucket(Bucket="inspected")
    text = "".join(f"photos,{key}\n" for key in ENCODED).encode()
    client.put_object(Bucket="inspected", Key="a list.csv", Body=gzip.compress(text))
    report = inspect(workspace, "s3://inspected/a list.csv", "--show", "10", "--role", "tester", "--store", "main")
    assert objects(report) == expected(ENCODED) and report["compression"] == "gzip"
    etag = client.head_object(Bucket="inspected", Key="a list.csv")["ETag"].strip('"')
    assert 'location = "s3://inspected/a list.csv"\n' in report["manifest"] and f'etag = "{etag}"' in report["manifest"]
    convert(workspace, "s3://inspected/a list.csv", "out.parquet")
    assert read_back(workspace.directory / "out.parquet") == expected(KEYS)
    assert "404" in manifest(workspace, "inspect", "s3://inspected/none", code=1).stderr.decode()
    manifest(workspace, "inspect", "s3://inspected", code=2)
    manifest(workspace, "inspect", "s3://inspected/a list.csv", "--role", "nobody", code=2)
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}
    workspace.write("role.json", policy(allowed))
    sandbox.clear_log()
    refused = manifest(workspace, "inspect", "s3://inspected/a list.csv", code=1)
    assert "s3:GetObject" in refused.stderr.decode()
    assert [entry for entry in sandbox.log() if entry["bucket"] == "inspected"] == []


def test_a_store_that_is_not_there(bare):
    bare.configure()
    manifest(bare, "inspect", "s3://lists/a.csv", code=8)


def test_progress_is_shown_on_a_terminal_only(bare):
    bare.write("list.csv", "photos,key\n" * 5000)
    assert manifest(bare, "inspect", "list.csv").stderr == b""
    master, terminal = pty.openpty()
    command = bare.command("manifest", "convert", "list.csv", "out.csv")
    command["env"]["TERM"] = "xterm"
    done = subprocess.run(**command, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert done.returncode == 0 and "rows read" in shown
