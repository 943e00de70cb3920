//! Session tickets and resume tokens: what opens, and everything that must not.

use super::*;
use crate::id::SessionId;
use crate::store::Store;
use crate::token::{Envelope, Grant, MAX_TOKEN_BYTES, Pass, Purpose, Sealer, TICKET_SECONDS, is_sealed};
use proptest::prelude::*;

fn sealer() -> Sealer {
    Sealer::new(Some(&Secret::new([9; 32]))).unwrap()
}

fn grant() -> Grant {
    verify(&good()).unwrap().grant
}

fn pass() -> Pass {
    Pass { session: SessionId::from_bits(7), generation: 2, ends: NOW + 3600, grant: grant() }
}

/// What is inside a text of this purpose that was sealed now.
fn inside(purpose: Purpose, pass: &Pass) -> Envelope {
    let expires = if purpose == Purpose::Ticket { NOW + TICKET_SECONDS } else { pass.ends };
    let Pass { session, generation, ends, ref grant } = *pass;
    Envelope { session, generation, expires, ends, grant: grant.clone() }
}

fn sealed(purpose: Purpose) -> String {
    sealer().seal(purpose, &pass(), NOW).unwrap()
}

const PURPOSES: [Purpose; 3] = [Purpose::Ticket, Purpose::Resume, Purpose::Control];

fn refusal(result: Result<Envelope, Failure>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn what_one_gateway_seals_another_with_the_same_key_opens() {
    for purpose in PURPOSES {
        let text = sealed(purpose);
        assert_eq!(sealer().open(purpose, &text, NOW), Ok(inside(purpose, &pass())));
        assert!(is_sealed(&text) && !is_sealed(&panel().token(&good())));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "a subprotocol token");
    }
}

#[test]
fn no_purpose_opens_as_another() {
    for made in PURPOSES {
        let text = sealed(made);
        for asked in PURPOSES.into_iter().filter(|asked| *asked != made) {
            assert_eq!(refusal(sealer().open(asked, &text, NOW)), Reason::TicketRefused, "{made:?} as {asked:?}");
        }
    }
}

#[test]
fn no_other_key_opens_it() {
    let text = sealed(Purpose::Ticket);
    for other in [Sealer::new(Some(&Secret::new([8; 32]))), Sealer::new(Some(&Secret::new([9; 33]))), Sealer::new(None)]
    {
        assert_eq!(refusal(other.unwrap().open(Purpose::Ticket, &text, NOW)), Reason::TicketRefused);
    }
}

#[test]
fn a_made_key_opens_its_own_and_a_short_key_is_refused() {
    let made = Sealer::new(None).unwrap();
    let text = made.seal(Purpose::Ticket, &pass(), NOW).unwrap();
    assert_eq!(made.open(Purpose::Ticket, &text, NOW), Ok(inside(Purpose::Ticket, &pass())));
    assert!(Sealer::new(Some(&Secret::new([9; 31]))).is_err());
}

#[test]
fn it_opens_to_its_last_second() {
    let text = sealed(Purpose::Ticket);
    assert!(sealer().open(Purpose::Ticket, &text, NOW + 30).is_ok());
    let failure = sealer().open(Purpose::Ticket, &text, NOW + 31).unwrap_err();
    assert_eq!(failure.reason, Reason::TicketRefused);
    assert!(failure.cause.contains("expired 1 s ago"), "{failure}");
}

#[test]
fn every_flipped_bit_closes_it() {
    let text = sealed(Purpose::Ticket);
    let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refusal(sealer().open(Purpose::Ticket, &base64(flipped), NOW)), Reason::TicketRefused, "bit {bit}");
    }
    for cut in 0..bytes.len() {
        assert!(sealer().open(Purpose::Ticket, &base64(&bytes[..cut]), NOW).is_err(), "cut at {cut}");
    }
}

#[test]
fn two_seals_of_the_same_are_different_texts_and_hide_what_is_inside() {
    let (one, two) = (sealed(Purpose::Ticket), sealed(Purpose::Ticket));
    let (one, two) = (URL_SAFE_NO_PAD.decode(one).unwrap(), URL_SAFE_NO_PAD.decode(two).unwrap());
    assert_ne!(one[1..17], two[1..17], "a fresh salt each time");
    assert_ne!(one[17..], two[17..]);
    assert!(!String::from_utf8_lossy(&one).contains("customer-42"));
    assert_eq!(format!("{:?}", sealer()), "Sealer([secret])");
}

#[test]
fn the_largest_grant_still_fits() {
    let mut claims = with("/sub", json!("\u{1d11e}".repeat(128)));
    claims["jti"] = json!("~".repeat(64));
    claims["origin"] = json!("https://other.example.com:8443");
    claims["console"] = json!({
        "cluster": "eu1", "kind": "qemu", "vmid": 5999, "protocol": "term", "node": "pve1",
        "rights": ["input", "clipboard", "resize", "power"], "max_seconds": 999_999_999_999_999_u64,
        "idle_seconds": 999_999_999_999_999_u64, "title": "\u{1d11e}".repeat(128), "lang": "zh-Hant-TW", "theme": "light",
    });
    let pass = Pass { grant: verify(&claims).unwrap().grant, ..pass() };
    let text = sealer().seal(Purpose::Ticket, &pass, NOW).unwrap();
    assert!(text.len() <= MAX_TOKEN_BYTES, "{}", text.len());
    assert_eq!(sealer().open(Purpose::Ticket, &text, NOW), Ok(inside(Purpose::Ticket, &pass)));
}

#[test]
fn t28_what_is_too_long_or_not_base64url_is_refused() {
    let long = "A".repeat(MAX_TOKEN_BYTES + 1);
    for text in ["", "A", "====", "a b", "AQ==", "AQ", "+/+/", "a.b.c", "ü", &long] {
        assert_eq!(refusal(sealer().open(Purpose::Ticket, text, NOW)), Reason::TicketRefused, "{text}");
    }
}

#[tokio::test]
async fn t20_each_ticket_and_each_generation_opens_once() {
    let store = Store::memory(10);
    let open = async |generation| {
        let pass = Pass { generation, ..pass() };
        store.live(pass.session, generation, pass.ends).await.unwrap();
        inside(Purpose::Ticket, &pass).open(&store, NOW - 60, NOW).await.map_err(|failure| failure.reason)
    };
    assert_eq!(open(2).await.unwrap(), pass());
    assert_eq!(open(2).await, Err(Reason::TokenReplay));
    let store = Store::memory(10);
    let from_before = inside(Purpose::Ticket, &pass()).open(&store, NOW, NOW).await;
    assert_eq!(from_before.unwrap_err().reason, Reason::TokenBeforeBoot, "it may have been used before the start");
}

#[tokio::test]
async fn a_resume_token_gives_the_next_generation_with_the_same_end_and_grant() {
    let store = Store::memory(10);
    store.live(pass().session, 2, pass().ends).await.unwrap();
    let resumed = inside(Purpose::Resume, &pass()).resume(&store, &rules(), NOW).await;
    assert_eq!(resumed, Ok(Pass { generation: 3, ..pass() }));
    store.over(pass().session, 3).await.unwrap();
    let late = inside(Purpose::Resume, &pass()).resume(&store, &rules(), NOW).await;
    assert!(late.is_err());
}

proptest! {
    #[test]
    fn strangers_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(sealer().open(Purpose::Ticket, &base64(&bytes), NOW).is_err());
    }
}
