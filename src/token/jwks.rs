//! JSON Web Key Sets (RFC 7517): text in, verifying keys out.
//!
//! Owns which keys of a set are taken: those for signatures, of our algorithms, with a `kid`. A set with a symmetric or a
//! private key is refused whole, because then what panels publish holds a secret, and so is one with `alg` none, which no
//! panel means. No I/O.

use super::keys::VerifyKey;
use super::shown;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::str::FromStr;

/// The keys of a set by `kid`.
pub(super) type KeySet = HashMap<String, VerifyKey>;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// The secret half of every kind of key (RFC 7518 section 6, RFC 8037 section 2).
    d: Option<IgnoredAny>,
}

/// Reads a set. Keys for encryption, of other types and without `kid` are passed over.
pub(super) fn read(text: &[u8]) -> Result<KeySet, String> {
    let set: Set = serde_json::from_slice(text).map_err(|error| format!("not a JWKS: {error}"))?;
    let mut keys = KeySet::new();
    for jwk in &set.keys {
        if jwk.kty == "oct" {
            return Err("the set holds a symmetric key (kty oct), which would be public with it".to_owned());
        }
        if jwk.d.is_some() {
            let kid = jwk.kid.as_deref().unwrap_or("without a kid");
            let what = "is a private key (d), which must never leave the panel; it is lost, make a new one";
            return Err(format!("key {} {what}", shown(kid)));
        }
        if jwk.alg.as_deref().is_some_and(|alg| alg.eq_ignore_ascii_case("none")) {
            return Err("the set holds a key with alg none, which would verify anything".to_owned());
        }
        let Some(kid) = jwk.kid.clone().filter(|_| jwk.purpose.as_deref().unwrap_or("sig") == "sig") else { continue };
        let Some(key) = jwk.verify_key().map_err(|error| format!("key {}: {error}", shown(&kid)))? else { continue };
        if keys.insert(kid.clone(), key).is_some() {
            return Err(format!("kid {} comes twice", shown(&kid)));
        }
    }
    if keys.is_empty() { Err("the set holds no key for signatures with a kid".to_owned()) } else { Ok(keys) }
}

impl Jwk {
    fn verify_key(&self) -> Result<Option<VerifyKey>, String> {
        let Some(algorithm) = self.algorithm()? else { return Ok(None) };
        let part = |name: &str, part: &Option<String>| part.clone().ok_or_else(|| format!("{name} is missing"));
        let key = match self.kty.as_str() {
            "RSA" => DecodingKey::from_rsa_components(&part("n", &self.n)?, &part("e", &self.e)?),
            "EC" => DecodingKey::from_ec_components(&part("x", &self.x)?, &part("y", &self.y)?),
            _ => DecodingKey::from_ed_components(&part("x", &self.x)?),
        };
        VerifyKey::public(algorithm, key.map_err(|error| format!("does not parse: {error}"))?).map(Some)
    }

    /// The key's one algorithm: what its curve says, or `alg`; an RSA key without `alg` is RS256, as panels mean it.
    /// None where it is not ours to use.
    fn algorithm(&self) -> Result<Option<Algorithm>, String> {
        let by_curve = match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => Some(Algorithm::ES256),
            ("EC", Some("P-384")) => Some(Algorithm::ES384),
            ("OKP", Some("Ed25519")) => Some(Algorithm::EdDSA),
            ("RSA", _) => None,
            _ => return Ok(None),
        };
        let Some(named) = self.alg.as_deref() else { return Ok(by_curve.or(Some(Algorithm::RS256))) };
        let Ok(algorithm) = Algorithm::from_str(named) else { return Ok(None) };
        match by_curve {
            Some(by_curve) if by_curve != algorithm => {
                Err(format!("alg is {algorithm:?}, the curve is for {by_curve:?}"))
            }
            _ => Ok(Some(algorithm)),
        }
    }
}
