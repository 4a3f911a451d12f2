"""What the author of a Longshore operation in Python uses.

An operation is what a job does to each object of its manifest. It is compiled to WebAssembly and sees objects, not
endpoints: the engine signs, retries, checks the role's policies and keeps the books. Derive a class from `Operation`
and export it:

    from dataclasses import dataclass
    from typing import Annotated

    import longshore

    class MarkLarge(longshore.Operation):
        \"\"\"Tags large objects with size=large.\"\"\"

        name = "mark-large"
        version = "0.1.0"
        actions = ["s3:GetObject", "s3:PutObjectTagging"]

        @dataclass
        class Parameters:
            min_bytes: Annotated[int, "How many bytes make an object large.", {"minimum": 1}]

        def run(self, object, task):
            size = object.head().send().size
            if size < self.parameters.min_bytes:
                return longshore.skipped(f"{size} bytes")
            object.put_tags({"size": "large"}).send()

    WitWorld = longshore.export(MarkLarge)

On your own machine the same file runs against a store of fixtures: see `longshore.testing`.
"""

from longshore.component import export, log
from longshore.objects import Grant, Object, Request, Response, StoreError, Upload, Version
from longshore.operation import (
    Again, Done, Failure, Operation, Outcome, Skipped, Task, again_after, done, skipped,
)

__all__ = [
    "Again", "Done", "Failure", "Grant", "Object", "Operation", "Outcome", "Request", "Response", "Skipped",
    "StoreError", "Task", "Upload", "Version", "again_after", "done", "export", "log", "skipped",
]
