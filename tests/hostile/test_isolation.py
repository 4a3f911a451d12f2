"""Guests that want more than their own task: what the last one left, another job's time, the engine's handles."""

import os

from guests import Guest

PAIRS = 10_000


def test_nothing_is_smuggled_from_task_to_task(lab):
    """A guest keeps its key in a global, a table and memory, also in pages that it got by growing, and looks for what the last
    task kept: 10,000 pairs of tasks, and none finds anything."""
    guest = Guest(
        extra="""(global $kept (mut i32) (i32.const 0)) (table $t 10 funcref) (func $mark) (elem declare func $mark)
            (memory $second 2)
            (func $look (result i32) (local $at i32) (local $end i32)
              (if (global.get $kept) (then (return (i32.const 1))))
              (if (i32.eqz (ref.is_null (table.get $t (i32.const 5)))) (then (return (i32.const 1))))
              (if (i32.load $second (i32.const 70000)) (then (return (i32.const 1))))
              (local.set $at (i32.const 131072))
              (local.set $end (i32.mul (memory.size) (i32.const 65536)))
              (loop $l
                (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (return (i32.const 1))))
                (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1024))) (local.get $end))))
              (i32.const 0))
            (func $keep
              (global.set $kept (i32.const 1)) (table.set $t (i32.const 5) (ref.func $mark))
              (i32.store $second (i32.const 70000) (i32.const 1))
              (memory.fill (i32.const 131072) (i32.const 0x55) (i32.const 196608)))""",
        run="""(drop (memory.grow (i32.const 3)))
            (if (call $look) (then (call $fail {code} {why})))
            (call $keep)""")
    guest.parts["run"] = guest.parts["run"].format(code=guest.text("Smuggled"), why=guest.text("of another task"))
    keys = [f"k{number:05}" for number in range(PAIRS + 1)]
    outcomes = lab.run(guest, keys, concurrency=32)
    assert {outcome[:3] for outcome in outcomes.values()} == {("succeeded", "200", "")}
    assert len(outcomes) == PAIRS + 1


def test_handles_that_a_guest_keeps_go_with_its_task(lab):
    """Hundreds of tasks, each with nearly as many handles as it may have and megabytes behind them."""
    guest = Guest(run="""(local $n i32)
        (loop $l (drop (call $object.put (local.get $object) (i32.const 0) (i32.const 2000)))
          (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 900))))""")
    keys = [f"k{number}" for number in range(500)]
    outcomes = lab.run(guest, keys, concurrency=4)
    assert all(outcome[0] == "succeeded" for outcome in outcomes.values())


def test_a_spinning_job_does_not_starve_another(lab):
    """A job whose every task uses all the time that it may have; one that is submitted after it ends before it."""
    spinning = Guest(run="(loop $l (br $l))")
    first = lab.workspace.submit(lab.prepare(spinning, [f"k{number}" for number in range(400)], concurrency=4 * os.cpu_count()))
    try:
        other = lab.ended(lab.workspace.submit(lab.prepare("noop", [f"k{number}" for number in range(100)])))
        assert (other["state"], other["succeeded"]) == ("Complete", 100)
        assert lab.workspace.status(first)["state"] == "Active", "the spinning job was to be slow"
    finally:
        lab.workspace.longshore("cancel", first)
    ended = lab.ended(first)
    assert set(ended["failures"]) <= {"PluginTimeout"}
