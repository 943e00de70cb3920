//! Keys from `jwks_file` and from the configuration: what is taken, what is refused, when the file is read again.

use super::pairs::pair;
use super::*;
use crate::token::jwks;
use crate::token::jwks_file::Gate;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The public key of a signer as a JWK.
pub(super) fn jwk(signer: &Signer, kid: &str) -> Value {
    let KeyMaterial::PublicPem(pem) = &signer.material else { panic!("a public key") };
    let body: String = std::str::from_utf8(pem).unwrap().lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let alg = format!("{:?}", signer.algorithm);
    // The public point is the end of a SubjectPublicKeyInfo.
    let end = |bytes: usize| &der[der.len() - bytes..];
    match alg.as_str() {
        "ES256" => {
            json!({"kty": "EC", "crv": "P-256", "kid": kid, "alg": alg, "x": base64(&end(64)[..32]), "y": base64(&end(64)[32..])})
        }
        "ES384" => {
            json!({"kty": "EC", "crv": "P-384", "kid": kid, "x": base64(&end(96)[..48]), "y": base64(&end(96)[48..])})
        }
        "EdDSA" => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": alg, "use": "sig", "x": base64(end(32))}),
        // The modulus of a 2048-bit key, before the exponent 65537 (02 03 01 00 01).
        _ => json!({"kty": "RSA", "kid": kid, "alg": alg, "n": base64(&end(261)[..256]), "e": "AQAB"}),
    }
}

pub(super) fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

struct File {
    directory: tempfile::TempDir,
}

impl File {
    fn of(text: &str) -> Self {
        let file = Self { directory: tempfile::tempdir().unwrap() };
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("jwks.json")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn gateway(&self) -> Verifier {
        let mut rules = issuer(&[&panel()]);
        rules.jwks_file = Some(self.path());
        gateway(&[rules])
    }
}

pub(super) fn renamed(signer: &Signer, kid: &str) -> String {
    let header = json!({"alg": format!("{:?}", signer.algorithm), "kid": kid, "typ": "JWT"});
    signer.sign(&header.to_string(), good().to_string())
}

#[test]
fn keys_of_a_file_verify_beside_those_of_the_configuration() {
    let algorithms = [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::RS256, Algorithm::PS384];
    let keys: Vec<Value> =
        algorithms.iter().map(|algorithm| jwk(pair(*algorithm), &format!("{algorithm:?}"))).collect();
    let gate = File::of(&set(&keys)).gateway();
    for algorithm in algorithms {
        assert!(gate.verify(&pair(algorithm).token(&good()), NOW).is_ok(), "{algorithm:?}");
    }
    assert!(gate.verify(&panel().token(&good()), NOW).is_ok());
    // RS512 is the same RSA key, but its name is not in the file.
    assert_eq!(reason(gate.verify(&pair(Algorithm::RS512).token(&good()), NOW)), Reason::TokenKeyId);
}

#[test]
fn a_new_key_is_found_by_reading_the_file_again() {
    let (old, new) = (pair(Algorithm::ES256), pair(Algorithm::EdDSA));
    let file = File::of(&set(&[jwk(old, "a")]));
    let gate = file.gateway();
    assert_eq!(reason(gate.verify(&renamed(new, "b"), NOW)), Reason::TokenKeyId);
    file.write(&set(&[jwk(new, "b")]));
    assert_eq!(reason(gate.verify(&renamed(new, "b"), NOW + 9)), Reason::TokenKeyId, "not yet again");
    assert!(gate.verify(&renamed(new, "b"), NOW + 10).is_ok());
    assert_eq!(reason(gate.verify(&renamed(old, "a"), NOW + 11)), Reason::TokenKeyId, "the old key is gone");
}

#[test]
fn a_broken_file_keeps_the_last_good_keys() {
    let (old, new) = (pair(Algorithm::ES256), pair(Algorithm::EdDSA));
    let file = File::of(&set(&[jwk(old, "a")]));
    let gate = file.gateway();
    let huge = format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(300_000));
    for (again, text) in ["", "{", "{}", "{\"keys\":[]}", "[]", &huge].iter().enumerate() {
        file.write(text);
        let now = NOW + 10 * again as u64;
        let failure = gate.verify(&renamed(new, "b"), now.min(NOW + 50)).unwrap_err().failure;
        assert_eq!(failure.reason, Reason::TokenKeyId);
        assert!(failure.cause.contains("the last good keys stay"), "{failure}");
        assert!(gate.verify(&renamed(old, "a"), NOW).is_ok());
    }
}

#[test]
fn t29_ten_thousand_unknown_keys_read_the_file_once_in_ten_seconds() {
    let key = pair(Algorithm::ES256);
    let file = File::of(&set(&[jwk(key, "a")]));
    let gate = file.gateway();
    // A reading in this flood would lose the key and say so.
    file.write("broken");
    let (mut read, good_token) = (0, renamed(key, "a"));
    for n in 0..10_000_u64 {
        let failure = gate.verify(&renamed(&panel(), &format!("random-{n}")), NOW + n / 1000).unwrap_err().failure;
        assert_eq!(failure.reason, Reason::TokenKeyId);
        read += usize::from(failure.cause.contains("the last good keys stay"));
        assert!(n % 1000 != 0 || gate.verify(&good_token, NOW).is_ok());
    }
    assert_eq!(read, 1, "ten seconds of flood from NOW to NOW + 9");
    assert!(
        gate.verify(&renamed(&panel(), "random"), NOW + 10)
            .unwrap_err()
            .failure
            .cause
            .contains("the last good keys stay")
    );
}

#[test]
fn t29_two_at_once_never_read_the_file_twice() {
    let file = File::of(&set(&[jwk(pair(Algorithm::ES256), "a")]));
    let gate = file.gateway();
    file.write("broken");
    let (read, start) = (AtomicUsize::new(0), std::sync::Barrier::new(8));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (gate, read, start) = (&gate, &read, &start);
            scope.spawn(move || {
                let token = renamed(&panel(), &format!("random-{n}"));
                start.wait();
                let failure = gate.verify(&token, NOW).unwrap_err().failure;
                read.fetch_add(usize::from(failure.cause.contains("last good keys")), Ordering::Relaxed);
            });
        }
    });
    assert_eq!(read.into_inner(), 1);
}

#[test]
fn t29_the_gate_follows_the_clock_it_is_given() {
    let mut gate = Gate::default();
    let opened: Vec<bool> = [0, 1, 9, 10, 19, 20, 5, 10, 15].into_iter().map(|now| gate.opens(now)).collect();
    assert_eq!(opened, [true, false, false, true, false, true, true, false, true], "set back by 15 s it opens again");
}

#[test]
fn t18_a_key_that_only_another_issuer_has_is_told_apart_after_reading_again() {
    let (mine, new) = (pair(Algorithm::ES256), pair(Algorithm::EdDSA));
    let file = File::of(&set(&[jwk(mine, "a")]));
    let mut rules = issuer(&[]);
    (rules.name, rules.jwks_file) = ("panel2".into(), Some(file.path()));
    let gate = gateway(&[issuer(&[&panel()]), rules]);
    let claims = with("/iss", json!("panel2")).to_string();
    let header = json!({"alg": "EdDSA", "kid": panel().kid, "typ": "JWT"}).to_string();
    assert_eq!(reason(gate.verify(&new.sign(&header, &claims), NOW)), Reason::TokenIssuerKey);
    file.write(&set(&[jwk(new, &panel().kid)]));
    assert!(gate.verify(&new.sign(&header, &claims), NOW + 10).is_ok(), "its own new key of the same name");
}

#[test]
fn sets_with_secrets_or_contradictions_are_refused_whole() {
    let good = jwk(pair(Algorithm::ES256), "a");
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    let rsa = jwk(pair(Algorithm::RS256), "r");
    let mut short = rsa.clone();
    short["n"] = json!(base64([0xff; 128]));
    for (keys, cause) in [
        (vec![good.clone(), json!({"kty": "oct", "kid": "s", "k": base64([1; 32])})], "symmetric"),
        (vec![json!({"kty": "oct", "k": ""})], "symmetric"),
        (vec![good.clone(), good.clone()], "twice"),
        (vec![with("alg", json!("HS256"))], "curve"),
        (vec![with("alg", json!("ES384"))], "curve"),
        (vec![with("x", json!(base64([1; 32])))], "not one for"),
        (vec![with("x", json!("!"))], "parse"),
        (vec![with("crv", json!("P-384"))], "curve"),
        (vec![short], "not one for"),
        (vec![], "no key"),
        (vec![with("use", json!("enc"))], "no key"),
        (vec![json!({"kty": "EC", "crv": "P-521", "kid": "x", "x": "AA", "y": "AA"})], "no key"),
        (vec![json!({"kty": "new", "kid": "x"})], "no key"),
    ] {
        let error = jwks::read(set(&keys).as_bytes()).unwrap_err();
        assert!(error.contains(cause), "{cause}: {error}");
    }
    let mut hmac = rsa;
    hmac["alg"] = json!("HS256");
    assert!(jwks::read(set(&[hmac]).as_bytes()).is_err(), "an RSA key as a secret");
}

/// An RSA key of 1024 bits (RFC 8017 appendix A.1.1).
fn short_rsa_pem() -> Vec<u8> {
    let der = [&[0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00][..], &[0xff; 128], &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN RSA PUBLIC KEY-----\n{body}\n-----END RSA PUBLIC KEY-----\n").into_bytes()
}

#[test]
fn keys_of_the_configuration_must_fit_their_algorithm() {
    let built = |key: Key| {
        let mut rules = issuer(&[]);
        rules.keys = vec![key];
        Verifier::new(&[rules], &[cluster("eu1", &["pve1"])], &origin(OWN), None, &KeySets::default()).map(drop)
    };
    let material = |algorithm| pair(algorithm).material.clone();
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem().into_bytes();
    for (algorithm, material, cause) in [
        (Algorithm::HS256, KeyMaterial::Shared(Secret::new([1; 31])), "32 bytes"),
        (Algorithm::HS256, material(Algorithm::RS256), "needs a secret"),
        (Algorithm::RS256, KeyMaterial::Shared(Secret::new([1; 32])), "public key"),
        (Algorithm::RS256, material(Algorithm::ES256), "family Rsa"),
        (Algorithm::PS256, KeyMaterial::PublicPem(short_rsa_pem()), "2048 to 8192"),
        (Algorithm::ES256, material(Algorithm::ES384), "not one for"),
        (Algorithm::ES384, material(Algorithm::ES256), "not one for"),
        (Algorithm::EdDSA, material(Algorithm::ES256), "family Ed"),
        (Algorithm::ES256, material(Algorithm::RS256), "family Ec"),
        (Algorithm::ES256, KeyMaterial::PublicPem(private), "private key"),
        (Algorithm::ES256, KeyMaterial::PublicPem(b"hello".to_vec()), "BEGIN PUBLIC KEY"),
    ] {
        let error = built(Key { id: "the-kid".into(), algorithm, material }).unwrap_err();
        assert!(error.contains(cause) && error.contains("the-kid") && error.contains("panel"), "{cause}: {error}");
    }
}

#[test]
fn what_names_nothing_or_twice_is_refused_at_start() {
    let built = |issuers: &[Issuer]| {
        Verifier::new(issuers, &[cluster("eu1", &["pve1"])], &origin(OWN), None, &KeySets::default()).unwrap_err()
    };
    assert!(built(&[issuer(&[]), issuer(&[])]).contains("twice"));
    assert!(built(&[issuer(&[&panel(), &panel()])]).contains("twice"));
    let mut elsewhere = issuer(&[]);
    elsewhere.clusters = vec!["us1".parse().unwrap()];
    assert!(built(&[elsewhere]).contains("us1"));
    let mut missing = issuer(&[]);
    missing.jwks_file = Some("no-such-file.json".into());
    assert!(built(&[missing]).contains("no-such-file.json"));
}
