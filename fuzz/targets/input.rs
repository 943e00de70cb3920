//! Choices and bytes, taken from what a fuzzer gives.

/// What is left of it.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// One byte; 0 where none is left.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// So many bytes, or what is left.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        first
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A stream in pieces whose sizes come from one number, so that the same stream can be cut anywhere.
pub fn pieces(stream: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut rest, mut pieces, mut state) = (stream, Vec::new(), u32::from(seed));
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = 1 + (state >> 24) as usize % (1 + usize::from(seed));
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
