"""The base of the tests that hold the sandbox to the rules of S3: boto3 drives it, and moto, so that an independent server
agrees. Where moto differs from S3, the test says so, and fails once it no longer does."""

import base64
import contextlib
import hashlib

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def moto_differs(why):
    """Marks a test that fails on moto, and must."""
    return pytest.mark.moto_differs(why)


def chain(function):
    """The checksum of CHECKED, and that of this checksum, as S3 writes them."""
    once = function(CHECKED).digest()
    return base64.b64encode(once).decode(), base64.b64encode(function(once).digest()).decode()


CHECKED = b"123456789"
#: The checksums that S3 has had since 2026: of CHECKED and, composite, of CHECKED as the only part of an object. Those of xxHash
#: are what its Python package says.
NEWER_CHECKSUMS = {
    "SHA512": chain(hashlib.sha512), "MD5": chain(hashlib.md5), "XXHASH64": ("jLhB20DmroM=", "aIYCMYPSWcc="),
    "XXHASH3": ("ctyxi2ehff8=", "ksPmtVIgSbU="),
    "XXHASH128": ("MxGUd+3l3NXpcWQnaB1YYA==", "qhtapxAN/tUuBHXli2H9nQ=="),
}


class Case:
    """A bucket on a server, and short names for what is done with it."""

    versioned = False
    options = {}

    @pytest.fixture(autouse=True)
    def start(self, request, server, bucket_of):
        mark = request.node.get_closest_marker("moto_differs")
        if mark and server.name == "moto":
            request.applymarker(pytest.mark.xfail(reason=mark.args[0], strict=True))
        self.server, self.s3, self.bucket_of = server, server.client(), bucket_of
        self.bucket = self.make_bucket(self.versioned, **self.options)
        self.prepare()

    def prepare(self):
        """What the tests of a class begin with."""

    def make_bucket(self, versioned=False, **options):
        name = self.bucket_of(self.server, **options)
        if versioned:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def client(self, **config):
        """Another client for the same server."""
        return boto3.client(
            "s3", endpoint_url=self.server.endpoint, region_name="us-east-1", aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config),
        )

    def put(self, key, body=b"body", **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def head(self, key, **more):
        return self.s3.head_object(Bucket=self.bucket, Key=key, **more)

    def get(self, key, **more):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **more)["Body"].read()

    def delete(self, key, **more):
        return self.s3.delete_object(Bucket=self.bucket, Key=key, **more)

    def copy(self, key, source, **more):
        if isinstance(source, str):
            source = {"Bucket": self.bucket, "Key": source}
        return self.s3.copy_object(Bucket=self.bucket, Key=key, CopySource=source, **more)

    def tags(self, key, **more):
        answer = self.s3.get_object_tagging(Bucket=self.bucket, Key=key, **more)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def fails(self, status, code, call, *args, **kwargs):
        """Calls, and expects this answer."""
        with pytest.raises(ClientError) as caught:
            call(*args, **kwargs)
        response = caught.value.response
        found = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
        assert found == (status, code), response["Error"]
        return response

    @contextlib.contextmanager
    def moto_differs(self, why):
        """What is inside is as in S3; on moto it is not, and the reason says how."""
        if self.server.name != "moto":
            yield
            return
        try:
            yield
        except (AssertionError, ClientError, BotoCoreError, KeyError, pytest.fail.Exception):
            return
        pytest.fail(f"moto is as S3 now; it differed: {why}")

    def only_on_the_sandbox(self, why):
        """Ends a test on moto, which has nothing to compare with."""
        if self.server.name == "moto":
            pytest.skip(f"moto differs: {why}")
