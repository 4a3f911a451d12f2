// How settings of the SDK become setters of the contract.

/** Settings whose setter is not `set` and their name. */
export const SETTERS = {
  days: "setRestoreDays", grants: "addGrant", tags: "addTag", targetStore: "setStore", tier: "setRestoreTier",
  userMetadata: "addUserMetadata",
};
/** Settings that are on or not given. */
export const FLAGS = ["bypassGovernance", "checksums", "requesterPays"];
/** Settings of 64 bits, which the contract has as BigInt. */
export const LONG = ["composite", "multipartThreshold", "partSize", "range"];
