"""Measures copies in MB/s, inside a store and from one server to another, with s5cmd and rclone beside them in the same run, and the
client CPU of each operation on small objects. Prints figures; asserts only that every copy is there.

Usage: copies.py path/to/longshore      (BENCH_LARGE, BENCH_LARGE_MIB, BENCH_SMALL change number and size of the objects)
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import measure, show
from documents import ALLOW_ALL, allow, toml
from endpoints import Endpoint, verdict
from harness import LONGSHORE, Workspace, start_sandbox

LARGE = int(os.environ.get("BENCH_LARGE", 16))
LARGE_MIB = int(os.environ.get("BENCH_LARGE_MIB", 64))
SMALL = int(os.environ.get("BENCH_SMALL", 2_000))
#: Objects at once; rclone and s5cmd are given the same.
CONCURRENCY = 8
BYTES = LARGE * LARGE_MIB * 1024 * 1024
KMS = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"

#: Operation -> its parameters, in the order in which they are measured: each finds the objects as those before it left them.
OPERATIONS = {
    "noop": {},
    "tagging": {"mode": "replace", "tags": {"bench": "yes"}},
    "acl": {"canned": "public-read"},
    "checksum": {"algorithm": "SHA256"},
    "copy": {"target-bucket": "copies"},
    "replicate": {},
    "metadata": {"mode": "merge", "user": {"bench": "yes"}},
    "storage-class": {"storage-class": "STANDARD_IA"},
    "encrypt": {"algorithm": "aws:kms", "kms-key-id": KMS},
    "legal-hold": {"status": "ON"},
    "retention": {"mode": "GOVERNANCE", "retain-until": "2040-01-01"},
    "abort-uploads": {"older-than": "1d"},
    "expire-versions": {"keep": 2},
    "delete": {},
    "undelete": {},
    "restore": {"days": 1},
    "invoke": {"endpoint": "bench"},
}
#: Operation -> its manifest, where that is not of the objects that all others work on.
MANIFESTS = {"restore": "cold.csv"}


def throughput(name, cost):
    """One line of the result."""
    print(f"{name:<44} {LARGE:>5} x {LARGE_MIB} MiB {cost.seconds:>8.2f} s {BYTES / cost.seconds / 1e6:>8,.0f} MB/s "
          f"{cost.cpu:>7.2f} s CPU {cost.peak_mib:>6.0f} MiB", flush=True)


def fill(server, bucket):
    """Objects of random bytes."""
    body = os.urandom(LARGE_MIB * 1024 * 1024)
    for number in range(LARGE):
        # No two are alike.
        server.client().put_object(Bucket=bucket, Key=f"large-{number:04}", Body=body[number:] + body[:number])


def expect(server, bucket):
    """Every copy is there and whole; then they go away."""
    listed = server.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Size"] for item in listed] == [LARGE_MIB * 1024 * 1024] * LARGE
    server.client().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": item["Key"]} for item in listed]})


def programs():
    """s5cmd and rclone, where they are installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = {name: shutil.which(name, path=path) for name in ("s5cmd", "rclone")}
    for name in [name for name, program in found.items() if program is None]:
        print(f"{name} is not installed: not measured")
    return {name: program for name, program in found.items() if program}


def environment(one, other):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "RCLONE_", "S3_"))}
    kept |= {"AWS_ACCESS_KEY_ID": one.access_key, "AWS_SECRET_ACCESS_KEY": one.secret_key, "AWS_REGION": "us-east-1",
             "RCLONE_CONFIG": ""}
    for name, server in (("ONE", one), ("OTHER", other)):
        kept |= {f"RCLONE_CONFIG_{name}_TYPE": "s3", f"RCLONE_CONFIG_{name}_PROVIDER": "Other",
                 f"RCLONE_CONFIG_{name}_ENV_AUTH": "true", f"RCLONE_CONFIG_{name}_ENDPOINT": server.endpoint}
    return kept


def workspace_of(directory, server, other):
    workspace = Workspace(directory, server)
    workspace.configure(f'''
[store.other]
endpoint = "{other.endpoint}"
region = "us-east-1"
path-style = true
credentials = {{ source = "static", access-key-id = "{other.access_key}", secret-access-key = "${{TEST_SECRET}}" }}
''')
    return workspace


def copies(directory, one, other):
    """Large objects, inside one store and from one to the other."""
    fill(one, "large")
    workspace = workspace_of(directory / "large", one, other)
    workspace.manifest("large", [f"large-{number:04}" for number in range(LARGE)])
    found, surroundings = programs(), environment(one, other)

    def longshore(parameters):
        workspace.job("copy", parameters, head='store = "main"', concurrency=CONCURRENCY)
        return measure(workspace.command("run", "job.toml"))

    def peer(program, *arguments, server=one):
        return measure(dict(args=[found[program], *arguments], env={**surroundings, "S3_ENDPOINT_URL": server.endpoint}))

    print("inside a store")
    throughput("longshore run, operation copy", longshore({"target-bucket": "target"}))
    expect(one, "target")
    if "s5cmd" in found:
        throughput("s5cmd cp", peer("s5cmd", "--numworkers", str(CONCURRENCY), "cp", "s3://large/*", "s3://target/"))
        expect(one, "target")
    if "rclone" in found:
        throughput("rclone copy", peer("rclone", "copy", "--transfers", str(CONCURRENCY), "one:large", "one:target"))
        expect(one, "target")
    print("from one server to another")
    throughput("longshore run, operation copy", longshore({"target-bucket": "target", "target-store": "other"}))
    expect(other, "target")
    if "rclone" in found:
        throughput("rclone copy", peer("rclone", "copy", "--transfers", str(CONCURRENCY), "one:large", "other:target"))
        expect(other, "target")
    if "s5cmd" in found:
        # It knows one endpoint at a time.
        way = directory / "way"
        down = peer("s5cmd", "--numworkers", str(CONCURRENCY), "cp", "s3://large/*", f"{way}/")
        up = peer("s5cmd", "--numworkers", str(CONCURRENCY), "cp", f"{way}/*", "s3://target/", server=other)
        up.seconds, up.cpu, up.peak_mib = up.seconds + down.seconds, up.cpu + down.cpu, max(up.peak_mib, down.peak_mib)
        throughput("s5cmd cp, by way of a directory", up)
        expect(other, "target")


def versioned(server, *buckets):
    for bucket in buckets:
        server.client().create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)


def replicated(client):
    """Gives the bucket the rule that the operation replicate obeys."""
    rule = {"ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": {"Bucket": "arn:aws:s3:::replicas", "EncryptionConfiguration": {"ReplicaKmsKeyID": KMS}}}
    client.put_bucket_replication(Bucket="small", ReplicationConfiguration={"Role": "r", "Rules": [rule]})


def operations(directory, server):
    """Client CPU of each operation on small objects. The webhook of invoke runs here, and its CPU is not counted."""
    versioned(server, "small", "copies", "replicas")
    server.client().create_bucket(Bucket="cold")
    replicated(server.client())
    keys = [f"data/part-{number:06}.parquet" for number in range(SMALL)]
    server.put("small", keys)
    server.put("cold", keys, StorageClass="GLACIER")
    webhook = Endpoint(lambda event, _: verdict(event))
    workspace = Workspace(directory / "small", server, [ALLOW_ALL, allow("longshore:InvokeEndpoint", sid="Invoke")])
    workspace.configure(f'[endpoint.bench]\nkind = "webhook"\nurl = "{webhook.url}/"')
    workspace.manifest("small", keys)
    workspace.manifest("cold", keys, name="cold.csv")
    try:
        for name, parameters in OPERATIONS.items():
            workspace.job(name, toml(parameters), concurrency=64, manifest=MANIFESTS.get(name, "manifest.csv"))
            show(f"longshore run, operation {name}", SMALL, measure(workspace.command("run", "job.toml")))
        assert len(webhook.calls) == SMALL, "the webhook was not called once for each object"
    finally:
        webhook.stop()


def main():
    version = subprocess.run([LONGSHORE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version} on {platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; "
          f"{CONCURRENCY} large objects and 64 small ones at once; the servers run on the same cores")
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        servers = [start_sandbox(directory / name, "--data", str(directory / name / "data"), "--empty-bucket", "target",
                                 "--empty-bucket", "large") for name in ("one", "other")]
        try:
            copies(directory, *servers)
            operations(directory, servers[0])
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
