"""Fixtures: servers live for the whole run, buckets and workspaces for one test."""

import itertools

import pytest

from harness import (
    LONGSHORE, STARTED, TAGGING, Workspace, kill, start_moto, start_sandbox, start_seaweedfs, start_seeded,
)

NUMBERS = itertools.count()


def pytest_sessionstart(session):
    if not LONGSHORE.exists():
        pytest.exit(f"{LONGSHORE} is missing: run 'make test'", returncode=2)


@pytest.fixture(autouse=True)
def nothing_is_left_running():
    yield
    for process in STARTED:
        if process.poll() is None:
            kill(process)
    STARTED.clear()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    server = start_sandbox(tmp_path_factory.mktemp("sandbox"), "--restore-delay", "600000")
    yield server
    server.stop()


@pytest.fixture
def sandbox_with(tmp_path):
    """Starts sandboxes with options of their own, for one test."""
    servers = []

    def start(*options):
        servers.append(start_sandbox(tmp_path / f"sandbox-{next(NUMBERS)}", *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    server = start_moto(tmp_path_factory.mktemp("moto"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    server = start_seaweedfs(tmp_path_factory.mktemp("seaweedfs"))
    yield server
    # Nothing of it is needed again, and it takes its time to end in order.
    kill(server.process)


@pytest.fixture(params=["sandbox", "moto"])
def server(request):
    """Both servers, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def bucket_of():
    """Makes buckets with names of their own."""

    def make(server, **options):
        name = f"bucket-{next(NUMBERS)}"
        server.client().create_bucket(Bucket=name, **options)
        return name

    return make


@pytest.fixture
def workspace_of(tmp_path):
    """Makes workspaces."""

    def make(server, policies=None):
        extra = {"policies": policies} if policies is not None else {}
        return Workspace(tmp_path / f"workspace-{next(NUMBERS)}", server, **extra)

    return make


@pytest.fixture
def bucket(sandbox, bucket_of):
    """A bucket of the sandbox, unless a file has its own."""
    return bucket_of(sandbox)


@pytest.fixture
def workspace(sandbox, workspace_of):
    """A workspace on the sandbox, unless a file has its own."""
    return workspace_of(sandbox)


@pytest.fixture
def two_objects(sandbox, workspace_of, bucket_of):
    """A workspace with a job of two objects."""
    workspace = workspace_of(sandbox)
    workspace.bucket = bucket_of(sandbox)
    sandbox.put(workspace.bucket, ["one", "two"])
    workspace.manifest(workspace.bucket, ["one", "two"])
    workspace.job(**TAGGING)
    return workspace


@pytest.fixture
def two_of_three(two_objects):
    """A workspace with a job of three objects, one of which is missing."""
    two_objects.manifest(two_objects.bucket, ["one", "two", "missing"])
    return two_objects


@pytest.fixture
def slow_rows(tmp_path):
    """A workspace with a job of 2,000 objects on a store that takes its time: 10 seconds, of which a test needs a few. And
    the rows of its manifest."""
    server, rows = start_seeded(tmp_path / "server", 2000, "--fault", "delay=100ms,method=PUT,bucket=objects")
    workspace = Workspace(tmp_path / "workspace", server)
    workspace.write("manifest.csv", "\n".join(rows))
    workspace.job(**TAGGING, concurrency=20)
    yield workspace, rows
    server.stop()
