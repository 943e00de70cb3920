//! The fuzz targets for a while: their seeds, and each of them changed in many ways. The same on every machine; `fuzz/`
//! goes on from there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, unreachable_pub, missing_docs, reason = "the targets are a program's")]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use targets::TARGETS;

/// Chance that is always the same (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end.max(1)
    }

    /// Bytes with a few changes, as a fuzzer makes them.
    fn changed(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            match (self.below(6), bytes.get_mut(at)) {
                (0, Some(byte)) => *byte ^= 1 << self.below(8),
                (1, Some(byte)) => *byte = [0, 1, 0x7f, 0x80, 0xfe, 0xff][self.below(6)],
                (2, Some(byte)) => *byte = self.next() as u8,
                (3, _) => bytes.insert(at, self.next() as u8),
                (4, Some(_)) => {
                    let end = (at + 1 + self.below(8)).min(bytes.len());
                    bytes.drain(at..end);
                }
                (_, _) => {
                    let from = self.below(at + 1);
                    let part = bytes[from..at.min(from + 300)].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

fn fuzz(name: &str, runs: usize) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let (seeds, mut chance) = ((target.seeds)(), Chance(7));
    seeds.iter().for_each(|seed| (target.run)(seed));
    let mut bytes = Vec::new();
    for run in 0..runs {
        // Now and then what was changed is changed further.
        let from = if run % 3 == 0 && bytes.len() < 300_000 { &bytes } else { &seeds[chance.below(seeds.len())] };
        let changed = chance.changed(from);
        bytes = changed;
        (target.run)(&bytes);
    }
}

#[test]
fn w14_a_walkers_verdict_does_not_depend_on_where_a_stream_is_cut() {
    fuzz("walker", 20_000);
}

#[test]
fn what_leaves_for_the_node_are_frames_it_can_take() {
    fuzz("reheading", 2_000);
}

#[test]
fn r12_only_what_is_granted_passes_the_rights_filter() {
    fuzz("rights", 10_000);
}

#[test]
fn no_token_and_no_payload_of_one_panics() {
    fuzz("token", 5_000);
}

#[test]
fn no_record_of_a_peer_that_has_the_keys_panics_or_lets_anything_else_out() {
    fuzz("records", 500);
}

#[test]
fn x04_whatever_is_typed_reaches_a_terminal_in_blocks_and_as_it_was() {
    fuzz("terminal", 10_000);
}

#[test]
fn l05_l06_a_balancers_header_says_the_same_wherever_it_is_cut() {
    fuzz("preface", 20_000);
}

#[test]
fn u07_no_list_of_guests_panics_or_is_quoted() {
    fuzz("guests", 10_000);
}

#[test]
fn c01_whatever_is_wrong_with_a_configuration_has_a_line_and_a_cure() {
    fuzz("configuration", 2_000);
}
