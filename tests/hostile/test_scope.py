"""Guests that reach for what the role may not use. The role may do everything to `allowed/inside/*`, the engine's own
credentials to every bucket; after each test the fixture `lab` looks at what the server was asked for."""

import posixpath

import pytest

from documents import ALLOW_ALL, allow, deny, policy
from guests import Guest
from laboratory import outside

#: How a guest may spell an object that it must not have: bucket and key.
SPELLINGS = [
    ("vault", "secret"), ("allowed", "outside/secret"), ("allowed", "secret"), ("allowed", "inside-out"), ("allowed", "insid"),
    ("allowed", "inside"), ("allowed", "/inside/k"), ("allowed", "//inside/k"), ("allowed", "./inside/k"), ("allowed", "Inside/k"),
    ("allowed", "inside/../outside/secret"), ("allowed", "inside/../../vault/secret"), ("allowed", "inside/.."),
    ("allowed", "inside/./../secret"), ("allowed", "inside//../../secret"), ("allowed", "../vault/secret"),
    ("allowed", "inside/x/../../secret"), ("allowed", "../allowed/outside/secret"), ("allowed", "inside/\\../../../vault/secret"),
    ("allowed", "inside\\..\\secret"), ("allowed", "%69nside/k"), ("allowed", "%2e%2e/vault/secret"), ("allowed", "..%2fvault%2fsecret"),
    ("allowed", "outside%2fsecret"), ("allowed", "ｉnside/k"), ("allowed", "inside\u2215k"), ("allowed", "\u202einside/k"),
    ("allowed", "inside\0/k"), ("allowed", "inside/\0k"), ("allowed", "secret?versionId=inside/"), ("allowed", "secret#inside/"),
    ("allowed", "?acl"), ("allowed", "?delete"), ("allowed", ""), ("allowed", "inside/" + "k" * 1100), ("allowed", "inside\r\nHost: vault"),
    ("", "allowed/inside/k"), (".", "inside/k"), ("..", "vault/secret"), ("allowed/inside", "../../vault/secret"),
    ("allowed/../vault", "secret"), ("allowed/inside/..", "../secret"), ("vault/secret?", "inside/k"), ("vault/secret#", "inside/k"),
    ("vault\\", "secret"), ("VAULT", "secret"), ("vault ", "secret"), (" vault", "secret"), ("vault\0", "secret"), ("vault\n", "secret"),
    ("%76ault", "secret"), ("vault%2fsecret", "k"), ("vault.", "secret"), ("*", "secret"), ("allowed,vault", "secret"),
    ("arn:aws:s3:::vault", "secret"), ("arn:aws:s3:us-east-1:111122223333:accesspoint/vault", "secret"),
    ("arn:aws:s3:us-east-1:111122223333:accesspoint:vault", "secret"), ("arn:aws:s3::111122223333:accesspoint:vault.mrap", "secret"),
    ("arn:aws:s3-outposts:us-east-1:111122223333:outpost:op-1:accesspoint:vault", "secret"), ("vault-abcdefghij-s3alias", "secret"),
    ("vault--use1-az4--x-s3", "secret"), ("user@127.0.0.1", "secret"), ("vault:80", "secret"), ("http://vault", "secret"), ("vаult", "secret"),
]

#: What it does with it.
METHODS = {
    "head": "(call $object.head (local.get $other))", "get": "(call $object.get (local.get $other))",
    "put": "(call $object.put (local.get $other) (i32.const 0) (i32.const 4))", "delete": "(call $object.delete (local.get $other))",
    "tag": "(call $object.put-tags (local.get $other) (i32.const 0) (i32.const 0))",
    "copy from": "(call $object.copy-to (local.get $other) {here} {stolen})",
    "copy to": "(call $object.copy-to (local.get $object) {bucket} {key})",
    "versions": "(call $object.list-versions (local.get $other) (i32.const 0) (i32.const 0) (i32.const 0))",
    "checksum": "(call $object.checksum (local.get $other) {crc32})",
}

NO_VERSION = "(i32.const 0) (i32.const 0) (i32.const 0)"


def reaching(spellings):
    """A guest that tries every method on every spelling; an attack that gets an answer succeeds."""
    guest = Guest()
    place = {name: guest.text(text) for name, text in {"here": "allowed", "stolen": "inside/stolen", "crc32": "CRC32"}.items()}
    known = {}
    for number, (bucket, key) in enumerate(spellings):
        texts = {name: known.setdefault(text, guest.text(text)) for name, text in {"bucket": bucket, "key": key}.items()}
        for method, request in METHODS.items():
            guest.attack(f"{method} {number}", "AccessDenied", f"""(local $other i32)
                (local.set $other (call $open {texts['bucket']} {texts['key']} {NO_VERSION}))
                (call $send {request.format(**texts, **place)} (i32.const 4096))
                (call $fail_as_answered)""")
    return guest


@pytest.mark.parametrize("part", [0, 1])
def test_spellings(lab, part):
    """Nothing that is spelled oddly is more than what it says, and nothing outside is asked for."""
    assert len(SPELLINGS) >= 40
    guest = reaching(SPELLINGS[part::2])
    outcomes = lab.run(guest, list(guest.expected), concurrency=64)
    assert {outcome[2] for outcome in outcomes.values()} <= {"AccessDenied", "InvalidRequest"}, outcomes
    assert all(outcome[0] == "failed" for outcome in outcomes.values())
    assert not [entry for entry in lab.server.log() if "stolen" in (entry["key"] or "")]


def test_denials_hold_however_it_is_spelled(lab):
    """A role that may do everything but in one bucket and one folder."""
    forbidden = [number for number, (bucket, key) in enumerate(SPELLINGS)
                 if "vault" in bucket.lower() or "secret" in key or "../" in key]
    guest = reaching([SPELLINGS[number] for number in forbidden])
    lab.workspace.write("almost.json", policy(ALLOW_ALL, deny("s3:*", [
        "arn:aws:s3:::vault", "arn:aws:s3:::vault/*", "arn:aws:s3:::allowed/outside/*", "arn:aws:s3:::allowed/secret"])))
    keys = [key for key in guest.expected if not key[4:].startswith(("put", "delete", "tag", "copy-to"))]
    before = lab.server.requests()
    lab.run(guest, keys, concurrency=64, role="almost")
    asked = {f"{entry['bucket']}/{entry['key']}" for entry in lab.server.log()[before:] if entry["key"]}
    lab.server.clear_log()
    assert asked, "some spellings are names like any other"
    denied = ("vault/", "allowed/outside/", "allowed/secret\0")
    assert not [path for path in asked if any(f"{form}\0".startswith(denied) for form in (path, posixpath.normpath(path)))]


def test_copies_from_where_only_the_engine_may_read(lab):
    """By each way of a copy; the engine's credentials could do them all."""
    guest = Guest()
    vault, secret, stolen = guest.text("vault"), guest.text("secret"), guest.text("inside/stolen")
    null, main, other = guest.text("null"), guest.text("main"), guest.text("other")
    source = f"(call $open {vault} {secret} {NO_VERSION})"
    ways = {
        "plain": "", "in parts": """(call $request.set-multipart-threshold (local.get $r) (i64.const 1))
            (call $request.set-part-size (local.get $r) (i64.const 5242880))""",
        "to the same store by name": f"(call $request.set-store (local.get $r) {main})",
        "to a store that nobody named": f"(call $request.set-store (local.get $r) {other})",
    }
    for name, settings in ways.items():
        for versioned, opened in {"": source, "of a version": f"(call $open {vault} {secret} (i32.const 1) {null})"}.items():
            guest.attack(f"{name} {versioned}", None, f"""(local $r i32)
                (local.set $r (call $object.copy-to {opened} {guest.text('allowed')} {stolen})) {settings}
                (call $send (local.get $r) (i32.const 4096)) (call $fail_as_answered)""")
    outcomes = lab.run(guest, list(guest.expected))
    assert {outcome[0] for outcome in outcomes.values()} == {"failed"}
    assert {outcome[2] for outcome in outcomes.values()} <= {"AccessDenied", "InvalidRequest"}, outcomes
    assert [entry for entry in lab.server.log() if entry["key"] and not entry["key"].startswith("inside/0")] == []


def test_texts_that_end_a_header(lab):
    """Line ends in each text that travels in a header: none makes a header of its own."""
    evil = "x\r\nx-amz-acl: public-read\r\nx-amz-meta-evil: yes\r\n\r\nDELETE /vault/secret HTTP/1.1\r\nHost: h\r\n\r\n"
    guest = Guest()
    text = guest.text(evil)
    setters = ["if-match", "if-none-match", "storage-class", "content-type", "cache-control", "content-disposition",
               "content-encoding", "content-language", "canned-acl", "sse", "kms-key-id", "checksum-algorithm", "website-redirect"]
    settings = {name: f"(call $request.set-{name} (local.get $r) {text})" for name in setters}
    settings["metadata name"] = f"(call $request.add-user-metadata (local.get $r) {text} {guest.text('v')})"
    settings["metadata value"] = f"(call $request.add-user-metadata (local.get $r) {guest.text('n')} {text})"
    settings["tag"] = f"(call $request.add-tag (local.get $r) {text} {text})"
    settings["lock"] = f"(call $request.set-lock (local.get $r) {text} {guest.text('2030-01-31T00:00:00Z')})"
    for name, setting in settings.items():
        guest.attack(name, None, f"""(local $r i32)
            (local.set $r (call $object.put (local.get $object) (i32.const 0) (i32.const 4)))
            {setting} (call $send (local.get $r) (i32.const 4096)) (call $fail_as_answered)""")
    lab.run(guest, list(guest.expected))
    assert [entry for entry in lab.server.log() if outside(entry) or entry["method"] == "DELETE"] == []
    client = lab.server.client()
    for item in client.list_objects_v2(Bucket="allowed", Prefix="inside/")["Contents"]:
        head = client.head_object(Bucket="allowed", Key=item["Key"])
        assert "evil" not in head["Metadata"], item["Key"]
    # What this test has asked for itself.
    lab.server.clear_log()


def test_tags_are_not_read_where_they_could_not_help(lab):
    """A policy that tests tags has the engine read them, with its own credentials: not those of objects that no tags would open."""
    guest = Guest()
    others = {"vault": "secret", "allowed": "outside/secret"}
    for bucket, key in others.items():
        for method in ("head", "get", "get-tags", "put-acl", "delete-tags"):
            guest.attack(f"{method} {bucket}", "AccessDenied", f"""
                (call $send (call $object.{method} (call $open {guest.text(bucket)} {guest.text(key)} {NO_VERSION})) (i32.const 4096))
                (call $fail_as_answered)""")
    lab.workspace.write("almost.json", policy(allow("s3:*", "arn:aws:s3:::allowed/inside/*", Condition={
        "StringEquals": {"s3:ExistingObjectTag/open": "yes"}})))
    lab.attack(guest, role="almost")
