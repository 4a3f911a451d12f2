"""Each operation with every parameter on three independent stores, over keys that are hard to carry; what became of the
objects is read back with boto3, and is the same after a second run."""

import collections
import http.server
import json
import re
import threading
import urllib.parse

import pytest

from conformance_cases import CASES, ELSEWHERE, FAMILIES, INVALID, SERVERS, WITHOUT_STORE, Found
from harness import ROOT
from test_operations_page import values_of
from test_pipelines import pipeline
from test_two_stores import Between

EVERY_CASE = [*CASES.values(), *(case for family in FAMILIES.values() for case in family.values())]


def declared(schema, prefix=""):
    """Every parameter, those of inner tables too; and each value that it may have, where these are few."""
    for name, of in schema.get("properties", {}).items():
        path = prefix + name
        switch = [not of.get("default", False)] if of.get("type") == "boolean" else []
        yield path
        yield from (f"{path} = {value}" for value in values_of(of) + switch)
        yield from declared(of, f"{path}.")
        yield from declared(of.get("items", {}), f"{path}[].")


def shown(parameters, prefix=""):
    """What a case has of it."""
    for name, value in parameters.items():
        path, inner = (f"{prefix}{name}[]", value) if isinstance(value, list) else (f"{prefix}{name}", [value])
        yield prefix + name
        for one in inner:
            yield from shown(one, f"{path}.") if isinstance(one, dict) else [f"{prefix}{name} = {one}"]


def test_every_parameter_of_every_operation_has_a_case(sandbox, workspace_of):
    """And every value of those that have few."""
    listed = workspace_of(sandbox).longshore("operations", "--json")
    for operation in map(json.loads, listed.out.splitlines()):
        name, elsewhere = operation["name"], ELSEWHERE.get(operation["name"], {})
        if name in WITHOUT_STORE:
            continue
        tried = [case.parameters for case in EVERY_CASE if case.operation == name and case.shows()]
        invalid = [INVALID[name][0]] if name in INVALID else []
        missing = set(declared(operation["parameters"])).difference(*map(shown, tried + invalid))
        assert tried and {re.split(" = |[.]", each)[0] for each in missing} == set(elsewhere), (name, missing)
        for parameter, file in elsewhere.items():
            assert parameter in (ROOT / file).read_text(), (name, parameter)


@pytest.mark.parametrize("operation", INVALID)
def test_values_that_make_no_job(sandbox, workspace_of, operation):
    workspace, (parameters, words) = workspace_of(sandbox), INVALID[operation]
    workspace.manifest("objects", ["k"])
    workspace.job(operation, parameters)
    valid = workspace.longshore("validate", "job.toml")
    assert (valid.code, words in valid.err) == (2, True), valid.err


@pytest.fixture(params=SERVERS)
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def between(server):
    """A server between Longshore and the store, which keeps the headers of uploads and copies."""
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
    proxy.daemon_threads, proxy.store, proxy.uploads = True, server.endpoint.removeprefix("http://"), []
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


class Trial:
    """Cases and the objects that they are tried on: key -> case. Their buckets are made alike."""

    def __init__(self, server, workspace, bucket_of, cases):
        self.server, self.workspace, self.cases = server, workspace, cases
        first = next(iter(cases.values()))
        self.bucket, self.target = bucket_of(server, **first.bucket), bucket_of(server, **first.target)
        if first.setup and server.name not in first.refuses:
            first.setup(server.client(), self.bucket, self.target)
        for key, case in cases.items():
            server.client().put_object(Bucket=self.bucket, Key=key, **case.source)
            if case.before:
                case.before(self.place(key, self.bucket, case))

    def place(self, key, bucket, case):
        copy = Found(self.server, self.target, case.renamed(key))
        return Found(self.server, bucket, key, copy) if bucket == self.bucket else copy

    def parameters(self, case):
        return {name: self.target if value == "TARGET" else value for name, value in case.parameters.items()}

    def job(self, case):
        """One operation for all objects."""
        fields = json.dumps(["Bucket", "Key"])[:-1] + "".join(f', {{ column = "{name}" }}' for name in case.columns) + "]"
        self.workspace.job(case.operation, self.parameters(case), fields=fields)

    def steps(self):
        """An operation for each object."""
        pipeline(self.workspace, *({"name": case.operation, "label": key, "parameters": self.parameters(case), "when": {"glob": [key]}}
                                   for key, case in self.cases.items()))

    def run(self, keys):
        rows = [[self.bucket, urllib.parse.quote(key), *self.cases[key].columns.values()] for key in keys]
        self.workspace.write("manifest.csv", "".join(",".join(row) + "\n" for row in rows))
        return self.workspace.run().job

    def check_row(self, key, row):
        """The report says what the case expects, and names what the store lacks."""
        case, store, (status, _, code, message) = self.cases[key], self.server.name, row
        failure = case.failure_on(store)
        if store in case.lacks:
            assert (status, code in ("MethodNotAllowed", "NotImplemented")) == ("failed", True), (key, row)
            lacking = f'store "main" ({self.server.endpoint}) does not support this {case.lacks[store]} request'
            assert lacking in message, (key, row)
        elif failure:
            assert (status, code, failure[1] in message) == ("failed", failure[0], True), (key, row)
        else:
            assert status == "succeeded" and (case.says in message or store in case.differs), (key, row)

    def outcome(self, key):
        case = self.cases[key]
        return case.outcome(self.place(key, self.target if case.operation in ("copy", "replicate") else self.bucket, case))

    def check_outcome(self, key):
        """What boto3 finds is what the case expects, unless the store differs."""
        case, found, store = self.cases[key], self.outcome(key), self.server.name
        assert (found == case.expected) == (store not in case.differs), (key, found, case.differs.get(store))
        return found

    def check_headers(self, key, uploads):
        """Every copy of the object had the headers that the case sends."""
        source = urllib.parse.quote(f"{self.bucket}/{key}")
        copies = [headers for headers, _ in uploads if (headers["x-amz-copy-source"] or "").lstrip("/") == source]
        sent = [{name: headers[name] for name in self.cases[key].sends} for headers in copies]
        assert sent and all(headers == self.cases[key].sends for headers in sent), (key, sent)

    def conform(self, uploads=()):
        """Runs the job, and once more with one object of each case; the second run fails only where it is said to."""
        store, job = self.server.name, self.run(self.cases)
        outcomes = self.workspace.outcomes(job)
        rows = {key: outcomes[urllib.parse.quote(key)] for key in self.cases}
        for key, row in rows.items():
            self.check_row(key, row)
        done = [key for key, case in self.cases.items() if store not in case.lacks and store not in case.refuses]
        found = {key: self.check_outcome(key) for key in done}
        for key, case in self.cases.items():
            if case.sends:
                self.check_headers(key, uploads)
        again = list({id(self.cases[key]): key for key in done}.values())
        if again:
            failures = [self.cases[key].again.get(store, rows[key][2]) for key in again]
            assert self.run(again)["failures"] == dict(collections.Counter(filter(None, failures)))
            assert {key: self.outcome(key) for key in again} == {key: found[key] for key in again}


@pytest.fixture
def trial(server, workspace_of, bucket_of, between):
    """Makes trials. Where headers are looked at, what is sent takes the way through `between`."""

    def make(cases):
        made = Trial(server, workspace_of(server), bucket_of, cases)
        if any(case.sends for case in cases.values()):
            made.workspace.configure(endpoint=f"http://127.0.0.1:{between.server_port}")
        return made

    return make


@pytest.mark.parametrize("name", CASES)
def test_operation(server, trial, between, name):
    case = CASES[name]
    keys = case.keys
    if not isinstance(keys, list):
        keys = [key for key in server.odd_keys if key not in case.without.get(server.name, ())][:keys]
    # A store that refuses is asked again and again: one key is enough.
    made = trial(dict.fromkeys(keys[:1] if server.name in case.refuses else keys, case))
    made.job(case)
    made.conform(between.uploads)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_value(trial, between, name):
    made = trial(FAMILIES[name])
    made.steps()
    made.conform(between.uploads)
