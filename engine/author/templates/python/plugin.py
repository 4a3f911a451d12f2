"""`my-operation`: tags objects from a given size on."""

from dataclasses import dataclass
from typing import Annotated

import longshore


class MyOperation(longshore.Operation):
    """Tags objects from a given size on with size=large."""

    name = "my-operation"
    version = "0.1.0"
    # What the operation may do. The engine refuses everything else.
    actions = ["s3:GetObject", "s3:PutObjectTagging"]

    @dataclass
    class Parameters:
        min_bytes: Annotated[int, "How many bytes make an object large.", {"minimum": 1}]

    def plan(self, object, task):
        # What `run` may send: the role's policies are asked about it before the task starts.
        return [object.head(), object.put_tags({"size": "large"})]

    def run(self, object, task):
        size = object.head().send().size
        if size < self.parameters.min_bytes:
            return longshore.skipped(f"{size} bytes")
        object.put_tags({"size": "large"}).send()
        return longshore.done(f"{size} bytes")


WitWorld = longshore.export(MyOperation)
