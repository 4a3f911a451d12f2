// Requests as values, and the store of fixtures that answers them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { StoreError } from "../index.js";
import { FakeStore, NOW, line } from "../testing.js";

function filled() {
  const store = new FakeStore();
  store.insert("b", "k", { body: "0123456789", etag: '"e"', tags: { a: "b" }, contentType: "text/plain" });
  return { store, object: store.object("b", "k") };
}

const failsWith = (code) => (error) => error instanceof StoreError && error.code === code;

test("a request is sent by send alone", () => {
  const { store, object } = filled();
  const request = object.putTags({ size: "large", owner: "ann" });
  assert.deepEqual(store.sent, []);
  request.send();
  assert.deepEqual(store.sent, ["PutObjectTagging s3://b/k tag=size=large tag=owner=ann"]);
  assert.deepEqual(object.getTags().send().tags, { size: "large", owner: "ann" });
});

test("a setting that a request does not have is an error at once", () => {
  const { object } = filled();
  assert.throws(() => object.head({ storageClass: "GLACIER" }), /head has no setting storageClass; its settings: ifMatch/);
});

test("settings without a value are left out", () => {
  const { object } = filled();
  const request = object.put("x", { contentType: undefined, tags: { a: "b" } }).provisional();
  assert.equal(line(request), "PutObject s3://b/k bytes=1 tags=a=b (provisional)");
});

test("a response has what a fixture says, and nothing where it says nothing", () => {
  const response = filled().object.head().send();
  assert.deepEqual([response.size, response.etag, response.storageClass, response.grants], [10, '"e"', null, []]);
});

test("errors carry the store's code", () => {
  const { store, object } = filled();
  assert.throws(() => store.object("b", "gone").get().send(), failsWith("NoSuchKey"));
  store.fail("HeadObject", "SlowDown", 503);
  assert.throws(() => object.head().send(), failsWith("SlowDown"));
  assert.equal(object.head().send().size, 10);
});

test("conditions hold", () => {
  const { object } = filled();
  assert.throws(() => object.get({ ifMatch: '"other"' }).send(), failsWith("PreconditionFailed"));
  assert.throws(() => object.put("", { ifNoneMatch: "*" }).send(), failsWith("PreconditionFailed"));
});

test("writes and copies are seen by later reads", () => {
  const { store, object } = filled();
  object.put("new", { contentType: "text/csv", userMetadata: { m: "1" } }).send();
  object.copyTo("b", "other", { storageClass: "GLACIER", tags: { x: "y" }, taggingDirective: "REPLACE" }).send();
  const copy = store.object("b", "other").get().send();
  assert.deepEqual([copy.text(), copy.contentType, copy.userMetadata], ["new", "text/csv", { m: "1" }]);
  assert.deepEqual([copy.storageClass, copy.tags], ["GLACIER", { x: "y" }]);
  object.delete().send();
  assert.equal(store.fixture("b", "k"), undefined);
});

test("endpoints answer", () => {
  const { store, object } = filled();
  store.endpoint("same", (body) => body);
  assert.equal(object.invoke("same", "text").send().text(), "text");
});

test("chunks are ranges of one version", () => {
  const { store, object } = filled();
  assert.equal(Buffer.concat([...object.chunks(4)]).toString(), "0123456789");
  const ranges = ["4,7", "8,11"].map((range) => `GetObject s3://b/k range=${range} ifMatch="e"`);
  assert.deepEqual(store.sent, ["GetObject s3://b/k range=0,3", ...ranges]);
});

test("a change while it is read is noticed", () => {
  const { store, object } = filled();
  const chunks = object.chunks(4);
  chunks.next();
  store.insert("b", "k", { body: "other text", etag: '"f"' });
  assert.throws(() => chunks.next(), failsWith("PreconditionFailed"));
});

test("lines are whole wherever a chunk ends", () => {
  const { store } = filled();
  store.insert("b", "lines", { body: "ünï\r\ncödé\n\nlast" });
  for (let bytes = 1; bytes < 20; bytes++) {
    assert.deepEqual([...store.object("b", "lines").lines(bytes)], ["ünï", "cödé", "", "last"]);
  }
  store.insert("b", "empty");
  assert.deepEqual([...store.object("b", "empty").lines()], []);
});

test("tasks have columns", () => {
  const task = filled().store.task({ attempt: 2, columns: { owner: "ann" } });
  assert.deepEqual([task.attempt, task.column("owner"), task.column("size"), task.now], [2, "ann", null, NOW]);
});

test("text is UTF-8", () => {
  const { object } = filled();
  for (const text of ["", "plain", "ünï 🚢\u0000", "x".repeat(100_000) + "ü"]) {
    object.put(text).send();
    const response = object.get().send();
    assert.deepEqual(Buffer.from(response.body), Buffer.from(text));
    assert.equal(response.text(), text);
  }
  object.put(Uint8Array.of(0x61, 0xff)).send();
  assert.throws(() => object.get().send().text(), TypeError);
  assert.throws(() => [...object.lines()], TypeError);
});

test("uploads become objects once they are complete", () => {
  const { store } = filled();
  const large = store.object("b", "large");
  const { uploadId } = large.createUpload({ contentType: "text/plain" }).send();
  large.uploadPart(uploadId, 2, "two").send();
  large.uploadPart(uploadId, 1, "one").send();
  assert.equal(store.fixture("b", "large"), undefined);
  large.completeUpload(uploadId).send();
  assert.deepEqual([large.get().send().text(), large.head().send().contentType], ["onetwo", "text/plain"]);
  assert.throws(() => large.abortUpload(uploadId).send(), failsWith("NoSuchUpload"));
});
