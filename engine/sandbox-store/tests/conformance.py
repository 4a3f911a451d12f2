"""S3 semantics of the sandbox store, seen by boto3.

    SANDBOX_ENDPOINT=http://127.0.0.1:PORT AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… python conformance.py

The server must restore after a delay of 500 ms to 5 s (`serve --restore-delay 1000`). Buckets get random names and
are removed in the end.
"""

import base64
import datetime
import hashlib
import os
import time
import unittest
import uuid
import zlib

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["SANDBOX_ENDPOINT"]
ODD_KEYS = [
    "plain", "with space", "plus+plus", "100%", "%2F", "quote'\"", "comma,comma", "new\nline", "tab\t", "emoji 😀 ü",
    "a//b", "/leading", "trailing/", "?query=1", "#fragment", "back\\slash", "<xml>&amp;", "~tilde*()!", "\x7f",
    "k" * 1024, "é" * 512,
]
CONTROL_KEYS = ["\x00", "nul\x00in", "\x01\x1f", "return\r", "\ufffe"]


def client(**config):
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config),
    )


S3 = client()


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.bucket = self.make_bucket()

    def make_bucket(self, versioned=False):
        name = f"conformance-{uuid.uuid4()}"
        S3.create_bucket(Bucket=name)
        self.addCleanup(self.drop_bucket, name)
        if versioned:
            S3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    @staticmethod
    def drop_bucket(name):
        for page in S3.get_paginator("list_object_versions").paginate(Bucket=name):
            found = page.get("Versions", []) + page.get("DeleteMarkers", [])
            if found:
                objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
                S3.delete_objects(Bucket=name, Delete={"Objects": objects})
        S3.delete_bucket(Bucket=name)

    def put(self, key, body=b"body", **more):
        return S3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def head(self, key, **more):
        return S3.head_object(Bucket=self.bucket, Key=key, **more)

    def get(self, key, **more):
        return S3.get_object(Bucket=self.bucket, Key=key, **more)["Body"].read()

    def copy(self, key, source, **more):
        if isinstance(source, str):
            source = {"Bucket": self.bucket, "Key": source}
        return S3.copy_object(Bucket=self.bucket, Key=key, CopySource=source, **more)

    def tags(self, key, **more):
        return {t["Key"]: t["Value"] for t in S3.get_object_tagging(Bucket=self.bucket, Key=key, **more)["TagSet"]}

    def fails(self, status, code, call, *args, **kwargs):
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        response = caught.exception.response
        found = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
        self.assertEqual(found, (status, code), response["Error"])
        return response


class Buckets(Case):
    def test_life(self):
        self.assertIn(self.bucket, [b["Name"] for b in S3.list_buckets()["Buckets"]])
        head = S3.head_bucket(Bucket=self.bucket)
        self.assertEqual(head["BucketRegion"], "us-east-1")
        self.assertIsNone(S3.get_bucket_location(Bucket=self.bucket)["LocationConstraint"])
        S3.create_bucket(Bucket=self.bucket)  # 200 in us-east-1
        self.put("k")
        self.fails(409, "BucketNotEmpty", S3.delete_bucket, Bucket=self.bucket)
        self.fails(404, "NoSuchBucket", S3.delete_bucket, Bucket="no-such-bucket")
        self.fails(404, "404", S3.head_bucket, Bucket="no-such-bucket")
        self.fails(404, "NoSuchBucket", S3.list_objects_v2, Bucket="no-such-bucket")
        self.fails(404, "NoSuchBucket", S3.put_object, Bucket="no-such-bucket", Key="k", Body=b"")

    def test_location(self):
        name = f"conformance-{uuid.uuid4()}"
        where = {"LocationConstraint": "eu-central-1"}
        S3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        self.addCleanup(self.drop_bucket, name)
        self.assertEqual(S3.get_bucket_location(Bucket=name)["LocationConstraint"], "eu-central-1")
        self.fails(409, "BucketAlreadyOwnedByYou", S3.create_bucket, Bucket=name, CreateBucketConfiguration=where)

    def test_pages(self):
        prefix = self.bucket[:20]
        seen, token = [], None
        while True:
            more = {"ContinuationToken": token} if token else {}
            page = S3.list_buckets(MaxBuckets=1, Prefix=prefix, **more)
            seen += [b["Name"] for b in page["Buckets"]]
            token = page.get("ContinuationToken")
            if not token:
                break
        self.assertEqual(seen, [self.bucket])

    def test_versioning(self):
        self.assertNotIn("Status", S3.get_bucket_versioning(Bucket=self.bucket))
        for status in ["Enabled", "Suspended"]:
            S3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": status})
            self.assertEqual(S3.get_bucket_versioning(Bucket=self.bucket)["Status"], status)
        self.fails(400, "MalformedXML", S3.put_bucket_versioning, Bucket=self.bucket, VersioningConfiguration={"Status": "Off"})

    def test_expected_owner(self):
        S3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner="000000000000")
        self.fails(403, "AccessDenied", S3.put_object, Bucket=self.bucket, Key="k", Body=b"", ExpectedBucketOwner="111122223333")


class Objects(Case):
    def test_round_trip(self):
        expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        put = self.put(
            "k", b"0123456789", Metadata={"color": "blue", "name": "a  b"}, ContentType="text/plain",
            CacheControl="no-cache", ContentDisposition="inline", ContentEncoding="identity", ContentLanguage="de",
            Expires=expires, Tagging="a=1&b=two%20words", StorageClass="STANDARD_IA", ServerSideEncryption="aws:kms",
            SSEKMSKeyId="arn:aws:kms:us-east-1:000000000000:key/k", BucketKeyEnabled=True,
            WebsiteRedirectLocation="/elsewhere",
        )
        self.assertEqual(put["ETag"], f'"{hashlib.md5(b"0123456789").hexdigest()}"')
        self.assertEqual(put["ServerSideEncryption"], "aws:kms")
        self.assertNotIn("VersionId", put)
        for answer in [self.head("k"), S3.get_object(Bucket=self.bucket, Key="k")]:
            self.assertEqual(answer["Metadata"], {"color": "blue", "name": "a  b"})
            self.assertEqual(answer["ContentLength"], 10)
            self.assertEqual(answer["ETag"], put["ETag"])
            shown = {name: answer[name] for name in ["ContentType", "CacheControl", "ContentDisposition",
                     "ContentEncoding", "ContentLanguage", "StorageClass", "ServerSideEncryption", "SSEKMSKeyId",
                     "BucketKeyEnabled", "WebsiteRedirectLocation", "TagCount"]}
            self.assertEqual(shown, {
                "ContentType": "text/plain", "CacheControl": "no-cache", "ContentDisposition": "inline",
                "ContentEncoding": "identity", "ContentLanguage": "de", "StorageClass": "STANDARD_IA",
                "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:us-east-1:000000000000:key/k",
                "BucketKeyEnabled": True, "WebsiteRedirectLocation": "/elsewhere", "TagCount": 2,
            })
            self.assertEqual(answer["ResponseMetadata"]["HTTPHeaders"]["expires"], "Wed, 02 Jan 2030 03:04:05 GMT")
        self.assertEqual(self.get("k"), b"0123456789")
        self.assertEqual(self.tags("k"), {"a": "1", "b": "two words"})

    def test_defaults(self):
        self.put("k")
        head = self.head("k")
        self.assertEqual(head["ContentType"], "binary/octet-stream")
        self.assertEqual(head["ServerSideEncryption"], "AES256")
        for absent in ["StorageClass", "VersionId", "TagCount", "Restore", "ContentEncoding"]:
            self.assertNotIn(absent, head)
        self.assertEqual(head["LastModified"].microsecond, 0)

    def test_ranges(self):
        for body in [b"0123456789", bytes(range(256)) * 1000]:
            self.put("k", body)
            size = len(body)
            for range_, expected in [("bytes=0-0", body[:1]), ("bytes=2-4", body[2:5]), ("bytes=5-", body[5:]),
                                     ("bytes=-3", body[-3:]), ("bytes=3-99999999", body[3:])]:
                answer = S3.get_object(Bucket=self.bucket, Key="k", Range=range_)
                self.assertEqual(answer["Body"].read(), expected, range_)
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 206)
                self.assertTrue(answer["ContentRange"].endswith(f"/{size}"))
            self.fails(416, "InvalidRange", self.get, "k", Range=f"bytes={size}-")
        self.put("empty", b"")
        self.assertEqual(self.get("empty"), b"")

    def test_read_conditions(self):
        etag = self.put("k")["ETag"]
        modified = self.head("k")["LastModified"]
        before, after = modified - datetime.timedelta(hours=1), modified + datetime.timedelta(hours=1)
        self.get("k", IfMatch=etag, IfUnmodifiedSince=before)
        self.get("k", IfNoneMatch='"x"', IfModifiedSince=before)
        self.fails(412, "PreconditionFailed", self.get, "k", IfMatch='"x"')
        self.fails(412, "PreconditionFailed", self.get, "k", IfUnmodifiedSince=before)
        self.fails(304, "304", self.get, "k", IfNoneMatch=etag)
        self.fails(304, "304", self.get, "k", IfModifiedSince=modified)
        self.fails(304, "304", self.head, "k", IfNoneMatch=etag)
        self.fails(412, "412", self.head, "k", IfMatch='"x"')

    def test_write_conditions(self):
        etag = self.put("k", IfNoneMatch="*")["ETag"]
        self.fails(412, "PreconditionFailed", self.put, "k", IfNoneMatch="*")
        self.fails(412, "PreconditionFailed", self.put, "k", IfMatch='"x"')
        self.fails(404, "NoSuchKey", self.put, "none", IfMatch=etag)
        self.put("k", b"new", IfMatch=etag)
        self.fails(412, "PreconditionFailed", S3.delete_object, Bucket=self.bucket, Key="k", IfMatch=etag)
        self.assertEqual(self.get("k"), b"new")

    def test_refused(self):
        self.fails(404, "NoSuchKey", self.get, "none")
        self.fails(404, "404", self.head, "none")
        self.fails(404, "NoSuchVersion", self.get, "none", VersionId="v")
        self.fails(400, "InvalidStorageClass", self.put, "k", StorageClass="COLD")
        self.fails(400, "InvalidArgument", self.put, "k", ServerSideEncryption="rot13")
        self.fails(400, "InvalidRedirectLocation", self.put, "k", WebsiteRedirectLocation="elsewhere")
        self.fails(400, "MetadataTooLarge", self.put, "k", Metadata={"a": "x" * 2048})
        self.fails(400, "KeyTooLongError", self.put, "k" * 1025)
        self.fails(400, "InvalidArgument", self.put, "k", ACL="public")
        self.fails(501, "NotImplemented", self.put, "k", SSECustomerAlgorithm="AES256", SSECustomerKey="0" * 32)
        self.fails(400, "InvalidRequest", self.put, "k", ObjectLockLegalHoldStatus="ON")
        self.fails(400, "BadRequest", self.put, "k", Tagging="&".join(f"k{n}=v" for n in range(11)))
        self.fails(404, "404", self.head, "k")

    def test_odd_keys(self):
        for key in ODD_KEYS + CONTROL_KEYS:
            self.put(key, key.encode())
        for key in ODD_KEYS + CONTROL_KEYS:
            self.assertEqual(self.get(key), key.encode())
            self.copy(key + "~" if len(key.encode()) < 1024 else key[:-1] + "~", key)
        S3.put_object_tagging(Bucket=self.bucket, Key="new\nline", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        self.assertEqual(self.tags("new\nline"), {"a": "b"})
        listed = [o["Key"] for o in S3.list_objects_v2(Bucket=self.bucket, MaxKeys=1000)["Contents"]]
        self.assertEqual(listed, sorted(listed, key=str.encode))
        self.assertTrue(set(ODD_KEYS + CONTROL_KEYS) <= set(listed))
        for key in ODD_KEYS:  # XML can name these
            S3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key}]})
        for key in CONTROL_KEYS:
            S3.delete_object(Bucket=self.bucket, Key=key)
        left = {o["Key"] for o in S3.list_objects_v2(Bucket=self.bucket)["Contents"]}
        self.assertFalse(left & set(ODD_KEYS + CONTROL_KEYS))
        for key in left:
            S3.delete_object(Bucket=self.bucket, Key=key)

    def test_presigned(self):
        import urllib.request
        self.put("k v", b"presigned")
        url = S3.generate_presigned_url("get_object", {"Bucket": self.bucket, "Key": "k v"})
        self.assertEqual(urllib.request.urlopen(url).read(), b"presigned")


class Checksums(Case):
    def test_each_algorithm(self):
        body = b"checksummed" * 3000
        crc32 = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        for algorithm, value in [("CRC32", crc32), ("SHA1", None), ("SHA256", sha256)]:
            field = f"Checksum{algorithm}"
            put = self.put("k", body, ChecksumAlgorithm=algorithm)
            head = self.head("k", ChecksumMode="ENABLED")
            self.assertEqual(put[field], head[field])
            self.assertEqual(head["ChecksumType"], "FULL_OBJECT")
            if value:
                self.assertEqual(head[field], value)
            self.assertNotIn(field, self.head("k"))
            self.assertEqual(self.get("k", ChecksumMode="ENABLED"), body)
            self.assertNotIn("ContentEncoding", head)

    def test_default_is_crc64(self):
        off = client(request_checksum_calculation="when_required")
        off.put_object(Bucket=self.bucket, Key="k", Body=b"123456789")
        self.assertEqual(self.head("k", ChecksumMode="ENABLED")["ChecksumCRC64NVME"], "rosUhgp5mIg=")

    def test_streamed_with_trailer(self):
        class Stream:
            """Has no known hash: boto3 sends it in chunks with a trailer."""
            def __init__(self, data):
                self.data, self.at = data, 0
            def read(self, size=-1):
                end = len(self.data) if size is None or size < 0 else self.at + size
                piece, self.at = self.data[self.at:end], min(end, len(self.data))
                return piece
            def __len__(self):
                return len(self.data)
            def tell(self):
                return self.at
            def seek(self, at, whence=0):
                self.at = at if whence == 0 else self.at + at if whence == 1 else len(self.data) + at
                return self.at
        body = os.urandom(300_000)
        for algorithm in ["CRC32", "SHA256"]:
            self.put("k", Stream(body), ChecksumAlgorithm=algorithm)
            self.assertEqual(self.get("k"), body)
            self.assertNotIn("ContentEncoding", self.head("k"))

    def test_wrong(self):
        wrong = base64.b64encode(b"\0" * 4).decode()
        self.fails(400, "BadDigest", self.put, "k", ChecksumCRC32=wrong)
        self.fails(400, "InvalidRequest", self.put, "k", ChecksumCRC32="AAAA")
        self.fails(400, "BadDigest", self.put, "k", ContentMD5=base64.b64encode(b"\0" * 16).decode())
        self.fails(400, "InvalidDigest", self.put, "k", ContentMD5="AAAA")
        self.fails(404, "404", self.head, "k")

    def test_copy(self):
        self.put("k", b"123456789", ChecksumAlgorithm="SHA1")
        same = self.copy("same", "k")["CopyObjectResult"]
        self.assertEqual(same["ChecksumSHA1"], self.head("k", ChecksumMode="ENABLED")["ChecksumSHA1"])
        other = self.copy("other", "k", ChecksumAlgorithm="CRC32")["CopyObjectResult"]
        self.assertEqual(other["ChecksumCRC32"], "y/Q5Jg==")
        self.assertEqual(self.head("other", ChecksumMode="ENABLED")["ChecksumCRC32"], "y/Q5Jg==")


class Versions(Case):
    def setUp(self):
        self.bucket = self.make_bucket(versioned=True)

    def test_life(self):
        one, two = (self.put("k", body)["VersionId"] for body in [b"1", b"2"])
        self.assertEqual((self.get("k"), self.get("k", VersionId=one)), (b"2", b"1"))
        self.assertEqual(self.head("k", VersionId=one)["VersionId"], one)
        marker = S3.delete_object(Bucket=self.bucket, Key="k")
        self.assertTrue(marker["DeleteMarker"])
        gone = self.fails(404, "NoSuchKey", self.get, "k")
        headers = gone["ResponseMetadata"]["HTTPHeaders"]
        self.assertEqual((headers["x-amz-delete-marker"], headers["x-amz-version-id"]), ("true", marker["VersionId"]))
        self.fails(405, "MethodNotAllowed", self.get, "k", VersionId=marker["VersionId"])
        self.fails(405, "405", self.head, "k", VersionId=marker["VersionId"])
        self.fails(404, "NoSuchVersion", self.get, "k", VersionId="0" * 32)
        undone = S3.delete_object(Bucket=self.bucket, Key="k", VersionId=marker["VersionId"])
        self.assertEqual((undone["DeleteMarker"], undone["VersionId"]), (True, marker["VersionId"]))
        self.assertEqual(self.get("k"), b"2")
        S3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)
        self.assertEqual(self.get("k"), b"1")
        S3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)  # no error

    def test_null_version(self):
        bucket = self.bucket = self.make_bucket()
        self.put("k", b"null 1")
        S3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.head("k")["VersionId"], "null")
        kept = self.put("k", b"kept")["VersionId"]
        self.assertEqual(self.get("k", VersionId="null"), b"null 1")
        S3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
        self.assertEqual(self.put("k", b"null 2")["VersionId"], "null")
        marker = S3.delete_object(Bucket=bucket, Key="k")
        self.assertEqual((marker["DeleteMarker"], marker["VersionId"]), (True, "null"))
        listed = S3.list_object_versions(Bucket=bucket)
        self.assertEqual([v["VersionId"] for v in listed["Versions"]], [kept])
        self.assertEqual([v["VersionId"] for v in listed["DeleteMarkers"]], ["null"])

    def test_properties_are_of_a_version(self):
        one, two = (self.put("k", body)["VersionId"] for body in [b"1", b"2"])
        S3.put_object_tagging(Bucket=self.bucket, Key="k", VersionId=one, Tagging={"TagSet": [{"Key": "v", "Value": "1"}]})
        S3.put_object_acl(Bucket=self.bucket, Key="k", VersionId=one, ACL="public-read")
        self.assertEqual((self.tags("k", VersionId=one), self.tags("k")), ({"v": "1"}, {}))
        grants = lambda **more: len(S3.get_object_acl(Bucket=self.bucket, Key="k", **more)["Grants"])
        self.assertEqual((grants(VersionId=one), grants()), (2, 1))
        copied = self.copy("copy", {"Bucket": self.bucket, "Key": "k", "VersionId": one})
        self.assertEqual(copied["CopySourceVersionId"], one)
        self.assertEqual((self.get("copy"), self.tags("copy")), (b"1", {"v": "1"}))
        self.copy("k", {"Bucket": self.bucket, "Key": "k", "VersionId": one})  # brings an old version back
        self.assertEqual(self.get("k"), b"1")
        S3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)

    def test_list(self):
        expected = []
        for key in ["a/1", "a/2", "b", "c"]:
            ids = [self.put(key)["VersionId"] for _ in range(3)]
            expected += [(key, id) for id in reversed(ids)]
        marker = S3.delete_object(Bucket=self.bucket, Key="b")["VersionId"]
        expected.insert(6, ("b", marker))
        for size in [1, 2, 5, 1000]:
            seen, markers = [], {}
            while True:
                page = S3.list_object_versions(Bucket=self.bucket, MaxKeys=size, **markers)
                rows = page.get("Versions", []) + page.get("DeleteMarkers", [])
                seen += [(v["Key"], v["VersionId"]) for v in rows]
                if not page["IsTruncated"]:
                    break
                markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
            self.assertEqual(sorted(seen), sorted(expected), size)
            self.assertEqual(len(seen), len(set(seen)))
        page = S3.list_object_versions(Bucket=self.bucket, Delimiter="/")
        self.assertEqual([p["Prefix"] for p in page["CommonPrefixes"]], ["a/"])
        self.assertEqual([v["IsLatest"] for v in page["Versions"]], [False] * 3 + [True, False, False])
        self.assertTrue(page["DeleteMarkers"][0]["IsLatest"])
        page = S3.list_object_versions(Bucket=self.bucket, Prefix="b", KeyMarker="a/2", VersionIdMarker=expected[4][1])
        self.assertEqual(len(page["Versions"]), 3)
        page = S3.list_object_versions(Bucket=self.bucket, KeyMarker="b")
        self.assertEqual({v["Key"] for v in page["Versions"]}, {"c"})

    def test_delete_objects(self):
        one = self.put("k")["VersionId"]
        answer = S3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "none"}]})
        self.assertTrue(all(d["DeleteMarker"] and d["DeleteMarkerVersionId"] for d in answer["Deleted"]))
        answer = S3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "k", "VersionId": one}]})
        self.assertEqual(answer["Deleted"], [{"Key": "k", "VersionId": one}])
        quiet = S3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "none"}], "Quiet": True})
        self.assertNotIn("Deleted", quiet)


class Copies(Case):
    def test_directives(self):
        self.put("k", b"copied", Metadata={"a": "1"}, ContentType="text/plain", Tagging="t=1", ACL="public-read",
                 StorageClass="STANDARD_IA", WebsiteRedirectLocation="/x")
        other = self.make_bucket()
        S3.copy_object(Bucket=other, Key="c", CopySource={"Bucket": self.bucket, "Key": "k"})
        head = S3.head_object(Bucket=other, Key="c")
        self.assertEqual((head["Metadata"], head["ContentType"], head["TagCount"]), ({"a": "1"}, "text/plain", 1))
        self.assertNotIn("StorageClass", head)  # not copied, as the redirect and the ACL
        self.assertNotIn("WebsiteRedirectLocation", head)
        self.assertEqual(len(S3.get_object_acl(Bucket=other, Key="c")["Grants"]), 1)
        self.copy("c", "k", MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="a/b",
                  TaggingDirective="REPLACE", Tagging="u=2", ACL="public-read", StorageClass="GLACIER_IR",
                  ServerSideEncryption="aws:kms", SSEKMSKeyId="key")
        head = self.head("c")
        self.assertEqual((head["Metadata"], head["ContentType"], head["StorageClass"]), ({"b": "2"}, "a/b", "GLACIER_IR"))
        self.assertEqual((head["ServerSideEncryption"], head["SSEKMSKeyId"]), ("aws:kms", "key"))
        self.assertEqual(self.tags("c"), {"u": "2"})
        self.assertEqual(len(S3.get_object_acl(Bucket=self.bucket, Key="c")["Grants"]), 2)
        self.copy("c", "k", TaggingDirective="REPLACE")
        self.assertEqual(self.tags("c"), {})
        self.fails(400, "InvalidArgument", self.copy, "c", "k", MetadataDirective="MERGE")

    def test_in_place(self):
        self.put("k", Metadata={"a": "1"})
        self.fails(400, "InvalidRequest", self.copy, "k", "k")
        self.fails(400, "InvalidRequest", self.copy, "k", "k", TaggingDirective="REPLACE", Tagging="a=b")
        self.copy("k", "k", StorageClass="STANDARD_IA")
        self.assertEqual((self.get("k"), self.head("k")["Metadata"]), (b"body", {"a": "1"}))
        self.copy("k", "k", MetadataDirective="REPLACE")
        self.assertEqual(self.head("k")["Metadata"], {})
        self.copy("k", "k", ServerSideEncryption="AES256")

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

    def test_sources(self):
        self.put("k")
        self.fails(404, "NoSuchKey", self.copy, "c", "none")
        self.fails(404, "NoSuchBucket", self.copy, "c", {"Bucket": "no-such-bucket", "Key": "k"})
        self.fails(404, "NoSuchVersion", self.copy, "c", {"Bucket": self.bucket, "Key": "k", "VersionId": "0" * 32})
        self.fails(404, "NoSuchBucket", S3.copy_object, Bucket="no-such-bucket", Key="c",
                   CopySource={"Bucket": self.bucket, "Key": "k"})
        large = os.urandom(100_000)
        self.put("large", large)
        self.copy("copy", "large")
        S3.delete_object(Bucket=self.bucket, Key="large")
        self.assertEqual(self.get("copy"), large)


class Tagging(Case):
    def put_tags(self, *pairs):
        tags = [{"Key": key, "Value": value} for key, value in pairs]
        return S3.put_object_tagging(Bucket=self.bucket, Key="k", Tagging={"TagSet": tags})

    def test_life(self):
        self.put("k")
        self.assertEqual(self.tags("k"), {})
        self.put_tags(("a", "1"), ("b b", ""))
        self.put_tags(("c", "ü_.:/=+-@"))
        self.assertEqual(self.tags("k"), {"c": "ü_.:/=+-@"})
        S3.delete_object_tagging(Bucket=self.bucket, Key="k")
        self.assertEqual(self.tags("k"), {})
        self.put_tags(("a", "1"))
        self.put_tags()
        self.assertEqual(self.tags("k"), {})

    def test_rules(self):
        self.put("k", Tagging="kept=1")
        self.put_tags(*((f"k{n}", "v") for n in range(10)))
        self.fails(400, "BadRequest", self.put_tags, *((f"k{n}", "v") for n in range(11)))
        self.fails(400, "InvalidTag", self.put_tags, ("a", "1"), ("a", "2"))
        self.fails(400, "InvalidTag", self.put_tags, ("k" * 129, ""))
        self.fails(400, "InvalidTag", self.put_tags, ("k", "v" * 257))
        self.fails(400, "InvalidTag", self.put_tags, ("a,b", ""))
        self.fails(400, "InvalidTag", self.put_tags, ("a", "😀"))
        self.fails(400, "InvalidTag", self.put_tags, ("aws:x", "1"))
        self.assertEqual(len(self.tags("k")), 10)
        for call in [S3.get_object_tagging, S3.delete_object_tagging]:
            self.fails(404, "NoSuchKey", call, Bucket=self.bucket, Key="none")


class Acl(Case):
    def grants(self, key="k"):
        acl = S3.get_object_acl(Bucket=self.bucket, Key=key)
        return [(g["Grantee"].get("URI", g["Grantee"].get("ID")), g["Permission"]) for g in acl["Grants"]]

    def put_acl(self, **acl):
        return S3.put_object_acl(Bucket=self.bucket, Key="k", **acl)

    def test_life(self):
        self.put("k")
        owner = S3.get_object_acl(Bucket=self.bucket, Key="k")["Owner"]
        mine = (owner["ID"], "FULL_CONTROL")
        everyone = "http://acs.amazonaws.com/groups/global/AllUsers"
        self.assertEqual(self.grants(), [mine])
        self.put_acl(ACL="public-read")
        self.assertEqual(self.grants(), [mine, (everyone, "READ")])
        self.put_acl(GrantRead=f'id="abc", uri="{everyone}"', GrantFullControl=f"id={owner['ID']}")
        self.assertEqual(self.grants(), [mine, ("abc", "READ"), (everyone, "READ")])
        grants = [{"Grantee": {"Type": "CanonicalUser", "ID": "xyz"}, "Permission": "WRITE_ACP"}]
        self.put_acl(AccessControlPolicy={"Owner": owner, "Grants": grants})
        self.assertEqual(self.grants(), [("xyz", "WRITE_ACP")])
        self.put("k2", GrantReadACP="id=abc")
        self.assertEqual(self.grants("k2"), [("abc", "READ_ACP")])

    def test_rules(self):
        self.put("k")
        owner = S3.get_object_acl(Bucket=self.bucket, Key="k")["Owner"]
        self.fails(400, "InvalidArgument", self.put_acl, ACL="nobody")
        self.fails(400, "InvalidRequest", self.put_acl, ACL="private", GrantRead="id=abc")
        self.fails(400, "InvalidArgument", self.put_acl, GrantRead='uri="http://example.com"')
        self.fails(400, "UnresolvableGrantByEmailAddress", self.put_acl, GrantRead='emailAddress="a@example.com"')
        grant = {"Grantee": {"Type": "CanonicalUser", "ID": "xyz"}, "Permission": "EAT"}
        self.fails(400, "MalformedACLError", self.put_acl, AccessControlPolicy={"Owner": owner, "Grants": [grant]})
        self.fails(400, "MissingSecurityHeader", self.put_acl)
        self.fails(404, "NoSuchKey", S3.get_object_acl, Bucket=self.bucket, Key="none")


class Restores(Case):
    def restore(self, key="k", days=2, tier=None, **more):
        request = {"Days": days} if days is not None else {}
        if tier:
            request["GlacierJobParameters"] = {"Tier": tier}
        answer = S3.restore_object(Bucket=self.bucket, Key=key, RestoreRequest=request, **more)
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    def test_life(self):
        self.put("k", b"ice", StorageClass="GLACIER")
        self.assertNotIn("Restore", self.head("k"))
        self.assertEqual(self.head("k")["StorageClass"], "GLACIER")
        self.fails(403, "InvalidObjectState", self.get, "k")
        self.fails(403, "InvalidObjectState", self.copy, "c", "k")
        self.assertEqual(self.restore(tier="Bulk"), 202)
        self.assertEqual(self.head("k")["Restore"], 'ongoing-request="true"')
        self.fails(409, "RestoreAlreadyInProgress", self.restore, tier="Bulk")
        self.fails(409, "RestoreAlreadyInProgress", self.restore, days=3, tier="Expedited")
        self.assertEqual(self.restore(tier="Standard"), 202)
        deadline = time.monotonic() + 30
        while self.head("k")["Restore"] == 'ongoing-request="true"' and time.monotonic() < deadline:
            time.sleep(0.05)
        first = self.head("k")["Restore"]
        self.assertRegex(first, r'^ongoing-request="false", expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT"$')
        self.assertEqual(self.get("k"), b"ice")
        self.copy("c", "k")
        self.assertEqual(self.restore(days=9), 200)
        self.assertNotEqual(self.head("k")["Restore"], first)
        self.assertEqual(self.head("k")["StorageClass"], "GLACIER")

    def test_rules(self):
        self.put("warm")
        self.put("deep", StorageClass="DEEP_ARCHIVE")
        self.fails(403, "InvalidObjectState", self.restore, "warm")
        self.fails(404, "NoSuchKey", self.restore, "none")
        self.fails(400, "MalformedXML", self.restore, "deep", days=None)
        self.fails(400, "InvalidArgument", self.restore, "deep", days=0)
        self.fails(400, "InvalidArgument", self.restore, "deep", tier="Expedited")
        self.fails(400, "MalformedXML", self.restore, "deep", tier="Instant")
        self.assertEqual(self.restore("deep"), 202)


class Listings(Case):
    def setUp(self):
        super().setUp()
        self.keys = ["a", "b/1", "b/2", "b/c/3", "d+e f", "z"]
        for key in self.keys:
            self.put(key)

    def v2(self, **more):
        page = S3.list_objects_v2(Bucket=self.bucket, **more)
        return ([o["Key"] for o in page.get("Contents", [])], [p["Prefix"] for p in page.get("CommonPrefixes", [])])

    def test_v2(self):
        self.assertEqual(self.v2(), (self.keys, []))
        self.assertEqual(self.v2(Prefix="b/"), (self.keys[1:4], []))
        self.assertEqual(self.v2(Delimiter="/"), (["a", "d+e f", "z"], ["b/"]))
        self.assertEqual(self.v2(Prefix="b/", Delimiter="/"), (["b/1", "b/2"], ["b/c/"]))
        self.assertEqual(self.v2(StartAfter="b/2"), (self.keys[3:], []))
        self.assertEqual(self.v2(MaxKeys=0), ([], []))
        page = S3.list_objects_v2(Bucket=self.bucket, FetchOwner=True, MaxKeys=1)
        self.assertTrue(page["IsTruncated"])
        self.assertEqual(page["KeyCount"], 1)
        object = page["Contents"][0]
        self.assertEqual((object["Size"], object["StorageClass"]), (4, "STANDARD"))
        self.assertIn("ID", object["Owner"])
        self.assertEqual(object["ETag"], self.head("a")["ETag"])
        self.fails(400, "InvalidArgument", self.v2, ContinuationToken="@@")
        self.fails(400, "InvalidArgument", self.v2, MaxKeys=-1)

    def test_pages(self):
        for name in ["list_objects_v2", "list_objects"]:
            for size in [1, 2, 4]:
                for delimiter in ["", "/"]:
                    keys, prefixes = [], []
                    pages = S3.get_paginator(name).paginate(
                        Bucket=self.bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size})
                    for page in pages:
                        keys += [o["Key"] for o in page.get("Contents", [])]
                        prefixes += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
                    expected = (["a", "d+e f", "z"], ["b/"]) if delimiter else (self.keys, [])
                    self.assertEqual((keys, prefixes), expected, (name, size, delimiter))

    def test_v1(self):
        page = S3.list_objects(Bucket=self.bucket, Marker="b/1", MaxKeys=2)
        self.assertEqual([o["Key"] for o in page["Contents"]], ["b/2", "b/c/3"])
        self.assertTrue(page["IsTruncated"])
        self.assertNotIn("NextMarker", page)
        page = S3.list_objects(Bucket=self.bucket, Delimiter="/", MaxKeys=2)
        self.assertEqual(page["NextMarker"], "b/")


class Multipart(Case):
    def upload(self, parts, **more):
        upload = S3.create_multipart_upload(Bucket=self.bucket, Key="m", **more)
        done = []
        for number, body in enumerate(parts, 1):
            sums = {"ChecksumAlgorithm": more["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in more else {}
            part = S3.upload_part(Bucket=self.bucket, Key="m", UploadId=upload["UploadId"], PartNumber=number, Body=body, **sums)
            sums = {name: value for name, value in part.items() if name.startswith("Checksum")}
            done.append({"PartNumber": number, "ETag": part["ETag"], **sums})
        return upload["UploadId"], done

    def complete(self, id, parts):
        return S3.complete_multipart_upload(Bucket=self.bucket, Key="m", UploadId=id, MultipartUpload={"Parts": parts})

    def test_life(self):
        one, two = os.urandom(5 << 20), os.urandom(1000)
        for algorithm in [None, "CRC32", "SHA256"]:
            more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
            id, parts = self.upload([one, two], Metadata={"a": "1"}, Tagging="t=1", StorageClass="STANDARD_IA", **more)
            listed = S3.list_parts(Bucket=self.bucket, Key="m", UploadId=id)["Parts"]
            self.assertEqual([(p["PartNumber"], p["Size"]) for p in listed], [(1, 5 << 20), (2, 1000)])
            answer = self.complete(id, parts)
            md5s = hashlib.md5(one).digest() + hashlib.md5(two).digest()
            self.assertEqual(answer["ETag"], f'"{hashlib.md5(md5s).hexdigest()}-2"')
            head = self.head("m", ChecksumMode="ENABLED")
            self.assertEqual((head["Metadata"], head["StorageClass"]), ({"a": "1"}, "STANDARD_IA"))
            self.assertEqual(self.get("m"), one + two)
            self.assertEqual(self.tags("m"), {"t": "1"})
            if algorithm == "SHA256":
                joined = hashlib.sha256(hashlib.sha256(one).digest() + hashlib.sha256(two).digest()).digest()
                self.assertEqual(head["ChecksumSHA256"], base64.b64encode(joined).decode() + "-2")
                self.assertEqual(head["ChecksumType"], "COMPOSITE")
        copied = self.copy("copy", "m")["CopyObjectResult"]["ETag"]
        self.assertEqual(copied, f'"{hashlib.md5(one + two).hexdigest()}"')

    def test_part_copy(self):
        source = os.urandom(6 << 20)
        self.put("source", source)
        id, _ = self.upload([])
        where = {"Bucket": self.bucket, "Key": "source"}
        call = dict(Bucket=self.bucket, Key="m", UploadId=id, CopySource=where)
        one = S3.upload_part_copy(PartNumber=1, CopySourceRange=f"bytes=0-{(5 << 20) - 1}", **call)
        two = S3.upload_part_copy(PartNumber=2, CopySourceRange=f"bytes={5 << 20}-{(6 << 20) - 1}", **call)
        self.fails(400, "InvalidArgument", S3.upload_part_copy, PartNumber=3, CopySourceRange="bytes=9", **call)
        self.complete(id, [{"PartNumber": n, "ETag": p["CopyPartResult"]["ETag"]} for n, p in [(1, one), (2, two)]])
        self.assertEqual(self.get("m"), source)

    def test_rules(self):
        id, parts = self.upload([b"small", b"small"])
        self.fails(400, "EntityTooSmall", self.complete, id, parts)
        self.fails(400, "InvalidPartOrder", self.complete, id, parts[::-1])
        self.fails(400, "InvalidPart", self.complete, id, [{"PartNumber": 9, "ETag": "x"}])
        self.fails(400, "InvalidPart", self.complete, id, [{"PartNumber": 1, "ETag": '"0"'}])
        S3.abort_multipart_upload(Bucket=self.bucket, Key="m", UploadId=id)
        self.fails(404, "NoSuchUpload", self.complete, id, parts)
        self.fails(404, "404", self.head, "m")


if __name__ == "__main__":
    unittest.main()
