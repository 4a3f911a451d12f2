"""Objects that an operation of one's own reads and writes as streams: more than it has memory for, and nothing is left behind."""

import hashlib
import os
import subprocess

import pytest

from documents import ALLOW_ALL, deny
from harness import LONGSHORE, TARGET

MIB = 1024 * 1024
# Writes the object again and again beside itself, until that has so many bytes; then does as its parameter says.
SOURCE = """
use std::io::{Read as _, Seek as _, Write as _};

use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    bytes: u64,
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Then {
    Finish,
    Forget,
    Panic,
}

pub struct Grow(Parameters);

impl Operation for Grow {
    type Parameters = Parameters;
    const NAME: &'static str = "grow";
    const SUMMARY: &'static str = "Writes objects again and again.";
    const ACTIONS: &'static [&'static str] =
        &["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let grown = object.open(&object.bucket(), &format!("grown/{}", object.key()), None);
        [object.get().planned()].into_iter().chain(grown.writer().planned()).collect()
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let grown = object.open(&object.bucket(), &format!("grown/{}", object.key()), None);
        let mut writer = grown.writer_with(|put| put.content_type("text/x-grown").tags([("grown", "yes")]));
        let mut reader = object.reader().step(MIB);
        let (mut left, mut buffer) = (self.0.bytes, vec![0; MIB]);
        while left > 0 {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                reader.rewind()?;
                continue;
            }
            let taken = left.min(read as u64);
            writer.write_all(&buffer[..taken as usize])?;
            left -= taken;
        }
        match self.0.then {
            Then::Finish => drop(writer.finish()?),
            Then::Forget => std::mem::forget(writer),
            Then::Panic => panic!("made to fail"),
        }
        Ok(Outcome::done())
    }
}

const MIB: usize = 1024 * 1024;

longshore_sdk::export!(Grow);
"""


@pytest.fixture(scope="session")
def plugin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins") / "grow"
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET / "guides"), "CARGO_NET_OFFLINE": "true"}
    subprocess.run([LONGSHORE, "plugin", "new", "grow", "--path", folder], check=True)
    (folder / "src/lib.rs").write_text(SOURCE)
    subprocess.run([LONGSHORE, "plugin", "build", folder], check=True, env=environment)
    return folder / "grow.wasm"


@pytest.fixture
def grow(plugin, bucket_of, workspace_of):
    """Runs it on one object of 3 MB, of which it makes one of so many bytes."""

    def run(server, size, then, policies=(ALLOW_ALL,)):
        bucket, workspace = bucket_of(server), workspace_of(server, list(policies))
        body = bytes(range(251)) * (3_000_000 // 251)
        server.client().put_object(Bucket=bucket, Key="seed", Body=body)
        workspace.manifest(bucket, ["seed"])
        workspace.job(f'plugin = "{plugin}"', {"bytes": size, "then": then})
        return bucket, body, workspace, workspace.run()

    return run


def left_open(server, bucket):
    return [upload["Key"] for upload in server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


@pytest.mark.parametrize("size", [0, 8 * MIB, 90 * MIB], ids=["empty", "one part", "more than its memory"])
def test_what_is_written_is_what_was_read(server, grow, size):
    bucket, body, _, result = grow(server, size, "finish")
    assert result.code == 0, result.out + result.err
    grown = server.client().get_object(Bucket=bucket, Key="grown/seed")
    expected = (body * (size // len(body) + 1))[:size]
    assert hashlib.sha256(grown["Body"].read()).digest() == hashlib.sha256(expected).digest()
    assert grown["ContentType"] == "text/x-grown"
    tags = server.client().get_object_tagging(Bucket=bucket, Key="grown/seed")["TagSet"]
    assert tags == [{"Key": "grown", "Value": "yes"}]
    assert left_open(server, bucket) == []


@pytest.mark.parametrize("then, outcome", [("forget", "succeeded"), ("panic", "failed")])
def test_what_is_not_finished_is_aborted_however_the_run_ends(server, grow, then, outcome):
    bucket, _, workspace, result = grow(server, 20 * MIB, then)
    assert workspace.outcomes(result.job)["seed"][0] == outcome, result.out + result.err
    assert left_open(server, bucket) == []
    assert "grown/seed" not in [item["Key"] for item in server.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert workspace.longshore("sql", "SELECT count(*) FROM uploads").out.split()[-1] == "0"


def test_what_may_not_be_aborted_is_not_begun(sandbox, grow):
    sandbox.clear_log()
    bucket, _, workspace, result = grow(sandbox, 20 * MIB, "finish", [ALLOW_ALL, deny("s3:AbortMultipartUpload")])
    status, code, message = workspace.outcomes(result.job)["seed"][1:]
    assert (status, code) == ("403", "AccessDenied") and "s3:AbortMultipartUpload" in message
    assert [entry for entry in sandbox.log() if entry["key"] == "grown/seed"] == []
