"""docs/operations has a page for each operation, which says what it declares. UPDATE_DOCS=1 writes their tables anew."""

import json
import os
import re

import pytest

from harness import ROOT

PAGES = ROOT / "docs/operations"


@pytest.fixture
def workspace(sandbox, workspace_of):
    return workspace_of(sandbox)


def values_of(schema):
    """The words that a parameter may be."""
    forms = [word for form in schema.get("oneOf", []) + schema.get("anyOf", []) for word in values_of(form)]
    return schema.get("enum", []) + ([schema["const"]] if "const" in schema else []) + forms


def bounds_of(schema):
    for least, most, unit in [("minimum", "maximum", ""), ("minLength", "maxLength", " characters"),
                              ("minItems", "maxItems", " items"), ("minProperties", "maxProperties", " keys")]:
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            return f", {low}–{high}{unit}"
        if low == 1 and unit:
            return ", not empty"
        if low is not None:
            return f", at least {low}{unit}"
        if high is not None:
            return f", at most {high}{unit}"
    return ""


def type_of(schema):
    if values := values_of(schema):
        return ", ".join(f'`"{value}"`' for value in values)
    match schema.get("type"):
        case "array":
            items = schema["items"]["type"]
            return f"array of {'table' if items == 'object' else items}s"
        case "object" if "properties" in schema:
            return "table"
        case "object":
            return f"table of {schema['additionalProperties'].get('type', 'string')}s"
        case other:
            return other


def meaning_of(schema):
    forms = [(form["const"], form["description"]) for form in schema.get("oneOf", []) if form.get("description")]
    return " ".join([schema["description"], *(f"`{value}`: {text[0].lower()}{text[1:]}" for value, text in forms)])


def rows_of(schema, prefix=""):
    """Key, type, default and meaning of every parameter, those of inner tables too."""
    required = schema.get("required", [])
    for name, of in sorted(schema.get("properties", {}).items(), key=lambda pair: pair[0] not in required):
        default = of.get("default")
        yield (f"`{prefix}{name}`", type_of(of) + bounds_of(of) + (", **needed**" if name in required else ""),
               f"`{json.dumps(default)}`" if default else "", meaning_of(of))
        yield from rows_of(of, f"{prefix}{name}.")
        yield from rows_of(of.get("items", {}), f"{prefix}{name}[].")


def table_of(schema):
    rows = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows_of(schema)]
    if not rows:
        return "It has no parameters.\n"
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def page_of(operation, page):
    start, end = f"<!-- parameters: {operation['name']} -->\n", "<!-- end -->"
    before, rest = page.split(start)
    return before + start + table_of(operation["parameters"]) + rest[rest.index(end):]


@pytest.fixture
def operations(workspace):
    return workspace.longshore("operations", "--json").events


def page(name):
    return (PAGES / f"{name}.md").read_text()


def test_each_page_has_every_parameter(operations):
    for operation in operations:
        name = operation["name"]
        wanted = page_of(operation, page(name))
        if os.environ.get("UPDATE_DOCS"):
            (PAGES / f"{name}.md").write_text(wanted)
        assert wanted == page(name), "UPDATE_DOCS=1 writes the tables anew"
        assert re.match(rf"# `{name}`: ", wanted)
    assert not re.search(r"\bnull\b", json.dumps(operations))


def test_every_operation_has_a_page_and_its_place_in_the_index(operations):
    names = [operation["name"] for operation in operations]
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(["README", *names])
    assert re.findall(r"^\| \[`([\w-]+)`\]\(\1\.md\)", page("README"), re.MULTILINE) == names


def test_each_page_has_every_action(operations):
    for operation in operations:
        assert set(re.findall(r"`((?:s3|lambda|longshore):\w+)`", page(operation["name"]))) == set(operation["actions"])
        assert all(f"*{word}*" in page(operation["name"]).replace("*Skipped* and *failed*", "*Skipped* *Failed*")
                   for word in ("Done", "Skipped", "Failed"))


def test_the_jobs_of_the_pages_are_valid(workspace, operations):
    workspace.write("manifest.csv", "bucket,key\n")
    workspace.configure('[endpoint.faces]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"')
    for operation in operations:
        [block] = re.findall(r"```toml\n(.+?)```", page(operation["name"]), re.DOTALL)
        workspace.write("job.toml", f'role = "tester"\nmanifest = {{ location = "manifest.csv", fields = ["Bucket", "Key"] }}\n{block}')
        valid = workspace.longshore("validate", "job.toml")
        assert valid.code == 0, valid.err


def test_the_command_names_the_same_parameters(workspace, operations):
    for operation in operations:
        shown = workspace.longshore("operations", operation["name"]).out
        keys = [row[0].strip("`") for row in rows_of(operation["parameters"])]
        assert re.findall(r"^  (\S+)$", shown, re.MULTILINE) == keys
        assert all(action in shown for action in operation["actions"])
        assert max(map(len, shown.splitlines())) <= 90, "it fits a terminal"


def test_editors_know_the_parameters(workspace, operations):
    schema = json.loads(workspace.longshore("schema", "job").out)
    rules = {rule["if"]["properties"]["name"]["const"]: rule["then"] for rule in schema["properties"]["operation"]["allOf"]}
    assert list(rules) == [operation["name"] for operation in operations]
    for operation in operations:
        then, declared = rules[operation["name"]], operation["parameters"]
        assert set(then["properties"]["parameters"].get("properties", {})) == set(declared.get("properties", {}))
        assert then["required"] == (["parameters"] if declared.get("required") else [])
        assert "$ref" not in json.dumps(then), "a reference would lead elsewhere in the job file's schema"
