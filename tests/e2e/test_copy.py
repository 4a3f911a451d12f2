"""Copy with every parameter, on two independent servers; copies are read back with boto3."""

import datetime

import pytest

LONG_KEY = "k" * 1024
SOURCE = {
    "ContentType": "text/plain", "CacheControl": "no-cache", "ContentLanguage": "de", "Metadata": {"color": "blue"},
    "Tagging": "a=1&b=two%20words",
}
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def source(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def target(server, bucket_of):
    return bucket_of(server)


@pytest.fixture
def workspace(server, workspace_of):
    return workspace_of(server)


def seen(server, bucket, key, **more):
    """What the tests compare of an object: everything but when and as which version it was written."""
    client = server.client()
    found = client.get_object(Bucket=bucket, Key=key, **more)
    tags = client.get_object_tagging(Bucket=bucket, Key=key, **more)["TagSet"]
    acl = client.get_object_acl(Bucket=bucket, Key=key, **more)["Grants"]
    fields = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires",
              "Metadata", "StorageClass", "ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "ETag")
    return {
        **{field: found[field] for field in fields if field in found},
        "Body": found["Body"].read(),
        "Tags": {tag["Key"]: tag["Value"] for tag in tags},
        "Grants": {(grant["Grantee"].get("ID") or grant["Grantee"]["URI"], grant["Permission"]) for grant in acl},
    }


def fill(server, bucket, keys, **more):
    for key in keys:
        body = f"body of {key}".encode()
        server.client().put_object(Bucket=bucket, Key=key, Body=body, **{**SOURCE, **more})


def test_to_another_bucket_everything_comes_along(server, source, target, workspace):
    fill(server, source, server.odd_keys)
    workspace.manifest(source, server.odd_keys)
    workspace.job("copy", {"target-bucket": target})
    workspace.run_twice(lambda: [seen(server, target, key) for key in server.odd_keys])
    for key in server.odd_keys:
        assert seen(server, target, key) == seen(server, source, key)
        assert seen(server, target, key)["Tags"] == {"a": "1", "b": "two words"}
    listed = server.client().list_objects_v2(Bucket=target)["Contents"]
    assert {found["Key"] for found in listed} == set(server.odd_keys)


@pytest.mark.parametrize(
    ("prefix", "joined"), [("copies", "copies/"), ("a b/ü+%41/", "a b/ü+%41/")])
def test_prefix_is_a_folder(server, source, target, workspace, prefix, joined):
    keys = server.odd_keys[:-1]
    fill(server, source, server.odd_keys)
    workspace.manifest(source, server.odd_keys)
    workspace.job("copy", {"target-bucket": target, "target-prefix": prefix})
    result = workspace.run()
    # The longest key has no room for a prefix; that is known without asking the store.
    assert (result.code, result.job["failures"]) == (3, {"KeyTooLongError": 1}), result.err
    listed = server.client().list_objects_v2(Bucket=target)["Contents"]
    assert {found["Key"] for found in listed} == {joined + key for key in keys}
    size = len(joined.encode()) + 1024
    assert workspace.outcomes(result.job)[LONG_KEY] == (
        "failed", "400", "KeyTooLongError", f"the target key has {size} bytes; S3 allows 1024")


EXPIRES = datetime.datetime(2030, 1, 31, 12, 30, tzinfo=datetime.timezone.utc)
NEW_METADATA = {
    "directive": "replace", "content-type": "image/png", "cache-control": "max-age=60",
    "content-disposition": 'attachment; filename="a b.png"', "content-encoding": "identity", "content-language": "fr",
    "expires": "2030-01-31T12:30:00Z", "user": {"color": "red", "second": "a  b=c;d"},
}
KEPT = {"ContentType": "text/plain", "CacheControl": "no-cache", "ContentLanguage": "de", "Metadata": {"color": "blue"}}
KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/6f1b8a3e-0000-4000-8000-000000000000"
# Parameters that do not touch each other share a job.
PARAMETERS = {
    "replaced": (
        {"metadata": NEW_METADATA, "tags": {"directive": "replace", "set": {"c": "3", "ü +=": "x y/z"}},
         "sse": {"algorithm": "aws:kms", "kms-key-id": KMS_KEY, "bucket-key": True}},
        {"ContentType": "image/png", "CacheControl": "max-age=60",
         "ContentDisposition": 'attachment; filename="a b.png"', "ContentEncoding": "identity",
         "ContentLanguage": "fr", "Expires": EXPIRES, "Metadata": {"color": "red", "second": "a  b=c;d"},
         "Tags": {"c": "3", "ü +=": "x y/z"},
         "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY, "BucketKeyEnabled": True}),
    "kept": (
        {"metadata": {"directive": "copy"}, "tags": {"directive": "copy"}, "sse": {"algorithm": "AES256"}},
        {**KEPT, "Tags": {"a": "1", "b": "two words"}, "ServerSideEncryption": "AES256"}),
    "dropped": (
        {"metadata": {"directive": "replace"}, "tags": {"directive": "drop"},
         "grants": [{"type": "id", "grantee": "alice", "permission": "FULL_CONTROL"},
                    {"type": "uri", "grantee": ALL_USERS, "permission": "READ"}]},
        {"Metadata": {}, "CacheControl": None, "Tags": {}, "Grants": {("alice", "FULL_CONTROL"), (ALL_USERS, "READ")}}),
    "only-tags-replaced-by-none": ({"tags": {"directive": "replace"}}, {**KEPT, "Tags": {}}),
    "only-metadata-replaced": ({"metadata": NEW_METADATA}, {"ContentType": "image/png", "Tags": {"a": "1", "b": "two words"}}),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter(server, source, target, workspace, name):
    parameters, expected = PARAMETERS[name]
    fill(server, source, ["k", "ü k"])
    workspace.manifest(source, ["k", "ü k"])
    workspace.job("copy", {"target-bucket": target, **parameters})
    workspace.run_twice(lambda: [seen(server, target, key) for key in ("k", "ü k")])
    for key in ("k", "ü k"):
        copy = seen(server, target, key)
        assert {field: copy.get(field) for field in expected} == expected
        assert copy["Body"] == f"body of {key}".encode()


@pytest.mark.parametrize(
    ("storage_class", "canned"),
    [("STANDARD", "private"), ("STANDARD_IA", "public-read"), ("ONEZONE_IA", "public-read-write"),
     ("INTELLIGENT_TIERING", "authenticated-read"), ("GLACIER_IR", "aws-exec-read"), ("GLACIER", "bucket-owner-read"),
     ("DEEP_ARCHIVE", "bucket-owner-full-control")])
def test_every_storage_class_and_canned_acl(server, source, target, workspace, storage_class, canned):
    fill(server, source, ["k"])
    server.client().put_object(Bucket=target, Key="reference", Body=b"", ACL=canned)
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target, "storage-class": storage_class, "canned-acl": canned})
    result = workspace.run()
    assert result.code == 0, result.out + result.err
    grants = lambda key: server.client().get_object_acl(Bucket=target, Key=key)["Grants"]
    assert server.client().head_object(Bucket=target, Key="k").get("StorageClass", "STANDARD") == storage_class
    if server.name == "sandbox" or storage_class not in ("GLACIER", "DEEP_ARCHIVE"):  # moto shows no ACL of those
        assert grants("k") == grants("reference")


def test_an_acl_is_not_copied(server, source, target, workspace):
    fill(server, source, ["k"], ACL="public-read")
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": target})
    workspace.run_twice(lambda: seen(server, target, "k"))
    assert (ALL_USERS, "READ") in seen(server, source, "k")["Grants"]
    assert (ALL_USERS, "READ") not in seen(server, target, "k")["Grants"]


def test_in_place_where_something_changes(server, source, workspace):
    fill(server, source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": source, "storage-class": "STANDARD_IA"})
    before = seen(server, source, "k")
    workspace.run_twice(lambda: seen(server, source, "k"))
    assert seen(server, source, "k") == {**before, "StorageClass": "STANDARD_IA"}


def test_in_place_where_nothing_changes(server, source, workspace):
    fill(server, source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": source})
    before = seen(server, source, "k")
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"InvalidRequest": 1})
    assert workspace.outcomes(result.job)["k"][:3] == ("failed", "400", "InvalidRequest")
    assert seen(server, source, "k") == before


def test_named_versions(server, source, target, workspace):
    client = server.client()
    client.put_object(Bucket=source, Key="n", Body=b"null")
    client.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=source, Key="n", Body=b"newer")
    old = client.put_object(Bucket=source, Key="k ü+", Body=b"old")["VersionId"]
    client.put_object(Bucket=source, Key="k ü+", Body=b"current")
    workspace.manifest(source, ["n", "k ü+"], ["null", old])
    workspace.job("copy", {"target-bucket": target}, fields='["Bucket", "Key", "VersionId"]')
    workspace.run_twice(lambda: [seen(server, target, key) for key in ("n", "k ü+")])
    assert [seen(server, target, key)["Body"] for key in ("n", "k ü+")] == [b"null", b"old"]


def test_bucket_that_is_not_there(server, source, workspace):
    fill(server, source, ["k"])
    workspace.manifest(source, ["k"])
    workspace.job("copy", {"target-bucket": "no-such-bucket-anywhere"})
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"NoSuchBucket": 1})
    assert workspace.outcomes(result.job)["k"][:3] == ("failed", "404", "NoSuchBucket")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"metadata": {"directive": "replace", "expires": "2030-01-01"}}, "expires"),
     ({"metadata": {"directive": "replace", "content-type": "a\nb: c"}}, "content-type"),
     ({"metadata": {"directive": "replace", "cache-control": "a\rb"}}, "cache-control"),
     ({"metadata": {"directive": "replace", "user": {"color": "a\nb"}}}, "color"),
     ({"metadata": {"directive": "replace", "user": {"no name": "x"}}}, "no name"),
     ({"metadata": {"directive": "copy", "content-type": "text/plain"}}, "directive"),
     ({"metadata": {"directive": "replace", "user": {"a": "x" * 2048}}}, "2048"),
     ({"target-prefix": "a\0b"}, "target-prefix"),
     ({"target-prefix": "x" * 1025}, "target-prefix"),
     ({"tags": {"directive": "drop", "set": {"a": "1"}}}, "tags"),
     ({"tags": {"directive": "replace", "set": {"a&b": "1"}}}, "a&b"),
     ({"canned-acl": "private", "grants": [{"type": "id", "grantee": "a", "permission": "READ"}]}, "canned-acl"),
     ({"sse": {"algorithm": "AES256", "bucket-key": True}}, "bucket-key")])
def test_parameters_that_no_request_can_carry(sandbox, bucket_of, workspace_of, parameters, words):
    """They are bad input, noticed before a job is made of them, and not a failure of every task."""
    bucket, workspace = bucket_of(sandbox), workspace_of(sandbox)
    fill(sandbox, bucket, ["k"])
    workspace.manifest(bucket, ["k"])
    workspace.job("copy", {"target-bucket": bucket, **parameters})
    before = len(sandbox.log())
    result = workspace.longshore("run", "job.toml")
    assert result.code == 2, result.out + result.err
    assert "job.toml:" in result.err
    assert words in result.err
    assert workspace.longshore("list", "--json").events == []
    assert not [entry for entry in sandbox.log()[before:] if entry["key"]]


def test_what_the_operation_refuses_has_a_place(sandbox, workspace_of):
    """Its schema cannot say that `set` goes with `replace`; the message has line and column all the same."""
    workspace = workspace_of(sandbox)
    workspace.manifest("any-bucket", ["k"])
    path = workspace.job("copy", {"target-bucket": "any-bucket", "tags": {"directive": "drop", "set": {"a": "1"}}})
    lines = path.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("parameters = "))
    result = workspace.longshore("validate", "job.toml")
    assert result.code == 2
    assert f"job.toml:{line}:" in result.err
    assert 'set goes with directive "replace"' in result.err
