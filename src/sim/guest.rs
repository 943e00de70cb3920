//! A guest as it is now: where it is, whether it runs, who looks at it, what it received.

use super::qemu;
use super::record::Record;
use super::setup::{GuestConfig, Status};
use super::vnc::Display;
use crate::id::Kind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// What the power calls do to a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    Start,
    Shutdown,
    Stop,
    Reset,
    Reboot,
}

impl Switch {
    /// The call of this name, where this kind of guest has it: containers have no reset.
    pub(super) fn named(word: &str, kind: Kind) -> Option<Self> {
        match (word, kind) {
            ("start", _) => Some(Self::Start),
            ("shutdown", _) => Some(Self::Shutdown),
            ("stop", _) => Some(Self::Stop),
            ("reset", Kind::Qemu) => Some(Self::Reset),
            ("reboot", _) => Some(Self::Reboot),
            _ => None,
        }
    }
}

/// A guest, or a node's own shell.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) config: GuestConfig,
    pub(super) record: Record,
    pub(super) display: Display,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Empty: it was destroyed.
    pub(super) node: String,
    /// Differs for each machine, also of one number.
    pub(super) born: u64,
    pub(super) status: Status,
    pub(super) lock: Option<String>,
    /// Ends when the guest stops or moves away; a running guest has a live one.
    pub(super) life: CancellationToken,
}

impl Guest {
    pub(super) fn new(config: GuestConfig) -> Self {
        let (node, life) = (config.node.clone(), CancellationToken::new());
        let state = State { node, born: birth(), status: config.status, lock: None, life };
        Self { display: Display::new(&config), config, record: Record::new(), state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the state.
    pub(super) fn state(&self) -> State {
        self.lock().clone()
    }

    /// Starts or stops it; stopping ends its consoles.
    pub(super) fn set_status(&self, status: Status) {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.status, status);
        match (before, status) {
            (_, Status::Stopped) => end_consoles(&mut state),
            (Status::Stopped, Status::Running) => self.display.restart(),
            (Status::Running, Status::Running) => {}
        }
    }

    /// Does what a power call's task does. A simulated guest obeys at once; a real one is told, and obeys as it will.
    pub(super) fn switch(self: &Arc<Self>, switch: Switch) {
        if self.config.qmp.is_some() {
            tokio::spawn(qemu::switch(Arc::clone(self), switch));
            return;
        }
        match switch {
            Switch::Start => self.set_status(Status::Running),
            Switch::Shutdown | Switch::Stop => self.set_status(Status::Stopped),
            Switch::Reset | Switch::Reboot => self.display.restart(),
        }
    }

    pub(super) fn set_lock(&self, word: Option<&str>) {
        self.lock().lock = word.map(str::to_owned);
    }

    /// The last step of a migration: from now on it is there, and only then its consoles end.
    pub(super) fn move_to(&self, node: &str) {
        let mut state = self.lock();
        node.clone_into(&mut state.node);
        state.lock = None;
        end_consoles(&mut state);
    }

    /// From now on it is nowhere.
    pub(super) fn destroy(&self) {
        let mut state = self.lock();
        state.node.clear();
        state.lock = None;
        end_consoles(&mut state);
    }

    /// Another machine has its number, and runs on the node it was configured for.
    pub(super) fn create_anew(&self) {
        let mut state = self.lock();
        state.node.clone_from(&self.config.node);
        state.born = birth();
        state.status = Status::Running;
        end_consoles(&mut state);
        drop(state);
        self.display.restart();
    }

    /// Ends its consoles; it runs on.
    pub(super) fn end_consoles(&self) {
        end_consoles(&mut self.lock());
    }
}

fn birth() -> u64 {
    static BIRTHS: AtomicU64 = AtomicU64::new(1);
    BIRTHS.fetch_add(1, Relaxed)
}

fn end_consoles(state: &mut State) {
    std::mem::take(&mut state.life).cancel();
}
