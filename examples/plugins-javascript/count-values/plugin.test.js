import assert from "node:assert/strict";
import { test } from "node:test";

import { done } from "./longshore-sdk/index.js";
import { FakeStore } from "./longshore-sdk/testing.js";

import countValues from "./plugin.js";

const PARAMETERS = { field: "level" };

function storeWith(body) {
  const store = new FakeStore();
  store.insert("b", "log", { body, etag: '"e"' });
  return store;
}

test("values are counted, and written beside the object", () => {
  const store = storeWith('{"level":"info"}\n{"level":"warn"}\n{"level":"info"}\n{"text":"ü"}\n');
  assert.deepEqual(store.run(countValues, PARAMETERS, "b", "log"), done("4 lines"));
  const written = store.object("b", "log.counts.json").get().send();
  assert.deepEqual(JSON.parse(written.text()), { info: 2, warn: 1, undefined: 1 });
  assert.equal(written.contentType, "application/json");
});

test("a line that is no JSON fails the task, and nothing is written", () => {
  const store = storeWith('{"level":"info"}\n{"level":\n');
  assert.throws(() => store.run(countValues, PARAMETERS, "b", "log"), { code: "InvalidJson", message: /^line 2: / });
  assert.equal(store.fixture("b", "log.counts.json"), undefined);
});

test("the plan names what a role must allow", () => {
  assert.deepEqual(storeWith("").plan(countValues, { ...PARAMETERS, suffix: ".n" }, "b", "log"), [
    "GetObject s3://b/log", "PutObject s3://b/log.n bytes=0 (provisional)",
  ]);
});
