//! Single use: tokens against the store.

use super::*;
use crate::store::Store;
use std::sync::Arc;

fn verified(verifier: &Verifier, jti: &str) -> Verified {
    verifier.verify(&panel().token(&with("/jti", json!(jti))), NOW).unwrap()
}

#[tokio::test]
async fn t20_a_token_opens_once() {
    let (gate, store) = (gateway(&[issuer(&[&panel()])]), Store::memory(10));
    assert!(used(verified(&gate, "0123456789abcdef"), &store, NOW).await.is_ok());
    let again = used(verified(&gate, "0123456789abcdef"), &store, NOW + 1).await;
    assert_eq!(again.unwrap_err().reason, Reason::TokenReplay);
    assert!(used(verified(&gate, "another-0123456789"), &store, NOW).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t20_of_a_hundred_at_once_one_wins() {
    let (gate, store) = (Arc::new(gateway(&[issuer(&[&panel()])])), Arc::new(Store::memory(1000)));
    let start = Arc::new(tokio::sync::Barrier::new(100));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (gate, store, start) = (Arc::clone(&gate), Arc::clone(&store), Arc::clone(&start));
        tasks.spawn(async move {
            let verified = verified(&gate, "0123456789abcdef");
            start.wait().await;
            used(verified, &store, NOW).await.map(drop).map_err(|failure| failure.reason)
        });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Err(Reason::TokenReplay)).count(), 99);
}

#[tokio::test]
async fn t20_the_same_jti_of_two_issuers_is_two_tokens() {
    let other = Signer::shared("other", Algorithm::HS256, &[8; 32]);
    let mut second = issuer(&[&other]);
    second.name = "panel2".into();
    let (gate, store) = (gateway(&[issuer(&[&panel()]), second]), Store::memory(10));
    assert!(used(gate.verify(&panel().token(&good()), NOW).unwrap(), &store, NOW).await.is_ok());
    let token = other.token(&with("/iss", json!("panel2")));
    assert!(used(gate.verify(&token, NOW).unwrap(), &store, NOW).await.is_ok());
}

#[test]
fn t21_tokens_older_than_the_memory_store_are_refused() {
    let gate = gateway(&[issuer(&[&panel()])]);
    let mut claims = with("/iat", json!(STARTED - 1));
    claims["exp"] = json!(STARTED + 100);
    assert_eq!(reason(gate.verify(&panel().token(&claims), STARTED + 1)), Reason::TokenBeforeBoot);
    claims["iat"] = json!(STARTED);
    assert!(gate.verify(&panel().token(&claims), STARTED + 1).is_ok());
}

#[test]
fn t21_a_store_that_outlives_the_process_takes_older_tokens() {
    let clusters = [cluster("eu1", &["pve1"])];
    let gate = Verifier::new(&[issuer(&[&panel()])], &clusters, &origin(OWN), None, &KeySets::default()).unwrap();
    assert!(gate.verify(&panel().token(&good()), NOW).is_ok());
}

#[tokio::test]
async fn t22_two_gateways_with_one_store_let_a_token_in_once() {
    let store = Store::memory(10);
    let (one, two) = (gateway(&[issuer(&[&panel()])]), gateway(&[issuer(&[&panel()])]));
    assert!(used(verified(&one, "0123456789abcdef"), &store, NOW).await.is_ok());
    let failure = used(verified(&two, "0123456789abcdef"), &store, NOW).await.unwrap_err();
    assert_eq!(failure.reason, Reason::TokenReplay);
}

#[tokio::test]
async fn t20_a_used_token_stays_used_to_its_last_acceptable_second() {
    let (gate, store) = (gateway(&[issuer(&[&panel()])]), Store::memory(10));
    assert!(used(verified(&gate, "0123456789abcdef"), &store, NOW).await.is_ok());
    let last = NOW + 60 + 4;
    let verified = gate.verify(&panel().token(&good()), last).unwrap();
    assert_eq!(used(verified, &store, last).await.unwrap_err().reason, Reason::TokenReplay);
}

#[tokio::test]
async fn t33_a_spent_token_gives_a_pass_that_names_it_and_a_fresh_one_is_needed() {
    let (gate, store) = (gateway(&[issuer(&[&panel()])]), Store::memory(10));
    let token = verified(&gate, "0123456789abcdef");
    let name = token.grant.jti_hash().to_owned();
    let pass = used(token, &store, NOW).await.unwrap();
    assert_eq!(pass.grant().jti_hash(), name);
    // The first 16 digits of SHA-256 of the jti, as anyone can compute them.
    assert_eq!(name, "9f9f5111f7b27a78");
    assert!(used(verified(&gate, "0123456789abcdef"), &store, NOW).await.is_err());
    assert!(used(verified(&gate, "fresh-0123456789"), &store, NOW).await.is_ok());
}

#[test]
fn t22_a_name_is_the_same_on_every_machine() {
    // SHA-256 of each part behind its length in eight bytes.
    let known = "bce5f5df17119ee74d0cbe70fca24d6708379b2ed8db0821f5eb83c25994c129";
    assert_eq!(super::super::fingerprint(&[b"panel", b"id"]), known);
}
