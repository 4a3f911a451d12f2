// `my-operation`: tags objects from a given size on.

import { done, operation, skipped } from "./longshore-sdk/index.js";

export default operation({
  name: "my-operation",
  version: "0.1.0",
  summary: "Tags objects from a given size on with size=large.",
  // What the operation may do. The engine refuses everything else.
  actions: ["s3:GetObject", "s3:PutObjectTagging"],
  parameters: {
    "min-bytes": { type: "integer", minimum: 1, description: "How many bytes make an object large." },
  },

  // What `run` may send: the role's policies are asked about it before the task starts.
  plan: (object) => [object.head(), object.putTags({ size: "large" })],

  run(object, task, { minBytes }) {
    const { size } = object.head().send();
    if (size < minBytes) return skipped(`${size} bytes`);
    object.putTags({ size: "large" }).send();
    return done(`${size} bytes`);
  },
});
