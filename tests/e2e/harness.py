"""Starts the real binary, real S3 servers and independent clients for the end-to-end tests."""

import csv
import functools
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from documents import ALLOW_ALL, policy, toml

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
LONGSHORE = Path(os.environ.get("LONGSHORE_BIN", TARGET / "debug/longshore"))
ACCOUNT = "111122223333"

# Operations are compiled once for all tests, and nothing is left with the caches of whoever runs them.
os.environ["XDG_CACHE_HOME"] = str(TARGET / "cache")

# Every odd key that S3 allows: reports and requests must carry them unharmed.
ODD_KEYS = [
    "with space", "plus+plus", "100% percent", "%41 looks encoded", 'double"quote', "single'quote", "comma,comma",
    "line\nfeed", "carriage\rreturn", "tab\ttab", "emoji 🚢", "ünï/cödé", "<xml>&amp;", "=cmd|' /C calc'!A0",
    "trailing/slash/", "a//double//slash", "semi;colon?and=query&more", "back\\slash", "k" * 1024,
]

#: Runs a command and writes what it used: seconds of processor time, and MiB of memory at most. A process of its own, for the kernel
#: counts a program's memory from that of whoever starts it, which is much for a test.
USAGE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    file.write(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
sys.exit(code)
"""


def with_usage(command, file):
    """A command line and its surroundings, which also writes what it used to a file."""
    return {**command, "args": [sys.executable, "-S", "-c", USAGE, file, *command["args"]]}


def usage(file):
    """Seconds of processor time, and MiB of memory at most."""
    seconds, mib = Path(file).read_text().split()
    return float(seconds), float(mib)


# The processes that the current test has started.
STARTED = []

#: What a job does where it does not matter what.
TAGGING = dict(operation="tagging", parameters='{ mode = "replace", tags = { a = "b" } }')


def free_port():
    """A port of the loopback address that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count):
    """So many different ports of the loopback address that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def wait_for(condition, what, seconds=300):
    """Polls until `condition` is true; the bound only ends a test that would hang. A condition that takes long, as a command does,
    is asked less often: what is waited for needs the processor."""
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        value = condition()
        if value:
            return value
        time.sleep(max(0.02, time.monotonic() - begun))
    raise AssertionError(f"gave up waiting for {what}")


@dataclass(eq=False)
class Server:
    """An S3 server on loopback."""

    name: str
    endpoint: str
    process: subprocess.Popen
    access_key: str = "sandbox"
    secret_key: str = "sandbox-secret"
    access_log: Path | None = None

    @functools.cache
    def client(self):
        """An independent client for it. Making one takes longer than most tests."""
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def log(self):
        """The requests the server saw."""
        lines = self.access_log.read_text().splitlines() if self.access_log.exists() else []
        return [json.loads(line) for line in lines]

    def requests(self):
        """How many requests the server has answered since its log was last cleared."""
        return self.access_log.read_bytes().count(b"\n") if self.access_log.exists() else 0

    def clear_log(self):
        """Forgets the requests so far."""
        self.access_log.write_bytes(b"")

    @property
    def odd_keys(self):
        """The odd keys that it can hold: moto's router knows no newlines; to SeaweedFS a key that ends in a slash is a folder,
        which has no tags and is not copied, and it takes no key as long as S3 does."""
        cannot = {
            "moto": lambda key: "\n" in key,
            "seaweedfs": lambda key: key.endswith("/") or len(key) >= 1024,
        }.get(self.name, lambda key: False)
        return [key for key in ODD_KEYS if not cannot(key)]

    def put(self, bucket, keys, **more):
        """Writes small objects."""
        client = self.client()
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=b"body", **more)

    def stop(self):
        """Stops the server by its process ID."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_sandbox(directory, *options):
    """Starts `longshore sandbox`."""
    directory.mkdir(parents=True, exist_ok=True)
    endpoint_file, access_log = directory / "endpoint", directory / "access.jsonl"
    endpoint_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [LONGSHORE, "sandbox", "--listen", "127.0.0.1:0", "--endpoint-file", endpoint_file,
         "--access-log", access_log, *options],
        stdout=(directory / "sandbox.out").open("w"), stderr=subprocess.STDOUT,
    )
    wait_for(lambda: endpoint_file.exists() or process.poll() is not None, "the sandbox")
    assert process.poll() is None, (directory / "sandbox.out").read_text()
    return Server("sandbox", endpoint_file.read_text().strip(), process, access_log=access_log)


def start_seeded(directory, count, *options):
    """Starts a sandbox with `count` objects, odd keys among them, in the bucket `objects`, and an empty bucket `reports`;
    and reads the rows of the manifest that names the objects."""
    server = start_sandbox(directory, "--bucket", "objects", "--seed", str(count), "--manifests", directory,
                           "--empty-bucket", "reports", *options)
    return server, (directory / "objects.csv").read_text().splitlines()


def start_moto(directory):
    """Starts moto's S3 server. Another process may take the port before moto does: then with another one."""
    for _ in range(5):
        server = try_moto(directory, free_port())
        if server is not None:
            return server
    raise AssertionError((directory / "moto.out").read_text())


def try_moto(directory, port):
    """Starts moto at `port`; None if it cannot have it."""
    directory.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=(directory / "moto.out").open("w"), stderr=subprocess.STDOUT,
    )

    def answers():
        with socket.socket() as probe:
            return process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(answers, "moto")
    if process.poll() is not None:
        return None
    return Server("moto", f"http://127.0.0.1:{port}", process, "moto", "moto-secret")


#: SeaweedFS gives each bucket volumes of its own. How many there may be, and whether they may be written, is not to depend
#: on how full the disk is: a suite with a bucket or two for each test would use them up.
WEED_VOLUMES = ["-master.volumeSizeLimitMB=64", "-volume.max=100000", "-volume.minFreeSpace=1MiB"]


def start_seaweedfs(directory):
    """Starts SeaweedFS, a real store, which refuses requests without a good signature. Another process may take a port before
    it does: then with other ones."""
    for _ in range(5):
        server = try_seaweedfs(directory)
        if server is not None:
            return server
    raise AssertionError((directory / "seaweedfs.out").read_text()[-2000:])


def try_seaweedfs(directory):
    """Starts SeaweedFS at free ports; None if it cannot have them."""
    directory.mkdir(parents=True, exist_ok=True)
    identity = {"name": "tester", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                "credentials": [{"accessKey": "seaweedfs", "secretKey": "seaweedfs-secret"}]}
    config = directory / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
             "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc"]
    ports = dict(zip(names, free_ports(len(names))))
    process = subprocess.Popen(
        [Path(sys.executable).parent / "weed", f"-logdir={directory}", "server", f"-dir={directory}", "-ip=127.0.0.1",
         "-ip.bind=127.0.0.1", *(f"-{name}={port}" for name, port in ports.items()), "-s3", f"-s3.config={config}",
         "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.preStopSeconds=0", *WEED_VOLUMES],
        env={**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
        stdout=(directory / "seaweedfs.out").open("w"), stderr=subprocess.STDOUT,
    )
    server = Server("seaweedfs", f"http://127.0.0.1:{ports['s3.port']}", process, "seaweedfs", "seaweedfs-secret")
    wait_for(lambda: process.poll() is not None or takes_objects(server), "SeaweedFS")
    return server if process.poll() is None else None


def takes_objects(server):
    """Whether the store keeps what it is given: it listens before its volumes are there."""
    try:
        server.client().create_bucket(Bucket="started")
        server.put("started", ["started"])
    except (BotoCoreError, ClientError):
        return False
    return True


@dataclass
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def events(self):
        """Standard output of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def job(self):
        """The summary of `run --json`."""
        return self.events[-1]["job"]


@dataclass
class Workspace:
    """A directory with configuration, policies, job files; and the commands run there."""

    directory: Path
    server: Server
    policies: list = field(default_factory=lambda: [ALLOW_ALL])

    def __post_init__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "role.json").write_text(policy(*self.policies))
        self.configure()

    def configure(self, extra="", endpoint=None, secret=None):
        """Writes longshore.toml."""
        (self.directory / "longshore.toml").write_text(f'''
data-directory = "data"
[store.main]
endpoint = "{endpoint or self.server.endpoint}"
region = "us-east-1"
path-style = true
credentials = {{ source = "static", access-key-id = "{self.server.access_key}", secret-access-key = "${{TEST_SECRET}}" }}
[role.tester]
account = "{ACCOUNT}"
policies = ["role.json"]
{extra}''')
        self.secret = secret or self.server.secret_key

    def write(self, name, text):
        """Writes a file of the workspace."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def manifest(self, bucket, keys, versions=None, name="manifest.csv"):
        """Writes a CSV manifest with URL-encoded keys."""
        rows = [f"{bucket},{urllib.parse.quote(key)}" for key in keys]
        if versions is not None:
            rows = [f"{row},{version}" for row, version in zip(rows, versions)]
        return self.write(name, "".join(row + "\n" for row in rows))

    def job(self, operation, parameters="{}", fields='["Bucket", "Key"]', extra="", manifest="manifest.csv",
            report='location = "reports"', name="job.toml", concurrency=16, head=""):
        """Writes a job file."""
        return self.write(name, f'''
role = "tester"
{head}
[operation]
{operation if "=" in operation else f'name = "{operation}"'}
parameters = {parameters if isinstance(parameters, str) else toml(parameters)}
[manifest]
location = "{manifest}"
fields = {fields}
[report]
{report}
[limits]
concurrency = {concurrency}
{extra}''')

    def command(self, *arguments):
        """The command line and its surroundings."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LONGSHORE_"))}
        environment["TEST_SECRET"] = self.secret
        return dict(args=[str(LONGSHORE), *map(str, arguments)], cwd=self.directory, env=environment)

    def longshore(self, *arguments, timeout=300):
        """Runs a command to its end."""
        done = subprocess.run(**self.command(*arguments), capture_output=True, timeout=timeout)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments, stdin=None):
        """Starts a command. What still runs at the end of the test is killed then."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(**self.command(*arguments), stdin=stdin, stdout=pipe, stderr=pipe)
        STARTED.append(process)
        return process

    def submit(self, file="job.toml"):
        """The ID of the job that was submitted."""
        submitted = self.longshore("submit", "--json", file)
        assert submitted.code == 0, submitted.err
        return submitted.events[0]["id"]

    def status(self, job):
        """How the job stands."""
        shown = self.longshore("status", "--json", job)
        assert shown.code == 0, shown.err
        return shown.events[0]

    def run(self, file="job.toml"):
        """`longshore run --json`; the test checks the exit code."""
        return self.longshore("run", "--json", file)

    def run_twice(self, state):
        """Runs the job file two times: both succeed, and `state()` is the same after both. The summary of the first."""
        first = self.run()
        assert first.code == 0, first.out + first.err
        expected = state()
        second = self.run()
        assert second.code == 0, second.out + second.err
        assert state() == expected
        return first.job

    def rows(self, job, which="all"):
        """The rows of a completion report, read with Python's csv."""
        shown = self.longshore("report", job["id"], "--rows", which)
        assert shown.code == 0, shown.err
        return list(csv.reader(io.StringIO(shown.out, newline="")))

    def outcomes(self, job):
        """The completion report as key, as the manifest writes it -> (status, HTTP status, code, message)."""
        return {row[1]: tuple(row[3:]) for row in self.rows(job)}

    def refusals(self, job):
        """key -> message of the failed tasks, which are all refused by policies."""
        failed = {key: row for key, row in self.outcomes(job).items() if row[0] == "failed"}
        assert {row[1:3] for row in failed.values()} <= {("403", "AccessDenied")}
        return {key: row[3] for key, row in failed.items()}


def kill(process):
    """kill -9."""
    process.send_signal(signal.SIGKILL)
    process.wait()
