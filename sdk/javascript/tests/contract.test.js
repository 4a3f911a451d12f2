// The SDK speaks of the whole contract (sdk/wit), and of nothing else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CALLS } from "../testing.js";

import { PARTS, S3Object, SETTINGS } from "../objects.js";
import { FLAGS, LONG, SETTERS } from "../settings.js";

const wit = readFileSync(new URL("../../wit/longshore.wit", import.meta.url), "utf8");

/** The functions of a resource, as JavaScript spells them. */
function functions(resource) {
  const [, , block] = new RegExp(`^( *)resource ${resource} {\\n(.+?)^\\1}`, "ms").exec(wit);
  const names = [...block.matchAll(/^ +([a-z-]+): func\(/gm)].map(([, name]) => name);
  return names.map((name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())).sort();
}

const without = (names, ...others) => names.filter((name) => !others.includes(name));

test("every request of an object can be made", () => {
  const made = without(functions("object"), "bucket", "key", "versionId");
  assert.deepEqual(without(Object.keys(CALLS), "invoke").sort(), made);
  for (const kind of Object.keys(CALLS)) assert.equal(typeof S3Object.prototype[kind], "function", kind);
  for (const kind of Object.keys(SETTINGS)) assert.ok(kind in CALLS, kind);
});

test("every setting can be made", () => {
  const settings = [...new Set(Object.values(SETTINGS).flat())];
  for (const name of [...Object.keys(SETTERS), ...FLAGS]) assert.ok(settings.includes(name), name);
  const setters = settings.map((name) => SETTERS[name] ?? `set${name[0].toUpperCase()}${name.slice(1)}`);
  assert.deepEqual([...new Set(setters)].sort(), without(functions("request"), "provisional"));
});

test("numbers of 64 bits are known", () => {
  const setters = [...wit.matchAll(/^ +(set-[a-z-]+): func\(.*u64/gm)].map(([, name]) => name);
  const known = LONG.map((name) => `set-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  assert.deepEqual(known.sort(), setters.sort());
});

test("every part of a response can be read", () => {
  assert.deepEqual([...PARTS].sort(), functions("response"));
});
