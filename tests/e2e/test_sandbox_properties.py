"""What the sandbox does with tags, ACLs and restores, as S3 does."""

import re

import pytest

from harness import wait_for
from s3_case import Case, moto_differs


class TestTagging(Case):
    def put_tags(self, *pairs):
        tags = [{"Key": key, "Value": value} for key, value in pairs]
        return self.s3.put_object_tagging(Bucket=self.bucket, Key="k", Tagging={"TagSet": tags})

    @moto_differs("it removes tags by an empty set with an error")
    def test_life(self):
        self.put("k")
        assert self.tags("k") == {}
        self.put_tags(("a", "1"), ("b b", ""))
        self.put_tags(("c", "ü_.:/=+-@"))
        assert self.tags("k") == {"c": "ü_.:/=+-@"}
        self.s3.delete_object_tagging(Bucket=self.bucket, Key="k")
        assert self.tags("k") == {}
        self.put_tags(("a", "1"))
        self.put_tags()
        assert self.tags("k") == {}

    @moto_differs("it answers 500 to a tag without a value")
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
        assert len(self.tags("k")) == 10
        for call in [self.s3.get_object_tagging, self.s3.delete_object_tagging]:
            self.fails(404, "NoSuchKey", call, Bucket=self.bucket, Key="none")


class TestAcl(Case):
    def grants(self, key="k"):
        acl = self.s3.get_object_acl(Bucket=self.bucket, Key=key)
        return [(g["Grantee"].get("URI", g["Grantee"].get("ID")), g["Permission"]) for g in acl["Grants"]]

    def put_acl(self, **acl):
        return self.s3.put_object_acl(Bucket=self.bucket, Key="k", **acl)

    @moto_differs("it shows grants in another order")
    def test_life(self):
        self.put("k")
        owner = self.s3.get_object_acl(Bucket=self.bucket, Key="k")["Owner"]
        mine = (owner["ID"], "FULL_CONTROL")
        everyone = "http://acs.amazonaws.com/groups/global/AllUsers"
        assert self.grants() == [mine]
        self.put_acl(ACL="public-read")
        assert self.grants() == [mine, (everyone, "READ")]
        self.put_acl(GrantRead=f'id="abc", uri="{everyone}"', GrantFullControl=f"id={owner['ID']}")
        assert self.grants() == [mine, ("abc", "READ"), (everyone, "READ")]
        grants = [{"Grantee": {"Type": "CanonicalUser", "ID": "xyz"}, "Permission": "WRITE_ACP"}]
        self.put_acl(AccessControlPolicy={"Owner": owner, "Grants": grants})
        assert self.grants() == [("xyz", "WRITE_ACP")]
        self.put("k2", GrantReadACP="id=abc")
        assert self.grants("k2") == [("abc", "READ_ACP")]

    @moto_differs("it answers 500 to an unknown canned ACL")
    def test_rules(self):
        self.put("k")
        owner = self.s3.get_object_acl(Bucket=self.bucket, Key="k")["Owner"]
        self.fails(400, "InvalidArgument", self.put_acl, ACL="nobody")
        self.fails(400, "InvalidRequest", self.put_acl, ACL="private", GrantRead="id=abc")
        self.fails(400, "InvalidArgument", self.put_acl, GrantRead='uri="http://example.com"')
        self.fails(400, "UnresolvableGrantByEmailAddress", self.put_acl, GrantRead='emailAddress="a@example.com"')
        grant = {"Grantee": {"Type": "CanonicalUser", "ID": "xyz"}, "Permission": "EAT"}
        self.fails(400, "MalformedACLError", self.put_acl, AccessControlPolicy={"Owner": owner, "Grants": [grant]})
        self.fails(400, "MissingSecurityHeader", self.put_acl)
        self.fails(404, "NoSuchKey", self.s3.get_object_acl, Bucket=self.bucket, Key="none")


class TestRestores(Case):
    @pytest.fixture
    def server(self, sandbox_with):
        """A sandbox whose restores end while the test waits; moto's end at once."""
        return sandbox_with("--restore-delay", "1000")

    def restore(self, key="k", days=2, tier=None, **more):
        request = {"Days": days} if days is not None else {}
        if tier:
            request["GlacierJobParameters"] = {"Tier": tier}
        answer = self.s3.restore_object(Bucket=self.bucket, Key=key, RestoreRequest=request, **more)
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    def test_life(self):
        self.put("k", b"ice", StorageClass="GLACIER")
        assert "Restore" not in self.head("k")
        assert self.head("k")["StorageClass"] == "GLACIER"
        self.fails(403, "InvalidObjectState", self.get, "k")
        self.fails(403, "InvalidObjectState", self.copy, "c", "k")
        assert self.restore(tier="Bulk") == 202
        assert self.head("k")["Restore"] == 'ongoing-request="true"'
        self.fails(409, "RestoreAlreadyInProgress", self.restore, tier="Bulk")
        self.fails(409, "RestoreAlreadyInProgress", self.restore, days=3, tier="Expedited")
        assert self.restore(tier="Standard") == 202
        wait_for(lambda: self.head("k")["Restore"] != 'ongoing-request="true"', "the restore")
        first = self.head("k")["Restore"]
        assert re.match(r'^ongoing-request="false", expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT"$', first)
        assert self.get("k") == b"ice"
        self.copy("c", "k")
        assert self.restore(days=9) == 200
        assert self.head("k")["Restore"] != first
        assert self.head("k")["StorageClass"] == "GLACIER"

    def test_rules(self):
        self.put("warm")
        self.put("deep", StorageClass="DEEP_ARCHIVE")
        self.fails(403, "InvalidObjectState", self.restore, "warm")
        self.fails(404, "NoSuchKey", self.restore, "none")
        self.fails(400, "MalformedXML", self.restore, "deep", days=None)
        self.fails(400, "InvalidArgument", self.restore, "deep", days=0)
        self.fails(400, "InvalidArgument", self.restore, "deep", tier="Expedited")
        self.fails(400, "MalformedXML", self.restore, "deep", tier="Instant")
        assert self.restore("deep") == 202
