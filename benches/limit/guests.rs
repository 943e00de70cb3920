//! The names both sides of a gateway use for the cluster that is measured: its node, its guests, its identity, its panel.

use serde::{Deserialize, Serialize};

/// The node.
pub const NODE: &str = "pve1";

/// A cluster, of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cluster {
    /// That of every measurement.
    Usual,
    /// One whose guests do nothing but answer keys, where that is what is measured.
    Keys,
}

impl Cluster {
    /// Its name in tokens and in the gateway's configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usual => "eu1",
            Self::Keys => "eu2",
        }
    }
}

/// The identity at the node, and its secret.
pub const USER: &str = "gate@pve!console";
pub const USER_SECRET: &str = "11111111-2222-3333-4444-555555555555";

/// The number of the first guest.
pub const FIRST: u32 = 100;

/// Guests of the cluster. A gateway opens each of them only so often, so the sessions of a measurement go round all.
pub const COUNT: u32 = 2_000;

/// The panel's key and its name.
pub const PANEL_SECRET: &str = "a-signing-secret-of-the-panel-that-is-long-enough";
pub const PANEL_KEY: &str = "2026-11";
