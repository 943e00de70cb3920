//! A direction over random frames and random cuts: what leaves is the same bytes under headers that pveproxy takes.

use super::*;
use crate::id::Right;
use crate::record::Cut;
use crate::wire::websocket::frame;
use proptest::prelude::*;

impl Direction {
    /// Follows a chunk that is one piece.
    pub(in super::super) fn feed_whole(
        &mut self,
        chunk: &mut [u8],
        own: &mut Vec<u8>,
        cuts: &mut Cuts,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let all = 0..chunk.len();
        self.feed((chunk, std::slice::from_ref(&all)), own, cuts, seen, Instant::now())
    }
}

/// Feeds chunks cut at the given places and joins what leaves.
fn run(from: Sender, bytes: &[u8], cuts_at: &[usize]) -> (Vec<u8>, Option<Reason>) {
    match from {
        Sender::Client => run_with(Guard::Open, bytes, cuts_at),
        Sender::Server => feed(Direction::down(Walker::new(from, MAX_NODE_FRAME)), bytes, cuts_at),
    }
}

/// The same for what a browser says under a guard.
fn run_with(guard: Guard, bytes: &[u8], cuts_at: &[usize]) -> (Vec<u8>, Option<Reason>) {
    feed(Direction::up(Walker::new(Sender::Client, MAX_CLIENT_FRAME), true, guard), bytes, cuts_at)
}

fn feed(mut direction: Direction, bytes: &[u8], cuts_at: &[usize]) -> (Vec<u8>, Option<Reason>) {
    let mut out = Vec::new();
    let mut ends: Vec<usize> = cuts_at.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    for end in ends {
        let mut chunk = bytes[start..end].to_vec();
        let mut cuts = Cuts::default();
        let mut seen = Seen::default();
        let verdict = direction.feed_whole(&mut chunk, &mut Vec::new(), &mut cuts, &mut seen);
        for cut in cuts.as_slice() {
            out.extend_from_slice(cut.of(&chunk));
        }
        if let Err(failure) = verdict {
            return (out, Some(failure.reason));
        }
        if seen.close.is_some() {
            break;
        }
        start = end;
    }
    (out, None)
}

/// Payload of all data frames, unmasked, and every header that was seen; whole frames only.
fn read_back(mut bytes: &[u8]) -> (Vec<u8>, Vec<Header>) {
    let (mut payload, mut headers) = (Vec::new(), Vec::new());
    while let Ok(Some((header, size))) = Header::parse(bytes) {
        let end = size + header.len as usize;
        let mut body = bytes[size..end.min(bytes.len())].to_vec();
        if let Some(key) = header.mask {
            apply_mask(&mut body, key, 0);
        }
        if !header.opcode.is_control() {
            payload.extend(body);
            headers.push(header);
        }
        bytes = &bytes[end.min(bytes.len())..];
    }
    (payload, headers)
}

fn fragment(opcode: Opcode, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(opcode, Some(key), payload);
    bytes[0] &= 0x7F;
    bytes
}

fn client_frames() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..600),
        1 => (120_000..400_000_usize).prop_map(|len| (0..len).map(|i| (i * 31 % 251) as u8).collect()),
    ];
    (0..4_usize, any::<[u8; 4]>(), payload).prop_map(|(kind, key, mut payload)| {
        if kind % 2 == 1 {
            // Text is text.
            payload.iter_mut().for_each(|byte| *byte &= 0x7F);
        }
        match kind {
            0 => frame(Opcode::Binary, Some(key), &payload),
            1 => frame(Opcode::Text, Some(key), &payload),
            2 => frame(Opcode::Ping, Some(key), &payload[..payload.len().min(125)]),
            _ => {
                let middle = payload.len() / 2;
                [
                    fragment(Opcode::Text, key, &payload[..middle]),
                    frame(Opcode::Ping, Some(key), b"x"),
                    frame(Opcode::Continuation, Some(key), &payload[middle..]),
                ]
                .concat()
            }
        }
    })
}

#[test]
fn text_that_is_not_utf8_ends_at_the_byte_that_shows_it_whatever_the_fragments() {
    let key = [1, 2, 3, 4];
    let whole = |text: &[u8]| frame(Opcode::Text, Some(key), text);
    let split = |text: &[u8], at: usize| {
        [fragment(Opcode::Text, key, &text[..at]), frame(Opcode::Continuation, Some(key), &text[at..])].concat()
    };
    let euro = "\u{20AC}".as_bytes();
    for (bytes, expected) in [
        (whole(euro), None),
        (split(euro, 1), None),
        ([split(euro, 2), frame(Opcode::Binary, Some(key), b"\xFF")].concat(), None),
        (whole(b"a\xFF"), Some(Reason::WsUtf8)),
        (whole(&euro[..2]), Some(Reason::WsUtf8)),
        (split(b"\xE2\x82\xFF", 2), Some(Reason::WsUtf8)),
        (fragment(Opcode::Text, key, b"\xED\xA0"), Some(Reason::WsUtf8)),
    ] {
        let every_byte: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(run(Sender::Client, &bytes, &every_byte).1, expected, "{bytes:02x?}");
        assert_eq!(run(Sender::Client, &bytes, &[]).1, expected, "{bytes:02x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn w14_the_node_gets_the_same_bytes_under_headers_it_can_take(
        frames in prop::collection::vec(client_frames(), 0..6),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
    ) {
        let bytes = frames.concat();
        let (out, verdict) = run(Sender::Client, &bytes, &cuts);
        prop_assert_eq!(verdict, None);
        let (payload, headers) = read_back(&out);
        prop_assert_eq!(payload, read_back(&bytes).0);
        for header in headers {
            prop_assert!(header.fin && header.mask.is_some() && header.len <= MAX_PIECE && header.len > 0);
            prop_assert!(matches!(header.opcode, Opcode::Binary | Opcode::Text));
        }
        prop_assert_eq!(run(Sender::Client, &bytes, &[]).0, out, "chunking changes nothing");
    }

    #[test]
    fn w14_the_browser_gets_the_nodes_frames_as_they_are(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..6),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
    ) {
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(Opcode::Binary, None, payload)).collect();
        prop_assert_eq!(run(Sender::Server, &bytes, &cuts), (bytes, None));
    }
}

#[test]
fn w08_fragments_leave_as_whole_frames() {
    let bytes = [fragment(Opcode::Binary, [9; 4], b"a"), fragment(Opcode::Continuation, [8; 4], b"b")].concat();
    let (out, _) = run(Sender::Client, &bytes, &[]);
    let expected = [frame(Opcode::Binary, Some([9; 4]), b"a"), frame(Opcode::Binary, Some([8; 4]), b"b")].concat();
    assert_eq!(out, expected);
}

#[test]
fn w09_empty_frames_do_not_leave() {
    let bytes = [frame(Opcode::Binary, Some([9; 4]), b""), frame(Opcode::Binary, Some([9; 4]), b"z")].concat();
    assert_eq!(run(Sender::Client, &bytes, &[]).0, frame(Opcode::Binary, Some([9; 4]), b"z"));
}

#[test]
fn w11_text_is_refused_where_the_session_has_none() {
    let mut direction = Direction::up(Walker::new(Sender::Client, 99), false, Guard::Open);
    let mut chunk = frame(Opcode::Text, Some([1; 4]), b"x");
    let verdict = direction.feed_whole(&mut chunk, &mut Vec::new(), &mut Cuts::default(), &mut Seen::default());
    assert_eq!(verdict.unwrap_err().reason, Reason::WsText);
}

#[test]
fn w15_a_zero_key_is_fine_and_nothing_is_rewritten() {
    let bytes = frame(Opcode::Binary, Some([0; 4]), b"plain");
    assert_eq!(run(Sender::Client, &bytes, &[]).0, bytes);
}

#[test]
fn what_the_handshake_left_of_a_frame_gets_a_header_and_keeps_its_key_phase() {
    let bytes = frame(Opcode::Binary, Some([1, 2, 3, 4]), b"0123456789");
    let mut walker = Walker::new(Sender::Client, 99);
    assert!(matches!(walker.step(&bytes[..9]), Ok(Step::Frame { bytes: 6, .. })));
    assert_eq!(walker.step(&bytes[6..9]), Ok(Step::Payload { bytes: 3, before: 0, end: false }));
    let mut direction = Direction::up(walker, false, Guard::Open);
    let (mut chunk, mut cuts) = (bytes[9..].to_vec(), Cuts::default());
    direction.feed_whole(&mut chunk, &mut Vec::new(), &mut cuts, &mut Seen::default()).unwrap();
    let [Cut::Header(header), Cut::Range(range)] = cuts.as_slice() else { panic!("{cuts:?}") };
    let out = [header.as_slice(), &chunk[range.clone()]].concat();
    assert_eq!(read_back(&out).0, b"3456789");
}

#[test]
fn our_own_frames_leave_at_the_first_boundary() {
    let mut direction = Direction::down(Walker::new(Sender::Server, 99));
    let bytes = [frame(Opcode::Binary, None, b"ab"), frame(Opcode::Binary, None, b"cd")].concat();
    let (mut first, mut second) = (bytes[..3].to_vec(), bytes[3..].to_vec());
    let mut own = Vec::new();
    direction.feed_whole(&mut first, &mut own, &mut Cuts::default(), &mut Seen::default()).unwrap();
    own.extend(frame(Opcode::Ping, None, b"p"));
    let mut cuts = Cuts::default();
    direction.feed_whole(&mut second, &mut own, &mut cuts, &mut Seen::default()).unwrap();
    let [Cut::Range(head), Cut::Own(ping), Cut::Range(tail)] = cuts.as_slice() else { panic!("{cuts:?}") };
    assert_eq!((head.clone(), tail.clone()), (0..1, 1..5));
    assert_eq!(ping[..], frame(Opcode::Ping, None, b"p"));
}

#[test]
fn a_screen_that_may_do_everything_goes_out_as_it_came_and_is_followed() {
    let all = [Right::Input, Right::Clipboard, Right::Resize, Right::Power];
    let messages: &[(&[u8], bool)] = &[
        (&[3, 1, 0, 0, 0, 0, 0, 9, 0, 9], false),
        (&[248, 0, 0, 0, 0, 0, 0, 0, 0], false),
        (&[4, 1, 0, 0, 0, 0, 0, 65], true),
        (&[5, 0, 0, 1, 0, 1], true),
    ];
    for (message, active) in messages {
        let bytes = frame(Opcode::Binary, Some([7, 1, 2, 3]), message);
        let mut direction = Direction::up(Walker::new(Sender::Client, 99), false, Guard::screen(&all));
        let mut was_active = false;
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(direction.between_messages(), at < 6, "a header is no byte of a message");
            let (mut chunk, mut cuts, mut seen) = (vec![*byte], Cuts::default(), Seen::default());
            direction.feed_whole(&mut chunk, &mut Vec::new(), &mut cuts, &mut seen).unwrap();
            was_active |= seen.active;
            assert_eq!(seen.moved, at >= 6);
        }
        assert!(direction.between_messages());
        assert_eq!(was_active, *active, "{message:?}");
        assert_eq!(run_with(Guard::screen(&all), &bytes, &[3, 8]), (bytes, None));
    }
}

#[test]
fn r12_what_a_guard_drops_is_no_traffic_and_leaves_no_frame() {
    let mut direction = Direction::up(Walker::new(Sender::Client, 99), false, Guard::screen(&[]));
    let mut chunk = frame(Opcode::Binary, Some([7; 4]), &[4, 1, 0, 0, 0, 0, 0]);
    let (mut cuts, mut seen) = (Cuts::default(), Seen::default());
    direction.feed_whole(&mut chunk, &mut Vec::new(), &mut cuts, &mut seen).unwrap();
    assert_eq!((cuts.as_slice(), seen.moved, seen.active, seen.frames), (&[][..], false, true, 1));
    assert!(direction.between_messages(), "nothing of the key has gone out");
}
