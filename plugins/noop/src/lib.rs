//! The built-in operation `noop`: does nothing, so that what a job takes is the engine's own time.

use longshore_sdk::{Failure, NoParameters, Object, Operation, Outcome, Task};

/// The operation.
#[derive(Debug)]
pub struct Noop;

impl Operation for Noop {
    type Parameters = NoParameters;
    const NAME: &'static str = "noop";
    const SUMMARY: &'static str = "Does nothing; measures the engine.";

    fn new(_: NoParameters) -> Result<Self, String> {
        Ok(Self)
    }

    fn run(&self, _: &Object, _: &Task) -> Result<Outcome, Failure> {
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(Noop);

#[cfg(test)]
mod tests {
    use longshore_sdk::testing::{FakeStore, operation};
    use longshore_sdk::{Operation, Outcome};

    use super::Noop;

    #[test]
    fn it_does_nothing() {
        let store = FakeStore::new();
        let noop = operation::<Noop>("{}").unwrap();
        assert_eq!(noop.run(&store.object("b", "k"), &store.task()), Ok(Outcome::done()));
        assert!(store.sent().is_empty());
        assert!(operation::<Noop>(r#"{"x": 1}"#).is_err(), "it has no parameters");
    }
}
