//! Reads a picture of a VGA text screen without knowing its font.
//!
//! A picture shows a text when the same letter always looks the same, different letters look different, and blanks are
//! blank, over the whole screen.

use std::collections::HashMap;
use std::path::Path;

const COLUMNS: usize = 80;
const ROWS: usize = 25;
const WIDTH: usize = 9;
const HEIGHT: usize = 16;
/// The lines of a cell where the text cursor blinks.
const CURSOR: [usize; 2] = [13, 14];

/// Which pixels of a cell are lit.
type Glyph = Vec<bool>;

/// Panics unless the picture (a binary PPM of 720 by 400) shows these lines, and nothing else but empty ones.
pub(crate) fn assert_shows(picture: &Path, lines: &[String]) {
    let bytes = std::fs::read(picture).unwrap();
    let pixels = bytes.strip_prefix(b"P6\n720 400\n255\n").expect("a VGA text screen of 80 by 25");
    let rows: Vec<Vec<Glyph>> = (0..ROWS).map(|row| cells(pixels, row)).filter(|row| !row.iter().all(blank)).collect();
    assert_eq!(rows.len(), lines.len(), "as many lines as {lines:?}");
    let (mut looks, mut means) = (HashMap::new(), HashMap::new());
    for (row, line) in rows.iter().zip(lines) {
        for (column, glyph) in row.iter().enumerate() {
            let letter = line.as_bytes().get(column).copied().unwrap_or(b' ');
            if letter == b' ' {
                assert!(blank(glyph), "column {column} of {line:?} is empty");
                continue;
            }
            let place = || format!("{:?} at column {column} of {line:?}", char::from(letter));
            assert_eq!(looks.entry(letter).or_insert(glyph), &glyph, "{} looks like the others", place());
            assert_eq!(*means.entry(glyph).or_insert(letter), letter, "{} looks like no other letter", place());
        }
    }
}

fn cells(pixels: &[u8], row: usize) -> Vec<Glyph> {
    let lit = |x: usize, y: usize| pixels[(y * COLUMNS * WIDTH + x) * 3..][..3] != [0, 0, 0];
    let cell = |column: usize| {
        let pixel = |at: usize| lit(column * WIDTH + at % WIDTH, row * HEIGHT + at / WIDTH);
        (0..WIDTH * HEIGHT).map(pixel).collect()
    };
    (0..COLUMNS).map(cell).collect()
}

/// Nothing is lit, except by the text cursor.
fn blank(glyph: &Glyph) -> bool {
    glyph.chunks(WIDTH).enumerate().all(|(line, lit)| CURSOR.contains(&line) || !lit.contains(&true))
}
