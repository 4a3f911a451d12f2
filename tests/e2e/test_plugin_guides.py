"""The guides for authors of plugins: every command and every file of a page, in order, as a reader would type them."""

import json
import os
import re
import subprocess
import tempfile

import pytest

from harness import LONGSHORE, ROOT, TARGET, free_port

GUIDES = sorted((ROOT / "docs/plugin-guides").glob("*.md"))
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OBJECTS = 1000


def blocks(page):
    """What a page says to do: ("sh", commands) to run, ("file", path, text) to write."""
    for language, path, text in FENCE.findall(page.read_text()):
        if path:
            yield "file", path, text
        elif language == "sh":
            yield "sh", None, text


class Reader:
    """A shell that stays, as a reader's does."""

    def __init__(self, folder):
        self.address = f"127.0.0.1:{free_port()}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LONGSHORE_", "CARGO_"))}
        environment = kept | {
            "PATH": f"{LONGSHORE.parent}{os.pathsep}{os.environ['PATH']}",
            "LONGSHORE_SANDBOX_LISTEN": self.address,
            "S3_ENDPOINT": f"http://{self.address}",
            # What was built for one guide is there for the next; the versions are those of this repository.
            "CARGO_TARGET_DIR": str(TARGET / "guides"),
            "CARGO_NET_OFFLINE": "true",
        }
        for name in ("CARGO_HOME", "CARGO_BUILD_JOBS", "CARGO_INCREMENTAL"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.shell = subprocess.Popen(["bash", "-eu"], cwd=folder, env=environment, text=True, start_new_session=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = ""

    def type(self, text, until="the block is done"):
        self.shell.stdin.write(f"{text}\necho 'the block is done'\n")
        self.shell.stdin.flush()
        waiting = {"the block is done", until}
        while waiting:
            line = self.shell.stdout.readline()
            assert line, f"the guide stops here:\n{text}\n{self.said}"
            self.said += line
            waiting = {sign for sign in waiting if sign not in line}

    def write(self, path, text):
        self.type(f"mkdir -p \"$(dirname '{path}')\"\ncat > '{path}' <<'END OF FILE'\n{text}END OF FILE")

    def close(self):
        os.killpg(self.shell.pid, 9)
        self.shell.wait()
        self.shell.stdin.close()
        self.shell.stdout.close()


@pytest.fixture
def reader():
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(folder)
        yield reader
        reader.close()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.stem)
def test_a_guide_leads_from_nothing_to_a_thousand_objects(guide, reader):
    steps = list(blocks(guide))
    assert sum(kind == "sh" for kind, _, _ in steps) > 3, "its commands are not found any more"
    for kind, path, text in steps:
        if kind == "file":
            reader.write(path, text)
        elif text.rstrip().endswith("&"):
            reader.type(text, until=f"http://{reader.address}")
        else:
            reader.type(text)
    reader.type("longshore --json list > jobs.json\necho \"it is in $PWD\"")
    folder = re.findall(r"^it is in (.+)$", reader.said, re.MULTILINE)[-1]
    with open(os.path.join(folder, "jobs.json")) as file:
        [job] = [json.loads(line) for line in file]
    assert (job["state"], job["total"], job["succeeded"]) == ("Complete", OBJECTS, OBJECTS), reader.said
