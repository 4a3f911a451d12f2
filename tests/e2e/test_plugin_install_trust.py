"""`longshore plugin install`: where credentials go, and who signs the versions of a plugin."""

import base64
import json

import pytest

from plugin_sources import DECLARED, Signer, plugin, sha256
from test_plugin_install import install, installed, names, pin, refused

CREDENTIALS = base64.b64encode(b"ann:s3cret").decode()
BASIC = f"Basic {CREDENTIALS}"


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """What `docker login` would leave behind: credentials of registries."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def login(*registries, credentials=CREDENTIALS):
        auths = {registry.address: {"auth": credentials} for registry in registries}
        (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))

    return login


@pytest.fixture
def source(oci):
    """An artifact of the registry."""
    oci.push("team/mark-large", "0.1.0", [("mark-large.wasm", "application/wasm", plugin())])
    return f"oci://{oci.address}/team/mark-large:0.1.0"


# Token servers, and servers that registries redirect to.

@pytest.mark.parametrize("field", ["token", "access_token"])
def test_a_token_for_anybody(workspace, oci, web, docker, source, field):
    oci.take_tokens_of(web, field)
    assert installed(workspace, "--grant", "declared", source=source)["sha256"] == sha256(plugin())
    assert web.asked == ["/token?client=test&scope=repository%3Ateam%2Fmark-large%3Apull&service=registry+of+tests"]
    assert web.authorizations == [None]
    assert oci.authorizations == [None, oci.wanted, oci.wanted], "once it is known, the token is sent at once"


def test_a_token_for_credentials(workspace, oci, web, docker, source):
    oci.take_tokens_of(web)
    web.wanted = BASIC
    without = refused(workspace, "--grant", "declared", source=source, code=1)
    assert source in without and "the registry wants credentials: log in with 'docker login'" in without
    docker(oci)
    assert installed(workspace, "--grant", "declared", source=source)["sha256"] == sha256(plugin())
    assert web.authorizations == [None, BASIC]
    assert BASIC not in oci.authorizations, "a registry that wants a token gets nothing else"


def test_credentials_that_the_token_server_refuses(workspace, oci, web, docker, source):
    oci.take_tokens_of(web)
    web.wanted = BASIC
    docker(oci, credentials=base64.b64encode(b"ann:wr0ng").decode())
    reason = refused(workspace, "--grant", "declared", source=source, code=1)
    assert "the registry refuses the credentials of ann (from the docker configuration)" in reason
    assert "wr0ng" not in reason
    # Or it gives a token, and that does not open it.
    web.wanted, oci.wanted = None, "Bearer another"
    assert "refuses the credentials of ann" in refused(workspace, "--grant", "declared", source=source, code=1)
    for answer in (b"no token", b"{}", b'{"token": "a\\nb"}'):
        web.files["/token"] = answer
        assert "the registry's token server sent no token" in refused(workspace, source=source, code=1)


@pytest.mark.parametrize("what", ["manifests", "blobs"])
@pytest.mark.parametrize("challenge", ["basic", "bearer"])
def test_credentials_do_not_follow_a_redirection(workspace, oci, web, docker, source, what, challenge):
    """The server that a registry redirects to asks for its credentials, and names itself as the token server."""
    docker(oci)
    oci.wanted = BASIC
    [path] = [path for path in oci.files if f"/{what}/" in path and path.endswith(("0.1.0", sha256(plugin())))]
    oci.redirects[path] = f"{web.url}/there?signature=secret"
    web.files["/token"] = b'{"token": "t"}'
    web.wanted = "never"
    web.challenge = f'Bearer realm="{web.url}/token"' if challenge == "bearer" else 'Basic realm="test"'
    reason = refused(workspace, "--grant", "declared", source=source, code=1)
    assert f"redirected to {web.url}/there, which wants credentials (401); those for {oci.url} are not sent there" in reason
    assert "secret" not in reason
    assert (len(web.asked), web.authorizations) == (1, [None])
    # What is open there is taken, without them.
    web.wanted, web.files["/there"] = None, oci.files[path]
    assert installed(workspace, "--grant", "declared", source=source)["sha256"] == sha256(plugin())
    assert set(web.authorizations) == {None} and BASIC in oci.authorizations


# Who signs the versions of a plugin.

@pytest.fixture
def team():
    return Signer()


def write(workspace, version, signer=None):
    """A version in its file, and its signature or none."""
    workspace.write("mark-large.wasm", plugin(version))
    if signer:
        workspace.write("mark-large.wasm.minisig", signer.sign(plugin(version)))
    else:
        (workspace.directory / "mark-large.wasm.minisig").unlink(missing_ok=True)


def test_what_is_not_signed_does_not_follow_what_is(workspace, team):
    pin(workspace, team=team)
    write(workspace, "0.1.0", team)
    installed(workspace, "--grant", "declared")
    write(workspace, "0.2.0")
    digest = sha256(plugin("0.2.0"))
    for grant in ([], ["--grant", "declared"]):
        reason = refused(workspace, *grant)
        assert "mark-large@0.2.0 has no signature of a key that is known here" in reason
        assert f"mark-large@0.1.0 is signed by team ({team.public})" in reason
        assert f"--allow-unsigned --sha256 {digest}" in reason
    done = install(workspace, "--allow-unsigned", "--sha256", digest)
    assert done.code == 0, done.err
    [answer] = done.events
    assert "signature" not in answer["record"] and answer["record"]["grants"] == DECLARED
    assert answer["difference"]["signers"] == {"before": f"team ({team.public})"}
    # From then on there is none to compare with; one that comes is shown.
    write(workspace, "0.3.0", team)
    shown = workspace.longshore("plugin", "install", "mark-large.wasm")
    assert shown.code == 0 and f"+ signed by team ({team.public})" in shown.err


def test_that_none_is_accepted_is_no_way_around_the_configuration(workspace, team):
    pin(workspace, required=True, team=team)
    write(workspace, "0.1.0")
    assert "is required, and there is none" in refused(workspace, "--grant", "declared", "--allow-unsigned")
    write(workspace, "0.1.0", Signer())
    assert "not trusted here" in refused(workspace, "--grant", "declared", "--allow-unsigned")
    both = install(workspace, "--allow-unsigned", "--key", "team")
    assert both.code in (1, 2) and "cannot be used with" in both.err


def test_another_key_signs_an_upgrade_only_if_it_is_named(workspace, team):
    others = Signer()
    pin(workspace, team=team, others=others)
    write(workspace, "0.1.0", team)
    installed(workspace, "--grant", "declared")
    write(workspace, "0.2.0", others)
    for arguments in ([], ["--grant", "declared"], ["--allow-unsigned"]):
        reason = refused(workspace, *arguments)
        assert f"mark-large@0.2.0 is signed by others ({others.public}), and mark-large@0.1.0 by team ({team.public})" in reason
        assert f"--key others --sha256 {sha256(plugin('0.2.0'))}" in reason
    accepted = workspace.longshore("plugin", "install", "mark-large.wasm", "--key", "others")
    assert accepted.code == 0, accepted.err
    assert f"- signed by team ({team.public})" in accepted.err and f"+ signed by others ({others.public})" in accepted.err
    write(workspace, "0.3.0", others)
    assert installed(workspace)["signature"]["name"] == "others"


def test_a_key_that_is_not_pinned_is_named_again(workspace, team):
    write(workspace, "0.1.0", team)
    installed(workspace, "--grant", "declared", "--key", team.public)
    write(workspace, "0.2.0", team)
    unknown = install(workspace)
    assert unknown.code == 2 and "no key to check it with" in unknown.err and "if there is one, name its key with --key" in unknown.err
    assert names(workspace) == ["mark-large@0.1.0"]
    assert installed(workspace, "--key", team.public)["version"] == "0.2.0"
    assert names(workspace) == ["mark-large@0.1.0", "mark-large@0.2.0"]


def test_the_same_file_keeps_its_signature(workspace, team):
    pin(workspace, team=team)
    write(workspace, "0.1.0", team)
    signature = installed(workspace, "--grant", "declared")["signature"]
    write(workspace, "0.1.0")
    again = install(workspace)
    assert again.code == 0 and again.events[0]["unchanged"], again.err
    changed = installed(workspace, "--limit", "cpu=3s", "--allow-unsigned")
    assert (changed["signature"], changed["limits"]) == (signature, {"cpu-ms": 3000})
    assert workspace.longshore("plugin", "verify").code == 0
