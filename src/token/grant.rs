//! The [`Grant`]: what a token that was verified and spent allows.
//!
//! Owns nothing but the values. Only this room makes one, so holding it is the proof. Immutable.

use crate::audit::About;
use crate::id::{Console, NodeName, Right};
use serde::{Deserialize, Serialize};

/// What a verified and spent token allows. Immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) jti_hash: String,
    pub(super) console: Console,
    pub(super) node: Option<NodeName>,
    pub(super) rights: Vec<Right>,
    pub(super) max_seconds: Option<u64>,
    pub(super) idle_seconds: Option<u64>,
    pub(super) title: Option<String>,
    pub(super) lang: Option<String>,
    pub(super) theme: Option<String>,
    pub(super) origin: Option<String>,
}

impl Grant {
    /// What audit lines say of it.
    #[must_use]
    pub fn about(&self) -> About {
        About {
            jti: Some(self.jti_hash.clone()),
            issuer: Some(self.issuer.clone()),
            subject: Some(self.subject.clone()),
            console: Some(self.console.clone()),
            ..About::default()
        }
    }

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
    /// The one origin that may open it, where the token names one.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}
