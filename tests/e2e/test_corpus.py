"""The lists of tests/data/manifests: the real binary makes of each what index.toml says."""

import concurrent.futures
import importlib.util
import tomllib

import pytest

from harness import ROOT, Workspace

DIRECTORY = ROOT / "tests/data/manifests"
LISTS = tomllib.loads((DIRECTORY / "index.toml").read_text())["list"]


def maker():
    """make.py of the corpus."""
    spec = importlib.util.spec_from_file_location("make", DIRECTORY / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def job_of(case, directory):
    return (f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\nlocation = "{directory}/{case["file"]}"\n'
            f'{case["manifest"]}\n')


def outcome(workspace, job, directory):
    """What became of a list, in the form of the index."""
    said = workspace.longshore("status", "--json", job).events[0]
    if said["state"] == "Failed":
        assert said["total"] is None, said
        return {"fails": f'{said["failure_code"]}: {said["failure_reason"]}'.replace(f"{directory}/", "")}
    assert said["state"] == "Complete", said
    rows = workspace.rows(said)
    shown = {"rows": [trimmed(row[:3]) for row in rows if row[3] == "succeeded"]}
    failed = [[*trimmed(row[:3]), f"{row[5]}: {row[6]}".replace(f"{directory}/", "")] for row in rows if row[3] == "failed"]
    return shown | ({"failed": failed} if failed else {})


def trimmed(row):
    """Without the version, where there is none."""
    return row if row[2] else row[:2]


def outcomes(workspace, cases, directory):
    """Runs all of them in one engine, which takes a fraction of the time of one for each."""

    def submit(numbered):
        number, case = numbered
        workspace.write(f"{number}.toml", job_of(case, directory))
        submitted = workspace.longshore("submit", "--json", f"{number}.toml")
        assert submitted.code == 0, f"{case}: {submitted.err}"
        return submitted.events[0]["id"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(submit, enumerate(cases)))
    ended = workspace.longshore("start", "--until-idle")
    assert "panicked" not in ended.err, ended.err
    return [outcome(workspace, job, directory) for job in jobs]


@pytest.fixture(scope="module")
def found(sandbox, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("corpus"), sandbox)
    found = outcomes(workspace, LISTS, DIRECTORY)
    assert list((workspace.directory / "data/spools").iterdir()) == [], "a spool is left behind"
    return found


def name_of(case):
    return f'{case["file"]}: {case["manifest"]}'.replace("\n", "; ")


@pytest.mark.parametrize("number", range(len(LISTS)), ids=lambda number: name_of(LISTS[number]))
def test_each_list_is_what_the_index_says(found, number):
    expected = {key: value for key, value in LISTS[number].items() if key not in ("file", "manifest")}
    assert found[number] == expected


def test_the_index_names_every_file_and_every_file_has_a_maker():
    files = {str(path.relative_to(DIRECTORY)) for path in DIRECTORY.rglob("*") if path.is_file() and path.parent != DIRECTORY
             and "__pycache__" not in path.parts}
    make = maker()
    assert files == set(make.plain() | make.packed())
    named = {case["file"] for case in LISTS}
    read_through_an_index = {name for name in files if "/data/" in name or "/results/" in name}
    assert files - read_through_an_index <= named
    assert named - files == {"csv/absent.csv"}
    assert len(files) >= 60


def test_the_files_are_what_their_script_makes(sandbox, tmp_path):
    make = maker()
    for name, data in make.plain().items():
        assert (DIRECTORY / name).read_bytes() == data, name
    # Other versions of Arrow and zlib write other bytes: then these are read, too.
    directory = tmp_path / "made"
    make.write(directory)
    changed = {name for name, data in make.packed().items() if (DIRECTORY / name).read_bytes() != data}
    folders = {name.rsplit("/", 1)[0].removesuffix("/data") for name in changed}
    cases = [case for case in LISTS if case["file"] in changed
             or (case["file"].startswith("inventory/") and case["file"].rsplit("/", 1)[0] in folders)]
    good = [case for case in cases if "fails" not in case]
    workspace = Workspace(tmp_path / "workspace", sandbox)
    if good:
        assert outcomes(workspace, good, directory) == [
            {key: value for key, value in case.items() if key not in ("file", "manifest")} for case in good]
