"""What the other evaluator is known to do differently, each as a rewriting of the case that spells the difference out: a
difference is explained by a quirk only if, asked about the rewritten case, our evaluator gives the other one's answer.

Q8 (a `*` in the request's resource is a pattern) has no rewriting: such requests are not generated. Of Q9, BinaryEquals on
texts of the same bytes cannot come up: our loader takes canonical base64 only."""

import copy
import re

NEVER = "arn:aws:s3:::never-a-resource"
VARIABLE = re.compile(r"\$\{([^*?$}][^},]*)(?:, '([^']*)')?\}")
EVERY_ADDRESS = ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]


def old_version(case):
    """Q1: variables live in documents of every version."""
    for document in documents(case):
        document["Version"] = "2012-10-17"


def unresolved_and_negated(case):
    """Q2: a negated operator with an unresolved variable is false, if the key is there."""
    def rewrite(operator, key, values):
        if is_negated_text(operator) and any(is_unresolved(case, value) for value in values):
            everything = "arn:*:*:*:*:*" if "arn" in operator.lower() else "*"
            return re.sub("NotEquals(IgnoreCase)?", "NotLike", operator, flags=re.I), key, [everything]
        return operator, key, values
    conditions(case, rewrite)


def unresolved_not_resource(case):
    """Q3: a statement never applies if a variable of its NotResource is unresolved."""
    for statement in statements(case, with_variables=True):
        if any(is_unresolved(case, value) for value in listed(statement.get("NotResource", []))):
            statement["NotResource"] = "*"


def milliseconds(case):
    """Q4: whole epoch seconds are taken for milliseconds."""
    def smaller(value):
        return f"{int(value) // 1000}.{int(value) % 1000:03}" if re.fullmatch(r"\d{5,}", str(value)) else value

    def rewrite(operator, key, values):
        return operator, key, [smaller(value) for value in values] if "date" in operator.lower() else values
    conditions(case, rewrite)
    context = case["request"]["context"]
    for key, value in context.items():
        if isinstance(value, str):
            context[key] = smaller(value)


def line_feed(case):
    """Q5: wildcards do not match a line feed, so only `*` alone covers a key that has one."""
    if "\n" in case["request"]["resource"]:
        for statement in statements(case):
            for element in ("Resource", "NotResource"):
                if element in statement:
                    statement[element] = [value if value == "*" else NEVER for value in listed(statement[element])]


def session_always(case):
    """Q6: a session policy limits every grant of the resource policy, as a guard would."""
    if "session" in case and "resourcePolicy" in case:
        case.setdefault("scp", []).append([copy.deepcopy(case["session"])])


def networks(case):
    """Q7: a lone address of the other family makes NotIpAddress false; 0.0.0.0/0 holds nothing."""
    def rewrite(operator, key, values):
        address = value_of(case, key)
        if "ipaddress" not in operator.lower() or not isinstance(address, str):
            return operator, key, values
        lone = [value for value in values if "/" not in value and (":" in value) != (":" in address)]
        if lone and operator.lower().startswith("not"):
            return operator, key, EVERY_ADDRESS
        return operator, key, [value for value in values if value != "0.0.0.0/0"] or ["192.0.2.255"]
    conditions(case, rewrite)


def empty_is_missing(case):
    """Q9: an empty value or default of a variable counts as missing; ForAnyValue…IfExists is false without the key."""
    def substitute(match):
        name, default = match[1], match[2]
        value = value_of(case, name)
        if value == "":
            return literal(default) if default else "never-a-text"
        return match[0] if default != "" else "${" + name + "}"

    def rewrite(operator, key, values):
        if operator.lower().startswith("foranyvalue:"):
            operator = re.sub("IfExists$", "", operator, flags=re.I)
        return operator, key, values
    conditions(case, rewrite)
    conditions(case, lambda operator, key, values: (operator, key, [
        VARIABLE.sub(substitute, value) if isinstance(value, str) else value for value in values]), with_variables=True)
    for statement in statements(case, with_variables=True):
        for element in ("Resource", "NotResource"):
            if element in statement:
                statement[element] = [VARIABLE.sub(substitute, value) for value in listed(statement[element])]


def spared_by_any_name(case):
    """N1 (section 6.1 of the user guide asks for all three): NotPrincipal spares whoever any of its values names."""
    principal = case["request"]["principal"]
    account = principal.split(":")[4]
    names = {principal, account, f"arn:aws:iam::{account}:root"}
    whole = [principal, account]
    if role := re.fullmatch(r"arn:aws:sts::\d+:assumed-role/(.+)/.+", principal):
        whole.append(f"arn:aws:iam::{account}:role/{role[1]}")
    for statement in statements(case):
        excluded = statement.get("NotPrincipal")
        if isinstance(excluded, dict):
            values = listed(excluded["AWS"])
            if any(value in names or (role and is_role(value, account, role[1])) for value in values):
                statement["NotPrincipal"] = {"AWS": sorted({*values, *whole})}


def empty_set_is_present(case):
    """N2 (the user guide has no such request): a key with an empty set of values is there."""
    def rewrite(operator, key, values):
        if value_of(case, key) == []:
            if operator.lower() == "null":
                return operator, key, ["false" if str(value).lower() == "true" else "true" for value in values]
            if operator.lower().startswith("foranyvalue:"):
                operator = re.sub("IfExists$", "", operator, flags=re.I)
        return operator, key, values
    conditions(case, rewrite)


def escape_only_in_patterns(case):
    """N3: `${*}` is the character only where there are wildcards; StringEquals compares it as it is written."""
    def rewrite(operator, key, values):
        if re.search("String(Not)?Equals", operator, re.I):
            values = [re.sub(r"\$\{([*?$])\}", r"${$}{\1}", value) if isinstance(value, str) else value for value in values]
        return operator, key, values
    conditions(case, rewrite, with_variables=True)


# In the order in which they are applied: the first makes variables of what was literal text.
QUIRKS = {
    "Q1": old_version, "N3": escape_only_in_patterns, "Q9": empty_is_missing, "Q2": unresolved_and_negated, "Q3": unresolved_not_resource, "Q4": milliseconds,
    "Q5": line_feed, "Q6": session_always, "Q7": networks,
    "N1": spared_by_any_name, "N2": empty_set_is_present,
}


def rewritten(case, names):
    """The case with these quirks spelled out."""
    made = copy.deepcopy(case)
    for name, rewrite in QUIRKS.items():
        if name in names:
            rewrite(made)
    return made


def documents(case):
    """Every document of a case."""
    yield from case["identity"]
    yield from case.get("boundary", [])
    yield from (case[name] for name in ("session", "resourcePolicy") if name in case)
    yield from (document for name in ("scp", "rcp") for level in case.get(name, []) for document in level)


def statements(case, with_variables=False):
    """Every statement; or those in which variables live."""
    for document in documents(case):
        if not with_variables or document.get("Version") == "2012-10-17":
            yield from document["Statement"]


def conditions(case, rewrite, with_variables=False):
    """Rewrites every test of every statement."""
    for statement in statements(case, with_variables):
        made = {}
        for operator, block in statement.get("Condition", {}).items():
            for key, values in block.items():
                operator_now, key_now, values_now = rewrite(operator, key, listed(values))
                # Two tests may have become alike in operator and key; another spelling keeps them apart.
                spellings = (operator_now, operator_now.lower(), operator_now.upper(), operator_now.swapcase())
                place = next(name for name in spellings if key_now.lower() not in map(str.lower, made.get(name, {})))
                made.setdefault(place, {})[key_now] = values_now
        if "Condition" in statement:
            statement["Condition"] = made


def is_negated_text(operator):
    return re.search("(String|Arn)Not", operator, re.I)


def is_unresolved(case, text):
    """Whether a variable of the text has neither a value nor a default."""
    found = VARIABLE.findall(text) if isinstance(text, str) else []
    defaults = {match[1] for match in VARIABLE.finditer(str(text)) if match[2] is not None}
    return any(name not in defaults and not isinstance(value_of(case, name), str) for name, _ in found)


def value_of(case, key):
    folded = {name.lower(): value for name, value in case["request"]["context"].items()}
    return folded.get(key.lower())


def literal(text):
    """The text as a policy spells it literally."""
    return "".join("${" + c + "}" if c in "*?$" else c for c in text)


def is_role(value, account, name):
    return re.fullmatch(f"arn:aws:iam::{account}:role/(.+/)?{re.escape(name)}", value)


def listed(values):
    return values if isinstance(values, list) else [values]
