"""What the sandbox does with object lock, and what it lets be deleted, as S3 does."""

import datetime

import pytest

from s3_case import Case, moto_differs

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
SOON, LATE = NOW + datetime.timedelta(days=1), NOW + datetime.timedelta(days=2)
PAST = NOW - datetime.timedelta(days=1)


class Locked(Case):
    options = {"ObjectLockEnabledForBucket": True}

    def retention(self, key="k", **more):
        found = self.s3.get_object_retention(Bucket=self.bucket, Key=key, **more)["Retention"]
        return found["Mode"], found["RetainUntilDate"]

    def retain(self, mode=None, until=None, key="k", **more):
        retention = {"Mode": mode, "RetainUntilDate": until} if mode else {}
        return self.s3.put_object_retention(Bucket=self.bucket, Key=key, Retention=retention, **more)

    def hold(self, status, key="k", **more):
        return self.s3.put_object_legal_hold(Bucket=self.bucket, Key=key, LegalHold={"Status": status}, **more)

    def configure(self, **default):
        rule = {"Rule": {"DefaultRetention": default}} if default else {}
        configuration = {"ObjectLockEnabled": "Enabled", **rule}
        return self.s3.put_object_lock_configuration(Bucket=self.bucket, ObjectLockConfiguration=configuration)


class TestConfiguration(Locked):
    @moto_differs("it shows days and years together")
    def test_life(self):
        assert self.s3.get_bucket_versioning(Bucket=self.bucket)["Status"] == "Enabled"
        found = lambda: self.s3.get_object_lock_configuration(Bucket=self.bucket)["ObjectLockConfiguration"]
        assert found() == {"ObjectLockEnabled": "Enabled"}
        for default in [{"Mode": "GOVERNANCE", "Days": 3}, {"Mode": "COMPLIANCE", "Years": 1}]:
            self.configure(**default)
            assert found()["Rule"]["DefaultRetention"] == default
        self.configure()
        assert "Rule" not in found()

    def test_rules(self):
        self.only_on_the_sandbox("it accepts every configuration, and versioning of such a bucket to be suspended")
        self.fails(400, "MalformedXML", self.configure, Mode="GOVERNANCE", Days=1, Years=1)
        self.fails(400, "MalformedXML", self.configure, Mode="GOVERNANCE")
        self.fails(400, "MalformedXML", self.configure, Mode="FOREVER", Days=1)
        self.fails(400, "InvalidArgument", self.configure, Mode="GOVERNANCE", Days=0)
        self.fails(409, "InvalidBucketState", self.s3.put_bucket_versioning, Bucket=self.bucket,
                   VersioningConfiguration={"Status": "Suspended"})

    @moto_differs("it answers 500 to questions about an object that is not locked")
    def test_a_bucket_without(self):
        locked, self.bucket = self.bucket, self.make_bucket()
        self.put("k")
        self.fails(404, "ObjectLockConfigurationNotFoundError", self.s3.get_object_lock_configuration, Bucket=self.bucket)
        for call in [lambda: self.retain("GOVERNANCE", SOON), lambda: self.hold("ON")]:
            self.fails(400, "InvalidRequest", call)
        for call in [self.s3.get_object_retention, self.s3.get_object_legal_hold]:
            self.fails(400, "InvalidRequest", call, Bucket=self.bucket, Key="k")
        with self.moto_differs("a lock may come with an object to a bucket without"):
            self.fails(400, "InvalidRequest", self.put, "k", ObjectLockLegalHoldStatus="ON")
        with self.moto_differs("an unversioned bucket may be locked"):
            self.fails(409, "InvalidBucketState", self.configure)
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.configure()
        self.put("k", ObjectLockLegalHoldStatus="ON")


class TestRetention(Locked):
    @moto_differs("it answers 500 to questions about an object that is not locked")
    def test_life(self):
        one = self.put("k")["VersionId"]
        self.fails(404, "NoSuchObjectLockConfiguration", self.s3.get_object_retention, Bucket=self.bucket, Key="k")
        self.put("k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=SOON)
        head = self.head("k")
        assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", SOON)
        assert self.retention() == ("GOVERNANCE", SOON)
        self.retain("GOVERNANCE", LATE)
        assert self.retention() == ("GOVERNANCE", LATE)
        self.retain("COMPLIANCE", SOON, VersionId=one)
        assert self.retention(VersionId=one) == ("COMPLIANCE", SOON)
        assert "ObjectLockMode" not in self.head(self.copy_of("k"))

    def copy_of(self, key):
        self.copy("copy", key)
        return "copy"

    @moto_differs("it shows no default retention")
    def test_the_default_of_the_bucket(self):
        self.configure(Mode="GOVERNANCE", Days=1)
        day, before = datetime.timedelta(days=1), datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        self.put("k")
        mode, until = self.retention()
        assert mode == "GOVERNANCE" and before + day <= until <= datetime.datetime.now(datetime.UTC) + day
        self.copy("copy", "k")
        assert self.retention("copy")[0] == "GOVERNANCE"
        self.put("own", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=LATE)
        assert self.retention("own") == ("COMPLIANCE", LATE)
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts")["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}]}
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
        with self.moto_differs("an upload in parts gets no default retention"):
            assert self.retention("parts")[0] == "GOVERNANCE"

    @moto_differs("retentions may be shortened, and are not shown of versions")
    def test_governance(self):
        version = self.put("k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATE)["VersionId"]
        self.fails(403, "AccessDenied", self.delete, "k", VersionId=version)
        assert self.delete("k")["DeleteMarker"]
        with self.moto_differs("a retention may be shortened"):
            self.fails(403, "AccessDenied", self.retain, "GOVERNANCE", SOON, VersionId=version)
        self.retain("GOVERNANCE", SOON, VersionId=version, BypassGovernanceRetention=True)
        assert self.retention(VersionId=version) == ("GOVERNANCE", SOON)
        self.delete("k", VersionId=version, BypassGovernanceRetention=True)
        self.fails(404, "404", self.head, "k", VersionId=version)

    def test_a_retention_is_removed_by_an_empty_one(self):
        self.only_on_the_sandbox("it takes no empty retention")
        self.put("k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATE)
        self.fails(403, "AccessDenied", self.retain)
        self.retain(BypassGovernanceRetention=True)
        self.fails(404, "NoSuchObjectLockConfiguration", self.s3.get_object_retention, Bucket=self.bucket, Key="k")

    def test_compliance(self):
        version = self.put("k", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=SOON)["VersionId"]
        with self.moto_differs("compliance may be bypassed"):
            self.fails(403, "AccessDenied", self.delete, "k", VersionId=version, BypassGovernanceRetention=True)
            for mode, until in [("COMPLIANCE", NOW + datetime.timedelta(hours=1)), ("GOVERNANCE", LATE)]:
                self.fails(403, "AccessDenied", self.retain, mode, until, BypassGovernanceRetention=True)
            self.fails(403, "AccessDenied", self.retain, BypassGovernanceRetention=True)
        if self.server.name == "sandbox":
            self.retain("COMPLIANCE", LATE)
            assert self.retention() == ("COMPLIANCE", LATE)

    def test_rules(self):
        self.put("k")
        self.only_on_the_sandbox("it does not look at what it is told to keep")
        self.fails(400, "InvalidArgument", self.retain, "GOVERNANCE", PAST)
        self.fails(400, "MalformedXML", self.retain, "FOREVER", SOON)
        self.fails(400, "InvalidArgument", self.put, "k", ObjectLockMode="GOVERNANCE")
        self.fails(400, "InvalidArgument", self.put, "k", ObjectLockRetainUntilDate=SOON)
        self.fails(400, "InvalidArgument", self.put, "k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=PAST)
        self.fails(404, "NoSuchKey", self.retain, "GOVERNANCE", SOON, key="none")
        unsummed = self.client(request_checksum_calculation="when_required")
        call = dict(Bucket=self.bucket, Key="k", Body=b"")
        unsummed.put_object(**call)
        self.configure(Mode="GOVERNANCE", Days=1)
        self.fails(400, "InvalidRequest", unsummed.put_object, **call)


class TestLegalHold(Locked):
    @moto_differs("an object without a hold has an empty one")
    def test_life(self):
        version = self.put("k")["VersionId"]
        found = lambda: self.s3.get_object_legal_hold(Bucket=self.bucket, Key="k")["LegalHold"]["Status"]
        self.fails(404, "NoSuchObjectLockConfiguration", found)
        self.hold("ON")
        assert (found(), self.head("k")["ObjectLockLegalHoldStatus"]) == ("ON", "ON")
        self.fails(403, "AccessDenied", self.delete, "k", VersionId=version, BypassGovernanceRetention=True)
        self.hold("OFF")
        assert found() == "OFF"
        self.delete("k", VersionId=version)
        self.put("k", ObjectLockLegalHoldStatus="ON")
        assert found() == "ON"

    @moto_differs("it answers 500 to a key that is not there")
    def test_rules(self):
        self.put("k")
        with self.moto_differs("every status is taken"):
            self.fails(400, "MalformedXML", self.hold, "MAYBE")
        self.fails(404, "NoSuchKey", self.hold, "ON", key="none")


class TestBatchDelete(Locked):
    def batch(self, *objects, **more):
        return self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": list(objects)}, **more)

    @moto_differs("errors of a batch do not show the version")
    def test_each_key_has_its_answer(self):
        free = self.put("free")["VersionId"]
        kept = self.put("kept", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=SOON)["VersionId"]
        held = self.put("held", ObjectLockLegalHoldStatus="ON")["VersionId"]
        named = [{"Key": key, "VersionId": id} for key, id in [("free", free), ("kept", kept), ("held", held)]]
        answer = self.batch(*named)
        assert [one["Key"] for one in answer["Deleted"]] == ["free"]
        errors = {(one["Key"], one["VersionId"], one["Code"]) for one in answer["Errors"]}
        assert errors == {("kept", kept, "AccessDenied"), ("held", held, "AccessDenied")}
        answer = self.batch(*named[1:], BypassGovernanceRetention=True)
        assert [one["Key"] for one in answer["Deleted"]] == ["kept"]
        assert [one["Key"] for one in answer["Errors"]] == ["held"]

    def test_markers(self):
        self.put("k")
        made = self.batch({"Key": "k"})["Deleted"][0]
        assert made["DeleteMarker"] and made["DeleteMarkerVersionId"]
        marker = {"Key": "k", "VersionId": made["DeleteMarkerVersionId"]}
        with self.moto_differs("a marker that is removed is not called one"):
            removed = self.batch(marker)["Deleted"][0]
            assert (removed["DeleteMarker"], removed["DeleteMarkerVersionId"]) == (True, marker["VersionId"])
        if self.server.name == "sandbox":
            assert self.get("k") == b"body"

    def test_conditions_and_silence(self):
        self.only_on_the_sandbox("it knows no conditions of a deletion")
        etag = self.put("k")["ETag"]
        answer = self.batch({"Key": "k", "ETag": '"other"'})
        assert [one["Code"] for one in answer["Errors"]] == ["PreconditionFailed"]
        quiet = self.s3.delete_objects(
            Bucket=self.bucket, Delete={"Quiet": True, "Objects": [{"Key": "k", "ETag": etag}, {"Key": "none"}]})
        assert "Deleted" not in quiet and "Errors" not in quiet
        self.fails(404, "404", self.head, "k")

    @pytest.mark.parametrize("count", [0, 1001])
    def test_limits(self, count):
        self.only_on_the_sandbox("it takes any number")
        self.fails(400, "MalformedXML", self.batch, *({"Key": str(number)} for number in range(count)))


class TestDelete(Case):
    def test_conditions(self):
        etag = self.put("k")["ETag"]
        self.fails(412, "PreconditionFailed", self.delete, "k", IfMatch='"other"')
        self.delete("k", IfMatch=etag)
        self.fails(404, "404", self.head, "k")

    def test_what_is_not_there_is_deleted(self):
        assert "DeleteMarker" not in self.delete("none")
        self.fails(404, "NoSuchBucket", self.s3.delete_object, Bucket="no-such-bucket", Key="k")
