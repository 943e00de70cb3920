//! The names of things: sessions, clusters, nodes, guests, and what a console is and may do.
//!
//! Owns their shapes and parsing. A value of these types is safe in a URL path, a log line and a metric label; nothing
//! that fails the shape ever becomes one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text did not have the shape of the type it was parsed into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct ShapeError {
    /// The shape in words.
    pub expected: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $fits:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = ShapeError;
            fn try_from(text: String) -> Result<Self, ShapeError> {
                if $fits(&text) { Ok(Self(text)) } else { Err(ShapeError { expected: $expected }) }
            }
        }

        impl std::str::FromStr for $type {
            type Err = ShapeError;
            fn from_str(text: &str) -> Result<Self, ShapeError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A cluster's name in the configuration. Lower case, so that no two differ by case alone.
    ClusterName,
    is_lower_label,
    "a cluster name: 1 to 63 of a-z, 0-9 and -, not at the ends"
);
name!(
    /// A node's name, as Proxmox calls it (a DNS label).
    NodeName,
    is_dns_label,
    "a node name: 1 to 63 of a-z, A-Z, 0-9 and -, not at the ends"
);

/// Node names are DNS labels in Proxmox (`pve-node` format); upper case is allowed there.
fn is_dns_label(text: &str) -> bool {
    let inner = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    inner && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_lower_label(text: &str) -> bool {
    is_dns_label(text) && !text.bytes().any(|b| b.is_ascii_uppercase())
}

/// A guest's number: 100 to 999,999,999 (Proxmox's `pve-vmid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vmid(u32);

impl Vmid {
    /// The smallest number Proxmox gives.
    pub const MIN: u32 = 100;
    /// The largest number Proxmox gives.
    pub const MAX: u32 = 999_999_999;

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Vmid {
    type Error = ShapeError;
    fn try_from(number: u32) -> Result<Self, ShapeError> {
        if (Self::MIN..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(ShapeError { expected: "a vmid from 100 to 999999999" })
        }
    }
}

impl From<Vmid> for u32 {
    fn from(vmid: Vmid) -> Self {
        vmid.0
    }
}

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a console shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
    /// The host itself.
    Node,
}

impl Kind {
    /// The word in tokens, configuration and Proxmox's paths.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
            Self::Node => "node",
        }
    }
}

/// How a console talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// A screen, by RFB.
    Vnc,
    /// A terminal, by termproxy.
    Term,
}

impl Protocol {
    /// The word in tokens and metric labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Vnc => "vnc",
            Self::Term => "term",
        }
    }
}

/// What the holder of a token may do in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Type and click.
    Input,
    /// Copy and paste.
    Clipboard,
    /// Change the screen's size.
    Resize,
    /// Start, stop and reset the guest.
    Power,
}

/// Which console: a guest of a cluster, or a node of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Guest {
    /// A virtual machine, wherever it runs.
    Qemu(Vmid),
    /// A container, wherever it runs.
    Lxc(Vmid),
    /// The shell of a node.
    Node(NodeName),
}

impl Guest {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Qemu(_) => Kind::Qemu,
            Self::Lxc(_) => Kind::Lxc,
            Self::Node(_) => Kind::Node,
        }
    }

    /// Its number, where it has one.
    #[must_use]
    pub const fn vmid(&self) -> Option<Vmid> {
        match self {
            Self::Qemu(vmid) | Self::Lxc(vmid) => Some(*vmid),
            Self::Node(_) => None,
        }
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qemu(vmid) => write!(f, "qemu/{vmid}"),
            Self::Lxc(vmid) => write!(f, "lxc/{vmid}"),
            Self::Node(node) => write!(f, "node/{node}"),
        }
    }
}

/// A guest among those of all clusters: what is limited and paced, by whatever screens and terminals.
pub type ClusterGuest = (ClusterName, Guest);

/// One console: the screen or the terminal of a guest. The key of the turn to open it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Console {
    /// The configured cluster.
    pub cluster: ClusterName,
    /// The guest or node.
    pub guest: Guest,
    /// Screen or terminal.
    pub protocol: Protocol,
}

impl Console {
    /// Whose console it is.
    #[must_use]
    pub fn cluster_guest(&self) -> ClusterGuest {
        (self.cluster.clone(), self.guest.clone())
    }
}

/// Which machine it is that has a guest's number: a digest of what Proxmox keeps for the life of a machine and gives to no
/// other. The number itself is given again once its machine is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Machine(u128);

impl Machine {
    /// The machine of this digest.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

/// A session's public name: 128 random bits. It opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u128);

impl SessionId {
    /// A session of these random bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Eight characters of it, as the reference a customer reads out.
    #[must_use]
    pub fn reference(self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl std::str::FromStr for SessionId {
    type Err = ShapeError;
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let shape = ShapeError { expected: "32 lower-case hexadecimal digits" };
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(shape);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| shape)
    }
}

impl Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t25_names_and_numbers_that_could_steer_a_url_are_refused() {
        for bad in ["pve1/../../access", "pve1:8006@evil", "..%2f", "a\0b", "pvе1", "-pve", "pve-", "", &"a".repeat(64)]
        {
            assert!(bad.parse::<NodeName>().is_err(), "{bad:?}");
        }
        assert!("EU1".parse::<ClusterName>().is_err(), "as its shape says");
        assert!("PVE1".parse::<NodeName>().is_ok(), "Proxmox allows it");
        for bad in [0, 99, 1_000_000_000] {
            assert!(Vmid::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn session_ids_read_back() {
        let id = SessionId::from_bits(0xfeed);
        assert_eq!(id.to_string().parse::<SessionId>(), Ok(id));
        assert!("FEED".parse::<SessionId>().is_err());
    }
}
