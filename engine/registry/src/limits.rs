//! The limits of an installed plugin, as its operator set them.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use longshore_job::declare::Size;
use longshore_plugin::PluginLimits;
use serde::{Deserialize, Serialize};

/// What was set for one plugin; the engine's own limits hold for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Bytes of memory of an instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processor time of a task, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Instructions of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
}

/// One limit as a command line sets it: `memory=128MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of memory of an instance.
    Memory(u64),
    /// Processor time of a task.
    Cpu(Duration),
    /// Instructions of a task.
    Fuel(u64),
}

/// What a limit of memory may be, in bytes: an instance of less cannot start, and one of more cannot be addressed.
const MEMORY: (u64, u64) = (64 << 10, 4 << 30);

/// What a limit of processor time may be: less than a tick cannot be measured, more than an hour is none.
const CPU: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3600));

/// The least fuel: with less not even a task that does nothing ends.
const FUEL: u64 = 1_000;

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or("write NAME=VALUE: memory=128MiB, cpu=2s, fuel=1000000000")?;
        match name {
            "memory" => {
                let bytes = Size::Text(value.to_owned()).in_bytes()?;
                let (least, most) = MEMORY;
                if !(least..=most).contains(&bytes) {
                    return Err(format!("{value} of memory is out of range: 64KiB to 4GiB are allowed"));
                }
                Ok(Self::Memory(bytes))
            }
            "cpu" => {
                let time =
                    value.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
                let time = time.ok_or("write a time: cpu=2s, cpu=500ms")?;
                if !(CPU.0..=CPU.1).contains(&time) {
                    return Err(format!("{value} of processor time is out of range: 10ms to 1h are allowed"));
                }
                Ok(Self::Cpu(time))
            }
            "fuel" => match value.parse() {
                Ok(fuel) if fuel >= FUEL => Ok(Self::Fuel(fuel)),
                _ => Err(format!("write a number of instructions, at least {FUEL}: fuel=1000000000")),
            },
            _ => Err(format!("unknown limit {name:?}; there are memory, cpu and fuel")),
        }
    }
}

impl Limits {
    /// The same with those of `limits` set anew.
    #[must_use]
    pub fn with(self, limits: &[Limit]) -> Self {
        limits.iter().fold(self, |set, limit| match *limit {
            Limit::Memory(bytes) => Self { memory: Some(bytes), ..set },
            Limit::Cpu(time) => {
                Self { cpu_ms: Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)), ..set }
            }
            Limit::Fuel(fuel) => Self { fuel: Some(fuel), ..set },
        })
    }

    /// All limits of the plugin, `engine` being those of any.
    pub fn over(&self, engine: PluginLimits) -> PluginLimits {
        let memory = self.memory.and_then(|bytes| usize::try_from(bytes).ok());
        PluginLimits {
            memory_bytes: memory.unwrap_or(engine.memory_bytes),
            cpu_time: self.cpu_ms.map_or(engine.cpu_time, Duration::from_millis),
            fuel: self.fuel.or(engine.fuel),
            ..engine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_command_line() {
        let limits: Vec<Limit> =
            ["memory=128MiB", "cpu=1500ms", "fuel=5000"].iter().map(|text| text.parse().unwrap()).collect();
        let set = Limits::default().with(&limits);
        assert_eq!(set, Limits { memory: Some(128 << 20), cpu_ms: Some(1500), fuel: Some(5000) });
        let all = set.over(PluginLimits::default());
        assert_eq!(
            (all.memory_bytes, all.cpu_time, all.fuel),
            (128 << 20, Duration::from_millis(1500), Some(5000))
        );
        assert_eq!(Limits::default().over(PluginLimits::default()), PluginLimits::default());
        assert_eq!(set.with(&[Limit::Memory(1 << 20)]).cpu_ms, Some(1500));
    }

    #[test]
    fn what_is_no_limit() {
        for (text, words) in [
            ("memory", "write NAME=VALUE"),
            ("memory=many", "is no size"),
            ("memory=1", "64KiB to 4GiB"),
            ("cpu=1", "write a time"),
            ("cpu=2h", "10ms to 1h"),
            ("fuel=999", "at least 1000"),
            ("disk=1", "there are memory, cpu and fuel"),
        ] {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
