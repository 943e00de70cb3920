//! Connect tokens: from text to [`Grant`], and our own sealed tickets.
//!
//! Holding a [`Grant`] proves signature, time, audience, scope and single use. Decides without I/O and without a clock;
//! only [`Verified::spend`] asks the store.

use crate::config::{Issuer, Origin};
use crate::id::{Console, NodeName, Right, SessionId};
use crate::reason::Failure;
use crate::secret::Secret;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// What a verified and spent token allows. Immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    issuer: String,
    subject: String,
    jti_hash: String,
    console: Console,
    node: Option<NodeName>,
    rights: Vec<Right>,
    max_seconds: Option<u64>,
    idle_seconds: Option<u64>,
    title: Option<String>,
    lang: Option<String>,
    theme: Option<String>,
    origin: Option<String>,
}

impl Grant {
    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
    /// First 16 hexadecimal digits of SHA-256 of `jti`: names the token in logs.
    #[must_use]
    pub fn jti_hash(&self) -> &str {
        &self.jti_hash
    }
    /// Which console.
    #[must_use]
    pub const fn console(&self) -> &Console {
        &self.console
    }
    /// The node the panel named, if any; a hint for guests.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeName> {
        self.node.as_ref()
    }
    /// Whether the session may do this.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
    /// What the session may do.
    #[must_use]
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }
    /// Longest session the token asks for, in seconds.
    #[must_use]
    pub const fn max_seconds(&self) -> Option<u64> {
        self.max_seconds
    }
    /// Longest idle time the token asks for, in seconds.
    #[must_use]
    pub const fn idle_seconds(&self) -> Option<u64> {
        self.idle_seconds
    }
    /// The name to show.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }
    /// The page's language.
    #[must_use]
    pub fn lang(&self) -> Option<&str> {
        self.lang.as_deref()
    }
    /// The page's theme.
    #[must_use]
    pub fn theme(&self) -> Option<&str> {
        self.theme.as_deref()
    }
}

/// All issuers' keys and rules.
#[derive(Debug)]
pub struct Verifier;

impl Verifier {
    /// Reads every issuer's keys. `started` (Unix seconds): older tokens are refused while the store is memory.
    ///
    /// # Errors
    /// A key that does not parse, named.
    pub fn new(_issuers: &[Issuer], _own_origin: &Origin, _started: u64) -> Result<Self, String> {
        Err("not built".into())
    }

    /// Checks everything about a token but its single use. `now` is Unix seconds.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn verify(&self, _token: &str, _now: u64) -> Result<Verified, Failure> {
        Err(crate::reason::Reason::Internal.into())
    }
}

/// A token that is right but may have been used already.
#[derive(Debug)]
pub struct Verified {
    grant: Grant,
}

impl Verified {
    /// Checks the page that brought the token, before it is spent (T32). `None` where a client that is not a browser
    /// sent the token in `Authorization` and no `Origin`.
    ///
    /// # Errors
    /// `origin`, `origin_missing` or `binding`.
    pub fn check_origin(&self, _origin: Option<&str>) -> Result<(), Failure> {
        Ok(())
    }

    /// Uses the token up.
    ///
    /// # Errors
    /// `replay`, `store_full` or `store_down`.
    pub async fn spend(self, _store: &Store, _now: u64) -> Result<Grant, Failure> {
        Ok(self.grant)
    }
}

/// What a sealed text is for; one purpose never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Opens the WebSocket.
    Ticket,
    /// Fetches a new ticket for a running grant.
    Resume,
}

/// What is inside a sealed text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The session.
    pub session: SessionId,
    /// Counts resumes.
    pub generation: u32,
    /// Unix seconds after which it no longer opens.
    pub expires: u64,
    /// Unix seconds at which the session ends whatever happens.
    pub ends: u64,
    /// What the session may do.
    pub grant: Grant,
}

/// Seals and opens tickets (AES-256-GCM, key from `session.key_file`).
#[derive(Debug)]
pub struct Sealer;

impl Sealer {
    /// A sealer of this key material; none: a key made now.
    ///
    /// # Errors
    /// No randomness.
    pub fn new(_key: Option<&Secret>) -> Result<Self, Failure> {
        Ok(Self)
    }

    /// Seals: base64url without padding, safe as a subprotocol token.
    ///
    /// # Errors
    /// No randomness.
    pub fn seal(&self, _purpose: Purpose, _envelope: &Envelope) -> Result<String, Failure> {
        Err(crate::reason::Reason::Internal.into())
    }

    /// Opens what any gateway with the same key sealed. Does not spend it: see [`Store`].
    ///
    /// # Errors
    /// `ticket` for anything not ours, expired or of another purpose.
    pub fn open(&self, _purpose: Purpose, _text: &str, _now: u64) -> Result<Envelope, Failure> {
        Err(crate::reason::Reason::TicketRefused.into())
    }
}
