"""What the sandbox does with uploads in parts, as S3 does."""

import base64
import hashlib
import os
import re
from pathlib import Path

from s3_case import CHECKED, NEWER_CHECKSUMS, Case, moto_differs


class TestMultipart(Case):
    def upload(self, parts, **more):
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="m", **more)
        done = []
        for number, body in enumerate(parts, 1):
            sums = {"ChecksumAlgorithm": more["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in more else {}
            part = self.s3.upload_part(Bucket=self.bucket, Key="m", UploadId=upload["UploadId"], PartNumber=number, Body=body, **sums)
            sums = {name: value for name, value in part.items() if name.startswith("Checksum")}
            done.append({"PartNumber": number, "ETag": part["ETag"], **sums})
        return upload["UploadId"], done

    def complete(self, id, parts):
        return self.s3.complete_multipart_upload(Bucket=self.bucket, Key="m", UploadId=id, MultipartUpload={"Parts": parts})

    @moto_differs("a composite checksum has no number of parts")
    def test_life(self):
        one, two = os.urandom(5 << 20), os.urandom(1000)
        for algorithm in [None, "CRC32", "SHA256"]:
            more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
            id, parts = self.upload([one, two], Metadata={"a": "1"}, Tagging="t=1", StorageClass="STANDARD_IA", **more)
            listed = self.s3.list_parts(Bucket=self.bucket, Key="m", UploadId=id)["Parts"]
            assert [(p["PartNumber"], p["Size"]) for p in listed] == [(1, 5 << 20), (2, 1000)]
            answer = self.complete(id, parts)
            md5s = hashlib.md5(one).digest() + hashlib.md5(two).digest()
            assert answer["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"'
            head = self.head("m", ChecksumMode="ENABLED")
            assert (head["Metadata"], head["StorageClass"]) == ({"a": "1"}, "STANDARD_IA")
            assert self.get("m") == one + two
            assert self.tags("m") == {"t": "1"}
            if algorithm == "SHA256":
                joined = hashlib.sha256(hashlib.sha256(one).digest() + hashlib.sha256(two).digest()).digest()
                assert head["ChecksumSHA256"] == base64.b64encode(joined).decode() + "-2"
                assert head["ChecksumType"] == "COMPOSITE"
        copied = self.copy("copy", "m")["CopyObjectResult"]["ETag"]
        assert copied == f'"{hashlib.md5(one + two).hexdigest()}"'

    @moto_differs("it knows none of them")
    def test_newer_checksums(self):
        for algorithm, (value, composite) in NEWER_CHECKSUMS.items():
            field, call = f"Checksum{algorithm}", dict(Bucket=self.bucket, Key="m")
            self.fails(400, "InvalidRequest", self.s3.create_multipart_upload, ChecksumAlgorithm=algorithm,
                       ChecksumType="FULL_OBJECT", **call)
            created = self.s3.create_multipart_upload(ChecksumAlgorithm=algorithm, **call)
            assert (created["ChecksumAlgorithm"], created["ChecksumType"]) == (algorithm, "COMPOSITE")
            call["UploadId"] = id = created["UploadId"]
            wrong = base64.b64encode(bytes(len(base64.b64decode(value)))).decode()
            self.fails(400, "BadDigest", self.s3.upload_part, PartNumber=1, Body=CHECKED, **{field: wrong}, **call)
            part = self.s3.upload_part(PartNumber=1, Body=CHECKED, **{field: value}, **call)
            assert part[field] == value
            parts = [{"PartNumber": 1, "ETag": part["ETag"], field: value}]
            self.fails(400, "InvalidPart", self.complete, id, [{**parts[0], field: wrong}])
            assert self.complete(id, parts)[field] == f"{composite}-1"
            head = self.head("m", ChecksumMode="ENABLED")
            assert (head[field], head["ChecksumType"]) == (f"{composite}-1", "COMPOSITE")
            of_part = self.s3.get_object(Bucket=self.bucket, Key="m", PartNumber=1, ChecksumMode="ENABLED")
            assert (of_part[field], of_part["Body"].read()) == (value, CHECKED), algorithm

    @moto_differs("it takes a range without an end")
    def test_part_copy(self):
        source = os.urandom(6 << 20)
        self.put("source", source)
        id, _ = self.upload([])
        where = {"Bucket": self.bucket, "Key": "source"}
        call = dict(Bucket=self.bucket, Key="m", UploadId=id, CopySource=where)
        one = self.s3.upload_part_copy(PartNumber=1, CopySourceRange=f"bytes=0-{(5 << 20) - 1}", **call)
        two = self.s3.upload_part_copy(PartNumber=2, CopySourceRange=f"bytes={5 << 20}-{(6 << 20) - 1}", **call)
        self.fails(400, "InvalidArgument", self.s3.upload_part_copy, PartNumber=3, CopySourceRange="bytes=9", **call)
        self.complete(id, [{"PartNumber": n, "ETag": p["CopyPartResult"]["ETag"]} for n, p in [(1, one), (2, two)]])
        assert self.get("m") == source

    @moto_differs("it looks at sizes before the order of parts")
    def test_rules(self):
        id, parts = self.upload([b"small", b"small"])
        self.fails(400, "EntityTooSmall", self.complete, id, parts)
        self.fails(400, "InvalidPartOrder", self.complete, id, parts[::-1])
        self.fails(400, "InvalidPart", self.complete, id, [{"PartNumber": 9, "ETag": "x"}])
        self.fails(400, "InvalidPart", self.complete, id, [{"PartNumber": 1, "ETag": '"0"'}])
        self.s3.abort_multipart_upload(Bucket=self.bucket, Key="m", UploadId=id)
        self.fails(404, "NoSuchUpload", self.complete, id, parts)
        self.fails(404, "404", self.head, "m")

    @moto_differs("it shows no parts of an object")
    def test_what_an_object_says_of_its_parts(self):
        one, two = os.urandom(5 << 20), os.urandom(1000)
        id, parts = self.upload([one, two], ChecksumAlgorithm="SHA256")
        self.complete(id, parts)
        for number, body in enumerate([one, two], 1):
            part = self.s3.get_object(Bucket=self.bucket, Key="m", PartNumber=number, ChecksumMode="ENABLED")
            assert (part["PartsCount"], part["Body"].read()) == (2, body)
            assert part["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
        assert self.head("m", PartNumber=2)["ContentRange"] == f"bytes {5 << 20}-{(5 << 20) + 999}/{(5 << 20) + 1000}"
        self.fails(416, "InvalidPartNumber", self.get, "m", PartNumber=3)
        wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
        found = self.s3.get_object_attributes(Bucket=self.bucket, Key="m", ObjectAttributes=wanted, MaxParts=1)
        assert (found["ObjectSize"], found["StorageClass"]) == ((5 << 20) + 1000, "STANDARD")
        assert found["Checksum"]["ChecksumType"] == "COMPOSITE"
        shown = found["ObjectParts"]
        assert (shown["TotalPartsCount"], shown["IsTruncated"], shown["NextPartNumberMarker"]) == (2, True, 1)
        assert [(part["PartNumber"], part["Size"]) for part in shown["Parts"]] == [(1, 5 << 20)]
        self.fails(400, "InvalidArgument", self.s3.get_object_attributes, Bucket=self.bucket, Key="m", ObjectAttributes=["Age"])

    def test_uploads_are_listed(self):
        keys = ["a/1", "a/2", "b", "b", "c"]
        ids = [self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"] for key in keys]
        found = lambda page: [(upload["Key"], upload["UploadId"]) for upload in page.get("Uploads", [])]
        listed = lambda **more: self.s3.list_multipart_uploads(Bucket=self.bucket, **more)
        assert sorted(found(listed())) == sorted(zip(keys, ids))
        assert found(listed(Prefix="c")) == [("c", ids[4])]
        with self.moto_differs("it knows no pages of uploads"):
            assert found(listed()) == list(zip(keys, ids))
            for size in [1, 2, 4]:
                pages = self.s3.get_paginator("list_multipart_uploads").paginate(
                    Bucket=self.bucket, PaginationConfig={"PageSize": size})
                assert [upload for page in pages for upload in found(page)] == list(zip(keys, ids)), size
            page = listed(Delimiter="/", MaxUploads=2)
            assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["a/"]
            assert found(page) == [("b", ids[2])]
            rest = listed(Delimiter="/", KeyMarker=page["NextKeyMarker"], UploadIdMarker=page["NextUploadIdMarker"])
            assert found(rest) == [("b", ids[3]), ("c", ids[4])]
        self.s3.abort_multipart_upload(Bucket=self.bucket, Key="b", UploadId=ids[2])
        assert ids[2] not in [id for _, id in found(listed())]

    @moto_differs("a part is copied from a range beyond the source, and whatever its entity tag")
    def test_conditions_of_a_part_copy(self):
        etag = self.put("source", b"0123456789")["ETag"]
        id, _ = self.upload([])
        call = dict(Bucket=self.bucket, Key="m", UploadId=id, PartNumber=1, CopySource={"Bucket": self.bucket, "Key": "source"})
        copied = self.s3.upload_part_copy(CopySourceIfMatch=etag, CopySourceRange="bytes=2-4", **call)
        assert copied["CopyPartResult"]["ETag"] == f'"{hashlib.md5(b"234").hexdigest()}"'
        self.fails(412, "PreconditionFailed", self.s3.upload_part_copy, CopySourceIfMatch='"other"', **call)
        self.fails(412, "PreconditionFailed", self.s3.upload_part_copy, CopySourceIfNoneMatch=etag, **call)
        for bad in ["bytes=5-10", "bytes=4-2", "bytes=-3", "bytes=3-", "0-3"]:
            self.fails(400, "InvalidArgument", self.s3.upload_part_copy, CopySourceRange=bad, **call)
        call["UploadId"] = "none"
        self.fails(404, "NoSuchUpload", self.s3.upload_part_copy, **call)

    def test_conditions_of_a_completion(self):
        self.put("m")
        id, parts = self.upload([b"x"])
        call = dict(Bucket=self.bucket, Key="m", UploadId=id, MultipartUpload={"Parts": parts})
        self.fails(412, "PreconditionFailed", self.s3.complete_multipart_upload, IfNoneMatch="*", **call)
        with self.moto_differs("it does not compare the size that is expected"):
            self.fails(400, "InvalidRequest", self.s3.complete_multipart_upload, MpuObjectSize=2, **call)
            self.s3.complete_multipart_upload(MpuObjectSize=1, **call)

    def test_a_sparse_object_of_many_gigabytes(self):
        self.only_on_the_sandbox("it keeps every zero")
        part_size, count = 64 << 20, 96
        self.put("zeros", bytes(part_size))
        memory = self.resident()
        id = self.s3.create_multipart_upload(Bucket=self.bucket, Key="m")["UploadId"]
        call = dict(Bucket=self.bucket, Key="m", UploadId=id, CopySource={"Bucket": self.bucket, "Key": "zeros"})
        parts = []
        for number in range(1, count + 1):
            copied = self.s3.upload_part_copy(PartNumber=number, **call)["CopyPartResult"]
            parts.append({"PartNumber": number, "ETag": copied["ETag"]})
        self.complete(id, parts)
        assert self.head("m")["ContentLength"] == 6 << 30
        self.fails(400, "InvalidRequest", self.copy, "copy", "m")  # over 5 GiB
        call |= dict(UploadId=self.s3.create_multipart_upload(Bucket=self.bucket, Key="m")["UploadId"],
                     CopySource={"Bucket": self.bucket, "Key": "m"})
        size = 512 << 20
        parts = [
            {"PartNumber": number, "ETag": self.s3.upload_part_copy(
                PartNumber=number, CopySourceRange=f"bytes={(number - 1) * size}-{number * size - 1}", **call)["CopyPartResult"]["ETag"]}
            for number in range(1, 13)
        ]
        self.complete(call["UploadId"], parts)
        assert self.get("m", Range=f"bytes={(6 << 30) - 10}-") == bytes(10)
        assert self.resident() - memory < 64 << 20

    def resident(self):
        """Bytes of memory that the server holds."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10
