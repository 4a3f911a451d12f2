"""Plugins that mean harm before they run: to whoever submits a job with one, and to the engine that takes it up."""

import os
import subprocess

import pytest

from guests import NONE, Guest, built, make_none
from harness import wait_for
from test_words import EVIL, STEERS

#: What `submit` may take for a plugin that it refuses, in MiB.
MEMORY = 600


def refused(lab, text, words):
    """A plugin that `submit` refuses, in words that a terminal can be shown; it takes neither much memory nor ends the process."""
    path = text if not isinstance(text, str) else built(text, lab.workspace.directory / "refused.wasm")
    said = lab.refused(path)
    assert any(word in said for word in ([words] if isinstance(words, str) else words)), said
    assert not STEERS.search(said.replace("\n", "")), said
    assert "panicked" not in said and len(said) < 20_000, said[:2000]
    return said


@pytest.mark.parametrize(("name", "parts", "words"), [
    ("start that loops", dict(extra="(func $s (loop $l (br $l))) (start $s)"), "10 s"),
    ("start that traps", dict(extra="(func $s unreachable) (start $s)"), "unreachable"),
    ("start that grows", dict(extra="(func $s (loop $l (drop (memory.grow (i32.const 10))) (br $l))) (start $s)"), "bytes of memory"),
    ("start that recurses", dict(extra="(func $s (call $s)) (start $s)"), "call stack exhausted"),
    ("describe that loops", dict(describe="(loop $l (br $l))"), "10 s"),
    ("describe that traps", dict(describe="unreachable"), "unreachable"),
    ("describe out of range", dict(describe="(return (i32.const -4))"), ("out of bounds", "trapped")),
    ("describe misaligned", dict(describe="(return (i32.const 3073))"), ("aligned", "trapped")),
    ("post-return of describe that loops", dict(extra='(func (export "cabi_post_describe") (param i32) (loop $l (br $l)))'), "10 s"),
    ("configure that loops", dict(configure="(loop $l (br $l))"), "10 s"),
    ("configure that traps", dict(configure="unreachable"), "unreachable"),
    ("configure of a case that is none", dict(configure="(i32.store8 (i32.const 768) (i32.const 9))"), "discriminant"),
    ("name that is none", dict(name="../../etc"), "name"),
    ("name with escapes", dict(name="\\1b[2Jx"), "name"),
])
def test_code_that_runs_when_it_is_loaded(lab, name, parts, words):
    refused(lab, Guest(**parts).source(), words)


@pytest.mark.parametrize(("field", "offset"), [("version", 8), ("summary", 16), ("parameters", 24)])
def test_descriptions_that_steer(lab, field, offset):
    """Its version, summary and schema: neither odd text nor 60 MB of it."""
    for text in ("EVIL", "FLOOD"):
        guest = Guest(pages="900")
        place, length = guest.at(EVIL) if text == "EVIL" else (131072, 50_000_000)
        guest.parts["describe"] = (f"(i32.store (i32.const {3072 + offset}) (i32.const {place})) "
                                   f"(i32.store (i32.const {3076 + offset}) (i32.const {length}))")
        refused(lab, guest.source(), field if field != "parameters" else "schema")


def test_a_schema_that_becomes_large(lab):
    """50 MB of `[0,0,0,…` are a gigabyte once they are read."""
    guest = Guest(pages="900", describe="""(local $at i32)
        (local.set $at (i32.const 131072))
        (loop $l (i32.store16 (local.get $at) (i32.const 0x2c30))
          (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 2))) (i32.const 50131072))))
        (i32.store16 (i32.const 131072) (i32.const 0x305b))
        (i32.store (i32.const 3096) (i32.const 131072)) (i32.store (i32.const 3100) (i32.const 50000000))""")
    refused(lab, guest.source(), "schema")


def test_a_refusal_of_parameters_that_floods(lab):
    """The guest's own words on why it takes no parameters: cut, and nothing in them steers."""
    guest = Guest(pages="900")
    guest.parts["configure"] = """(i32.store8 (i32.const 768) (i32.const 1))
        (i32.store (i32.const 772) (i32.const 8192)) (i32.store (i32.const 776) (i32.const 50000000))"""
    guest.text(EVIL)
    assert "forged" in refused(lab, guest.source(), "refuses its parameters")


@pytest.mark.parametrize(("text", "words"), [
    ('(import "env" "system" (func (param i32) (result i32)))', ("env", "system")),
    ('(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))', "wasi_snapshot_preview1"),
    ('(import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))', "wasi_snapshot_preview1"),
    ('(import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))', "wasi_snapshot_preview1"),
    ('(import "wasi_snapshot_preview1" "sock_accept" (func (param i32 i32 i32) (result i32)))', "wasi_snapshot_preview1"),
    ('(import "wasi:filesystem/preopens@0.2.6" "get-directories" (func (param i32)))', "wasi:filesystem"),
    ('(import "wasi:sockets/instance-network@0.2.6" "instance-network" (func (result i32)))', "wasi:sockets"),
    ('(import "longshore:operation/s3@0.1.0" "sign" (func (result i32)))', "sign"),
    ('(import "longshore:operation/s3@0.1.0" "[method]object.credentials" (func (param i32 i32)))', "credentials"),
    ('(import "longshore:operation/s3@9.0.0" "send" (func (param i32 i32)))', "9.0.0"),
    ('(import "\\1b[2J\\0a\\e2\\80\\ae" "x" (func))', "x"),
    ('(import "longshore:operation/s3@0.1.0" "send" (func (param i64)))', "send"),
])
def test_imports_that_nobody_offers(lab, text, words):
    refused(lab, Guest(imports=text).source(), words)


@pytest.mark.parametrize("interface", [
    'wasi:http/outgoing-handler@0.2.6" (instance (export "handle" (func (result u32)))',
    'wasi:keyvalue/store@0.2.6" (instance (export "open" (func (result u32)))',
    'wasi:filesystem/preopens@0.3.0" (instance (export "get-directories" (func (result (list u32))))',
    'wasi:sockets/shell@0.2.6" (instance (export "open" (func (result u32)))',
    'longshore:secrets/keys@0.1.0" (instance (export "read" (func (result string)))',
])
def test_a_component_that_imports_what_nobody_offers(lab, interface):
    refused(lab, f'(component (import "{interface})))', interface.split("/")[0])


@pytest.mark.parametrize("interface", [
    'wasi:filesystem/preopens@0.2.6" (instance (export "get-directories" (func (result (list u32))))',
    'wasi:sockets/ip-name-lookup@0.2.6" (instance (export "resolve-addresses" (func (param "name" string) (result u32)))',
    'wasi:clocks/wall-clock@0.2.6" (instance (export "now" (func (result u64)))',
])
def test_a_component_that_imports_wasi_by_other_types(lab, interface):
    refused(lab, f'(component (import "{interface})))', "wasi:")


#: Modules and components that are small to write and large to work on.
BOMBS = {
    "minimum of memory": (lambda: Guest(pages="65536").source(), ("memory", "minimum")),
    "minimum of a table": (lambda: Guest(extra="(table 10000000 funcref)").source(), "table"),
    "memories": (lambda: Guest(extra="(memory 1)" * 90).source(), "memor"),
    "tables": (lambda: Guest(extra="(table 1 funcref)" * 90).source(), "table"),
    "memory of 64 bits": (lambda: Guest(extra="(memory i64 1)").source(), ("64", "memory")),
    "threads": (lambda: Guest(extra="(memory 1 1 shared)").source(), ("thread", "shared")),
    "a large function": (lambda: Guest(extra="(func " + "(drop (i32.const 1))" * 200_000 + ")").source(), ""),
    "a large br_table": (lambda: Guest(extra="(func (br_table " + "0 " * 100_000 + "(i32.const 0)))").source(), ""),
    "deep blocks": (lambda: Guest(extra="(func " + "(block " * 3_000 + ")" * 3_000 + ")").source(), ""),
    "locals": (lambda: Guest(extra="(func (local " + "i64 " * 60_000 + "))").source(), "locals"),
    "parameters": (lambda: Guest(extra="(func (param " + "i64 " * 2_000 + "))").source(), "param"),
    "functions": (lambda: Guest(extra="(func)" * 1_100_000).source(), "functions"),
    "types": (lambda: Guest(extra="".join(f"(type (func (param {'i32 ' * (n % 500)})))" for n in range(2_000))).source(), ""),
    "exports": (lambda: Guest(extra="".join(f'(export "e{n}" (func $drop_object))' for n in range(110_000))).source(), ""),
    "instances": (lambda: "(component (core module $m)" + "(core instance (instantiate $m))" * 2_000 + ")", "instances"),
    "nested components": (lambda: "(component " * 90 + ")" * 90, ""),
    "nested types": (lambda: "(component (type $t0 (list u8))" + "".join(
        f"(type $t{n} (list $t{n - 1}))" for n in range(1, 5_000)) + ' (import "x" (func (param "p" $t4999))))', ""),
    "types that double": (lambda: "(component (type $t0 (tuple u8 u8))" + "".join(
        f"(type $t{n} (tuple $t{n - 1} $t{n - 1}))" for n in range(1, 40)) + ' (import "x" (func (param "p" $t39))))', ""),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(lab, bomb):
    """Each is refused, or compiles within bounds; in any case nothing but the command that was given it is concerned."""
    make, words = BOMBS[bomb]
    path = built(make(), lab.workspace.directory / "bomb.wasm")
    command = lab.workspace.command("submit", lab.prepare(path, ["k"]))
    process = subprocess.Popen(**command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in ((2,) if words else (0, 2)), (process.returncode, said)
    assert any(word in said for word in ([words] if isinstance(words, str) else words)), said
    assert "panicked" not in said and len(said) < 20_000
    assert usage.ru_maxrss / 1024 < MEMORY, f"{usage.ru_maxrss / 1024:.0f} MiB"
    print(f"{bomb}: {usage.ru_utime + usage.ru_stime:.1f} s of processor time, {usage.ru_maxrss / 1024:.0f} MiB")


def test_a_plugin_that_brings_the_compiler_down(lab):
    """A component type that imports itself: the encoder of modules recurses without end. It costs the compiler's process."""
    path = Guest().build(lab.workspace.directory / "recursive.wasm")
    module, name = path.read_bytes(), b"longshore:operation/endpoints@0.1.0"
    assert module.count(name) == 1
    path.write_bytes(module.replace(name, name.replace(b"longshore", b"long2hore")))
    refused(lab, path, "the plugin cannot be compiled")


@pytest.mark.parametrize("kind", NONE)
def test_files_that_are_none(lab, kind):
    path = lab.workspace.directory / f"{kind}.wasm"
    make_none(path, kind)
    refused(lab, path, str(path.name))


def test_a_plugin_that_is_swapped_is_not_even_run(lab):
    """Between submission and start the file becomes another one, whose start function and description loop: neither runs."""
    path = Guest().build(lab.workspace.directory / "swapped.wasm")
    job = lab.prepare(path, ["k"], head="confirm = true")
    submitted = lab.workspace.submit(job)
    wait_for(lambda: lab.workspace.status(submitted)["state"] == "Suspended", "the job to wait for its confirmation")
    loops = Guest(extra="(func $s (loop $l (br $l))) (start $s)").build(lab.workspace.directory / "loops.wasm")
    os.replace(loops, path)
    assert lab.workspace.longshore("confirm", submitted).code == 0
    ended = lab.ended(submitted)
    assert (ended["state"], ended["failure_code"]) == ("Failed", "OperationNotUsable"), ended
    assert "the plugin changed since the job was submitted" in ended["failure_reason"]
