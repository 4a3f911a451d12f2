"""docs/threat-model.md promises nothing without a test."""

import re

from harness import ROOT

PAGE = (ROOT / "docs/threat-model.md").read_text()


def test_every_test_that_it_names_exists():
    named = re.findall(r"`([\w/.-]+\.(?:py|rs))::(\w+)`", PAGE)
    assert len(named) > 20, "they are not found any more"
    missing = [f"{file}::{name}" for file, name in named
               if not re.search(rf"^ *(?:async )?(?:def|fn) {name}\(", (ROOT / file).read_text(), re.MULTILINE)]
    assert missing == []


def test_every_promise_is_held_by_a_test():
    promised = PAGE[PAGE.index("## What is promised"):PAGE.index("## What is not promised")]
    rows = re.findall(r"^\| (.+) \| (.+) \|$", promised, re.MULTILINE)
    rows = [row for row in rows if row != ("promise", "held by")]
    assert len(rows) > 15
    assert [promise for promise, held_by in rows if "::" not in held_by and "`tests/hostile`" not in held_by] == []


def test_every_test_of_the_suite_holds_a_promise():
    suite = {(f"tests/hostile/{path.name}", name) for path in (ROOT / "tests/hostile").glob("test_*.py")
             for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE) if path.name != "test_threat_model.py"}
    assert suite - set(re.findall(r"`([\w/.-]+\.py)::(\w+)`", PAGE)) == set()
