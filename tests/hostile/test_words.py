"""Guests whose words mean harm: to a terminal, to a log, to a spreadsheet, to whoever believes a code."""

import re

import pytest

from guests import Guest

#: What no line may carry to a terminal: control characters but the line's end, and marks that turn the direction of writing.
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n2026-01-01T00:00:00Z ERROR forged\x00\u202ecod.exe\u2066\u2028end"

FORMULAS = ["=cmd|' /C calc'!A0", "+1+cmd|'x'!A0", "-2+3+cmd|'x'!A0", '@SUM(1+1)*cmd|"x"!A0', '=HYPERLINK("http://x","y")',
            "\t=1+1", "\r=1+1", "＝1+1", "＋1", "－1+1", "＠x", '","=1+1', '"\n=1+1', "=1+1;=2+2"]


def ends(guest, text):
    """Each way to end a task with a text."""
    return {
        "done": (None, f"(call $done {guest.text(text)})"),
        "skipped": (None, f"(call $skipped {guest.text(text)})"),
        "failed": ("Own", f"(call $fail {guest.text('Own')} {guest.text(text)})"),
        "code": ("PluginFailure", f"(call $fail {guest.text(text)} {guest.text('why')})"),
    }


def plans(guest, text, key):
    """Plans that are refused with words of theirs: where a copy goes, what it is about."""
    begin = "(local $request i32) (local.set $request (call $object.head {}))"
    end = """(i32.store (i32.const 776) (local.get $request))
        (i32.store (i32.const 768) (i32.const 776)) (i32.store (i32.const 772) (i32.const 1))"""
    other = f"(call $open {guest.text('allowed')} {key} (i32.const 0) (i32.const 0) (i32.const 0))"
    store = f"(call $request.set-store (local.get $request) {text})"
    return {
        "planned store": ("InvalidRequest", begin.format("(local.get $object)") + store + end),
        "planned key": ("AccessDenied", begin.format(other) + end),
    }


def test_a_terminal_is_not_steered(lab):
    guest = Guest()
    for name, (code, body) in ends(guest, EVIL).items():
        guest.attack(name, code, body)
    for name, (code, body) in plans(guest, guest.text(EVIL), guest.text(EVIL.replace("\x00", ""))).items():
        guest.attack(name, code, plan=body)
    outcomes = lab.attack(guest)
    assert all("forged" in outcomes[key][3] for key in guest.expected), outcomes
    job = lab.jobs[-1]
    for command in (["report", job, "--rows", "all"], ["failures", job], ["status", job], ["export", job, "-o", "-", "--format", "csv"]):
        shown = lab.workspace.longshore(*command)
        assert shown.code == 0, (command, shown.err)
        assert not STEERS.search(shown.out + shown.err), (command, STEERS.search(shown.out))


def test_a_log_is_not_forged_and_not_flooded(lab):
    guest = Guest(extra="(func $warn (param i32 i32) (call $log (i32.const 1) (local.get 0) (local.get 1)))")
    line = guest.text(EVIL)
    for number in range(4):
        guest.attack(f"line {number}", None, f"(call $warn {line})")
    guest.attack("lines", None, f"""(local $n i32) (loop $l (call $warn {guest.text("x" * 1000)})
        (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))""")
    guest.attack("empty lines", None, """(local $n i32) (loop $l (call $warn (i32.const 0) (i32.const 0))
        (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))""")
    before = lab.log.stat().st_size
    lab.attack(guest)
    written = lab.log.read_bytes()[before:].decode()
    assert "forged" in written
    assert not STEERS.search(written)
    assert not re.search(r"^2026-01-01", written, re.MULTILINE)
    assert len(written) < 200_000, f"{len(written)} bytes of log"


def test_a_spreadsheet_calculates_nothing(lab):
    """The report's words are no formulas; its keys are those of the manifest, byte for byte."""
    guest = Guest()
    for formula in FORMULAS:
        for name, (code, body) in ends(guest, formula).items():
            guest.attack(name, code, body)
    number = guest.text("-12.5")
    guest.attack("a number", None, f"(call $done {number})")
    outcomes = lab.attack(guest)
    for key, outcome in outcomes.items():
        if key.endswith("a-number"):
            assert outcome[3] == "-12.5", "a number calculates nothing"
        for cell in outcome[2:]:
            assert cell[:1] not in tuple("=+@\t\r＝＋－＠") and (cell[:1] != "-" or cell == "-12.5"), (key, outcome)


def test_floods_of_words_are_cut(lab):
    guest = Guest(pages="900")
    whole = "(i32.const 131072) (i32.const 50000000)"
    bodies = {
        "done": (None, f"(call $done {whole})"), "skipped": (None, f"(call $skipped {whole})"),
        "message": ("Own", f"(call $fail {guest.text('Own')} {whole})"), "code": ("PluginFailure", f"(call $fail {whole} {guest.text('why')})"),
        "log": (None, f"(call $log (i32.const 2) {whole})"),
        "code and message": ("PluginBytesLimit", f"(call $fail {whole} {whole})"),
    }
    for name, (code, body) in bodies.items():
        for number in range(4):
            guest.attack(f"{name} {number}", code, body)
    long = "(i32.const 131072) (i32.const 8000000)"
    for name, (_, body) in plans(guest, long, long).items():
        guest.attack(name, "InvalidRequest", plan=body)
    outcomes = lab.attack(guest)
    assert max(len(outcome[3].encode()) for outcome in outcomes.values()) <= 4096


@pytest.mark.parametrize("code", ["TaskKillsEngine", "StoreNotUsable", "ConnectionError", "Timeout", "SlowDown", "CredentialsError",
                                  "RequestTimeTooSkewed", "OperationNotUsable", "DiskFull", "InternalError"])
def test_a_code_of_the_engine_s_own_is_just_a_code(lab, code):
    """Whatever a guest says has happened holds back no job: other tasks go on."""
    guest = Guest()
    for number in range(20):
        guest.attack(f"n {number}", code, f"(call $fail {guest.text(code)} {guest.text('says the guest')})")
    lab.attack(guest)
