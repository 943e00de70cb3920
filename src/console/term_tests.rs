//! The terminal's login against scripted nodes, cut at every byte.

use super::*;
use crate::splice::Leg;
use crate::wire::websocket::{Opcode, apply_mask, frame};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

const TICKET: &str = "PVEVNC:6AC0DE00::secret==";

/// A node that says this in frames of so many bytes and then ends or not; the verdict, and the leg afterwards.
async fn node(user: &str, says: &[u8], step: usize, ends: bool) -> (Result<(), Failure>, Leg<DuplexStream>) {
    let (mut peer, stream) = duplex(64 * 1024);
    let mut leg = Leg::node(stream, &[], 4096);
    for part in says.chunks(step) {
        peer.write_all(&frame(Opcode::Binary, None, part)).await.unwrap();
    }
    if ends {
        peer.shutdown().await.unwrap();
    }
    let login = (user.to_owned(), Secret::new(TICKET));
    let verdict = timeout(Duration::from_secs(10), log_in(&mut leg, &login)).await;
    let mut line = vec![0; 6 + user.len() + TICKET.len() + 2];
    peer.read_exact(&mut line).await.unwrap();
    let key = line[2..6].try_into().unwrap();
    apply_mask(&mut line[6..], key, 0);
    assert_eq!(line[6..], *format!("{user}:{TICKET}\n").as_bytes(), "one frame with the whole line");
    (verdict.unwrap_or_else(|_| Err(Reason::NodeHandshakeTimeout.into())), leg)
}

#[tokio::test(start_paused = true)]
async fn ok_logs_in_wherever_it_is_cut_and_what_is_glued_to_it_stays() {
    for step in [1, 2, 3, 100] {
        let (verdict, mut leg) = node("gate@pve!console", b"OKlogin: ", step, false).await;
        assert_eq!(verdict, Ok(()));
        assert_eq!(&leg.take::<7>().await.unwrap(), b"login: ");
    }
}

#[tokio::test(start_paused = true)]
async fn x03_anything_but_ok_is_refused() {
    let megabyte = [b'x'; 16 * 1024];
    for (says, ends, reason) in [
        (&b"O"[..], false, Reason::NodeHandshakeTimeout),
        (b"", false, Reason::NodeHandshakeTimeout),
        (b"KO", false, Reason::TermAnswer),
        (b"Ok", false, Reason::TermAnswer),
        (b"HTTP/1.1 500 no\r\n\r\n", true, Reason::TermAnswer),
        (&megabyte, false, Reason::TermAnswer),
        (b"", true, Reason::TermRefused),
        (b"O", true, Reason::TermRefused),
    ] {
        let (verdict, _) = node("gate@pve!console", says, 4096, ends).await;
        let failure = verdict.unwrap_err();
        assert_eq!(failure.reason, reason, "{}", says.escape_ascii());
        assert!(!failure.cause.contains("HTTP"), "{}", failure.cause);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_hears_the_cure_and_a_user_may_try_again() {
    let (verdict, _) = node("gate@pve!console", b"", 1, true).await;
    assert!(verdict.unwrap_err().cause.contains("configure a user and password"));
    let (verdict, _) = node("gate@pve", b"", 1, true).await;
    assert_eq!(verdict.unwrap_err().reason, Reason::NodeCut);
}
