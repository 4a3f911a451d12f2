"""Event holds of Object Lock: what the sandbox does with them, and jobs that set and release them, or copy with them."""

import datetime

import pytest

from s3_case import Case, moto_differs

DAY = datetime.timedelta(days=1)
LATE = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + 400 * DAY
HELD = {"ObjectLockEventHold": "ON", "ObjectLockEventHoldDurationDays": 30}
LOCKED = {"ObjectLockEnabledForBucket": True}


def shown(answer):
    """Status, days, years and mode that HeadObject or GetObject says."""
    return tuple(answer.get(f"ObjectLock{name}") for name in ("EventHold", "EventHoldDurationDays", "EventHoldDurationYears", "Mode"))


def retention(client, bucket, key):
    """Mode and end that GetObjectRetention says, and the event hold with its duration."""
    found = client.get_object_retention(Bucket=bucket, Key=key)["Retention"]
    return found.get("Mode"), found.get("RetainUntilDate"), found.get("EventHold"), found.get("EventHoldDuration")


def ends_in(days, until):
    """Whether a time is that many days from now, or was during this test."""
    return abs(until - datetime.datetime.now(datetime.timezone.utc) - days * DAY) < DAY / 2


class Holding(Case):
    options = LOCKED

    def retain(self, key="k", **asked):
        bypass = {"BypassGovernanceRetention": True} if asked.pop("bypass", False) else {}
        return self.s3.put_object_retention(Bucket=self.bucket, Key=key, Retention=asked, **bypass)

    def found(self, key="k"):
        return retention(self.s3, self.bucket, key)


@moto_differs("it knows no event holds")
class TestLife(Holding):
    def test_a_hold_comes_with_an_object(self):
        self.put("k", **HELD)
        assert shown(self.head("k")) == ("ON", 30, None, None)
        assert shown(self.s3.get_object(Bucket=self.bucket, Key="k")) == ("ON", 30, None, None)
        assert self.found() == (None, None, "ON", {"Days": 30})
        self.copy("copy", "k")
        assert shown(self.head("copy")) == (None,) * 4
        years = {"ObjectLockEventHold": "ON", "ObjectLockEventHoldDurationYears": 2, "ObjectLockMode": "COMPLIANCE"}
        self.copy("copy", "k", **years)
        assert shown(self.head("copy")) == ("ON", None, 2, "COMPLIANCE")
        assert self.found("copy") == ("COMPLIANCE", None, "ON", {"Years": 2})
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts", **HELD)["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}]}
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
        assert shown(self.head("parts")) == ("ON", 30, None, None)

    def test_a_hold_is_set_and_released(self):
        version = self.put("k")["VersionId"]
        self.retain(EventHold="ON", EventHoldDuration={"Days": 30}, Mode="GOVERNANCE")
        assert self.found() == ("GOVERNANCE", None, "ON", {"Days": 30})
        self.retain(EventHold="ON")
        assert self.found() == ("GOVERNANCE", None, "ON", {"Days": 30})
        self.retain(EventHold="OFF")
        mode, until, *hold = self.found()
        assert (mode, ends_in(30, until), hold) == ("GOVERNANCE", True, ["OFF", None])
        assert shown(self.head("k")) == ("OFF", None, None, "GOVERNANCE")
        self.fails(403, "AccessDenied", self.delete, "k", VersionId=version)
        self.retain(EventHold="OFF")
        assert self.found()[:2] == (mode, until), "it was released before"

    def test_a_retention_stays(self):
        self.put("k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATE)
        self.retain(EventHold="ON", EventHoldDuration={"Years": 1})
        assert self.found() == ("GOVERNANCE", LATE, "ON", {"Years": 1})
        self.retain(EventHold="OFF")
        assert self.found() == ("GOVERNANCE", LATE, "OFF", None), "it lasts longer"
        self.retain(EventHold="ON", EventHoldDuration={"Years": 1}, Mode="COMPLIANCE", RetainUntilDate=LATE + DAY)
        assert self.found() == ("COMPLIANCE", LATE + DAY, "ON", {"Years": 1})

    def test_without_a_retention_a_hold_goes_on(self):
        self.put("k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATE, **HELD)
        self.fails(403, "AccessDenied", self.retain)
        self.retain(bypass=True)
        assert self.found()[1:] == (None, "ON", {"Days": 30})

    def test_who_may_delete(self):
        for mode, bypassed in [("GOVERNANCE", True), ("COMPLIANCE", False), (None, False)]:
            key = mode or "none"
            version = self.put(key, **HELD, **({"ObjectLockMode": mode} if mode else {}))["VersionId"]
            self.fails(403, "AccessDenied", self.delete, key, VersionId=version)
            if bypassed:
                self.delete(key, VersionId=version, BypassGovernanceRetention=True)
            else:
                self.fails(403, "AccessDenied", self.delete, key, VersionId=version, BypassGovernanceRetention=True)
        version = self.put("timeless", ObjectLockEventHold="ON")["VersionId"]
        self.fails(403, "AccessDenied", self.delete, "timeless", VersionId=version)
        self.retain("timeless", EventHold="OFF")
        self.delete("timeless", VersionId=version)
        self.fails(404, "404", self.head, "timeless")


@moto_differs("it does not look at what it is told to hold")
class TestRules(Holding):
    def test_headers(self):
        wrong = [
            ("InvalidRequest", {**HELD, "ObjectLockEventHoldDurationYears": 1}),
            ("InvalidRequest", {"ObjectLockEventHoldDurationDays": 30}),
            ("InvalidRequest", {**HELD, "ObjectLockEventHold": "OFF"}),
            ("InvalidArgument", {**HELD, "ObjectLockEventHoldDurationDays": 0}),
            ("InvalidArgument", {**HELD, "ObjectLockEventHoldDurationDays": 36_501}),
            ("InvalidArgument", {"ObjectLockEventHold": "ON", "ObjectLockEventHoldDurationYears": 101}),
            ("InvalidArgument", {"ObjectLockEventHold": "MAYBE"}),
            ("InvalidArgument", {"ObjectLockEventHold": "OFF", "ObjectLockMode": "GOVERNANCE"}),
        ]
        self.put("k")
        create = lambda **more: self.s3.create_multipart_upload(Bucket=self.bucket, Key="none", **more)
        for code, asked in wrong:
            self.fails(400, code, self.put, "none", **asked)
            self.fails(400, code, self.copy, "none", "k", **asked)
            self.fails(400, code, create, **asked)
        self.fails(404, "404", self.head, "none")
        unsummed = self.client(request_checksum_calculation="when_required")
        self.fails(400, "InvalidRequest", unsummed.put_object, Bucket=self.bucket, Key="none", Body=b"", **HELD)

    def test_documents(self):
        self.put("k", ObjectLockMode="COMPLIANCE", **HELD)
        for code, asked in [
            ("InvalidRequest", {"EventHold": "ON", "EventHoldDuration": {"Days": 1, "Years": 1}}),
            ("InvalidRequest", {"EventHold": "OFF", "EventHoldDuration": {"Days": 1}}),
            ("InvalidRequest", {"EventHold": "OFF", "Mode": "COMPLIANCE", "RetainUntilDate": LATE}),
            ("InvalidArgument", {"EventHold": "ON", "EventHoldDuration": {"Years": 101}}),
            ("MalformedXML", {"EventHold": "MAYBE"}),
            ("MalformedXML", {"EventHoldDuration": {"Days": 1}}),
            ("MalformedXML", {"Mode": "COMPLIANCE"}),
        ]:
            self.fails(400, code, self.retain, **asked)
        for weaker in [{"Mode": "GOVERNANCE"}, {"EventHoldDuration": {"Days": 29}}]:
            self.fails(403, "AccessDenied", self.retain, EventHold="ON", **weaker)
        assert self.found() == ("COMPLIANCE", None, "ON", {"Days": 30})
        self.fails(404, "NoSuchKey", self.retain, "none", EventHold="ON")

    def test_a_bucket_without_object_lock(self):
        self.bucket = self.make_bucket()
        self.put("k")
        for status in ("ON", "OFF"):
            self.fails(400, "InvalidRequest", self.retain, EventHold=status)
            self.fails(400, "InvalidRequest", self.put, "k", ObjectLockEventHold=status)
            self.fails(400, "InvalidRequest", self.copy, "copy", "k", ObjectLockEventHold=status)


@pytest.fixture
def bucket(sandbox, bucket_of):
    return bucket_of(sandbox, **LOCKED)


def messages(workspace, job):
    return {row[3] for row in workspace.outcomes(job).values()}


def run_both(workspace, parameters, found, done):
    """Runs `retention` twice: the first job says `done` of each object, the second that there is nothing to do."""
    workspace.job("retention", parameters)
    first = workspace.run_twice(found)
    assert messages(workspace, first) == {done}
    assert messages(workspace, workspace.run().job) == {"the retention is as wanted already"}
    return found()


def test_jobs_set_and_release_holds(sandbox, bucket, workspace):
    keys = sandbox.odd_keys
    sandbox.put(bucket, keys)
    workspace.manifest(bucket, keys)
    found = lambda: [retention(sandbox.client(), bucket, key) for key in keys]
    hold = {"status": "ON", "days": 30, "mode": "COMPLIANCE"}
    after = run_both(workspace, {"event-hold": hold}, found, "event hold on, then 30 days")
    assert after == [("COMPLIANCE", None, "ON", {"Days": 30})] * len(keys)
    after = run_both(workspace, {"event-hold": {"status": "OFF"}}, found, "event hold off")
    assert {(mode, ends_in(30, until), status, duration) for mode, until, status, duration in after} == {("COMPLIANCE", True, "OFF", None)}


def test_a_job_leaves_the_retention_and_a_job_leaves_the_hold(sandbox, bucket, workspace):
    found = lambda: retention(sandbox.client(), bucket, "k")
    sandbox.put(bucket, ["k"], ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATE)
    workspace.manifest(bucket, ["k"])
    until = LATE.strftime("%Y-%m-%dT%H:%M:%SZ")
    # The retention says the mode.
    hold = {"status": "ON", "years": 1, "mode": "COMPLIANCE"}
    done = f"retained until {until} in mode GOVERNANCE; event hold on, then 1 year"
    assert run_both(workspace, {"event-hold": hold}, found, done) == ("GOVERNANCE", LATE, "ON", {"Years": 1})
    end = (LATE + 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    longer = {"mode": "GOVERNANCE", "retain-until": end}
    after = run_both(workspace, longer, found, f"retained until {end} in mode GOVERNANCE")
    assert after == ("GOVERNANCE", LATE + 10 * DAY, "ON", {"Years": 1})
    workspace.job("retention", {"remove": True, "bypass-governance": True})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"AccessDenied": 1})
    assert "release it first" in workspace.outcomes(result.job)["k"][3]
    assert found() == after


@pytest.mark.parametrize("hold, expected", [
    ({"status": "ON", "days": 3}, ("ON", 3, None, None)),
    ({"status": "ON", "years": 2, "mode": "COMPLIANCE"}, ("ON", None, 2, "COMPLIANCE")),
    ({"status": "OFF"}, ("OFF", None, None, None)),
])
def test_copies_are_held(sandbox, bucket, bucket_of, workspace, hold, expected):
    source, keys = bucket_of(sandbox), sandbox.odd_keys
    sandbox.put(source, keys)
    workspace.manifest(source, keys)
    workspace.job("copy", {"target-bucket": bucket, "event-hold": hold})
    workspace.run_twice(lambda: [shown(sandbox.client().head_object(Bucket=bucket, Key=key)) for key in keys])
    assert {shown(sandbox.client().head_object(Bucket=bucket, Key=key)) for key in keys} == {expected}


def test_copies_in_parts_are_held(sandbox, bucket, bucket_of, workspace):
    source, mib = bucket_of(sandbox), 1024 * 1024
    sandbox.client().put_object(Bucket=source, Key="k", Body=bytes(11 * mib))
    workspace.manifest(source, ["k"])
    parts = {"threshold": 5 * mib, "part-size": 5 * mib}
    workspace.job("copy", {"target-bucket": bucket, "multipart": parts, "event-hold": {"status": "ON", "days": 3}})
    assert workspace.run().code == 0
    head = sandbox.client().head_object(Bucket=bucket, Key="k")
    assert (shown(head), head["ETag"][-3:]) == (("ON", 3, None, None), '-3"')


def test_a_store_that_ignores_the_headers_is_found_out(seaweedfs, bucket_of, workspace_of):
    source, target, workspace = bucket_of(seaweedfs), bucket_of(seaweedfs, **LOCKED), workspace_of(seaweedfs)
    seaweedfs.put(source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "event-hold": {"status": "ON", "days": 3}})
    job = workspace.run().job
    status, _, code, message = workspace.outcomes(job)["k"]
    assert (status, code) == ("failed", "NotImplemented")
    assert "x-amz-object-lock-event-hold" in message
