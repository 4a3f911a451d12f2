//! Serves a sandbox until it is stopped: `serve [--listen ADDR] [--data DIR] [--bucket NAME]… [--restore-delay MS]
//! [--access-log FILE] [--fault RULE]…`. Prints its endpoint on the first line. The access keys are
//! `sandbox`/`sandbox-secret` and `other`/`other-secret`.

use std::io::Write;
use std::time::Duration;

use longshore_sandbox_store::{Credentials, SandboxConfig, start};

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let sandbox = start(config(std::env::args().skip(1))?).await?;
    writeln!(std::io::stdout(), "{}", sandbox.endpoint())?;
    tokio::select! {
        () = sandbox.wait() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

fn config(mut arguments: impl Iterator<Item = String>) -> Result<SandboxConfig, Error> {
    let credentials =
        |id: &str| Credentials { access_key_id: id.to_owned(), secret_access_key: format!("{id}-secret") };
    let mut config = SandboxConfig::new(credentials("sandbox"));
    config.credentials.push(credentials("other"));
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--listen" => config.listen = value.parse()?,
            "--data" => config.data = Some(value.into()),
            "--bucket" => config.buckets.push(value),
            "--restore-delay" => config.restore_delay = Duration::from_millis(value.parse()?),
            "--access-log" => config.access_log = Some(value.into()),
            "--fault" => config.faults.push(value.parse()?),
            other => return Err(format!("unknown flag {other}").into()),
        }
    }
    Ok(config)
}
