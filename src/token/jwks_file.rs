//! The keys of an issuer's `jwks_file`, read again when a token names a `kid` they do not have.
//!
//! Owns the reading and its limit: once in ten seconds, never by two at once, whatever comes in. A file that is broken
//! keeps the last good set. Decides nothing about tokens.

use super::jwks::{self, KeySet};
use arc_swap::ArcSwap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Between two readings, in seconds.
const INTERVAL_SECONDS: u64 = 10;

/// The longest file that is read.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A file of keys and what it held last.
#[derive(Debug)]
pub(super) struct JwksFile {
    path: PathBuf,
    keys: ArcSwap<KeySet>,
    /// Held while reading.
    gate: Mutex<Gate>,
}

impl JwksFile {
    /// Reads the file for the first time.
    pub(super) fn open(path: PathBuf) -> Result<Self, String> {
        let keys = read(&path)?;
        Ok(Self { path, keys: ArcSwap::from_pointee(keys), gate: Mutex::new(Gate::default()) })
    }

    /// The last good set.
    pub(super) fn keys(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// Reads the file again if it may be read at `now`. None: not now, or somebody is reading.
    pub(super) fn read_again(&self, now: u64) -> Option<Result<Arc<KeySet>, String>> {
        let mut gate = self.gate.try_lock().ok()?;
        if !gate.opens(now) {
            return None;
        }
        Some(read(&self.path).map(|keys| {
            let keys = Arc::new(keys);
            self.keys.store(Arc::clone(&keys));
            keys
        }))
    }
}

/// When the file was read again last.
#[derive(Debug, Default)]
pub(super) struct Gate {
    last: Option<u64>,
}

impl Gate {
    /// Whether it may be read at `now` (Unix seconds); if so, not again for ten seconds. A clock set back opens it.
    pub(super) fn opens(&mut self, now: u64) -> bool {
        let opens = self.last.is_none_or(|last| now.abs_diff(last) >= INTERVAL_SECONDS);
        if opens {
            self.last = Some(now);
        }
        opens
    }
}

fn read(path: &PathBuf) -> Result<KeySet, String> {
    let named = |cause: &dyn std::fmt::Display| format!("jwks_file {}: {cause}", path.display());
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| named(&error))?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text).map_err(|error| named(&error))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(named(&"larger than 256 KiB"));
    }
    jwks::read(&text).map_err(|error| named(&error))
}
