//! The built-in operation `invoke`: calls a function, or any HTTP endpoint, for each object, as Amazon S3 Batch Operations does
//! (Amazon S3 User Guide, "Invoke AWS Lambda function").
//!
//! A call carries one task: published functions look at the first one only. The object is not looked at: a key may be any text
//! that the function understands.

mod answer;
mod message;

use std::collections::BTreeMap;

use longshore_sdk::{Failure, InvokeEndpoint, Object, Operation, Outcome, Request, StoreError, Task};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{Answer, ResultCode};
use crate::message::Message;

/// Entries of `user-arguments` (S3 Control API, `LambdaInvokeOperation.UserArguments`), and the characters of a key and a value.
const MAX_ARGUMENTS: usize = 10;
const MAX_ARGUMENT_KEY: usize = 64;
const MAX_ARGUMENT_VALUE: usize = 1024;

/// Bounds of `attempts` and of the delays (seconds): a day between two runs, and no more runs than anyone waits for.
const MAX_ATTEMPTS: u32 = 1_000;
const MAX_DELAY: u32 = 86_400;

/// Parameters of `invoke`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Name of an endpoint of `longshore.toml`.
    #[schemars(length(min = 1, max = 64), extend("format" = "longshore-endpoint"))]
    pub endpoint: String,
    /// Version of the invocation schema that the function understands.
    #[serde(default)]
    #[schemars(extend("default" = "1.0"))]
    pub schema: Schema,
    /// Handed to the function with each call, under `job`; with schema 2.0 only.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1, "maxProperties" = 10))]
    pub user_arguments: Option<BTreeMap<String, String>>,
    /// How often a task may run that is answered with TemporaryFailure, the first run included.
    #[serde(default = "attempts")]
    #[schemars(range(min = 1, max = 1_000))]
    pub attempts: u32,
    /// Seconds until such a task runs again; twice as many after each further run.
    #[serde(default = "delay_seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub delay_seconds: u32,
    /// Most seconds between two runs.
    #[serde(default = "max_delay_seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub max_delay_seconds: u32,
}

/// Eight runs take twenty minutes: what is not over then is not temporary.
fn attempts() -> u32 {
    8
}

fn delay_seconds() -> u32 {
    10
}

fn max_delay_seconds() -> u32 {
    900
}

/// Version of the invocation schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Schema {
    /// A task has `s3BucketArn`.
    #[default]
    #[serde(rename = "1.0")]
    V1,
    /// A task has `s3Bucket`, and the job may have `userArguments`.
    #[serde(rename = "2.0")]
    V2,
}

impl Schema {
    /// As calls and answers have it.
    fn name(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}

/// The operation.
#[derive(Debug)]
pub struct Invoke(Parameters);

impl Invoke {
    fn call(&self, object: &Object, message: &Message) -> InvokeEndpoint {
        object.invoke(&self.0.endpoint, message.text.as_bytes())
    }

    /// What an answer means for its task.
    fn outcome(&self, answer: Answer, attempt: u32) -> Result<Outcome, Failure> {
        let Answer { code, text } = answer;
        match code {
            ResultCode::Succeeded if text.is_empty() => Ok(Outcome::done()),
            ResultCode::Succeeded => Ok(Outcome::done_with(text)),
            ResultCode::PermanentFailure => Err(failed("PermanentFailure", text)),
            ResultCode::TemporaryFailure if attempt < self.0.attempts => {
                Ok(Outcome::AgainAfter { seconds: self.delay(attempt), note: text })
            }
            ResultCode::TemporaryFailure => {
                let text = format!("{text} (given up after {attempt} runs, the job's \"attempts\")");
                Err(failed("TemporaryFailure", text.trim_start().to_owned()))
            }
        }
    }

    /// Seconds from run `attempt` to the next one.
    fn delay(&self, attempt: u32) -> u32 {
        let doublings = attempt.saturating_sub(1).min(31);
        self.0.delay_seconds.saturating_mul(1 << doublings).min(self.0.max_delay_seconds)
    }
}

/// The function's own verdict comes with status 200, in the report as in Amazon's.
fn failed(code: &str, text: String) -> Failure {
    Failure::new(code, text).with_status(200)
}

/// A function that broke off has failed its task for good, as in Amazon S3 Batch Operations.
fn failure_of(error: StoreError) -> Failure {
    let mut failure = Failure::from(error);
    if failure.code == "FunctionError" {
        "PermanentFailure".clone_into(&mut failure.code);
    }
    failure
}

impl Operation for Invoke {
    type Parameters = Parameters;
    const NAME: &'static str = "invoke";
    const SUMMARY: &'static str = "Calls a function or another HTTP endpoint for each object.";
    const ACTIONS: &'static [&'static str] = &["lambda:InvokeFunction", "longshore:InvokeEndpoint"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        check_arguments(parameters.schema, parameters.user_arguments.as_ref())?;
        if !(1..=MAX_ATTEMPTS).contains(&parameters.attempts) {
            return Err(format!("attempts must be 1 to {MAX_ATTEMPTS}"));
        }
        let delays = 1..=MAX_DELAY;
        if !delays.contains(&parameters.delay_seconds) || !delays.contains(&parameters.max_delay_seconds) {
            return Err(format!("delay-seconds and max-delay-seconds must be 1 to {MAX_DELAY}"));
        }
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        vec![self.call(object, &Message::new(&self.0, object, task)).planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let message = Message::new(&self.0, object, task);
        let response = self.call(object, &message).send().map_err(failure_of)?;
        let status = response.http_status();
        let answer = Answer::read(&response.into_body(), self.0.schema, &message)
            .map_err(|why| Failure::new("InvalidAnswer", why).with_status(status))?;
        self.outcome(answer, task.attempt())
    }
}

fn check_arguments(schema: Schema, arguments: Option<&BTreeMap<String, String>>) -> Result<(), String> {
    let Some(arguments) = arguments else { return Ok(()) };
    if schema == Schema::V1 {
        return Err("user-arguments need schema = \"2.0\"".to_owned());
    }
    if !(1..=MAX_ARGUMENTS).contains(&arguments.len()) {
        return Err(format!("{} user-arguments; 1 to {MAX_ARGUMENTS} are allowed", arguments.len()));
    }
    arguments.iter().try_for_each(|(key, value)| {
        if !(1..=MAX_ARGUMENT_KEY).contains(&key.chars().count()) {
            return Err(format!(
                "user-arguments: a key has 1 to {MAX_ARGUMENT_KEY} characters, {key:?} has not"
            ));
        }
        if value.chars().count() > MAX_ARGUMENT_VALUE {
            return Err(format!(
                "user-arguments: the value of {key:?} has more than {MAX_ARGUMENT_VALUE} characters"
            ));
        }
        Ok(())
    })
}

longshore_sdk::export!(Invoke);

#[cfg(test)]
mod tests;
