//! The picture of a simulated screen: a gradient, a box that bounces, a clock, and what was typed and pointed at.
//!
//! It moves only while somebody asks for it, so an unseen guest costs nothing.

use super::canvas::{Canvas, Rect};
use super::font;
use super::pixel::Format;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two steps of the picture.
pub(super) const STEP: Duration = Duration::from_millis(100);

const BOX: u16 = 32;
const INK: u32 = 0x00f0_f4f8;
const ACCENT: u32 = 0x00e5_7000;
const LINE: u16 = 24;
const LINES: usize = 5;
const SCALE: u16 = 2;
const MARGIN: u16 = 16;
/// Typed characters that are shown.
const SHOWN: usize = 32;

/// QEMU's VNC server takes no larger screen.
const LARGEST: (u16, u16) = (5120, 2160);

/// A screen.
#[derive(Debug)]
pub(super) struct Picture {
    moving: bool,
    scene: Mutex<Scene>,
}

#[derive(Debug)]
struct Scene {
    canvas: Canvas,
    name: String,
    /// When the machine was switched on.
    start: Instant,
    step: u64,
    typed: String,
    lines: [Vec<char>; LINES],
}

impl Picture {
    pub(super) fn new(width: u16, height: u16, moving: bool, name: &str) -> Self {
        let canvas = Canvas::new(width, height);
        let (name, typed) = (name.to_owned(), String::new());
        let mut scene = Scene { canvas, name, start: Instant::now(), step: 0, typed, lines: Default::default() };
        scene.paint();
        scene.write_line(1, "type or move the pointer here");
        Self { moving, scene: Mutex::new(scene) }
    }

    pub(super) fn size(&self) -> (u16, u16) {
        let Rect { width, height, .. } = self.lock().canvas.whole();
        (width, height)
    }

    /// The machine shows itself in another size; false where it has no such mode.
    pub(super) fn resize(&self, width: u16, height: u16) -> bool {
        if width == 0 || height == 0 || width > LARGEST.0 || height > LARGEST.1 {
            return false;
        }
        let mut scene = self.lock();
        scene.canvas = scene.canvas.resized(width, height);
        scene.paint();
        for (line, text) in (0..).zip(std::mem::take(&mut scene.lines)) {
            scene.write_line(line, &text.iter().collect::<String>());
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn moves(&self) -> bool {
        self.moving
    }

    /// The machine was switched on or reset: nothing is left of what was before.
    pub(super) fn restart(&self) {
        let mut scene = self.lock();
        scene.start = Instant::now();
        scene.typed.clear();
        for line in 2..5 {
            scene.write_line(line, "");
        }
    }

    /// Shows a pressed key.
    pub(super) fn key(&self, keysym: u32) {
        let mut scene = self.lock();
        match keysym {
            0xff08 => {
                scene.typed.pop();
            }
            0xff0d => scene.typed.clear(),
            _ => scene.typed.push_str(&font::key_name(keysym)),
        }
        let excess = scene.typed.chars().count().saturating_sub(SHOWN);
        scene.typed = scene.typed.chars().skip(excess).collect();
        let text = format!("keys: {}", scene.typed);
        scene.write_line(2, &text);
    }

    /// Shows where the pointer is.
    pub(super) fn pointer(&self, mask: u8, x: u16, y: u16) {
        let mut scene = self.lock();
        scene.write_line(3, &format!("pointer: {x},{y} buttons {mask:08b}"));
    }

    /// Brings the picture up to now and writes what changed of it since the version a viewer has, as one
    /// `FramebufferUpdate`; none if nothing did.
    pub(super) fn update(&self, seen: &mut u64, area: Rect, format: Format, announce: &[i32]) -> Option<Vec<u8>> {
        let mut scene = self.lock();
        if self.moving {
            scene.advance();
        }
        let rects = scene.canvas.changes(*seen, area);
        *seen = scene.canvas.version();
        if rects.is_empty() && announce.is_empty() {
            return None;
        }
        let mut out = vec![0, 0];
        out.extend_from_slice(&u16::try_from(rects.len() + announce.len()).unwrap_or(u16::MAX).to_be_bytes());
        for encoding in announce {
            out.extend_from_slice(&[0; 8]);
            out.extend_from_slice(&encoding.to_be_bytes());
        }
        for rect in rects {
            for number in [rect.x, rect.y, rect.width, rect.height] {
                out.extend_from_slice(&number.to_be_bytes());
            }
            out.extend_from_slice(&[0; 4]);
            scene.canvas.pixels(rect).for_each(|colour| format.put(colour, &mut out));
        }
        Some(out)
    }
}

impl Scene {
    /// What stands there before anything happens.
    fn paint(&mut self) {
        let whole = self.canvas.whole();
        self.canvas.draw(whole, |_, y| ground(y, whole.height));
        font::write(&mut self.canvas, (MARGIN, MARGIN), 3, &format!("consolegate  {}", self.name), ACCENT);
    }

    /// Moves the box along, and the clock once a second.
    fn advance(&mut self) {
        let step = u64::try_from(self.start.elapsed().as_millis() / STEP.as_millis()).unwrap_or(0);
        if step == self.step {
            return;
        }
        let (old, new) = (self.box_at(self.step), self.box_at(step));
        let height = self.canvas.whole().height;
        self.canvas.draw(old, |_, y| ground(y, height));
        self.canvas.draw(new, |_, _| ACCENT);
        if step / 10 != self.step / 10 {
            self.write_line(4, &format!("up {} s", step / 10));
        }
        self.step = step;
    }

    /// The box's place in the lower part of the screen: two triangle waves.
    fn box_at(&self, step: u64) -> Rect {
        let swing = |range: u16, speed: u64| -> u16 {
            let range = u64::from(range).max(1);
            let at = step * speed % (2 * range);
            u16::try_from(at.min(2 * range - at)).unwrap_or(0)
        };
        let (top, Rect { width, height, .. }) = (Self::lines_end(), self.canvas.whole());
        Rect {
            x: swing(width.saturating_sub(BOX), 8),
            y: top + swing(height.saturating_sub(top + BOX), 5),
            width: BOX,
            height: BOX,
        }
    }

    const fn lines_end() -> u16 {
        MARGIN + 5 * LINE + LINE
    }

    /// Writes a line of text, drawing only the characters that differ from what stands there.
    fn write_line(&mut self, line: u16, text: &str) {
        let Some(old) = self.lines.get_mut(usize::from(line)) else { return };
        let old = std::mem::replace(old, text.chars().collect());
        let (top, height) = (MARGIN + 16 + line * LINE, self.canvas.whole().height);
        let blank = std::iter::repeat(' ');
        let pairs = old.iter().copied().chain(blank.clone()).zip(text.chars().chain(blank));
        for (column, (before, after)) in (0_u16..).zip(pairs.take(old.len().max(text.chars().count()))) {
            if before != after {
                let left = MARGIN + column * font::WIDTH * SCALE;
                let cell = Rect { x: left, y: top, width: font::WIDTH * SCALE, height: font::HEIGHT * SCALE };
                self.canvas.draw(cell, |_, y| ground(y, height));
                font::put(&mut self.canvas, (left, top), SCALE, after, INK);
            }
        }
    }
}

/// Dark at the top, a little lighter below.
fn ground(y: u16, height: u16) -> u32 {
    let light = u32::from(y) * 48 / u32::from(height.max(1));
    0x0018_2430 + light * 0x0001_0101
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(picture: &Picture, line: usize) -> String {
        picture.lock().lines[line].iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_is_switched_on_counts_from_then_and_has_forgotten_what_was_typed() {
        let picture = Picture::new(640, 400, true, "web-01");
        picture.key(0x61);
        tokio::time::advance(Duration::from_secs(90)).await;
        picture.lock().advance();
        assert_eq!((line(&picture, 2).as_str(), line(&picture, 4).as_str()), ("keys: a", "up 90 s"));
        picture.restart();
        assert_eq!((line(&picture, 2).as_str(), line(&picture, 4).as_str()), ("", ""));
        tokio::time::advance(Duration::from_secs(3)).await;
        picture.lock().advance();
        assert_eq!(line(&picture, 4), "up 3 s");
    }
}
