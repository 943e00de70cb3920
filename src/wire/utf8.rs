//! UTF-8 as it arrives (RFC 3629 section 4): says at the first byte that cannot be part of it. Holds no text.

/// A byte that no text can have at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8;

/// Where in a character a text stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8 {
    /// Bytes the character still needs.
    left: u8,
    /// What the next of them may be.
    next: (u8, u8),
}

impl Utf8 {
    /// Reads on.
    ///
    /// # Errors
    /// A byte that cannot come here: a surrogate, an overlong form, a number above U+10FFFF, a stray or missing tail.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), NotUtf8> {
        bytes.iter().try_for_each(|byte| self.step(*byte))
    }

    /// The text may end here.
    #[must_use]
    pub const fn whole(&self) -> bool {
        self.left == 0
    }

    fn step(&mut self, byte: u8) -> Result<(), NotUtf8> {
        const TAIL: (u8, u8) = (0x80, 0xBF);
        if self.left > 0 {
            if !(self.next.0..=self.next.1).contains(&byte) {
                return Err(NotUtf8);
            }
            self.left -= 1;
            self.next = TAIL;
            return Ok(());
        }
        (self.left, self.next) = match byte {
            0x00..=0x7F => (0, TAIL),
            0xC2..=0xDF => (1, TAIL),
            0xE0 => (2, (0xA0, 0xBF)),
            0xE1..=0xEC | 0xEE..=0xEF => (2, TAIL),
            0xED => (2, (0x80, 0x9F)),
            0xF0 => (3, (0x90, 0xBF)),
            0xF1..=0xF3 => (3, TAIL),
            0xF4 => (3, (0x80, 0x8F)),
            _ => return Err(NotUtf8),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict(pieces: &[&[u8]]) -> Result<bool, NotUtf8> {
        let mut text = Utf8::default();
        for piece in pieces {
            text.feed(piece)?;
        }
        Ok(text.whole())
    }

    #[test]
    fn a_wrong_byte_is_told_at_once() {
        for wrong in
            [&b"\x80"[..], b"\xC0", b"\xC1", b"\xE0\x9F", b"\xED\xA0", b"\xF0\x8F", b"\xF4\x90", b"\xF5", b"\xC3("]
        {
            assert_eq!(verdict(&[wrong]), Err(NotUtf8), "{}", wrong.escape_ascii());
        }
        assert_eq!(verdict(&[b"\xF0\x9F", b"\x98"]), Ok(false));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_standard_library(bytes in prop::collection::vec(prop_oneof![
            any::<u8>(), 0xC0..=0xF5_u8, 0x80..=0xBF_u8,
        ], 0..12), cut in 0..12_usize) {
            let cut = cut.min(bytes.len());
            let said = verdict(&[&bytes[..cut], &bytes[cut..]]);
            let expected = match std::str::from_utf8(&bytes) {
                Ok(_) => Ok(true),
                Err(error) if error.error_len().is_none() => Ok(false),
                Err(_) => Err(NotUtf8),
            };
            prop_assert_eq!(said, expected);
        }
    }
}
