// An operation in C: reads objects in ranges and tags them with what kind of text they are.
//
// The tags are `charset` (us-ascii, utf-8, unknown-8bit or binary), `line-ends` (lf, crlf, cr, mixed or none) and `lines`; other tags stay. An
// object with a NUL is binary: no more of it is read, and it has no lines. With `only-utf-8` what is not UTF-8 fails, with the place.
//
// `docs/plugin-guides/c.md` says how it is built. In a job file
// `operation = { plugin = "tag-text.wasm", parameters = { only-utf-8 = true } }`.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "longshore/operation.h"
#include "text.h"

typedef longshore_operation_s3_own_request_t request_t;
typedef longshore_operation_s3_own_response_t response_t;
typedef longshore_operation_s3_store_error_t store_error_t;
typedef longshore_operation_s3_list_tag_t tags_t;

// So much of an object is in memory at a time.
#define PIECE (UINT64_C(1) << 20)

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool only_utf8;

// Address 0 can be written to in WebAssembly: without this, nothing would stop an operation that is out of memory.
static void *allocated(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (!memory) __builtin_trap();
  return memory;
}

void exports_operation_describe(operation_description_t *description) {
  static const char *const actions[] = {"s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"};
  operation_string_dup(&description->name, "tag-text");
  operation_string_dup(&description->version, "0.1.0");
  operation_string_dup(&description->summary, "Tags objects with their charset, their line ends and their number of lines.");
  operation_string_dup(&description->parameters,
                       "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
                       "\"only-utf-8\": {\"description\": \"Whether objects that are not UTF-8 fail, instead of being tagged.\","
                       " \"type\": \"boolean\", \"default\": false}}}");
  description->actions.len = COUNT(actions);
  description->actions.ptr = allocated(COUNT(actions), sizeof(operation_string_t));
  for (size_t i = 0; i < COUNT(actions); i++) operation_string_dup(&description->actions.ptr[i], actions[i]);
}

// The parameters in JSON, which fit the schema above: the engine has seen to that. What has a default may be left out.
bool exports_operation_configure(operation_string_t *parameters, operation_string_t *error) {
  (void)error;
  static const char key[] = "\"only-utf-8\":";
  char *text = allocated(parameters->len + 1, 1);
  memcpy(text, parameters->ptr, parameters->len);
  const char *at = strstr(text, key);
  if (at) at += sizeof key - 1;
  only_utf8 = at && strncmp(at + strspn(at, " "), "true", 4) == 0;
  free(text);
  return true;
}

// What an operation was lent, it gives back before it returns.
static void give_back(operation_borrow_object_t object, operation_borrow_task_t task) {
  longshore_operation_s3_object_drop_borrow(object);
  longshore_operation_host_task_drop_borrow(task);
}

// What run may send. Which tags it will be is known only then.
void exports_operation_plan(operation_borrow_object_t object, operation_borrow_task_t task, operation_list_own_request_t *plan) {
  tags_t none = {NULL, 0};
  plan->len = 4;
  plan->ptr = allocated(plan->len, sizeof(request_t));
  plan->ptr[0] = longshore_operation_s3_method_object_head(object);
  plan->ptr[1] = longshore_operation_s3_method_object_get(object);
  plan->ptr[2] = longshore_operation_s3_method_object_get_tags(object);
  plan->ptr[3] = longshore_operation_s3_method_object_put_tags(object, &none);
  longshore_operation_s3_method_request_provisional(longshore_operation_s3_borrow_request(plan->ptr[3]));
  give_back(object, task);
}

static bool fail(operation_failure_t *failure, const char *code, const char *message) {
  operation_string_dup(&failure->code, code);
  operation_string_dup(&failure->message, message);
  failure->http_status.is_some = false;
  return false;
}

// The store's error is the task's failure: its texts move there.
static bool sent(request_t request, response_t *response, operation_failure_t *failure) {
  store_error_t error;
  if (longshore_operation_s3_send(request, response, &error)) return true;
  failure->code = error.code;
  failure->message = error.message;
  failure->http_status = error.http_status;
  return false;
}

// Of which bytes an object is made: so many, and with this ETag, if the store says one.
typedef struct {
  uint64_t size;
  operation_option_string_t etag;
} version_t;

static bool look_up(operation_borrow_object_t object, version_t *version, operation_failure_t *failure) {
  response_t head;
  version->size = 0;
  version->etag.is_some = false;
  if (!sent(longshore_operation_s3_method_object_head(object), &head, failure)) return false;
  longshore_operation_s3_method_response_size(longshore_operation_s3_borrow_response(head), &version->size);
  version->etag.is_some = longshore_operation_s3_method_response_etag(longshore_operation_s3_borrow_response(head), &version->etag.val);
  longshore_operation_s3_response_drop_own(head);
  return true;
}

// One range, of this version and no other: a body of at least one byte and no more than were asked for.
static bool read_piece(operation_borrow_object_t object, version_t *version, uint64_t first, operation_list_u8_t *body,
                       operation_failure_t *failure) {
  uint64_t rest = version->size - first, wanted = rest < PIECE ? rest : PIECE, last = first + wanted - 1;
  request_t get = longshore_operation_s3_method_object_get(object);
  longshore_operation_s3_method_request_set_range(longshore_operation_s3_borrow_request(get), first, &last);
  if (version->etag.is_some) {
    longshore_operation_s3_method_request_set_if_match(longshore_operation_s3_borrow_request(get), &version->etag.val);
  }
  response_t got;
  if (!sent(get, &got, failure)) return false;
  longshore_operation_s3_method_response_body(longshore_operation_s3_borrow_response(got), body);
  longshore_operation_s3_response_drop_own(got);
  if (body->len > 0 && body->len <= wanted) return true;
  operation_list_u8_free(body);
  return fail(failure, "UnexpectedLength", "the store sent other bytes than it was asked for");
}

// Reads an object until its end, or until nothing can change what is said of it.
static bool read_text(operation_borrow_object_t object, version_t *version, text_t *text, operation_failure_t *failure) {
  uint64_t first = 0;
  while (first < version->size && !text->binary && !(only_utf8 && text->beyond_utf8)) {
    operation_list_u8_t body;
    if (!read_piece(object, version, first, &body, failure)) return false;
    text_add(text, body.ptr, body.len);
    first += body.len;
    operation_list_u8_free(&body);
  }
  if (first == version->size) text_end(text);
  return true;
}

static const char *const names[] = {"charset", "line-ends", "lines"};

static bool is_own(const operation_string_t *name) {
  for (size_t i = 0; i < COUNT(names); i++) {
    if (name->len == strlen(names[i]) && memcmp(name->ptr, names[i], name->len) == 0) return true;
  }
  return false;
}

// Those that the object has, but for those of an earlier run, then what the values say. It is freed as what it was made of.
static tags_t merged(const tags_t *found, const char *const values[]) {
  tags_t tags = {allocated(found->len + COUNT(names), sizeof(longshore_operation_s3_tag_t)), 0};
  for (size_t i = 0; i < found->len; i++) {
    if (!is_own(&found->ptr[i].key)) tags.ptr[tags.len++] = found->ptr[i];
  }
  for (size_t i = 0; i < COUNT(names); i++) {
    if (!values[i]) continue;
    operation_string_set(&tags.ptr[tags.len].key, names[i]);
    operation_string_set(&tags.ptr[tags.len++].value, values[i]);
  }
  return tags;
}

static bool tag(operation_borrow_object_t object, const char *const values[], operation_failure_t *failure) {
  response_t got, put;
  if (!sent(longshore_operation_s3_method_object_get_tags(object), &got, failure)) return false;
  tags_t found;
  longshore_operation_s3_method_response_tags(longshore_operation_s3_borrow_response(got), &found);
  longshore_operation_s3_response_drop_own(got);
  tags_t tags = merged(&found, values);
  request_t request = longshore_operation_s3_method_object_put_tags(object, &tags);
  free(tags.ptr);
  longshore_operation_s3_list_tag_free(&found);
  if (!sent(request, &put, failure)) return false;
  longshore_operation_s3_response_drop_own(put);
  return true;
}

// Tags an object with what was read, and says so.
static bool conclude(operation_borrow_object_t object, const text_t *text, operation_outcome_t *outcome, operation_failure_t *failure) {
  char message[80], lines[24];
  if (only_utf8 && text->beyond_utf8) {
    snprintf(message, sizeof message, "what begins at byte %" PRIu64 " is not text in UTF-8", text->bad);
    return fail(failure, "NotUtf8", message);
  }
  snprintf(lines, sizeof lines, "%" PRIu64, text_lines(text));
  const char *values[] = {text_charset(text), text_line_ends(text), lines};
  snprintf(message, sizeof message, "%s, %s, %s lines", values[0], values[1], values[2]);
  if (text->binary) {
    values[1] = values[2] = NULL;
    snprintf(message, sizeof message, "%s", values[0]);
  }
  if (!tag(object, values, failure)) return false;
  outcome->tag = LONGSHORE_OPERATION_HOST_OUTCOME_DONE;
  outcome->val.done.is_some = true;
  operation_string_dup(&outcome->val.done.val, message);
  return true;
}

static bool run(operation_borrow_object_t object, operation_outcome_t *outcome, operation_failure_t *failure) {
  version_t version;
  if (!look_up(object, &version, failure)) return false;
  text_t text = {0};
  bool read = read_text(object, &version, &text, failure);
  if (version.etag.is_some) operation_string_free(&version.etag.val);
  if (!read) return false;
  if (version.size > 0) return conclude(object, &text, outcome, failure);
  outcome->tag = LONGSHORE_OPERATION_HOST_OUTCOME_SKIPPED;
  operation_string_dup(&outcome->val.skipped, "the object is empty");
  return true;
}

bool exports_operation_run(operation_borrow_object_t object, operation_borrow_task_t task, operation_outcome_t *outcome,
                           operation_failure_t *failure) {
  bool done = run(object, outcome, failure);
  give_back(object, task);
  return done;
}
