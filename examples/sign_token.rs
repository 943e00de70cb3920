//! Signs a connect token as a panel does: `cargo run --example sign_token -- https://console.example.com panel.key 100`
//! prints the address of VM 100's console, to be opened once within a minute. EMBED.md has every claim of a token; the
//! form is a JSON Web Token (RFC 7519) with a signature (RFC 7515).

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [gateway, secret_file, vmid] = arguments.as_slice() else {
        return Err("usage: sign_token GATEWAY SECRET_FILE VMID".into());
    };
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let secret = std::fs::read_to_string(secret_file)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut unique = [0; 16];
    aws_lc_rs::rand::fill(&mut unique)?;

    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("2026-11".to_owned()); // id of the issuer's key in the gateway's configuration
    let claims = serde_json::json!({
        "iss": "panel",             // name of the issuer
        "aud": "consolegate",       // its audience
        "sub": "customer-42",       // the panel's user: limits and the audit log go by it
        "jti": format!("{:032x}", u128::from_be_bytes(unique)), // each token opens once
        "iat": now,
        "exp": now + 60,            // gates connecting, never a running session
        "console": {
            "kind": "qemu",
            "vmid": vmid.parse::<u32>()?,
            "protocol": "vnc",
            "rights": ["input", "clipboard"],
            "title": format!("VM {vmid}"),
        },
    });
    let token = encode(&header, &claims, &EncodingKey::from_secret(secret.trim_end().as_bytes()))?;
    #[expect(clippy::print_stdout, reason = "its output is the address")]
    {
        println!("{gateway}/console#{token}");
    }
    Ok(())
}
