//! What a browser may say to a terminal: its messages of termproxy are taken apart and written anew.
//!
//! Input that comes together leaves as one message, so that few headers do; an input message of which only a part has
//! come is announced whole, because the browser has promised the rest. Sizes leave ten times a second at most, the newest
//! always. Signs of life end here: the node needs none. Invariant: what leaves is whole blocks ([`Blocks`]).
//!
//! pveproxy takes whatever comes and keeps what a slow terminal does not read, and nothing says how much that is. So a
//! paste leaves no faster than terminals usually read, a little at once at most.

use super::heard::Heard;
use crate::reason::{Failure, Reason};
use crate::wire::term::{Blocks, Parser, Size, Step};
use std::time::Duration;
use tokio::time::Instant;

/// Between two sizes (X05).
const BETWEEN_SIZES: Duration = Duration::from_millis(100);

/// Bytes a second that a terminal is expected to read, and how many may leave at once: with a chunk on top, well below
/// the 640 KiB that pveproxy allows itself (X07).
const RATE: u32 = 2 * 1024 * 1024;
const AT_ONCE: u32 = 256 * 1024;

/// The rule for a terminal's browser.
#[derive(Debug)]
pub struct TerminalGuard {
    /// Whether it may type.
    input: bool,
    parser: Parser,
    blocks: Blocks,
    /// Input of this chunk that no header has announced.
    run: Vec<u8>,
    /// Input that was announced to the node and has not come yet.
    announced: usize,
    sizes: Sizes,
    /// When all that left will have been read.
    read: Option<Instant>,
}

impl TerminalGuard {
    /// For a terminal into which the browser may type, or not.
    #[must_use]
    pub fn new(input: bool) -> Self {
        Self {
            input,
            parser: Parser::default(),
            blocks: Blocks::default(),
            run: Vec::new(),
            announced: 0,
            sizes: Sizes::default(),
            read: None,
        }
    }

    /// Reads on. What passes is in `out` after [`Self::flush`] at the latest.
    ///
    /// # Errors
    /// `term_client`.
    pub(super) fn pass(&mut self, plain: &[u8], now: Instant, out: &mut Vec<u8>) -> Result<Heard, Failure> {
        self.blocks.resume(out);
        let (mut rest, mut active) = (plain, false);
        loop {
            let step = self.parser.step(rest);
            let bytes = match step.map_err(|broke| Failure::new(Reason::TermClient, broke.to_string()))? {
                Step::More { .. } => return Ok(Heard { active }),
                Step::KeepAlive { bytes } => bytes,
                Step::Input { len, bytes } => {
                    active |= len > 0;
                    bytes
                }
                Step::Data { bytes } => {
                    active = true;
                    self.data(rest.get(..bytes).unwrap_or_default(), out);
                    bytes
                }
                Step::Resize { size, bytes } => {
                    active = true;
                    self.sizes.newest = Some(size);
                    if self.sizes.due(now) {
                        self.announce(0, out);
                        self.sizes.put(now, out);
                    }
                    bytes
                }
            };
            rest = rest.get(bytes..).unwrap_or_default();
        }
    }

    /// The chunk has ended, or time has come: lets out what waited for more of its kind.
    pub(super) fn flush(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.blocks.resume(out);
        if self.announced == 0 {
            if self.sizes.due(now) {
                self.sizes.put(now, out);
            }
            self.announce(usize::try_from(self.parser.left()).unwrap_or(0), out);
        }
        self.blocks.finish(out, self.announced > 0);
        let bytes = u32::try_from(out.len()).unwrap_or(u32::MAX);
        self.read = Some(self.read.map_or(now, |read| read.max(now)) + Duration::from_secs(1) * bytes / RATE);
    }

    /// When the browser is to be listened to again.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.read?.checked_sub(Duration::from_secs(1) * AT_ONCE / RATE)
    }

    /// When [`Self::flush`] lets something out even if nothing comes: the newest of sizes that came too fast.
    pub(super) fn due(&self) -> Option<Instant> {
        self.sizes.newest.and(self.sizes.next).filter(|_| self.announced == 0)
    }

    fn data(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.announced > 0 {
            self.announced = self.announced.saturating_sub(bytes.len());
            out.extend_from_slice(bytes);
        } else if self.input {
            self.run.extend_from_slice(bytes);
        }
    }

    /// Writes the input so far as one message, to which `left` more bytes belong.
    fn announce(&mut self, left: usize, out: &mut Vec<u8>) {
        // An idle session holds no buffer.
        let run = std::mem::take(&mut self.run);
        if !run.is_empty() {
            Blocks::input(out, run.len() + left);
            out.extend_from_slice(&run);
            self.announced = left;
        }
    }
}

/// Sizes on their way.
#[derive(Debug, Default)]
struct Sizes {
    newest: Option<Size>,
    /// When one may leave again.
    next: Option<Instant>,
}

impl Sizes {
    fn due(&self, now: Instant) -> bool {
        self.newest.is_some() && self.next.is_none_or(|next| next <= now)
    }

    fn put(&mut self, now: Instant, out: &mut Vec<u8>) {
        if let Some(size) = self.newest.take() {
            Blocks::resize(out, size);
            self.next = Some(now + BETWEEN_SIZES);
        }
    }
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
