// my-operation: tags objects from a given size on.
//
// longshore/operation.h says what an operation can ask for: it is made from the contract. Texts that are returned are freed after that:
// make them with operation_string_dup.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "longshore/operation.h"

typedef longshore_operation_s3_own_request_t request_t;
typedef longshore_operation_s3_own_response_t response_t;
typedef longshore_operation_s3_store_error_t store_error_t;

static uint64_t min_bytes;

void exports_operation_describe(operation_description_t *description) {
  static const char *const actions[] = {"s3:GetObject", "s3:PutObjectTagging"};
  operation_string_dup(&description->name, "my-operation");
  operation_string_dup(&description->version, "0.1.0");
  operation_string_dup(&description->summary, "Tags objects from a given size on.");
  operation_string_dup(&description->parameters,
                       "{\"type\": \"object\", \"required\": [\"min-bytes\"], \"additionalProperties\": false, \"properties\": {"
                       "\"min-bytes\": {\"description\": \"Objects of fewer bytes are left alone.\","
                       " \"type\": \"integer\", \"minimum\": 0}}}");
  description->actions.len = sizeof actions / sizeof *actions;
  description->actions.ptr = malloc(sizeof(operation_string_t) * description->actions.len);
  for (size_t i = 0; i < description->actions.len; i++) operation_string_dup(&description->actions.ptr[i], actions[i]);
}

// The parameters in JSON, which fit the schema above: the engine has seen to that.
bool exports_operation_configure(operation_string_t *parameters, operation_string_t *error) {
  static const char key[] = "\"min-bytes\":";
  char *text = strndup((const char *)parameters->ptr, parameters->len);
  char *at = strstr(text, key);
  if (at) min_bytes = strtoull(at + sizeof key - 1, NULL, 10);
  free(text);
  if (!at) operation_string_dup(error, "min-bytes is missing");
  return at != NULL;
}

// What an operation was lent, it gives back before it returns.
static void give_back(operation_borrow_object_t object, operation_borrow_task_t task) {
  longshore_operation_s3_object_drop_borrow(object);
  longshore_operation_host_task_drop_borrow(task);
}

static request_t put_tag(operation_borrow_object_t object) {
  longshore_operation_s3_tag_t tag;
  operation_string_set(&tag.key, "size");
  operation_string_set(&tag.value, "large");
  longshore_operation_s3_list_tag_t tags = {&tag, 1};
  return longshore_operation_s3_method_object_put_tags(object, &tags);
}

// What run may send, so that the role is asked about all of it before anything is sent.
void exports_operation_plan(operation_borrow_object_t object, operation_borrow_task_t task, operation_list_own_request_t *plan) {
  plan->len = 2;
  plan->ptr = malloc(sizeof(request_t) * plan->len);
  plan->ptr[0] = longshore_operation_s3_method_object_head(object);
  plan->ptr[1] = put_tag(object);
  give_back(object, task);
}

// The store's error as the task's failure.
static bool failed(store_error_t *error, operation_failure_t *failure) {
  failure->code = error->code;
  failure->message = error->message;
  failure->http_status = error->http_status;
  return false;
}

static bool tag(operation_borrow_object_t object, operation_outcome_t *outcome, operation_failure_t *failure) {
  response_t head, tagged;
  store_error_t error;
  if (!longshore_operation_s3_send(longshore_operation_s3_method_object_head(object), &head, &error)) return failed(&error, failure);
  uint64_t size = 0;
  longshore_operation_s3_method_response_size(longshore_operation_s3_borrow_response(head), &size);
  longshore_operation_s3_response_drop_own(head);
  char message[32];
  snprintf(message, sizeof message, "%" PRIu64 " bytes", size);
  if (size < min_bytes) {
    outcome->tag = LONGSHORE_OPERATION_HOST_OUTCOME_SKIPPED;
    operation_string_dup(&outcome->val.skipped, message);
    return true;
  }
  if (!longshore_operation_s3_send(put_tag(object), &tagged, &error)) return failed(&error, failure);
  longshore_operation_s3_response_drop_own(tagged);
  outcome->tag = LONGSHORE_OPERATION_HOST_OUTCOME_DONE;
  outcome->val.done.is_some = true;
  operation_string_dup(&outcome->val.done.val, message);
  return true;
}

bool exports_operation_run(operation_borrow_object_t object, operation_borrow_task_t task, operation_outcome_t *outcome,
                           operation_failure_t *failure) {
  bool done = tag(object, outcome, failure);
  give_back(object, task);
  return done;
}
