// Between an operation and the contract's functions, which `componentize-js` makes from sdk/wit. Only for inside of a component.

import { invoke } from "longshore:operation/endpoints@0.1.0";
import { log } from "longshore:operation/host@0.1.0";
import { open, send } from "longshore:operation/s3@0.1.0";

import { Response, S3Object, StoreError } from "./objects.js";
import { configured, done, failureOf, sink } from "./operation.js";
import { FLAGS, LONG, SETTERS } from "./settings.js";

/**
 * The component of an operation: `export const { describe, configure, plan, run } = component(operation);`.
 * @param {ReturnType<typeof import("./operation.js").operation>} operation
 */
export function component(operation) {
  const { name, version, summary, actions, schema } = operation;
  sink.log = log;
  let parameters = {};
  // What `plan` throws: the contract has no place for it there, so the task fails with it.
  let unplanned = null;
  return {
    describe: () => ({ name, version, summary, actions, parameters: JSON.stringify(schema) }),
    configure(text) {
      try {
        parameters = configured(operation, JSON.parse(text));
      } catch (error) {
        throw String(error?.message ?? error);
      }
    },
    plan(object, task) {
      try {
        unplanned = null;
        return operation.plan(opened(object), begun(task), parameters).map(lowered);
      } catch (error) {
        unplanned = failureOf(error);
        return [];
      }
    },
    run(object, task) {
      if (unplanned !== null) throw unplanned;
      try {
        return outcomeOf(operation.run(opened(object), begun(task), parameters));
      } catch (error) {
        throw failureOf(error);
      }
    },
  };
}

function outcomeOf(outcome) {
  if (outcome === undefined || outcome === null) return done();
  if (typeof outcome.tag === "string") return outcome;
  throw new TypeError(`run returned ${JSON.stringify(outcome)}; done(), skipped(), againAfter() or nothing are outcomes`);
}

const engine = {
  send(request) {
    const raw = lowered(request);
    let response;
    try {
      response = send(raw);
    } catch (error) {
      const { code, message, httpStatus, retryable } = error.payload;
      throw new StoreError(code, message, httpStatus ?? null, retryable);
    }
    return new Response((part) => lifted(part, response[part]()));
  },
};

const opened = (raw) => new S3Object(engine, raw.bucket(), raw.key(), raw.versionId() ?? null);

const begun = (raw) => ({
  jobId: raw.jobId(), attempt: raw.attempt(), now: raw.now(), column: (name) => raw.column(name) ?? null,
});

/** The contract's request for a value of the SDK's. */
function lowered(request) {
  const raw = begin(request);
  for (const [name, value] of Object.entries(request.settings)) {
    const setter = SETTERS[name] ?? `set${name[0].toUpperCase()}${name.slice(1)}`;
    if (name === "tags") pairs(value).forEach((tag) => raw[setter](tag));
    else if (name === "grants") value.forEach((grant) => raw[setter](grant));
    else if (name === "userMetadata") Object.entries(value).forEach((entry) => raw[setter](...entry));
    else if (FLAGS.includes(name)) value && raw[setter]();
    else if (LONG.includes(name)) raw[setter](...[value].flat().map(long));
    else if (Array.isArray(value)) raw[setter](...value);
    else raw[setter](value);
  }
  if (request.isProvisional) raw.provisional();
  return raw;
}

function begin({ object, kind, parameters }) {
  if (kind === "invoke") return invoke(...parameters);
  const raw = open(object.bucket, object.key, object.versionId ?? undefined);
  return kind === "putTags" ? raw.putTags(pairs(...parameters)) : raw[kind](...parameters.map(given));
}

const given = (value) => value ?? undefined;
const long = (value) => (typeof value === "number" ? BigInt(value) : undefined);
const pairs = (entries) => Object.entries(entries).map(([key, value]) => ({ key, value }));

/** A part of a response as the SDK has it. */
function lifted(part, value) {
  if (part === "tags") return Object.fromEntries(value.map(({ key, value }) => [key, value]));
  if (part === "userMetadata" || part === "checksums") return Object.fromEntries(value);
  if (part === "versions") return value.map((version) => ({ ...version, size: Number(version.size) }));
  return typeof value === "bigint" ? Number(value) : value;
}
