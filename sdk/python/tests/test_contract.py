"""The SDK speaks of the whole contract (sdk/wit), and of nothing else."""

import re
from pathlib import Path

from longshore import objects, testing
from longshore.component import FLAGS, SETTERS
from longshore.objects import Object, Response

WIT = (Path(__file__).parents[2] / "wit/longshore.wit").read_text()


def functions(kind, name):
    """The functions of a resource or interface, as Python spells them."""
    block = re.search(rf"^( *){kind} {name} {{\n(.+?)^\1}}", WIT, re.MULTILINE | re.DOTALL)[2]
    return {function.replace("-", "_") for function in re.findall(r"^ +([a-z-]+): func\(", block, re.MULTILINE)}


def test_every_request_of_an_object_can_be_made():
    made = functions("resource", "object") - {"bucket", "key", "version_id"}
    assert testing._CALLS.keys() - {"invoke"} == made
    assert all(hasattr(Object, name) for name in testing._CALLS)


def test_every_setting_can_be_made():
    groups = [group for group in vars(objects).values() if hasattr(group, "__optional_keys__")]
    settings = {name for group in groups for name in group.__optional_keys__}
    assert settings >= SETTERS.keys() | FLAGS
    setters = {SETTERS.get(name, f"set_{name}") for name in settings}
    assert setters == functions("resource", "request") - {"provisional"}


def test_every_part_of_a_response_can_be_read():
    assert Response.__annotations__.keys() == functions("resource", "response")
