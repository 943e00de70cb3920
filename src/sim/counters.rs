//! What a simulated cluster counts, and waiting until it has counted it.

use std::io;
use std::time::Duration;
use tokio::sync::watch;

/// A snapshot of the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// TCP connections accepted.
    pub connections: u64,
    /// HTTP requests read.
    pub requests: u64,
    /// Answers 401.
    pub auth_failures: u64,
    /// `vncproxy`, `vncshell` and `termproxy` calls that gave a ticket.
    pub vncproxy_posts: u64,
    /// Upgrades answered with 101.
    pub upgrades: u64,
    /// Upgrades that hung because nothing listened on the port.
    pub hung_upgrades: u64,
    /// Console connections open now, leaked ones included.
    pub websocket_live: u64,
    /// Consoles that stopped to listen because of a frame pveproxy cannot take.
    pub wedged: u64,
    /// Wedged consoles whose client left unnoticed.
    pub leaked: u64,
    /// Client frames dropped for their opcode.
    pub dropped_frames: u64,
    /// Pings answered.
    pub pings: u64,
    /// Client close frames.
    pub closes: u64,
    /// Data frames of clients.
    pub client_frames: u64,
    /// Payload of these.
    pub client_bytes: u64,
    /// The largest payload of one of them.
    pub max_client_frame: u64,
    /// The most bytes that waited for a console to read them.
    pub max_waiting: u64,
    /// VNC logins that worked.
    pub vnc_logins: u64,
    /// VNC logins refused for the password.
    pub vnc_refused: u64,
    /// Terminal logins that worked.
    pub term_logins: u64,
    /// Terminal headers that came in pieces.
    pub split_headers: u64,
}

/// The counts of a cluster.
#[derive(Debug)]
pub(super) struct Ledger(watch::Sender<Counters>);

impl Ledger {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Counters::default()))
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        self.0.send_modify(change);
    }

    pub(super) fn read(&self) -> Counters {
        *self.0.borrow()
    }

    /// Waits until the counts are as wanted.
    pub(super) async fn wait_for(&self, wanted: impl FnMut(&Counters) -> bool) -> io::Result<Counters> {
        let mut changes = self.0.subscribe();
        let reached = tokio::time::timeout(PATIENCE, changes.wait_for(wanted)).await;
        match reached {
            Ok(Ok(counters)) => Ok(*counters),
            Ok(Err(_)) | Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("still {:?}", self.read()))),
        }
    }
}

/// How long a test waits for an event before it has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Counts an open console for as long as it lives.
#[derive(Debug)]
pub(super) struct Live<'a>(&'a Ledger);

impl<'a> Live<'a> {
    pub(super) fn new(ledger: &'a Ledger) -> Self {
        ledger.count(|c| c.websocket_live += 1);
        Self(ledger)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.count(|c| c.websocket_live -= 1);
    }
}
