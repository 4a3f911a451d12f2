//! Starting and stopping a sandbox.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use s3s::s3_error;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access_log::AccessLog;
use crate::error::SandboxError;
use crate::fault::{FaultRule, Faults};
use crate::protocol::{Protocol, Routes};
use crate::server::{Keys, Server};
use crate::storage::Storage;

/// How long a restore goes on unless set otherwise: long enough to be seen, short enough for a demo.
const DEFAULT_RESTORE_DELAY: Duration = Duration::from_secs(3);

/// An access key that the sandbox accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// What a sandbox is started with.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where to listen; port 0 takes a free port.
    pub listen: SocketAddr,
    /// The directory to keep data in, created if need be; none keeps everything in memory.
    pub data: Option<PathBuf>,
    /// The access keys that are accepted; at least one.
    pub credentials: Vec<Credentials>,
    /// Buckets to create at the start; those that exist are left as they are.
    pub buckets: Vec<String>,
    /// How long a restore goes on before the object can be read; zero restores at once.
    pub restore_delay: Duration,
    /// The file to append a JSON line for each request to.
    ///
    /// Its members are `start` and `end` (RFC 3339 with microseconds), `access_key`, `method`, `bucket`, `key`
    /// (decoded), `query`, `status` (null when the connection was closed without an answer) and `fault` (whether a
    /// fault rule answered instead of the store). The line is in the file before the answer is sent.
    pub access_log: Option<PathBuf>,
    /// Faults to inject, asked in this order.
    pub faults: Vec<FaultRule>,
}

impl SandboxConfig {
    /// A sandbox in memory on a free port of the loopback address, without buckets, log or faults.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data: None,
            credentials: vec![credentials],
            buckets: Vec::new(),
            restore_delay: DEFAULT_RESTORE_DELAY,
            access_log: None,
            faults: Vec::new(),
        }
    }
}

/// A running sandbox. Dropping it stops the server.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    pub(crate) storage: Arc<Storage>,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
}

/// Starts a sandbox on the current tokio runtime; it accepts connections when this returns.
///
/// # Errors
/// The address, data directory or access log cannot be used, there are no credentials, or a bucket has a name that S3
/// does not allow.
pub async fn start(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
    if config.credentials.is_empty() {
        return Err(SandboxError::NoCredentials);
    }
    let access_log = config.access_log.as_deref().map(AccessLog::open).transpose()?;
    let storage = Arc::new(Storage::open(config.data.as_deref())?);
    create_buckets(&storage, &config.buckets)?;
    let address = config.listen;
    let listen = |source| SandboxError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;

    let protocol = Protocol::new(Arc::clone(&storage), config.restore_delay);
    let mut builder = S3ServiceBuilder::new(protocol.clone());
    builder.set_auth(Keys::new(config.credentials));
    builder.set_route(Routes(protocol));
    let server = Server {
        service: builder.build(),
        faults: Faults::new(config.faults),
        access_log,
        requests: AtomicU64::new(1),
        connections: AtomicU64::new(0),
    };
    let (stop, stopped) = watch::channel(());
    let server = tokio::spawn(Arc::new(server).run(listener, stopped));
    Ok(Sandbox { address, storage, stop, server })
}

fn create_buckets(storage: &Storage, names: &[String]) -> Result<(), SandboxError> {
    for name in names {
        if !s3s::path::check_bucket_name(name) {
            return Err(s3_error!(
                InvalidBucketName,
                "The specified bucket is not valid: {name}. Bucket names have 3 to 63 lowercase letters, digits, dots and hyphens"
            )
            .into());
        }
        storage.write(|writer| match crate::storage::buckets::find(writer, name)? {
            Some(_) => Ok(()),
            None => writer.create_bucket(name, None, Timestamp::now()),
        })?;
    }
    Ok(())
}

impl Sandbox {
    /// The URL of the S3 API, such as `http://127.0.0.1:9000`; buckets are in the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting, lets the requests under way finish for at most five seconds, and ends.
    pub async fn shutdown(self) {
        let Self { stop, server, .. } = self;
        drop(stop);
        ended(server).await;
    }

    /// Waits for as long as the server runs: until this future is dropped, which stops it.
    pub async fn wait(self) {
        let Self { stop, server, .. } = self;
        ended(server).await;
        drop(stop);
    }
}

async fn ended(server: JoinHandle<()>) {
    if let Err(error) = server.await {
        tracing::error!(%error, "the sandbox ended in a panic");
    }
}
