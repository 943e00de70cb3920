//! What the tests of this room begin with.

use super::Opening;
use crate::id::{Console, Guest, Protocol, SessionId, Vmid};
use crate::token::{Grant, Pass};
use std::net::{IpAddr, Ipv4Addr};

/// A browser that opens the screen of guest 100.
pub(super) fn opening() -> Opening {
    let guest = Guest::Qemu(Vmid::try_from(100).unwrap());
    let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Vnc };
    let pass = Pass::unspent(SessionId::from_bits(0xfeed), 0, Grant::unproven("customer-42", console));
    Opening { pass, client: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}
