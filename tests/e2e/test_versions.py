"""Deleting, bringing back and expiring versions, and uploads left behind, on an independent server."""

import pytest


@pytest.fixture
def bucket(moto, bucket_of):
    name = bucket_of(moto)
    moto.client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def workspace(moto, workspace_of):
    return workspace_of(moto)


def listed(moto, bucket, key):
    """Version IDs and those of delete markers of a key, each the newest first."""
    page = moto.client().list_object_versions(Bucket=bucket, Prefix=key)
    # moto's XML holds a carriage return as it is, which Python's parser takes for a line feed.
    key = key.replace("\r", "\n")
    return tuple([entry["VersionId"] for entry in page.get(kind, []) if entry["Key"] == key]
                 for kind in ("Versions", "DeleteMarkers"))


def write(moto, bucket, key, times):
    """Version IDs of a key that is written so often, the newest first."""
    client = moto.client()
    return [client.put_object(Bucket=bucket, Key=key, Body=b"body")["VersionId"] for _ in range(times)][::-1]


def one(workspace, result):
    [outcome] = workspace.outcomes(result.job).values()
    return outcome


def test_a_second_job_makes_no_second_delete_marker(moto, bucket, workspace):
    keys = moto.odd_keys
    moto.put(bucket, keys)
    workspace.manifest(bucket, keys)
    workspace.job("delete")
    job = workspace.run_twice(lambda: [listed(moto, bucket, key) for key in keys])
    for key in keys:
        versions, markers = listed(moto, bucket, key)
        assert (len(versions), len(markers)) == (1, 1), key
    assert all(row[3].startswith("delete marker made: ") for row in workspace.outcomes(job).values())
    again = workspace.run()
    assert {row[3] for row in workspace.outcomes(again.job).values()} == {"it is not there"}


def test_without_versioning_it_is_gone(moto, bucket_of, workspace):
    plain = bucket_of(moto)
    moto.put(plain, ["k"])
    workspace.manifest(plain, ["k", "never was"])
    workspace.job("delete")
    outcomes = workspace.outcomes(workspace.run().job)
    assert outcomes["k"] == ("succeeded", "200", "", "deleted for good")
    assert outcomes["never%20was"] == ("succeeded", "200", "", "it is not there")
    assert moto.client().list_objects_v2(Bucket=plain)["KeyCount"] == 0


def test_only_the_object_that_the_row_means_is_deleted(moto, bucket_of, workspace):
    plain = bucket_of(moto)
    moto.put(plain, ["a", "b"])
    etag = moto.client().head_object(Bucket=plain, Key="a")["ETag"].strip('"')
    workspace.write("manifest.csv", f"{plain},a,{etag}\n{plain},b,0123\n{plain},c,\n")
    workspace.job("delete", {"if-match": "{{column.etag}}"}, fields='["Bucket", "Key", { column = "etag" }]')
    result = workspace.run()
    outcomes = workspace.outcomes(result.job)
    assert outcomes["a"][3] == "deleted for good"
    assert outcomes["b"] == ("failed", "412", "PreconditionFailed", f'the object\'s ETag is "{etag}", not 0123')
    assert outcomes["c"][1:3] == ("400", "InvalidRequest")
    assert [entry["Key"] for entry in moto.client().list_objects_v2(Bucket=plain)["Contents"]] == ["b"]


def test_versions_and_markers_by_their_ids(moto, bucket, workspace):
    newest, oldest = write(moto, bucket, "k", 2)
    marker = moto.client().delete_object(Bucket=bucket, Key="k")["VersionId"]
    workspace.manifest(bucket, ["k", "k"], [marker, oldest])
    workspace.job("delete", fields='["Bucket", "Key", "VersionId"]')
    job = workspace.run_twice(lambda: listed(moto, bucket, "k"))
    assert listed(moto, bucket, "k") == ([newest], [])
    assert sorted(row[-1] for row in workspace.rows(job)) == ["delete marker removed", "version deleted for good"]


def test_all_versions_go_and_keys_that_begin_alike_stay(moto, bucket, workspace):
    write(moto, bucket, "k", 3)
    moto.client().delete_object(Bucket=bucket, Key="k")
    moto.put(bucket, ["k2", "k/more"])
    workspace.manifest(bucket, ["k"])
    workspace.job("delete", '{ all-versions = true }')
    assert one(workspace, workspace.run())[3] == "4 versions deleted"
    assert one(workspace, workspace.run())[3] == "there is no version"
    assert listed(moto, bucket, "k") == ([], [])
    assert moto.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 2


def test_a_deleted_object_comes_back(moto, bucket, workspace):
    keys = moto.odd_keys
    moto.put(bucket, keys)
    client = moto.client()
    for key in keys:
        client.delete_object(Bucket=bucket, Key=key)
    client.delete_object(Bucket=bucket, Key=keys[0])
    moto.put(bucket, ["there"])
    workspace.manifest(bucket, [*keys, "there"])
    workspace.job("undelete")
    workspace.run_twice(lambda: [listed(moto, bucket, key) for key in keys])
    for key in keys:
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"body"
        assert [len(kind) for kind in listed(moto, bucket, key)] == [1, 0], key
    assert {row[3] for row in workspace.outcomes(workspace.run().job).values()} == {"it is not deleted"}
    workspace.manifest(bucket, ["never was"])
    assert one(workspace, workspace.run())[:3] == ("failed", "404", "NoSuchKey")


def test_the_newest_versions_stay(moto, bucket, workspace):
    written = {key: write(moto, bucket, key, 4) for key in moto.odd_keys[:5]}
    workspace.manifest(bucket, written)
    workspace.job("expire-versions", {"keep": 2, "min-age": "1h"})
    assert {row[3] for row in workspace.outcomes(workspace.run().job).values()} == {"no version has to go"}
    workspace.job("expire-versions", {"keep": 2})
    job = workspace.run_twice(lambda: [listed(moto, bucket, key) for key in written])
    assert {row[3] for row in workspace.outcomes(job).values()} == {"2 versions deleted"}
    for key, versions in written.items():
        assert listed(moto, bucket, key) == (versions[:2], []), key


def test_lone_markers_go_when_asked(moto, bucket, workspace):
    [version] = write(moto, bucket, "k", 1)
    client = moto.client()
    client.delete_object(Bucket=bucket, Key="k")
    client.delete_object(Bucket=bucket, Key="k", VersionId=version)
    workspace.manifest(bucket, ["k"])
    for parameters, message in (({"keep": 1}, "no version has to go"), ('{ keep = 1, lone-markers = true }', "1 version deleted")):
        workspace.job("expire-versions", parameters)
        assert one(workspace, workspace.run())[3] == message
    assert listed(moto, bucket, "k") == ([], [])


def test_a_locked_version_stays(moto, bucket_of, workspace):
    bucket = bucket_of(moto, ObjectLockEnabledForBucket=True)
    client = moto.client()
    versions = write(moto, bucket, "k", 2)
    client.put_object_legal_hold(Bucket=bucket, Key="k", VersionId=versions[1], LegalHold={"Status": "ON"})
    workspace.manifest(bucket, ["k"])
    workspace.job("expire-versions", {"keep": 1})
    result = workspace.run()
    assert result.code == 3
    status, http_status, code, message = one(workspace, result)
    assert (http_status, code) == ("403", "AccessDenied")
    assert message.startswith(f"version {versions[1]}: ") and message.endswith("(0 deleted before)")
    assert listed(moto, bucket, "k")[0] == versions


def test_a_policy_may_keep_versions(moto, bucket, workspace_of):
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:DeleteObjectVersion", "Resource": f"arn:aws:s3:::{bucket}/safe/*"}
    workspace = workspace_of(moto, [allow, deny])
    versions = {key: write(moto, bucket, key, 2) for key in ("safe/k", "k")}
    workspace.manifest(bucket, versions)
    workspace.job("expire-versions", {"keep": 1})
    result = workspace.run()
    assert list(workspace.refusals(result.job)) == ["safe/k"]
    assert [len(listed(moto, bucket, key)[0]) for key in versions] == [2, 1]


def test_uploads_left_behind_are_aborted(moto, bucket, workspace):
    client = moto.client()
    keys = ["a", "b/c"]
    for key in keys:
        for _ in range(2):
            upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"part")
    client.create_multipart_upload(Bucket=bucket, Key="a-longer")
    workspace.manifest(bucket, keys)

    def uploads():
        return [upload["Key"] for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    # moto says of every upload that it began in 2010.
    workspace.job("abort-uploads", {"older-than": "200y"})
    young = workspace.run()
    assert len(uploads()) == 5
    assert {row[3] for row in workspace.outcomes(young.job).values()} == {"there is no upload to abort"}
    workspace.job("abort-uploads", {"older-than": "7d"})
    job = workspace.run_twice(uploads)
    assert uploads() == ["a-longer"]
    assert {row[3] for row in workspace.outcomes(job).values()} == {"2 uploads aborted"}
