//! What an operator withdrew: a token, a subject, an issuer or a guest, and what of it is older than that.
//!
//! Owns the rule that decides whether a console is meant. No clock and no I/O.

use crate::id::{ClusterName, Console, Vmid};
use serde::{Deserialize, Serialize};

/// A panel's clock may be ahead by this much, so that a token made before a revocation says it was made after it.
const AHEAD_SECONDS: u64 = 5;

/// Whatever fits every part that is given, and was signed by its panel no later than the revocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The panel's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The connect token, by its name in logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The guest's cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    /// The guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmid: Option<Vmid>,
    /// When, in Unix seconds.
    pub at: u64,
    /// Until when it must be remembered: nothing that it means can be left then.
    pub until: u64,
}

/// What of a console a revocation may mean.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// The connect token's name in logs.
    pub jti: &'a str,
    /// The console.
    pub console: &'a Console,
    /// `iat`, in Unix seconds.
    pub issued: u64,
}

impl Revocation {
    /// Whether it names anything at all, and a guest by both of its parts.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        let names_guest = self.cluster.is_some() && self.vmid.is_some();
        let names_half = self.cluster.is_some() != self.vmid.is_some();
        !names_half && (names_guest || self.issuer.is_some() || self.subject.is_some() || self.jti.is_some())
    }

    /// Whether it means this console.
    #[must_use]
    pub fn means(&self, facts: &Facts<'_>) -> bool {
        let is = |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        is(&self.issuer, facts.issuer)
            && is(&self.subject, facts.subject)
            && is(&self.jti, facts.jti)
            && self.cluster.as_ref().is_none_or(|cluster| *cluster == facts.console.cluster)
            && self.vmid.is_none_or(|vmid| facts.console.guest.vmid() == Some(vmid))
            && facts.issued <= self.at.saturating_add(AHEAD_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Guest, Protocol};

    const AT: u64 = 1_800_000_000;

    fn nothing() -> Revocation {
        Revocation { issuer: None, subject: None, jti: None, cluster: None, vmid: None, at: AT, until: AT + 60 }
    }

    fn console() -> Console {
        let guest = Guest::Lxc(Vmid::try_from(101).unwrap());
        Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Term }
    }

    fn means(revocation: &Revocation, issued: u64) -> bool {
        let console = console();
        let facts = Facts { issuer: "panel", subject: "customer-42", jti: "abc", console: &console, issued };
        revocation.means(&facts)
    }

    #[test]
    fn each_part_narrows_and_only_what_is_older_is_meant() {
        let (eu1, us1) = ("eu1".parse().ok(), "us1".parse().ok());
        let vmid = |vmid: u32| Vmid::try_from(vmid).ok();
        let text = |text: &str| Some(text.to_owned());
        for (revocation, is_meant) in [
            (Revocation { subject: text("customer-42"), ..nothing() }, true),
            (Revocation { subject: text("customer-4"), ..nothing() }, false),
            (Revocation { subject: text("customer-42"), issuer: text("other"), ..nothing() }, false),
            (Revocation { issuer: text("panel"), ..nothing() }, true),
            (Revocation { jti: text("abc"), ..nothing() }, true),
            (Revocation { jti: text("abd"), ..nothing() }, false),
            (Revocation { cluster: eu1.clone(), vmid: vmid(101), ..nothing() }, true),
            (Revocation { cluster: us1, vmid: vmid(101), ..nothing() }, false),
            (Revocation { cluster: eu1, vmid: vmid(102), ..nothing() }, false),
        ] {
            assert!(revocation.is_whole(), "{revocation:?}");
            assert_eq!(means(&revocation, AT), is_meant, "{revocation:?}");
            assert_eq!(means(&revocation, AT + 5), is_meant, "a clock that is ahead: {revocation:?}");
            assert!(!means(&revocation, AT + 6), "made later: {revocation:?}");
        }
    }

    #[test]
    fn a_revocation_of_nothing_or_of_half_a_guest_is_none() {
        assert!(!nothing().is_whole());
        assert!(!Revocation { cluster: "eu1".parse().ok(), ..nothing() }.is_whole());
        assert!(!Revocation { vmid: Vmid::try_from(101).ok(), subject: Some("a".to_owned()), ..nothing() }.is_whole());
    }
}
