//! The terminal's guard over chunks that are cut anywhere.

use super::*;
use crate::wire::term::BLOCK;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

struct Rig {
    guard: TerminalGuard,
    now: Instant,
}

impl Rig {
    fn new(input: bool) -> Self {
        Self { guard: TerminalGuard::new(input), now: Instant::now() }
    }

    /// What leaves for frames that came in one chunk.
    fn chunk(&mut self, frames: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for frame in frames {
            self.guard.pass(frame, self.now, &mut out).unwrap();
        }
        self.guard.flush(self.now, &mut out);
        assert_eq!(out.len() % BLOCK, 0, "{}", out.escape_ascii());
        out
    }

    /// The same as text, without what fills blocks.
    fn text(&mut self, frames: &[&[u8]]) -> String {
        let text = String::from_utf8(self.chunk(frames)).unwrap();
        text.trim_end_matches('2').to_owned()
    }
}

#[test]
fn input_that_comes_together_leaves_as_one_message() {
    let mut rig = Rig::new(true);
    assert_eq!(rig.text(&[b"0:1:a0:2:bc", b"0:", b"1:d", b"2", b"0:0:0:1:e"]), "0:5:abcde");
    assert_eq!(rig.chunk(&[b"0:1:x"]), b"0:1:x22222222222");
    assert!(rig.chunk(&[b"2", b"0:0:"]).is_empty());
}

#[test]
fn a_message_that_is_still_coming_is_announced_whole_and_leaves_in_blocks() {
    let mut rig = Rig::new(true);
    let first = rig.chunk(&[b"0:1:a0:40:", &[b'b'; 20]]);
    assert_eq!(first, [b"0:41:a", &[b'b'; 10][..]].concat());
    assert!(rig.chunk(&[b"b"]).is_empty(), "no block is full");
    assert_eq!(rig.text(&[&[b'b'; 19], b"0:1:c"]), ["b".repeat(30), "220:1:c".to_owned()].concat());
}

#[test]
fn x05_the_newest_size_leaves_ten_times_a_second_at_most() {
    let mut rig = Rig::new(true);
    assert_eq!(rig.text(&[b"1:80:24:1:81:24:1:82:24:"]), "1:80:24:");
    assert_eq!(rig.guard.due(), Some(rig.now + MS * 100));
    rig.now += MS * 99;
    assert!(rig.chunk(&[b"1:83:24:"]).is_empty());
    rig.now += MS;
    assert_eq!(rig.text(&[]), "1:83:24:");
    assert_eq!(rig.guard.due(), None);
    let mut seen = 0;
    for _ in 0..1000 {
        rig.now += MS;
        seen += rig.text(&[b"1:0:65536:"]).matches("1:1:1000:").count();
    }
    assert_eq!(seen, 10);
    rig.now += MS * 50;
    assert_eq!(rig.text(&[b"0:3:abc1:9:9:0:1:d"]), "0:4:abcd", "a size that waits parts no input");
    rig.now += MS * 50;
    assert_eq!(rig.text(&[b"0:1:e"]), "1:9:9:22222222220:1:e");
}

#[test]
fn a_size_waits_for_the_end_of_a_message_under_way() {
    let mut rig = Rig::new(true);
    rig.chunk(&[b"1:80:24:1:90:30:"]);
    rig.chunk(&[b"0:100:", &[b'x'; 50]]);
    assert_eq!(rig.guard.due(), None);
    rig.now += MS * 200;
    assert!(!rig.text(&[&[b'x'; 10]]).contains("1:90:30:"));
    assert!(rig.text(&[&[b'x'; 40]]).ends_with("1:90:30:"));
}

#[test]
fn x07_a_paste_leaves_no_faster_than_a_terminal_reads() {
    let mut rig = Rig::new(true);
    let (began, mut left) = (rig.now, 0);
    while left < 10 * RATE as usize {
        left += rig.chunk(&[b"0:65500:", &[b'x'; 65_500]]).len();
        rig.now = rig.guard.paused_until().unwrap().max(rig.now);
    }
    let seconds = (rig.now - began).as_secs_f64();
    assert!((9.8..10.2).contains(&seconds), "{seconds}");
    rig.now += Duration::from_secs(1);
    rig.chunk(&[b"0:1:x"]);
    assert!(rig.guard.paused_until().unwrap() < rig.now, "whoever types is never paused");
}

#[test]
fn without_input_nothing_typed_passes_and_all_of_it_is_a_persons_doing() {
    let mut rig = Rig::new(false);
    let mut out = Vec::new();
    for (bytes, active) in [(&b"0:3:ab"[..], true), (b"c", true), (b"2", false), (b"0:0:", false)] {
        assert_eq!(rig.guard.pass(bytes, rig.now, &mut out).unwrap().active, active, "{}", bytes.escape_ascii());
        rig.guard.flush(rig.now, &mut out);
    }
    assert!(out.is_empty());
    assert_eq!(rig.text(&[b"0:1:x1:80:24:0:1:y"]), "1:80:24:");
}

#[test]
fn x04_x06_what_is_no_message_ends_it_and_what_came_before_passes() {
    let mut rig = Rig::new(true);
    let mut out = Vec::new();
    let failure = rig.guard.pass(b"0:2:ok3", rig.now, &mut out).unwrap_err();
    assert_eq!(failure.reason, Reason::TermClient);
    rig.guard.flush(rig.now, &mut out);
    assert_eq!(out, b"0:2:ok2222222222");
}

/// Input of whole messages in blocks.
fn typed(mut bytes: &[u8]) -> Vec<u8> {
    let (mut parser, mut typed) = (Parser::default(), Vec::new());
    while !bytes.is_empty() {
        let used = match parser.step(bytes).unwrap() {
            Step::Data { bytes: count } => {
                typed.extend_from_slice(&bytes[..count]);
                count
            }
            Step::Input { bytes, .. }
            | Step::Resize { bytes, .. }
            | Step::KeepAlive { bytes }
            | Step::More { bytes } => bytes,
        };
        bytes = &bytes[used..];
    }
    assert_eq!(parser.left(), 0);
    typed
}

proptest! {
    #[test]
    fn x07_x10_every_byte_typed_arrives_however_it_comes(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut said = Vec::new();
        for message in &messages {
            said.extend_from_slice(format!("0:{}:", message.len()).as_bytes());
            said.extend_from_slice(message);
            said.extend_from_slice(b"21:80:24:");
        }
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (said.len() + 1)).collect();
        ends.push(said.len());
        ends.sort_unstable();
        let (mut rig, mut out, mut start) = (Rig::new(true), Vec::new(), 0);
        for end in ends {
            out.extend(rig.chunk(&[&said[start..end]]));
            start = end;
        }
        prop_assert_eq!(typed(&out), messages.concat());
    }
}
