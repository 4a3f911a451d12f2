"""Decides random cases with longshore and with an independent evaluator, and explains every difference or fails.

    differential.py [--seed N] [--cases N]
"""

import argparse
import collections
import copy
import itertools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from generate import case
from quirks import QUIRKS, documents, rewritten

ROOT = Path(__file__).resolve().parents[2]
LONGSHORE = Path(os.environ.get("LONGSHORE_BIN", ROOT / "target/debug/longshore"))
ORACLE = ROOT / "target/node/node_modules/@cloud-copilot/iam-simulate/dist/esm/index.js"
# Cases in memory at a time.
BATCH = 2_000
# Unexplained differences that are shrunk and shown; one mistake makes hundreds.
SHOWN = 5


class Evaluator:
    """A process that answers cases, line by line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def answers(self, cases):
        """The decision on each case; what is no decision is answered as it is."""
        writer = threading.Thread(target=self.write, args=(cases,))
        writer.start()
        answers = [self.read() for _ in cases]
        writer.join()
        return answers

    def write(self, cases):
        for one in cases:
            self.process.stdin.write(json.dumps(one) + "\n")
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended early")
        answer = json.loads(line)
        return answer.get("decision") or json.dumps(answer)

    def stop(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit(f"{self.process.args[0]} failed")


class Comparison:
    """Both evaluators, and how their differences are explained."""

    def __init__(self):
        self.ours = Evaluator(LONGSHORE, "policy", "evaluate")
        self.other = Evaluator("node", Path(__file__).with_name("oracle.mjs"), ORACLE)

    def differences(self, cases):
        """The cases that are decided differently, with both answers."""
        pairs = zip(cases, self.ours.answers(cases), self.other.answers(cases))
        return [(one, ours, other) for one, ours, other in pairs if ours != other]

    def quirks_of(self, one, other):
        """The fewest quirks that make our evaluator give the other's answer; None if nothing does."""
        known = [name for name in QUIRKS if rewritten(one, {name}) != one or name in ("Q2", "Q3")]
        for count in range(1, len(known) + 1):
            sets = list(itertools.combinations(known, count))
            for names, answer in zip(sets, self.ours.answers([rewritten(one, names) for names in sets])):
                if answer == other:
                    return names
        return None

    def unexplained(self, cases):
        """The first of the cases whose difference no quirk explains."""
        for one, ours, other in self.differences(cases):
            if is_decision(ours) and is_decision(other) and self.quirks_of(one, other) is None:
                return one, ours, other
        return None

    def shrunk(self, found):
        """The smallest case to be had from this one by leaving things out."""
        while smaller := self.unexplained(list(reductions(found[0]))):
            found = smaller
        return found

    def stop(self):
        self.ours.stop()
        self.other.stop()


def is_decision(answer):
    return answer in ("Allow", "ImplicitDeny", "ExplicitDeny")


def reductions(one):
    """The case with one thing less, large things first."""
    def without(path):
        made = copy.deepcopy(one)
        *way, last = path
        place = made
        for step in way:
            place = place[step]
        del place[last]
        return made

    for name in ("boundary", "session", "resourcePolicy", "scp", "rcp"):
        if name in one:
            yield without([name])
    for name in ("identity", "boundary", "scp", "rcp"):
        yield from (without([name, index]) for index in range(len(one.get(name, []))))
    for key in one["request"]["context"]:
        yield without(["request", "context", key])
    for path in optional(one, []):
        yield without(path)


def optional(value, path):
    """The paths of what may be left out: a member of a list that has others, a condition, one of its tests."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    in_condition = "Condition" in path
    for key, inner in entries:
        here = [*path, key]
        if key == "Condition" or (in_condition and isinstance(value, dict)) or (isinstance(value, list) and len(value) > 1):
            yield here
        yield from optional(inner, here)


def size(one):
    return len(json.dumps(one))


def compare(comparison, seed, count):
    """Counts the differences by what explains them; those that nothing explains come as they are."""
    explained, decisions, unexplained = collections.Counter(), collections.Counter(), []
    for start in range(0, count, BATCH):
        cases = [case(seed, number) for number in range(start, min(start + BATCH, count))]
        answers = comparison.ours.answers(cases)
        decisions.update(answers)
        for one, ours, other in zip(cases, answers, comparison.other.answers(cases)):
            if ours == other and is_decision(ours):
                continue
            names = comparison.quirks_of(one, other) if is_decision(ours) and is_decision(other) else None
            if names is None:
                unexplained.append((one, ours, other))
            else:
                explained["+".join(sorted(names))] += 1
    return explained, decisions, unexplained


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--cases", type=int, default=20_000)
    options = options.parse_args()
    comparison = Comparison()
    explained, decisions, unexplained = compare(comparison, options.seed, options.cases)
    print(f"policy-differential: seed {options.seed}, {options.cases} cases: " +
          ", ".join(f"{count} {decision}" for decision, count in decisions.most_common(3)))
    for names, count in sorted(explained.items()):
        print(f"  {count:6} differ by {names}")
    print(f"  {len(unexplained):6} differ and nothing explains it")
    small = [comparison.shrunk(found) if is_decision(found[1]) and is_decision(found[2]) else found for found in unexplained[:SHOWN]]
    for one, ours, other in sorted(small, key=lambda found: size(found[0])):
        print(f"\n{one['id']}: longshore {ours}, the other {other}\n{json.dumps(one)}")
    comparison.stop()
    # Most cases must not end alike, or the comparison would show little.
    if unexplained or any(count * 20 < options.cases for _, count in decisions.most_common(3)) or len(decisions) != 3:
        sys.exit(1)


if __name__ == "__main__":
    main()
