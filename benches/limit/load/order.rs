//! What the load process is told and what it answers: an order when it starts, then jobs, one JSON line each way.

use crate::guests::Cluster;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Whom to connect to, how often, and as what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Of the run's certificates.
    pub folder: PathBuf,
    pub address: SocketAddr,
    pub door: Door,
    pub sessions: u32,
    /// Sessions that are being opened at the same time.
    pub at_once: usize,
}

/// How a session is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Door {
    /// An upgrade and no more, through a relay or at the node itself.
    Raw,
    /// A token, an upgrade, and the RFB login of type None. Guests are taken in turn from this one on.
    Gateway { cluster: Cluster, first_guest: u32, rights: Rights },
}

/// The rights in the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rights {
    /// All of them: what the client says is followed and passes as it is.
    All,
    /// Those of a usual panel, input and clipboard: what the client says is filtered message by message.
    Usual,
}

/// What all sessions of a load do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Job {
    /// Receive this many data frames of so many bytes of payload, and check every byte.
    Receive { bytes: u32, frames: u32 },
    /// Send this many frames of 16 bytes, two keys in each, and see them counted at the other end. `records`: each frame
    /// in a TLS record of its own, as a browser sends them, or as many as fit.
    Type { frames: u32, records: Records },
    /// For so long, press single keys and wait for the answer of each, with a pause between two.
    Press { seconds: u32, pause_millis: u32 },
    /// From now on receive frames of so many bytes at this pace, beside whatever else.
    Steady { bytes: u32, a_second: u32 },
    /// From now on receive frames of so many bytes at full speed.
    Flood { bytes: u32 },
    /// Say how much was received since the session was opened.
    Tell,
    /// Ask for data at full speed, and never read again.
    Stall { bytes: u32 },
}

/// How many frames a TLS record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Records {
    Each,
    Full,
}

/// What came of the opening or of a job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcomes {
    /// Sessions that did what was asked.
    pub sessions: u32,
    /// The first thing that went wrong, if anything did.
    pub trouble: Option<String>,
    /// From the order to the last session's end of it.
    pub seconds: f64,
    /// Payload received and checked.
    pub bytes: u64,
    /// Round trips in nanoseconds, in order of size.
    pub round_trips: Vec<u64>,
}
