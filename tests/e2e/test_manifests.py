"""Manifests that name the right objects: sources, what is taken of them, and in which form."""

import pytest


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox)


def keys_of(workspace, manifest, code=0):
    """The keys of the report of a job that does nothing, in manifest order, and the job."""
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\n{manifest}')
    result = workspace.run()
    assert result.code == code, result.out + result.err
    return [row[1] for row in workspace.rows(result.job)], result.job


LIST = '[[manifest.sources]]\nlocation = "{}"\nfields = ["Bucket", "Key"]\n'


def test_several_sources_are_one_manifest(workspace):
    workspace.write("a.csv", "b,one%20\nb,two\n")
    workspace.write("b.csv", "three%20,b\n")
    sources = LIST.format("a.csv") + '[[manifest.sources]]\nlocation = "b.csv"\nfields = ["Key", "Bucket"]\nkeys = "raw"\n'
    keys, job = keys_of(workspace, sources)
    assert keys == ["one%20", "two", "three%2520"], "one report has one encoding"
    assert job["total"] == 3
    planned = workspace.longshore("plan", "job.toml", "--json")
    assert planned.code == 0 and '"rows":3' in planned.out, planned.out


def test_a_limit_and_a_sample_take_some_of_the_rows(workspace):
    rows = [f"key-{number:05}" for number in range(5000)]
    workspace.write("list.csv", "".join(f"b,{row}\n" for row in rows))
    one = 'location = "list.csv"\nfields = ["Bucket", "Key"]\n'
    assert keys_of(workspace, one + "limit = 7\n")[0] == rows[:7]
    some = keys_of(workspace, one + "sample = 0.1\n")[0]
    assert 350 < len(some) < 650 and some == sorted(set(some) & set(rows))
    assert keys_of(workspace, one + "sample = 0.1\n")[0] == some
    assert keys_of(workspace, one + "sample = 0.1\nseed = 1\n")[0] != some
    assert keys_of(workspace, one + "sample = 0.1\nlimit = 3\n")[0] == some[:3]


def test_a_sample_of_nothing_fails(workspace):
    workspace.write("list.csv", "b,k\n")
    manifest = 'location = "list.csv"\nfields = ["Bucket", "Key"]\nsample = 0.000000001\n'
    workspace.write("job.toml", f'role = "tester"\noperation = {{ name = "noop" }}\n[manifest]\n{manifest}')
    result = workspace.run()
    assert result.code == 4 and "the sample takes none" in result.job["failure_reason"], result.out
