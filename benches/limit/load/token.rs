//! Connect tokens, signed as the panel of the run.

use super::order::Rights;
use crate::Outcome;
use crate::guests::{self, Cluster};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// A token for a guest.
pub fn mint(cluster: Cluster, vmid: u32, rights: Rights) -> Outcome<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let rights: &[&str] = match rights {
        Rights::All => &["input", "clipboard", "resize", "power"],
        Rights::Usual => &["input", "clipboard"],
    };
    let claims = json!({
        "iss": "panel", "aud": "consolegate", "sub": format!("customer-{vmid}"), "iat": now, "exp": now + 60,
        "jti": format!("{:08x}-{:08x}", std::process::id(), COUNT.fetch_add(1, Relaxed)),
        "console": { "cluster": cluster.name(), "kind": "qemu", "vmid": vmid, "protocol": "vnc", "rights": rights },
    });
    let header = Header { kid: Some(guests::PANEL_KEY.into()), ..Header::new(Algorithm::HS256) };
    Ok(encode(&header, &claims, &EncodingKey::from_secret(guests::PANEL_SECRET.as_bytes()))?)
}
