//! One question for a key set and its answer, over a connection of its own.
//!
//! Owns what an answer must be: in time, 200, JSON by its type, not compressed, no larger than a key set can be. Follows
//! no redirect: the operator names the address that answers. Dials as the gateway dials nodes.

use crate::config::JwksUrl;
use crate::net::{Endpoint, Lookup, NodeTls, server_tls};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// The longest answer.
const MAX_BODY: usize = 256 * 1024;
/// Room for its head.
const MAX_HEAD: usize = 16 * 1024;

/// What came.
#[derive(Debug)]
pub(super) struct Answer {
    /// The text of a set, as it came.
    pub(super) body: Bytes,
    /// How many seconds the panel says it is fresh.
    pub(super) max_age: Option<u64>,
}

/// Where a set is asked for.
#[derive(Debug)]
pub(super) struct Door {
    source: JwksUrl,
    endpoint: Endpoint,
    /// None: plain HTTP, which the configuration allows of this machine alone.
    tls: Option<NodeTls>,
}

impl Door {
    /// Reads the roots its certificate is checked against.
    ///
    /// # Errors
    /// In the operator's words: authorities or a host that cannot be used.
    pub(super) fn new(source: &JwksUrl) -> Result<Self, String> {
        let tls = || server_tls(&source.host, source.ca.as_deref()).map_err(|error| format!("jwks_url: {error}"));
        Ok(Self {
            tls: source.tls.then(tls).transpose()?,
            endpoint: Endpoint::new(&source.host, source.port, Lookup::system()),
            source: source.clone(),
        })
    }

    /// Asks once.
    ///
    /// # Errors
    /// In the operator's words, what is wrong with the server or its answer.
    pub(super) async fn ask(&self, within: Duration) -> Result<Answer, String> {
        let late = |_| Err(format!("no whole answer within {} s", within.as_secs_f32()));
        timeout(within, self.exchange(within)).await.unwrap_or_else(late)
    }

    async fn exchange(&self, within: Duration) -> Result<Answer, String> {
        let Some(tls) = &self.tls else {
            let stream = TcpStream::connect((self.source.host.as_str(), self.source.port)).await;
            return self.over(stream.map_err(|error| format!("no connection: {error}"))?).await;
        };
        let (dialled, _) = self.endpoint.dial(tls, within).await.map_err(|failure| failure.cause)?;
        self.over(dialled.stream).await
    }

    async fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) -> Result<Answer, String> {
        let broken = |error: hyper::Error| format!("no HTTP answer: {error}");
        let (mut sender, connection) =
            http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Its errors reach whoever waits for the answer.
        let _driver = AbortOnDropHandle::new(tokio::spawn(async move { drop(connection.await) }));
        let request = Request::get(self.source.path.as_str())
            .header(header::HOST, self.endpoint.authority())
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .header(header::USER_AGENT, concat!("consolegate/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| format!("no request: {error}"))?;
        read(sender.send_request(request).await.map_err(broken)?).await
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, String> {
    check(response.status(), response.headers())?;
    let max_age = max_age(response.headers());
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| format!("the answer ended early or is larger than 256 KiB: {error}"))?;
    Ok(Answer { body: body.to_bytes(), max_age })
}

/// What the head of an answer must say.
fn check(status: StatusCode, headers: &HeaderMap) -> Result<(), String> {
    if status.is_redirection() {
        return Err(format!("it answers {status}, a redirect, and none is followed; configure where it leads"));
    }
    if status != StatusCode::OK {
        return Err(format!("it answers {status} instead of 200"));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err("the answer is compressed though nobody asked for that".to_owned());
    }
    let kind = text(headers, &header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/json" || kind.ends_with("+json") {
        return Ok(());
    }
    Err(format!("its Content-Type is {kind:?} instead of application/jwk-set+json or application/json"))
}

/// RFC 9111 section 5.2.2, of which `no-cache` and `no-store` are an age of nothing here.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let each = text(headers, &header::CACHE_CONTROL).split(',').map(str::trim).filter_map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, "0"));
        let counts = ["max-age", "no-cache", "no-store"].iter().any(|known| name.eq_ignore_ascii_case(known));
        counts.then(|| value.trim_matches('"').parse().unwrap_or(0))
    });
    each.min()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn an_answer_says_how_long_it_is_fresh() {
        for (value, seconds) in [
            ("max-age=600", Some(600)),
            ("public, Max-Age=\"60\" , must-revalidate", Some(60)),
            ("max-age=600, no-cache", Some(0)),
            ("no-store", Some(0)),
            ("max-age=forever", Some(0)),
            ("s-maxage=9", None),
            ("", None),
        ] {
            assert_eq!(max_age(&headers(&[(header::CACHE_CONTROL, value)])), seconds, "{value}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }

    #[test]
    fn f14_only_a_plain_200_of_json_is_an_answer() {
        let json = |kind| headers(&[(header::CONTENT_TYPE, kind)]);
        for kind in ["application/json", "application/jwk-set+json; charset=utf-8", "Application/JSON"] {
            assert_eq!(check(StatusCode::OK, &json(kind)), Ok(()), "{kind}");
        }
        for kind in ["text/html", "", "application/jsonp", "text/plain; application/json"] {
            assert!(check(StatusCode::OK, &json(kind)).unwrap_err().contains("Content-Type"), "{kind}");
        }
        for status in [301, 302, 307, 204, 206, 304, 404, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(check(status, &json("application/json")).unwrap_err().contains(status.as_str()), "{status}");
        }
        let zipped = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")];
        assert!(check(StatusCode::OK, &headers(&zipped)).unwrap_err().contains("compressed"));
    }
}
