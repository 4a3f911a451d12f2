/**
 * A store of fixtures for unit tests of operations: no network, no engine.
 *
 * Put objects in, run the operation, look at what was sent:
 *
 *     const store = new FakeStore();
 *     store.insert("logs", "big.gz", { size: 2 ** 31 });
 *     store.run(markLarge, { "min-bytes": 2 ** 30 }, "logs", "big.gz");
 *     assert.deepEqual(store.sent, ["HeadObject s3://logs/big.gz", "PutObjectTagging s3://logs/big.gz tag=size=large"]);
 *
 * Writes of objects, tags, locks and ACLs change the fixtures, so that a later read sees them. It is no S3: nothing is checked
 * that a store would check, but that an object is there and that conditions on its ETag hold.
 */
import { PARTS, Response, S3Object, StoreError } from "./objects.js";
import { configured } from "./operation.js";

/** What tasks take for the time. */
export const NOW = "2026-01-15T12:00:00Z";

/** The S3 call of each request. */
export const CALLS = {
  head: "HeadObject", get: "GetObject", put: "PutObject", copyTo: "CopyObject", delete: "DeleteObject",
  getTags: "GetObjectTagging", putTags: "PutObjectTagging", deleteTags: "DeleteObjectTagging", getAcl: "GetObjectAcl",
  putAcl: "PutObjectAcl", restore: "RestoreObject", putLegalHold: "PutObjectLegalHold", getLegalHold: "GetObjectLegalHold",
  putRetention: "PutObjectRetention", getRetention: "GetObjectRetention",
  getLockConfiguration: "GetObjectLockConfiguration", listVersions: "ListObjectVersions",
  listUploads: "ListMultipartUploads", abortUpload: "AbortMultipartUpload", updateEncryption: "UpdateObjectEncryption",
  getReplication: "GetBucketReplication", getVersioning: "GetBucketVersioning",
  createUpload: "CreateMultipartUpload", uploadPart: "UploadPart", completeUpload: "CompleteMultipartUpload",
  checksum: "GetObject", invoke: "InvokeEndpoint",
};

/** What a response has where a fixture says nothing. */
const EMPTY = {
  httpStatus: 200, userMetadata: {}, tags: {}, grants: [], body: new Uint8Array(), deleteMarker: false, lockEnabled: false,
  checksums: {}, versions: [], uploads: [],
};
const CONTENT = ["contentType", "cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "expires", "userMetadata"];
const OF_THE_COPY = ["storageClass", "sse", "kmsKeyId", "bucketKey", "websiteRedirect", "legalHold"];

/** A request in one line: call, object, settings. */
export function line({ object, kind, parameters, settings, isProvisional }) {
  const version = object.versionId === null ? "" : `?versionId=${object.versionId}`;
  const words = [CALLS[kind], `s3://${object.bucket}/${object.key}${version}`];
  if (kind === "put") words.push(`bytes=${parameters[0].length}`);
  else if (kind === "uploadPart") words.push(parameters[0], String(parameters[1]), `bytes=${parameters[2].length}`);
  else if (kind === "copyTo") words.push(`to=s3://${parameters.join("/")}`);
  else if (kind === "putTags") words.push(...Object.entries(parameters[0]).map(([key, value]) => `tag=${key}=${value}`));
  else words.push(...parameters.filter((parameter) => parameter !== null).map(String));
  for (const [name, value] of Object.entries(settings)) {
    const isMap = typeof value === "object" && !Array.isArray(value);
    words.push(...(isMap ? Object.entries(value).map(([key, of]) => `${name}=${key}=${of}`) : [`${name}=${value}`]));
  }
  return words.join(" ") + (isProvisional ? " (provisional)" : "");
}

/** A store of fixtures. An object is what a response about it says: `size`, `body`, `tags`, `storageClass`, …. */
export class FakeStore {
  /** "bucket/key" -> parts of a response. */
  objects = new Map();
  /** Every request sent so far. */
  requests = [];
  #failures = [];
  #endpoints = new Map();
  // Upload ID -> what the object will have beside its bytes, and the parts.
  #uploads = new Map();

  /** Every request sent so far, one line each. */
  get sent() {
    return this.requests.map(line);
  }

  /** Puts an object into the store: `insert("b", "k", { body: "text", tags: { a: "b" } })`. */
  insert(bucket, key, parts = {}) {
    const unknown = Object.keys(parts).find((part) => !PARTS.includes(part));
    if (unknown !== undefined) throw new TypeError(`a response has no ${unknown}`);
    const body = typeof parts.body === "string" ? new TextEncoder().encode(parts.body) : (parts.body ?? EMPTY.body);
    this.objects.set(`${bucket}/${key}`, { size: body.length, ...parts, body });
  }

  /** What the store holds there. */
  fixture(bucket, key) {
    return this.objects.get(`${bucket}/${key}`);
  }

  /** Makes the next call of that name (`PutObjectTagging`) fail; several wait in line. */
  fail(call, code, httpStatus = null) {
    this.#failures.push([call, new StoreError(code, `${call} was made to fail`, httpStatus)]);
  }

  /** Makes an endpoint: `answer` gets the body of each call and returns one, or throws `StoreError`. */
  endpoint(name, answer) {
    this.#endpoints.set(name, answer);
  }

  /** An object, whether it is there or not. */
  object(bucket, key, versionId = null) {
    return new S3Object(this, bucket, key, versionId);
  }

  /** A task whose manifest row has these columns. */
  task({ attempt = 1, columns = {} } = {}) {
    const jobId = "00000000-0000-0000-0000-000000000000";
    return { jobId, attempt, now: NOW, column: (name) => columns[name] ?? null };
  }

  /** Runs an operation on one object, with parameters as a job file has them. Throws what the operation throws. */
  run(operation, parameters, bucket, key, task = {}) {
    const ready = configured(operation, parameters);
    return operation.run(this.object(bucket, key), this.task(task), ready);
  }

  /** The plan of an operation for one object, one line for each request. */
  plan(operation, parameters, bucket, key, task = {}) {
    const ready = configured(operation, parameters);
    return operation.plan(this.object(bucket, key), this.task(task), ready).map(line);
  }

  /** Answers a request from the fixtures. */
  send(request) {
    this.requests.push(request);
    const position = this.#failures.findIndex(([call]) => call === CALLS[request.kind]);
    if (position >= 0) throw this.#failures.splice(position, 1)[0][1];
    const answer = { ...EMPTY, ...this.#answer(request) };
    return new Response((part) => answer[part]);
  }

  #answer({ object, kind, parameters, settings }) {
    const place = `${object.bucket}/${object.key}`;
    const found = this.objects.get(place);
    if (kind === "invoke") {
      const answer = this.#endpoints.get(parameters[0]);
      if (!answer) throw new StoreError("InvalidRequest", `there is no endpoint ${parameters[0]}`);
      return { body: answer(parameters[1]) };
    }
    if (kind === "put") return this.#write(place, parameters[0], settings, written(settings));
    if (kind === "createUpload") {
      const uploadId = `upload-${this.#uploads.size + 1}`;
      this.#uploads.set(uploadId, { written: written(settings), parts: [] });
      return { uploadId };
    }
    if (["uploadPart", "completeUpload", "abortUpload"].includes(kind)) {
      return this.#answerUpload(place, kind, parameters, settings);
    }
    if (kind === "delete") {
      this.objects.delete(place);
      return { httpStatus: 204 };
    }
    const ofBuckets = ["getLockConfiguration", "getReplication", "getVersioning", "listVersions", "listUploads"];
    if (ofBuckets.includes(kind)) return found ?? {};
    if (!found) throw new StoreError("NoSuchKey", `there is no fixture s3://${place}`, 404);
    checkConditions(found, settings);
    return this.#answerAbout(found, kind, parameters, settings);
  }

  #answerUpload(place, kind, [uploadId, number, body], settings) {
    const upload = this.#uploads.get(uploadId);
    if (!upload) throw new StoreError("NoSuchUpload", "there is no such upload", 404);
    if (kind === "uploadPart") {
      upload.parts[number] = body;
      return {};
    }
    const bytes = Uint8Array.from(upload.parts.flatMap((part) => [...part]));
    const answer = kind === "completeUpload" ? this.#write(place, bytes, settings, upload.written) : { httpStatus: 204 };
    this.#uploads.delete(uploadId);
    return answer;
  }

  #write(place, body, conditions, parts) {
    checkConditions(this.objects.get(place), conditions);
    this.objects.set(place, { body, size: body.length, ...parts });
    return this.objects.get(place);
  }

  #answerAbout(found, kind, parameters, settings) {
    if (kind === "get" && settings.range) {
      const [first, last] = settings.range;
      if (first >= found.body.length) throw new StoreError("InvalidRange", "the object ends before the range begins", 416);
      return { ...found, body: found.body.slice(first, last === null ? undefined : last + 1), httpStatus: 206 };
    }
    if (kind === "restore" && found.restoreOngoing === undefined) {
      found.restoreOngoing = true;
      return { httpStatus: 202 };
    }
    const [lockMode, retainUntil] = settings.lock ?? [null, null];
    const changes = {
      putTags: () => ({ tags: parameters[0] }),
      deleteTags: () => ({ tags: {} }),
      putLegalHold: () => ({ legalHold: parameters[0] }),
      putRetention: () => ({ lockMode, retainUntil, ...held(settings) }),
      putAcl: () => ({ grants: settings.grants ?? [] }),
      updateEncryption: () => ({ sse: "aws:kms", kmsKeyId: parameters[0] }),
    };
    Object.assign(found, changes[kind]?.());
    if (kind === "copyTo") this.objects.set(parameters.join("/"), copied(found, settings));
    return { ...found };
  }
}

const written = (settings) => Object.fromEntries(Object.entries(settings).filter(([name]) => PARTS.includes(name)));

function checkConditions(found, settings) {
  const etag = found?.etag;
  const wanted = settings.ifMatch ?? settings.sourceIfMatch ?? etag;
  const taken = found && settings.ifNoneMatch !== undefined && ["*", etag].includes(settings.ifNoneMatch);
  if (wanted !== etag || taken) throw new StoreError("PreconditionFailed", "a condition of the request is not met", 412);
}

/** The event hold that a request gives. */
function held({ eventHold }) {
  const [on, , days, years] = eventHold ?? [];
  return { eventHold: on ?? null, eventHoldDays: days ?? null, eventHoldYears: years ?? null };
}

/** What a copy becomes: its source, with what the request sets. Class, encryption and lock are never the source's. */
function copied(source, settings) {
  const own = (names) => Object.fromEntries(names.map((name) => [name, settings[name] ?? EMPTY[name]]));
  return {
    ...source,
    ...own(OF_THE_COPY),
    ...held(settings),
    ...(settings.metadataDirective === "REPLACE" ? own(CONTENT) : {}),
    ...(settings.taggingDirective === "REPLACE" ? own(["tags"]) : {}),
  };
}
