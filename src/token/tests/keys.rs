//! Keys and algorithms: each algorithm once as it should be, then every confusion between them.

use super::pairs::{PAIRS, pair};
use super::*;
use Reason::{TokenAlgorithm, TokenHeader, TokenIssuer, TokenIssuerKey, TokenKeyId, TokenSignature};

fn header(alg: &Value, kid: &Value) -> String {
    json!({"alg": alg, "kid": kid, "typ": "JWT"}).to_string()
}

#[test]
fn every_algorithm_of_the_design_verifies() {
    let signers: Vec<&Signer> = PAIRS.iter().collect();
    assert_eq!(signers.len(), 12);
    let gate = gateway(&[issuer(&signers)]);
    for signer in signers {
        assert!(gate.verify(&signer.token(&good()), NOW).is_ok(), "{:?}", signer.algorithm);
    }
}

#[test]
fn t04_no_algorithm_and_unknown_ones_are_refused() {
    let gate = gateway(&[issuer(&[&panel()])]);
    for alg in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS1", "ES512", "ES256K", "RSA-OAEP", "dir"]
        .map(|alg| json!(alg))
    {
        let signed = panel().sign(&header(&alg, &json!("2026-11")), good().to_string());
        assert_eq!(reason(gate.verify(&signed, NOW)), TokenAlgorithm, "{alg}");
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        assert_eq!(reason(gate.verify(&format!("{unsigned}."), NOW)), TokenAlgorithm, "{alg} without signature");
    }
    for header in [
        r#"{"kid":"2026-11","typ":"JWT"}"#,
        r#"{"alg":256,"kid":"2026-11","typ":"JWT"}"#,
        r#"{"alg":null,"kid":"2026-11","typ":"JWT"}"#,
        r#"{"alg":["HS256"],"kid":"2026-11","typ":"JWT"}"#,
    ] {
        assert_eq!(reason(gate.verify(&panel().sign(header, good().to_string()), NOW)), TokenAlgorithm, "{header}");
    }
}

#[test]
fn t05_a_public_key_is_never_a_secret() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS512] {
        let key = pair(algorithm);
        let gate = gateway(&[issuer(&[key])]);
        let KeyMaterial::PublicPem(pem) = &key.material else { panic!("{algorithm:?} has a public key") };
        let text = String::from_utf8(pem.clone()).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(&body).unwrap();
        let jwk = json!({"kty": "RSA", "n": base64(&der), "e": "AQAB"}).to_string();
        for secret in [pem.as_slice(), text.trim_end().as_bytes(), &der, body.as_bytes(), jwk.as_bytes()] {
            for hmac in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let attacker = Signer::shared(&key.kid, hmac, secret);
                assert_eq!(reason(gate.verify(&attacker.token(&good()), NOW)), TokenAlgorithm, "{algorithm:?}");
                // The same signature under the key's own algorithm.
                let relabelled = attacker.sign(&key.header(), good().to_string());
                assert_eq!(reason(gate.verify(&relabelled, NOW)), TokenSignature, "{algorithm:?}");
            }
        }
    }
}

#[test]
fn t06_a_key_verifies_one_algorithm_only() {
    let gate = gateway(&[issuer(&PAIRS.iter().collect::<Vec<_>>())]);
    for key in PAIRS.iter() {
        for other in PAIRS.iter().filter(|other| other.algorithm != key.algorithm) {
            let named = json!({"alg": format!("{:?}", other.algorithm), "kid": key.kid, "typ": "JWT"}).to_string();
            let token = other.sign(&named, good().to_string());
            assert_eq!(reason(gate.verify(&token, NOW)), TokenAlgorithm, "{:?} {:?}", key.algorithm, other.algorithm);
            let lying = other.sign(&key.header(), good().to_string());
            assert_eq!(reason(gate.verify(&lying, NOW)), TokenSignature, "{:?} {:?}", key.algorithm, other.algorithm);
        }
    }
}

/// The orders of P-256 and P-384.
const N256: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const N384: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn t08_psychic_signatures_are_refused() {
    for (algorithm, order) in [(Algorithm::ES256, N256), (Algorithm::ES384, N384)] {
        let (key, order) = (pair(algorithm), hex(order));
        let gate = gateway(&[issuer(&[key])]);
        let token = key.token(&good());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let real = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let (r, s) = real.split_at(order.len());
        let zero = vec![0; order.len()];
        let mut one = zero.clone();
        *one.last_mut().unwrap() = 1;
        let most = vec![0xff; order.len()];
        let pairs: [(&[u8], &[u8]); 11] = [
            (&zero, &zero),
            (r, &zero),
            (&zero, s),
            (&one, &one),
            (&order, &order),
            (r, &order),
            (&order, s),
            (&most, &most),
            (&one, &zero),
            (s, r),
            (r, &one),
        ];
        for (r, s) in pairs {
            let forged = format!("{signed}.{}", base64([r, s].concat()));
            assert_eq!(reason(gate.verify(&forged, NOW)), TokenSignature, "{r:02x?} {s:02x?}");
        }
        for bytes in [der(r, s), der(&zero, &zero), vec![0; 2 * order.len() - 1], [&real[..], &[0]].concat(), vec![0]] {
            assert_eq!(reason(gate.verify(&format!("{signed}.{}", base64(bytes)), NOW)), TokenSignature);
        }
        assert!(gate.verify(&token, NOW).is_ok());
    }
}

/// The form OpenSSL writes, which JOSE does not use.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, u8::try_from(bytes.len() + 1).unwrap(), 0], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

#[test]
fn t09_key_names_are_only_compared() {
    let gate = gateway(&[issuer(&[&panel()])]);
    let long = "k".repeat(2000);
    for kid in [
        "../../etc/passwd",
        "' OR 1=1 --",
        "a\n{\"level\":\"info\"}",
        "\u{1b}[31mred",
        "",
        "2026-11 ",
        "2026-11\0",
        "2026-1１",
        &long,
    ] {
        let token = panel().sign(&header(&json!("HS256"), &json!(kid)), good().to_string());
        // `reason` also checks that the cause is short and has no control character.
        assert_eq!(reason(gate.verify(&token, NOW)), TokenKeyId, "{kid:?}");
    }
    let token = panel().sign(&header(&json!("HS256"), &json!("1")), good().to_string());
    let refused = gate.verify(&token, NOW).unwrap_err().failure.cause;
    assert!(refused.ends_with("has no key \"1\"; configured: \"2026-11\""), "{refused}");
    for kid in [Value::Null, json!(2026), json!(["2026-11"])] {
        assert_eq!(
            reason(gate.verify(&panel().sign(&header(&json!("HS256"), &kid), good().to_string()), NOW)),
            TokenKeyId
        );
    }
}

#[test]
fn t10_t11_headers_that_bring_keys_or_change_the_meaning_are_refused() {
    let gate = gateway(&[issuer(&[&panel()])]);
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/chain")),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
    ] {
        let mut header: Value = serde_json::from_str(&panel().header()).unwrap();
        header[name] = value;
        assert_eq!(
            reason(gate.verify(&panel().sign(&header.to_string(), good().to_string()), NOW)),
            TokenHeader,
            "{name}"
        );
    }
}

#[test]
fn t18_issuers_are_known_and_sign_with_their_own_keys() {
    let second_key = Signer::shared("second", Algorithm::HS256, &[8; 32]);
    let mut second = issuer(&[&second_key]);
    second.name = "panel2".into();
    let gate = gateway(&[issuer(&[&panel()]), second]);
    for iss in [Value::Null, json!("nobody"), json!("Panel"), json!(""), json!(["panel"]), json!(1)] {
        assert_eq!(reason(gate.verify(&panel().token(&with("/iss", iss.clone())), NOW)), TokenIssuer, "{iss}");
    }
    assert_eq!(reason(gate.verify(&panel().token(&with("/iss", json!("panel2"))), NOW)), TokenIssuerKey);
    assert_eq!(reason(gate.verify(&second_key.token(&good()), NOW)), TokenIssuerKey);
    assert!(gate.verify(&second_key.token(&with("/iss", json!("panel2"))), NOW).is_ok());
}

#[test]
fn t18_the_same_kid_of_two_issuers_is_two_keys() {
    let second_key = Signer::shared(&panel().kid, Algorithm::HS256, &[8; 32]);
    let mut second = issuer(&[&second_key]);
    second.name = "panel2".into();
    let gate = gateway(&[issuer(&[&panel()]), second]);
    assert_eq!(reason(gate.verify(&panel().token(&with("/iss", json!("panel2"))), NOW)), TokenSignature);
    assert!(gate.verify(&second_key.token(&with("/iss", json!("panel2"))), NOW).is_ok());
}

#[test]
fn every_refusal_before_the_signature_has_one_face() {
    let gate = gateway(&[issuer(&[&panel()])]);
    let wrong_key = Signer::shared("2026-11", Algorithm::HS256, &[1; 32]);
    let face = TokenSignature.public();
    // Claims that would be told about, had the panel signed them.
    for claims in [
        good(),
        with("/exp", json!(1)),
        with("/aud", json!("x")),
        with("/console/vmid", json!(1)),
        with("/password", json!("x")),
        with("/iss", json!("x")),
    ] {
        assert_eq!(reason(gate.verify(&wrong_key.token(&claims), NOW)).public(), face, "{claims}");
    }
    assert_ne!(refused(&with("/exp", json!(1))).public(), face);
}
