/**
 * An operation in JavaScript: reads JSON Lines objects line by line, counts the values of a field, and writes the counts to an
 * object beside it.
 *
 * `docs/plugin-guides/javascript.md` says how it is built. In a job file
 * `operation = { plugin = "count-values.wasm", parameters = { field = "level" } }`.
 */
import { Failure, done, operation } from "./longshore-sdk/index.js";

export default operation({
  name: "count-values",
  version: "0.1.0",
  summary: "Counts the values of a field of JSON Lines objects.",
  actions: ["s3:GetObject", "s3:PutObject"],
  parameters: {
    field: { type: "string", description: "The field whose values are counted." },
    suffix: { type: "string", minLength: 1, default: ".counts.json", description: "What the key of the counts ends in." },
  },

  plan: (object, task, { suffix }) => [object.get(), counts(object, suffix).put("").provisional()],

  run(object, task, { field, suffix }) {
    const seen = {};
    let number = 0;
    for (const line of object.lines()) {
      number += 1;
      const value = String(parsed(line, number)[field]);
      seen[value] = (seen[value] ?? 0) + 1;
    }
    counts(object, suffix).put(JSON.stringify(seen), { contentType: "application/json" }).send();
    return done(`${number} lines`);
  },
});

const counts = (object, suffix) => object.open(object.bucket, object.key + suffix);

function parsed(line, number) {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Failure("InvalidJson", `line ${number}: ${error.message}`);
  }
}
