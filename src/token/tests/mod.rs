//! Connect tokens against every bad input of the list: the panel, its keys and the clock are made here.

mod claims;
mod door;
mod fetched;
mod form;
mod keys;
mod origins;
mod pairs;
mod rotation;
mod scope;
mod sealed;
mod seals;
mod used;

use super::{KeySets, Pass, Rejected, Verified, Verifier};
use crate::config::{self, Cluster, Credential, Issuer, Key, KeyMaterial, Node, Origin, Session, Trust};
use crate::id::{Kind, SessionId};
use crate::reason::{Failure, Reason};
use crate::secret::Secret;
use crate::store::Store;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use std::time::Duration;

/// The clock of these tests.
pub(super) const NOW: u64 = 1_795_300_000;
/// When the gateway of these tests started.
const STARTED: u64 = NOW - 1000;
pub(super) const OWN: &str = "https://console.example.com";
pub(super) const PANEL: &str = "https://panel.example.com";

/// Uses a token up for session 7.
pub(super) async fn used(verified: Verified, store: &Store, now: u64) -> Result<Pass, Failure> {
    verified.begin(store, SessionId::from_bits(7), &rules(), now).await
}

pub(super) fn rules() -> Session {
    Session { key: None, max: Duration::from_secs(3600), idle: None, resume: Duration::from_secs(120) }
}

/// One side of a key: signs as a panel does.
pub(super) struct Signer {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
    pub(super) material: KeyMaterial,
}

impl Signer {
    pub(super) fn shared(kid: &str, algorithm: Algorithm, secret: &[u8]) -> Self {
        let material = KeyMaterial::Shared(Secret::new(secret));
        Self { kid: kid.into(), algorithm, key: EncodingKey::from_secret(secret), material }
    }

    pub(super) fn public(kid: &str, algorithm: Algorithm, key: EncodingKey, pem: &str) -> Self {
        Self { kid: kid.into(), algorithm, key, material: KeyMaterial::PublicPem(pem.into()) }
    }

    /// The key as the configuration has it.
    pub(super) fn key(&self) -> Key {
        Key { id: self.kid.clone(), algorithm: self.algorithm, material: self.material.clone() }
    }

    pub(super) fn header(&self) -> String {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "JWT"}).to_string()
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims.to_string())
    }

    /// Signs any header and payload.
    pub(super) fn sign(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", base64(header), base64(payload));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn panel() -> Signer {
    Signer::shared("2026-11", Algorithm::HS256, &[7; 32])
}

pub(super) fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

/// An issuer named `panel` that may open the guests of `eu1`.
pub(super) fn issuer(keys: &[&Signer]) -> Issuer {
    Issuer {
        name: "panel".into(),
        audience: "consolegate".into(),
        origins: vec![origin(PANEL), origin("https://other.example.com:8443")],
        clusters: vec!["eu1".parse().unwrap()],
        kinds: vec![Kind::Qemu, Kind::Lxc],
        vmids: vec![100..=999, 5000..=5999],
        max_token: Duration::from_secs(120),
        require_amr: vec![],
        require_acr: vec![],
        keys: keys.iter().map(|signer| signer.key()).collect(),
        jwks_file: None,
        jwks_url: None,
        brand: None,
    }
}

pub(super) fn cluster(name: &str, nodes: &[&str]) -> Cluster {
    let node =
        |node: &&str| Node { name: node.parse().unwrap(), host: "10.0.0.11".into(), port: 8006, fingerprint: None };
    Cluster {
        name: name.parse().unwrap(),
        credential: Credential::ApiToken { token_id: "gate@pve!console".into(), secret: Secret::new("x") },
        trust: Trust::System,
        nodes: nodes.iter().map(node).collect(),
        engine: config::Engine::default(),
    }
}

pub(super) fn gateway(issuers: &[Issuer]) -> Verifier {
    let clusters = [cluster("eu1", &["pve1", "pve2"]), cluster("us1", &["pve7"])];
    Verifier::new(issuers, &clusters, &origin(OWN), Some(STARTED), &KeySets::default()).unwrap()
}

/// Claims of a good token.
pub(super) fn good() -> Value {
    json!({
        "iss": "panel", "aud": "consolegate", "sub": "customer-42", "jti": "0123456789abcdef",
        "iat": NOW, "exp": NOW + 60,
        "console": {"cluster": "eu1", "kind": "qemu", "vmid": 100, "protocol": "vnc"},
    })
}

/// Claims of a good token with one of them changed; `Null` takes it out.
pub(super) fn with(pointer: &str, value: Value) -> Value {
    let mut claims = good();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value == Value::Null {
        parent.remove(name)
    } else {
        parent.insert(name.into(), value)
    };
    claims
}

/// A good payload in which a claim has this text, whatever JSON it is or is not.
pub(super) fn with_text(pointer: &str, text: &str) -> String {
    with(pointer, json!("@@")).to_string().replace("\"@@\"", text)
}

pub(super) fn verify(claims: &Value) -> Result<Verified, Rejected> {
    gateway(&[issuer(&[&panel()])]).verify(&panel().token(claims), NOW)
}

/// The reason a token of the panel with these claims is refused for.
pub(super) fn refused(claims: &Value) -> Reason {
    reason(verify(claims))
}

pub(super) fn reason(result: Result<Verified, Rejected>) -> Reason {
    let failure = result.unwrap_err().failure;
    assert!(failure.cause.len() < 400 && failure.cause.chars().all(|c| !c.is_control()), "{failure}");
    failure.reason
}
