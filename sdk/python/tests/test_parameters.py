"""Parameters: from a dataclass to a JSON Schema, from JSON to a value of it."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from longshore import parameters


@dataclass
class Rule:
    key_prefix: str
    weight: float = 1.0


@dataclass
class Parameters:
    min_bytes: Annotated[int, "How many bytes make an object large.", {"minimum": 1}]
    rules: list[Rule]
    mode: Literal["add", "replace"] = "add"
    owner: str | None = None
    dry: bool = False
    limits: dict[str, int] = field(default_factory=dict)


def test_the_schema_says_what_the_dataclass_says():
    assert parameters.schema(Parameters) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["min-bytes", "rules"],
        "properties": {
            "min-bytes": {"type": "integer", "description": "How many bytes make an object large.", "minimum": 1},
            "rules": {"type": "array", "items": {
                "type": "object", "additionalProperties": False, "required": ["key-prefix"],
                "properties": {"key-prefix": {"type": "string"}, "weight": {"type": "number", "default": 1.0}},
            }},
            "mode": {"type": "string", "enum": ["add", "replace"], "default": "add"},
            "owner": {"type": "string"},
            "dry": {"type": "boolean", "default": False},
            "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }


def test_a_document_becomes_a_value():
    document = {"min-bytes": 3, "rules": [{"key-prefix": "a"}, {"key-prefix": "b", "weight": 2}], "limits": {"x": 1}}
    assert parameters.read(Parameters, document) == Parameters(3, [Rule("a"), Rule("b", 2)], limits={"x": 1})


@pytest.mark.parametrize(("document", "words"), [
    ({"rules": []}, "min-bytes is missing"),
    ({"min-bytes": 1, "rules": [], "min_bytes": 2}, "min_bytes is unknown"),
    ({"min-bytes": "many", "rules": []}, "min-bytes is 'many', which does not fit {'type': 'integer'}"),
    ({"min-bytes": True, "rules": []}, "min-bytes is True"),
    ({"min-bytes": 1, "rules": [{"key-prefix": 5}]}, "rules[0].key-prefix is 5"),
    ({"min-bytes": 1, "rules": [], "mode": "drop"}, "mode is 'drop'"),
    ({"min-bytes": 1, "rules": {}}, "rules is {}"),
    ([], "the document is []"),
])
def test_what_does_not_fit_is_refused_with_its_place(document, words):
    with pytest.raises(ValueError) as caught:
        parameters.read(Parameters, document)
    assert words in str(caught.value)


def test_a_type_without_a_schema_is_the_authors_error():
    @dataclass
    class Odd:
        when: complex

    with pytest.raises(TypeError, match="complex"):
        parameters.schema(Odd)
