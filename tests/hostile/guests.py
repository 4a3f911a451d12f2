"""Guests in WebAssembly text (frame.wat), and the jobs that run them.

A guest has any number of attacks. The key of an object picks one: `inside/003-a-name` makes the fourth. Any other key is good:
the guest does nothing and succeeds."""

import functools
import json
import os
import re
import subprocess
from pathlib import Path

from harness import TARGET

FRAME = (Path(__file__).parent / "frame.wat").read_text()
TOOL = TARGET / "debug/examples/guest"

#: Where the texts of a guest begin, and where they must end: its heap is behind.
TEXTS, HEAP = 8192, 65536

#: What attacks call: the ends of a task, by the layout that frame.wat tells; and what became of a request whose answer is at 4096.
ENDS = """
(func $done (param $text i32) (param $bytes i32)
  (i32.store8 (i32.const 520) (i32.const 1))
  (i32.store (i32.const 524) (local.get $text)) (i32.store (i32.const 528) (local.get $bytes)))
(func $skipped (param $text i32) (param $bytes i32)
  (i32.store8 (i32.const 516) (i32.const 1))
  (i32.store (i32.const 520) (local.get $text)) (i32.store (i32.const 524) (local.get $bytes)))
(func $again (param $seconds i32) (param $text i32) (param $bytes i32)
  (i32.store8 (i32.const 516) (i32.const 2)) (i32.store (i32.const 520) (local.get $seconds))
  (i32.store (i32.const 524) (local.get $text)) (i32.store (i32.const 528) (local.get $bytes)))
(func $fail (param $code i32) (param $code_bytes i32) (param $text i32) (param $bytes i32)
  (i32.store8 (i32.const 512) (i32.const 1))
  (i32.store (i32.const 516) (local.get $code)) (i32.store (i32.const 520) (local.get $code_bytes))
  (i32.store (i32.const 524) (local.get $text)) (i32.store (i32.const 528) (local.get $bytes)))
(func $fail_as_answered
  (if (i32.load8_u (i32.const 4096)) (then
    (i32.store8 (i32.const 512) (i32.const 1)) (memory.copy (i32.const 516) (i32.const 4100) (i32.const 16)))))
"""

#: The attack that the key picks; a key that picks none has another number.
NUMBER = """
(func $number (param $object i32) (result i32)
  (local $key i32)
  (call $object.key (local.get $object) (i32.const 640))
  (local.set $key (i32.load (i32.const 640)))
  (if (i32.lt_u (i32.load (i32.const 644)) (i32.const 10)) (then (return (i32.const -1))))
  (i32.add (i32.add
    (i32.mul (i32.sub (i32.load8_u offset=7 (local.get $key)) (i32.const 48)) (i32.const 100))
    (i32.mul (i32.sub (i32.load8_u offset=8 (local.get $key)) (i32.const 48)) (i32.const 10)))
    (i32.sub (i32.load8_u offset=9 (local.get $key)) (i32.const 48))))
"""


@functools.cache
def imports():
    """What a guest may import, by the name that texts here use: `object.head`, `send`."""
    listed = subprocess.run([TOOL, "imports"], check=True, capture_output=True).stdout
    known = {entry["name"].split("]")[-1]: entry for entry in json.loads(listed)}
    for resource, interface in (("object", "s3"), ("request", "s3"), ("response", "s3"), ("task", "host")):
        known[f"{resource}.drop"] = {
            "module": f"longshore:operation/{interface}@0.1.0", "name": f"[resource-drop]{resource}",
            "parameters": ["handle"], "result": False}
    return known


def declaration(name):
    """The import of a function, in WebAssembly text."""
    entry = imports()[name]
    parameters = " ".join("i64" if kind == "i64" else "i32" for kind in entry["parameters"])
    result = " (result i32)" if entry["result"] else ""
    return f'(import "{entry["module"]}" "{entry["name"]}" (func ${name} (param {parameters}){result}))'


def quoted(data):
    """Bytes as a string of WebAssembly text."""
    return "".join(f"\\{byte:02x}" for byte in data)


def built(text, path):
    """The plugin that a text is, as a file."""
    source = path.with_suffix(".wat")
    source.write_text(text)
    done = subprocess.run([TOOL, source, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


class Guest:
    """A guest whose parts can be replaced: those in braces of frame.wat."""

    def __init__(self, **parts):
        self.parts = {"imports": "", "pages": "2", "name": "hostile", "realloc": "", "extra": "", "describe": "",
                      "configure": "", "plan": "", "run": "", **parts}
        self.texts, self.used = [], TEXTS
        #: Key -> what the task must fail with, for each attack in order; None: it must succeed.
        self.expected = {}
        self.bodies = []

    def at(self, data):
        """Puts a text into the guest's memory: where it is, and how long."""
        data = data.encode() if isinstance(data, str) else data
        place = self.used
        self.used += len(data) + 8 & -8
        assert self.used <= HEAP, "the guest's texts do not fit"
        self.texts.append(f'(data (i32.const {place}) "{quoted(data)}")')
        return place, len(data)

    def text(self, data):
        """The same, as two arguments of a call."""
        return "(i32.const {}) (i32.const {})".format(*self.at(data))

    def attack(self, name, code, run="", plan=""):
        """Adds an attack. It begins with its `local`s, and has `$object` and `$task`."""
        key = f"{len(self.bodies):03}-{name.replace(' ', '-')}"
        self.bodies.append((run, plan))
        self.expected[key] = code

    def source(self):
        """The whole module."""
        parts = dict(self.parts)
        parts["extra"] = "\n".join([ENDS, parts["extra"], *self.texts])
        if self.bodies:
            self.add_attacks(parts)
        parts["name_bytes"] = f"\\{len(parts['name']):02x}\\00\\00\\00"
        body = re.sub(r"\{\{(\w+)\}\}", lambda part: parts[part[1]] if part[1] != "imports" else part[0], FRAME)
        called = {name for name in re.findall(r"call \$([\w.-]+)", body) if name in imports()}
        return body.replace("{{imports}}", parts["imports"] + "\n".join(map(declaration, sorted(called))))

    def add_attacks(self, parts):
        parts["extra"] += NUMBER
        for place, which in enumerate(("run", "plan")):
            calls = []
            for number, body in enumerate(self.bodies):
                if body[place]:
                    parts["extra"] += (f"\n(func ${which}_{number} (param $object i32) (param $task i32)\n"
                                       f"  {body[place]})")
                    calls.append(f"(if (i32.eq (local.get $number) (i32.const {number})) (then "
                                 f"(call ${which}_{number} (local.get $object) (local.get $task))))")
            if calls:
                parts[which] = "\n".join(["(local $number i32)", "(local.set $number (call $number (local.get $object)))",
                                          *calls, parts[which]])

    def build(self, path):
        """Writes the plugin."""
        return built(self.source(), path)


#: Paths that are no file of a plugin.
NONE = ["endless", "pipe", "directory", "nothing", "sparse"]


def make_none(path, kind):
    """Puts there what is no file of a plugin."""
    if kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(1 << 40)
