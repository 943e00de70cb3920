//! What comes from the node, checked byte by byte: every frame whole, in order, and with the payload it was sent with.

use crate::frames::{BINARY, CLOSE, Frames, Head, PING, Piece};
use crate::words::{Account, ECHO_LEN, MOST, NUMBER_LEN, PATTERN, read_echo};

/// Follows what the node sends.
#[derive(Debug, Default)]
pub struct Check {
    frames: Frames,
    head: Option<Head>,
    /// The payload of a control frame or an echo; the number in front of a data frame.
    small: Vec<u8>,
    /// Data frames that came, which is the next one's number, and their payload.
    pub data_frames: u64,
    pub data_bytes: u64,
    /// The last answer to a key: the key, and what came before.
    pub echo: Option<(u32, Account)>,
    /// Payloads of pings that wait for their pong.
    pub pings: Vec<Vec<u8>>,
}

impl Check {
    /// Reads on.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let Some(piece) = self.frames.next(&mut bytes) {
            match piece {
                Piece::Head(head) => self.begin(head)?,
                Piece::Data { bytes, at, last } => self.payload(bytes, at, last)?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, head: Head) -> Result<(), String> {
        self.small.clear();
        if head.mask.is_some() || head.len > MOST {
            return Err(format!("a frame that the node never sent: {head:?}"));
        }
        self.head = Some(head);
        match (head.first, head.len) {
            (PING, 0) => self.pings.push(Vec::new()),
            (PING | CLOSE, _) => {}
            (BINARY, ECHO_LEN..) => {}
            _ => return Err(format!("a frame that the node never sent: {head:?}")),
        }
        Ok(())
    }

    fn payload(&mut self, bytes: &[u8], at: usize, last: bool) -> Result<(), String> {
        let Some(head) = self.head else { return Err("payload without a frame".into()) };
        if head.first == BINARY && head.len > ECHO_LEN {
            self.data(bytes, at)?;
        } else {
            self.small.extend_from_slice(bytes);
        }
        if !last {
            return Ok(());
        }
        match (head.first, head.len) {
            (PING, _) => self.pings.push(self.small.clone()),
            (CLOSE, _) => return Err(format!("the relay closed: {}", closed(&self.small))),
            (_, ECHO_LEN) => self.echo = Some(read_echo(&self.small)),
            _ => {
                self.data_frames += 1;
                self.data_bytes += head.len as u64;
            }
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], at: usize) -> Result<(), String> {
        let number = &bytes[..bytes.len().min(NUMBER_LEN.saturating_sub(at))];
        self.small.extend_from_slice(number);
        if !number.is_empty() && self.small.len() == NUMBER_LEN && self.small != self.data_frames.to_be_bytes() {
            return Err(format!("frame {:?} came where {} was due", self.small, self.data_frames));
        }
        let rest = &bytes[number.len()..];
        let from = at + number.len();
        if rest == &PATTERN[from..from + rest.len()] {
            Ok(())
        } else {
            Err(format!("changed bytes near {from} of a frame"))
        }
    }
}

/// A close frame's code and reason, to be read by people.
fn closed(payload: &[u8]) -> String {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => format!("{} {}", u16::from_be_bytes(*code), String::from_utf8_lossy(reason)),
        None => "without a code".to_owned(),
    }
}
