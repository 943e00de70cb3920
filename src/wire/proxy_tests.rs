//! PROXY headers: the examples of the specification, its limits, what it forbids, and any chunking.

use super::*;
use proptest::prelude::*;

fn read(versions: Versions, bytes: &[u8]) -> Result<Progress, Malformed> {
    Reader::new(versions).push(bytes)
}

/// The whole of the bytes is one header.
fn whole(bytes: &[u8]) -> Result<Whose, Malformed> {
    match read(Versions::Any, bytes)? {
        Progress::Done { taken, whose } => {
            assert_eq!(taken, bytes.len());
            Ok(whose)
        }
        Progress::More => panic!("{bytes:02x?} is not enough"),
    }
}

fn client(ip: &str) -> Result<Whose, Malformed> {
    Ok(Whose::Client(ip.parse().unwrap()))
}

/// Version 2 with its length right.
fn block(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap();
    [&V2[..], &[command, family], &length.to_be_bytes(), rest].concat()
}

const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0xc3, 0x50, 0x01, 0xbb];

fn v6() -> Vec<u8> {
    let source: Ipv6Addr = "2001:db8::7".parse().unwrap();
    [&source.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0xc3, 0x50, 0x01, 0xbb]].concat()
}

/// `PP2_TYPE_ALPN` (1) h2, `PP2_TYPE_NOOP` (4) of three bytes, and one of a type for experiments without a value.
const EXTENSIONS: &[u8] = b"\x01\x00\x02h2\x04\x00\x03\0\0\0\xf0\x00\x00";

#[test]
fn the_lines_of_section_2_1_are_read() {
    let longest_v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let v4 = "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
    let v6 = format!("PROXY TCP6 {longest_v6} {longest_v6} 65535 65535\r\n");
    let unknown = format!("PROXY UNKNOWN {longest_v6} {longest_v6} 65535 65535\r\n");
    assert_eq!((v4.len(), v6.len(), unknown.len()), (56, 104, 107), "as the specification counts them");
    assert_eq!(whole(v4.as_bytes()), client("255.255.255.255"));
    assert_eq!(whole(v6.as_bytes()), client(longest_v6));
    assert_eq!(whole(unknown.as_bytes()), Ok(Whose::Balancer));
    assert_eq!(whole(b"PROXY UNKNOWN\r\n"), Ok(Whose::Balancer));
    assert_eq!(whole(b"PROXY UNKNOWN \xff anything\r\n"), Ok(Whose::Balancer));
    assert_eq!(whole(b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), client("192.168.0.1"));
    assert_eq!(whole(b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 0\r\n"), client("192.0.2.7"), "written as what it is");
}

#[test]
fn l06_a_line_that_is_longer_ends_there() {
    let mut long = b"PROXY UNKNOWN ".to_vec();
    long.resize(LONGEST_LINE - 1, b'x');
    assert_eq!(read(Versions::Any, &long), Ok(Progress::More));
    assert_eq!(read(Versions::Any, &[&long[..], b"\r"].concat()), Err(Malformed::LongLine));
    assert_eq!(read(Versions::Any, &[&long[..], b"x\r\n"].concat()), Err(Malformed::LongLine));
}

#[test]
fn lines_that_say_anything_else_are_refused() {
    for bad in [
        "PROXY TCP4 192.0.2.7 10.0.0.1 1 443\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 1 443 9\r\n",
        "PROXY TCP4  192.0.2.7 10.0.0.1 1 443\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 1 443 \r\n",
        "PROXY TCP4 192.0.2.07 10.0.0.1 1 443\r\n",
        "PROXY TCP4 192.0.2.256 10.0.0.1 1 443\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 01 443\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 +1 443\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1  443\r\n",
        "PROXY TCP4 ::1 ::1 1 443\r\n",
        "PROXY TCP6 192.0.2.7 10.0.0.1 1 443\r\n",
        "PROXY UDP4 192.0.2.7 10.0.0.1 1 443\r\n",
        "PROXY tcp4 192.0.2.7 10.0.0.1 1 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY \r\n",
    ] {
        assert_eq!(whole(bad.as_bytes()), Err(Malformed::Line), "{bad:?}");
    }
    for absent in ["GET / HTTP/1.1\r\n", "PROXYS", "proxy TCP4", "\r\n\r\n\0\r\nQUIX", "\x16\x03\x01"] {
        assert_eq!(read(Versions::Any, absent.as_bytes()), Err(Malformed::Absent), "{absent:?}");
    }
}

#[test]
fn the_blocks_of_section_2_2_are_read() {
    let literal = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21\x11\x00\x0c\xc0\x00\x02\x07\x0a\x00\x00\x01\xc3\x50\x01\xbb";
    assert_eq!(whole(literal), client("192.0.2.7"));
    assert_eq!(block(0x21, 0x11, &V4), literal);
    assert_eq!(whole(&block(0x21, 0x12, &V4)), client("192.0.2.7"));
    assert_eq!(whole(&block(0x21, 0x21, &v6())), client("2001:db8::7"));
    assert_eq!(whole(&block(0x21, 0x31, &[0; 216])), Ok(Whose::Balancer));
}

#[test]
fn l05_extensions_are_passed_over_by_their_lengths() {
    for (family, addresses, expected) in [
        (0x11, V4.to_vec(), client("192.0.2.7")),
        (0x21, v6(), client("2001:db8::7")),
        (0x31, vec![b'/'; 216], Ok(Whose::Balancer)),
    ] {
        assert_eq!(whole(&block(0x21, family, &[&addresses[..], EXTENSIONS].concat())), expected);
        for cut in 1..EXTENSIONS.len() {
            let rest = [&addresses[..], &EXTENSIONS[..cut]].concat();
            let ends = cut == 5 || cut == 11;
            assert_eq!(whole(&block(0x21, family, &rest)).is_ok(), ends, "{family:#x} cut at {cut}");
        }
    }
    let largest = [&V4[..], &[0xf0, 0xff, 0xf0], &[0; 0xfff0]].concat();
    assert_eq!(whole(&block(0x21, 0x11, &largest)), client("192.0.2.7"));
}

#[test]
fn l05_local_and_unspec_are_the_balancers_own_whatever_they_hold() {
    for (command, family) in [(0x20, 0x00), (0x20, 0x11), (0x20, 0xff), (0x21, 0x00)] {
        for rest in [&b""[..], b"x", &V4, &[0xff; 300]] {
            assert_eq!(whole(&block(command, family, rest)), Ok(Whose::Balancer), "{command:#x} {family:#x}");
        }
    }
}

#[test]
fn l05_lengths_and_numbers_that_the_specification_does_not_have_are_refused() {
    for (family, most) in [(0x11, 11), (0x12, 11), (0x21, 35), (0x22, 35), (0x31, 215), (0x32, 215)] {
        for length in [0, 1, most] {
            assert_eq!(whole(&block(0x21, family, &vec![0; length])), Err(Malformed::Length), "{family:#x} {length}");
        }
    }
    for (command, family) in [(0x22, 0x11), (0x11, 0x11), (0x31, 0x11), (0x21, 0x10), (0x21, 0x13), (0x21, 0x41)] {
        assert_eq!(whole(&block(command, family, &V4)), Err(Malformed::Unassigned), "{command:#x} {family:#x}");
    }
}

#[test]
fn only_the_versions_that_are_listened_for_are_understood() {
    let (v1, v2) = (b"PROXY UNKNOWN\r\n".to_vec(), block(0x20, 0, b""));
    for (versions, text, binary) in
        [(Versions::V1, true, false), (Versions::V2, false, true), (Versions::Any, true, true)]
    {
        assert_eq!(read(versions, &v1).is_ok(), text, "{versions:?}");
        assert_eq!(read(versions, &v2).is_ok(), binary, "{versions:?}");
    }
    assert_eq!(read(Versions::V1, b"\r"), Err(Malformed::Absent), "at the first byte");
    assert_eq!(read(Versions::V2, b"P"), Err(Malformed::Absent));
}

/// Chunk by chunk: how many bytes were taken in all, and what came out.
fn chunked(bytes: &[u8], chunk: impl Fn(usize) -> usize) -> Result<(usize, Option<Whose>), Malformed> {
    let (mut reader, mut at) = (Reader::new(Versions::Any), 0);
    while at < bytes.len() {
        let next = bytes.len().min(at + chunk(at).max(1));
        match reader.push(&bytes[at..next])? {
            Progress::More => at = next,
            Progress::Done { taken, whose } => return Ok((at + taken, Some(whose))),
        }
    }
    Ok((at, None))
}

fn headers() -> impl Strategy<Value = Vec<u8>> {
    let extensions = prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..6);
    let rest = extensions.prop_map(|list| {
        let each = |(kind, value): (u8, Vec<u8>)| {
            [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), &value].concat()
        };
        list.into_iter().flat_map(each).collect::<Vec<u8>>()
    });
    prop_oneof![
        (any::<[u8; 4]>(), any::<[u8; 4]>(), any::<u16>(), any::<u16>()).prop_map(|(from, to, source, port)| {
            format!("PROXY TCP4 {} {} {source} {port}\r\n", Ipv4Addr::from(from), Ipv4Addr::from(to)).into_bytes()
        }),
        (any::<[u8; 16]>(), any::<u16>()).prop_map(|(from, port)| {
            format!("PROXY TCP6 {} ::1 {port} {port}\r\n", Ipv6Addr::from(from)).into_bytes()
        }),
        (any::<[u8; 12]>(), rest.clone()).prop_map(|(addresses, rest)| block(
            0x21,
            0x11,
            &[&addresses[..], &rest].concat()
        )),
        (any::<[u8; 16]>(), any::<[u8; 20]>(), rest).prop_map(|(one, other, rest)| block(
            0x21,
            0x21,
            &[&one[..], &other, &rest].concat()
        )),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|rest| block(0x20, 0, &rest)),
    ]
}

proptest! {
    #[test]
    fn whatever_the_chunks_the_header_is_the_same_and_nothing_behind_it_is_taken(
        header in headers(),
        behind in prop::collection::vec(any::<u8>(), 0..50),
        sizes in prop::collection::vec(1usize..70, 1..20),
    ) {
        let all = [&header[..], &behind].concat();
        let (taken, whose) = chunked(&all, |at| sizes[at % sizes.len()]).unwrap();
        prop_assert_eq!(taken, header.len());
        prop_assert_eq!(whose.unwrap(), whole(&header).unwrap());
    }

    #[test]
    fn no_bytes_do_harm_and_chunks_change_no_verdict(
        start in prop_oneof![Just(V1.to_vec()), Just(V2.to_vec()), Just([&V2[..], &[0x21, 0x11, 0]].concat())],
        rest in prop::collection::vec(any::<u8>(), 0..200),
        size in 1usize..9,
    ) {
        let all = [start, rest].concat();
        prop_assert_eq!(chunked(&all, |_| size), chunked(&all, |_| all.len()));
    }
}
