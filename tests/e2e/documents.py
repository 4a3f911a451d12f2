"""Writes what job files and policies are made of."""

import json


def policy(*statements):
    """An IAM policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def toml(value):
    """A value as TOML writes it in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def allow(actions, resource="*", sid="Some", **more):
    """A statement that allows."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, **more}


def deny(actions, resource="*", sid="Not", **more):
    """A statement that denies."""
    return {**allow(actions, resource, sid, **more), "Effect": "Deny"}


ALLOW_ALL = allow("s3:*", sid="All")
