"""Every condition under which a task of Amazon's service fails, and every code of its reports: which test shows the row that
Longshore's report has for it, or why there is none. Conditions that no other file shows are shown here."""

import ast
import datetime

import pytest

from harness import ROOT

UTC = datetime.timezone.utc
VERSIONS = '["Bucket", "Key", "VersionId"]'
KMS = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
HERE = "test_failure_codes::test_row"
MEANWHILE = "test_interference::"
REPLICATE = "test_replicate::"


class NotApplicable(str):
    """Why a code does not occur."""


#: Condition -> the test of its row.
CONDITIONS = {
    # Of all operations.
    "the object is not there": "test_report::test_every_kind_of_failed_row",
    "the version is not there": f"{HERE}[copy-version-missing]",
    "the row's version ID is empty": "test_report::test_failed_row_of_a_missing_version",
    "the role may not": "test_policy::test_half_of_a_thousand",
    "the store refuses": f"{HERE}[store-refuses]",
    "the bucket is not there": f"{HERE}[bucket-missing]",
    "a key has more versions than one task looks at": f"{MEANWHILE}test_too_many_versions",
    # Copy.
    "copy: over 5 GB": NotApplicable("such objects are copied in parts: test_large_copy"),
    "copy: the source is archived": f"{HERE}[copy-archived]",
    "copy: modified and unmodified since": "test_copy_conditions::test_only_what_was_modified_then",
    "copy: another ETag than the row's": "test_copy_conditions::test_only_what_the_row_means",
    "copy: the target bucket is not there": "test_copy::test_bucket_that_is_not_there",
    "copy: in place, and nothing changes": "test_copy::test_in_place_where_nothing_changes",
    "copy: the new key is too long": f"{HERE}[copy-key-too-long]",
    "copy: the new key is empty": f"{HERE}[copy-key-empty]",
    "copy: verified, and another object is there": f"{MEANWHILE}test_written",
    "copy: the source is written meanwhile": f"{MEANWHILE}test_written",
    "copy: the source is written between two parts": f"{MEANWHILE}test_a_large_source_that_is_written_between_two_parts",
    "copy: the same, of a store without conditions": f"{MEANWHILE}test_a_source_of_a_store_without_conditions",
    "copy: more bytes than so many parts can have": f"{MEANWHILE}test_what_has_more_bytes_than_so_many_parts_can",
    "copy: the source is a delete marker": f"{HERE}[copy-delete-marker]",
    "copy: the source has a customer's key (SSE-C)": f"{HERE}[copy-customer-key]",
    "copy: tags into a store that has none (501)": f"{HERE}[copy-not-implemented]",
    "copy: a lock into a bucket without Object Lock": f"{HERE}[copy-lock-without-object-lock]",
    # Access control lists.
    "acl: the grantee is not known": "test_operations::test_a_grantee_that_the_store_does_not_know_fails_the_task",
    "acl: the bucket's owner is enforced": f"{HERE}[acl-not-supported]",
    "acl: of a delete marker": f"{HERE}[acl-delete-marker]",
    # Tags.
    "tagging: more than ten tags": "test_operations::test_tagging_beyond_ten_tags_fails_that_task_only",
    "tagging: of a delete marker": f"{HERE}[tagging-delete-marker]",
    # Restores.
    "restore: in progress, with other days, the same or a slower tier": "test_restore::test_restore_in_progress",
    "restore: not archived": "test_restore::test_restore_of_what_is_not_archived",
    "restore: a tier that the class has not, or no days": "test_restore::test_restore_that_the_class_does_not_take",
    "restore: no room for EXPEDITED": f"{HERE}[restore-no-expedited]",
    "restore: of a delete marker": f"{HERE}[restore-delete-marker]",
    "restore: days for an archive tier of INTELLIGENT_TIERING": "test_archive_tiers::test_days_are_for_the_other_archives",
    # Locks.
    "legal hold and retention: the bucket has no Object Lock": "test_locks::test_a_bucket_without_object_lock_is_named",
    "the same, of a bucket further on": "test_locks::test_a_bucket_further_on_is_the_affair_of_its_tasks",
    "retention: COMPLIANCE is only extended": "test_locks::test_compliance_is_never_loosened",
    "retention: GOVERNANCE is not shortened without bypass": f"{HERE}[retention-governance]",
    "retention: longer than the calendar": f"{HERE}[retention-calendar]",
    "legal hold: of a delete marker": f"{HERE}[legal-hold-delete-marker]",
    "retention: of a delete marker": f"{HERE}[retention-delete-marker]",
    "delete: the version is locked": "test_versions::test_a_locked_version_stays",
    # Checksums.
    "checksum: the object is archived": f"{HERE}[checksum-archived]",
    "checksum: the object has a customer's key (SSE-C)": f"{HERE}[checksum-customer-key]",
    "checksum: of a delete marker": f"{HERE}[checksum-delete-marker]",
    "checksum: not the expected one": "test_checksum::test_what_the_row_expects",
    "checksum: none is stored to compare with": f"{HERE}[checksum-not-stored]",
    "checksum: the object is written meanwhile": f"{MEANWHILE}test_written",
    # Encryption, class, metadata.
    "encrypt: the object has a customer's key (SSE-C)": f"{HERE}[encrypt-customer-key]",
    "encrypt: the object is archived": f"{HERE}[encrypt-archived]",
    "encrypt: the object is locked": NotApplicable("a copy in place makes a new version, and the locked one stays: test_in_place"),
    "metadata: too much": f"{HERE}[metadata-too-large]",
    "metadata: the object is archived": f"{HERE}[metadata-archived]",
    "metadata: the object has a customer's key (SSE-C)": f"{HERE}[metadata-customer-key]",
    "storage-class: the object is archived": f"{HERE}[storage-class-archived]",
    "storage-class: the object has a customer's key (SSE-C)": f"{HERE}[storage-class-customer-key]",
    "in place: the object is deleted": f"{HERE}[metadata-delete-marker]",
    "in place: the object is written meanwhile": f"{MEANWHILE}test_written",
    "in place: the row names an old version": "test_in_place::test_an_old_version_is_not_brought_back",
    # Functions.
    "invoke: PermanentFailure": "test_invoke::test_a_team_s_function_moves_over_without_changing_a_line",
    "invoke: TemporaryFailure to the end": "test_invoke::test_a_temporary_failure_is_redriven",
    "invoke: results that are missing": "test_invoke::test_results_that_are_missing",
    "invoke: the function breaks off": "test_invoke::test_a_function_that_breaks_off",
    # Longshore's own.
    "delete: another ETag": "test_versions::test_only_the_object_that_the_row_means_is_deleted",
    "delete: the object is written meanwhile": f"{MEANWHILE}test_written",
    "expire-versions: older than the calendar": f"{HERE}[expire-versions-calendar]",
    "undelete: there is nothing to bring back": f"{HERE}[undelete-nothing]",
    "abort-uploads: the bucket is not there": f"{HERE}[abort-uploads-no-bucket]",
    "abort-uploads: older than the calendar": f"{HERE}[abort-uploads-calendar]",
    "abort-uploads: a key has more uploads than one task looks at": f"{MEANWHILE}test_too_many_uploads",
}

MULTIPART = REPLICATE + "test_uploads_that_are_refused"
ANSWERS = REPLICATE + "test_what_the_store_answers"
ROLE = REPLICATE + "test_what_the_role_may_not"
DESTINATIONS = REPLICATE + "test_destinations_that_take_no_replicas"
#: The codes of S3ReplicateObject -> the test of the row.
REPLICATION = {
    "AssumeRoleNotPermitted": NotApplicable("the job has its own role, which is not assumed"),
    "DstBucketInvalidRegion": ANSWERS,
    "DstBucketNotFound": REPLICATE + "test_one_destination_that_fails_does_not_keep_the_others_waiting",
    "DstBucketObjectLockConfigMissing": DESTINATIONS,
    "DstBucketUnversioned": DESTINATIONS,
    "DstDelObjNotPermitted": REPLICATE + "test_a_delete_marker_that_may_not_be_made",
    "DstKmsKeyInvalidState": ANSWERS,
    "DstKmsKeyNotFound": ANSWERS,
    "DstMultipartCompleteNotPermitted": MULTIPART,
    "DstMultipartInitNotPermitted": MULTIPART,
    "DstMultipartUploadNotPermitted": MULTIPART,
    "DstObjectHardDeleted": NotApplicable("nothing tells that a replica was deleted: it is made again"),
    "DstPutAclNotPermitted": ROLE,
    "DstPutLegalHoldNotPermitted": ROLE,
    "DstPutObjectNotPermitted": ROLE,
    "DstPutRetentionNotPermitted": ROLE,
    "DstPutTaggingNotPermitted": ROLE,
    "DstVersionNotFound": NotApplicable("a replica is always whole: no version at the destination is looked for"),
    "InitiateReplicationNotPermitted": ANSWERS,
    "SrcBucketInvalidRegion": ANSWERS,
    "SrcBucketNotFound": REPLICATE + "test_the_bucket_is_not_there_or_has_no_configuration",
    "SrcBucketReplicationConfigMissing": REPLICATE + "test_the_bucket_is_not_there_or_has_no_configuration",
    "SrcGetAclNotPermitted": ROLE,
    "SrcGetLegalHoldNotPermitted": ROLE,
    "SrcGetObjectNotPermitted": ROLE,
    "SrcGetRetentionNotPermitted": ROLE,
    "SrcGetTaggingNotPermitted": REPLICATE + "test_tags_that_may_not_be_read",
    "SrcHeadObjectNotPermitted": ANSWERS,
    "SrcKeyNotFound": ANSWERS,
    "SrcKmsKeyInvalidState": ANSWERS,
    "SrcObjectNotEligible": REPLICATE + "test_objects_that_are_not_eligible",
    "SrcObjectNotFound": REPLICATE + "test_the_source_is_not_there",
    "SrcReplicationNotPending": NotApplicable("what was replicated is skipped"),
    "SrcVersionNotFound": REPLICATE + "test_the_source_is_not_there",
}


def functions(file):
    """The tests of a file."""
    tree = ast.parse((ROOT / f"tests/e2e/{file}.py").read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("condition", [*CONDITIONS, *REPLICATION])
def test_each_condition_has_a_test(condition):
    test = {**CONDITIONS, **REPLICATION}[condition]
    if isinstance(test, NotApplicable):
        return
    file, name = test.split("::")
    name, _, case = name.partition("[")
    assert name in functions(file), f"{test} is gone"
    assert not case or case.rstrip("]") in ROWS


def test_each_code_of_replication_is_explained_and_shown():
    page = (ROOT / "docs/operations/replicate.md").read_text()
    tests = (ROOT / "tests/e2e/test_replicate.py").read_text()
    for code, test in REPLICATION.items():
        assert f"`{code}`" in page, code
        assert isinstance(test, NotApplicable) or f'"{code}"' in tests, code


class Row:
    """A job of one row that fails, and what its report says."""

    def __init__(self, operation, parameters, expected, source=None, version=None, fault=None, bucket=None):
        self.operation, self.parameters, self.expected = operation, parameters, expected
        #: How the object is put; False: there is none.
        self.source = {"Body": b"body"} if source is None else source
        #: Answers the version ID that the row names.
        self.version = version
        self.fault = fault
        #: How its bucket is made; False: there is none.
        self.bucket = {} if bucket is None else bucket


def copy(expected, parameters=None, **more):
    return Row("copy", {"target-bucket": "TARGET", **(parameters or {})}, expected, **more)


def marker(client, bucket):
    """Hides the object; the delete marker's version ID."""
    return client.delete_object(Bucket=bucket, Key="k")["VersionId"]


ARCHIVED = {"Body": b"body", "StorageClass": "GLACIER"}
CUSTOMERS = {"Body": b"body", "SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
HELD = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.datetime(2040, 1, 2, tzinfo=UTC), "Body": b"body"}
TAGS = {"mode": "merge", "tags": {"a": "b"}}
STATE, BAD, MARKER = (("403", "InvalidObjectState"), "400", ("405", "MethodNotAllowed"))
BEYOND = ("", "InvalidArgument")
LOCKABLE = {"ObjectLockEnabledForBucket": True}
USER = {"mode": "merge", "user": {"a": "x" * 2000}}
COLDER = {"storage-class": "STANDARD_IA"}
#: Name -> what fails, and (HTTP status, code) of its row.
ROWS = {
    "copy-version-missing": copy(("404", "NoSuchVersion"), version=lambda client, bucket: "00000000000000000000000000000001"),
    "copy-archived": copy(STATE, source=ARCHIVED),
    "copy-key-too-long": copy((BAD, "KeyTooLongError"), {"rewrite": {"pattern": "^", "replace": "k" * 1020}, "target-prefix": "12345"}),
    "copy-key-empty": copy((BAD, "InvalidRequest"), {"rewrite": {"pattern": "^k$", "replace": ""}}),
    "copy-delete-marker": copy((BAD, "InvalidRequest"), version=marker),
    "copy-customer-key": copy((BAD, "InvalidRequest"), source=CUSTOMERS),
    "copy-not-implemented": copy(("501", "NotImplemented"), fault="status=501,code=NotImplemented,method=PUT,bucket=the-target"),
    "copy-lock-without-object-lock": copy((BAD, "InvalidRequest"), {"legal-hold": True}),
    "store-refuses": copy(("403", "AccessDenied"), fault="status=403,code=AccessDenied,method=PUT,bucket=the-target"),
    "acl-not-supported": Row("acl", {"canned": "private"}, (BAD, "AccessControlListNotSupported"),
                             source=False, fault="status=400,code=AccessControlListNotSupported,method=PUT,key=k"),
    "acl-delete-marker": Row("acl", {"canned": "private"}, MARKER, version=marker),
    "tagging-delete-marker": Row("tagging", TAGS, MARKER, version=marker),
    "retention-governance": Row("retention", {"mode": "GOVERNANCE", "retain-until": "2030-01-01"}, ("403", "AccessDenied"),
                                source=HELD, bucket=LOCKABLE),
    "retention-calendar": Row("retention", {"mode": "GOVERNANCE", "extend-by": "15000y"}, BEYOND, bucket=LOCKABLE),
    "retention-delete-marker": Row("retention", {"mode": "GOVERNANCE", "retain-until": "2030-01-01"}, MARKER, version=marker, bucket=LOCKABLE),
    "legal-hold-delete-marker": Row("legal-hold", {"status": "ON"}, MARKER, version=marker, bucket=LOCKABLE),
    "restore-delete-marker": Row("restore", {"days": 1}, MARKER, version=marker),
    "restore-no-expedited": Row("restore", {"days": 1, "tier": "EXPEDITED"}, ("503", "GlacierExpeditedRetrievalNotAvailable"),
                                source=ARCHIVED, fault="status=503,code=GlacierExpeditedRetrievalNotAvailable,method=POST,key=k"),
    "checksum-archived": Row("checksum", {"algorithm": "SHA256"}, STATE, source=ARCHIVED),
    "checksum-customer-key": Row("checksum", {"algorithm": "SHA256"}, (BAD, "BadRequest"), source=CUSTOMERS),
    "checksum-delete-marker": Row("checksum", {"algorithm": "SHA256"}, MARKER, version=marker),
    "checksum-not-stored": Row("checksum", {"algorithm": "SHA256", "compare-stored": True}, ("", "ChecksumNotStored")),
    "metadata-too-large": Row("metadata", USER, (BAD, "MetadataTooLarge"), source={"Body": b"body", "Metadata": {"b": "x" * 47}}),
    "metadata-archived": Row("metadata", USER, STATE, source=ARCHIVED),
    "metadata-customer-key": Row("metadata", USER, (BAD, "BadRequest"), source=CUSTOMERS),
    "metadata-delete-marker": Row("metadata", USER, ("404", "NoSuchKey"), version=marker),
    "storage-class-archived": Row("storage-class", COLDER, STATE, source=ARCHIVED),
    "storage-class-customer-key": Row("storage-class", COLDER, (BAD, "BadRequest"), source=CUSTOMERS),
    "encrypt-customer-key": Row("encrypt", {"algorithm": "AES256"}, (BAD, "BadRequest"), source=CUSTOMERS),
    "encrypt-archived": Row("encrypt", {"algorithm": "aws:kms", "kms-key-id": KMS}, STATE, source=ARCHIVED),
    "bucket-missing": Row("tagging", TAGS, ("404", "NoSuchBucket"), source=False, bucket=False),
    "expire-versions-calendar": Row("expire-versions", {"keep": 1, "min-age": "15000y"}, BEYOND),
    "abort-uploads-calendar": Row("abort-uploads", {"older-than": "15000y"}, BEYOND),
    "undelete-nothing": Row("undelete", {}, ("404", "NoSuchKey"), source=False),
    "abort-uploads-no-bucket": Row("abort-uploads", {"older-than": "1d"}, ("404", "NoSuchBucket"), source=False, bucket=False),
}


@pytest.mark.parametrize("name", ROWS)
def test_row(sandbox_with, sandbox, bucket_of, workspace_of, name):
    row = ROWS[name]
    server = sandbox_with("--fault", row.fault) if row.fault else sandbox
    client, workspace = server.client(), workspace_of(server)
    bucket, target = "never-made", "the-target"
    if row.bucket is not False:
        bucket = bucket_of(server, **row.bucket)
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    if row.operation == "copy" and not row.fault:
        target = bucket_of(server)
    if row.source:
        client.put_object(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", **row.source)
    version = row.version(client, bucket) if row.version else None
    workspace.manifest(bucket, ["k"], [version] if version else None)
    parameters = {key: target if value == "TARGET" else value for key, value in row.parameters.items()}
    workspace.job(row.operation, parameters, extra='[retry]\nattempts = 2\nbase-delay = "1ms"', **({"fields": VERSIONS} if version else {}))
    result = workspace.run()
    [(status, http_status, code, message)] = workspace.outcomes(result.job).values()
    assert (result.code, status, http_status, code) == (3, "failed", *row.expected), message
    assert message not in ("", "Successful")
