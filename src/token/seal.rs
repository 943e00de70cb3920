//! Session tickets, resume tokens and control tokens: our own sealed texts.
//!
//! Owns their format: `base64url( version | salt | AES-256-GCM( JSON of the envelope ) )`. The message key is
//! HKDF-SHA256 of the session key with a fresh 128-bit salt, so gateways that share the session key never share a message
//! key and nonce (RFC 5869, NIST SP 800-38D section 8.3). Version, salt and purpose are authenticated. Never spends
//! anything: that is an [`Envelope`]'s.

use super::written::Written;
use super::{Envelope, MAX_TOKEN_BYTES, Pass, TICKET_SECONDS};
use crate::random;
use crate::reason::{Failure, Reason};
use crate::secret::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const SHORTEST_KEY: usize = 32;

/// What a sealed text is for; one purpose never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Opens the WebSocket.
    Ticket,
    /// Fetches a new ticket for a running grant.
    Resume,
    /// Asks for the state of its session's guest, and switches it, until the session's deadline. Opens no console.
    Control,
}

impl Purpose {
    /// The word inside names and seals.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Resume => "resume",
            Self::Control => "control",
        }
    }
}

/// Whether a text can only be a sealed one: connect tokens have dots, sealed texts none.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    !text.is_empty() && !text.contains('.')
}

/// Seals and opens tickets (AES-256-GCM, key from `session.key_file`).
pub struct Sealer {
    root: Prk,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([secret])")
    }
}

impl Sealer {
    /// A sealer of this key material; none: a key made now.
    ///
    /// # Errors
    /// No randomness, or a key shorter than 32 bytes.
    pub fn new(key: Option<&Secret>) -> Result<Self, String> {
        let made;
        let key = match key {
            Some(key) => key,
            None => {
                made = Secret::new(random::bytes::<SHORTEST_KEY>().map_err(|error| error.to_string())?);
                &made
            }
        };
        if key.reveal().len() < SHORTEST_KEY {
            return Err(format!("session.key_file holds fewer than {SHORTEST_KEY} bytes"));
        }
        Ok(Self { root: Salt::new(HKDF_SHA256, b"consolegate session key").extract(key.reveal()) })
    }

    /// Seals what lets its holder connect, come back or control: base64url without padding, safe as a subprotocol token.
    /// A ticket is good for seconds, the other two as long as the session; how long after a cut is the store's knowledge.
    ///
    /// # Errors
    /// No randomness.
    pub fn seal(&self, purpose: Purpose, pass: &Pass, now: u64) -> Result<String, Failure> {
        let expires = match purpose {
            Purpose::Ticket => now + TICKET_SECONDS,
            Purpose::Resume | Purpose::Control => pass.ends,
        };
        let salt = random::bytes::<SALT_BYTES>()?;
        let mut sealed = serde_json::to_vec(&Written::of(pass, expires)).map_err(|error| broken(&error))?;
        let (key, aad) = (self.message_key(&salt)?, associated(purpose, &salt));
        key.seal_in_place_append_tag(nonce(), Aad::from(aad), &mut sealed).map_err(|error| broken(&error))?;
        let text = URL_SAFE_NO_PAD.encode([&[VERSION][..], &salt, &sealed].concat());
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Failure::new(Reason::Internal, format!("a sealed text of {} bytes", text.len())));
        }
        Ok(text)
    }

    /// Opens what any gateway with the same key sealed. Uses nothing up: see [`Envelope`].
    ///
    /// # Errors
    /// `ticket` for anything not ours, expired or of another purpose.
    pub fn open(&self, purpose: Purpose, text: &str, now: u64) -> Result<Envelope, Failure> {
        if text.len() > MAX_TOKEN_BYTES {
            return refused(format!("{} bytes; at most {MAX_TOKEN_BYTES} are read", text.len()));
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_| refused("not base64url without padding"))?;
        let (version, rest) = bytes.split_first_chunk_mut::<1>().map_or_else(|| refused("empty"), Ok)?;
        if *version != [VERSION] {
            return refused(format!("version {} of sealed texts is not known", version[0]));
        }
        let (salt, sealed) = rest.split_first_chunk_mut::<SALT_BYTES>().map_or_else(|| refused("cut short"), Ok)?;
        let (key, aad) = (self.message_key(salt)?, associated(purpose, salt));
        let opened = key
            .open_in_place(nonce(), Aad::from(aad), sealed)
            .or_else(|_| refused(format!("not a {} sealed with this gateway's session key", purpose.word())))?;
        let written: Written = serde_json::from_slice(opened).or_else(|_| refused("sealed by another release"))?;
        if now > written.expires() {
            return refused(format!("the {} expired {} s ago", purpose.word(), now - written.expires()));
        }
        Ok(written.read())
    }

    fn message_key(&self, salt: &[u8; SALT_BYTES]) -> Result<LessSafeKey, Failure> {
        let info = [&b"consolegate sealed text"[..], salt];
        let key = self.root.expand(&info, &AES_256_GCM).map_err(|error| broken(&error))?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

/// Each message has its own key, so the nonce never repeats under one.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn associated(purpose: Purpose, salt: &[u8; SALT_BYTES]) -> Vec<u8> {
    [b"consolegate ", purpose.word().as_bytes(), &[VERSION], salt].concat()
}

fn broken(error: &dyn fmt::Display) -> Failure {
    Failure::new(Reason::Internal, format!("sealing failed: {error}"))
}

fn refused<T>(cause: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::new(Reason::TicketRefused, cause))
}
