//! What every session does all the time, a fixed amount of it: once as criterion measures it, once as callgrind counts it.

mod frames;
mod guests;
mod record;
pub mod token;

/// A hot path: its name, how many of what one run of it handles, and how it is set up to be run often.
pub struct HotPath {
    /// A word.
    pub name: &'static str,
    /// Frames, records, tokens or guests of one run.
    pub handled: u64,
    /// Everything that need not be measured.
    pub set_up: fn() -> Box<dyn FnMut()>,
}

/// All of them.
pub const HOT_PATHS: [HotPath; 7] = [
    HotPath { name: "walk_small_frames", handled: frames::SMALL, set_up: frames::walk_small },
    HotPath { name: "walk_4k_frames", handled: frames::LARGE, set_up: frames::walk_large },
    HotPath { name: "rehead_fragments", handled: frames::FRAGMENTS, set_up: frames::rehead },
    HotPath { name: "filter_rights", handled: frames::TYPED, set_up: frames::filter },
    HotPath { name: "open_and_seal_records", handled: record::RECORDS, set_up: record::open_and_seal },
    HotPath { name: "verify_token", handled: 1, set_up: token::verify },
    HotPath { name: "read_guests", handled: guests::GUESTS, set_up: guests::read },
];
