//! The benchmark's guest of Longshore: a custom operation as anybody writes one, with the SDK.

mod shard;

use longshore_sdk::{Failure, NoParameters, Object, Operation, Outcome, Task};

/// The operation.
pub struct Shard;

impl Operation for Shard {
    type Parameters = NoParameters;
    const NAME: &'static str = "shard";
    const SUMMARY: &'static str = "Says where files of a data lake belong.";

    fn new(_: NoParameters) -> Result<Self, String> {
        Ok(Self)
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let answer = shard::shard(&object.key()).map_err(|reason| Failure::new("NoShard", reason))?;
        Ok(Outcome::done_with(answer))
    }
}

longshore_sdk::export!(Shard);
