//! What a viewer says after its handshake (RFC 6143 section 7.5 and the extensions of the community): each message's kind
//! and length, told from its first bytes, over a stream that is cut anywhere.
//!
//! Owns where messages begin and end. Never keeps a message: of one under way it knows at most its first bytes and how
//! much is to come.

/// First bytes from which the length of any message can be told.
pub const MOST_HEAD: usize = 9;

/// The most bytes a fence may carry; more is not answered by anybody.
const MOST_FENCE: u8 = 64;

/// An incremental update request for one pixel: it asks for nothing a viewer has not asked for, and it is traffic.
pub const SMALLEST_REQUEST: [u8; 10] = [3, 1, 0, 0, 0, 0, 0, 1, 0, 1];

/// Pseudo-encoding of SetEncodings: pointer messages with more than eight buttons, which are a byte longer.
pub const EXTENDED_MOUSE_BUTTONS: i32 = -316;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SetPixelFormat (0).
    PixelFormat {
        /// Bits per pixel.
        bits: u8,
    },
    /// SetEncodings (2).
    Encodings {
        /// How many.
        count: u16,
    },
    /// FramebufferUpdateRequest (3).
    UpdateRequest,
    /// KeyEvent (4).
    Key,
    /// PointerEvent (5).
    Pointer,
    /// ClientCutText (6), Latin-1 or extended.
    CutText,
    /// EnableContinuousUpdates (150).
    ContinuousUpdates,
    /// Fence (248).
    Fence,
    /// xvp (250): shut down, reboot, reset.
    Power,
    /// SetDesktopSize (251).
    DesktopSize,
    /// gii (253): input devices of any kind.
    Gii,
    /// QEMU's extended key event (255, 0).
    QemuKey,
    /// QEMU's audio switch and format (255, 1).
    QemuAudio,
}

/// A message, as its first bytes tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// Its bytes, from the type on.
    pub len: u64,
}

/// A message whose length nobody knows: what follows it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

/// Tells a message from its first bytes; none while they are too few. `long_pointer`: ExtendedMouseButtons is in use, so
/// bit 7 of a pointer's buttons means one more byte.
///
/// # Errors
/// A type or form that has no known length. More bytes never change an answer.
pub fn measure(head: &[u8], long_pointer: bool) -> Result<Option<Message>, Unknown> {
    let found = |kind, len| Ok(Some(Message { kind, len }));
    match *head {
        [0, _, _, _, bits, ..] => found(Kind::PixelFormat { bits }, 20),
        [2, _, high, low, ..] => {
            let count = u16::from_be_bytes([high, low]);
            found(Kind::Encodings { count }, 4 + 4 * u64::from(count))
        }
        [3, ..] => found(Kind::UpdateRequest, 10),
        [4, ..] => found(Kind::Key, 8),
        [5, ..] if !long_pointer => found(Kind::Pointer, 6),
        [5, buttons, ..] => found(Kind::Pointer, 6 + u64::from(buttons >> 7)),
        [6, _, _, _, a, b, c, d, ..] => {
            // Negative: an extended clipboard message of that many bytes.
            let text = i32::from_be_bytes([a, b, c, d]).unsigned_abs();
            found(Kind::CutText, 8 + u64::from(text))
        }
        [150, ..] => found(Kind::ContinuousUpdates, 10),
        [248, _, _, _, _, _, _, _, data, ..] if data <= MOST_FENCE => found(Kind::Fence, 9 + u64::from(data)),
        [250, ..] => found(Kind::Power, 4),
        [251, _, _, _, _, _, screens, ..] => found(Kind::DesktopSize, 8 + 16 * u64::from(screens)),
        [253, order, first, second, ..] => {
            // Its own byte order: bit 7 says which.
            let body = if order & 0x80 == 0 { [second, first] } else { [first, second] };
            found(Kind::Gii, 4 + u64::from(u16::from_be_bytes(body)))
        }
        [255, 0, ..] => found(Kind::QemuKey, 12),
        [255, 1, 0, 0 | 1, ..] => found(Kind::QemuAudio, 4),
        [255, 1, 0, 2, ..] => found(Kind::QemuAudio, 10),
        [] | [0 | 2 | 6 | 251 | 253, ..] | [5] | [255] | [255, 1] | [255, 1, 0] => Ok(None),
        [248, ..] if head.len() < MOST_HEAD => Ok(None),
        _ => Err(Unknown),
    }
}

/// The first bytes of a message, as many as told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    bytes: [u8; MOST_HEAD],
    len: u8,
}

impl Head {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(usize::from(self.len)) {
            *slot = byte;
            self.len += 1;
        }
    }
}

/// The next thing in a piece of the stream; `bytes` is how many of it this step used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A message began. Its first bytes may have come before this piece.
    Begin {
        /// What it is.
        message: Message,
        /// Its first bytes.
        head: Head,
        /// Bytes of this piece.
        bytes: usize,
    },
    /// More of the message.
    Body {
        /// Bytes of this piece.
        bytes: usize,
    },
    /// Too little to tell the next message; all that was left of the piece.
    More,
}

/// Follows the messages of a stream.
#[derive(Debug, Default)]
pub struct Messages {
    head: Head,
    /// Bytes of the message under way that are to come.
    left: u64,
    long_pointer: bool,
}

impl Messages {
    /// Between two messages, with no byte of the next one seen.
    #[must_use]
    pub const fn at_boundary(&self) -> bool {
        self.left == 0 && self.head.len == 0
    }

    /// Inside a message whose beginning was told.
    #[must_use]
    pub const fn in_body(&self) -> bool {
        self.left > 0
    }

    /// From the next message on, bit 7 of a pointer's buttons does or does not mean one more byte.
    pub const fn long_pointer(&mut self, long: bool) {
        self.long_pointer = long;
    }

    /// Takes the next step into a piece of the stream that is not empty.
    ///
    /// # Errors
    /// A message without a known length; nothing after it can be followed.
    pub fn step(&mut self, piece: &[u8]) -> Result<Step, Unknown> {
        if self.left > 0 {
            let bytes = piece.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= bytes as u64;
            return Ok(Step::Body { bytes });
        }
        for (at, byte) in piece.iter().enumerate() {
            self.head.push(*byte);
            if let Some(message) = measure(self.head.as_slice(), self.long_pointer)? {
                let head = std::mem::take(&mut self.head);
                self.left = message.len - u64::from(head.len);
                return Ok(Step::Begin { message, head, bytes: at + 1 });
            }
        }
        Ok(Step::More)
    }
}

#[cfg(test)]
#[path = "rfb_client_tests.rs"]
mod tests;
