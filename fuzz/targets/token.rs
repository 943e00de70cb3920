//! Connect tokens: any text, and any payload that a panel has signed.

use consolegate::config::Config;
use consolegate::token::{KeySets, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::OnceLock;

const NOW: u64 = 1_790_000_000;
const SECRET: &[u8] = b"a-signing-secret-of-the-panel-that-is-long-enough";

/// A stranger's text is refused; what a panel signs is judged. Neither panics.
pub fn token(data: &[u8]) {
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    let verifier = VERIFIER.get_or_init(verifier);
    match data.split_first() {
        Some((0, text)) => {
            let text = String::from_utf8_lossy(text);
            assert!(verifier.verify(&text, NOW).is_err(), "nobody has signed it");
        }
        Some((_, payload)) => {
            let signed = signed(br#"{"alg":"HS256","typ":"JWT","kid":"2026-11"}"#, payload);
            // Good or bad: a panel may sign what it likes.
            let _judged = verifier.verify(&signed, NOW);
        }
        None => {}
    }
}

fn signed(header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", base64url(header), base64url(payload));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(SECRET), Algorithm::HS256);
    format!("{message}.{}", signature.expect("a key"))
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn verifier() -> Verifier {
    // Somebody else in this process may have been first.
    let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in [("panel.key", SECRET), ("pve.secret", b"11111111-2222-3333-4444-555555555555")] {
        let mut options = std::fs::OpenOptions::new();
        let path = folder.path().join(name);
        let mut file = options.write(true).create(true).mode(0o600).open(path).expect("a file");
        file.write_all(content).expect("room");
    }
    let text = format!(
        r#"
public_url = "https://console.example.com"
[[issuer]]
name = "panel"
audience = "consolegate"
origins = ["https://panel.example.com"]
clusters = ["eu1"]
[[issuer.key]]
id = "2026-11"
algorithm = "HS256"
secret_file = "panel.key"
[[cluster]]
name = "eu1"
credential = {{ token_id = "gate@pve!console", secret_file = "pve.secret" }}
[[cluster.node]]
name = "pve1"
address = "127.0.0.1:8006"
fingerprint = "{}"
"#,
        ["AB"; 32].join(":")
    );
    let config = Config::parse(&text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
    Verifier::new(&config.issuers, &config.clusters, &config.public_url, None, &KeySets::default())
        .expect("a good configuration")
}

const CLAIMS: &str = r#"{"iss":"panel","aud":"consolegate","sub":"customer-42","iat":1790000000,"exp":1790000060,
"jti":"0b7d1a6e-77a1-4b0c-9d2e-2f3a4b5c6d7e","console":{"cluster":"eu1","kind":"qemu","vmid":100,"protocol":"vnc",
"rights":["input","clipboard","resize","power"]}}"#;

pub fn seeds() -> Vec<Vec<u8>> {
    let good = verifier().verify(&signed(br#"{"alg":"HS256","typ":"JWT","kid":"2026-11"}"#, CLAIMS.as_bytes()), NOW);
    assert!(good.is_ok(), "the seed reaches the end: {good:?}");
    let twice = CLAIMS.replacen("{\"iss\"", "{\"iss\":\"panel\",\"iss\"", 1);
    let deep = "[".repeat(200) + &"]".repeat(200);
    let strangers = ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &signed(br#"{"alg":"none"}"#, b"{}")].map(str::to_owned);
    let signed = [CLAIMS.to_owned(), twice, deep, "{\"iss\":\"panel\"}".to_owned(), String::new()];
    let first = |first: u8, text: &str| [&[first][..], text.as_bytes()].concat();
    strangers.iter().map(|text| first(0, text)).chain(signed.iter().map(|text| first(1, text))).collect()
}
