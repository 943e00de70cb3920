//! The form of tokens: compact, short, unique keys, every bit of it signed.

use super::pairs::PAIRS;
use super::*;
use crate::token::MAX_TOKEN_BYTES;
use Reason::{TokenMalformed, TokenSignature, TokenType};
use proptest::prelude::*;

fn gate() -> Verifier {
    gateway(&[issuer(&[&panel()])])
}

fn malformed(token: &str) {
    assert_eq!(reason(gate().verify(token, NOW)), TokenMalformed, "{:?}", token.chars().take(80).collect::<String>());
}

#[test]
fn t02_empty_blank_and_only_dots() {
    for token in ["", " ", "\t\n", ".", "..", "...", "....", " . . ", "a", "a.b", "undefined", "null", "Bearer x.y.z"] {
        malformed(token);
    }
}

#[test]
fn t07_no_signature_and_cut_signatures() {
    for signer in PAIRS.iter() {
        let gate = gateway(&[issuer(&[signer])]);
        let token = signer.token(&good());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for cut in [&[][..], &bytes[..bytes.len() - 1], &bytes[1..], &bytes[..1], &[&bytes[..], &[0]].concat()] {
            let token = format!("{signed}.{}", base64(cut));
            assert_eq!(reason(gate.verify(&token, NOW)), TokenSignature, "{:?}", signer.algorithm);
        }
    }
}

#[test]
fn t07_every_flipped_bit_is_refused_with_one_face() {
    for signer in PAIRS.iter() {
        let gate = gateway(&[issuer(&[signer])]);
        let token = signer.token(&good());
        assert!(gate.verify(&token, NOW).is_ok());
        for bit in 0..token.len() * 8 {
            let mut bytes = token.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            let reason = reason(gate.verify(&flipped, NOW));
            assert_eq!(reason.public(), TokenSignature.public(), "{:?} bit {bit}: {reason}", signer.algorithm);
        }
    }
}

#[test]
fn t07_every_flipped_bit_of_the_decoded_parts_is_refused() {
    let token = panel().token(&good());
    let parts: Vec<Vec<u8>> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    for part in 0..3 {
        for bit in 0..parts[part].len() * 8 {
            let mut flipped = parts.clone();
            flipped[part][bit / 8] ^= 1 << (bit % 8);
            let text = flipped.iter().map(base64).collect::<Vec<_>>().join(".");
            let reason = reason(gate().verify(&text, NOW));
            assert_eq!(reason.public(), TokenSignature.public(), "part {part} bit {bit}: {reason}");
            assert!(part != 2 || reason == TokenSignature, "part {part} bit {bit}: {reason}");
        }
    }
}

#[test]
fn t12_only_the_compact_form_of_a_signed_token() {
    let token = panel().token(&good());
    let [header, payload, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    malformed(&json!({"protected": header, "payload": payload, "signature": signature}).to_string());
    malformed(&format!("{header}.{payload}"));
    malformed(&format!("{token}."));
    malformed(&format!("{token}.{signature}"));
    malformed(&format!("{header}.{payload}.{signature}.{payload}.{signature}"));
    malformed(&format!(".{payload}.{signature}"));
    malformed(&format!("{header}..{signature}"));
    malformed(&panel().sign(&panel().header(), &token));
    malformed(&panel().sign(&panel().header(), format!("\"{token}\"")));
    malformed(&panel().sign("[]", good().to_string()));
}

#[test]
fn t19_tokens_made_for_another_purpose() {
    for typ in [
        Value::Null,
        json!("at+jwt"),
        json!("JWT+sso"),
        json!("JOSE"),
        json!(""),
        json!("JWT "),
        json!(1),
        json!(["JWT"]),
    ] {
        let header = json!({"alg": "HS256", "kid": "2026-11", "typ": typ}).to_string();
        assert_eq!(reason(gate().verify(&panel().sign(&header, good().to_string()), NOW)), TokenType, "{typ}");
    }
    let without = r#"{"alg":"HS256","kid":"2026-11"}"#;
    assert_eq!(reason(gate().verify(&panel().sign(without, good().to_string()), NOW)), TokenType);
    let lower = r#"{"alg":"HS256","kid":"2026-11","typ":"jwt"}"#;
    assert!(gate().verify(&panel().sign(lower, good().to_string()), NOW).is_ok());
}

#[test]
fn t24_a_key_that_comes_twice_is_refused() {
    let good = good().to_string();
    for (from, to) in [
        (r#""vmid":100"#, r#""vmid":100,"vmid":200"#),
        (r#""vmid":100"#, r#""vmid":100,"vm\u0069d":200"#),
        (r#""aud""#, r#""aud":"consolegate","aud""#),
        (r#""iss""#, r#""iss":"panel","iss""#),
        (r#""iat""#, r#""other":{"a":[{"b":1,"b":1}]},"iat""#),
    ] {
        let payload = good.replacen(from, to, 1);
        assert_ne!(payload, good);
        malformed(&panel().sign(&panel().header(), payload));
    }
    malformed(&panel().sign(r#"{"alg":"HS256","alg":"HS256","kid":"2026-11","typ":"JWT"}"#, &good));
    malformed(&panel().sign(r#"{"alg":"HS256","kid":"2026-11","kid":"2026-11","typ":"JWT"}"#, &good));
}

/// A good token of exactly this length. Base64 skips every fourth length, so header and payload are both padded.
fn of_length(bytes: usize) -> String {
    let token = |header: usize, payload: usize| {
        let header = json!({"alg": "HS256", "kid": "2026-11", "typ": "JWT", "pad": "x".repeat(header)});
        panel().sign(&header.to_string(), with("/pad", json!("x".repeat(payload))).to_string())
    };
    let room = (bytes - token(0, 0).len()) * 3 / 4 - 8;
    let fitting = (0..64).map(|n| token(n % 4, room + n / 4)).find(|token| token.len() == bytes);
    fitting.unwrap()
}

#[test]
fn t28_sizes_are_bounded_before_anything_is_decoded() {
    assert!(gate().verify(&of_length(MAX_TOKEN_BYTES), NOW).is_ok());
    malformed(&of_length(MAX_TOKEN_BYTES + 1));
    malformed(&"a".repeat(1 << 20));
    malformed(&".".repeat(1 << 20));
}

#[test]
fn t28_depth_is_bounded() {
    for depth in [9, 100, 1000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        malformed(&panel().sign(&panel().header(), with_text("/pad", &nested)));
        malformed(&panel().sign(&format!("{{\"alg\":{nested}}}"), good().to_string()));
    }
    malformed(&format!("{}.{}.", base64("[".repeat(1500)), base64("{\"a\":".repeat(300))));
}

#[test]
fn t28_text_that_is_not_clean_is_refused() {
    let token = panel().token(&good());
    malformed(&panel().sign(&panel().header(), b"{\"iss\":\"panel\",\"sub\":\"\xff\xfe\"}"));
    malformed(&panel().sign(&panel().header(), with_text("/sub", "\"\\ud800\"")));
    malformed(&panel().sign(&panel().header(), format!("{} ,", good())));
    malformed(&panel().sign(&panel().header(), format!("\u{feff}{}", good())));
    malformed(&format!("{token}="));
    malformed(&format!("{token} "));
    malformed(&format!(" {token}"));
    malformed(&token.replacen('.', " .", 1));
    malformed(&token.replacen('.', ".\n", 1));
    malformed(&format!("{}%", &token[..token.len() - 1]));
    // The signature in the standard alphabet, which differs where it has - or _.
    let odd = (0..200).map(|n| panel().token(&with("/jti", json!(format!("0123456789abcdef{n}")))));
    let odd = odd.into_iter().find(|token| token.rsplit_once('.').unwrap().1.contains(['-', '_'])).unwrap();
    let (signed, signature) = odd.rsplit_once('.').unwrap();
    malformed(&format!("{signed}.{}", signature.replace('-', "+").replace('_', "/")));
}

#[test]
fn blanks_inside_the_json_change_nothing() {
    let payload = serde_json::to_string_pretty(&good()).unwrap();
    assert!(gate().verify(&panel().sign(&panel().header(), format!(" \n{payload}\t")), NOW).is_ok());
}

proptest! {
    #[test]
    fn strangers_texts_are_refused_and_nothing_panics(token in "[A-Za-z0-9_.=+/-]{0,200}|\\PC{0,60}") {
        prop_assert_eq!(reason(gate().verify(&token, NOW)).public(), TokenSignature.public());
    }

    #[test]
    fn strangers_payloads_with_a_good_signature_never_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(gate().verify(&panel().sign(&panel().header(), payload), NOW).is_err());
    }
}
