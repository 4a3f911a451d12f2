"""Jobs with installed plugins: by name, version and digest; what is granted holds; what becomes of them when it changes."""

import json

import pytest

from harness import start_seeded, Workspace
from plugin_sources import Signer, plugin, sha256

PARAMETERS = {"min-bytes": 1}


@pytest.fixture
def workspace(workspace, bucket):
    workspace.bucket = bucket
    workspace.write("mark-large.wasm", plugin())
    workspace.write("newer.wasm", plugin("0.2.0"))
    workspace.server.put(bucket, ["one", "two"])
    workspace.manifest(bucket, ["one", "two"])
    return workspace


def install(workspace, file="mark-large.wasm", *grants):
    arguments = grants or ("--grant", "declared")
    done = workspace.longshore("plugin", "install", file, *arguments)
    assert done.code == 0, done.err


def sizes(workspace):
    client = workspace.server.client()
    tags = [client.get_object_tagging(Bucket=workspace.bucket, Key=key)["TagSet"] for key in ("one", "two")]
    return [{tag["Key"]: tag["Value"] for tag in found} for found in tags]


def test_a_thousand_objects_by_name_and_version(tmp_path):
    server, rows = start_seeded(tmp_path / "server", 1000)
    try:
        workspace = Workspace(tmp_path / "workspace", server)
        workspace.write("mark-large.wasm", plugin())
        workspace.write("manifest.csv", "\n".join(rows))
        install(workspace)
        workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS)
        result = workspace.run()
        assert result.code == 0, result.out + result.err
        assert (result.job["succeeded"], result.job["operation"]) == (1000, "mark-large@0.1.0")
        assert result.job["plugin_digest"] == sha256(plugin())
        [step] = result.job["steps"]
        assert (step["operation"], step["plugin_digest"]) == ("mark-large@0.1.0", sha256(plugin()))
        report = workspace.directory / f"reports/job-{result.job['id']}/operations.json"
        assert json.loads(report.read_text()) == {
            "JobId": result.job["id"],
            "Operations": [{"Step": 1, "Operation": "mark-large@0.1.0", "SHA256": sha256(plugin())}]}
        [row] = workspace.longshore("sql", "--json", "SELECT operation, plugin_digest FROM steps").events
        assert row == {"operation": "mark-large@0.1.0", "plugin_digest": sha256(plugin())}
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["mark-large", "mark-large@0.1.0", "digest"])
def test_every_way_to_name_it(workspace, name):
    install(workspace)
    workspace.job(f'plugin = "{"sha256:" + sha256(plugin()) if name == "digest" else name}"', PARAMETERS)
    valid = workspace.longshore("validate", "job.toml")
    assert valid.code == 0 and "mark-large@0.1.0" in valid.out, valid.err
    planned = workspace.longshore("plan", "job.toml")
    assert planned.code == 0, planned.err
    result = workspace.run()
    assert (result.code, result.job["operation"]) == (0, "mark-large@0.1.0"), result.out + result.err
    assert sizes(workspace) == [{"size": "large"}] * 2


def test_it_is_resolved_at_submission(workspace):
    install(workspace)
    workspace.job('plugin = "mark-large"', PARAMETERS)
    job = workspace.submit()
    install(workspace, "newer.wasm")
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(job)["operation"] == "mark-large@0.1.0"
    assert workspace.run().job["operation"] == "mark-large@0.2.0", "the name alone is the newest"
    # An old job again is that job again.
    for command in ("clone", "retry"):
        workspace.manifest(workspace.bucket, ["one", "gone"])
        if command == "retry":
            workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS)
            job = workspace.run().job["id"]
        again = workspace.longshore(command, "--json", job)
        assert again.code == 0, again.err
        workspace.longshore("start", "--until-idle")
        assert workspace.status(again.events[0]["id"])["operation"] == "mark-large@0.1.0"


@pytest.mark.parametrize(
    ("name", "words"),
    [("mark-lerge", 'did you mean "mark-large" (installed: 0.1.0)?'), ("mark-large@1.0.0", "installed versions: 0.1.0"),
     ("Mark-Large", "is no name of a plugin"), ("sha256:" + "0" * 64, "installed are: mark-large"), ("sha256:12", "has 2 digits")])
def test_names_that_are_not_installed(workspace, name, words):
    install(workspace)
    path = workspace.job(f'plugin = "{name}"', PARAMETERS)
    line = path.read_text().splitlines().index(f'plugin = "{name}"') + 1
    done = workspace.longshore("validate", "job.toml")
    assert done.code == 2 and f"job.toml:{line}:" in done.err and words in done.err, done.err


def test_what_is_not_granted_fails_tasks_and_is_never_sent(workspace):
    install(workspace, "mark-large.wasm", "--grant", "s3:GetObject", "--partial")
    workspace.job('plugin = "mark-large"', PARAMETERS)
    before = len(workspace.server.log())
    result = workspace.run()
    assert (result.code, result.job["failures"]) == (3, {"PluginNotGranted": 2}), result.out + result.err
    assert "s3:PutObjectTagging" in workspace.outcomes(result.job)["one"][3]
    made = [entry["method"] for entry in workspace.server.log()[before:] if entry.get("key")]
    assert "PUT" not in made and sizes(workspace) == [{}, {}]


def test_narrowed_grants_hold_for_jobs_that_wait_and_wider_ones_do_not(workspace):
    install(workspace)
    workspace.job('plugin = "mark-large"', PARAMETERS)
    job = workspace.submit()
    install(workspace, "mark-large.wasm", "--grant", "s3:GetObject", "--partial")
    narrow = workspace.submit()
    workspace.longshore("start", "--until-idle")
    assert workspace.status(job)["failures"] == {"PluginNotGranted": 2}
    # What was granted at submission is the most that a job ever has.
    workspace.job('plugin = "mark-large"', PARAMETERS, head="confirm = true")
    waiting = workspace.submit()
    install(workspace)
    workspace.longshore("start", "--until-idle")
    assert workspace.longshore("confirm", waiting).code == 0
    workspace.longshore("start", "--until-idle")
    assert workspace.status(waiting)["failures"] == {"PluginNotGranted": 2}
    assert workspace.status(narrow)["failures"] == {"PluginNotGranted": 2}
    workspace.job('plugin = "mark-large"', PARAMETERS)
    assert workspace.run().code == 0 and sizes(workspace) == [{"size": "large"}] * 2


def test_a_plugin_in_use_is_not_removed(workspace):
    install(workspace)
    workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS)
    job = workspace.submit()
    refused = workspace.longshore("plugin", "remove", "mark-large@0.1.0")
    assert refused.code == 2 and f"jobs that have not ended: {job[:8]} (New)" in refused.err
    forced = workspace.longshore("plugin", "remove", "--force", "mark-large@0.1.0")
    assert forced.code == 0 and job[:8] in forced.err
    workspace.longshore("start", "--until-idle")
    ended = workspace.status(job)
    assert (ended["state"], ended["failure_code"]) == ("Failed", "OperationNotUsable")
    assert "no plugin mark-large@0.1.0 is installed" in ended["failure_reason"]
    assert workspace.longshore("clone", job).code == 2


def test_a_job_that_has_begun_waits_for_its_plugin(workspace):
    install(workspace)
    workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS, head="confirm = true")
    job = workspace.submit()
    workspace.longshore("start", "--until-idle")
    assert workspace.status(job)["state"] == "Suspended"
    assert workspace.longshore("plugin", "remove", "--force", "mark-large@0.1.0").code == 0
    install(workspace)
    assert workspace.longshore("confirm", job).code == 0
    assert workspace.longshore("start", "--until-idle").code == 0
    assert workspace.status(job)["state"] == "Complete"


def test_a_changed_component_does_not_run(workspace):
    install(workspace)
    workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS)
    job = workspace.submit()
    path = workspace.directory / "data/plugins/blobs" / sha256(plugin())
    path.write_bytes(plugin("0.3.0"))
    workspace.longshore("start", "--until-idle")
    ended = workspace.status(job)
    assert (ended["state"], ended["failure_code"]) == ("Failed", "OperationNotUsable")
    assert "is not the one that was installed" in ended["failure_reason"]
    assert sizes(workspace) == [{}, {}]
    assert "is not the one that was installed" in workspace.longshore("validate", "job.toml").err


def test_where_signatures_are_required_nothing_runs_without_one(workspace):
    """Neither what was installed before they were, nor what a key signed that does not count any more, nor a file."""
    signer = Signer()

    def configure(required, **keys):
        keys = ", ".join(f'{name} = "{key.public}"' for name, key in keys.items())
        workspace.configure(f"[plugins]\nkeys = {{ {keys} }}\nrequire-signature = {required}")

    install(workspace)
    configure("true", team=signer)
    workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS)
    unsigned = workspace.longshore("run", "job.toml")
    assert unsigned.code == 2 and "the plugin was installed without one" in unsigned.err
    workspace.job('plugin = "./mark-large.wasm"', PARAMETERS)
    by_path = workspace.longshore("run", "job.toml")
    assert by_path.code == 2 and "named by its path has none" in by_path.err
    workspace.write("mark-large.wasm.minisig", signer.sign(plugin()))
    install(workspace)
    workspace.job('plugin = "mark-large@0.1.0"', PARAMETERS)
    assert workspace.run().code == 0
    configure("true", others=Signer())
    unpinned = workspace.longshore("run", "job.toml")
    assert unpinned.code == 2 and "none of [plugins] keys any more" in unpinned.err
    configure("false", others=Signer())
    assert workspace.run().code == 0


def test_a_plugin_is_looked_at_under_the_limits_that_it_will_have(workspace):
    """It begins with 17 pages of memory, which is more than 1 MiB."""
    workspace.configure('[plugins]\nmemory = "1 MiB"')
    for command in (["inspect", "mark-large.wasm"], ["install", "mark-large.wasm", "--grant", "declared"]):
        refused = workspace.longshore("plugin", *command)
        assert refused.code != 0 and "more than 1048576 bytes of memory" in refused.err, command
    install(workspace, "mark-large.wasm", "--grant", "declared", "--limit", "memory=2MiB")
    workspace.job('plugin = "mark-large"', PARAMETERS)
    assert workspace.run().code == 0
