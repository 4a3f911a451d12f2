// Operations, how a task ends, and what is between an operation and the contract's functions.

import { invoke, log as logTo, open, send } from "#contract";
import { Response, S3Object, StoreError } from "./objects.js";

/** Settings whose setter in the contract is not `set` and their name. */
export const SETTERS = {
  days: "setRestoreDays", grants: "addGrant", tags: "addTag", targetStore: "setStore", tier: "setRestoreTier",
  userMetadata: "addUserMetadata",
};
/** Settings that are on or not given. */
export const FLAGS = ["bypassGovernance", "checksums", "requesterPays"];

/** Throw it to fail the task. */
export class Failure extends Error {
  /**
   * @param {string} code An S3 error code, or one of the operation's own: letters, digits, `.`, `_`, `-`; 1-64 characters.
   * @param {string} message What happened, in a sentence.
   * @param {number | null} [httpStatus]
   */
  constructor(code, message, httpStatus = null) {
    super(message);
    Object.assign(this, { name: "Failure", code, httpStatus });
  }
}

/** The task is done. The message goes to the completion report. */
export const done = (message = null) => ({ tag: "done", val: message });

/** There was nothing to do. The reason goes to the completion report. */
export const skipped = (reason) => ({ tag: "skipped", val: reason });

/** The task runs again after so many seconds, at the earliest; the note says why. */
export const againAfter = (seconds, note) => ({ tag: "again-after", val: { seconds, note } });

/** Writes to the engine's log.
 * @param {string} message
 * @param {"error" | "warn" | "info" | "debug"} [level] */
export const log = (message, level = "info") => logTo(level, message);

// A component has no console of its own.
globalThis.console ??= Object.fromEntries(["error", "warn", "info", "debug", "log"].map((name) => {
  return [name, (...words) => log(words.join(" "), name === "log" ? "info" : name)];
}));

/**
 * The task at hand.
 * @typedef {object} Task
 * @property {string} jobId
 * @property {number} attempt 1 for the first run of this task; one more each time it was answered with `againAfter`.
 * @property {string} now The engine's time, RFC 3339 in UTC: an operation has no clock of its own.
 * @property {(name: string) => string | null} column What the manifest's row says in the column of this name.
 */

/**
 * Makes an operation: `export const { describe, configure, plan, run } = operation({ … });`, once per plugin.
 *
 * @param {object} definition
 * @param {string} definition.name The name that job files use: lower-case letters, digits, hyphens; 1-64 characters.
 * @param {string} definition.version Semantic version.
 * @param {string} definition.summary One sentence.
 * @param {string[]} [definition.actions] IAM actions the operation may need.
 * @param {object} [definition.parameters] The JSON Schema of each parameter by its name (`min-bytes`), which is `minBytes`
 *   in the code. One with a `default` may be left out. Or a whole schema, with `type: "object"`.
 * @param {(parameters: any) => void} [definition.check] Looks at the parameters once. Throws an error whose message says what
 *   to change in the job file, for whatever the schema cannot express.
 * @param {(object: S3Object, task: Task, parameters: any) => import("./objects.js").Request[]} [definition.plan] The requests
 *   that `run` may send for this object. The engine asks the role's policies about each before the task starts, so that
 *   nothing is half done when one is refused, and shows them in a dry run. Mark with `provisional` what will look different
 *   once something else has been read. Without it the policies are asked only when a request is sent.
 * @param {(object: S3Object, task: Task, parameters: any) => any} definition.run Does the work on one object. The engine has no
 *   undo: put what may fail first. Returns `done()`, `skipped()`, `againAfter()` or nothing. A `StoreError` that is not caught
 *   fails the task with the store's code, a `Failure` with its own, anything else with `UncaughtException`.
 */
export function operation(definition) {
  const { name, version, summary, actions = [] } = definition;
  const schema = schemaOf(definition.parameters ?? {});
  let parameters = {};
  return {
    definition: { ...definition, schema },
    describe: () => ({ name, version, summary, actions, parameters: JSON.stringify(schema) }),
    configure(text) {
      try {
        parameters = configured(definition, schema, JSON.parse(text));
      } catch (error) {
        throw failureOf(error).message;
      }
    },
    plan: (object, task) => (definition.plan?.(opened(object), begun(task), parameters) ?? []).map(lowered),
    run(object, task) {
      try {
        return outcomeOf(definition.run(opened(object), begun(task), parameters));
      } catch (error) {
        throw failureOf(error);
      }
    },
  };
}

/** The parameters of a job as the operation gets them. */
export function configured(definition, schema, document) {
  const defaults = Object.entries(schema.properties ?? {}).filter(([, property]) => property.default !== undefined);
  const complete = { ...Object.fromEntries(defaults.map(([name, property]) => [name, property.default])), ...document };
  const parameters = Object.fromEntries(Object.entries(complete).map(([name, value]) => [camel(name), value]));
  try {
    definition.check?.(parameters);
  } catch (error) {
    // What the author says is the whole message.
    throw error instanceof Error ? new Failure("InvalidParameters", error.message) : error;
  }
  return parameters;
}

function schemaOf(parameters) {
  if (parameters.type === "object") return parameters;
  const required = Object.keys(parameters).filter((name) => parameters[name].default === undefined);
  return { type: "object", properties: parameters, required, additionalProperties: false };
}

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

function outcomeOf(outcome) {
  if (outcome === undefined || outcome === null) return done();
  if (typeof outcome.tag === "string") return outcome;
  throw new TypeError(`run returned ${JSON.stringify(outcome)}; done(), skipped(), againAfter() or nothing are outcomes`);
}

/** What an error that left `run` means for the task. */
export function failureOf(error) {
  if (error instanceof StoreError || error instanceof Failure) {
    return { code: error.code, message: error.message, httpStatus: error.httpStatus };
  }
  const place = /^ +at .*$/m.exec(error?.stack ?? "")?.[0].trim();
  return { code: "UncaughtException", message: `${error}${place ? ` (${place})` : ""}`, httpStatus: null };
}

const engine = {
  send(request) {
    const raw = lowered(request);
    let response;
    try {
      response = send(raw);
    } catch ({ code, message, httpStatus, retryable }) {
      throw new StoreError(code, message, httpStatus, retryable);
    }
    return new Response((part) => lifted(part, response[part]()));
  },
};

const opened = (raw) => new S3Object(engine, raw.bucket(), raw.key(), raw.versionId());

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
    else if (Array.isArray(value)) raw[setter](...value);
    else raw[setter](value);
  }
  if (request.isProvisional) raw.provisional();
  return raw;
}

function begin({ object, kind, parameters }) {
  if (kind === "invoke") return invoke(...parameters);
  const raw = open(object.bucket, object.key, object.versionId);
  return kind === "putTags" ? raw.putTags(pairs(...parameters)) : raw[kind](...parameters);
}

const pairs = (entries) => Object.entries(entries).map(([key, value]) => ({ key, value }));

/** A part of a response as the SDK has it. */
function lifted(part, value) {
  if (part === "tags") return Object.fromEntries(value.map(({ key, value }) => [key, value]));
  if (part === "userMetadata" || part === "checksums") return Object.fromEntries(value);
  return value;
}
