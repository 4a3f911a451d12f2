"""`longshore policy evaluate`: cases in, decisions out, line by line."""

import json
import subprocess

from harness import LONGSHORE, ROOT

CASES = ROOT / "engine/policy/tests/data"
MEBIBYTE = 1 << 20


def evaluate(text, **options):
    done = subprocess.run([LONGSHORE, "policy", "evaluate"], input=text, capture_output=True, **options)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def case(**changes):
    request = {"principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", "resource": "arn:aws:s3:::data/a",
               "resourceAccount": "111122223333", "context": {}}
    allow = {"Sid": "All", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    return {"id": "x", "request": request, "identity": [{"Version": "2012-10-17", "Statement": [allow]}], **changes}


def lines(*cases):
    return "".join(json.dumps(one) + "\n" for one in cases).encode()


def test_the_worked_cases():
    for name, count in (("decisions.jsonl", 90), ("more_decisions.jsonl", 100)):
        text = (CASES / name).read_bytes()
        expected = [json.loads(line) for line in text.splitlines()]
        assert len(expected) >= count
        code, answers, errors = evaluate(text)
        assert (code, errors) == (0, "")
        found = [(answer["id"], answer.get("decision") or " ".join(finding["code"] for finding in answer["error"])) for answer in answers]
        assert found == [(one["id"], one["expect"]) for one in expected]


def test_a_decision_names_the_statements_that_apply():
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}}
    guard = {"Version": "2012-10-17", "Statement": {"Sid": "Guard", "Effect": "Allow", "Action": "*", "Resource": "*"}}
    code, [answer], _ = evaluate(lines(case(scp=[[guard]], boundary=[deny])))
    assert (code, answer["decision"]) == (0, "ExplicitDeny")
    assert [(one["document"], one["kind"], one["effect"], one.get("sid")) for one in answer["matched"]] == [
        ("identity[0]", "identity", "Allow", "All"), ("boundary[0]", "boundary", "Deny", None), ("scp[0][0]", "serviceControl", "Allow", "Guard")]


def test_policies_that_do_not_load_are_answered_with_all_their_errors():
    wrong = b'{"Version":"2012-10-17",\n "Statement":{"Effect":"Allow","Action":"GetObject","Resource":"data","Resource":"*"}}'
    # The text of a policy reaches the loader as it is: a name that stands twice is seen.
    line = lines(case(session="WRONG")).replace(b'"WRONG"', wrong.replace(b"\n", b""))
    code, [answer, sound], errors = evaluate(line + lines(case()))
    assert (code, errors, sound["decision"]) == (0, "", "Allow")
    assert [(one["document"], one["code"], one["line"], one["column"]) for one in answer["error"]] == [
        ("session", "L5", 1, 65), ("session", "L6", 1, 88), ("session", "L1", 1, 95)]


def test_lines_that_are_no_cases_are_named_and_the_others_answered():
    typo = case()
    typo["identities"] = typo.pop("identity")
    text = b"".join([
        lines(case(id="first")), b"\n", b"{nonsense\n", lines(typo), b"\xff\n", b'"' + b"x" * MEBIBYTE + b'"\n',
        lines(case(request=case()["request"] | {"context": {"a:b": 1}})), lines(case(id="last")).rstrip()])
    code, answers, errors = evaluate(text)
    assert code == 2
    assert [answer.get("id", answer.get("line")) for answer in answers] == ["first", 3, 4, 5, 6, 7, "last"]
    messages = [answer["error"] for answer in answers if "line" in answer]
    assert "column 2" in messages[0] and "unknown field `identities`" in messages[1]
    assert messages[3] == "the line is longer than 1048576 bytes"
    assert "a condition key holds a string or a list of strings" in messages[4]
    assert errors == "error: 5 of 8 lines are not cases; 'longshore policy evaluate --help' says what a case is\n"


def test_a_request_that_is_malformed_is_refused_with_its_reason():
    request = case()["request"] | {"action": "s3:*"}
    code, [answer], _ = evaluate(lines(case(request=request)))
    assert (code, answer["decision"], answer["matched"]) == (0, "ImplicitDeny", [])
    assert answer["errors"] == ['the request\'s action "s3:*" is not service:Name']


def test_answers_come_while_cases_still_do():
    with subprocess.Popen([LONGSHORE, "policy", "evaluate"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number in range(3):
            process.stdin.write(lines(case(id=str(number))))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == str(number)
        process.stdin.close()
        assert process.wait() == 0


def test_memory_does_not_grow_with_the_number_of_cases_or_the_length_of_a_line():
    script = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=sys.stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

    def peak(text):
        command = ["python3", "-c", script, LONGSHORE, "policy", "evaluate"]
        return int(subprocess.run(command, input=text, capture_output=True, check=True).stdout)

    few, many, long = peak(lines(case())), peak(lines(case()) * 20_000), peak(b"x" * (64 * MEBIBYTE) + b"\n")
    assert many < few + 8 * 1024 and long < few + 8 * 1024, f"KiB: {few}, {many}, {long}"
