"""Guests that mean harm while they run: each fails its own task with a code of its own, and nothing else happens."""

import re

from guests import Guest, imports

TRAP, TIMEOUT, MEMORY = "PluginTrap", "PluginTimeout", "PluginMemoryLimit"
HANDLES, BYTES, REQUESTS = "PluginHandleLimit", "PluginBytesLimit", "PluginRequestLimit"

LOOP = "(loop $l (br $l))"


def test_time(lab):
    """Loops wherever a guest has code that the host calls, and slow instructions."""
    guest = Guest(
        extra="""(global $mode (mut i32) (i32.const 0))
            (func (export "cabi_post_run") (param i32) (if (i32.eq (global.get $mode) (i32.const 2)) (then (loop $l (br $l)))))
            (func $calls (loop $l (call $nothing) (br $l)))
            (func $nothing)
            (func $log_forever (loop $l (call $log (i32.const 3) (i32.const 8192) (i32.const 1)) (br $l)))""",
        realloc="(if (i32.eq (global.get $mode) (i32.const 1)) (then (loop $l (br $l))))")
    guest.attack("loop in run", TIMEOUT, LOOP)
    guest.attack("loop in plan", TIMEOUT, plan=LOOP)
    guest.attack("loop of calls", TIMEOUT, "(call $calls)")
    guest.attack("loop in realloc", TIMEOUT, "(global.set $mode (i32.const 1)) (call $object.key (local.get $object) (i32.const 640))")
    guest.attack("loop in post return", TIMEOUT, "(global.set $mode (i32.const 2))")
    guest.attack("loop of host calls", TIMEOUT, "(call $log_forever)")
    guest.attack("loop of large fills", TIMEOUT, "(loop $l (memory.fill (i32.const 65536) (i32.const 1) (i32.const 65536)) (br $l))")
    guest.attack("loop of large texts to the host", TIMEOUT,
                 "(loop $l (call $log (i32.const 3) (i32.const 8192) (i32.const 100000)) (br $l))")
    lab.attack(guest)


def test_space(lab):
    """Memory, tables, handles, and what the host keeps for a guest."""
    name = "(i32.const 65536) (i32.const 60000)"
    guest = Guest(
        extra="""(memory $second 1) (table $t 1 funcref)
            (func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
            (func $open_named (param $bytes i32) (result i32)
              (call $open (i32.const 65536) (local.get $bytes) (i32.const 65536) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))""",
        pages="17")
    guest.attack("recursion", TRAP, "(drop (call $deep (i64.const 0)))")
    guest.attack("memory page by page", MEMORY, "(loop $l (drop (memory.grow (i32.const 1))) (br $l))")
    guest.attack("memory at once", MEMORY, "(drop (memory.grow (i32.const 65000)))")
    guest.attack("memory in two", MEMORY, "(drop (memory.grow (i32.const 600))) (drop (memory.grow $second (i32.const 600)))")
    guest.attack("table", MEMORY, "(loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l))")
    guest.attack("table at once", MEMORY, "(drop (table.grow $t (ref.null func) (i32.const 0x7fffffff)))")
    guest.attack("requests kept", HANDLES, "(loop $l (drop (call $object.head (local.get $object))) (br $l))")
    guest.attack("objects kept", HANDLES, "(loop $l (drop (call $open_named (i32.const 1))) (br $l))")
    guest.attack("bodies kept", BYTES,
                 "(loop $l (drop (call $object.put (local.get $object) (i32.const 0) (i32.const 1000000))) (br $l))")
    guest.attack("names kept", BYTES, f"(loop $l (drop (call $open_named (i32.const 1000000))) (br $l))")
    guest.attack("names kept by requests", BYTES, """(local $o i32)
        (local.set $o (call $open_named (i32.const 1000000)))
        (loop $l (drop (call $object.head (local.get $o))) (br $l))""")
    guest.attack("upload IDs kept", BYTES,
                 "(loop $l (drop (call $object.abort-upload (local.get $object) (i32.const 65536) (i32.const 1000000))) (br $l))")
    guest.attack("keys of encryption kept", BYTES,
                 "(loop $l (drop (call $object.update-encryption (local.get $object) (i32.const 65536) (i32.const 1000000))) (br $l))")
    guest.attack("markers kept", BYTES, """(loop $l
        (drop (call $object.list-versions (local.get $object) (i32.const 1) (i32.const 65536) (i32.const 1000000))) (br $l))""")
    guest.attack("misfits kept", HANDLES, """(loop $l
        (drop (call $object.checksum (local.get $object) (i32.const 65536) (i32.const 1000000))) (br $l))""")
    guest.attack("headers kept", BYTES, """(local $r i32) (local.set $r (call $object.head (local.get $object)))
        (loop $l (call $request.set-if-match (local.get $r) (i32.const 65536) (i32.const 1000000)) (br $l))""")
    guest.attack("many empty tags", BYTES, """(drop (memory.grow (i32.const 900)))
        (drop (call $object.put-tags (local.get $object) (i32.const 65536) (i32.const 3600000)))""")
    guest.attack("requests sent", REQUESTS, """(loop $l
        (call $send (call $object.head (local.get $object)) (i32.const 4096)) (br $l))""")
    lab.attack(guest)


def test_pointers(lab):
    """Results that are none, and handles that are not the guest's."""
    guest = Guest(
        extra="""(global $mode (mut i32) (i32.const 0))
            (table $t 1 funcref)
            (func (export "cabi_post_run") (param i32)
              (if (i32.eq (global.get $mode) (i32.const 3)) (then unreachable))
              (if (i32.eq (global.get $mode) (i32.const 4)) (then (call $log (i32.const 3) (i32.const 0) (i32.const 1)))))""",
        realloc="""(if (i32.eq (global.get $mode) (i32.const 1)) (then unreachable))
            (if (i32.eq (global.get $mode) (i32.const 2)) (then (return (i32.const -16))))
            (if (i32.eq (global.get $mode) (i32.const 5)) (then (call $log (i32.const 3) (i32.const 0) (i32.const 1))))
            (if (i32.eq (global.get $mode) (i32.const 6)) (then (return (i32.const 65537))))""")
    key = "(call $object.key (local.get $object) (i32.const 640))"
    ends = {
        "text out of range": "(call $done (i32.const -8) (i32.const 100))",
        "text beyond the end": "(call $done (i32.const 131000) (i32.const 100))",
        "text of 2 GiB": "(call $done (i32.const 8) (i32.const 0x7fffffff))",
        "text of 4 GiB": "(call $done (i32.const 8) (i32.const -1))",
        "code of 4 GiB": "(call $fail (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1))",
        "text that wraps around": "(call $done (i32.const -1) (i32.const 2))",
        "result of a case that is none": "(i32.store8 (i32.const 512) (i32.const 7))",
        "outcome of a case that is none": "(i32.store8 (i32.const 516) (i32.const 255))",
        "option of a case that is none": "(i32.store8 (i32.const 520) (i32.const 2))",
        "realloc that traps": f"(global.set $mode (i32.const 1)) {key}",
        "realloc out of range": f"(global.set $mode (i32.const 2)) {key}",
        "realloc that calls the host": f"(global.set $mode (i32.const 5)) {key}",
        "post return that traps": "(global.set $mode (i32.const 3))",
        "post return that calls the host": "(global.set $mode (i32.const 4))",
        "result place out of range": "(call $object.key (local.get $object) (i32.const -4))",
        "result place misaligned": "(call $object.key (local.get $object) (i32.const 641))",
        "list out of range": "(drop (call $object.put-tags (local.get $object) (i32.const 131000) (i32.const 1000)))",
        "list misaligned": "(drop (call $object.put-tags (local.get $object) (i32.const 4097) (i32.const 1)))",
        "list of 4 billion": "(drop (call $object.put-tags (local.get $object) (i32.const 4096) (i32.const -1)))",
        "body of 4 GiB": "(drop (call $object.put (local.get $object) (i32.const 0) (i32.const -1)))",
        "level that is none": "(call $log (i32.const 9) (i32.const 0) (i32.const 1))",
        "option that is none": "(drop (call $object.list-versions (local.get $object) (i32.const 5) (i32.const 0) (i32.const 0)))",
        "handle that is none": "(call $response.drop (i32.const 77))",
        "handle 0": "(call $request.drop (i32.const 0))",
        "handle of another kind": "(call $request.drop (local.get $object))",
        "handle of another kind as itself": "(call $object.key (local.get $task) (i32.const 640))",
        "handle given away": """(local $r i32) (local.set $r (call $object.head (local.get $object)))
            (call $send (local.get $r) (i32.const 4096)) (call $request.provisional (local.get $r))""",
        "handle dropped twice": """(local $r i32) (local.set $r (call $object.head (local.get $object)))
            (call $request.drop (local.get $r)) (call $request.drop (local.get $r))""",
        "borrowed handle sent": "(call $send (local.get $object) (i32.const 4096))",
        "borrowed handle dropped before the end": "(call $drop_object (local.get $object))",
        "division by zero": "(drop (i32.div_u (i32.const 1) (i32.load (i32.const 768))))",
        "conversion that overflows": "(drop (i32.trunc_f64_s (f64.const 1e300)))",
        "load out of range": "(drop (i64.load (i32.const -4)))",
        "call of nothing": "(call_indirect (i32.const 0))",
        "call beyond the table": "(call_indirect (i32.const 1000))",
        "fill out of range": "(memory.fill (i32.const -2) (i32.const 0) (i32.const 100))",
    }
    for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"ok\x80"):
        ends[f"text that is not UTF-8 {bad.hex()}"] = f"(call $done {guest.text(bad)})"
    for name, body in ends.items():
        guest.attack(name, TRAP, body)
    plans = {
        "plan with an object": "(i32.store (i32.const 768) (i32.const 776)) (i32.store (i32.const 772) (i32.const 1)) "
                               "(i32.store (i32.const 776) (local.get $object))",
        "plan with a request twice": "(i32.store (i32.const 768) (i32.const 776)) (i32.store (i32.const 772) (i32.const 2)) "
                                     "(i32.store (i32.const 776) (call $object.head (local.get $object))) "
                                     "(i32.store (i32.const 780) (i32.load (i32.const 776)))",
        "plan of 4 billion": "(i32.store (i32.const 768) (i32.const 776)) (i32.store (i32.const 772) (i32.const -1))",
        "plan that sends": "(call $send (call $object.head (local.get $object)) (i32.const 4096))",
    }
    for name, body in plans.items():
        guest.attack(name, TRAP, plan=body)
    lab.attack(guest)


def arguments(entry, lie):
    """Arguments for a call of an import: handles that are good, the rest 0; with a lie, pointers and lengths that cannot be."""
    values = []
    for position, kind in enumerate(entry["parameters"]):
        if kind == "handle":
            values.append("(local.get $handle)")
        elif kind == "i64":
            values.append("(i64.const 0)")
        elif kind == "pointer":
            values.append(f"(i32.const {-64 if lie else 4200})")
        elif kind == "length":
            values.append(f"(i32.const {0x7fffffff if lie else 0})")
        else:
            values.append("(local.get $handle)" if entry["name"] == "send" else "(i32.const 0)")
    return " ".join(values)


def test_traps_at_every_host_call(lab):
    """Before each function that a guest may call, after it, and with pointers that lead nowhere."""
    handles = {
        "object": "(local.get $object)", "task": "(local.get $task)", "request": "(call $object.head (local.get $object))",
        "response": "(call $answer (local.get $object))", "send": "(call $object.head (local.get $object))"}
    guest = Guest(extra=f"""(func $answer (param $object i32) (result i32)
        (call $send (call $object.head (call $open {{inside}} (i32.const 0) (i32.const 0) (i32.const 0))) (i32.const 4096))
        (if (i32.load8_u (i32.const 4096)) (then unreachable))
        (i32.load (i32.const 4100)))""")
    guest.parts["extra"] = guest.parts["extra"].replace("{inside}", f"{guest.text('allowed')} {guest.text('inside/k')}")
    called = {name: entry for name, entry in imports().items() if not name.endswith(".drop")}
    for name, entry in called.items():
        handle = handles.get(name.split(".")[0], "(i32.const 0)")
        call = f"(call ${name} {arguments(entry, False)})"
        call = f"(drop {call})" if entry["result"] else call
        begin = f"(local $handle i32) (local.set $handle {handle})"
        guest.attack(f"before {name}", TRAP, f"{begin} unreachable {call}")
        guest.attack(f"after {name}", TRAP, f"{begin} {call} unreachable")
        if {"pointer", "length"} & set(entry["parameters"]):
            lie = f"(call ${name} {arguments(entry, True)})"
            guest.attack(f"lie to {name}", TRAP, f"{begin} {f'(drop {lie})' if entry['result'] else lie} unreachable")
    assert len(called) > 100, "the functions are not found any more"
    outcomes = lab.attack(guest)
    reached = [key for key, outcome in outcomes.items() if re.match(r"\d+-after", key) and "unreachable" in outcome[3]]
    assert len(reached) == len(called), "the calls themselves went wrong"
