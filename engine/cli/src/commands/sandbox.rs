//! `longshore sandbox`: the embedded S3 server, for demos and tests.

mod seed;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use longshore_sandbox_store::{Credentials, FaultRule, Sandbox, SandboxConfig, start};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;
use crate::signals::stop_on_signal;

/// Arguments of `longshore sandbox`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Loopback address to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LONGSHORE_SANDBOX_LISTEN",
        default_value = "127.0.0.1:9000",
        value_parser = loopback
    )]
    listen: SocketAddr,
    /// Keep the data in this directory; otherwise it is in memory and gone at the end
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Access key of the only user
    #[arg(long, value_name = "ID", env = "LONGSHORE_SANDBOX_ACCESS_KEY", default_value = "sandbox")]
    access_key: String,
    /// Secret key of the only user
    #[arg(
        long,
        value_name = "KEY",
        env = "LONGSHORE_SANDBOX_SECRET_KEY",
        default_value = "sandbox-secret",
        hide_env_values = true
    )]
    secret_key: String,
    /// Create this bucket and seed it, if --seed says so; may be given several times
    #[arg(long = "bucket", value_name = "NAME")]
    buckets: Vec<String>,
    /// Create this bucket and leave it empty; may be given several times
    #[arg(long = "empty-bucket", value_name = "NAME")]
    empty_buckets: Vec<String>,
    /// Put N objects with ordinary and odd keys into each --bucket (into those whose name ends in 'archive' as GLACIER)
    #[arg(long, value_name = "N", default_value_t = 0, requires = "buckets")]
    seed: u64,
    /// Write a CSV manifest of the seeded objects of each bucket into this directory
    #[arg(long, value_name = "DIRECTORY", requires = "seed")]
    manifests: Option<PathBuf>,
    /// How long a restore is in progress, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    restore_delay: u64,
    /// Append one JSON line per request to this file
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// Inject a fault, such as 'status=503,code=SlowDown,rate=0.3,method=PUT'; may be given several times
    ///
    /// A rule is made of words with commas between them, each at most once:
    ///
    ///   status=503       answer with this status (400 to 599) instead of handling the request
    ///   code=SlowDown    S3 error code of that answer; otherwise the usual one of the status
    ///   retry-after=2    the Retry-After of that answer, in seconds
    ///   reset            close the connection without an answer
    ///   delay=200ms      wait first; ms or s, at most 600s
    ///   at-once=8        strike what comes while so many others are being handled
    ///   per-second=200   strike what comes beyond so many in one second
    ///   rate=0.3         strike this share of the matching requests, by chance (0 to 1)
    ///   seed=7           seed of the chance
    ///   count=100        strike at most this many times
    ///   method=PUT       only this HTTP method
    ///   bucket=logs-*    only buckets that match; '*' is any characters, '?' is one
    ///   key=logs/*       only keys that match
    ///
    /// A rule has status, reset or delay, and not both status and reset. Rules are asked in order: delays add up, and the
    /// first status or reset that strikes ends the search.
    #[arg(long = "fault", value_name = "RULE", verbatim_doc_comment)]
    faults: Vec<FaultRule>,
    /// Write the endpoint's URL into this file once the server answers
    #[arg(long, value_name = "FILE")]
    endpoint_file: Option<PathBuf>,
}

/// The sandbox speaks plain HTTP, and its secret is well known: nobody else may reach it.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:9000 or [::1]:9000".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("the sandbox is for this machine only: give a loopback address, such as 127.0.0.1:9000".to_owned())
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    let fail = |error: &dyn std::fmt::Display| CliError::new(Exit::Error, error.to_string());
    let sandbox = start(SandboxConfig {
        listen: arguments.listen,
        data: arguments.data,
        credentials: vec![Credentials {
            access_key_id: arguments.access_key.clone(),
            secret_access_key: arguments.secret_key,
        }],
        buckets: [arguments.buckets.clone(), arguments.empty_buckets].concat(),
        restore_delay: Duration::from_millis(arguments.restore_delay),
        access_log: arguments.access_log,
        faults: arguments.faults,
    })
    .await
    .map_err(|error| fail(&error))?;
    for bucket in arguments.buckets.iter().filter(|_| arguments.seed > 0) {
        seed::seed(&sandbox, bucket, arguments.seed, arguments.manifests.as_deref()).await?;
    }
    announce(context, &sandbox, &arguments.access_key, arguments.endpoint_file.as_deref())?;
    stop_on_signal().cancelled().await;
    sandbox.shutdown().await;
    Ok(Exit::Success)
}

fn announce(
    context: &Context,
    sandbox: &Sandbox,
    access_key: &str,
    endpoint_file: Option<&std::path::Path>,
) -> Result<(), CliError> {
    let endpoint = sandbox.endpoint();
    if let Some(file) = endpoint_file {
        let temporary = file.with_extension("partial");
        std::fs::write(&temporary, &endpoint)?;
        std::fs::rename(&temporary, file)?;
    }
    if context.json {
        return context.screen.json(&json!({ "endpoint": endpoint, "access_key": access_key }));
    }
    context.screen.line(&endpoint)?;
    note("S3 server for demos and tests, not for data you need; SIGINT stops it");
    Ok(())
}
