"""What the sandbox does with uploads in parts, as S3 does."""

import base64
import hashlib
import os

from s3_case import Case, moto_differs


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
