//! How spans come to their collector: by HTTP in the clear, to one on the same machine.
//!
//! Owns the request and its deadline. Spans that cannot be sent are lost, and that is said once until they can be again.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// For a batch, with its answer.
const WITHIN: Duration = Duration::from_secs(4);
/// What a collector may answer.
const MOST_ANSWER: usize = 64 * 1024;

/// Sends batches. Whoever asks has no runtime of their own.
#[derive(Debug)]
pub(super) struct Sender {
    runtime: Handle,
    is_down: Arc<AtomicBool>,
}

impl Sender {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, is_down: Arc::default() }
    }
}

type Answer<'s> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 's>>;

impl HttpClient for Sender {
    fn send_bytes<'s, 'a>(&'s self, request: Request<Bytes>) -> Answer<'a>
    where
        's: 'a,
        Self: 'a,
    {
        let is_down = Arc::clone(&self.is_down);
        let sent = self.runtime.spawn(async move {
            let answer = timeout(WITHIN, post(request)).await.unwrap_or_else(|late| Err(late.into()));
            tell(&answer, &is_down);
            answer
        });
        Box::pin(async { sent.await? })
    }
}

fn tell(answer: &Result<Response<Bytes>, HttpError>, is_down: &AtomicBool) {
    let failed = match answer {
        Ok(response) if response.status().is_success() => None,
        Ok(response) => Some(format!("it answered {}", response.status())),
        Err(error) => Some(error.to_string()),
    };
    match failed {
        Some(cause) if !is_down.swap(true, Relaxed) => {
            tracing::warn!(cause, "the OpenTelemetry collector takes no spans; they are lost until it does");
        }
        None if is_down.swap(false, Relaxed) => tracing::info!("the OpenTelemetry collector takes spans again"),
        Some(_) | None => {}
    }
}

async fn post(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or("the address has no host")?.clone();
    // RFC 9112, 3.2.1: to the server itself the path alone.
    head.uri = head.uri.path_and_query().cloned().map_or_else(|| Uri::from_static("/"), Uri::from);
    head.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async move {
        let (head, body) = sender.send_request(Request::from_parts(head, Full::new(body))).await?.into_parts();
        let body = Limited::new(body, MOST_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    // It ends with the exchange, whose error says why where it ends before.
    tokio::join!(exchange, connection).0
}
