//! `/metrics`, `/healthz` and `/readyz`, for whoever watches over the engine.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use longshore_job::JobState;
use longshore_queue::{Queue, QueueError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Connections at once (count): a collector or two, and people who look. Further ones wait in the backlog of the socket.
const MAX_CONNECTIONS: usize = 32;

/// Most time between two requests on one connection, and for the head of one: a client that is silent for longer must not hold a
/// connection. Above the usual minute between two collections.
const PATIENCE: Duration = Duration::from_secs(90);

/// Pause after a connection could not be accepted, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Body = http_body_util::Full<Bytes>;

/// Answers for one engine.
pub struct Monitor {
    listener: TcpListener,
    answers: Arc<Answers>,
}

struct Answers {
    queue: Queue,
    stop: CancellationToken,
}

impl Monitor {
    /// Listens at `address`. `queue` is the engine's; once `stop` is cancelled the engine is not ready any more.
    ///
    /// # Errors
    /// If nobody may listen there.
    pub async fn bind(address: SocketAddr, queue: Queue, stop: CancellationToken) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, answers: Arc::new(Answers { queue, stop }) })
    }

    /// Where it listens: with the port that port 0 became.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped.
    pub async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&self.answers)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

async fn connection(stream: TcpStream, answers: Arc<Answers>) {
    let service = service_fn(|request| answer(Arc::clone(&answers), request));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(
    answers: Arc<Answers>,
    request: http::Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(refusal);
    }
    let path = request.uri().path().to_owned();
    // The queue is read on a thread that may wait.
    let answered = tokio::task::spawn_blocking(move || answers.to(&path)).await;
    Ok(answered.unwrap_or_else(|error| text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))))
}

impl Answers {
    fn to(&self, path: &str) -> Response<Body> {
        match path {
            "/metrics" => self.metrics(),
            "/healthz" => self.health(),
            "/readyz" if self.stop.is_cancelled() => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
            "/readyz" => self.health(),
            _ => text(StatusCode::NOT_FOUND, "here are /metrics, /healthz and /readyz\n"),
        }
    }

    /// The engine lives if its queue can be read and is its own.
    fn health(&self) -> Response<Body> {
        match self.queue.confirm_tenure() {
            Ok(()) => text(StatusCode::OK, "ok\n"),
            Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        }
    }

    fn metrics(&self) -> Response<Body> {
        let failed = |why: String| text(StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n"));
        if let Err(error) = self.count_jobs() {
            return failed(error.to_string());
        }
        match longshore_measure::render() {
            Ok(metrics) => {
                let mut response = text(StatusCode::OK, metrics);
                let kind = HeaderValue::from_static(longshore_measure::CONTENT_TYPE);
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Err(error) => failed(error.to_string()),
        }
    }

    fn count_jobs(&self) -> Result<(), QueueError> {
        let counts = self.queue.jobs_by_state()?;
        for state in JobState::ALL {
            longshore_measure::jobs(state.name(), counts.get(&state).copied().unwrap_or(0));
        }
        Ok(())
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
