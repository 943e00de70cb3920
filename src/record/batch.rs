//! A thread's memory for one chunk of a connection, and what of it leaves again. No I/O.
//!
//! A [`Batch`] is filled by one leg and emptied by the other within one call, so a session that waits holds none. What was
//! received lies in it as pieces, each with room before and behind it for the head and the tail of a record: a piece that
//! leaves as it came can be sealed where it lies.

use super::head::{HEADER, MAX_PLAIN, TAIL};
use crate::wire::websocket::HeaderBytes;
use std::cell::RefCell;
use std::ops::Range;

/// The most that is received, and so held, at once for each direction.
pub(super) const CHUNK: usize = 64 * 1024;

thread_local! {
    /// Borrowed for one read and the write that follows it, never across an await.
    static SCRATCH: RefCell<(Batch, Cuts)> = RefCell::new((Batch::new(), Cuts::default()));
}

/// Lends the thread's memory, empty.
pub fn with_batch<T>(work: impl FnOnce(&mut Batch, &mut Cuts) -> T) -> T {
    SCRATCH.with_borrow_mut(|(batch, cuts)| {
        batch.clear();
        cuts.clear();
        work(batch, cuts)
    })
}

/// Bytes that were received, in pieces.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Range<usize>>,
    /// Where the next piece may begin, its head's room included.
    end: usize,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; CHUNK], pieces: Vec::new(), end: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.end = 0;
    }

    /// Whether nothing was received.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes of all pieces.
    #[must_use]
    pub fn total(&self) -> usize {
        self.pieces.iter().map(Range::len).sum()
    }

    /// The memory, and where the pieces lie in it.
    pub fn parts(&mut self) -> (&mut [u8], &[Range<usize>]) {
        (&mut self.bytes, &self.pieces)
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| self.bytes.get(piece.clone()).unwrap_or_default())
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Room for the next piece, as far as a record holds; what was put there becomes one by [`Self::push`].
    pub(super) fn room(&mut self) -> &mut [u8] {
        let start = self.end + HEADER;
        let most = self.bytes.len().saturating_sub(TAIL).min(start + MAX_PLAIN);
        self.bytes.get_mut(start..most).unwrap_or_default()
    }

    /// The first bytes of [`Self::room`] are a piece.
    pub(super) fn push(&mut self, len: usize) {
        let start = self.end + HEADER;
        self.pieces.push(start..start + len);
        self.end = start + len + TAIL;
    }

    /// Copies bytes in as pieces; how many had room.
    pub(super) fn copy_in(&mut self, bytes: &[u8]) -> usize {
        let mut copied = 0;
        while copied < bytes.len() {
            let rest = bytes.get(copied..).unwrap_or_default();
            let room = self.room();
            let len = room.len().min(rest.len());
            if len == 0 {
                break;
            }
            if let (Some(room), Some(rest)) = (room.get_mut(..len), rest.get(..len)) {
                room.copy_from_slice(rest);
            }
            self.push(len);
            copied += len;
        }
        copied
    }

    /// The memory behind the last piece, for records as they came.
    pub(super) fn raw(&mut self) -> &mut [u8] {
        let end = self.end;
        self.bytes.get_mut(end..).unwrap_or_default()
    }

    /// A record of this size was opened at the front of [`Self::raw`]; its data is a piece.
    pub(super) fn push_record(&mut self, size: usize, data: usize) {
        if data > 0 {
            let start = self.end + HEADER;
            self.pieces.push(start..start + data);
        }
        self.end += size;
    }
}

/// A part of what leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// Bytes of the batch, as they are. Never overlaps another, and comes in the order of the batch.
    Range(Range<usize>),
    /// A header that was not in the batch.
    Header(HeaderBytes),
    /// Bytes of our own.
    Own(Vec<u8>),
}

/// Parts in their order; neighbouring ranges are one.
#[derive(Debug, Default)]
pub struct Cuts(Vec<Cut>);

impl Cuts {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The parts.
    #[must_use]
    pub fn as_slice(&self) -> &[Cut] {
        &self.0
    }

    /// Adds bytes of the batch.
    pub fn range(&mut self, range: Range<usize>) {
        if let Some(Cut::Range(last)) = self.0.last_mut()
            && last.end == range.start
        {
            last.end = range.end;
        } else if !range.is_empty() {
            self.0.push(Cut::Range(range));
        }
    }

    /// Adds a header.
    pub fn header(&mut self, header: HeaderBytes) {
        self.0.push(Cut::Header(header));
    }

    /// Adds bytes of our own.
    pub fn own(&mut self, bytes: Vec<u8>) {
        self.0.push(Cut::Own(bytes));
    }
}

impl Cut {
    /// The bytes, `batch` being what ranges mean.
    #[must_use]
    pub fn of<'b>(&'b self, batch: &'b [u8]) -> &'b [u8] {
        match self {
            Self::Range(range) => batch.get(range.clone()).unwrap_or_default(),
            Self::Header(header) => header.as_slice(),
            Self::Own(own) => own,
        }
    }
}
