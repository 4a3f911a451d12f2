"""`longshore plugin`: inspect, install, list, show, remove and verify, with the real binary and plugins from files, URLs and OCI
registries."""

import base64
import json
import stat
import subprocess

import pytest

from guests import Guest
from harness import kill
from plugin_sources import DECLARED, WIDENED, Signer, plugin, sha256


@pytest.fixture
def workspace(workspace):
    workspace.write("mark-large.wasm", plugin())
    return workspace


def install(workspace, *arguments, source="mark-large.wasm"):
    return workspace.longshore("plugin", "install", "--json", source, *arguments)


def installed(workspace, *arguments, source="mark-large.wasm"):
    done = install(workspace, *arguments, source=source)
    assert done.code == 0, done.err
    return done.events[0]["record"]


def refused(workspace, *arguments, source="mark-large.wasm", code=2):
    """Nothing is installed, and the reason."""
    before = names(workspace)
    done = install(workspace, *arguments, source=source)
    assert done.code == code, done.out + done.err
    assert names(workspace) == before
    return json.loads(done.err)["error"]


def names(workspace):
    listed = workspace.longshore("plugin", "list", "--json")
    assert listed.code == 0, listed.err
    return [f"{record['name']}@{record['version']}" for record in listed.events]


def test_what_a_file_is(workspace):
    shown = workspace.longshore("plugin", "inspect", "--json", "mark-large.wasm")
    assert shown.code == 0, shown.err
    [value] = shown.events
    assert (value["name"], value["version"], value["actions"]) == ("mark-large", "0.1.0", DECLARED)
    assert (value["digest"], value["size"]) == (sha256(plugin()), len(plugin()))
    assert value["imports"] and all(name["interface"].startswith("longshore:operation/") for name in value["imports"])
    assert "min-bytes" in value["parameters"]["properties"]
    text = workspace.longshore("plugin", "inspect", "mark-large.wasm").out
    assert "mark-large 0.1.0" in text and "s3:PutObjectTagging" in text and "min-bytes" in text
    workspace.write("broken.wasm", b"\0asm\x01\0\0\0")
    broken = workspace.longshore("plugin", "inspect", "broken.wasm")
    assert broken.code == 2 and "broken.wasm: " in broken.err


def test_a_file_with_what_it_declares(workspace):
    record = installed(workspace, "--grant", "declared", "--approver", "ann", "--limit", "memory=32MiB", "--isolation", "reuse")
    assert (record["grants"], record["declared"], record["sha256"]) == (DECLARED, DECLARED, sha256(plugin()))
    assert record["approver"]["name"] == "ann" and isinstance(record["approver"]["uid"], int)
    assert (record["limits"], record["isolation"]) == ({"memory": 32 << 20}, "reuse")
    assert record["source"] == str(workspace.directory / "mark-large.wasm")
    assert record["installed-at"].startswith("20")
    shown = workspace.longshore("plugin", "show", "mark-large")
    for words in ("mark-large@0.1.0", "s3:PutObjectTagging", "ann (uid", f"sha256:{record['sha256']}", "isolation reuse"):
        assert words in shown.out, words
    assert workspace.longshore("plugin", "show", "--json", f"sha256:{record['sha256']}").events == [record]
    again = install(workspace)
    assert again.code == 0 and again.events[0]["unchanged"], "what is granted stays granted"
    directory = workspace.directory / "data/plugins"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [directory, *directory.rglob("*")]}
    assert set(modes.values()) == {0o600, 0o700}
    assert all(mode == (0o700 if name in ("plugins", "blobs", "installed") else 0o600) for name, mode in modes.items())


def test_without_grants_it_says_which_command_would_approve(workspace):
    reason = refused(workspace)
    assert "mark-large@0.1.0 wants to be allowed s3:GetObject, s3:PutObjectTagging" in reason
    command = reason.splitlines()[-1].strip()
    assert command.startswith("longshore plugin install") and f"--sha256 {sha256(plugin())}" in command
    # It is the command: it does it, and only for the file that was looked at.
    arguments = command.split()[1:]
    done = workspace.longshore(*arguments)
    assert done.code == 0, done.err
    assert names(workspace) == ["mark-large@0.1.0"]
    workspace.write("mark-large.wasm", plugin("0.2.0"))
    changed = workspace.longshore(*arguments)
    assert changed.code == 2 and "another file than the one you mean" in changed.err


def test_less_than_it_declares_is_a_choice(workspace):
    reason = refused(workspace, "--grant", "s3:GetObject")
    assert "not granted yet: s3:PutObjectTagging" in reason and "--partial" in reason
    assert reason.splitlines()[-1].endswith("--grant s3:PutObjectTagging")
    done = workspace.longshore("plugin", "install", "mark-large.wasm", "--grant", "s3:GetObject", "--partial")
    assert done.code == 0 and "tasks that need it fail with PluginNotGranted" in done.err
    assert workspace.longshore("plugin", "show", "--json", "mark-large").events[0]["grants"] == ["s3:GetObject"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--grant", "read"], "no service prefix"), (["--limit", "memory=lots"], "no size"), (["--limit", "disk=1"], "memory, cpu and fuel"),
     (["--isolation", "none"], "fresh and reuse"), (["--key", "nobody"], "nor a public key"), (["--sha256", "ab"], "64 lower-case"),
     (["--partial"], "--grant"), (["--grant", "declared", "--grant", "s3:*"], "goes with no other")])
def test_what_cannot_be_said(workspace, arguments, words):
    done = install(workspace, *arguments)
    assert done.code in (1, 2) and words in done.err, done.err
    assert names(workspace) == []


def test_an_upgrade_inherits_and_a_wider_one_must_be_granted(workspace):
    installed(workspace, "--grant", "declared", "--limit", "cpu=3s")
    workspace.write("same.wasm", plugin("0.2.0"))
    record = installed(workspace, source="same.wasm")
    assert (record["version"], record["grants"], record["limits"]) == ("0.2.0", DECLARED, {"cpu-ms": 3000})
    workspace.write("wider.wasm", plugin("0.3.0", replaced=WIDENED))
    reason = refused(workspace, source="wider.wasm")
    assert "wants to be allowed more than mark-large@0.2.0: s3:DeleteObjectTag*" in reason
    assert "+ may s3:DeleteObjectTag*" in reason and "- may s3:PutObjectTagging" in reason
    assert "'s3:DeleteObjectTag*'" in reason.splitlines()[-1]
    granted = install(workspace, "--grant", "declared", source="wider.wasm")
    assert granted.code == 0, granted.err
    [answer] = granted.events
    assert answer["upgrade_of"] == "mark-large@0.2.0"
    assert (answer["difference"]["added"], answer["difference"]["removed"]) == (["s3:DeleteObjectTag*"], ["s3:PutObjectTagging"])
    assert names(workspace) == ["mark-large@0.1.0", "mark-large@0.2.0", "mark-large@0.3.0"]


def test_a_schema_whose_references_multiply(workspace):
    """Two versions of it are compared in no time: each place would be 60 ** 16, were references replaced."""
    for version, count in [("0.1.0", 60), ("0.2.0", 60), ("0.3.0", 61)]:
        references = {f"k{number}": {"$ref": "#/x"} for number in range(count)}
        schema = {"type": "object", "properties": {"p": {"$ref": "#/x/k0"}}, "x": references}
        guest = Guest(name="bomb", extra=f'(data (i32.const 2048) "{version}")')
        place, length = guest.at(json.dumps(schema))
        guest.parts["describe"] = f"(i32.store (i32.const 3096) (i32.const {place})) (i32.store (i32.const 3100) (i32.const {length}))"
        guest.build(workspace.directory / "bomb.wasm")
        done = install(workspace, "--grant", "declared", source="bomb.wasm")
        assert done.code == 0, done.err
        [answer] = done.events
        changed = ["p takes other values", "combinations changed"] if version == "0.3.0" else []
        assert answer["record"]["version"] == version
        assert version == "0.1.0" or answer["difference"]["parameters"] == changed


def test_a_version_never_changes(workspace):
    first = installed(workspace, "--grant", "declared")
    workspace.write("other.wasm", plugin(replaced={"Tags large objects": "Tags LARGE objects"}))
    reason = refused(workspace, "--grant", "declared", source="other.wasm")
    assert f"installed already, with another component (sha256:{first['sha256']})" in reason
    removed = workspace.longshore("plugin", "remove", "mark-large@0.1.0")
    assert removed.code == 0, removed.err
    assert installed(workspace, "--grant", "declared", source="other.wasm")["sha256"] != first["sha256"]


def test_files_that_are_no_plugins(workspace):
    assert "cannot read it" in refused(workspace, source="gone.wasm", code=1)
    workspace.write("text.wasm", b"hello")
    assert "text.wasm" in refused(workspace, "--grant", "declared", source="text.wasm")
    workspace.write("odd.wasm", plugin("v1-rc"))
    assert "no semantic version" in refused(workspace, "--grant", "declared", source="odd.wasm")


def test_files_are_as_large_as_the_configuration_has_it(workspace, web):
    # With a section of 65 MiB that nobody reads: its number, its length in groups of seven bits, the length of its name.
    length = 65 << 20
    large = plugin() + bytes([0, *(length >> shift & 0x7F | 0x80 for shift in (0, 7, 14)), length >> 21]) + bytes(length)
    workspace.write("large.wasm", large)
    web.files["/large.wasm"] = large
    for source in ("large.wasm", f"{web.url}/large.wasm"):
        assert f"more than {64 << 20} bytes" in refused(workspace, source=source, code=1)
    original = (workspace.directory / "longshore.toml").read_text()
    workspace.configure('[plugins]\nfile-size = "100 MiB"\n')
    assert installed(workspace, "--grant", "declared", source="large.wasm")["size"] == len(large)
    (workspace.directory / "longshore.toml").write_text(original + '[plugins]\nfile-size = "1 KiB"\n')
    workspace.write("small.wasm", plugin("0.2.0"))
    assert "more than 1024 bytes" in refused(workspace, source="small.wasm", code=1)


def test_names_that_are_not_installed(workspace):
    none = workspace.longshore("plugin", "show", "mark-large")
    assert none.code == 2 and "no plugin mark-large is installed; none is" in none.err
    installed(workspace, "--grant", "declared")
    for name, words in [("mark-lerge", 'did you mean "mark-large" (installed: 0.1.0)?'), ("other", "installed are: mark-large"),
                        ("mark-large@2.0.0", "installed versions: 0.1.0"), ("sha256:" + "0" * 64, "installed are: mark-large")]:
        for command in ("show", "verify"):
            done = workspace.longshore("plugin", command, name)
            assert done.code == 2 and words in done.err, done.err
    vague = workspace.longshore("plugin", "remove", "mark-large")
    assert vague.code == 2 and "NAME@VERSION" in vague.err


# Sources.

def test_by_url(workspace, web):
    web.files["/mark-large.wasm"] = plugin()
    web.redirects["/latest"] = "/mark-large.wasm?token=secret"
    record = installed(workspace, "--grant", "declared", source=f"{web.url}/latest?token=secret")
    assert (record["source"], record["sha256"]) == (f"{web.url}/latest", sha256(plugin()))
    assert "secret" not in json.dumps(record), "what is kept holds no secrets"
    assert "404" in refused(workspace, source=f"{web.url}/gone.wasm", code=1)
    web.redirects["/loop"] = "/loop"
    assert "more than 5 times" in refused(workspace, source=f"{web.url}/loop", code=1)
    web.redirects["/file"] = "file:///etc/passwd"
    assert "redirected to file:" in refused(workspace, source=f"{web.url}/file", code=1)
    web.redirects["/away"] = "http://192.0.2.1/mark-large.wasm"
    assert "http lets anybody on the way change the file" in refused(workspace, source=f"{web.url}/away", code=1)
    web.files["/large.wasm"] = bytes((64 << 20) + 1)
    assert "more than" in refused(workspace, source=f"{web.url}/large.wasm", code=1)
    other = refused(workspace, "--sha256", "0" * 64, source=f"{web.url}/mark-large.wasm")
    assert f"the SHA-256 is {sha256(plugin())}, --sha256 says {'0' * 64}" in other


def test_from_an_oci_registry(workspace, oci):
    digest = oci.push("team/mark-large", "0.1.0", [("mark-large.wasm", "application/wasm", plugin())])
    record = installed(workspace, "--grant", "declared", source=f"oci://{oci.address}/team/mark-large:0.1.0")
    assert record["source"] == f"oci://{oci.address}/team/mark-large:0.1.0@{digest}"
    assert record["sha256"] == sha256(plugin())
    assert workspace.longshore("plugin", "remove", "mark-large@0.1.0").code == 0
    by_digest = installed(workspace, "--grant", "declared", source=f"oci://{oci.address}/team/mark-large@{digest}")
    assert by_digest["source"].endswith(f"@{digest}")


def test_what_an_oci_registry_may_not_answer(workspace, oci):
    source = f"oci://{oci.address}/team/mark-large:0.2.0"
    assert refused(workspace, source=source, code=1)
    oci.push("team/mark-large", "0.2.0", [("README.md", "text/plain", b"no plugin")])
    assert "no layer that is a plugin" in refused(workspace, source=source, code=1)
    oci.push("team/mark-large", "0.2.0", [("a.wasm", "application/wasm", plugin("0.2.0"))])
    blob = f"/v2/team/mark-large/blobs/sha256:{sha256(plugin('0.2.0'))}"
    oci.files[blob] = plugin("0.3.0")
    assert refused(workspace, "--grant", "declared", source=source, code=1), "the blob is not that of the manifest"
    digest = oci.push("team/mark-large", "0.3.0", [("a.wasm", "application/wasm", plugin("0.3.0"))])
    oci.files[f"/v2/team/mark-large/manifests/{digest}"] = oci.files["/v2/team/mark-large/manifests/0.2.0"]
    assert refused(workspace, "--grant", "declared", source=f"oci://{oci.address}/team/mark-large@{digest}", code=1)


def test_credentials_of_docker(workspace, oci, tmp_path, monkeypatch):
    oci.push("team/mark-large", "0.1.0", [("mark-large.wasm", "application/wasm", plugin())])
    token = base64.b64encode(b"ann:s3cret").decode()
    oci.wanted = f"Basic {token}"
    source = f"oci://{oci.address}/team/mark-large:0.1.0"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert refused(workspace, "--grant", "declared", source=source, code=1)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {oci.address: {"auth": token}}}))
    assert installed(workspace, "--grant", "declared", source=source)["name"] == "mark-large"


# Signatures.

@pytest.fixture
def signer():
    return Signer()


def pin(workspace, required=False, **signers):
    keys = ", ".join(f'{name} = "{signer.public}"' for name, signer in signers.items())
    workspace.configure(f"[plugins]\nkeys = {{ {keys} }}\nrequire-signature = {str(required).lower()}\n")


def test_a_good_signature_beside_the_file(workspace, signer):
    pin(workspace, required=True, team=signer)
    workspace.write("mark-large.wasm.minisig", signer.sign(plugin(), "mark-large 0.1.0"))
    record = installed(workspace, "--grant", "declared")
    assert (record["signature"]["name"], record["signature"]["comment"]) == ("team", "mark-large 0.1.0")
    assert workspace.longshore("plugin", "verify").code == 0
    assert "of team: mark-large 0.1.0" in workspace.longshore("plugin", "show", "mark-large").out
    pin(workspace, required=True, others=Signer())
    unpinned = workspace.longshore("plugin", "verify")
    assert unpinned.code == 1 and "not under [plugins] keys any more" in unpinned.out


def test_signatures_that_do_not_count(workspace, signer):
    pin(workspace, required=True, team=signer)
    assert "a signature of team is required, and there is none" in refused(workspace, "--grant", "declared")
    workspace.write("mark-large.wasm.minisig", signer.sign(plugin("0.2.0")))
    assert "of team, is not good: the file or the signature was changed" in refused(workspace, "--grant", "declared")
    workspace.write("mark-large.wasm.minisig", Signer().sign(plugin()))
    assert "of a key that is not trusted here; trusted: team" in refused(workspace, "--grant", "declared")
    good = signer.sign(plugin(), "1.0.0")
    workspace.write("mark-large.wasm.minisig", good.replace("trusted comment: 1.0.0", "trusted comment: 9.0.0"))
    assert "is not good" in refused(workspace, "--grant", "declared")
    workspace.write("mark-large.wasm.minisig", "nonsense")
    assert "not in the form that minisign writes" in refused(workspace, "--grant", "declared")
    # Also where none is required: a bad one is worse than none.
    pin(workspace, team=signer)
    workspace.write("mark-large.wasm.minisig", Signer().sign(plugin()))
    assert "not trusted here" in refused(workspace, "--grant", "declared")


def test_a_key_of_the_command_line(workspace, signer):
    elsewhere = workspace.write("signatures/one", signer.sign(plugin()))
    assert "is required, and there is none" in refused(workspace, "--grant", "declared", "--key", signer.public)
    record = installed(workspace, "--grant", "declared", "--key", signer.public, "--signature", elsewhere)
    assert record["signature"]["key"] == signer.public and "name" not in record["signature"]
    pin(workspace, required=True, team=Signer())
    workspace.write("mark-large.wasm", plugin("0.2.0"))
    assert "none of [plugins] keys" in refused(workspace, "--key", signer.public)


def test_signatures_by_url_and_in_artifacts(workspace, web, oci, signer):
    pin(workspace, required=True, team=signer)
    web.files["/a.wasm"] = plugin()
    assert "there is none" in refused(workspace, "--grant", "declared", source=f"{web.url}/a.wasm")
    web.files["/a.wasm.minisig"] = signer.sign(plugin()).encode()
    assert installed(workspace, "--grant", "declared", source=f"{web.url}/a.wasm")["signature"]["name"] == "team"
    layers = [("a.wasm", "application/wasm", plugin("0.2.0")),
              ("a.wasm.minisig", "application/octet-stream", signer.sign(plugin("0.2.0")).encode())]
    oci.push("team/a", "0.2.0", layers)
    assert installed(workspace, source=f"oci://{oci.address}/team/a:0.2.0")["signature"]["name"] == "team"


# What is installed.

def blob(workspace, record):
    return workspace.directory / "data/plugins/blobs" / record["sha256"]


def test_verify_finds_what_was_changed(workspace, signer):
    record = installed(workspace, "--grant", "declared")
    good = workspace.longshore("plugin", "verify", "mark-large")
    assert (good.code, good.out) == (0, "mark-large@0.1.0: good\n"), good.err
    path = blob(workspace, record)
    original = path.read_bytes()
    path.chmod(0o644)
    opened = workspace.longshore("plugin", "verify")
    assert opened.code == 1 and "others can reach it (mode 644): chmod 600" in opened.out
    path.chmod(0o600)
    path.write_bytes(original[:-1] + b"x")
    changed = workspace.longshore("plugin", "verify", "--json")
    assert changed.code == 1
    [answer] = changed.events
    assert answer["plugin"] == "mark-large@0.1.0" and "is not the one that was installed" in answer["problems"][0]
    path.unlink()
    assert "No such file" in workspace.longshore("plugin", "verify").out
    path.write_bytes(original)
    path.chmod(0o600)
    record_file = workspace.directory / "data/plugins/installed/mark-large@0.1.0.json"
    record_file.write_text(record_file.read_text().replace('"summary"', '"sumary"'))
    unknown = workspace.longshore("plugin", "verify")
    assert unknown.code == 1 and "unknown field `sumary`" in unknown.out
    listed = workspace.longshore("plugin", "list")
    assert listed.code == 1 and "no record of an installed plugin" in listed.err
    assert workspace.longshore("plugin", "remove", "mark-large@0.1.0").code == 0
    assert names(workspace) == [] and not path.exists()


def test_two_installations_at_once(workspace):
    versions = [f"0.{number}.0" for number in range(1, 9)]
    for version in versions:
        workspace.write(f"{version}.wasm", plugin(version))
    started = [workspace.start("plugin", "install", f"{version}.wasm", "--grant", "declared") for version in versions + versions]
    for process in started:
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
    assert names(workspace) == [f"mark-large@{version}" for version in versions]
    assert workspace.longshore("plugin", "verify").code == 0


def test_a_killed_installation_leaves_nothing_half(workspace):
    directory = workspace.directory / "data/plugins"
    for moment in range(12):
        process = workspace.start("plugin", "install", "mark-large.wasm", "--grant", "declared")
        try:
            process.wait(timeout=0.02 * moment)
        except subprocess.TimeoutExpired:
            kill(process)
        assert names(workspace) in ([], ["mark-large@0.1.0"])
        assert workspace.longshore("plugin", "verify").code == 0
        assert installed(workspace, "--grant", "declared")["version"] == "0.1.0"
        files = sorted(path.name for path in directory.rglob("*") if path.is_file())
        assert files == sorted(["lock", "mark-large@0.1.0.json", sha256(plugin())]), "what the killed one left is gone"
        assert workspace.longshore("plugin", "remove", "mark-large@0.1.0").code == 0


def test_what_an_interrupted_command_left_goes_away(workspace):
    record = installed(workspace, "--grant", "declared")
    directory = workspace.directory / "data/plugins"
    for name in ("blobs/.partial-abc", "installed/.partial-abc", "blobs/" + "0" * 64):
        (directory / name).write_bytes(b"half")
    assert names(workspace) == ["mark-large@0.1.0"]
    assert workspace.longshore("plugin", "verify").code == 0
    workspace.write("mark-large.wasm", plugin("0.2.0"))
    assert installed(workspace)["version"] == "0.2.0"
    assert sorted(path.name for path in (directory / "blobs").iterdir()) == sorted([record["sha256"], sha256(plugin("0.2.0"))])
    assert len(list((directory / "installed").iterdir())) == 2
