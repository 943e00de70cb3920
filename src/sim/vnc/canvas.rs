//! Pixels and what changed of them: a framebuffer whose tiles know when they were last drawn.

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) width: u16,
    pub(super) height: u16,
}

impl Rect {
    /// The part inside another; none if there is none.
    pub(super) fn within(self, other: Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let right = self.x.saturating_add(self.width).min(other.x.saturating_add(other.width));
        let bottom = self.y.saturating_add(self.height).min(other.y.saturating_add(other.height));
        (right > x && bottom > y).then(|| Self { x, y, width: right - x, height: bottom - y })
    }
}

/// Pixels on a side of a tile.
const TILE: u16 = 16;

/// A framebuffer.
#[derive(Debug)]
pub(super) struct Canvas {
    width: u16,
    height: u16,
    pixels: Vec<u32>,
    stamps: Vec<u64>,
    version: u64,
}

impl Canvas {
    pub(super) fn new(width: u16, height: u16) -> Self {
        let tiles = usize::from(width.div_ceil(TILE)) * usize::from(height.div_ceil(TILE));
        let pixels = vec![0; usize::from(width) * usize::from(height)];
        Self { width, height, pixels, stamps: vec![1; tiles], version: 1 }
    }

    /// Another size, all of it new to whoever has seen this one.
    pub(super) fn resized(&self, width: u16, height: u16) -> Self {
        let version = self.version + 1;
        let mut canvas = Self::new(width, height);
        canvas.stamps.fill(version);
        Self { version, ..canvas }
    }

    pub(super) const fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// How often it was drawn on.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// Draws a rectangle, asking the colour of each pixel; what lies outside is left out.
    pub(super) fn draw(&mut self, area: Rect, colour: impl Fn(u16, u16) -> u32) {
        let Some(area) = area.within(self.whole()) else { return };
        self.version += 1;
        for y in area.y..area.y + area.height {
            let start = usize::from(y) * usize::from(self.width) + usize::from(area.x);
            let row = self.pixels.get_mut(start..start + usize::from(area.width)).unwrap_or_default();
            for (x, pixel) in (area.x..).zip(row) {
                *pixel = colour(x, y);
            }
        }
        for row in area.y / TILE..=(area.y + area.height - 1) / TILE {
            for column in area.x / TILE..=(area.x + area.width - 1) / TILE {
                let index = self.tile(column, row);
                if let Some(stamp) = self.stamps.get_mut(index) {
                    *stamp = self.version;
                }
            }
        }
    }

    fn tile(&self, column: u16, row: u16) -> usize {
        usize::from(row) * usize::from(self.width.div_ceil(TILE)) + usize::from(column)
    }

    /// Rectangles that hold everything drawn since a version, inside an area.
    pub(super) fn changes(&self, since: u64, area: Rect) -> Vec<Rect> {
        let mut found: Vec<Rect> = Vec::new();
        for row in 0..self.height.div_ceil(TILE) {
            for column in 0..self.width.div_ceil(TILE) {
                if self.stamps.get(self.tile(column, row)).is_none_or(|stamp| *stamp <= since) {
                    continue;
                }
                let tile = Rect { x: column * TILE, y: row * TILE, width: TILE, height: TILE };
                let Some(tile) = tile.within(self.whole()).and_then(|tile| tile.within(area)) else { continue };
                match found.last_mut() {
                    Some(last) if last.y == tile.y && last.x + last.width == tile.x => last.width += tile.width,
                    Some(_) | None => found.push(tile),
                }
            }
        }
        found
    }

    /// The pixels of a rectangle, row by row.
    pub(super) fn pixels(&self, area: Rect) -> impl Iterator<Item = u32> {
        let rows = area.y..area.y.saturating_add(area.height);
        rows.flat_map(move |y| {
            let start = usize::from(y) * usize::from(self.width) + usize::from(area.x);
            self.pixels.get(start..start + usize::from(area.width)).unwrap_or_default().iter().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_drawn_since_counts_as_changed() {
        let mut canvas = Canvas::new(100, 50);
        assert_eq!(canvas.changes(0, canvas.whole()).len(), 4);
        let seen = canvas.version();
        assert_eq!(canvas.changes(seen, canvas.whole()), []);
        canvas.draw(Rect { x: 90, y: 40, width: 60, height: 60 }, |x, _| u32::from(x));
        let changed = canvas.changes(seen, canvas.whole());
        assert_eq!(
            changed,
            [Rect { x: 80, y: 32, width: 20, height: 16 }, Rect { x: 80, y: 48, width: 20, height: 2 },]
        );
        let seen = canvas.version();
        let smaller = canvas.resized(20, 10);
        assert_eq!(smaller.changes(seen, smaller.whole()), [smaller.whole()], "a new size is new all over");
        assert_eq!(canvas.pixels(Rect { x: 89, y: 40, width: 3, height: 1 }).collect::<Vec<_>>(), [0, 90, 91]);
    }
}
