//! What a guest received from its consoles, in order, and waiting for it.

use super::counters::PATIENCE;
use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// One thing a guest received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A viewer logged in.
    Viewer {
        /// Whether it leaves the others alone.
        shared: bool,
    },
    /// A viewer's encodings.
    Encodings(Vec<i32>),
    /// A key.
    Key {
        /// Pressed or released.
        down: bool,
        /// Which, as X11 names it.
        keysym: u32,
    },
    /// The pointer.
    Pointer {
        /// Pressed buttons.
        mask: u8,
        /// Pixels from the left.
        x: u16,
        /// Pixels from the top.
        y: u16,
    },
    /// Text a viewer copied.
    CutText(Vec<u8>),
    /// A viewer's wish for the power switch (xvp).
    Power(u8),
    /// A viewer's wish for another size.
    DesktopSize {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
    },
    /// Bytes typed into a terminal.
    Input(Vec<u8>),
    /// A terminal's size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// A terminal's sign of life.
    KeepAlive,
}

/// A guest's memory of events, bounded.
#[derive(Debug)]
pub(super) struct Record {
    events: Mutex<Vec<Event>>,
    count: watch::Sender<u64>,
}

/// More than any test looks at; beyond it, events are counted but not kept.
const KEPT: usize = 65_536;

impl Record {
    pub(super) fn new() -> Self {
        Self { events: Mutex::new(Vec::new()), count: watch::Sender::new(0) }
    }

    pub(super) fn add(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() < KEPT {
            events.push(event);
        }
        drop(events);
        self.count.send_modify(|count| *count += 1);
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the events together are as wanted.
    pub(super) async fn wait_for(&self, mut wanted: impl FnMut(&[Event]) -> bool) -> io::Result<()> {
        let mut changes = self.count.subscribe();
        let seen = changes.wait_for(|_| wanted(&self.events.lock().unwrap_or_else(PoisonError::into_inner)));
        match tokio::time::timeout(PATIENCE, seen).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, format!("events so far: {:?}", self.events())))
            }
        }
    }
}
