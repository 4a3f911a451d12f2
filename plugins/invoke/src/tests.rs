use longshore_sdk::testing::{FakeStore, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome, StoreError};
use serde_json::{Value, json};

use super::Invoke;

/// What the endpoint `f` does with the call that it gets.
fn answering(answer: impl Fn(Value) -> Value + 'static) -> FakeStore {
    let store = FakeStore::new();
    store.endpoint("f", move |body| {
        Ok(answer(serde_json::from_slice(body).unwrap()).to_string().into_bytes())
    });
    store
}

/// A whole answer with one result.
fn verdict(call: &Value, code: &str, text: Value) -> Value {
    json!({
        "invocationSchemaVersion": call["invocationSchemaVersion"], "treatMissingKeysAs": "PermanentFailure",
        "invocationId": call["invocationId"],
        "results": [{"taskId": call["tasks"][0]["taskId"], "resultCode": code, "resultString": text}],
    })
}

fn run_again(parameters: &str, store: &FakeStore, attempt: u32) -> Result<Outcome, Failure> {
    let operation = operation::<Invoke>(parameters).unwrap();
    operation.run(&store.object("b", "k"), &store.task_again(attempt))
}

fn run(store: &FakeStore) -> Result<Outcome, Failure> {
    run_again(r#"{"endpoint": "f"}"#, store, 1)
}

fn said(answer: impl Fn(Value) -> Value + 'static) -> (String, Option<u16>, String) {
    let Failure { code, message, http_status } = run(&answering(answer)).unwrap_err();
    (code, http_status, message)
}

fn body_of(parameters: &str, key: &str, version: Option<&str>) -> String {
    let store = answering(|call| verdict(&call, "Succeeded", Value::Null));
    let operation = operation::<Invoke>(parameters).unwrap();
    operation.run(&store.version("photos", key, version), &store.task()).unwrap();
    let sent = store.requests().remove(0);
    sent.settings.into_iter().find(|(name, _)| *name == "body").unwrap().1
}

#[test]
fn a_call_of_schema_1_0() {
    let body = body_of(r#"{"endpoint": "f"}"#, "a b+c/ü.jpg", Some("1"));
    let call: Value = serde_json::from_str(&body).unwrap();
    let task_id = &call["tasks"][0]["taskId"];
    assert_ne!(&call["invocationId"], task_id);
    let expected = json!({
        "invocationSchemaVersion": "1.0",
        "invocationId": call["invocationId"],
        "job": {"id": "00000000-0000-0000-0000-000000000000"},
        "tasks": [{
            "taskId": task_id, "s3Key": "a%20b%2Bc/%C3%BC.jpg", "s3VersionId": "1",
            "s3BucketArn": "arn:aws:s3:::photos",
        }],
    });
    assert_eq!(call, expected);
}

#[test]
fn a_call_of_schema_2_0() {
    let body = body_of(
        r#"{"endpoint": "f", "schema": "2.0", "user-arguments": {"mode": "fast", "empty": ""}}"#,
        "{\"action\": 1}|x",
        None,
    );
    let call: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(call["invocationSchemaVersion"], "2.0");
    assert_eq!(call["job"]["userArguments"], json!({"mode": "fast", "empty": ""}));
    let task = &call["tasks"][0];
    assert_eq!(task["s3Bucket"], "photos");
    assert_eq!(task["s3Key"], "%7B%22action%22%3A%201%7D%7Cx");
    assert_eq!(task["s3VersionId"], Value::Null);
    assert!(task.get("s3BucketArn").is_none());
}

#[test]
fn a_task_keeps_its_id_and_each_run_has_one_of_its_own() {
    let store = answering(|call| verdict(&call, "TemporaryFailure", json!("busy")));
    for attempt in [1, 2, 2] {
        run_again(r#"{"endpoint": "f"}"#, &store, attempt).unwrap();
    }
    let calls: Vec<Value> = store
        .requests()
        .iter()
        .map(|sent| {
            serde_json::from_str(&sent.settings.iter().find(|set| set.0 == "body").unwrap().1).unwrap()
        })
        .collect();
    assert_eq!(calls[0]["tasks"], calls[1]["tasks"]);
    assert_ne!(calls[0]["invocationId"], calls[1]["invocationId"]);
    assert_eq!(calls[1], calls[2]);
}

#[test]
fn the_plan_is_what_is_sent() {
    let store = answering(|call| verdict(&call, "Succeeded", Value::Null));
    let operation = operation::<Invoke>(r#"{"endpoint": "f"}"#).unwrap();
    let (object, task) = (store.object("b", "k"), store.task());
    let plan = lines(&operation.plan(&object, &task));
    assert_eq!(store.sent(), [""; 0], "a plan sends nothing");
    operation.run(&object, &task).unwrap();
    assert_eq!(store.sent(), plan);
}

#[test]
fn what_the_function_says_goes_to_the_report() {
    let outcome = |text: Value| run(&answering(move |call| verdict(&call, "Succeeded", text.clone())));
    assert_eq!(outcome(json!("3 faces")), Ok(Outcome::done_with("3 faces")));
    assert_eq!(outcome(json!("")), Ok(Outcome::done()));
    assert_eq!(outcome(Value::Null), Ok(Outcome::done()));
    assert_eq!(outcome(json!({"faces": 3})), Ok(Outcome::done_with(r#"{"faces":3}"#)));
    assert_eq!(outcome(json!("a\nb\u{1b}[2J")), Ok(Outcome::done_with("a\\nb\\u{1b}[2J")));
    let permanent = said(|call| verdict(&call, "PermanentFailure", json!("no face")));
    assert_eq!(permanent, ("PermanentFailure".to_owned(), Some(200), "no face".to_owned()));
}

#[test]
fn a_temporary_failure_runs_again_until_no_attempts_are_left() {
    let parameters = r#"{"endpoint": "f", "attempts": 4, "delay-seconds": 10, "max-delay-seconds": 30}"#;
    let store = answering(|call| verdict(&call, "TemporaryFailure", json!("busy")));
    for (attempt, seconds) in [(1, 10), (2, 20), (3, 30)] {
        let again = Outcome::AgainAfter { seconds, note: "busy".to_owned() };
        assert_eq!(run_again(parameters, &store, attempt), Ok(again));
    }
    let failure = run_again(parameters, &store, 4).unwrap_err();
    assert_eq!(failure.code, "TemporaryFailure");
    assert_eq!(failure.message, "busy (given up after 4 runs, the job's \"attempts\")");
}

#[test]
fn a_result_that_is_missing_is_what_the_answer_says() {
    let missing = |treat: Option<&'static str>| {
        run(&answering(move |call| {
            let mut answer = verdict(&call, "Succeeded", json!("x"));
            answer["results"][0]["taskId"] = json!("of another");
            match treat {
                Some(treat) => answer["treatMissingKeysAs"] = json!(treat),
                None => drop(answer.as_object_mut().unwrap().remove("treatMissingKeysAs")),
            }
            answer
        }))
    };
    assert!(matches!(missing(None), Ok(Outcome::AgainAfter { seconds: 10, .. })));
    assert!(matches!(missing(Some("TemporaryFailure")), Ok(Outcome::AgainAfter { .. })));
    assert_eq!(missing(Some("PermanentFailure")).unwrap_err().code, "PermanentFailure");
    let done = "the answer has no result for the task, which is Succeeded by its treatMissingKeysAs";
    assert_eq!(missing(Some("Succeeded")), Ok(Outcome::done_with(done)));
    assert_eq!(missing(Some("Perhaps")).unwrap_err().code, "InvalidAnswer");
}

/// What goes wrong, each with the message that the report shows.
#[test]
fn answers_that_are_none() {
    let raw = |body: &'static [u8]| {
        let store = FakeStore::new();
        store.endpoint("f", move |_| Ok(body.to_vec()));
        let Failure { code, message, .. } = run(&store).unwrap_err();
        assert_eq!(code, "InvalidAnswer");
        message
    };
    let changed = |key: &'static str, value: Value| {
        let (code, _, message) = said(move |call| {
            let mut answer = verdict(&call, "Succeeded", json!("x"));
            answer[key] = value.clone();
            answer
        });
        assert_eq!(code, "InvalidAnswer");
        message
    };
    let wrong_id = changed("invocationId", json!("other"));
    assert!(wrong_id.starts_with("invocationId of the answer is \"other\"; the call has \""), "{wrong_id}");
    let messages = [
        raw(b""),
        raw(b"<html>\n<h1>It works!</h1>"),
        raw(b"\xff\xfe\x00"),
        raw(b"\"{\\\"results\\\": []}\""),
        raw(b"{}"),
        raw(b"[[[[[[[[[["),
        changed("invocationSchemaVersion", json!("2.0")),
        changed("results", json!("none")),
        changed("results", json!([{"taskId": "x", "resultCode": "Done"}])),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn two_verdicts_are_none() {
    let (code, _, message) = said(|call| {
        let mut answer = verdict(&call, "Succeeded", json!("x"));
        let mut second = answer["results"][0].clone();
        second["resultCode"] = json!("PermanentFailure");
        answer["results"].as_array_mut().unwrap().push(second);
        answer
    });
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidAnswer", "the answer has several results for the task")
    );
}

#[test]
fn a_function_that_breaks_off_has_failed_its_task() {
    let store = FakeStore::new();
    let fail = |code: &'static str| {
        move |_: &[u8]| {
            Err(StoreError {
                code: code.to_owned(),
                message: "Lambda returned function error: {\"errorMessage\":\"x\"}".to_owned(),
                http_status: Some(200),
                retryable: false,
            })
        }
    };
    store.endpoint("f", fail("FunctionError"));
    let failure = run(&store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("PermanentFailure", Some(200)));
    assert_eq!(failure.message, "Lambda returned function error: {\"errorMessage\":\"x\"}");
    store.endpoint("f", fail("EndpointError"));
    assert_eq!(run(&store).unwrap_err().code, "EndpointError");
}

#[test]
fn wrong_parameters_are_refused() {
    let long =
        format!(r#"{{"endpoint": "f", "schema": "2.0", "user-arguments": {{"k": "{}"}}}}"#, "x".repeat(1025));
    for (parameters, why) in [
        ("{}", "missing field `endpoint`"),
        (r#"{"endpoint": "f", "schema": "3.0"}"#, "unknown variant `3.0`, expected `1.0` or `2.0`"),
        (r#"{"endpoint": "f", "user-arguments": {"a": "b"}}"#, "user-arguments need schema = \"2.0\""),
        (
            r#"{"endpoint": "f", "schema": "2.0", "user-arguments": {}}"#,
            "0 user-arguments; 1 to 10 are allowed",
        ),
        (
            r#"{"endpoint": "f", "schema": "2.0", "user-arguments": {"": "b"}}"#,
            "user-arguments: a key has 1 to 64 characters, \"\" has not",
        ),
        (&long, "user-arguments: the value of \"k\" has more than 1024 characters"),
        (r#"{"endpoint": "f", "attempts": 0}"#, "attempts must be 1 to 1000"),
        (
            r#"{"endpoint": "f", "delay-seconds": 0}"#,
            "delay-seconds and max-delay-seconds must be 1 to 86400",
        ),
    ] {
        assert_eq!(operation::<Invoke>(parameters).unwrap_err(), why);
    }
}
