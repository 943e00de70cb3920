//! A node's console ports 5900 to 5999: numbers with one waiting console each, no sockets.
//!
//! A console waits for one connection and only for a while (protocol reference section 6.1). No I/O; the time is passed.

use super::guest::Guest;
use crate::id::Protocol;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::time::Instant;

/// The ports Proxmox uses.
pub(super) const RANGE: RangeInclusive<u16> = 5900..=5999;

/// A console that waits for its connection.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) guest: Arc<Guest>,
    pub(super) protocol: Protocol,
    /// Who asked, as the reply's `user` says.
    pub(super) user: String,
    /// The ticket of the reply.
    pub(super) ticket: String,
    /// The VNC password it will set.
    pub(super) password: String,
    /// Asked for without `websocket=1`: it waits for TLS, and stays silent.
    pub(super) tls: bool,
    pub(super) upid: String,
}

/// The port table of a node.
#[derive(Debug, Default)]
pub(super) struct Ports {
    waiting: BTreeMap<u16, (Waiting, Instant)>,
    /// Ports that were given, until when they are not given again; none: for as long as nobody waits there yet.
    reserved: BTreeMap<u16, Option<Instant>>,
    /// Takes over every port that is given from now on.
    thief: Option<Thief>,
    /// Every ticket and password that was given, for tests that look for them where they must not be.
    given: Vec<String>,
}

/// A console that waits where another one was promised.
#[derive(Debug)]
pub(super) struct Thief {
    pub(super) guest: Arc<Guest>,
    pub(super) password: String,
}

impl Ports {
    /// The lowest port that neither is waited on nor was given a moment ago. Nobody else gets it before a
    /// console waits there.
    pub(super) fn reserve(&mut self, now: Instant) -> Option<u16> {
        self.waiting.retain(|_, (_, until)| *until > now);
        self.reserved.retain(|_, until| until.is_none_or(|until| until > now));
        let port =
            RANGE.into_iter().find(|port| !self.waiting.contains_key(port) && !self.reserved.contains_key(port))?;
        self.reserved.insert(port, None);
        Some(port)
    }

    /// Lets a console wait on a port until then, in the place of any other. The port is not given again before `reserved`.
    pub(super) fn listen(&mut self, port: u16, mut waiting: Waiting, until: Instant, reserved: Instant) {
        self.given.extend([waiting.ticket.clone(), waiting.password.clone()]);
        if let Some(thief) = &self.thief {
            waiting.guest = Arc::clone(&thief.guest);
            waiting.password.clone_from(&thief.password);
        }
        self.waiting.insert(port, (waiting, until));
        self.reserved.insert(port, Some(reserved));
    }

    /// Lets another console wait on every port that is given from now on.
    pub(super) fn steal(&mut self, thief: Thief) {
        self.thief = Some(thief);
    }

    /// Every ticket and password that was given.
    pub(super) fn given(&self) -> &[String] {
        &self.given
    }

    /// The console that waits on a port; it accepts this connection and no other.
    pub(super) fn accept(&mut self, port: u16, now: Instant) -> Option<Waiting> {
        let (waiting, until) = self.waiting.remove(&port)?;
        (until > now).then_some(waiting)
    }

    /// Ends a waiting console by its task.
    pub(super) fn stop(&mut self, upid: &str) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|_, (waiting, _)| waiting.upid != upid);
        self.waiting.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::super::setup::GuestConfig;
    use super::*;
    use std::time::Duration;

    fn console() -> Waiting {
        let guest = Arc::new(Guest::new(GuestConfig::qemu(100, "pve1")));
        let [user, ticket, password, upid] = ["root@pam", "PVEVNC:1", "12345678", "UPID:1"].map(str::to_owned);
        Waiting { guest, protocol: Protocol::Vnc, user, ticket, password, tls: false, upid }
    }

    #[test]
    fn sim_12_a_port_is_given_to_one_however_many_ask_before_a_console_waits_there() {
        let (mut ports, now, later) = (Ports::default(), Instant::now(), Duration::from_secs(9));
        assert_eq!([ports.reserve(now), ports.reserve(now + later)], [Some(5900), Some(5901)]);
        ports.listen(5900, console(), now + later, now);
        assert_eq!(ports.reserve(now), Some(5902), "one waits there");
        assert!(ports.accept(5900, now).is_some());
        assert_eq!(ports.reserve(now), Some(5900), "it is free again");
        ports.listen(5900, console(), now + later, now + later);
        assert!(ports.accept(5900, now).is_some());
        assert_eq!(ports.reserve(now), Some(5903), "it was given a moment ago");
    }
}
