"""What the sandbox does with the encryption and the replication of buckets, as S3 does."""

from s3_case import Case, moto_differs

KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"


class TestEncryption(Case):
    def encrypt_by(self, algorithm, key=None, **more):
        default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
        rules = [{"ApplyServerSideEncryptionByDefault": default, **more}]
        return self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def encryption(self, key, **more):
        head = self.head(key, **more)
        return head["ServerSideEncryption"], head.get("SSEKMSKeyId"), head.get("BucketKeyEnabled")

    def test_of_objects(self):
        self.put("s3", ServerSideEncryption="AES256")
        assert self.encryption("s3") == ("AES256", None, None)
        put = self.put("kms", ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY, BucketKeyEnabled=True)
        assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == ("aws:kms", KEY, True)
        assert self.encryption("kms") == ("aws:kms", KEY, True)
        self.copy("copy", "s3", ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY)
        assert self.encryption("copy")[:2] == ("aws:kms", KEY)

    @moto_differs("it shows no key that it manages itself")
    def test_a_key_of_the_store(self):
        self.put("managed", ServerSideEncryption="aws:kms")
        assert self.encryption("managed")[1].startswith("arn:aws:kms:us-east-1:")

    @moto_differs("a bucket without a configuration shows none, and copies are not encrypted by the default")
    def test_of_a_bucket(self):
        found = lambda: self.s3.get_bucket_encryption(Bucket=self.bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        assert found()["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        self.put("before")
        self.encrypt_by("aws:kms", KEY, BucketKeyEnabled=True)
        assert found() == {"BucketKeyEnabled": True, "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
        self.put("after")
        self.put("own", ServerSideEncryption="AES256")
        self.copy("copy", "before")
        assert [self.encryption(key)[:2] for key in ["before", "after", "own", "copy"]] == [
            ("AES256", None), ("aws:kms", KEY), ("AES256", None), ("aws:kms", KEY)]
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts")
        assert (upload["ServerSideEncryption"], upload["SSEKMSKeyId"]) == ("aws:kms", KEY)
        self.s3.delete_bucket_encryption(Bucket=self.bucket)
        assert found()["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}

    @moto_differs("it takes every encryption")
    def test_rules(self):
        self.fails(400, "InvalidArgument", self.encrypt_by, "rot13")
        self.fails(400, "InvalidArgument", self.encrypt_by, "AES256", KEY)
        self.fails(400, "InvalidArgument", self.put, "k", ServerSideEncryption="AES256", SSEKMSKeyId=KEY)
        self.fails(400, "InvalidArgument", self.put, "k", SSEKMSKeyId=KEY)


class TestReplication(Case):
    versioned = True

    def prepare(self):
        self.destination = self.make_bucket(versioned=True)

    def rule(self, **more):
        return {"ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": "logs/"},
                "DeleteMarkerReplication": {"Status": "Disabled"},
                "Destination": {"Bucket": f"arn:aws:s3:::{self.destination}", "StorageClass": "STANDARD_IA"}, **more}

    def replicate(self, *rules, bucket=None):
        configuration = {"Role": "arn:aws:iam::000000000000:role/replication", "Rules": list(rules)}
        return self.s3.put_bucket_replication(Bucket=bucket or self.bucket, ReplicationConfiguration=configuration)

    def found(self):
        return self.s3.get_bucket_replication(Bucket=self.bucket)["ReplicationConfiguration"]["Rules"]

    @moto_differs("it keeps an empty prefix, whatever the filter of a rule is")
    def test_life(self):
        self.fails(404, "ReplicationConfigurationNotFoundError", self.found)
        self.replicate(self.rule())
        assert self.found() == [self.rule()]
        tags = {"And": {"Prefix": "", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}}
        rules = [self.rule(Filter=tags), self.rule(ID="off", Priority=2, Status="Disabled")]
        self.replicate(*rules)
        assert self.found() == rules
        self.s3.delete_bucket_replication(Bucket=self.bucket)
        self.fails(404, "ReplicationConfigurationNotFoundError", self.found)

    @moto_differs("it does not look at versioning, rules and destinations")
    def test_rules(self):
        plain = self.make_bucket()
        self.fails(400, "InvalidRequest", self.replicate, self.rule(), bucket=plain)
        self.fails(400, "MalformedXML", self.replicate)
        self.fails(400, "MalformedXML", self.replicate, self.rule(Status="On"))
        for destination in [plain, "no-such-bucket"]:
            rule = self.rule(Destination={"Bucket": f"arn:aws:s3:::{destination}"})
            self.fails(400, "InvalidRequest", self.replicate, rule)
        self.fails(400, "InvalidArgument", self.replicate, self.rule(Destination={"Bucket": self.destination}))
        without = self.rule()
        del without["Priority"]
        self.fails(400, "InvalidRequest", self.replicate, without)
        self.replicate(self.rule())
        self.fails(409, "InvalidBucketState", self.s3.put_bucket_versioning, Bucket=self.bucket,
                   VersioningConfiguration={"Status": "Suspended"})
