//! Which pages may bring a token.

use super::*;
use crate::store::Store;
use crate::token::Envelope;
use Reason::{OriginMissing, OriginRefused, TokenBinding};

fn checked(claims: &Value, origin: Option<&str>) -> Result<(), Reason> {
    verify(claims).unwrap().check_origin(origin).map_err(|failure| failure.reason)
}

#[test]
fn the_issuers_pages_and_our_own_may_bring_its_tokens() {
    for origin in [PANEL, OWN, "https://other.example.com:8443", "HTTPS://Panel.Example.COM"] {
        assert_eq!(checked(&good(), Some(origin)), Ok(()), "{origin}");
    }
    assert_eq!(checked(&good(), None), Ok(()), "a client that is not a browser");
}

#[test]
fn everything_else_is_refused() {
    for origin in [
        "null",
        "",
        "*",
        "https://evil.example",
        "http://panel.example.com",
        "https://panel.example.com/",
        "https://panel.example.com.",
        "https://panel.example.com:443",
        "https://panel.example.com:8443",
        "https://other.example.com",
        "https://panel.example.com.evil.example",
        "https://evilpanel.example.com",
        "https://user@panel.example.com",
        "https://panel.example.com@evil.example",
        "https://panel.example.com/x",
        "https://panel.example.com?x",
        "https://panel.example.com#x",
        "https://panel.example.com, https://panel.example.com",
        "https://panel.example.com https://panel.example.com",
        " https://panel.example.com",
        "https://panel.example.com\0",
        "//panel.example.com",
        "panel.example.com",
        "https:panel.example.com",
        "https://pаnel.example.com",
    ] {
        assert_eq!(checked(&good(), Some(origin)), Err(OriginRefused), "{origin:?}");
    }
}

#[test]
fn t30_a_token_bound_to_an_origin_opens_there_only() {
    let bound = with("/origin", json!(PANEL));
    assert_eq!(checked(&bound, Some(PANEL)), Ok(()));
    assert_eq!(checked(&bound, Some("https://PANEL.example.com")), Ok(()));
    assert_eq!(checked(&bound, Some(OWN)), Err(TokenBinding));
    assert_eq!(checked(&bound, Some("https://other.example.com:8443")), Err(TokenBinding));
    assert_eq!(checked(&bound, Some("https://evil.example")), Err(OriginRefused));
    assert_eq!(checked(&bound, None), Err(OriginMissing));
}

#[test]
fn t30_a_token_cannot_be_bound_to_a_page_the_issuer_does_not_list() {
    for origin in ["https://evil.example", "null", "*", "https://panel.example.com/", ""] {
        assert_eq!(refused(&with("/origin", json!(origin))), TokenBinding, "{origin}");
    }
}

#[tokio::test]
async fn t32_a_token_refused_for_its_origin_is_not_used_up() {
    let (store, token) = (Store::memory(10), verify(&good()).unwrap());
    assert_eq!(token.check_origin(Some("https://evil.example")).unwrap_err().reason, OriginRefused);
    drop(token);
    let token = verify(&good()).unwrap();
    assert!(token.check_origin(Some(PANEL)).is_ok());
    assert!(used(token, &store, NOW).await.is_ok());
}

#[test]
fn a_ticket_is_checked_as_its_token_was() {
    let grant = verify(&with("/origin", json!(PANEL))).unwrap().grant;
    let gate = gateway(&[issuer(&[&panel()])]);
    let checked = |origin| {
        let (session, grant) = (SessionId::from_bits(7), grant.clone());
        let envelope = Envelope { session, generation: 0, expires: NOW + 30, ends: NOW + 3600, grant };
        gate.accept_sealed(envelope, origin, &rules(), NOW).map(drop).map_err(|failure| failure.reason)
    };
    assert_eq!(checked(Some(PANEL)), Ok(()));
    assert_eq!(checked(Some(OWN)), Err(TokenBinding));
    assert_eq!(checked(Some("https://evil.example")), Err(OriginRefused));
    assert_eq!(checked(None), Err(OriginMissing));
}
