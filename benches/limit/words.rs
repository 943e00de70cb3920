//! What the two ends of a measurement say to each other, so that one node serves every measurement: a client tells it what
//! to do in messages of RFB, which pass a gateway's rules, and peers that know no RFB carry the same bytes.
//!
//! Owns the messages' shapes and the payload that shows a byte that was lost, changed, or came twice.

use std::sync::LazyLock;

/// The largest payload of a data frame: what pveproxy sends at most.
pub const MOST: usize = 128 * 1024;

/// The payload of the answer to a key, by which it is told from data.
pub const ECHO_LEN: usize = 16;

/// Bytes in front of a data frame's payload that hold its number.
pub const NUMBER_LEN: usize = 8;

/// Keys from here on are answered; others are only counted.
const ANSWERED: u32 = 0x8000_0000;

/// What follows the number in every data frame, from its own offset on.
pub static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..MOST).map(|_| next()).collect()
});

/// KeyEvent, and FramebufferUpdateRequest, whose rectangle stands for a size (its place) and a count (its extent).
const KEY: u8 = 4;
const UPDATE_REQUEST: u8 = 3;

/// A message of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Send this many data frames of so many bytes at full speed; what is under way ends.
    Send { bytes: u32, frames: u32 },
    /// From now on send frames of so many bytes at a steady pace; none a second: stop.
    Steady { bytes: u32, a_second: u32 },
    /// A key. Where it is to be answered, the answer holds the account of those before it that were not.
    Key { key: u32 },
    /// A sign of life.
    Nothing,
}

impl Word {
    /// Reads a message off the front of what a client said: the message and its length, none while it is not whole.
    pub fn read(said: &[u8]) -> Result<Option<(Self, usize)>, String> {
        let Some(&kind) = said.first() else { return Ok(None) };
        let len = match kind {
            KEY => 8,
            UPDATE_REQUEST => 10,
            other => return Err(format!("a message of type {other}: bytes were lost or changed on their way")),
        };
        let Some(message) = said.get(..len) else { return Ok(None) };
        let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap());
        let word = match (kind, message[1]) {
            (KEY, _) => Self::Key { key: number(4) },
            // A gateway's own sign of life asks for one pixel of the corner.
            _ if number(2) == 0 => Self::Nothing,
            (_, 0) => Self::Send { bytes: number(2), frames: number(6) },
            (_, _) => Self::Steady { bytes: number(2), a_second: number(6) },
        };
        Ok(Some((word, len)))
    }

    /// Adds the message.
    pub fn put(self, out: &mut Vec<u8>) {
        let request = |out: &mut Vec<u8>, incremental: u8, size: u32, count: u32| {
            out.extend_from_slice(&[UPDATE_REQUEST, incremental]);
            out.extend_from_slice(&size.to_be_bytes());
            out.extend_from_slice(&count.to_be_bytes());
        };
        match self {
            Self::Send { bytes, frames } => request(out, 0, bytes, frames),
            Self::Steady { bytes, a_second } => request(out, 1, bytes, a_second),
            Self::Key { key } => {
                out.extend_from_slice(&[KEY, 1, 0, 0]);
                out.extend_from_slice(&key.to_be_bytes());
            }
            Self::Nothing => {}
        }
    }
}

/// A key that is answered.
pub const fn asking(number: u32) -> u32 {
    ANSWERED | (number % ANSWERED)
}

/// A key that is only counted.
pub const fn silent(number: u32) -> u32 {
    number % ANSWERED
}

/// Whether a key is to be answered.
pub const fn is_asking(key: u32) -> bool {
    key >= ANSWERED
}

/// The keys that were only counted: how many, and a sum of which and in what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    keys: u64,
    sum: u32,
}

impl Account {
    /// One more.
    pub const fn add(&mut self, key: u32) {
        self.keys += 1;
        self.sum = self.sum.wrapping_mul(31).wrapping_add(key);
    }
}

/// The answer to a key.
pub fn echo(key: u32, before: Account) -> [u8; ECHO_LEN] {
    let mut payload = [0; ECHO_LEN];
    payload[..8].copy_from_slice(&before.keys.to_be_bytes());
    payload[8..12].copy_from_slice(&key.to_be_bytes());
    payload[12..].copy_from_slice(&before.sum.to_be_bytes());
    payload
}

/// Reads an answer: the key, and what came before it.
pub fn read_echo(payload: &[u8]) -> (u32, Account) {
    let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
    let keys = u64::from(number(0)) << 32 | u64::from(number(4));
    (number(8), Account { keys, sum: number(12) })
}
