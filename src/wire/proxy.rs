//! PROXY protocol, versions 1 and 2: what a balancer says of a connection before the client's first byte.
//!
//! Owns both formats, byte by byte and over any chunking, and never takes a byte behind the header. Keeps the addresses
//! alone: extensions (TLVs) are passed over by their lengths, checksums among them, which a receiver need not know.
//! Whether the header is believed is not decided here. Specification: HAProxy, "The PROXY protocol", sections 2.1 and 2.2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const V1: &[u8] = b"PROXY ";
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, with its end (section 2.1).
const LONGEST_LINE: usize = 107;
/// Bytes of two UNIX socket addresses (section 2.2).
const UNIX_ADDRESSES: u16 = 216;

/// Which versions are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// The line of text.
    V1,
    /// The binary block.
    V2,
    /// Either.
    Any,
}

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A client's; an IPv4 address is never written as IPv6.
    Client(IpAddr),
    /// The balancer's own, such as a health check (LOCAL), or one without an internet address (UNKNOWN, UNSPEC, UNIX).
    /// The specification has the addresses of the connection itself count.
    Balancer,
}

/// How far a header has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Every byte belonged to it and more must come.
    More,
    /// It ended after so many of these bytes.
    Done {
        /// How many of the bytes are its own.
        taken: usize,
        /// What it says.
        whose: Whose,
    },
}

/// Why it is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Other bytes.
    #[error("the connection does not begin with a PROXY header of a version that is listened for")]
    Absent,
    /// Version 1 without an end.
    #[error("the line of PROXY version 1 is longer than 107 bytes")]
    LongLine,
    /// Version 1 that says nothing known.
    #[error("the line of PROXY version 1 is not \"PROXY TCP4|TCP6 source destination port port\" or \"PROXY UNKNOWN\"")]
    Line,
    /// Version 2 with a number that the specification leaves out.
    #[error("version, command, family or transport of the PROXY version 2 header is not one of the specification")]
    Unassigned,
    /// Version 2 whose parts do not add up.
    #[error("the length of the PROXY version 2 header does not hold its addresses and extensions")]
    Length,
}

/// Reads one header.
#[derive(Debug)]
pub struct Reader {
    versions: Versions,
    /// The line; or the fixed part of version 2 and the addresses that count.
    head: Vec<u8>,
    extensions: Option<Extensions>,
}

impl Reader {
    /// Listens for these versions.
    #[must_use]
    pub const fn new(versions: Versions) -> Self {
        Self { versions, head: Vec::new(), extensions: None }
    }

    /// Takes what came next.
    ///
    /// # Errors
    /// The bytes so far cannot become a header any more; nothing may be pushed after that or after its end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, Malformed> {
        for (at, byte) in bytes.iter().enumerate() {
            if let Some(whose) = self.byte(*byte)? {
                return Ok(Progress::Done { taken: at + 1, whose });
            }
        }
        Ok(Progress::More)
    }

    fn byte(&mut self, byte: u8) -> Result<Option<Whose>, Malformed> {
        if let Some(extensions) = &mut self.extensions {
            return extensions.byte(byte);
        }
        self.head.push(byte);
        if self.versions != Versions::V2 && begins(&self.head, V1) {
            line(&self.head)
        } else if self.versions != Versions::V1 && begins(&self.head, V2) {
            self.block()
        } else {
            Err(Malformed::Absent)
        }
    }

    fn block(&mut self) -> Result<Option<Whose>, Malformed> {
        let Some((fixed, addresses)) = self.head.split_first_chunk::<16>() else { return Ok(None) };
        let [.., command, family, high, low] = *fixed;
        let length = u16::from_be_bytes([high, low]);
        let (addressed, whose) = match what(command, family)? {
            // The whole block is to be passed over, whatever is in it.
            What::Nothing => (length, Some(Whose::Balancer)),
            What::Unix => (UNIX_ADDRESSES, Some(Whose::Balancer)),
            What::V4 => (12, addresses.first_chunk::<4>().map(|source| client(IpAddr::from(*source)))),
            What::V6 => (36, addresses.first_chunk::<16>().map(|source| client(IpAddr::from(*source)))),
        };
        let left = length.checked_sub(addressed).ok_or(Malformed::Length)?;
        let Some(whose) = whose else { return Ok(None) };
        // Of the addresses, what has been read is the part that counts.
        let unread = addressed.saturating_sub(u16::try_from(addresses.len()).unwrap_or(u16::MAX));
        if unread == 0 && left == 0 {
            return Ok(Some(whose));
        }
        self.extensions = Some(Extensions { whose, left: unread + left, skip: unread, head: Vec::new() });
        Ok(None)
    }
}

fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.iter().zip(with).all(|(one, other)| one == other)
}

fn client(ip: IpAddr) -> Whose {
    Whose::Client(ip.to_canonical())
}

/// Version 1, as far as it has come.
fn line(bytes: &[u8]) -> Result<Option<Whose>, Malformed> {
    if bytes.last() != Some(&b'\n') {
        return if bytes.len() < LONGEST_LINE { Ok(None) } else { Err(Malformed::LongLine) };
    }
    let text = bytes.strip_prefix(V1).and_then(|rest| rest.strip_suffix(b"\r\n")).ok_or(Malformed::Line)?;
    // What follows UNKNOWN is to be ignored, so it need not even be text.
    if text == b"UNKNOWN" || text.starts_with(b"UNKNOWN ") {
        return Ok(Some(Whose::Balancer));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::Line)?;
    let words: Vec<&str> = text.split(' ').collect();
    let source = match *words.as_slice() {
        ["TCP4", source, destination, from, to] if are_ports(from, to) => pair::<Ipv4Addr>(source, destination),
        ["TCP6", source, destination, from, to] if are_ports(from, to) => pair::<Ipv6Addr>(source, destination),
        _ => None,
    };
    source.map(|ip| Some(client(ip))).ok_or(Malformed::Line)
}

/// The source, where both are addresses of the family.
fn pair<A: std::str::FromStr + Into<IpAddr>>(source: &str, destination: &str) -> Option<IpAddr> {
    destination.parse::<A>().ok()?;
    source.parse::<A>().ok().map(Into::into)
}

fn are_ports(from: &str, to: &str) -> bool {
    [from, to].iter().all(|port| {
        let written = port.bytes().all(|byte| byte.is_ascii_digit()) && (*port == "0" || !port.starts_with('0'));
        written && port.parse::<u16>().is_ok()
    })
}

/// What a block of version 2 holds.
enum What {
    Nothing,
    V4,
    V6,
    Unix,
}

fn what(command: u8, family: u8) -> Result<What, Malformed> {
    match (command, family) {
        // Of LOCAL the family does not count.
        (0x20, _) | (0x21, 0x00) => Ok(What::Nothing),
        (0x21, 0x11 | 0x12) => Ok(What::V4),
        (0x21, 0x21 | 0x22) => Ok(What::V6),
        (0x21, 0x31 | 0x32) => Ok(What::Unix),
        _ => Err(Malformed::Unassigned),
    }
}

/// The rest of a block of version 2: what nobody here needs of its addresses, then type, length and value of each
/// extension.
#[derive(Debug)]
struct Extensions {
    whose: Whose,
    /// Bytes of the block that have not come.
    left: u16,
    /// Of these, those that are passed over next.
    skip: u16,
    /// Type and length of the extension that begins.
    head: Vec<u8>,
}

impl Extensions {
    fn byte(&mut self, byte: u8) -> Result<Option<Whose>, Malformed> {
        self.left -= 1;
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.head.push(byte);
            if let [_, high, low] = *self.head.as_slice() {
                self.head.clear();
                self.skip = u16::from_be_bytes([high, low]);
            }
        }
        if self.skip > self.left || (self.left == 0 && !self.head.is_empty()) {
            return Err(Malformed::Length);
        }
        Ok((self.left == 0).then_some(self.whose))
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
