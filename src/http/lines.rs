//! Line endings of request heads: a line feed without its carriage return never reaches the parser as a line end.
//!
//! Two parsers that disagree on where a head ends are what request smuggling lives on, and hyper's takes a bare line
//! feed. This walks over the bytes before hyper does and turns such a line feed into NUL, which every parser refuses
//! (H17 of the hostile-inputs reference). No request here has a body, so heads follow each other directly; bytes that
//! cannot start a request line are a WebSocket client's first frames and stay as they are.
//!
//! ```text
//! Between ── a byte that can start a method ──▶ Head ── empty line ──▶ Between
//!    └────── any other byte but CR, LF ───────▶ Frames (for good)
//! ```

/// Where in the conversation the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lines {
    /// Before a request.
    #[default]
    Between,
    /// In a head; whether its current line is empty so far.
    Head {
        /// No byte of the line has come yet.
        empty: bool,
        /// The last byte was a carriage return.
        returned: bool,
    },
    /// A carriage return before a request.
    Returned,
    /// No longer HTTP.
    Frames,
}

impl Lines {
    /// Walks over the next bytes of the stream, in whatever pieces they come.
    pub(super) fn walk(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            match self {
                Self::Frames => return,
                Self::Between | Self::Returned => *self = self.before(byte),
                Self::Head { empty, returned } => *self = Self::within(*empty, *returned, byte),
            }
        }
    }

    /// Whether a request has begun and not ended.
    pub(super) const fn is_within(self) -> bool {
        matches!(self, Self::Head { .. })
    }

    fn before(self, byte: &mut u8) -> Self {
        match *byte {
            b'\r' => Self::Returned,
            b'\n' if self == Self::Returned => Self::Between,
            b'\n' => {
                *byte = 0;
                Self::Between
            }
            first if first.is_ascii_graphic() => Self::Head { empty: false, returned: false },
            _ => Self::Frames,
        }
    }

    fn within(empty: bool, returned: bool, byte: &mut u8) -> Self {
        match *byte {
            b'\r' => Self::Head { empty, returned: true },
            b'\n' if returned && empty => Self::Between,
            b'\n' if returned => Self::Head { empty: true, returned: false },
            b'\n' => {
                *byte = 0;
                Self::Head { empty: false, returned: false }
            }
            _ => Self::Head { empty: false, returned: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walked(input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        Lines::default().walk(&mut bytes);
        bytes
    }

    #[test]
    fn h17_bare_line_feeds_become_nul() {
        for (input, expected) in [
            (&b"GET / HTTP/1.1\nHost: a\r\n\r\n"[..], &b"GET / HTTP/1.1\0Host: a\r\n\r\n"[..]),
            (b"GET / HTTP/1.1\r\nHost: a\n\r\n", b"GET / HTTP/1.1\r\nHost: a\0\r\n"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n\n", b"GET / HTTP/1.1\r\nHost: a\r\n\0"),
            (b"\nGET / HTTP/1.1\r\n\r\n", b"\0GET / HTTP/1.1\r\n\r\n"),
            (b"GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1\n\n", b"GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1\0\0"),
        ] {
            assert_eq!(walked(input), expected);
        }
    }

    #[test]
    fn proper_heads_and_the_frames_behind_an_upgrade_stay_as_they_are() {
        for input in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n"[..],
            b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            b"GET /v1/ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x82\x85\n\n\n\nabcde\n",
            b"GET /v1/ws HTTP/1.1\r\n\r\n\x00\n\n",
        ] {
            assert_eq!(walked(input), input);
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(input in proptest::collection::vec(prop::sample::select(&b"\r\nG \x82"[..]), 0..40), cut in 0_usize..40) {
            let mut pieces = input.clone();
            let mut lines = Lines::default();
            let (head, tail) = pieces.split_at_mut(cut.min(input.len()));
            lines.walk(head);
            lines.walk(tail);
            prop_assert_eq!(pieces, walked(&input));
        }
    }
}
