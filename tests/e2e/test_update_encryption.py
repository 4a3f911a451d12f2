"""UpdateObjectEncryption: what the sandbox does with it, as S3 does, and jobs on a store that has it and one that is not known to."""

import datetime

import pytest

from s3_case import Case, moto_differs

OLD = "arn:aws:kms:us-east-1:111122223333:key/11111111-0000-4000-8000-000000000000"
NEW = "arn:aws:kms:us-east-1:111122223333:key/22222222-0000-4000-8000-000000000000"
RICH = {"ContentType": "text/plain", "Metadata": {"a": "1"}, "Tagging": "t=1", "StorageClass": "STANDARD_IA",
        "ChecksumAlgorithm": "SHA256"}
CUSTOMERS = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
AN_UPLOAD = "it takes the request for an upload, and replaces the object by an XML document"


def encryption(head):
    """What an answer says of the encryption, taken out of it."""
    return tuple(head.pop(name, None) for name in ["ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"])


class Updating(Case):
    def update(self, key, arn=NEW, bucket_key=None, **more):
        bucket_key = {} if bucket_key is None else {"BucketKeyEnabled": bucket_key}
        asked = {"SSEKMS": {"KMSKeyArn": arn, **bucket_key}}
        return self.s3.update_object_encryption(Bucket=self.bucket, Key=key, ObjectEncryption=asked, **more)


class TestUpdate(Updating):
    versioned = True

    def state(self, version=None):
        """All that is known of a version, and then its encryption."""
        call = {"VersionId": version} if version else {}
        head = self.head("k", ChecksumMode="ENABLED", **call)
        head.pop("ResponseMetadata")
        shown = encryption(head)
        return (head, self.tags("k", **call), self.get("k", **call)), shown

    @moto_differs(AN_UPLOAD)
    def test_a_version_changes_in_place(self):
        old, new = (self.put("k", body, **RICH)["VersionId"] for body in [b"old", b"new"])
        before = [self.state(version) for version in [old, new]]
        self.update("k", bucket_key=True, VersionId=old)
        assert self.state(old) == (before[0][0], ("aws:kms", NEW, True))
        assert self.state(new) == before[1]
        self.update("k", OLD)
        assert self.state() == (before[1][0], ("aws:kms", OLD, None))
        versions = self.s3.list_object_versions(Bucket=self.bucket)["Versions"]
        assert [version["VersionId"] for version in versions] == [new, old]

    @moto_differs(AN_UPLOAD)
    def test_an_archived_object_need_not_be_restored(self):
        self.put("k", StorageClass="GLACIER")
        self.update("k")
        head = self.head("k")
        assert (head["StorageClass"], head.get("Restore"), encryption(head)) == ("GLACIER", None, ("aws:kms", NEW, None))

    @moto_differs(AN_UPLOAD)
    def test_refusals(self):
        self.fails(404, "NoSuchKey", self.update, "none")
        self.put("k")
        self.fails(404, "NoSuchVersion", self.update, "k", VersionId="none")
        self.fails(400, "InvalidRequest", self.update, "k", "arn:aws:kms:us-east-1:111122223333:alias/not-a-key")
        self.fails(403, "AccessDenied", self.update, "k", ExpectedBucketOwner="111122223333")
        assert encryption(self.head("k")) == ("AES256", None, None)
        marker = self.delete("k")["VersionId"]
        self.fails(404, "NoSuchKey", self.update, "k")
        self.fails(405, "MethodNotAllowed", self.update, "k", VersionId=marker)
        self.put("customers", **CUSTOMERS)
        self.fails(400, "InvalidRequest", self.update, "customers")
        self.put("dual", ServerSideEncryption="aws:kms:dsse")
        self.fails(400, "InvalidRequest", self.update, "dual")
        self.fails(404, "NoSuchBucket", self.s3.update_object_encryption, Bucket="no-such-bucket", Key="k",
                   ObjectEncryption={"SSEKMS": {"KMSKeyArn": NEW}})


class TestLocked(Updating):
    options = {"ObjectLockEnabledForBucket": True}

    @moto_differs(AN_UPLOAD)
    def test_what_is_locked_stays_as_it_is(self):
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
        retained = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
        for key, lock in [("retained", retained), ("held", {"ObjectLockLegalHoldStatus": "ON"})]:
            self.put(key, **lock)
            self.fails(403, "AccessDenied", self.update, key)
            assert encryption(self.head(key)) == ("AES256", None, None)
        self.s3.put_object_legal_hold(Bucket=self.bucket, Key="held", LegalHold={"Status": "OFF"})
        self.update("held")
        assert encryption(self.head("held"))[1] == NEW


def with_updates(workspace):
    """Says of the store that it has the call."""
    text = (workspace.directory / "longshore.toml").read_text()
    workspace.write("longshore.toml", text.replace("path-style = true", "path-style = true\nupdate-encryption = true", 1))


@pytest.fixture
def bucket(sandbox, bucket_of):
    name = bucket_of(sandbox)
    sandbox.client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.mark.parametrize("setting", [True, False])
def test_a_job_changes_keys_without_a_copy_where_the_store_can(sandbox, bucket, workspace, setting):
    client, keys = sandbox.client(), sandbox.odd_keys
    if setting:
        with_updates(workspace)
    sandbox.put(bucket, keys, ServerSideEncryption="aws:kms", SSEKMSKeyId=OLD)
    before = {key: client.head_object(Bucket=bucket, Key=key) for key in keys}
    workspace.manifest(bucket, keys)
    workspace.job("encrypt", {"algorithm": "aws:kms", "kms-key-id": NEW, "bucket-key": True})
    done = workspace.run()
    assert done.code == 0, done.out + done.err
    message = "encrypted anew without a copy" if setting else "encrypted by a copy in place"
    assert {row[3] for row in workspace.outcomes(done.job).values()} == {message}
    for key in keys:
        after = client.head_object(Bucket=bucket, Key=key)
        assert encryption(after) == ("aws:kms", NEW, True)
        assert (after["VersionId"] == before[key]["VersionId"]) == setting
        assert after["ETag"] == before[key]["ETag"]
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"body"
    asked = [entry for entry in sandbox.log() if entry["bucket"] == bucket and "encryption" in (entry["query"] or "")]
    assert len(asked) == (len(keys) if setting else 0)
    again = workspace.run()
    assert {row[3] for row in workspace.outcomes(again.job).values()} == {"the encryption is as wanted already"}


def test_a_job_changes_the_version_that_the_row_names(sandbox, bucket, workspace):
    with_updates(workspace)
    old, new = (sandbox.client().put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in [b"old", b"new"])
    workspace.manifest(bucket, ["k"], [old])
    workspace.job("encrypt", {"algorithm": "aws:kms", "kms-key-id": NEW}, fields='["Bucket", "Key", "VersionId"]')
    done = workspace.run()
    assert {row[3] for row in workspace.outcomes(done.job).values()} == {"encrypted anew without a copy"}
    head = lambda version: sandbox.client().head_object(Bucket=bucket, Key="k", VersionId=version)
    assert (encryption(head(old))[1], encryption(head(new))[0]) == (NEW, "AES256")
    versions = sandbox.client().list_object_versions(Bucket=bucket)["Versions"]
    assert [version["VersionId"] for version in versions] == [new, old]
