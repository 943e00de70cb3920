//! Connect tokens: from text to [`Pass`], and our own sealed tickets.
//!
//! Holding a [`Pass`] proves signature, time, audience, scope and single use. Decides without a clock, and without I/O
//! but for three named places: the store is asked to use a token up, an unknown `kid` may have `jwks_file` read again, and
//! the sets of `jwks_url` are kept fresh by tasks of their own.
//!
//! ```text
//! token ─ header ─▶ parts ─ keys ─▶ signature holds ─ claims, times ─▶ shape ─ issuer ─▶ Verified ── begin ───────┐
//! sealed text ─ seal holds ─▶ Envelope ─────────────────────────────────────────────────────────── open, resume ──┴─▶ Pass
//! ```
//! Up to the signature every refusal looks the same outside; what the claims say is told only after it.

mod claims;
mod console;
mod envelope;
mod grant;
mod header;
mod issuer;
mod json;
mod jwks;
mod jwks_door;
mod jwks_file;
mod jwks_held;
mod jwks_url;
mod keys;
mod origin;
mod pass;
mod plaintext;
mod seal;
mod times;
mod verify;
mod written;

pub use envelope::Envelope;
pub use grant::Grant;
pub use jwks_url::KeySets;
pub use pass::Pass;
pub use seal::{Purpose, Sealer, is_sealed};
pub use verify::{Rejected, Verified, Verifier, jti_hash};

use crate::{hex, sha256};

#[cfg(test)]
mod tests;

/// Clocks of panel and gateway may differ by this many seconds.
pub const LEEWAY_SECONDS: u64 = 5;

/// Seconds within which a session ticket must open its WebSocket.
pub const TICKET_SECONDS: u64 = 30;

/// The longest token and the longest sealed text, in bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// Hexadecimal SHA-256 of parts, each with its length, so no two lists of parts give the same text.
fn fingerprint(parts: &[&[u8]]) -> String {
    let mut all = Vec::new();
    for part in parts {
        // Of one width everywhere: a store may be shared by machines of different words.
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    hex::lower(&sha256::of(&all))
}

/// A stranger's text as a log line may hold it: escaped and cut.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(64).collect();
    let more = if cut.len() < text.len() { "..." } else { "" };
    format!("\"{}{more}\"", cut.escape_default())
}
