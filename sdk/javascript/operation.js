// Operations, and how a task ends.

import { StoreError } from "./objects.js";

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
export const log = (message, level = "info") => sink.log(level, message);

/** Where log lines go: standard error, or inside of a component the engine's log. */
export const sink = { log: (level, message) => console.error(`${level}: ${message}`) };

/**
 * The task at hand.
 * @typedef {object} Task
 * @property {string} jobId
 * @property {number} attempt 1 for the first run of this task; one more each time it was answered with `againAfter`.
 * @property {string} now The engine's time, RFC 3339 in UTC: an operation has no clock of its own.
 * @property {(name: string) => string | null} column What the manifest's row says in the column of this name.
 */

/**
 * Makes an operation: `export default operation({ … });`.
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
  return { actions: [], check() {}, plan: () => [], ...definition, schema: schemaOf(definition.parameters ?? {}) };
}

/** The parameters of a job as the operation gets them. */
export function configured({ schema, check }, document) {
  const defaults = Object.entries(schema.properties ?? {}).filter(([, property]) => property.default !== undefined);
  const complete = { ...Object.fromEntries(defaults.map(([name, property]) => [name, property.default])), ...document };
  const parameters = Object.fromEntries(Object.entries(complete).map(([name, value]) => [camel(name), value]));
  check(parameters);
  return parameters;
}

function schemaOf(parameters) {
  if (parameters.type === "object") return parameters;
  const required = Object.keys(parameters).filter((name) => parameters[name].default === undefined);
  return { type: "object", properties: parameters, required, additionalProperties: false };
}

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/** What an error that left `run` means for the task. */
export function failureOf(error) {
  if (error instanceof StoreError || error instanceof Failure) {
    return { code: error.code, message: error.message, httpStatus: error.httpStatus };
  }
  // `at run (plugin.js:3:4)`, or in a component `run@plugin.js:3:4`.
  const place = /^( +at .*|.*@.*:\d+)$/m.exec(error?.stack ?? "")?.[0].trim();
  return { code: "UncaughtException", message: `${error}${place ? ` (${place})` : ""}`, httpStatus: null };
}
