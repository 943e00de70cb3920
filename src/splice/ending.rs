//! How a session says goodbye: a proper close on each leg. A peer has two seconds to take the close frame and two more to
//! go, then it is cut (W13).

use super::side::Side;
use crate::reason::{Failure, Reason};
use crate::record::{Gathered, Transport, with_batch};
use crate::wire::websocket::{CloseBody, Opcode, close_payload, frame};
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// How long a peer has to take the close frame, and then to go.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// What a peer may still send before it is cut.
const LAST_BYTES: usize = 64 * 1024;

/// A splice that is over, with legs that still have to be closed.
#[derive(Debug)]
pub struct Ended<C, N> {
    /// Why, as far as the bytes told.
    pub reason: Reason,
    /// The cause, for the log.
    pub cause: String,
    /// The code the browser closed with, to be given back to it (RFC 6455 5.5.1).
    pub client_code: Option<u16>,
    /// The browser's leg.
    pub client: Departing<C>,
    /// The node's leg.
    pub node: Departing<N>,
}

/// The end a client's close frame asks for, or what is wrong with the frame (W12).
pub(super) fn client_closed(body: CloseBody) -> Failure {
    match body {
        CloseBody::Empty => Failure::new(Reason::ClientClosed, "closed without a code"),
        CloseBody::Code(code) => Failure::new(Reason::ClientClosed, format!("closed with {code}")),
        CloseBody::BadCode => Reason::WsClose.into(),
        CloseBody::BadText => Reason::WsUtf8.into(),
    }
}

/// A leg on its way out.
#[derive(Debug)]
pub struct Departing<T> {
    side: Side<T>,
    at_boundary: bool,
    key: Option<[u8; 4]>,
}

impl<T: Transport> Departing<T> {
    pub(super) const fn new(side: Side<T>, at_boundary: bool, key: Option<[u8; 4]>) -> Self {
        Self { side, at_boundary, key }
    }

    /// Sends what still waits, then a close frame where the stream is between two frames, and ends the transport. A
    /// stream that stopped inside a frame is only cut: a close frame there would be read as payload.
    pub async fn close(mut self, code: u16, reason: &str) {
        // The peer may be gone or stuck: both end the same way, by dropping the transport.
        let said = timeout(GRACE, self.say(code, reason)).await;
        if matches!(said, Ok(Ok(()))) {
            let _ = timeout(GRACE, self.leave()).await;
        }
    }

    async fn say(&mut self, code: u16, reason: &str) -> io::Result<()> {
        if self.at_boundary {
            self.side.own = frame(Opcode::Close, self.key, &close_payload(code, reason));
            self.side.push_own()?;
        }
        let transport = &mut self.side.transport;
        poll_fn(|cx| transport.poll_drain(cx, &mut 0)).await?;
        poll_fn(|cx| transport.poll_flush(cx)).await?;
        poll_fn(|cx| transport.poll_shutdown(cx)).await
    }

    /// Reads until the peer has ended too: closing with unread bytes would reset the connection and could eat the close
    /// frame on its way.
    async fn leave(&mut self) -> io::Result<()> {
        let mut read = 0;
        poll_fn(|cx| {
            while read < LAST_BYTES {
                let (gathered, count) = with_batch(|batch, _| {
                    let gathered = self.side.transport.poll_gather(cx, batch);
                    (gathered, batch.total())
                });
                read += count;
                match gathered {
                    Gathered::Full => {}
                    Gathered::Open => return Poll::Pending,
                    Gathered::End => break,
                    Gathered::Broken(error) => return Poll::Ready(Err(error)),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }
}
