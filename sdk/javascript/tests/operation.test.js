// Operations: what they say of themselves, how their tasks end.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Failure, StoreError, operation, skipped } from "../index.js";
import { FakeStore } from "../testing.js";

import { configured, failureOf } from "../operation.js";

const markLarge = operation({
  name: "mark-large",
  version: "1.2.3",
  summary: "Tags large objects with size=large.",
  actions: ["s3:GetObject"],
  parameters: { "min-bytes": { type: "integer" }, "tag-value": { type: "string", default: "large" } },
  check({ minBytes }) {
    if (minBytes < 0) throw new Error("min-bytes: use 0 or more");
  },
  plan: (object, task, { tagValue }) => [object.head(), object.putTags({ size: tagValue }).provisional()],
  run(object, task, { minBytes, tagValue }) {
    const { size } = object.head().send();
    if (size < minBytes) return skipped(`${size} bytes`);
    object.putTags({ size: tagValue }).send();
  },
});

test("its parameters have a schema", () => {
  assert.deepEqual(markLarge.schema, {
    type: "object",
    properties: { "min-bytes": { type: "integer" }, "tag-value": { type: "string", default: "large" } },
    required: ["min-bytes"],
    additionalProperties: false,
  });
});

test("a whole schema is taken as it is", () => {
  const schema = { type: "object", properties: { a: {} } };
  assert.deepEqual(operation({ name: "n", version: "1.0.0", summary: "", parameters: schema, run() {} }).schema, schema);
});

test("it runs and plans", () => {
  const store = new FakeStore();
  store.insert("b", "large", { size: 100 });
  store.insert("b", "small", { size: 99 });
  assert.equal(store.run(markLarge, { "min-bytes": 100 }, "b", "large"), undefined);
  assert.deepEqual(store.run(markLarge, { "min-bytes": 100 }, "b", "small"), skipped("99 bytes"));
  assert.deepEqual(store.plan(markLarge, { "min-bytes": 1 }, "b", "large"), [
    "HeadObject s3://b/large", "PutObjectTagging s3://b/large tag=size=large (provisional)",
  ]);
});

test("it may refuse parameters, in its own words", () => {
  assert.throws(() => configured(markLarge, { "min-bytes": -1 }), { message: "min-bytes: use 0 or more" });
});

test("what leaves run becomes a failure", () => {
  assert.deepEqual(failureOf(new StoreError("NoSuchKey", "gone", 404)), { code: "NoSuchKey", message: "gone", httpStatus: 404 });
  assert.deepEqual(failureOf(new Failure("BadRow", "row 3")), { code: "BadRow", message: "row 3", httpStatus: null });
  const uncaught = failureOf(new TypeError("five"));
  assert.equal(uncaught.code, "UncaughtException");
  assert.match(uncaught.message, /^TypeError: five \(at .*operation\.test\.js:\d+:\d+\)?\)$/);
  assert.equal(failureOf("text").message, "text");
});
