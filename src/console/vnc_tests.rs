//! The VNC login against scripted peers, cut at every byte.

use super::*;
use crate::wire::websocket::{Header, Opcode, apply_mask, frame};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

const KEY: Option<[u8; 4]> = Some([1, 9, 2, 8]);

/// All payload a leg sent until it was dropped.
async fn payload(mut stream: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let (mut rest, mut plain) = (&bytes[..], Vec::new());
    while let Ok(Some((header, size))) = Header::parse(rest) {
        let end = size + header.len as usize;
        let mut body = rest[size..end].to_vec();
        if let Some(key) = header.mask {
            apply_mask(&mut body, key, 0);
        }
        plain.extend(body);
        rest = &rest[end..];
    }
    plain
}

/// A browser that says these bytes, each `step` of them in a frame of its own; what it got, and the verdict.
async fn browser(says: &[u8], step: usize) -> (Result<(), Failure>, Vec<u8>) {
    let (mut peer, leg) = duplex(64 * 1024);
    for part in says.chunks(step) {
        peer.write_all(&frame(Opcode::Binary, KEY, part)).await.unwrap();
    }
    let mut client = Leg::client(leg, &[], false, 1024);
    let verdict = timeout(Duration::from_secs(10), greet(&mut client)).await;
    drop(client);
    (verdict.unwrap_or_else(|_| Err(Reason::ClientHandshakeTimeout.into())), payload(peer).await)
}

#[tokio::test(start_paused = true)]
async fn r01_versions_are_spoken_to_as_they_expect() {
    let none_38: &[u8] = b"RFB 003.008\n\x01\x01\0\0\0\0";
    for (says, got) in [
        (&b"RFB 003.008\n\x01\x01"[..], none_38),
        (b"RFB 003.889\n\x01\x01", none_38),
        (b"RFB 004.001\n\x01\x00", none_38),
        (b"RFB 003.007\n\x01\x01", b"RFB 003.008\n\x01\x01"),
        (b"RFB 003.003\n\x01", b"RFB 003.008\n\0\0\0\x01"),
    ] {
        for step in [1, 5, 100] {
            let (verdict, sent) = browser(says, step).await;
            assert_eq!((verdict, &sent[..]), (Ok(()), got), "{}", says.escape_ascii());
        }
    }
    let (verdict, _) = browser(b"GARBAGE!!!!!", 100).await;
    assert_eq!(verdict.unwrap_err().reason, Reason::RfbClient);
    let (verdict, _) = browser(b"RFB 003.008", 100).await;
    assert_eq!(verdict.unwrap_err().reason, Reason::ClientHandshakeTimeout, "11 bytes and a stall");
}

#[tokio::test(start_paused = true)]
async fn r02_a_type_that_was_not_offered_is_refused() {
    for choice in [0, 2, 16, 19] {
        let (verdict, sent) = browser(&[&b"RFB 003.008\n"[..], &[choice]].concat(), 100).await;
        assert_eq!(verdict.unwrap_err().reason, Reason::RfbClient);
        assert!(sent.ends_with(b"\0\0\0\x01\0\0\0\x19security type not offered"), "{}", sent.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn r03_what_comes_early_is_held_up_to_a_kibibyte() {
    let mut says = b"RFB 003.008\n\x01\x01".to_vec();
    says.extend([4; 1000]);
    assert_eq!(browser(&says, 100).await.0, Ok(()));
    says.extend([4; 2000]);
    assert_eq!(browser(&says, 5000).await.0.unwrap_err().reason, Reason::RfbEarly);
}

#[tokio::test(start_paused = true)]
async fn w11_text_in_the_handshake_is_1003() {
    let (mut peer, leg) = duplex(4096);
    peer.write_all(&frame(Opcode::Text, KEY, b"RFB 003.008\n")).await.unwrap();
    let verdict = greet(&mut Leg::client(leg, &[], false, 1024)).await;
    assert_eq!(verdict.unwrap_err().reason, Reason::WsText);
}

/// A node that says these bytes and ends; what it got, and the verdict.
async fn node(says: &[u8], step: usize) -> (Result<(), Failure>, Vec<u8>) {
    let (mut peer, leg) = duplex(64 * 1024);
    for part in says.chunks(step) {
        peer.write_all(&frame(Opcode::Binary, None, part)).await.unwrap();
    }
    peer.shutdown().await.unwrap();
    let mut node = Leg::node(leg, &[], 4096);
    let mut verdict = log_in(&mut node, &Secret::new("password")).await;
    if verdict.is_ok() {
        verdict = begin(&mut node).await;
    }
    drop(node);
    (verdict, payload(peer).await)
}

/// Version, types, the challenge of the reference's vectors, and a good result.
fn good_node() -> Vec<u8> {
    let challenge: Vec<u8> = (0..16).collect();
    [&b"RFB 003.008\n\x01\x02"[..], &challenge, &RESULT_OK].concat()
}

#[tokio::test(start_paused = true)]
async fn r14_the_gateway_logs_in_and_asks_for_a_shared_session() {
    let challenge = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let answer = respond(b"password", challenge);
    for version in [&b"RFB 003.008\n"[..], b"RFB 003.007\n"] {
        for list in [&b"\x01\x02"[..], b"\x02\x01\x02"] {
            let says = [version, list, &challenge, &RESULT_OK].concat();
            for step in [1, 3, 100] {
                let (verdict, sent) = node(&says, step).await;
                assert_eq!(verdict, Ok(()));
                assert_eq!(sent, [version, &[SECURITY_VNC], &answer, &[1]].concat(), "r14: shared is 1");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r05_r06_the_type_goes_before_the_list_and_nothing_of_the_password_unless_the_list_has_it() {
    for version in [&b"RFB 003.008\n"[..], b"RFB 003.007\n"] {
        for (list, expected) in [
            (&b""[..], Reason::NodeCut),
            (b"\0", Reason::RfbRefused),
            (b"\x01\x01", Reason::RfbInsecureUpstream),
            (b"\x01\x13", Reason::RfbNoType),
        ] {
            // What could be a challenge, behind a list.
            let challenge: &[u8] = if list.is_empty() { b"" } else { &[7; 16] };
            let (verdict, sent) = node(&[version, list, challenge].concat(), 100).await;
            assert_eq!(verdict.unwrap_err().reason, expected);
            assert_eq!(sent, [version, &[SECURITY_VNC]].concat());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r04_r05_r06_r07_r08_what_a_node_may_not_say() {
    let mut failed = good_node();
    let at = failed.len() - 1;
    failed[at] = 1;
    failed.extend(reason("Authentication failed\0"));
    for (says, expected) in [
        (&b"RFB 003.008\n\0\xFF\xFF\xFF\xFFtext"[..], Reason::RfbRefused),
        (b"RFB 003.008\n\x01\x01", Reason::RfbInsecureUpstream),
        (b"RFB 003.008\n\x02\x13\x10", Reason::RfbNoType),
        (&failed, Reason::RfbAuth),
        (b"RFB 003.003\n\0\0\0\x02", Reason::RfbVersion),
        (b"HTTP/1.1 400 Bad", Reason::RfbVersion),
    ] {
        let (verdict, sent) = node(says, 100).await;
        assert_eq!(verdict.unwrap_err().reason, expected);
        assert!(!sent.ends_with(&[1]), "no ClientInit after a refusal");
    }
}

#[tokio::test(start_paused = true)]
async fn r05_r06_r07_a_refusal_counts_also_where_the_close_frame_came_with_it() {
    let failed = [&b"RFB 003.008\n\x01\x02"[..], &[7; 16], &RESULT_FAILED, &reason("no")].concat();
    for (says, expected) in [
        (&b"RFB 003.008\n\x01\x01"[..], Reason::RfbInsecureUpstream),
        (b"RFB 003.008\n\x01\x13", Reason::RfbNoType),
        (&failed, Reason::RfbAuth),
    ] {
        let (mut peer, leg) = duplex(4096);
        let close = frame(Opcode::Close, None, &[]);
        peer.write_all(&[frame(Opcode::Binary, None, says), close].concat()).await.unwrap();
        let verdict = log_in(&mut Leg::node(leg, &[], 4096), &Secret::new("password")).await;
        assert_eq!(verdict.unwrap_err().reason, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_behind_the_last_word_of_a_login_is_not_lost() {
    let (mut peer, leg) = duplex(4096);
    let says = frame(Opcode::Binary, KEY, b"RFB 003.008\n\x01\x01");
    peer.write_all(&[says, frame(Opcode::Close, KEY, &[])].concat()).await.unwrap();
    let mut client = Leg::client(leg, &[], false, 1024);
    assert_eq!(greet(&mut client).await, Ok(()));
    assert!(matches!(client.gone().await, LegError::Closed(None)));
}

#[tokio::test(start_paused = true)]
async fn r09_a_node_that_ends_at_any_byte_is_a_cut() {
    let good = good_node();
    for end in 0..good.len() {
        let (verdict, _) = node(&good[..end], 100).await;
        assert_eq!(verdict.unwrap_err().reason, Reason::NodeCut, "{end}");
    }
}
