"""The archive tiers of INTELLIGENT_TIERING on the sandbox, which moves objects there at once, and restores from them. moto
keeps no such configurations."""

import pytest
from botocore.exceptions import ClientError

CONFIGURATION = {"Id": "cold", "Status": "Enabled", "Filter": {"Prefix": "cold/"},
                 "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}


@pytest.fixture
def tiered(sandbox_with, bucket_of, workspace_of):
    """A server, a bucket with an object in a tier and one that is not, and a workspace whose manifest names both."""
    server = sandbox_with("--restore-delay", "1500")
    bucket, workspace = bucket_of(server), workspace_of(server)
    server.client().put_bucket_intelligent_tiering_configuration(
        Bucket=bucket, Id="cold", IntelligentTieringConfiguration=CONFIGURATION)
    server.put(bucket, ["cold/k", "warm"], StorageClass="INTELLIGENT_TIERING")
    workspace.manifest(bucket, ["cold/k"])
    return server, bucket, workspace


def head(server, bucket, key):
    found = server.client().head_object(Bucket=bucket, Key=key)
    return found.get("ArchiveStatus"), found.get("Restore"), found.get("StorageClass")


def test_configurations(sandbox, bucket_of):
    bucket, client = bucket_of(sandbox), sandbox.client()
    client.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold", IntelligentTieringConfiguration=CONFIGURATION)
    found = client.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold")
    assert found["IntelligentTieringConfiguration"] == CONFIGURATION
    client.delete_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold")
    with pytest.raises(ClientError, match="NoSuchConfiguration"):
        client.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold")


def test_what_is_in_a_tier_is_not_read(tiered):
    server, bucket, _ = tiered
    assert head(server, bucket, "cold/k") == ("ARCHIVE_ACCESS", None, "INTELLIGENT_TIERING")
    assert head(server, bucket, "warm") == (None, None, "INTELLIGENT_TIERING")
    assert server.client().get_object(Bucket=bucket, Key="warm")["Body"].read() == b"body"
    with pytest.raises(ClientError, match="InvalidObjectState"):
        server.client().get_object(Bucket=bucket, Key="cold/k")


def test_days_are_for_the_other_archives(tiered):
    server, bucket, workspace = tiered
    workspace.job("restore", {"days": 3})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidArgument": 1})
    assert workspace.outcomes(result.job)["cold/k"][:3] == ("failed", "400", "InvalidArgument")
    assert head(server, bucket, "cold/k")[0] == "ARCHIVE_ACCESS"


def test_a_restore_brings_it_back_for_good(tiered):
    server, bucket, workspace = tiered
    workspace.manifest(bucket, ["cold/k", "warm"])
    workspace.job("restore", "{ wait = true, check-every = 1 }")
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    outcomes = workspace.outcomes(result.job)
    assert outcomes["cold/k"] == ("succeeded", "200", "", "readable")
    assert outcomes["warm"] == ("succeeded", "200", "", "it is not archived")
    assert head(server, bucket, "cold/k") == (None, None, "INTELLIGENT_TIERING")
    assert server.client().get_object(Bucket=bucket, Key="cold/k")["Body"].read() == b"body"


def test_a_restore_that_goes_on(sandbox, bucket_of, workspace_of):
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    sandbox.client().put_bucket_intelligent_tiering_configuration(
        Bucket=bucket, Id="cold", IntelligentTieringConfiguration=CONFIGURATION)
    sandbox.put(bucket, ["cold/k"], StorageClass="INTELLIGENT_TIERING")
    workspace.manifest(bucket, ["cold/k"])
    workspace.job("restore")
    assert workspace.run().code == 0
    assert head(sandbox, bucket, "cold/k") == ("ARCHIVE_ACCESS", 'ongoing-request="true"', "INTELLIGENT_TIERING")
    again = workspace.run()
    assert workspace.outcomes(again.job)["cold/k"][:3] == ("failed", "409", "RestoreAlreadyInProgress")
