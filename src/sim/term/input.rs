//! How termproxy reads input, its misreading of split headers included.

use super::BUFFER;
use crate::sim::counters::Ledger;
use crate::sim::record::{Event, Record};
use bytes::{Buf as _, Bytes, BytesMut};
use std::io;

/// Bytes read and not yet understood.
pub(super) struct Input {
    queue: BytesMut,
    /// Bytes of the input message that are still to come.
    remaining: usize,
    size: Option<(u16, u16)>,
}

impl Input {
    /// With what came behind the login line.
    pub(super) const fn new(queue: BytesMut) -> Self {
        Self { queue, remaining: 0, size: None }
    }

    /// Reads as much of a piece as its buffer has room for.
    pub(super) fn fill(&mut self, piece: &mut Bytes) {
        let room = BUFFER.saturating_sub(self.queue.len());
        self.queue.extend_from_slice(&piece.split_to(room.min(piece.len())));
    }

    /// What was typed, recorded with the rest.
    pub(super) fn take(&mut self, record: &Record, ledger: &Ledger, strict: bool) -> io::Result<Vec<u8>> {
        let mut typed = Vec::new();
        self.process(&mut typed, record, ledger, strict)?;
        if !typed.is_empty() {
            record.add(Event::Input(typed.clone()));
        }
        Ok(typed)
    }

    /// The newest size, once.
    pub(super) fn resized(&mut self) -> Option<(u16, u16)> {
        self.size.take()
    }

    /// Handles what is in the queue as termproxy does: a header whose end has not come is thrown away, not waited for.
    fn process(&mut self, typed: &mut Vec<u8>, record: &Record, ledger: &Ledger, strict: bool) -> io::Result<()> {
        let mut split = false;
        while !self.queue.is_empty() {
            if self.remaining > 0 {
                let part = self.queue.split_to(self.remaining.min(self.queue.len()));
                self.remaining -= part.len();
                typed.extend_from_slice(&part);
                continue;
            }
            if !split && split_header(&self.queue) {
                split = true;
                ledger.count(|c| c.split_headers += 1);
                if strict {
                    return Err(io::Error::other("a header came in pieces"));
                }
            }
            // Clients may fill up with signs of life: as many as come together are one event.
            let alive = self.queue.iter().take_while(|byte| **byte == b'2').count();
            if alive > 0 {
                record.add(Event::KeepAlive);
                self.queue.advance(alive);
                continue;
            }
            if self.queue.len() < 2 {
                return Ok(());
            }
            match self.queue.first() {
                Some(b'0') => {
                    self.queue.advance(2);
                    self.remaining = self.number().unwrap_or(0);
                }
                Some(b'1') => {
                    self.queue.advance(2);
                    if let Some(columns) = self.number()
                        && let Some(rows) = self.number()
                    {
                        let [columns, rows] = [columns, rows].map(|size| u16::try_from(size).unwrap_or(u16::MAX));
                        self.size = Some((columns, rows));
                        record.add(Event::Resize { columns, rows });
                    }
                }
                Some(_) | None => self.queue.advance(1),
            }
        }
        Ok(())
    }

    /// A decimal up to the next colon. Without a colon it is none, and a long queue loses twenty bytes at a time.
    fn number(&mut self) -> Option<usize> {
        loop {
            if let Some(colon) = self.queue.iter().position(|byte| *byte == b':') {
                let digits = self.queue.split_to(colon);
                self.queue.advance(1);
                return std::str::from_utf8(&digits).ok()?.parse().ok();
            }
            if self.queue.len() <= 20 {
                return None;
            }
            self.queue.advance(20);
        }
    }
}

/// Whether the queue ends in the middle of a header.
fn split_header(queue: &[u8]) -> bool {
    let wanted = match queue.first() {
        Some(b'0') => 2,
        Some(b'1') => 3,
        _ => return false,
    };
    queue.iter().filter(|byte| **byte == b':').count() < wanted && queue.len() <= 20
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of a series of reads arrives as typed.
    fn typed(pieces: &[&str]) -> (String, u64) {
        let (record, ledger) = (Record::new(), Ledger::new());
        let mut input = Input::new(BytesMut::new());
        let mut typed = Vec::new();
        for piece in pieces {
            input.fill(&mut Bytes::copy_from_slice(piece.as_bytes()));
            typed.extend(input.take(&record, &ledger, false).unwrap());
        }
        (String::from_utf8(typed).unwrap(), ledger.read().split_headers)
    }

    #[test]
    fn sim_19_whole_headers_are_understood_and_split_ones_are_not() {
        assert_eq!(typed(&["0:2:ab0:1:c", "0:3:de", "f2", "1:80:24:0:1:g"]), ("abcdefg".into(), 0));
        assert_eq!(typed(&["0:1"]), (String::new(), 1));
        // What follows is misread, which may look like more split headers.
        assert_ne!(typed(&["0:1", "2:hello world!"]).0, "hello world!");
    }

    #[test]
    fn sim_19_many_small_messages_are_cut_at_the_buffers_edge() {
        let flood = "0:1:x".repeat(1000);
        let (record, ledger) = (Record::new(), Ledger::new());
        let mut input = Input::new(BytesMut::new());
        let mut piece = Bytes::copy_from_slice(flood.as_bytes());
        let mut count = 0;
        while !piece.is_empty() {
            input.fill(&mut piece);
            count += input.take(&record, &ledger, false).unwrap().len();
        }
        // 4096 is one byte into the 820th message.
        assert_eq!((count, ledger.read().split_headers), (1000, 1));
    }
}
