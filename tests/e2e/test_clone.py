"""`longshore clone`: a job anew, as it was submitted."""

import subprocess

from harness import TAGGING

HEAD = 'description = "the first"\npriority = 7\nclient-token = "once"\ntags = { team = "x" }'
# What two jobs of one job file have in common.
SAME = ["operation", "parameters", "role", "store", "manifest", "tags", "limits", "description", "priority", "plugin_digest"]


def test_a_job_anew_reads_its_manifest_anew(workspace, bucket):
    workspace.server.put(bucket, ["one", "two"])
    workspace.manifest(bucket, ["one"])
    job_file = workspace.job(**TAGGING, head=HEAD)
    first = workspace.run().job
    job_file.unlink()
    workspace.manifest(bucket, ["one", "two"])

    cloned = workspace.longshore("clone", "--json", first["id"][:8])
    assert cloned.code == 0, cloned.err
    [answer] = cloned.events
    assert answer == {"id": answer["id"], "clone_of": first["id"]}
    other = workspace.longshore("clone", first["id"], "--priority", "1", "--description", "another")
    assert other.code == 0 and f"queued: what job {first['id']} did" in other.err
    assert workspace.longshore("start", "--until-idle").code == 0

    clone = workspace.status(answer["id"])
    assert {key: clone[key] for key in SAME} == {key: first[key] for key in SAME}
    assert (clone["state"], clone["succeeded"], clone["client_token"], clone["retry_of"]) == ("Complete", 2, None, None)
    assert sorted(row[1] for row in workspace.rows(clone)) == ["one", "two"]
    [submitted, *_] = workspace.longshore("status", "--json", "--events", clone["id"]).events[0]["events"]
    assert submitted["cause"] == f"submitted: a clone of job {first['id']}"
    changed = workspace.status(other.out.strip())
    assert (changed["priority"], changed["description"], changed["succeeded"]) == (1, "another", 2)


def test_a_job_that_never_ran_can_be_cloned(workspace, bucket):
    workspace.server.put(bucket, ["one"])
    workspace.manifest(bucket, ["one"])
    workspace.job(**TAGGING)
    first = workspace.submit()
    assert workspace.longshore("clone", first).code == 0
    assert workspace.longshore("start", "--until-idle").code == 0
    assert [job["succeeded"] for job in workspace.longshore("list", "--json").events] == [1, 1]


def test_the_clone_of_a_retry_takes_the_same_rows(workspace, bucket):
    workspace.server.put(bucket, ["one"])
    workspace.manifest(bucket, ["one", "missing"])
    workspace.job(**TAGGING)
    first = workspace.run().job["id"]
    second = workspace.longshore("retry", first).out.strip()
    third = workspace.longshore("clone", second).out.strip()
    assert workspace.longshore("start", "--until-idle").code == 3
    for job in (second, third):
        stood = workspace.status(job)
        assert (stood["retry_of"], stood["total"], stood["failed"]) == (first, 1, 1)


def test_what_cannot_be_cloned(workspace, bucket):
    workspace.server.put(bucket, ["one"])
    workspace.job(**TAGGING, manifest="-")
    process = workspace.start("run", "--json", "job.toml", stdin=subprocess.PIPE)
    process.communicate(f"{bucket},one\n".encode(), timeout=60)
    assert process.returncode == 0
    [job] = workspace.longshore("list", "--json").events
    refused = workspace.longshore("clone", job["id"])
    assert refused.code == 2
    assert refused.err == f"error: the manifest of job {job['id']} was the standard input of a process that is gone; " \
                          "run its job file again\n"
    for options, why in [(["--priority", "-1"], "-1"), (["--description", ""], "a description has 1 to 256 characters, this has 0")]:
        wrong = workspace.longshore("clone", job["id"], *options)
        assert wrong.code == 2 and why in wrong.err, wrong.err
    unknown = workspace.longshore("clone", "nowhere")
    assert unknown.code == 2 and 'no job has the ID "nowhere"' in unknown.err
    assert len(workspace.longshore("list", "--json").events) == 1
