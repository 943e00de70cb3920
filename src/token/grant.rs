//! The [`Grant`]: what a token that was verified allows.
//!
//! Owns nothing but the values. Only this room makes one, from a token whose every rule held or from a seal of ours, and
//! nothing else can be read into one. Immutable.

use crate::audit::About;
use crate::id::{Console, NodeName, Right};
use crate::revocation::Facts;
use std::time::Duration;

/// What a verified token allows. Immutable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) jti_hash: String,
    pub(super) issued: u64,
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
    /// One without rights that no token stands behind, for tests of what comes after.
    #[cfg(test)]
    pub(crate) fn unproven(subject: &str, console: Console) -> Self {
        Self {
            issuer: "panel".to_owned(),
            subject: subject.to_owned(),
            jti_hash: "0".to_owned(),
            issued: 0,
            console,
            node: None,
            rights: Vec::new(),
            max_seconds: None,
            idle_seconds: None,
            title: None,
            lang: None,
            theme: None,
            origin: None,
        }
    }

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

    /// What of it may be withdrawn.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            issuer: &self.issuer,
            subject: &self.subject,
            jti: &self.jti_hash,
            console: &self.console,
            issued: self.issued,
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
    /// `iat`, in Unix seconds: what is revoked later was revoked.
    #[must_use]
    pub const fn issued(&self) -> u64 {
        self.issued
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
    /// The longest session in seconds: a token may only tighten the configured length.
    #[must_use]
    pub fn longest(&self, configured: Duration) -> u64 {
        self.max_seconds.map_or(configured.as_secs(), |asked| asked.min(configured.as_secs()))
    }
    /// How long a session may be without input: the tighter of the configuration's and the token's; none: no limit.
    #[must_use]
    pub fn idle(&self, configured: Option<Duration>) -> Option<Duration> {
        [configured, self.idle_seconds.map(Duration::from_secs)].into_iter().flatten().min()
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
