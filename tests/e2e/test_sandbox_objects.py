"""What the sandbox does with buckets, objects and checksums, as S3 does."""

import base64
import datetime
import hashlib
import os
import urllib.request
import zlib

from s3_case import CHECKED, NEWER_CHECKSUMS, Case, moto_differs

ODD_KEYS = [
    "plain", "with space", "plus+plus", "100%", "%2F", "quote'\"", "comma,comma", "new\nline", "tab\t", "emoji 😀 ü",
    "a//b", "/leading", "trailing/", "?query=1", "#fragment", "back\\slash", "<xml>&amp;", "~tilde*()!", "\x7f",
    "k" * 1024, "é" * 512,
]
CONTROL_KEYS = ["\x00", "nul\x00in", "\x01\x1f", "return\r", "\ufffe"]


class TestBuckets(Case):
    def test_life(self):
        assert self.bucket in [b["Name"] for b in self.s3.list_buckets()["Buckets"]]
        head = self.s3.head_bucket(Bucket=self.bucket)
        assert head["BucketRegion"] == "us-east-1"
        assert self.s3.get_bucket_location(Bucket=self.bucket)["LocationConstraint"] is None
        self.s3.create_bucket(Bucket=self.bucket)  # 200 in us-east-1
        self.put("k")
        self.fails(409, "BucketNotEmpty", self.s3.delete_bucket, Bucket=self.bucket)
        self.fails(404, "NoSuchBucket", self.s3.delete_bucket, Bucket="no-such-bucket")
        self.fails(404, "404", self.s3.head_bucket, Bucket="no-such-bucket")
        self.fails(404, "NoSuchBucket", self.s3.list_objects_v2, Bucket="no-such-bucket")
        self.fails(404, "NoSuchBucket", self.s3.put_object, Bucket="no-such-bucket", Key="k", Body=b"")

    def test_location(self):
        name = f"{self.bucket}-in-europe"
        where = {"LocationConstraint": "eu-central-1"}
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        assert self.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"
        self.fails(409, "BucketAlreadyOwnedByYou", self.s3.create_bucket, Bucket=name, CreateBucketConfiguration=where)

    @moto_differs("a page of buckets does not say where to go on")
    def test_pages(self):
        prefix = f"{self.bucket}-page"
        names = [f"{prefix}-{number}" for number in range(3)]
        for name in names:
            self.s3.create_bucket(Bucket=name)
        seen, token = [], None
        while True:
            more = {"ContinuationToken": token} if token else {}
            page = self.s3.list_buckets(MaxBuckets=1, Prefix=prefix, **more)
            seen += [b["Name"] for b in page["Buckets"]]
            token = page.get("ContinuationToken")
            if not token:
                break
        assert seen == names

    @moto_differs("it takes every status")
    def test_versioning(self):
        assert "Status" not in self.s3.get_bucket_versioning(Bucket=self.bucket)
        for status in ["Enabled", "Suspended"]:
            self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": status})
            assert self.s3.get_bucket_versioning(Bucket=self.bucket)["Status"] == status
        self.fails(400, "MalformedXML", self.s3.put_bucket_versioning, Bucket=self.bucket, VersioningConfiguration={"Status": "Off"})

    @moto_differs("it does not look at the owner that is expected")
    def test_expected_owner(self):
        self.s3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner="000000000000")
        self.fails(403, "AccessDenied", self.s3.put_object, Bucket=self.bucket, Key="k", Body=b"", ExpectedBucketOwner="111122223333")


class TestObjects(Case):
    def test_round_trip(self):
        expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        put = self.put(
            "k", b"0123456789", Metadata={"color": "blue", "name": "a  b"}, ContentType="text/plain",
            CacheControl="no-cache", ContentDisposition="inline", ContentEncoding="identity", ContentLanguage="de",
            Expires=expires, Tagging="a=1&b=two%20words", StorageClass="STANDARD_IA", ServerSideEncryption="aws:kms",
            SSEKMSKeyId="arn:aws:kms:us-east-1:000000000000:key/k", BucketKeyEnabled=True,
            WebsiteRedirectLocation="/elsewhere",
        )
        assert put["ETag"] == f'"{hashlib.md5(b"0123456789").hexdigest()}"'
        assert put["ServerSideEncryption"] == "aws:kms"
        assert "VersionId" not in put
        for answer in [self.head("k"), self.s3.get_object(Bucket=self.bucket, Key="k")]:
            assert answer["Metadata"] == {"color": "blue", "name": "a  b"}
            assert answer["ContentLength"] == 10
            assert answer["ETag"] == put["ETag"]
            shown = {name: answer[name] for name in ["ContentType", "CacheControl", "ContentDisposition",
                     "ContentEncoding", "ContentLanguage", "StorageClass", "ServerSideEncryption", "SSEKMSKeyId",
                     "BucketKeyEnabled", "WebsiteRedirectLocation", "TagCount"]}
            assert shown == {
                "ContentType": "text/plain", "CacheControl": "no-cache", "ContentDisposition": "inline",
                "ContentEncoding": "identity", "ContentLanguage": "de", "StorageClass": "STANDARD_IA",
                "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:us-east-1:000000000000:key/k",
                "BucketKeyEnabled": True, "WebsiteRedirectLocation": "/elsewhere", "TagCount": 2,
            }
            assert answer["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert self.get("k") == b"0123456789"
        assert self.tags("k") == {"a": "1", "b": "two words"}

    @moto_differs("it shows no encryption unless one was asked for")
    def test_defaults(self):
        self.put("k")
        head = self.head("k")
        assert head["ContentType"] == "binary/octet-stream"
        assert head["ServerSideEncryption"] == "AES256"
        for absent in ["StorageClass", "VersionId", "TagCount", "Restore", "ContentEncoding"]:
            assert absent not in head
        assert head["LastModified"].microsecond == 0

    def test_ranges(self):
        for body in [b"0123456789", bytes(range(256)) * 1000]:
            self.put("k", body)
            size = len(body)
            for range_, expected in [("bytes=0-0", body[:1]), ("bytes=2-4", body[2:5]), ("bytes=5-", body[5:]),
                                     ("bytes=-3", body[-3:]), ("bytes=3-99999999", body[3:])]:
                answer = self.s3.get_object(Bucket=self.bucket, Key="k", Range=range_)
                assert answer["Body"].read() == expected, range_
                assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
                assert answer["ContentRange"].endswith(f"/{size}")
            self.fails(416, "InvalidRange", self.get, "k", Range=f"bytes={size}-")
        self.put("empty", b"")
        assert self.get("empty") == b""

    @moto_differs("If-Unmodified-Since counts although If-Match holds")
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
        self.fails(412, "PreconditionFailed", self.s3.delete_object, Bucket=self.bucket, Key="k", IfMatch=etag)
        assert self.get("k") == b"new"

    @moto_differs("it takes unknown encryptions, redirects and ACLs")
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
        self.fails(400, "InvalidArgument", self.put, "k", SSECustomerAlgorithm="AES256", SSECustomerKey="0" * 31)
        self.fails(400, "InvalidRequest", self.put, "k", ObjectLockLegalHoldStatus="ON")
        self.fails(400, "BadRequest", self.put, "k", Tagging="&".join(f"k{n}=v" for n in range(11)))
        self.fails(404, "404", self.head, "k")

    @moto_differs("its router knows no newlines")
    def test_odd_keys(self):
        for key in ODD_KEYS + CONTROL_KEYS:
            self.put(key, key.encode())
        for key in ODD_KEYS + CONTROL_KEYS:
            assert self.get(key) == key.encode()
            self.copy(key + "~" if len(key.encode()) < 1024 else key[:-1] + "~", key)
        self.s3.put_object_tagging(Bucket=self.bucket, Key="new\nline", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        assert self.tags("new\nline") == {"a": "b"}
        listed = [o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket, MaxKeys=1000)["Contents"]]
        assert listed == sorted(listed, key=str.encode)
        assert set(ODD_KEYS + CONTROL_KEYS) <= set(listed)
        for key in ODD_KEYS:  # XML can name these
            self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key}]})
        for key in CONTROL_KEYS:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        left = {o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]}
        assert not (left & set(ODD_KEYS + CONTROL_KEYS))
        for key in left:
            self.s3.delete_object(Bucket=self.bucket, Key=key)

    def test_presigned(self):
        self.put("k v", b"presigned")
        url = self.s3.generate_presigned_url("get_object", {"Bucket": self.bucket, "Key": "k v"})
        assert urllib.request.urlopen(url).read() == b"presigned"


class TestChecksums(Case):
    @moto_differs("it shows no type of a checksum")
    def test_each_algorithm(self):
        body = b"checksummed" * 3000
        crc32 = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        for algorithm, value in [("CRC32", crc32), ("SHA1", None), ("SHA256", sha256)]:
            field = f"Checksum{algorithm}"
            put = self.put("k", body, ChecksumAlgorithm=algorithm)
            head = self.head("k", ChecksumMode="ENABLED")
            assert put[field] == head[field]
            assert head["ChecksumType"] == "FULL_OBJECT"
            if value:
                assert head[field] == value
            assert field not in self.head("k")
            assert self.get("k", ChecksumMode="ENABLED") == body
            assert "ContentEncoding" not in head

    @moto_differs("it computes no checksum that is not asked for")
    def test_default_is_crc64(self):
        off = self.client(request_checksum_calculation="when_required")
        off.put_object(Bucket=self.bucket, Key="k", Body=b"123456789")
        assert self.head("k", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == "rosUhgp5mIg="

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
            assert self.get("k") == body
            assert "ContentEncoding" not in self.head("k")

    @moto_differs("it does not compare checksums")
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
        assert same["ChecksumSHA1"] == self.head("k", ChecksumMode="ENABLED")["ChecksumSHA1"]
        other = self.copy("other", "k", ChecksumAlgorithm="CRC32")["CopyObjectResult"]
        assert other["ChecksumCRC32"] == "y/Q5Jg=="
        assert self.head("other", ChecksumMode="ENABLED")["ChecksumCRC32"] == "y/Q5Jg=="


    @moto_differs("it knows none of them")
    def test_newer_algorithms(self):
        for algorithm, (value, _) in NEWER_CHECKSUMS.items():
            field = f"Checksum{algorithm}"
            assert self.put("k", CHECKED, **{field: value})[field] == value
            head = self.head("k", ChecksumMode="ENABLED")
            assert (head[field], head["ChecksumType"]) == (value, "FULL_OBJECT")
            assert self.get("k", ChecksumMode="ENABLED") == CHECKED
            wrong = base64.b64encode(bytes(len(base64.b64decode(value)))).decode()
            self.fails(400, "BadDigest", self.put, "k", CHECKED, **{field: wrong})
            self.fails(400, "InvalidRequest", self.put, "k", CHECKED, **{field: "AAAA"})
            self.put("plain", CHECKED)
            self.copy("copy", "plain", ChecksumAlgorithm=algorithm)
            assert self.head("copy", ChecksumMode="ENABLED")[field] == value, algorithm


#: A key of the customer's, and another one.
KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
OTHER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "1" * 32}


class TestCustomerKeys(Case):
    def of_source(self, key):
        return {f"CopySource{name}": value for name, value in key.items()}

    @moto_differs("it keeps no keys: whoever asks, reads")
    def test_an_object_is_read_with_its_own_key(self):
        md5 = base64.b64encode(hashlib.md5(b"0" * 32).digest()).decode()
        answer = self.put("k", **KEY)
        assert (answer["SSECustomerAlgorithm"], answer["SSECustomerKeyMD5"]) == ("AES256", md5)
        head = self.head("k", **KEY)
        assert (head["SSECustomerAlgorithm"], head["SSECustomerKeyMD5"]) == ("AES256", md5)
        assert "ServerSideEncryption" not in head
        assert self.get("k", **KEY) == b"body"
        self.fails(400, "InvalidRequest", self.get, "k")
        self.fails(400, "400", self.head, "k")
        self.fails(403, "AccessDenied", self.get, "k", **OTHER)
        self.put("plain")
        self.fails(400, "InvalidRequest", self.get, "plain", **KEY)
        self.fails(400, "InvalidArgument", self.put, "k", **KEY, ServerSideEncryption="AES256")

    @moto_differs("it keeps no keys: whoever asks, copies")
    def test_copies_and_parts(self):
        self.put("k", os.urandom(5 * 1024 * 1024), **KEY)
        self.fails(400, "InvalidRequest", self.copy, "copy", "k")
        self.copy("copy", "k", **self.of_source(KEY), **OTHER)
        assert self.get("copy", **OTHER) == self.get("k", **KEY)
        self.copy("plain", "k", **self.of_source(KEY))
        assert self.head("plain")["ServerSideEncryption"] == "AES256"
        upload = dict(Bucket=self.bucket, Key="parts", UploadId=self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts", **KEY)["UploadId"])
        self.fails(400, "InvalidRequest", self.s3.upload_part, **upload, PartNumber=2, Body=b"end")
        source = {"Bucket": self.bucket, "Key": "k"}
        parts = [self.s3.upload_part_copy(**upload, PartNumber=1, CopySource=source, **KEY, **self.of_source(KEY))["CopyPartResult"]["ETag"],
                 self.s3.upload_part(**upload, PartNumber=2, Body=b"end", **KEY)["ETag"]]
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(parts, 1)]
        self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert self.get("parts", **KEY).endswith(b"end")
