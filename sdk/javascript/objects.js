// Objects, and the requests about them. A request is a value: nothing is sent before `send`.

/** Bytes that are asked for at once, unless it is said otherwise: with the 1,000 requests of a task that is 4 GB. */
const CHUNK_BYTES = 4 << 20;

const CONTENT = ["contentType", "cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "expires"];
const WRITE = [
  ...CONTENT, "userMetadata", "tags", "storageClass", "sse", "kmsKeyId", "bucketKey", "lock", "eventHold", "legalHold",
  "cannedAcl", "grants", "checksumAlgorithm", "websiteRedirect",
];

/** The settings of each request, by the method of `S3Object` that makes it. `docs/plugin-guides/javascript.md` explains
 * them; a request without settings is not here. */
export const SETTINGS = {
  head: ["ifMatch", "ifNoneMatch", "requesterPays", "store", "checksums", "partNumber"],
  get: ["range", "ifMatch", "ifNoneMatch", "requesterPays"],
  put: ["ifMatch", "ifNoneMatch", ...WRITE],
  copyTo: [
    ...WRITE, "requesterPays", "sourceIfMatch", "sourceIfModifiedSince", "sourceIfUnmodifiedSince", "ifNoneMatch",
    "metadataDirective", "taggingDirective", "annotationDirective", "targetStore", "multipartThreshold", "partSize",
  ],
  delete: ["ifMatch", "bypassGovernance"],
  getTags: ["requesterPays"],
  putAcl: ["cannedAcl", "grants", "owner"],
  restore: ["days", "tier"],
  putRetention: ["lock", "eventHold", "bypassGovernance"],
  updateEncryption: ["bucketKey"],
  checksum: ["ifMatch", "composite"],
  createUpload: WRITE,
  completeUpload: ["ifMatch", "ifNoneMatch"],
};

/** The parts of a response, as the contract's getters are called. */
export const PARTS = [
  "httpStatus", "etag", "versionId", "size", "storageClass", "restoreOngoing", "restoreExpiry", ...CONTENT, "userMetadata",
  "tags", "grants", "owner", "body", "deleteMarker", "lockMode", "retainUntil", "legalHold", "eventHold", "eventHoldDays",
  "eventHoldYears", "lockEnabled", "lastModified",
  "sse", "kmsKeyId", "bucketKey", "replicationStatus", "websiteRedirect", "tagCount", "partsCount", "checksums",
  "checksumType", "archiveStatus", "versions", "nextVersion", "uploads", "nextUpload",
  "uploadId", "replicationConfiguration", "versioning",
];

/** Why a request did not succeed. The engine has already retried what was worth a retry. An operation that does not catch it
 * fails its task with the same code, message and HTTP status. */
export class StoreError extends Error {
  /**
   * @param {string} code The store's error code (`NoSuchKey`, …), `AccessDenied` also for a refusal by the role's policies.
   * @param {string} message What happened, in a sentence.
   * @param {number | null} [httpStatus] None if there was no answer.
   * @param {boolean} [retryable] Whether the same request may succeed later.
   */
  constructor(code, message, httpStatus = null, retryable = false) {
    super(message);
    Object.assign(this, { name: "StoreError", code, httpStatus, retryable });
  }
}

/** What the store answered. A part that this answer does not carry is null, false or empty. */
export class Response {
  #read;

  /** @param {(part: string) => any} read */
  constructor(read) {
    this.#read = read;
  }

  static {
    for (const part of PARTS) {
      Object.defineProperty(this.prototype, part, {
        get() {
          const value = this.#read(part) ?? null;
          // Each part is asked for once: a body moves.
          Object.defineProperty(this, part, { value, enumerable: true });
          return value;
        },
      });
    }
  }

  /** The body as text in UTF-8. Throws where it is none. */
  text() {
    return utf8(this.body);
  }
}

/** A request about an object. It is sent by `send`, or returned by `plan`. */
export class Request {
  /**
   * @param {S3Object} object
   * @param {string} kind The method of `S3Object` that made it.
   * @param {any[]} parameters
   * @param {Record<string, any>} settings
   * @param {boolean} [isProvisional] Whether, in a plan, its content is known only once something else has been read.
   */
  constructor(object, kind, parameters, settings, isProvisional = false) {
    Object.assign(this, { object, kind, parameters, settings, isProvisional });
  }

  /** Sends it. The engine asks the role's policies first and retries what is worth it. Throws `StoreError`.
   * @returns {Response} */
  send() {
    return this.object.store.send(this);
  }

  /** The same for a plan, where its content is known only once something else has been read: the policies are asked whether
   * they could allow it. When it is sent they are asked exactly. */
  provisional() {
    return new Request(this.object, this.kind, this.parameters, this.settings, true);
  }
}

/** An object, or one version of it. Each method makes a request about it. */
export class S3Object {
  /**
   * @param {{ send(request: Request): Response }} store What requests are sent through.
   * @param {string} bucket
   * @param {string} key
   * @param {string | null} [versionId] None means the current version.
   */
  constructor(store, bucket, key, versionId = null) {
    Object.assign(this, { store, bucket, key, versionId });
  }

  /** Another object of the same store. */
  open(bucket, key, versionId = null) {
    return new S3Object(this.store, bucket, key, versionId);
  }

  /** HeadObject: metadata only. */
  head(settings) {
    return this.#request("head", [], settings);
  }

  /** GetObject. The body comes into the operation's memory: give a `range`, or use `chunks`, where objects may be large.
   * @param {{ range?: [number, number | null], ifMatch?: string, ifNoneMatch?: string, requesterPays?: boolean }} [settings]
   * The range has the first and last byte, counted from 0, both included; no last byte means up to the end. */
  get(settings) {
    return this.#request("get", [], settings);
  }

  /** PutObject.
   * @param {Uint8Array | string} body Text is written in UTF-8. */
  put(body, settings) {
    return this.#request("put", [bytes(body)], settings);
  }

  /** CopyObject from this object to `key` in `bucket`. The bytes stay in the store. */
  copyTo(bucket, key, settings) {
    return this.#request("copyTo", [bucket, key], settings);
  }

  /** DeleteObject. */
  delete(settings) {
    return this.#request("delete", [], settings);
  }

  /** GetObjectTagging. */
  getTags(settings) {
    return this.#request("getTags", [], settings);
  }

  /** PutObjectTagging: replaces the whole tag set.
   * @param {Record<string, string>} tags */
  putTags(tags) {
    return this.#request("putTags", [{ ...tags }]);
  }

  /** DeleteObjectTagging: removes the whole tag set. */
  deleteTags() {
    return this.#request("deleteTags", []);
  }

  /** GetObjectAcl. */
  getAcl() {
    return this.#request("getAcl", []);
  }

  /** PutObjectAcl: replaces the ACL. Needs a `cannedAcl` or `grants`. */
  putAcl(settings) {
    return this.#request("putAcl", [], settings);
  }

  /** RestoreObject.
   * @param {{ days?: number, tier?: "Standard" | "Bulk" | "Expedited" }} [settings] */
  restore(settings) {
    return this.#request("restore", [], settings);
  }

  /** PutObjectLegalHold.
   * @param {boolean} on */
  putLegalHold(on) {
    return this.#request("putLegalHold", [on]);
  }

  /** GetObjectLegalHold. */
  getLegalHold() {
    return this.#request("getLegalHold", []);
  }

  /** PutObjectRetention: removes the retention, unless `lock` or `eventHold` gives one. An event hold is whether it is on, its mode where
   * `lock` does not say it, and for how many days or, else, years the object is retained once the hold is released.
   * @param {{ lock?: [mode: "GOVERNANCE" | "COMPLIANCE", retainUntil: string], eventHold?: [on: boolean, mode?: string, days?: number,
   * years?: number], bypassGovernance?: boolean }} [settings] */
  putRetention(settings) {
    return this.#request("putRetention", [], settings);
  }

  /** GetObjectRetention. */
  getRetention() {
    return this.#request("getRetention", []);
  }

  /** GetObjectLockConfiguration of the object's bucket. */
  getLockConfiguration() {
    return this.#request("getLockConfiguration", []);
  }

  /** GetBucketReplication of the object's bucket. Needs `s3:InitiateReplication` on the object as well. */
  getReplication() {
    return this.#request("getReplication", []);
  }

  /** GetBucketVersioning of the object's bucket. */
  getVersioning() {
    return this.#request("getVersioning", []);
  }

  /** CreateMultipartUpload: begins an upload that becomes this object; the answer has `uploadId`. The engine aborts it when the run
   * ends, unless it is complete; so the role must allow `s3:AbortMultipartUpload` too. */
  createUpload(settings) {
    return this.#request("createUpload", [], settings);
  }

  /** UploadPart, of an upload that this run began: parts have the numbers 1 to 10,000 and at least 5 MiB, but for the last. */
  uploadPart(uploadId, number, body) {
    return this.#request("uploadPart", [uploadId, number, bytes(body)]);
  }

  /** CompleteMultipartUpload: makes the object of the parts that this run sent. */
  completeUpload(uploadId, settings) {
    return this.#request("completeUpload", [uploadId], settings);
  }

  /** ListObjectVersions of this key: one page, of what comes after the version `after`. */
  listVersions(after = null) {
    return this.#request("listVersions", [after]);
  }

  /** ListMultipartUploads of this key: one page, of what comes after the upload `after`. */
  listUploads(after = null) {
    return this.#request("listUploads", [after]);
  }

  /** AbortMultipartUpload. */
  abortUpload(uploadId) {
    return this.#request("abortUpload", [uploadId]);
  }

  /** UpdateObjectEncryption: another KMS key, in place. */
  updateEncryption(kmsKeyArn, settings) {
    return this.#request("updateEncryption", [kmsKeyArn], settings);
  }

  /** GetObject whose bytes the engine reads through a hasher, however many they are: `CRC32`, `CRC32C`, `CRC64NVME`, `MD5`,
   * `SHA1`, `SHA256`, `SHA512`, `XXHASH64`, `XXHASH3` or `XXHASH128`. The answer has the checksum and no body. */
  checksum(algorithm, settings) {
    return this.#request("checksum", [algorithm], settings);
  }

  /** A call of an endpoint that the operator named, with a body in JSON. A status that is no success is an error. */
  invoke(endpoint, body) {
    return this.#request("invoke", [endpoint, bytes(body)]);
  }

  /** The object's bytes in chunks, each of which is a request for a range, however large the object is. All of them are of
   * one version of the object: if it changes meanwhile, reading fails.
   * @param {number} [chunkBytes]
   * @returns {Generator<Uint8Array>} */
  *chunks(chunkBytes = CHUNK_BYTES) {
    // The first answer says of which version all are.
    let size = 1;
    let etag;
    for (let first = 0; first < size; first += chunkBytes) {
      const answer = this.#range(first, first + chunkBytes - 1, etag);
      if (answer === null) return;
      if (first > 0 && answer.etag !== etag) {
        // Not every store honours conditions.
        throw new StoreError("PreconditionFailed", "the object was written while it was read", 412);
      }
      ({ size, etag } = answer);
      yield answer.body;
    }
  }

  /** The answer to a GetObject of these bytes; null where the object is empty. */
  #range(first, last, etag) {
    try {
      return this.get({ range: [first, last], ifMatch: etag }).send();
    } catch (error) {
      if (error.httpStatus === 416 && first === 0) return null;
      throw error;
    }
  }

  /** The object's lines, of text in UTF-8, without what ends them, read in chunks. Throws where the text is none.
   * @param {number} [chunkBytes]
   * @returns {Generator<string>} */
  *lines(chunkBytes = CHUNK_BYTES) {
    let rest = new Uint8Array();
    for (const chunk of this.chunks(chunkBytes)) {
      const bytes = joined(rest, chunk);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      rest = bytes.subarray(end);
      if (end > 0) yield* utf8(bytes.subarray(0, end - 1)).split("\n").map(line);
    }
    if (rest.length > 0) yield line(utf8(rest));
  }

  #request(kind, parameters, settings = {}) {
    const known = SETTINGS[kind] ?? [];
    const unknown = Object.keys(settings).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw new TypeError(`${kind} has no setting ${unknown}; its settings: ${known.join(", ") || "none"}`);
    }
    const given = Object.entries(settings).filter(([, value]) => value !== undefined && value !== null);
    return new Request(this, kind, parameters, Object.fromEntries(given));
  }
}

const NEWLINE = 0x0a;

const line = (text) => text.replace(/\r$/, "");

const bytes = (body) => (typeof body === "string" ? new TextEncoder().encode(body) : body);

const utf8 = (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

function joined(first, second) {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
