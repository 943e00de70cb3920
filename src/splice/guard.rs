//! What a browser may say to its console: payload in, payload that may pass out. No I/O.
//!
//! A guard reads a byte stream, whatever the frames were. One that rewrites lets whole messages out, so what leaves is
//! framed anew; one that only watches changes nothing, and payload goes out as it came.

use super::heard::Heard;
use super::observer::Observer;
use super::screen::ScreenGuard;
use super::terminal::TerminalGuard;
use crate::id::Right;
use crate::reason::Failure;
use tokio::time::Instant;

/// The rule for what a browser says.
#[derive(Debug)]
pub enum Guard {
    /// Everything passes as it is, and nothing is known about it.
    Open,
    /// A screen whose token grants everything: everything passes as it is, and is followed.
    Watched(Observer),
    /// A screen whose token does not grant everything.
    Screen(ScreenGuard),
    /// A terminal.
    Terminal(TerminalGuard),
}

impl Guard {
    /// For a screen with these rights.
    #[must_use]
    pub fn screen(rights: &[Right]) -> Self {
        let all = [Right::Input, Right::Clipboard, Right::Resize, Right::Power];
        if all.iter().all(|right| rights.contains(right)) {
            return Self::Watched(Observer::default());
        }
        Self::Screen(ScreenGuard::new(rights))
    }

    /// Whether what passes leaves in new frames. If not, payload goes out as it came.
    pub(super) const fn rewrites(&self) -> bool {
        match self {
            Self::Open | Self::Watched(_) => false,
            Self::Screen(_) | Self::Terminal(_) => true,
        }
    }

    /// What went out ends between two RFB messages, so that one of our own may follow.
    pub(super) const fn between_messages(&self) -> bool {
        match self {
            Self::Open | Self::Terminal(_) => false,
            Self::Watched(observer) => observer.between_messages(),
            Self::Screen(screen) => screen.between_messages(),
        }
    }

    /// Whether [`Self::watch`] wants to see what goes out as it came.
    pub(super) const fn watches(&self) -> bool {
        matches!(self, Self::Watched(_))
    }

    /// Reads on in what goes out as it came.
    pub(super) fn watch(&mut self, plain: &[u8]) -> Heard {
        match self {
            Self::Watched(observer) => observer.hear(plain),
            Self::Open | Self::Screen(_) | Self::Terminal(_) => Heard { active: !plain.is_empty() },
        }
    }

    /// Reads on; what may pass is added to `out`.
    ///
    /// # Errors
    /// What cannot be judged, or breaks the protocol. What came before it is in `out`.
    pub fn pass(&mut self, plain: &[u8], now: Instant, out: &mut Vec<u8>) -> Result<Heard, Failure> {
        match self {
            Self::Screen(screen) => screen.pass(plain, out),
            Self::Terminal(terminal) => terminal.pass(plain, now, out),
            Self::Open | Self::Watched(_) => {
                out.extend_from_slice(plain);
                Ok(self.watch(plain))
            }
        }
    }

    /// A chunk has ended, or what waited is due: adds to `out` what need not wait longer.
    pub(super) fn flush(&mut self, now: Instant, out: &mut Vec<u8>) {
        match self {
            Self::Terminal(terminal) => terminal.flush(now, out),
            Self::Open | Self::Watched(_) | Self::Screen(_) => {}
        }
    }

    /// When something is to be let out by [`Self::flush`] even if nothing comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.terminal()?.due()
    }

    /// Until when nothing more is to be read, because the node would keep what its guest does not take.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.terminal()?.paused_until()
    }

    const fn terminal(&self) -> Option<&TerminalGuard> {
        match self {
            Self::Terminal(terminal) => Some(terminal),
            Self::Open | Self::Watched(_) | Self::Screen(_) => None,
        }
    }
}
