use serde_json::json;

use super::*;

fn waiting(call: &str, task: &str, job: &str) -> Waiting {
    let body = json!({ "invocationSchemaVersion": "2.0", "invocationId": call, "job": { "id": job },
                       "tasks": [{ "taskId": task }] });
    let body = Bytes::from(body.to_string());
    let message = Message::read(&body).unwrap();
    Waiting { body, message, answer: oneshot::channel().0 }
}

#[test]
fn one_message_has_the_tasks_of_all() {
    let batch = [waiting("c1", "t1", "j"), waiting("c2", "t2", "j")];
    let id = common_id(&batch);
    let message: Value = serde_json::from_str(&joined(&batch[0].message.frame, &id, &batch)).unwrap();
    let expected = json!({ "invocationSchemaVersion": "2.0", "invocationId": id, "job": { "id": "j" },
                           "tasks": [{ "taskId": "t1" }, { "taskId": "t2" }] });
    assert_eq!(message, expected);
    assert_ne!(common_id(&batch[..1]), id);
}

#[test]
fn each_gets_its_own_results() {
    let call = waiting("c1", "t1", "j").message;
    let mine = json!({ "taskId": "t1", "resultCode": "Succeeded" });
    let answer = json!({ "invocationId": "all", "treatMissingKeysAs": "PermanentFailure",
                         "results": [mine.clone(), { "taskId": "t2" }, {}, 1] });
    let own = json!({ "invocationId": "c1", "treatMissingKeysAs": "PermanentFailure", "results": [mine] });
    let common = Common::read(answer.to_string().as_bytes(), "all").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&common.share(&call)).unwrap(), own);
}

#[test]
fn what_is_no_answer_to_the_call() {
    for body in
        [r#"{"invocationId":"other","results":[]}"#, r#"{"invocationId":"all","results":1}"#, "[1]", ""]
    {
        assert!(Common::read(body.as_bytes(), "all").is_none(), "{body}");
    }
}

#[test]
fn a_batch_goes_when_it_is_full() {
    let together = Together::new(Batching { tasks: 2, wait: Duration::ZERO });
    let turn = |key: &str, waiting: Waiting| {
        let Turn { first, leaving } = together.join(key, waiting);
        (first, leaving.len())
    };
    assert_eq!(turn("a", waiting("1", "1", "j")), (true, 0));
    assert_eq!(turn("b", waiting("2", "2", "k")), (true, 0));
    assert_eq!(turn("a", waiting("3", "3", "j")), (false, 2));
    assert_eq!(turn("a", waiting("4", "4", "j")), (true, 0));
    // The same object twice: the results could not be told apart.
    assert_eq!(turn("a", waiting("5", "4", "j")), (true, 1));
    assert_eq!(together.gathering().len(), 2);
}

#[test]
fn a_call_has_a_size() {
    let large = |number: usize| {
        let mut waiting = waiting(&number.to_string(), &number.to_string(), "j");
        waiting.body = vec![0; MESSAGE_BYTES].into();
        waiting
    };
    let together = Together::new(Batching { tasks: 1_000, wait: Duration::ZERO });
    let left = (0..1_000).map(|number| together.join("a", large(number)).leaving.len());
    assert_eq!(left.max(), Some(CALL_BYTES / MESSAGE_BYTES));
}

#[test]
fn what_is_no_such_message_goes_alone() {
    let large =
        json!({ "invocationId": "i", "tasks": [{ "taskId": "x".repeat(MESSAGE_BYTES) }] }).to_string();
    let none = [
        r#"{"tasks":[]}"#,
        r#"{"tasks":[],"invocationId":"i"}"#,
        r#"{"tasks":[{}],"invocationId":"i"}"#,
        "[]",
        "",
        "{",
        &large,
    ];
    for body in none {
        assert!(Message::read(body.as_bytes()).is_none(), "{body}");
    }
}
