//! Follows frame boundaries over arbitrary chunks without touching payload.
//!
//! Owns the order rules of RFC 6455 (masking 5.1, fragmentation 5.4, control frames 5.5). State lives in the struct, so a
//! chunk may end anywhere and nothing is lost. It decides nothing about forwarding: see `splice`.

use super::websocket::{Header, MAX_HEADER, Opcode, Violation, apply_mask};

/// Who sends the frames that are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A browser: every frame masked.
    Client,
    /// A node: no frame masked.
    Server,
}

/// The next thing in a chunk; `bytes` is how many of it this step used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A data frame begins. Where `bytes` is the header's whole size, the header lies in this chunk.
    Frame {
        /// Its header.
        header: Header,
        /// Bytes of this chunk.
        bytes: usize,
    },
    /// Payload of the data frame.
    Payload {
        /// Bytes of this chunk.
        bytes: usize,
        /// Bytes of the frame's payload that came before: the phase of its mask.
        before: u64,
        /// The frame ends with them.
        end: bool,
    },
    /// A whole control frame, unmasked.
    Control {
        /// What it said.
        control: Control,
        /// Bytes of this chunk.
        bytes: usize,
    },
    /// Nothing to report before more bytes come.
    More {
        /// Bytes of this chunk: all that were left.
        bytes: usize,
    },
}

/// A control frame's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Close, ping or pong.
    pub opcode: Opcode,
    /// Elsewhere, because frames of data come thousands of times as often and must not carry room for it.
    payload: Vec<u8>,
}

impl Control {
    /// The unmasked payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// A walker over one direction of one connection.
#[derive(Debug)]
pub struct Walker {
    sender: Sender,
    max_frame: u64,
    in_message: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Header { seen: [u8; MAX_HEADER], len: u8 },
    Data { header: Header, left: u64 },
    Control { opcode: Opcode, payload: Vec<u8>, mask: Option<[u8; 4]>, left: usize },
}

const BOUNDARY: State = State::Header { seen: [0; MAX_HEADER], len: 0 };

impl Walker {
    /// At a frame boundary; data frames above `max_frame` bytes are refused at their header.
    #[must_use]
    pub const fn new(sender: Sender, max_frame: u64) -> Self {
        Self { sender, max_frame, in_message: false, state: BOUNDARY }
    }

    /// Between two frames, with no byte of a header seen.
    #[must_use]
    pub const fn at_boundary(&self) -> bool {
        matches!(self.state, State::Header { len: 0, .. })
    }

    /// The data frame that is under way, and how much of its payload is still to come.
    #[must_use]
    pub const fn in_frame(&self) -> Option<(Header, u64)> {
        match &self.state {
            State::Data { header, left } => Some((*header, *left)),
            State::Header { .. } | State::Control { .. } => None,
        }
    }

    /// Who sends these frames.
    #[must_use]
    pub const fn sender(&self) -> Sender {
        self.sender
    }

    /// Takes the next step into `chunk`.
    ///
    /// # Errors
    /// What the sender broke; the walker must not be used afterwards.
    pub fn step(&mut self, chunk: &[u8]) -> Result<Step, Violation> {
        match &mut self.state {
            State::Header { .. } => self.step_header(chunk),
            State::Data { header, left } => {
                let before = header.len - *left;
                let bytes = chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= bytes as u64;
                let end = *left == 0;
                if end {
                    self.state = BOUNDARY;
                } else if bytes == 0 {
                    return Ok(Step::More { bytes: 0 });
                }
                Ok(Step::Payload { bytes, before, end })
            }
            State::Control { .. } => Ok(self.step_control(chunk, 0)),
        }
    }

    fn step_header(&mut self, chunk: &[u8]) -> Result<Step, Violation> {
        let State::Header { seen, len } = &mut self.state else { return Ok(Step::More { bytes: 0 }) };
        let before = usize::from(*len);
        let mut joined = *seen;
        let bytes = if before == 0 {
            chunk
        } else {
            for (slot, byte) in joined.iter_mut().skip(before).zip(chunk) {
                *slot = *byte;
            }
            joined.get(..(before + chunk.len()).min(MAX_HEADER)).unwrap_or_default()
        };
        match Header::parse(bytes) {
            Ok(Some((header, size))) => self.begin(header, chunk, size - before),
            Ok(None) => self.keep_partial(bytes, chunk.len()),
            Err(violation) => Err(self.vet(bytes).err().unwrap_or(violation)),
        }
    }

    /// Keeps a header that is not complete; what is already decided is refused at once.
    fn keep_partial(&mut self, bytes: &[u8], fresh: usize) -> Result<Step, Violation> {
        self.vet(bytes)?;
        let mut seen = [0; MAX_HEADER];
        for (slot, byte) in seen.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        self.state = State::Header { seen, len: u8::try_from(bytes.len()).unwrap_or_default() };
        Ok(Step::More { bytes: fresh })
    }

    /// The rules in the order of the bytes that decide them, so that the verdict does not depend on chunking.
    fn vet(&self, bytes: &[u8]) -> Result<(), Violation> {
        let [first, rest @ ..] = bytes else { return Ok(()) };
        Header::parse(&[*first])?;
        self.check_order(first & 0x0F >= 8, first & 0x0F == 0)?;
        let [second, ..] = rest else { return Ok(()) };
        Header::parse(&[*first, *second])?;
        self.check_mask(second & 0x80 != 0)
    }

    fn begin(&mut self, header: Header, chunk: &[u8], bytes: usize) -> Result<Step, Violation> {
        let control = header.opcode.is_control();
        self.check_order(control, header.opcode == Opcode::Continuation)?;
        self.check_mask(header.mask.is_some())?;
        if control {
            let left = usize::try_from(header.len).map_err(|_| Violation::Control)?;
            self.state = State::Control { opcode: header.opcode, payload: Vec::new(), mask: header.mask, left };
            return Ok(self.step_control(chunk.get(bytes..).unwrap_or_default(), bytes));
        }
        if header.len > self.max_frame {
            return Err(Violation::TooBig);
        }
        self.in_message = !header.fin;
        self.state = State::Data { header, left: header.len };
        Ok(Step::Frame { header, bytes })
    }

    fn step_control(&mut self, chunk: &[u8], before: usize) -> Step {
        let State::Control { opcode, payload, mask, left } = &mut self.state else {
            return Step::More { bytes: before };
        };
        let part = chunk.get(..chunk.len().min(*left)).unwrap_or_default();
        payload.extend_from_slice(part);
        *left -= part.len();
        let bytes = before + part.len();
        if *left > 0 {
            return Step::More { bytes };
        }
        let mut control = Control { opcode: *opcode, payload: std::mem::take(payload) };
        if let Some(key) = *mask {
            apply_mask(&mut control.payload, key, 0);
        }
        self.state = BOUNDARY;
        Step::Control { control, bytes }
    }

    fn check_order(&self, control: bool, continuation: bool) -> Result<(), Violation> {
        if control || continuation == self.in_message { Ok(()) } else { Err(Violation::Fragment) }
    }

    fn check_mask(&self, masked: bool) -> Result<(), Violation> {
        match (self.sender, masked) {
            (Sender::Client, true) | (Sender::Server, false) => Ok(()),
            (Sender::Client, false) => Err(Violation::Unmasked),
            (Sender::Server, true) => Err(Violation::Masked),
        }
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
