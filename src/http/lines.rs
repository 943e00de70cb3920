//! Line endings of request heads: a line feed without its carriage return never reaches the parser as a line end.
//!
//! Two parsers that disagree on where a head ends are what request smuggling lives on, and hyper's takes a bare line
//! feed. This walks over the bytes before hyper does and turns such a line feed into NUL, which every parser refuses
//! (H17 of the hostile-inputs reference). A body has the length that its head says, and stays as it is; bytes that cannot
//! start a request line are a WebSocket client's first frames and stay as they are too.
//!
//! ```text
//! Between ── a byte that can start a method ──▶ Head ── empty line ──▶ Body (if any) ──▶ Between
//!    └────── any other byte but CR, LF ───────▶ Frames (for good)
//! ```

/// Where in the conversation the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lines {
    /// Before a request.
    #[default]
    Between,
    /// In a head.
    Head(Head),
    /// In a body with so many bytes to come, which are nobody's line ends.
    Body(usize),
    /// A carriage return before a request.
    Returned,
    /// No longer HTTP.
    Frames,
}

/// What is known of a head so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// No byte of the current line has come yet.
    empty: bool,
    /// The last byte was a carriage return.
    returned: bool,
    field: Field,
    /// Of the body behind it, once a line has said so. A second such line becomes NUL too, even if it says the same:
    /// whose length counts must not depend on who reads. Anything but digits ends the connection where it is parsed.
    length: Option<usize>,
}

/// What is known of the current line of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// So far it is this much of [`LENGTH`].
    Name(usize),
    /// The body's length comes.
    Length,
    Other,
}

/// The one field that says where a request ends.
const LENGTH: &[u8] = b"content-length:";

impl Lines {
    /// Walks over the next bytes of the stream, in whatever pieces they come.
    pub(super) fn walk(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *self = match *self {
                Self::Frames => return,
                Self::Between | Self::Returned => self.before(byte),
                Self::Head(head) => head.walk(byte),
                Self::Body(1) => Self::Between,
                Self::Body(left) => Self::Body(left.saturating_sub(1)),
            }
        }
    }

    /// Whether a head has begun and not ended.
    pub(super) const fn is_within(self) -> bool {
        matches!(self, Self::Head(_))
    }

    fn before(self, byte: &mut u8) -> Self {
        match *byte {
            b'\r' => Self::Returned,
            b'\n' if self == Self::Returned => Self::Between,
            b'\n' => {
                *byte = 0;
                Self::Between
            }
            first if first.is_ascii_graphic() => {
                Self::Head(Head { empty: false, returned: false, field: Field::Other, length: None })
            }
            _ => Self::Frames,
        }
    }
}

impl Head {
    fn walk(self, byte: &mut u8) -> Lines {
        Lines::Head(match *byte {
            b'\r' => Self { returned: true, ..self },
            b'\n' if self.returned && self.empty => {
                return self.length.filter(|length| *length > 0).map_or(Lines::Between, Lines::Body);
            }
            b'\n' if self.returned => Self { empty: true, returned: false, field: Field::Name(0), ..self },
            b'\n' => {
                *byte = 0;
                Self { empty: false, returned: false, field: Field::Other, ..self }
            }
            _ => Self { empty: false, returned: false, ..self.field(byte) },
        })
    }

    fn field(self, byte: &mut u8) -> Self {
        match (self.field, *byte) {
            (Field::Name(at), b':') if at + 1 == LENGTH.len() => {
                if self.length.is_some() {
                    *byte = 0;
                }
                Self { field: Field::Length, length: Some(0), ..self }
            }
            (Field::Name(at), letter) if LENGTH.get(at) == Some(&letter.to_ascii_lowercase()) => {
                Self { field: Field::Name(at + 1), ..self }
            }
            (Field::Length, b' ' | b'\t') => self,
            (Field::Length, digit @ b'0'..=b'9') => {
                let length = self.length.unwrap_or_default().saturating_mul(10);
                Self { length: Some(length.saturating_add(usize::from(digit - b'0'))), ..self }
            }
            _ => Self { field: Field::Other, ..self },
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
    fn h12_a_body_stays_as_it_is_and_the_head_behind_it_is_walked() {
        for head in ["Content-Length: 5", "content-LENGTH:5", "A: b\r\ncontent-length:\t 05 \r\nC: d"] {
            let text =
                |end: &str| format!("POST / HTTP/1.1\r\n{head}\r\n\r\n{{\n\n\n}}GET / HTTP/1.1{end}A: b\r\n\r\n");
            assert_eq!(walked(text("\r\n").as_bytes()), text("\r\n").as_bytes(), "{head}");
            assert_eq!(walked(text("\n").as_bytes()), text("\0").as_bytes(), "{head}");
        }
        for head in [
            "X-Content-Length: 5",
            "Content-Lengths: 5",
            "Content-Length : 5",
            "A: content-length: 5",
            "Content-Length: 0",
        ] {
            let text = |feed: &str| format!("POST / HTTP/1.1\r\n{head}\r\n\r\nab{feed}de");
            assert_eq!(walked(text("\n").as_bytes()), text("\0").as_bytes(), "{head}");
        }
    }

    #[test]
    fn h12_a_length_is_said_once() {
        for (second, nul) in [("Content-Length: 5", "Content-Length\0 5"), ("content-length: 0", "content-length\0 0")]
        {
            let text = |line: &str| format!("POST / HTTP/1.1\r\nContent-Length: 5\r\n{line}\r\n\r\n");
            assert_eq!(walked(text(second).as_bytes()), text(nul).as_bytes());
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
