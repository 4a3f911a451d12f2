// What kind of text bytes are: their encoding, their line ends, their lines. Bytes come in pieces of any size; what is kept between them is
// a few numbers.

#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint64_t bytes;     // so many were seen
  uint64_t lf, crlf, cr;
  uint64_t begun;     // where the last character begins, counted from 0
  uint64_t bad;       // where the first one begins that is no text, if there is one
  uint8_t left;       // so many bytes of the last one are to come,
  uint8_t low, high;  // and the next of them is one of these
  uint8_t last;       // the last byte
  bool beyond_ascii, beyond_utf8, binary;
} text_t;

// Begin with a text_t of zeros.
void text_add(text_t *text, const uint8_t *bytes, size_t count);

// After the last piece: a character may be cut off.
void text_end(text_t *text);

// With a last one that nothing ends.
uint64_t text_lines(const text_t *text);

// us-ascii, utf-8, unknown-8bit, or binary: that has a NUL.
const char *text_charset(const text_t *text);

// lf, crlf, cr, mixed or none.
const char *text_line_ends(const text_t *text);

#endif
