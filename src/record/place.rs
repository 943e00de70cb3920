//! Seals what leaves of a batch where it lies: a piece that was received in a record of its own leaves in one at the same
//! spot, small ones move together first, and only what has no room there is copied. No I/O.

use super::batch::Cut;
use super::head::{Broke, HEADER, MAX_PLAIN, TAIL};
use super::layer::Layer;
use std::ops::Range;

/// Pieces below this share a record: moving them costs less than another record does, here and at the peer.
const SMALL: usize = 8 * 1024;

/// Seals the parts in their order. Sealed is what the range says, and then what was added to `spill`.
///
/// # Errors
/// No key is left.
pub(super) fn seal(
    layer: &mut Layer,
    bytes: &mut [u8],
    cuts: &[Cut],
    spill: &mut Vec<u8>,
) -> Result<Range<usize>, Broke> {
    let start = next_source(cuts, bytes.len()).saturating_sub(HEADER);
    let mut place = Place { layer, bytes, begin: start, fill: 0 };
    let mut left = Some((cuts, 0..0));
    if !place.layer.is_due() {
        left = place.all(cuts)?;
    }
    if let Some((cuts, part)) = left {
        place.spill(cuts, part, spill)?;
    }
    Ok(start..place.begin)
}

/// Where the first range of the batch begins that is not taken yet.
fn next_source(cuts: &[Cut], end: usize) -> usize {
    let starts = cuts.iter().filter_map(|cut| match cut {
        Cut::Range(range) => Some(range.start),
        Cut::Header(_) | Cut::Own(_) => None,
    });
    starts.into_iter().next().unwrap_or(end)
}

/// What had no room: parts, and of the one before them what is left of it.
type Left<'c> = Option<(&'c [Cut], Range<usize>)>;

/// The record that is being put together: where it begins and how much of it is there.
struct Place<'a> {
    layer: &'a mut Layer,
    bytes: &'a mut [u8],
    begin: usize,
    fill: usize,
}

impl Place<'_> {
    /// Places as much as has room.
    fn all<'c>(&mut self, cuts: &'c [Cut]) -> Result<Left<'c>, Broke> {
        let mut rest = cuts;
        while let Some((cut, after)) = rest.split_first() {
            match cut {
                Cut::Range(range) => {
                    let left = self.range(range.clone())?;
                    if !left.is_empty() {
                        return Ok(Some((after, left)));
                    }
                }
                Cut::Header(_) | Cut::Own(_) => {
                    if !self.foreign(cut.of(&[]), next_source(after, self.bytes.len()))? {
                        return Ok(Some((rest, 0..0)));
                    }
                }
            }
            rest = after;
        }
        let fits = self.finish(self.bytes.len())?;
        Ok(if fits { None } else { Some((rest, 0..0)) })
    }

    /// Takes bytes of the batch; what could not be taken.
    fn range(&mut self, mut range: Range<usize>) -> Result<Range<usize>, Broke> {
        while !range.is_empty() {
            let joins = range.len() < SMALL && self.fill + range.len() <= MAX_PLAIN;
            if self.fill > 0 && !joins && !self.adjoins(range.start) && !self.finish(range.start)? {
                return Ok(range);
            }
            if self.fill == MAX_PLAIN && !self.finish(range.start)? {
                return Ok(range);
            }
            let at = self.begin + HEADER + self.fill;
            if at > range.start {
                return Ok(range);
            }
            let part = range.start..range.end.min(range.start + MAX_PLAIN - self.fill);
            let len = part.len();
            range.start = part.end;
            if at != part.start {
                self.bytes.copy_within(part, at);
            }
            self.fill += len;
        }
        Ok(range)
    }

    /// These bytes go on where the record is.
    const fn adjoins(&self, start: usize) -> bool {
        self.begin + HEADER + self.fill == start
    }

    /// Takes bytes from elsewhere, if they have room before `limit`.
    fn foreign(&mut self, bytes: &[u8], limit: usize) -> Result<bool, Broke> {
        if self.fill + bytes.len() > MAX_PLAIN && !self.finish(limit)? {
            return Ok(false);
        }
        let at = self.begin + HEADER + self.fill;
        if bytes.len() > MAX_PLAIN || at + bytes.len() > limit {
            return Ok(false);
        }
        let place = self.bytes.get_mut(at..at + bytes.len()).unwrap_or_default();
        place.copy_from_slice(bytes);
        self.fill += bytes.len();
        Ok(true)
    }

    /// Seals the record, if its tail has room before `limit`, where bytes lie that were not taken yet.
    fn finish(&mut self, limit: usize) -> Result<bool, Broke> {
        if self.fill == 0 {
            return Ok(true);
        }
        let end = self.begin + HEADER + self.fill + TAIL;
        if end > limit {
            return Ok(false);
        }
        self.layer.seal(self.bytes.get_mut(self.begin..end).unwrap_or_default())?;
        (self.begin, self.fill) = (end, 0);
        Ok(true)
    }

    /// Copies the record under way and all that is left, and seals them elsewhere.
    fn spill(&mut self, cuts: &[Cut], part: Range<usize>, out: &mut Vec<u8>) -> Result<(), Broke> {
        let begun = self.begin + HEADER;
        let mut plain = self.bytes.get(begun..begun + self.fill).unwrap_or_default().to_vec();
        plain.extend_from_slice(self.bytes.get(part).unwrap_or_default());
        for cut in cuts {
            plain.extend_from_slice(cut.of(self.bytes));
        }
        self.layer.add_data(&plain, out)
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
