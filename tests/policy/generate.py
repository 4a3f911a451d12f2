"""Random cases over all policy types. A case is a function of its seed and number alone."""

import random

ACCOUNT, ELSEWHERE = "111122223333", "444455556666"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/batch/job-1"
PRINCIPALS = [ALICE, SESSION, SESSION, f"arn:aws:iam::{ELSEWHERE}:user/bob", f"arn:aws:sts::{ELSEWHERE}:assumed-role/batch/job-1"]
NAMED = [
    "*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ELSEWHERE, ALICE, SESSION, f"arn:aws:iam::{ACCOUNT}:role/batch",
    f"arn:aws:iam::{ACCOUNT}:role/service/batch", f"arn:aws:iam::{ELSEWHERE}:user/bob", f"arn:aws:iam::{ELSEWHERE}:role/batch",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/batch/job-2", f"arn:aws:iam::{ACCOUNT}:user/carol",
]
# Whom NotPrincipal has to list so that one caller is spared.
SPARED = [[ALICE, ACCOUNT], [SESSION, f"arn:aws:iam::{ACCOUNT}:role/batch", ACCOUNT]]
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:ListBucket", "s3:PutObjectRetention"]
ACTION_PATTERNS = [
    "*", "*", "s3:*", "s3:*", "s3:*", "s3:*", "s3:Get*", "s3:Put*", "S3:putobject*", "s3:???Object", "s3:*Object*", "s3:ListBucket", "s3:GetObject",
    "s3:PutObject", "s3:*Tagging",
]
OBJECTS = [
    "a", "alice/f", "alice/g/f", "red/f", "blue/f", "shared/f", "x:y/f", "a\nb", "café", "a.b", "aXb", "home/alice/red",
]
RESOURCE_PATTERNS = [
    "*", "*", "*", "arn:aws:s3:::*", "arn:aws:s3:::*", "arn:aws:s3:::data/*", "arn:aws:s3:::data/*", "arn:aws:s3:::data*", "arn:aws:s3:::data*", "arn:aws:s3:::data", "arn:*:s3:::data/*/f", "arn:aws:s3:::data/a?b",
    "arn:aws:s3:::data/a.b", "arn:aws:s3:::data/${aws:username}/*", "arn:aws:s3:::data/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::data/${aws:PrincipalTag/team, 'shared'}/f", "arn:aws:s3:::data/${AWS:UserName, 'red'}/?", "arn:aws:s3:::*/${*}b",
    "arn:aws:s3:::data/*/${aws:username}/*", "arn:aws:s3:::logs/*", "arn:aws:s3:::da??/caf?", "arn:aws:s3:::data/${aws:PrincipalTag/team, ''}*",
]

TEXT = ["red", "blue", "RED", "alice", "a", "prod-eu", "red*"]
TEXT_PATTERNS = ["red", "Blue", "r*", "*", "a?ice", "pr?d*", "${aws:username}", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team, 'red'}",
                 "${aws:username}*", "${*}", "red${*}", "${aws:PrincipalTag/team, ''}", "${s3:RequestObjectTagKeys}"]
NUMBERS = ["0", "5", "9", "10", "10.5", "-1", "1.2", "1.3", "100", "010"]
DATES = ["2026-11-22T12:00:00Z", "2026-11-22", "2026-11", "2026-11-22T12:00:00+02:00", "2026-11-22T10:00:00.5Z", "2027-01-01T00:00Z",
         "1798761600", "1795348800", "1795341600"]
ADDRESSES = ["203.0.113.7", "203.0.113.8", "10.1.2.3", "2001:db8::1"]
NETWORKS = ["203.0.113.7", "203.0.113.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "198.51.100.0/24", "203.0.113.4/30", "2001:db8::1"]
ARNS = [ALICE, f"arn:aws:iam::{ACCOUNT}:role/batch", "arn:aws:events:eu-west-1:444455556666:bus/abc:111122223333:rule/x", "arn:aws:s3:::data"]
ARN_PATTERNS = [f"arn:aws:iam::{ACCOUNT}:user/*", ALICE, "arn:aws:iam::*:user/${aws:username}", "arn:aws:events:*:111122223333:rule/*",
                "arn:*:*:*:*:*", "arn:aws:s3:::data", f"arn:aws:iam::{ACCOUNT}:role/bat??", "arn:aws:iam::*:user/${aws:username, 'alice'}"]
BYTES = ["QUJD", "qujd", "cmVk", ""]

COMPARED = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
# Type of key: operators, request values, policy values.
TYPES = {
    "text": (["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"],
             TEXT, TEXT_PATTERNS),
    "number": (["Numeric" + name for name in COMPARED], NUMBERS, NUMBERS),
    "date": (["Date" + name for name in COMPARED], DATES, DATES),
    "flag": (["Bool"], ["true", "false", "True"], ["true", "false", True, False]),
    "address": (["IpAddress", "NotIpAddress"], ADDRESSES, NETWORKS),
    "arn": (["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "StringLike", "StringNotEquals"], ARNS, ARN_PATTERNS),
    "bytes": (["BinaryEquals"], BYTES[:3], BYTES),
}
# Key: type, whether it holds a set, the actions that come with it (None: all).
KEYS = {
    "aws:username": ("text", False, None),
    "aws:PrincipalTag/team": ("text", False, None),
    "aws:CalledVia": ("text", True, None),
    "aws:CurrentTime": ("date", False, None),
    "aws:SecureTransport": ("flag", False, None),
    "aws:SourceIp": ("address", False, None),
    "aws:SourceArn": ("arn", False, None),
    "aws:UserAgent": ("bytes", False, None),
    "s3:TlsVersion": ("number", False, None),
    "s3:ExistingObjectTag/team": ("text", False, {"s3:GetObject", "s3:PutObjectTagging"}),
    "s3:RequestObjectTag/team": ("text", False, {"s3:PutObject", "s3:PutObjectTagging"}),
    "s3:RequestObjectTagKeys": ("text", True, {"s3:PutObject", "s3:PutObjectTagging"}),
    "s3:prefix": ("text", False, {"s3:ListBucket"}),
    "s3:max-keys": ("number", False, {"s3:ListBucket"}),
    "s3:object-lock-remaining-retention-days": ("number", False, {"s3:PutObject", "s3:PutObjectRetention"}),
    "s3:object-lock-retain-until-date": ("date", False, {"s3:PutObject", "s3:PutObjectRetention"}),
}


def case(seed, number):
    """One case."""
    rng = random.Random(f"{seed}/{number}")
    action, principal = rng.choice(ACTIONS), rng.choice(PRINCIPALS)
    resource = "arn:aws:s3:::data" if action == "s3:ListBucket" else f"arn:aws:s3:::data/{rng.choice(OBJECTS)}"
    made = {
        "id": f"{seed}/{number}",
        "request": {"principal": principal, "action": action, "resource": resource, "resourceAccount": ACCOUNT, "context": context(rng, action)},
        "identity": documents(rng, rng.choice([0, 1, 1, 1, 2]), "identity"),
    }
    if rng.random() < 0.2:
        made["boundary"] = documents(rng, 1, "boundary")
    if ":assumed-role/" in principal and rng.random() < 0.4:
        made["session"] = document(rng, "session")
    if rng.random() < (0.4 if f":{ACCOUNT}:" in principal else 0.9):
        made["resourcePolicy"] = document(rng, "resource")
    if rng.random() < 0.15:
        made["scp"] = [documents(rng, rng.choice([1, 1, 2]), "scp") for _ in range(rng.choice([1, 1, 2]))]
    if rng.random() < 0.1:
        made["rcp"] = [documents(rng, 1, "rcp")]
    return made


def context(rng, action):
    """Keys that the action has, most of them present."""
    made = {}
    for key, (kind, is_set, actions) in KEYS.items():
        if (actions and action not in actions) or rng.random() < 0.35:
            continue
        values = TYPES[kind][1]
        if is_set:
            made[key] = rng.sample(values, rng.randrange(4))
        else:
            made[key] = "" if kind == "text" and rng.random() < 0.04 else rng.choice(values)
    return made


def documents(rng, count, kind):
    return [document(rng, kind) for _ in range(count)]


def document(rng, kind):
    statements = [statement(rng, kind) for _ in range(rng.choice([1, 2, 3]))]
    made = {"Version": "2012-10-17", "Statement": statements}
    old = rng.random()
    if kind == "rcp":
        # The other evaluator takes these only with a version, an Action, and a service in it.
        return made
    if old < 0.06:
        made["Version"] = "2008-10-17"
    elif old < 0.1:
        del made["Version"]
    return made


def statement(rng, kind):
    denies = kind == "rcp" or rng.random() < 0.15
    made = {"Effect": "Deny" if denies else "Allow"}
    if kind == "rcp":
        made["Principal"] = "*"
    elif kind == "resource":
        names = rng.sample(NAMED, rng.choice([1, 1, 2, 3]))
        element = "NotPrincipal" if denies and rng.random() < 0.3 else "Principal"
        if element == "NotPrincipal" and rng.random() < 0.6:
            names = rng.choice(SPARED)
        made[element] = "*" if names == ["*"] and rng.random() < 0.5 else {"AWS": one_or_all(rng, names)}
    actions = [name for name in ACTION_PATTERNS if kind != "rcp" or name != "*"]
    element = "NotAction" if kind != "rcp" and rng.random() < 0.1 else "Action"
    made[element] = one_or_all(rng, rng.sample(actions, rng.choice([1, 1, 2])))
    made["NotResource" if rng.random() < 0.15 else "Resource"] = one_or_all(rng, rng.sample(RESOURCE_PATTERNS, rng.choice([1, 1, 2])))
    tests = condition(rng)
    if tests or rng.random() < 0.05:
        made["Condition"] = tests
    return made


def condition(rng):
    made, seen = {}, set()
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        key = rng.choice(list(KEYS))
        kind, is_set, _ = KEYS[key]
        operators, _, values = TYPES[kind]
        if rng.random() < 0.1:
            operator, chosen = "Null", [rng.choice(["true", "false", True, False])]
        else:
            operator = rng.choice(operators)
            if is_set:
                operator = rng.choice(["ForAllValues:", "ForAnyValue:"]) + operator
            if rng.random() < 0.25:
                operator += "IfExists"
            chosen = rng.sample(values, 1 if kind == "flag" else rng.choice([1, 1, 2, 3]))
        # Two spellings of a key under one operator do not load.
        if (operator, key) not in seen:
            made.setdefault(operator, {})[spelled(rng, key)] = one_or_all(rng, chosen)
        seen.add((operator, key))
    return made


def spelled(rng, key):
    """Names of keys are compared without case."""
    return key.swapcase() if rng.random() < 0.05 else key


def one_or_all(rng, values):
    return values[0] if len(values) == 1 and rng.random() < 0.7 else values
