//! A node's console ports 5900 to 5999: numbers with one waiting console each, no sockets.
//!
//! A console waits for one connection and only for a while (protocol reference section 6.1). No I/O; the time is passed.

use super::guest::Guest;
use crate::id::Protocol;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
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
    reserved: BTreeMap<u16, Instant>,
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
    /// The lowest port that neither is waited on nor was given a moment ago.
    pub(super) fn reserve(&mut self, now: Instant, reserve: Duration) -> Option<u16> {
        self.waiting.retain(|_, (_, until)| *until > now);
        self.reserved.retain(|_, until| *until > now);
        let port =
            RANGE.into_iter().find(|port| !self.waiting.contains_key(port) && !self.reserved.contains_key(port))?;
        self.reserved.insert(port, now + reserve);
        Some(port)
    }

    /// Lets a console wait on a port, in the place of any other.
    pub(super) fn listen(&mut self, port: u16, mut waiting: Waiting, until: Instant) {
        self.given.extend([waiting.ticket.clone(), waiting.password.clone()]);
        if let Some(thief) = &self.thief {
            waiting.guest = Arc::clone(&thief.guest);
            waiting.password.clone_from(&thief.password);
        }
        self.waiting.insert(port, (waiting, until));
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
