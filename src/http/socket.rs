//! `GET /v1/ws`: from a handshake and a token to a console.
//!
//! Every check comes before the 101; after it the connection is no longer HTTP and belongs to `console`. What the
//! client sent right behind its request goes along and is never parsed as HTTP again.

use super::call::Call;
use super::leg::Leg;
use super::spend::Shown;
use super::{Service, handshake, offers};
use crate::api::{Answer, Refused, bearer};
use crate::console::{self, Generation, Opening};
use crate::lifecycle::Phase;
use crate::listen::{Place, Stream};
use crate::reason::{Failure, Reason};
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Request, upgrade};
use hyper_util::rt::TokioIo;
use std::sync::Arc;

/// Answers 101 and leaves the console to a task of the service's consoles.
///
/// # Errors
/// `draining`, or what is wrong with the handshake, the page or the token.
pub(super) async fn open<S: Stream>(call: Call, parts: Parts, service: &Service) -> Result<Answer, Refused> {
    let handshake = handshake::check(&parts.headers)?;
    let offers = offers::offers(&parts.headers)?;
    let token = match (bearer::authorization(&parts.headers)?, offers.token) {
        (Some(_), Some(_)) => return Err(Failure::new(Reason::TokenAmbiguous, "a token in two places").into()),
        (Some(token), None) => token,
        // Any page can send a subprotocol, so it must say which page it is.
        (None, Some(_)) if call.origin.is_none() => return Err(Reason::OriginMissing.into()),
        (None, Some(token)) => token,
        (None, None) => return Err(Reason::TokenMissing.into()),
    };
    if call.generation.shared.lifecycle.phase() == Phase::Draining {
        // Token and ticket stay good: another gateway of the fleet, or the next start, takes them.
        return Err(Reason::Draining.into());
    }
    let shown = Shown::at_socket(&call, token).await?;
    // Whoever shows what a panel or we have made is no stranger any more, however long the store takes.
    call.peer.authenticated();
    let pass = shown.used(&call, &service.consoles).await?;
    let binary = offers.binary;
    let opening = Box::new(Opening { pass, client: call.client });
    let upgraded = upgrade::on(Request::from_parts(parts, ()));
    let place = call.peer.hand_over_place();
    service.consoles.spawn(console::<S>(upgraded, call.generation, opening, place));
    Ok(handshake.answer(binary)?)
}

/// `_place` is the connection's, and free again once it is closed.
async fn console<S: Stream>(
    upgraded: OnUpgrade,
    generation: Arc<Generation>,
    opening: Box<Opening>,
    _place: Option<Place>,
) {
    match upgraded.await {
        Ok(upgraded) => match bare::<S>(upgraded) {
            Some((stream, early)) => console::run(generation, opening, stream, early).await,
            None => tracing::error!(target: "consolegate::http", "an upgrade was not of the stream it came on"),
        },
        // It left before the 101 was out.
        Err(error) => tracing::debug!(target: "consolegate::http", %error, "no upgrade"),
    }
}

/// The stream itself, without hyper's box around it, and what was read ahead of it.
fn bare<S: Stream>(upgraded: Upgraded) -> Option<(S, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Leg<S>>>().ok()?;
    let early = if parts.read_buf.is_empty() { Bytes::new() } else { parts.read_buf };
    Some((parts.io.into_inner().into_inner(), early))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TlsStream;
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Response, StatusCode};
    use std::convert::Infallible;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::oneshot;

    /// Upgrades whatever comes on the stream, and hands out what the upgrade was of.
    async fn upgraded(stream: DuplexStream) -> Upgraded {
        let (send, receive) = oneshot::channel();
        let send = std::sync::Mutex::new(Some(send));
        let service = service_fn(|request: Request<Incoming>| {
            if let Some(send) = send.lock().unwrap().take() {
                drop(send.send(upgrade::on(request)));
            }
            let mut answer = Response::new(Full::new(Bytes::new()));
            *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            async move { Ok::<_, Infallible>(answer) }
        });
        let leg = Leg::new(stream, Arc::default(), Duration::from_secs(1));
        http1::Builder::new().serve_connection(TokioIo::new(leg), service).with_upgrades().await.unwrap();
        receive.await.unwrap().await.unwrap()
    }

    /// A task is as large as the largest of its stages for as long as it lives.
    #[test]
    fn the_task_of_a_session_holds_no_room_for_stages_that_are_over() {
        fn returned<T, A, B, C, D>(_: impl FnOnce(A, B, C, D) -> T) -> usize {
            size_of::<T>()
        }
        let size = returned(console::<TlsStream>);
        assert!(size <= 2048, "{size} bytes");
    }

    #[tokio::test]
    async fn h13_bytes_behind_the_handshake_come_first_and_unchanged() {
        let (server, mut client) = duplex(1024);
        let early = b"\x82\x85\nGET / HTTP/1.1\n\n";
        let request =
            [&b"GET /v1/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"[..], early].concat();
        client.write_all(&request).await.unwrap();
        let (mut stream, read) = bare::<DuplexStream>(upgraded(server).await).unwrap();
        client.write_all(b"later").await.unwrap();
        drop(client);
        let mut all = read.to_vec();
        stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, [&early[..], b"later"].concat());
    }
}
