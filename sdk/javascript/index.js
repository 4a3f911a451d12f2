/**
 * What the author of a Longshore operation in JavaScript uses.
 *
 * An operation is what a job does to each object of its manifest. It is compiled to WebAssembly and sees objects, not
 * endpoints: the engine signs, retries, checks the role's policies and keeps the books.
 *
 *     import { operation, skipped } from "./longshore-sdk/index.js";
 *
 *     export default operation({
 *       name: "mark-large",
 *       version: "0.1.0",
 *       summary: "Tags large objects with size=large.",
 *       actions: ["s3:GetObject", "s3:PutObjectTagging"],
 *       parameters: { "min-bytes": { type: "integer", minimum: 1, description: "How many bytes make an object large." } },
 *       run(object, task, { minBytes }) {
 *         const { size } = object.head().send();
 *         if (size < minBytes) return skipped(`${size} bytes`);
 *         object.putTags({ size: "large" }).send();
 *       },
 *     });
 *
 * `component.js` makes a component of it. On your own machine the same file runs against a store of fixtures: see `testing.js`.
 */
export { S3Object, StoreError } from "./objects.js";
export { Failure, againAfter, done, log, operation, skipped } from "./operation.js";
