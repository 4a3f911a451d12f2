// Unit tests: the operation runs against a store of fixtures, without an engine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { done, skipped } from "./longshore-sdk/index.js";
import { FakeStore } from "./longshore-sdk/testing.js";

import plugin from "./plugin.js";

const PARAMETERS = { "min-bytes": 100 };

function filled() {
  const store = new FakeStore();
  store.insert("b", "small", { size: 99 });
  store.insert("b", "large", { size: 100 });
  return store;
}

test("only large objects are tagged", () => {
  const store = filled();
  assert.deepEqual(store.run(plugin, PARAMETERS, "b", "small"), skipped("99 bytes"));
  assert.deepEqual(store.run(plugin, PARAMETERS, "b", "large"), done("100 bytes"));
  assert.deepEqual(store.sent, [
    "HeadObject s3://b/small", "HeadObject s3://b/large", "PutObjectTagging s3://b/large tag=size=large",
  ]);
});

test("the plan is what it sends", () => {
  assert.deepEqual(filled().plan(plugin, PARAMETERS, "b", "large"), [
    "HeadObject s3://b/large", "PutObjectTagging s3://b/large tag=size=large",
  ]);
});

test("the store's errors fail the task", () => {
  assert.throws(() => filled().run(plugin, PARAMETERS, "b", "gone"), { code: "NoSuchKey" });
});
