//! A token's three parts and its header, read before any key is touched.
//!
//! Owns the compact form (RFC 7515 section 3.1) and the header's rules: `typ` is JWT, `alg` one of ours, `kid` a short
//! plain text, and nothing that carries a key or changes the meaning. Decides nothing about claims.

use super::json::{self, Json, Object};
use super::{MAX_TOKEN_BYTES, shown};
use crate::reason::{Failure, Reason};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use std::str::FromStr;

/// Header parameters that bring a key, name one, or change what the other parts mean. Refusing is safer than ignoring.
const REFUSED: [&str; 16] =
    ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc", "epk", "apu", "apv", "p2s", "p2c", "url", "nonce"];

/// A token taken apart; nothing in it is believed yet.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// `alg`.
    pub(super) algorithm: Algorithm,
    /// `kid`.
    pub(super) key_id: String,
    /// The payload.
    pub(super) payload: Object,
    /// What was signed: header and payload as they came.
    pub(super) signed: &'a str,
    /// base64url.
    pub(super) signature: &'a str,
}

/// Takes a token apart.
pub(super) fn take_apart(token: &str) -> Result<Parts<'_>, Failure> {
    if token.len() > MAX_TOKEN_BYTES {
        return malformed(format!("{} bytes; at most {MAX_TOKEN_BYTES} are read", token.len()));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(not_compact)?;
    let (header, payload) = signed.split_once('.').ok_or_else(not_compact)?;
    if header.is_empty() || payload.is_empty() || payload.contains('.') {
        return Err(not_compact());
    }
    decode(signature, "signature")?;
    let header = part(header, "header")?;
    let payload = part(payload, "payload")?;
    let (algorithm, key_id) = read_header(&header)?;
    Ok(Parts { algorithm, key_id, payload, signed, signature })
}

fn part(text: &str, name: &str) -> Result<Object, Failure> {
    json::object(&decode(text, name)?).or_else(|error| malformed(format!("the {name} is {error}")))
}

fn decode(text: &str, name: &str) -> Result<Vec<u8>, Failure> {
    URL_SAFE_NO_PAD.decode(text).or_else(|_| malformed(format!("the {name} is not base64url without padding")))
}

fn read_header(header: &Object) -> Result<(Algorithm, String), Failure> {
    if let Some(name) = REFUSED.iter().find(|name| header.contains_key(**name)) {
        return Err(Failure::new(Reason::TokenHeader, format!("the header has {name}, which is never accepted")));
    }
    let typ = header.get("typ").and_then(Json::text);
    if !typ.is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")) {
        let cause = format!("typ is {}, not JWT", typ.map_or_else(|| "missing".to_owned(), shown));
        return Err(Failure::new(Reason::TokenType, cause));
    }
    let named = header.get("alg").and_then(Json::text);
    let Some(algorithm) = named.and_then(|name| Algorithm::from_str(name).ok()) else {
        let cause = format!("alg is {}", named.map_or_else(|| "missing or not a text".to_owned(), shown));
        return Err(Failure::new(Reason::TokenAlgorithm, cause));
    };
    match header.get("kid").and_then(Json::text) {
        Some(key_id)
            if (1..=128).contains(&key_id.len()) && key_id.chars().all(|c| c == ' ' || c.is_ascii_graphic()) =>
        {
            Ok((algorithm, key_id.to_owned()))
        }
        Some(other) => {
            Err(Failure::new(Reason::TokenKeyId, format!("kid is not a short plain text: {}", shown(other))))
        }
        None => Err(Failure::new(Reason::TokenKeyId, "kid is missing or not a text; the panel must name its key")),
    }
}

fn not_compact() -> Failure {
    Failure::new(Reason::TokenMalformed, "not three base64url parts with dots between them")
}

fn malformed<T>(cause: String) -> Result<T, Failure> {
    Err(Failure::new(Reason::TokenMalformed, cause))
}
