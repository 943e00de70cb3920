//! What a client says to Proxmox's termproxy: input, sizes, signs of life (protocol reference 7).
//!
//! [`Parser`] follows the messages over chunks that are cut anywhere; a header has a bound, so what it keeps has one too.
//! [`Blocks`] writes them so that termproxy's own reader, which has 4096 bytes of room and throws away a header whose end
//! has not come, does not cut one.

/// The longest input message: as long as the longest frame a browser may send.
pub const MAX_INPUT: u32 = 16 * 1024 * 1024;
/// Columns or rows of the largest terminal.
pub const MAX_SIDE: u16 = 1000;
/// What messages are laid out in; see [`Blocks`].
pub const BLOCK: usize = 16;

/// Digits of a number; more are no number (X04).
const MAX_DIGITS: u8 = 10;
/// A sign of life, which termproxy skips: it fills blocks.
const FILL: u8 = b'2';

/// A terminal's size, each side from 1 to [`MAX_SIDE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// The nearest size a terminal can have.
    #[must_use]
    pub fn clamped(columns: i64, rows: i64) -> Self {
        let side = |cells: i64| u16::try_from(cells.clamp(1, MAX_SIDE.into())).unwrap_or(MAX_SIDE);
        Self { columns: side(columns), rows: side(rows) }
    }
}

/// What no client of termproxy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Not `0`, `1` or `2` (X06).
    #[error("a message of type {0:#04x}")]
    Type(u8),
    /// No colon behind the type.
    #[error("a message without a colon behind its type")]
    Colon,
    /// A number with something else than digits, with none, or with too many.
    #[error("a header whose number is not one of 1 to 10 digits")]
    Number,
    /// An input message above [`MAX_INPUT`].
    #[error("an input message of {0} bytes")]
    Length(i64),
}

/// The next thing in a chunk; `bytes` is how many of it this step used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Input of so many bytes begins; they come as [`Step::Data`].
    Input {
        /// How many.
        len: u32,
        /// Bytes of this chunk.
        bytes: usize,
    },
    /// A part of the input under way: exactly these bytes of the chunk.
    Data {
        /// Bytes of this chunk.
        bytes: usize,
    },
    /// The terminal has another size.
    Resize {
        /// Which.
        size: Size,
        /// Bytes of this chunk.
        bytes: usize,
    },
    /// A sign of life.
    KeepAlive {
        /// Bytes of this chunk.
        bytes: usize,
    },
    /// Nothing to report before more bytes come.
    More {
        /// Bytes of this chunk: all that were left.
        bytes: usize,
    },
}

/// Follows one client's messages.
#[derive(Debug, Default)]
pub struct Parser {
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Type,
    Colon(Kind),
    Number(Kind, Number),
    Input {
        left: u32,
    },
}

/// Whose number comes.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Input,
    Columns,
    Rows { columns: i64 },
}

#[derive(Debug, Default, Clone, Copy)]
struct Number {
    value: i64,
    digits: u8,
    negative: bool,
}

impl Number {
    /// Takes a byte; the number, at its colon. A size may be below zero (X05), a length may not.
    fn take(&mut self, byte: u8, signed: bool) -> Result<Option<i64>, Violation> {
        match byte {
            b'0'..=b'9' if self.digits < MAX_DIGITS => {
                self.digits += 1;
                self.value = self.value * 10 + i64::from(byte - b'0');
                Ok(None)
            }
            b'-' if signed && self.digits == 0 && !self.negative => {
                self.negative = true;
                Ok(None)
            }
            b':' if self.digits > 0 => Ok(Some(if self.negative { -self.value } else { self.value })),
            _ => Err(Violation::Number),
        }
    }
}

impl Parser {
    /// Bytes of the input under way that are still to come.
    #[must_use]
    pub const fn left(&self) -> u32 {
        match self.state {
            State::Input { left } => left,
            State::Type | State::Colon(_) | State::Number(..) => 0,
        }
    }

    /// Takes the next step into `chunk`.
    ///
    /// # Errors
    /// What the client broke; the parser must not be used afterwards.
    pub fn step(&mut self, chunk: &[u8]) -> Result<Step, Violation> {
        if let State::Input { left } = &mut self.state {
            let bytes = chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= u32::try_from(bytes).unwrap_or(*left);
            if *left == 0 {
                self.state = State::Type;
            }
            return Ok(if bytes == 0 { Step::More { bytes } } else { Step::Data { bytes } });
        }
        for (at, byte) in chunk.iter().enumerate() {
            if let Some(step) = self.header(*byte, at + 1)? {
                return Ok(step);
            }
        }
        Ok(Step::More { bytes: chunk.len() })
    }

    /// Takes a byte of a header, the last of `bytes`.
    fn header(&mut self, byte: u8, bytes: usize) -> Result<Option<Step>, Violation> {
        let (next, step) = match self.state {
            State::Type => match byte {
                b'0' => (State::Colon(Kind::Input), None),
                b'1' => (State::Colon(Kind::Columns), None),
                b'2' => (State::Type, Some(Step::KeepAlive { bytes })),
                other => return Err(Violation::Type(other)),
            },
            State::Colon(kind) if byte == b':' => (State::Number(kind, Number::default()), None),
            State::Colon(_) => return Err(Violation::Colon),
            State::Number(kind, mut number) => match number.take(byte, !matches!(kind, Kind::Input))? {
                None => (State::Number(kind, number), None),
                Some(value) => Self::numbered(kind, value, bytes)?,
            },
            State::Input { .. } => (self.state, None),
        };
        self.state = next;
        Ok(step)
    }

    fn numbered(kind: Kind, value: i64, bytes: usize) -> Result<(State, Option<Step>), Violation> {
        match kind {
            Kind::Columns => Ok((State::Number(Kind::Rows { columns: value }, Number::default()), None)),
            Kind::Rows { columns } => {
                Ok((State::Type, Some(Step::Resize { size: Size::clamped(columns, value), bytes })))
            }
            Kind::Input => match u32::try_from(value) {
                Ok(0) => Ok((State::Type, Some(Step::Input { len: 0, bytes }))),
                Ok(len @ ..=MAX_INPUT) => Ok((State::Input { left: len }, Some(Step::Input { len, bytes }))),
                Ok(_) | Err(_) => Err(Violation::Length(value)),
            },
        }
    }
}

/// Writes messages in blocks: each begins one, and what is left of its last block is filled with signs of life.
///
/// termproxy reads up to 4096 bytes and handles what it has; a header of which only a part has come is lost, and what
/// follows is misread. No answer ever says how far it has read. But its buffer's edges lie multiples of 4096 behind the
/// edge of a frame or of an earlier read; where frames too end with a block, all those edges are edges of blocks, and a
/// header, shorter than one, is never across. What remains is a guest that does not read: then termproxy hands over as
/// much as its terminal takes, and its edges may lie anywhere until it has caught up.
#[derive(Debug, Default)]
pub struct Blocks {
    /// Bytes of a message under way that fill no block yet.
    held: Vec<u8>,
}

impl Blocks {
    /// What an earlier chunk left over. `out` ends with a block.
    pub fn resume(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    /// The header of an input message; its bytes follow.
    pub fn input(out: &mut Vec<u8>, len: usize) {
        Self::fill(out);
        out.extend_from_slice(format!("0:{len}:").as_bytes());
    }

    /// A size.
    pub fn resize(out: &mut Vec<u8>, Size { columns, rows }: Size) {
        Self::fill(out);
        out.extend_from_slice(format!("1:{columns}:{rows}:").as_bytes());
    }

    /// Ends what leaves now with a block. `under_way`: the last message is to go on, so it cannot be filled up and its
    /// last bytes wait for the next ones.
    pub fn finish(&mut self, out: &mut Vec<u8>, under_way: bool) {
        if under_way {
            self.held = out.split_off(out.len() / BLOCK * BLOCK);
        } else {
            Self::fill(out);
        }
    }

    fn fill(out: &mut Vec<u8>) {
        out.resize(out.len().next_multiple_of(BLOCK), FILL);
    }
}

#[cfg(test)]
#[path = "term_tests.rs"]
mod tests;
