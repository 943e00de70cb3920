//! A bitmap font of 3 by 5 dots, drawn larger: capitals, digits, signs. Small letters show as capitals.

use super::canvas::{Canvas, Rect};

/// Dots from one character to the next.
pub(super) const WIDTH: u16 = 4;
/// Dots from top to bottom.
pub(super) const HEIGHT: u16 = 5;

/// Characters `!` to `_`: five rows of three dots, the top row highest, the left dot first.
const GLYPHS: [u16; 63] = [
    0o22202, 0o55000, 0o57575, 0o36236, 0o51245, 0o25257, 0o22000, 0o12221, 0o42224, 0o52725, 0o02720, 0o00024,
    0o00700, 0o00002, 0o11244, 0o75557, 0o26227, 0o71747, 0o71317, 0o55711, 0o74717, 0o74757, 0o71122, 0o75757,
    0o75717, 0o02020, 0o02024, 0o12421, 0o07070, 0o42124, 0o71202, 0o75743, 0o25755, 0o65656, 0o34443, 0o65556,
    0o74647, 0o74644, 0o34553, 0o55755, 0o72227, 0o11152, 0o55655, 0o44447, 0o57755, 0o65555, 0o25552, 0o65644,
    0o25563, 0o65655, 0o34216, 0o72222, 0o55557, 0o55522, 0o55775, 0o55255, 0o55222, 0o71247, 0o32223, 0o44211,
    0o62226, 0o25000, 0o00007,
];

/// Writes a line of text; each dot is `scale` pixels wide and high.
pub(super) fn write(canvas: &mut Canvas, at: (u16, u16), scale: u16, text: &str, ink: u32) {
    let (left, top) = at;
    for (column, character) in (0_u16..).zip(text.chars()) {
        let x = left.saturating_add(column.saturating_mul(WIDTH * scale));
        put(canvas, (x, top), scale, character, ink);
    }
}

/// Draws one character.
pub(super) fn put(canvas: &mut Canvas, (left, top): (u16, u16), scale: u16, character: char, ink: u32) {
    let Some(glyph) = glyph(character) else { return };
    for dot in (0..15_u16).filter(|dot| glyph >> (14 - dot) & 1 == 1) {
        let x = left.saturating_add(dot % 3 * scale);
        let y = top.saturating_add(dot / 3 * scale);
        canvas.draw(Rect { x, y, width: scale, height: scale }, |_, _| ink);
    }
}

/// None for a blank; what the font lacks shows as a question mark.
fn glyph(character: char) -> Option<u16> {
    if character == ' ' {
        return None;
    }
    let index = u32::from(character.to_ascii_uppercase()).checked_sub(u32::from('!'));
    let found = index.and_then(|index| usize::try_from(index).ok()).and_then(|index| GLYPHS.get(index));
    Some(found.copied().unwrap_or(0o71202))
}

/// How a pressed key is shown: its character, or its name in angle brackets.
pub(super) fn key_name(keysym: u32) -> String {
    match keysym {
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(keysym).map(String::from).unwrap_or_default(),
        0xff09 => "<tab>".into(),
        0xff1b => "<esc>".into(),
        0xff50 => "<home>".into(),
        0xff51 => "<left>".into(),
        0xff52 => "<up>".into(),
        0xff53 => "<right>".into(),
        0xff54 => "<down>".into(),
        0xff57 => "<end>".into(),
        0xffff => "<del>".into(),
        0xffbe..=0xffc9 => format!("<F{}>", keysym - 0xffbd),
        0xffe1 | 0xffe2 => String::new(),
        0xffe3 | 0xffe4 => "<ctrl>".into(),
        0xffe9 | 0xffea => "<alt>".into(),
        0x0100_0000..=0x0110_ffff => char::from_u32(keysym - 0x0100_0000).map(String::from).unwrap_or_default(),
        _ => format!("<{keysym:x}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_leaves_ink_and_blanks_do_not() {
        let ink = |text: &str| {
            let mut canvas = Canvas::new(64, 16);
            write(&mut canvas, (0, 0), 1, text, 1);
            canvas.pixels(canvas.whole()).filter(|pixel| *pixel == 1).count()
        };
        assert_eq!(ink("   "), 0);
        assert_eq!(ink("I"), 9);
        assert_eq!(ink("i"), 9);
        assert_eq!(ink("é"), ink("?"));
    }
}
