// Text in UTF-8, without TextDecoder and TextEncoder, which the engine inside of a component does not have. A binary string has
// a character for each byte.

/** Arguments that a function takes at once, with room to spare. */
const BLOCK = 8192;

/** Bytes as a binary string. */
export function binary(bytes) {
  let text = "";
  for (let first = 0; first < bytes.length; first += BLOCK) {
    text += String.fromCharCode.apply(null, bytes.subarray(first, first + BLOCK));
  }
  return text;
}

/** The text that a binary string is in UTF-8. Throws where it is none. */
export function decode(binary) {
  if (!/[\x80-\xff]/.test(binary)) return binary;
  try {
    // What the one escapes byte by byte, the other reads as UTF-8.
    return decodeURIComponent(escape(binary));
  } catch {
    throw new TypeError("this is not text in UTF-8");
  }
}

/** Text as bytes. */
export function encode(text) {
  const binary = unescape(encodeURIComponent(text.toWellFormed()));
  return Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
}
