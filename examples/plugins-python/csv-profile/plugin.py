"""An operation in Python: reads CSV objects row by row and tags them with how many rows and columns they have.

`docs/plugin-guides/python.md` says how it is built. In a job file
`operation = { plugin = "csv-profile.wasm", parameters = { columns = ["id"] } }`.
"""

import csv
import io
from dataclasses import dataclass, field
from typing import Annotated

import longshore


class CsvProfile(longshore.Operation):
    """Tags CSV objects with their number of rows and columns."""

    name = "csv-profile"
    version = "0.1.0"
    actions = ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"]

    @dataclass
    class Parameters:
        columns: Annotated[list[str], "Columns that the header must have."] = field(default_factory=list)
        delimiter: Annotated[str, "What is between two fields.", {"minLength": 1, "maxLength": 1}] = ","

    def plan(self, object, task):
        return [object.get(), object.get_tags(), object.put_tags({}).provisional()]

    def run(self, object, task):
        text = io.TextIOWrapper(object.reader(), encoding="utf-8", newline="")
        rows = csv.reader(text, delimiter=self.parameters.delimiter)
        header = next(rows, None)
        if header is None:
            return longshore.skipped("the object is empty")
        missing = [column for column in self.parameters.columns if column not in header]
        if missing:
            raise longshore.Failure("MissingColumn", f"the header has no column {missing[0]!r}")
        count = 0
        for row in rows:
            count += 1
            if len(row) != len(header):
                place = f"line {rows.line_num} has {len(row)} fields"
                raise longshore.Failure("RaggedRow", f"{place}; the header has {len(header)}")
        tags = {"rows": str(count), "columns": str(len(header))}
        object.put_tags(object.get_tags().send().tags | tags).send()
        return longshore.done(f"{count} rows")


WitWorld = longshore.export(CsvProfile)
