"""A guest in Python with all of WASI, which tries what WASI is for, and says what came of it."""

import json
import os
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Annotated

import longshore


def connect(port):
    import socket

    socket.create_connection(("127.0.0.1", port), timeout=1)


def resolve():
    import socket

    socket.getaddrinfo("localhost", 80)


class WasiProbe(longshore.Operation):
    """Tries what WASI is for."""

    name = "wasi-probe"
    version = "0.1.0"
    actions = ["s3:GetObject"]

    @dataclass
    class Parameters:
        port: Annotated[int, "A port of this machine on which somebody listens."]

    def run(self, object, task):
        object.head().send()
        attempts = {
            "read a file": lambda: open("/etc/passwd").read(),
            "write a file": lambda: open("/tmp/longshore-was-here", "w").write("x"),
            "list a folder": lambda: os.listdir("/"),
            "list this folder": lambda: os.listdir("."),
            "make a folder": lambda: os.mkdir("longshore-was-here"),
            "connect": lambda: connect(self.parameters.port),
            "resolve a name": resolve,
            "start a program": lambda: os.system("true"),
        }
        # Not `print`, which is the SDK's.
        os.write(2, b"a line on standard error\n")
        found = {name: attempt(what) for name, what in attempts.items()}
        found["environment"] = sorted(os.environ)
        found["arguments"] = sys.argv[1:]
        found["input"] = sys.stdin.read()
        found["time"] = time.time()
        found["random"] = [os.urandom(8).hex(), str(uuid.uuid4())]
        return longshore.done(json.dumps(found))


def attempt(what):
    """None if it worked, which it must not; else the error."""
    try:
        what()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


WitWorld = longshore.export(WasiProbe)
