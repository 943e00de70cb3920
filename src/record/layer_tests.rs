//! What may come after a handshake and what may not, between two ends that rustls has made.

use super::super::head::size;
use super::super::scene::{SUITES, shaken};
use super::*;
use crate::config::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The two ends of a connection: server, client.
async fn ends() -> (Layer, Layer) {
    let (mut server, mut client) = shaken(SUITES[0], Engine::Auto, 1 << 16).await;
    // The server's tickets come first.
    server.write_all(b"hello").await.unwrap();
    client.read_exact(&mut [0; 5]).await.unwrap();
    (server.into_layer(), client.into_layer())
}

/// Opens one record after the other; the data in them.
fn open(layer: &mut Layer, mut bytes: &[u8]) -> Result<Vec<u8>, Broke> {
    let mut data = Vec::new();
    while let Some(size) = size(bytes)? {
        let mut record = bytes[..size].to_vec();
        if let Opened::Data(len) = layer.open(&mut record)? {
            data.extend_from_slice(&record[HEADER..HEADER + len]);
        }
        bytes = &bytes[size..];
    }
    Ok(data)
}

fn sealed(layer: &mut Layer, kind: ContentType, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    layer.add(kind, content, &mut out).unwrap();
    out
}

fn data(layer: &mut Layer, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    layer.add_data(plain, &mut out).unwrap();
    out
}

/// A KeyUpdate that `layer` sends by itself; from then on it seals with the next key.
fn updates(layer: &mut Layer) -> Vec<u8> {
    let mut out = Vec::new();
    layer.owes_update = true;
    layer.update(&mut out).unwrap();
    out
}

#[tokio::test]
async fn each_direction_goes_over_to_its_next_key_by_itself() {
    let (mut server, mut client) = ends().await;
    for round in 0..3 {
        let text = format!("round {round}");
        let bytes = [updates(&mut client), data(&mut client, text.as_bytes())].concat();
        assert_eq!(open(&mut server, &bytes).unwrap(), text.as_bytes());
        assert!(!server.is_due(), "it was not asked");
        let bytes = data(&mut server, text.as_bytes());
        assert_eq!(open(&mut client, &bytes).unwrap(), text.as_bytes());
    }
}

#[tokio::test]
async fn an_update_that_is_asked_for_is_answered_once_and_before_the_next_data() {
    let (mut server, mut client) = ends().await;
    for _ in 0..5 {
        let asks = sealed(&mut client, ContentType::Handshake, &[KEY_UPDATE, 0, 0, 1, 1]);
        let (next, secrets) = client.kernel.next_to_seal().unwrap();
        client.sealer = Sealer::new(&secrets, next, client.most).unwrap();
        assert_eq!(open(&mut server, &asks).unwrap(), b"");
    }
    assert!(server.is_due());
    let bytes = data(&mut server, b"answer");
    let plain = data(&mut server, b"more").len() - 4;
    assert_eq!(bytes.len(), 2 * plain + 5 + 6, "one KeyUpdate and the data");
    assert_eq!(open(&mut client, &bytes).unwrap(), b"answer");
    assert!(!client.is_due(), "the answer asks for none");
}

#[tokio::test]
async fn a_record_of_the_old_key_does_not_open_after_an_update() {
    let (mut server, mut client) = ends().await;
    let old = data(&mut client, b"old");
    let late = data(&mut client, b"late");
    assert_eq!(open(&mut server, &old).unwrap(), b"old");
    server.key_update(0).unwrap();
    assert_eq!(open(&mut server, &late), Err(Broke::Sealed));
}

#[tokio::test]
async fn keys_wear_out_and_are_replaced_before_they_do() {
    let (mut server, mut client) = ends().await;
    let most = 5_000;
    client.most = most;
    let (next, secrets) = client.kernel.next_to_seal().unwrap();
    client.sealer = Sealer::new(&secrets, next, most).unwrap();
    server.key_update(0).unwrap();
    let mut records = 0;
    for n in 0..12_000_u32 {
        let bytes = data(&mut client, &n.to_be_bytes());
        records += bytes.len();
        assert_eq!(open(&mut server, &bytes).unwrap(), n.to_be_bytes());
    }
    assert!(records > 12_000 * 26, "there were updates between them");
}

#[tokio::test]
async fn messages_may_come_in_parts_and_parts_of_others_not_between_them() {
    let update = [KEY_UPDATE, 0, 0, 1, 0];
    for cut in 1..5 {
        let (mut server, mut client) = ends().await;
        let parts = [
            sealed(&mut client, ContentType::Handshake, &update[..cut]),
            sealed(&mut client, ContentType::Handshake, &update[cut..]),
        ];
        assert_eq!(open(&mut server, &parts.concat()).unwrap(), b"", "cut at {cut}");
        let (next, secrets) = client.kernel.next_to_seal().unwrap();
        client.sealer = Sealer::new(&secrets, next, client.most).unwrap();
        assert_eq!(open(&mut server, &data(&mut client, b"next key")).unwrap(), b"next key");

        let (mut server, mut client) = ends().await;
        let bytes = [
            sealed(&mut client, ContentType::Handshake, &update[..cut]),
            sealed(&mut client, ContentType::Data, b"between"),
        ];
        assert_eq!(open(&mut server, &bytes.concat()), Err(Broke::Unexpected), "cut at {cut}");
    }
}

#[tokio::test]
async fn what_has_no_place_after_a_handshake_ends_the_connection() {
    let update = [KEY_UPDATE, 0, 0, 1, 0];
    let after = [&update[..], &update].concat();
    let cases: [(&[u8], Broke); 9] = [
        (&[], Broke::Unexpected),
        (&after, Broke::Unexpected),
        (&[KEY_UPDATE, 0, 0, 1, 2], Broke::BadKeyUpdate),
        (&[KEY_UPDATE, 0, 0, 0], Broke::Malformed),
        (&[KEY_UPDATE, 0, 0, 2, 0, 0], Broke::Malformed),
        (&[NEW_SESSION_TICKET, 0, 0, 1], Broke::Unexpected),
        (&[1, 0, 0, 0], Broke::Unexpected),
        (&[13, 0, 0, 3], Broke::Unexpected),
        (&[20, 0, 0, 32], Broke::Unexpected),
    ];
    for (content, broke) in cases {
        let (mut server, mut client) = ends().await;
        let bytes = sealed(&mut client, ContentType::Handshake, content);
        assert_eq!(open(&mut server, &bytes), Err(broke), "{content:?}");
    }
}

#[tokio::test]
async fn a_client_takes_late_tickets_whole_and_in_parts_and_no_nonsense() {
    // lifetime, age_add, nonce, ticket, no extensions (RFC 8446 4.6.1)
    let body = [&[0, 0, 1, 0, 9, 9, 9, 9, 1, 7, 0, 5][..], b"token", &[0, 0]].concat();
    let ticket = [&[NEW_SESSION_TICKET, 0, 0, body.len() as u8][..], &body].concat();
    for cut in 1..ticket.len() {
        let (mut server, mut client) = ends().await;
        let bytes = [
            sealed(&mut server, ContentType::Handshake, &ticket),
            sealed(&mut server, ContentType::Handshake, &ticket[..cut]),
            sealed(&mut server, ContentType::Handshake, &ticket[cut..]),
            data(&mut server, b"data"),
        ];
        assert_eq!(open(&mut client, &bytes.concat()).unwrap(), b"data", "cut at {cut}");
    }
    let (mut server, mut client) = ends().await;
    let bytes = sealed(&mut server, ContentType::Handshake, &[NEW_SESSION_TICKET, 0, 0, 2, 0, 0]);
    assert_eq!(open(&mut client, &bytes), Err(Broke::Malformed));
    let (mut server, mut client) = ends().await;
    let bytes = sealed(&mut server, ContentType::Handshake, &[NEW_SESSION_TICKET, 1, 0, 0]);
    assert_eq!(open(&mut client, &bytes), Err(Broke::Malformed), "longer than any ticket is");
}

#[tokio::test]
async fn a_peer_that_says_nothing_many_times_is_not_listened_to() {
    let (mut server, mut client) = ends().await;
    for _ in 0..MOST_QUIET {
        assert_eq!(open(&mut server, &sealed(&mut client, ContentType::Data, b"")).unwrap(), b"");
    }
    assert_eq!(open(&mut server, &data(&mut client, b"x")).unwrap(), b"x", "data begins the count anew");
    for _ in 0..MOST_QUIET {
        open(&mut server, &updates(&mut client)).unwrap();
    }
    assert_eq!(open(&mut server, &updates(&mut client)), Err(Broke::Unexpected));
}

#[tokio::test]
async fn alerts_mean_what_they_say() {
    let cases: [(&[u8], Result<Opened, Broke>); 6] = [
        (&[1, 0], Ok(Opened::Closed)),
        (&[2, 0], Ok(Opened::Closed)),
        (&[1, 90], Ok(Opened::Nothing)),
        (&[1, 40], Err(Broke::Alerted(40))),
        (&[2], Err(Broke::Malformed)),
        (&[1, 0, 1, 0], Err(Broke::Malformed)),
    ];
    for (content, meaning) in cases {
        let (mut server, mut client) = ends().await;
        let mut bytes = sealed(&mut client, ContentType::Alert, content);
        assert_eq!(server.open(&mut bytes), meaning, "{content:?}");
    }
    let (mut server, mut client) = ends().await;
    let mut out = Vec::new();
    server.add_close_notify(&mut out).unwrap();
    assert_eq!(client.open(&mut out), Ok(Opened::Closed));
    for broke in [Broke::Sealed, Broke::TooLong, Broke::Unexpected, Broke::Malformed, Broke::BadKeyUpdate] {
        let (mut server, mut client) = ends().await;
        let mut out = Vec::new();
        server.add_alert(broke, &mut out).unwrap();
        assert_eq!(client.open(&mut out), Err(Broke::Alerted(broke.alert().unwrap())));
    }
    let (mut server, _) = ends().await;
    let mut out = Vec::new();
    server.add_alert(Broke::Alerted(40), &mut out).unwrap();
    assert_eq!(out, b"", "a peer that has ended it itself hears nothing");
}

impl Layer {
    /// As if the peer had asked for an update.
    pub(in super::super) const fn owe_update(&mut self) {
        self.owes_update = true;
    }
}
