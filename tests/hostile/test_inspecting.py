"""Plugins that mean harm to whoever looks at them before trusting them: to `plugin inspect`, `plugin install` and `plugin show`."""

import json

import pytest

from guests import NONE, Guest, make_none
from test_words import EVIL, STEERS

#: Longest text about a plugin, in characters.
MOST = 1 << 20


def describing(lab, name, schema):
    """A plugin whose parameters have this schema."""
    guest = Guest(name=name)
    place, length = guest.at(json.dumps(schema))
    guest.parts["describe"] = f"(i32.store (i32.const 3096) (i32.const {place})) (i32.store (i32.const 3100) (i32.const {length}))"
    return guest.build(lab.workspace.directory / f"{name}.wasm")


def looked_at(lab, path):
    """What the commands say that show a plugin: as a file, when it is installed, and then."""
    for arguments in (["inspect", path], ["install", path, "--grant", "declared"], ["show", path.stem]):
        shown = lab.workspace.longshore("plugin", *map(str, arguments))
        assert shown.code == 0, (arguments, shown.err)
        assert len(shown.out + shown.err) < MOST
        yield shown.out + shown.err


def test_a_schema_that_steers(lab):
    """Names, meanings, values and bounds of parameters."""
    path = describing(lab, "steering", {"type": "object", "required": [EVIL], "properties": {
        EVIL: {"type": "string", "description": EVIL, "enum": [EVIL, "x"], "default": EVIL},
        "forms": {"description": EVIL, "oneOf": [{"const": EVIL, "description": EVIL}]},
        "items": {"type": "array", "items": {"type": EVIL}}, "table": {"type": "object", "additionalProperties": {"type": EVIL}},
    }})
    told = list(looked_at(lab, path))
    assert "owned" in told[0] and "owned" in told[2]
    for text in told:
        assert not STEERS.search(text), STEERS.search(text)


@pytest.mark.parametrize(("name", "schema"), [
    ("itself", {"properties": {f"p{number}": {"$ref": "#"} for number in range(60)}}),
    ("one-another", {"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": {
        f"d{level}": {"properties": {f"p{number}": {"$ref": f"#/$defs/d{level + 1}"} for number in range(30)}} for level in range(20)}}),
])
def test_a_schema_that_refers_to_itself(lab, name, schema):
    """A few KB that would be terabytes if they were written out."""
    told = list(looked_at(lab, describing(lab, name, schema)))
    assert "and more" in told[0]


@pytest.mark.parametrize("command", ["inspect", "install"])
@pytest.mark.parametrize("kind", NONE)
def test_files_that_are_none_are_not_looked_at(lab, command, kind):
    path = lab.workspace.directory / f"{command}-{kind}.wasm"
    make_none(path, kind)
    refused = lab.workspace.longshore("plugin", command, str(path))
    assert refused.code in (1, 2) and path.name in refused.err, (refused.code, refused.err)
