//! What an answer says of its task.

use serde::Deserialize;
use serde_json::Value;

use crate::Schema;
use crate::message::Message;

/// Characters of an answer that a message quotes.
const MAX_QUOTED: usize = 120;

/// The verdict on a task.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: ResultCode,
    /// In the endpoint's words, without control characters.
    pub(crate) text: String,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum ResultCode {
    Succeeded,
    TemporaryFailure,
    PermanentFailure,
}

impl ResultCode {
    fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::TemporaryFailure => "TemporaryFailure",
            Self::PermanentFailure => "PermanentFailure",
        }
    }
}

/// An answer as it is sent. What else it holds is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Sent {
    invocation_schema_version: String,
    invocation_id: String,
    treat_missing_keys_as: Option<ResultCode>,
    results: Vec<SentResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct SentResult {
    task_id: String,
    result_code: ResultCode,
    /// Free text; what is none is shown as JSON.
    result_string: Option<Value>,
}

impl Answer {
    /// Reads the answer to `message`. The error is a sentence.
    pub(crate) fn read(body: &[u8], schema: Schema, message: &Message) -> Result<Self, String> {
        let sent: Sent = serde_json::from_slice(body).map_err(|error| unreadable(body, schema, &error))?;
        same("invocationSchemaVersion", &sent.invocation_schema_version, schema.name())?;
        same("invocationId", &sent.invocation_id, &message.invocation_id)?;
        let mut own = sent.results.into_iter().filter(|result| result.task_id == message.task_id);
        match (own.next(), own.next()) {
            (Some(result), None) => {
                Ok(Self { code: result.result_code, text: text_of(result.result_string) })
            }
            (Some(_), Some(_)) => Err("the answer has several results for the task".to_owned()),
            (None, _) => {
                // The default of Amazon S3 Batch Operations.
                let code = sent.treat_missing_keys_as.unwrap_or(ResultCode::TemporaryFailure);
                let by = sent.treat_missing_keys_as.map_or("by default", |_| "by its treatMissingKeysAs");
                let text = format!("the answer has no result for the task, which is {} {by}", code.name());
                Ok(Self { code, text })
            }
        }
    }
}

fn same(field: &str, found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{field} of the answer is {:?}; the call has {wanted:?}", quoted(found)))
}

fn unreadable(body: &[u8], schema: Schema, error: &serde_json::Error) -> String {
    let begins = match quoted(&String::from_utf8_lossy(body)) {
        begin if begin.is_empty() => "it is empty".to_owned(),
        begin => format!("it begins with {begin:?}"),
    };
    if error.is_data() {
        return format!("the answer is not one of schema {}: {error}; {begins}", schema.name());
    }
    // In the words of Amazon S3 Batch Operations.
    format!("Invalid JSON returned in Lambda payload: {error}; {begins}")
}

fn quoted(text: &str) -> String {
    text.trim_start().chars().take(MAX_QUOTED).collect()
}

fn text_of(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => plain(&text),
        Some(other) => plain(&other.to_string()),
    }
}

/// The text, with control characters written as escapes: reports are shown in terminals.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}
