//! One question to the admin side of a gateway, and its answer.
//!
//! Owns the connection. A certificate is always checked; a token goes nowhere without that but to this machine.

use crate::net::{Endpoint, Lookup, NodeTls, server_tls};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

const WITHIN: Duration = Duration::from_secs(15);
/// A list of more sessions than any fleet has.
const MOST: usize = 256 << 20;

/// A way to a gateway's admin side.
pub(super) struct Client {
    endpoint: Endpoint,
    host: String,
    port: u16,
    tls: Option<NodeTls>,
}

/// What was answered, and was no refusal.
pub(super) struct Said {
    pub(super) text: String,
}

impl Said {
    /// It as JSON; null where it was none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Client {
    /// A way to this address.
    pub(super) fn new(address: &str, ca: Option<&[u8]>) -> Result<Self, String> {
        let shape = || format!("{address:?} is no address; write one such as https://gate1.internal:9464");
        let uri: Uri = address.parse().map_err(|_| shape())?;
        let (Some(host), Some(scheme)) = (uri.host(), uri.scheme_str()) else { return Err(shape()) };
        let host = host.trim_matches(['[', ']']).to_owned();
        let (tls, port) = match scheme {
            "https" => (Some(server_tls(&host, ca)?), uri.port_u16().unwrap_or(443)),
            "http" if is_here(&host) => (None, uri.port_u16().unwrap_or(80)),
            "http" => return Err(format!("{host} is another machine; a token goes there by https alone")),
            _ => return Err(shape()),
        };
        Ok(Self { endpoint: Endpoint::new(&host, port, Lookup::system()), host, port, tls })
    }

    /// Asks, and gives the answer if it is no refusal.
    pub(super) async fn ask(&self, method: Method, path: &str, token: &str, body: &str) -> Result<Said, String> {
        let asks_only = method == Method::GET;
        let answer = async {
            match &self.tls {
                None => {
                    let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
                    let cannot = |error| format!("no connection to {}:{}: {error}; does it run", self.host, self.port);
                    self.over(stream.map_err(cannot)?, method, path, token, body).await
                }
                Some(tls) => {
                    let (dialled, _) = self.endpoint.dial(tls, WITHIN).await.map_err(|failure| failure.cause)?;
                    self.over(dialled.stream, method, path, token, body).await
                }
            }
        };
        let unsure = if asks_only { "" } else { "; whether it is done is not known, and asking again is safe" };
        let late = |_| Err(format!("{} did not answer within {} s{unsure}", self.host, WITHIN.as_secs()));
        timeout(WITHIN, answer).await.unwrap_or_else(late)
    }

    async fn over<S>(&self, stream: S, method: Method, path: &str, token: &str, body: &str) -> Result<Said, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| format!("no HTTP answer: {error}");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Its errors reach whoever waits for the answer.
        let _driver = AbortOnDropHandle::new(tokio::spawn(async move { drop(connection.await) }));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.endpoint.authority())
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(|error| format!("no request: {error}"))?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST).collect().await.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        if status.is_success() { Ok(Said { text }) } else { Err(refusal(status.as_u16(), &text)) }
    }
}

/// The gateway's own words, in two lines: what it is, and what to do about it.
fn refusal(status: u16, text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    match (at(&problem, "title").as_str(), at(&problem, "detail").as_str()) {
        (Some(title), Some(detail)) if title != detail => format!("{title} ({status})\n  fix: {detail}"),
        (Some(title), _) => format!("{title} ({status})"),
        _ => format!("the admin side answers {status}"),
    }
}

/// A field of an object; null where there is none.
pub(super) fn at<'v>(value: &'v Value, key: &str) -> &'v Value {
    value.get(key).unwrap_or(&Value::Null)
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_another_machine_by_https_alone() {
        for address in ["http://127.0.0.1:9464", "http://[::1]:9464", "http://localhost:9464"] {
            assert!(Client::new(address, None).is_ok(), "{address}");
        }
        for (address, word) in [
            ("http://10.0.0.1:9464", "https alone"),
            ("http://gate1.internal:9464", "https alone"),
            ("127.0.0.1:9464", "is no address"),
            ("ftp://127.0.0.1", "is no address"),
        ] {
            let refused = Client::new(address, None).err().unwrap();
            assert!(refused.contains(word), "{refused}");
        }
    }
}
