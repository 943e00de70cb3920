//! A connect token: everything but its single use.

use consolegate::config::Config;
use consolegate::token::{KeySets, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// When all tokens here are new.
pub const NOW: u64 = 1_790_000_000;

/// One token of a panel that signs with Ed25519, as the documentation advises.
pub fn verify() -> Box<dyn FnMut()> {
    let panel = Panel::new();
    let token = panel.token(100, "0b7d1a6e-77a1-4b0c-9d2e-2f3a4b5c6d7e");
    Box::new(move || {
        black_box(panel.verifier.verify(black_box(&token), NOW)).unwrap();
    })
}

/// A panel, and who believes it.
pub struct Panel {
    key: EncodingKey,
    pub config: Config,
    pub verifier: Verifier,
}

impl Panel {
    pub fn new() -> Self {
        // Somebody else in this process may have been first.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let config = config(&pair.public_key_pem());
        let verifier =
            Verifier::new(&config.issuers, &config.clusters, &config.public_url, None, &KeySets::default()).unwrap();
        Self { key: EncodingKey::from_ed_der(pair.serialized_der()), config, verifier }
    }

    /// A token for the screen of a guest.
    pub fn token(&self, vmid: u32, jti: &str) -> String {
        let claims = json!({
            "iss": "panel", "aud": "consolegate", "sub": "customer-42", "iat": NOW, "exp": NOW + 60, "jti": jti,
            "console": {
                "cluster": "eu1", "kind": "qemu", "vmid": vmid, "protocol": "vnc",
                "rights": ["input", "clipboard", "resize", "power"],
            },
        });
        let header = Header { kid: Some("2026-11".into()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &self.key).unwrap()
    }
}

fn config(public_key: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("panel.pem"), public_key);
    write(&folder.path().join("pve.secret"), "11111111-2222-3333-4444-555555555555");
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
algorithm = "EdDSA"
public_key_file = "panel.pem"
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
    Config::parse(&text, folder.path()).unwrap()
}

fn write(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
