#include "text.h"

// The character that began last is none. What was found first stays.
static void spoil(text_t *text) {
  if (!text->beyond_utf8) text->bad = text->begun;
  text->beyond_utf8 = true;
  text->left = 0;
}

// The first byte of a character: how many belong to it, and what the second may be (RFC 3629, section 4).
static void begin(text_t *text, uint8_t byte) {
  text->begun = text->bytes;
  text->low = 0x80, text->high = 0xbf;
  if (byte < 0x80) return;
  text->beyond_ascii = true;
  if (byte >= 0xc2 && byte <= 0xdf) {
    text->left = 1;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    text->left = 2;
    if (byte == 0xe0) text->low = 0xa0;
    if (byte == 0xed) text->high = 0x9f;
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    text->left = 3;
    if (byte == 0xf0) text->low = 0x90;
    if (byte == 0xf4) text->high = 0x8f;
  } else {
    spoil(text);
  }
}

static void add_character(text_t *text, uint8_t byte) {
  if (text->beyond_utf8) return;
  if (text->left == 0) {
    begin(text, byte);
  } else if (byte < text->low || byte > text->high) {
    spoil(text);
  } else {
    text->left -= 1;
    text->low = 0x80, text->high = 0xbf;
  }
}

// A CR counts as one, until an LF follows it.
static void add_line_end(text_t *text, uint8_t byte) {
  if (byte == '\r') text->cr += 1;
  if (byte != '\n') return;
  if (text->last == '\r') {
    text->cr -= 1;
    text->crlf += 1;
  } else {
    text->lf += 1;
  }
}

void text_add(text_t *text, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count && !text->binary; i++) {
    add_character(text, bytes[i]);
    if (bytes[i] == 0) {
      spoil(text);
      text->binary = true;
    }
    add_line_end(text, bytes[i]);
    text->last = bytes[i];
    text->bytes += 1;
  }
}

void text_end(text_t *text) {
  if (text->left > 0) spoil(text);
}

uint64_t text_lines(const text_t *text) {
  bool open = text->bytes > 0 && text->last != '\n' && text->last != '\r';
  return text->lf + text->crlf + text->cr + open;
}

const char *text_charset(const text_t *text) {
  if (text->binary) return "binary";
  if (text->beyond_utf8) return "unknown-8bit";
  return text->beyond_ascii ? "utf-8" : "us-ascii";
}

const char *text_line_ends(const text_t *text) {
  int kinds = (text->lf > 0) + (text->crlf > 0) + (text->cr > 0);
  if (kinds > 1) return "mixed";
  if (text->lf > 0) return "lf";
  if (text->crlf > 0) return "crlf";
  return text->cr > 0 ? "cr" : "none";
}
