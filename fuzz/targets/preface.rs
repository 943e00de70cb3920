//! What a balancer says before a connection's first byte.

use super::input::{Input, pieces};
use consolegate::wire::proxy::{Malformed, Progress, Reader, Versions, Whose};
use std::net::IpAddr;

const VERSIONS: [Versions; 3] = [Versions::V1, Versions::V2, Versions::Any];
/// The longest header: the fixed part of version 2 and all that its length can say.
const LONGEST: usize = 16 + u16::MAX as usize;

/// Where the header ended and what it said; none: it has not ended.
fn read(versions: Versions, pieces: &[&[u8]]) -> Result<Option<(usize, Whose)>, Malformed> {
    let (mut reader, mut before) = (Reader::new(versions), 0);
    for piece in pieces {
        match reader.push(piece)? {
            Progress::Done { taken, whose } => return Ok(Some((before + taken, whose))),
            Progress::More => before += piece.len(),
        }
    }
    Ok(None)
}

/// A header says the same wherever it is cut, takes no byte behind itself, and cannot go on for ever.
pub fn preface(data: &[u8]) {
    let mut input = Input(data);
    let (versions, seed) = (VERSIONS[usize::from(input.byte()) % 3], input.byte());
    let said = read(versions, &[input.0]);
    assert_eq!(said, read(versions, &pieces(input.0, seed)));
    match said {
        Ok(Some((taken, whose))) => {
            let (header, one_less) = (&input.0[..taken], &input.0[..taken - 1]);
            assert_eq!(read(versions, &[header]), Ok(Some((taken, whose))), "what follows it does not count");
            assert_eq!(read(versions, &[one_less]), Ok(None), "it ends with its last byte");
            assert!(adds_up(header), "{header:?}");
            assert_eq!(whose, client_of(header).map_or(Whose::Balancer, Whose::Client), "{header:?}");
        }
        Ok(None) => assert!(input.0.len() < LONGEST, "a header of {} bytes", input.0.len()),
        Err(_) => {}
    }
}

/// Whom a whole header names, said once more.
fn client_of(header: &[u8]) -> Option<IpAddr> {
    let ip: IpAddr = if header.starts_with(b"PROXY ") {
        let words: Vec<&str> = std::str::from_utf8(header).ok()?.split(' ').collect();
        if words[1].starts_with("UNKNOWN") {
            return None;
        }
        words[2].parse().expect("an address")
    } else {
        match (header[12] & 1, header[13] >> 4) {
            (1, 1) => <[u8; 4]>::try_from(&header[16..20]).expect("4 bytes").into(),
            (1, 2) => <[u8; 16]>::try_from(&header[16..32]).expect("16 bytes").into(),
            _ => return None,
        }
    };
    Some(ip.to_canonical())
}

/// What the specification says of a whole header's length, said once more.
fn adds_up(header: &[u8]) -> bool {
    if header.starts_with(b"PROXY ") {
        return header.ends_with(b"\r\n") && header.len() <= 107;
    }
    let block = &header[16..];
    let addresses = match (header[12] & 1, header[13] >> 4) {
        (1, 1) => 12,
        (1, 2) => 36,
        (1, 3) => 216,
        _ => block.len(),
    };
    let mut extensions = &block[addresses..];
    while let [_, high, low, rest @ ..] = extensions {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(after) = rest.get(length..) else { return false };
        extensions = after;
    }
    extensions.is_empty() && block.len() == usize::from(u16::from_be_bytes([header[14], header[15]]))
}

pub fn seeds() -> Vec<Vec<u8>> {
    let block = |command: u8, family: u8, rest: &[u8]| {
        let length = u16::try_from(rest.len()).expect("a short header").to_be_bytes();
        [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
    };
    let addresses = [10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 1, 187];
    let headers = [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\nGET /".to_vec(),
        b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 443\r\n\x16".to_vec(),
        b"PROXY UNKNOWN whatever\r\n".to_vec(),
        block(0x21, 0x11, &addresses),
        block(0x21, 0x21, &[&[0x20; 36][..], &[0x03, 0, 4, 1, 2, 3, 4, 0x04, 0, 0]].concat()),
        block(0x21, 0x31, &[0; 216]),
        block(0x20, 0, &[]),
    ];
    headers.iter().flat_map(|header| [0, 1, 2].map(|which| [&[which, 6][..], header].concat())).collect()
}
