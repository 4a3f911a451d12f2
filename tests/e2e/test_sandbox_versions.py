"""What the sandbox does with versions, copies and listings, as S3 does."""

import datetime
import os

from s3_case import Case, moto_differs


class TestVersions(Case):
    versioned = True

    @moto_differs("a delete marker that is removed is not called one")
    def test_life(self):
        one, two = (self.put("k", body)["VersionId"] for body in [b"1", b"2"])
        assert (self.get("k"), self.get("k", VersionId=one)) == (b"2", b"1")
        assert self.head("k", VersionId=one)["VersionId"] == one
        marker = self.s3.delete_object(Bucket=self.bucket, Key="k")
        assert marker["DeleteMarker"]
        gone = self.fails(404, "NoSuchKey", self.get, "k")
        headers = gone["ResponseMetadata"]["HTTPHeaders"]
        assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker["VersionId"])
        self.fails(405, "MethodNotAllowed", self.get, "k", VersionId=marker["VersionId"])
        self.fails(405, "405", self.head, "k", VersionId=marker["VersionId"])
        self.fails(404, "NoSuchVersion", self.get, "k", VersionId="0" * 32)
        undone = self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=marker["VersionId"])
        assert (undone["DeleteMarker"], undone["VersionId"]) == (True, marker["VersionId"])
        assert self.get("k") == b"2"
        self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)
        assert self.get("k") == b"1"
        self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)  # no error

    @moto_differs("what was written before versioning has no version")
    def test_null_version(self):
        bucket = self.bucket = self.make_bucket()
        self.put("k", b"null 1")
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        assert self.head("k")["VersionId"] == "null"
        kept = self.put("k", b"kept")["VersionId"]
        assert self.get("k", VersionId="null") == b"null 1"
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
        assert self.put("k", b"null 2")["VersionId"] == "null"
        marker = self.s3.delete_object(Bucket=bucket, Key="k")
        assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
        listed = self.s3.list_object_versions(Bucket=bucket)
        assert [v["VersionId"] for v in listed["Versions"]] == [kept]
        assert [v["VersionId"] for v in listed["DeleteMarkers"]] == ["null"]

    @moto_differs("ACLs are of the key, not of the version")
    def test_properties_are_of_a_version(self):
        one, two = (self.put("k", body)["VersionId"] for body in [b"1", b"2"])
        self.s3.put_object_tagging(Bucket=self.bucket, Key="k", VersionId=one, Tagging={"TagSet": [{"Key": "v", "Value": "1"}]})
        self.s3.put_object_acl(Bucket=self.bucket, Key="k", VersionId=one, ACL="public-read")
        assert (self.tags("k", VersionId=one), self.tags("k")) == ({"v": "1"}, {})
        grants = lambda **more: len(self.s3.get_object_acl(Bucket=self.bucket, Key="k", **more)["Grants"])
        assert (grants(VersionId=one), grants()) == (2, 1)
        copied = self.copy("copy", {"Bucket": self.bucket, "Key": "k", "VersionId": one})
        assert copied["CopySourceVersionId"] == one
        assert (self.get("copy"), self.tags("copy")) == (b"1", {"v": "1"})
        self.copy("k", {"Bucket": self.bucket, "Key": "k", "VersionId": one})  # brings an old version back
        assert self.get("k") == b"1"
        self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)

    @moto_differs("a key marker lists its key again")
    def test_list(self):
        expected = []
        for key in ["a/1", "a/2", "b", "c"]:
            ids = [self.put(key)["VersionId"] for _ in range(3)]
            expected += [(key, id) for id in reversed(ids)]
        marker = self.s3.delete_object(Bucket=self.bucket, Key="b")["VersionId"]
        expected.insert(6, ("b", marker))
        for size in [1, 2, 5, 1000]:
            seen, markers = [], {}
            while True:
                page = self.s3.list_object_versions(Bucket=self.bucket, MaxKeys=size, **markers)
                rows = page.get("Versions", []) + page.get("DeleteMarkers", [])
                seen += [(v["Key"], v["VersionId"]) for v in rows]
                if not page["IsTruncated"]:
                    break
                markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
            assert sorted(seen) == sorted(expected), size
            assert len(seen) == len(set(seen))
        page = self.s3.list_object_versions(Bucket=self.bucket, Delimiter="/")
        assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a/"]
        assert [v["IsLatest"] for v in page["Versions"]] == [False] * 3 + [True, False, False]
        assert page["DeleteMarkers"][0]["IsLatest"]
        page = self.s3.list_object_versions(Bucket=self.bucket, Prefix="b", KeyMarker="a/2", VersionIdMarker=expected[4][1])
        assert len(page["Versions"]) == 3
        page = self.s3.list_object_versions(Bucket=self.bucket, KeyMarker="b")
        assert {v["Key"] for v in page["Versions"]} == {"c"}

    @moto_differs("a deletion in a batch does not show its marker")
    def test_delete_objects(self):
        one = self.put("k")["VersionId"]
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "none"}]})
        assert all(d["DeleteMarker"] and d["DeleteMarkerVersionId"] for d in answer["Deleted"])
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "k", "VersionId": one}]})
        assert answer["Deleted"] == [{"Key": "k", "VersionId": one}]
        quiet = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "none"}], "Quiet": True})
        assert "Deleted" not in quiet


class TestCopies(Case):
    @moto_differs("the redirect of a website is copied")
    def test_directives(self):
        self.put("k", b"copied", Metadata={"a": "1"}, ContentType="text/plain", Tagging="t=1", ACL="public-read",
                 StorageClass="STANDARD_IA", WebsiteRedirectLocation="/x")
        other = self.make_bucket()
        self.s3.copy_object(Bucket=other, Key="c", CopySource={"Bucket": self.bucket, "Key": "k"})
        head = self.s3.head_object(Bucket=other, Key="c")
        assert (head["Metadata"], head["ContentType"], head["TagCount"]) == ({"a": "1"}, "text/plain", 1)
        assert "StorageClass" not in head  # not copied, as the redirect and the ACL
        assert "WebsiteRedirectLocation" not in head
        assert len(self.s3.get_object_acl(Bucket=other, Key="c")["Grants"]) == 1
        self.copy("c", "k", MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="a/b",
                  TaggingDirective="REPLACE", Tagging="u=2", ACL="public-read", StorageClass="GLACIER_IR",
                  ServerSideEncryption="aws:kms", SSEKMSKeyId="key")
        head = self.head("c")
        assert (head["Metadata"], head["ContentType"], head["StorageClass"]) == ({"b": "2"}, "a/b", "GLACIER_IR")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "key")
        assert self.tags("c") == {"u": "2"}
        assert len(self.s3.get_object_acl(Bucket=self.bucket, Key="c")["Grants"]) == 2
        self.copy("c", "k", TaggingDirective="REPLACE")
        assert self.tags("c") == {}
        self.fails(400, "InvalidArgument", self.copy, "c", "k", MetadataDirective="MERGE")

    def test_in_place(self):
        self.put("k", Metadata={"a": "1"})
        self.fails(400, "InvalidRequest", self.copy, "k", "k")
        self.fails(400, "InvalidRequest", self.copy, "k", "k", TaggingDirective="REPLACE", Tagging="a=b")
        self.copy("k", "k", StorageClass="STANDARD_IA")
        assert (self.get("k"), self.head("k")["Metadata"]) == (b"body", {"a": "1"})
        self.copy("k", "k", MetadataDirective="REPLACE")
        assert self.head("k")["Metadata"] == {}
        self.copy("k", "k", ServerSideEncryption="AES256")

    @moto_differs("it does not look at the conditions of a copy")
    def test_conditions(self):
        etag = self.put("k")["ETag"]
        modified = self.head("k")["LastModified"]
        before, after = modified - datetime.timedelta(hours=1), modified + datetime.timedelta(hours=1)
        good = [{"CopySourceIfMatch": etag}, {"CopySourceIfNoneMatch": '"x"'}, {"CopySourceIfModifiedSince": before},
                {"CopySourceIfUnmodifiedSince": after},
                {"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": before}]
        bad = [{"CopySourceIfMatch": '"x"'}, {"CopySourceIfNoneMatch": etag}, {"CopySourceIfModifiedSince": after},
               {"CopySourceIfUnmodifiedSince": before},
               {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": before}]
        for conditions in good:
            self.copy("c", "k", **conditions)
        for conditions in bad:
            self.fails(412, "PreconditionFailed", self.copy, "c", "k", **conditions)

    @moto_differs("it does not look at the object that a copy would replace")
    def test_conditions_of_the_target(self):
        etag = self.put("source")["ETag"]
        self.copy("copy", "source", IfNoneMatch="*")
        self.fails(412, "PreconditionFailed", self.copy, "copy", "source", IfNoneMatch="*")
        self.fails(412, "PreconditionFailed", self.copy, "copy", "source", IfMatch='"other"')
        self.fails(404, "NoSuchKey", self.copy, "none", "source", IfMatch=etag)
        self.copy("copy", "source", IfMatch=etag)

    def test_sources(self):
        self.put("k")
        self.fails(404, "NoSuchKey", self.copy, "c", "none")
        self.fails(404, "NoSuchBucket", self.copy, "c", {"Bucket": "no-such-bucket", "Key": "k"})
        self.fails(404, "NoSuchVersion", self.copy, "c", {"Bucket": self.bucket, "Key": "k", "VersionId": "0" * 32})
        self.fails(404, "NoSuchBucket", self.s3.copy_object, Bucket="no-such-bucket", Key="c",
                   CopySource={"Bucket": self.bucket, "Key": "k"})
        large = os.urandom(100_000)
        self.put("large", large)
        self.copy("copy", "large")
        self.s3.delete_object(Bucket=self.bucket, Key="large")
        assert self.get("copy") == large


class TestListings(Case):
    def prepare(self):
        self.keys = ["a", "b/1", "b/2", "b/c/3", "d+e f", "z"]
        for key in self.keys:
            self.put(key)

    def v2(self, **more):
        page = self.s3.list_objects_v2(Bucket=self.bucket, **more)
        return ([o["Key"] for o in page.get("Contents", [])], [p["Prefix"] for p in page.get("CommonPrefixes", [])])

    @moto_differs("it answers 500 to a broken continuation token")
    def test_v2(self):
        assert self.v2() == (self.keys, [])
        assert self.v2(Prefix="b/") == (self.keys[1:4], [])
        assert self.v2(Delimiter="/") == (["a", "d+e f", "z"], ["b/"])
        assert self.v2(Prefix="b/", Delimiter="/") == (["b/1", "b/2"], ["b/c/"])
        assert self.v2(StartAfter="b/2") == (self.keys[3:], [])
        assert self.v2(MaxKeys=0) == ([], [])
        page = self.s3.list_objects_v2(Bucket=self.bucket, FetchOwner=True, MaxKeys=1)
        assert page["IsTruncated"]
        assert page["KeyCount"] == 1
        object = page["Contents"][0]
        assert (object["Size"], object["StorageClass"]) == (4, "STANDARD")
        assert "ID" in object["Owner"]
        assert object["ETag"] == self.head("a")["ETag"]
        self.fails(400, "InvalidArgument", self.v2, ContinuationToken="@@")
        self.fails(400, "InvalidArgument", self.v2, MaxKeys=-1)

    @moto_differs("a common prefix is listed on more than one page")
    def test_pages(self):
        for name in ["list_objects_v2", "list_objects"]:
            for size in [1, 2, 4]:
                for delimiter in ["", "/"]:
                    keys, prefixes = [], []
                    pages = self.s3.get_paginator(name).paginate(
                        Bucket=self.bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size})
                    for page in pages:
                        keys += [o["Key"] for o in page.get("Contents", [])]
                        prefixes += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
                    expected = (["a", "d+e f", "z"], ["b/"]) if delimiter else (self.keys, [])
                    assert (keys, prefixes) == expected, (name, size, delimiter)

    @moto_differs("it gives a next marker without a delimiter")
    def test_v1(self):
        page = self.s3.list_objects(Bucket=self.bucket, Marker="b/1", MaxKeys=2)
        assert [o["Key"] for o in page["Contents"]] == ["b/2", "b/c/3"]
        assert page["IsTruncated"]
        assert "NextMarker" not in page
        page = self.s3.list_objects(Bucket=self.bucket, Delimiter="/", MaxKeys=2)
        assert page["NextMarker"] == "b/"
