//! A bitmap font of 5 by 7 dots, drawn larger: the printable characters of ASCII. Some letters reach a dot below the line.

use super::canvas::{Canvas, Rect};

/// Dots from one character to the next.
pub(super) const WIDTH: u16 = 6;
/// Dots from top to bottom, the one below the line among them.
pub(super) const HEIGHT: u16 = 8;

/// Characters `!` to `~`: the seven rows above the line, a byte each, the top row highest, the left dot of five highest.
#[rustfmt::skip]
const GLYPHS: [u64; 94] = [
    0x04040404000004, 0x0a0a0a00000000, 0x0a0a1f0a1f0a0a, 0x040f140e051e04, 0x18190204081303, 0x0c12140815120d,
    0x0c040800000000, 0x02040808080402, 0x08040202020408, 0x0004150e150400, 0x0004041f040400, 0x000000000c0408,
    0x0000001f000000, 0x00000000000c0c, 0x00010204081000, 0x0e11131519110e, 0x040c040404040e, 0x0e11010204081f,
    0x1f02040201110e, 0x02060a121f0202, 0x1f101e0101110e, 0x0608101e11110e, 0x1f010204080808, 0x0e11110e11110e,
    0x0e11110f01020c, 0x000c0c000c0c00, 0x000c0c000c0408, 0x02040810080402, 0x00001f001f0000, 0x08040201020408,
    0x0e110102040004, 0x0e11010d15150e, 0x0e1111111f1111, 0x1e11111e11111e, 0x0e11101010110e, 0x1c12111111121c,
    0x1f10101e10101f, 0x1f10101e101010, 0x0e11101711110f, 0x1111111f111111, 0x0e04040404040e, 0x0702020202120c,
    0x11121418141211, 0x1010101010101f, 0x111b1515111111, 0x11111915131111, 0x0e11111111110e, 0x1e11111e101010,
    0x0e11111115120d, 0x1e11111e141211, 0x0f10100e01011e, 0x1f040404040404, 0x1111111111110e, 0x11111111110a04,
    0x1111111515150a, 0x11110a040a1111, 0x1111110a040404, 0x1f01020408101f, 0x0e08080808080e, 0x00100804020100,
    0x0e02020202020e, 0x040a1100000000, 0x0000000000001f, 0x08040200000000, 0x00000e010f110f, 0x1010161911111e,
    0x00000e1010110e, 0x01010d1311110f, 0x00000e111f100e, 0x0609081c080808, 0x000f11110f010e, 0x10101619111111,
    0x04000c0404040e, 0x0200060202120c, 0x10101214181412, 0x0c04040404040e, 0x00001a15151111, 0x00001619111111,
    0x00000e1111110e, 0x00001e111e1010, 0x00000d130f0101, 0x00001619101010, 0x00000e100e011e, 0x08081c08080906,
    0x0000111111130d, 0x00001111110a04, 0x0000111115150a, 0x0000110a040a11, 0x000011110f010e, 0x00001f0204081f,
    0x02040408040402, 0x04040404040404, 0x08040402040408, 0x00000815020000,
];

/// Those that reach below the line: eight rows each.
const LOW: [(char, u64); 7] = [
    (',', 0x0000_0000_000c_0408),
    (';', 0x0000_0c0c_000c_0408),
    ('g', 0x0000_0f11_110f_010e),
    ('j', 0x0200_0602_0202_120c),
    ('p', 0x0000_1e11_111e_1010),
    ('q', 0x0000_0f11_110f_0101),
    ('y', 0x0000_1111_110f_010e),
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
    for (row, column) in (0..HEIGHT).flat_map(|row| (0..WIDTH - 1).map(move |column| (row, column))) {
        if glyph >> ((HEIGHT - 1 - row) * 8 + WIDTH - 2 - column) & 1 == 1 {
            let (x, y) = (left.saturating_add(column * scale), top.saturating_add(row * scale));
            canvas.draw(Rect { x, y, width: scale, height: scale }, |_, _| ink);
        }
    }
}

/// None for a blank; what the font lacks shows as a question mark.
fn glyph(character: char) -> Option<u64> {
    if character == ' ' {
        return None;
    }
    if let Some((_, low)) = LOW.iter().find(|(low, _)| *low == character) {
        return Some(*low);
    }
    let find = |character: char| {
        let index = u32::from(character).checked_sub(u32::from('!'))?;
        GLYPHS.get(usize::try_from(index).ok()?).map(|rows| rows << 8)
    };
    find(character).or_else(|| find('?'))
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
        0xff55 => "<pgup>".into(),
        0xff56 => "<pgdn>".into(),
        0xff57 => "<end>".into(),
        0xffff => "<del>".into(),
        0xffbe..=0xffc9 => format!("<F{}>", keysym - 0xffbd),
        0xffe1 | 0xffe2 => String::new(),
        0xffe3 | 0xffe4 => "<ctrl>".into(),
        0xffe9 | 0xffea => "<alt>".into(),
        0xffeb | 0xffec => "<win>".into(),
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
        assert_eq!(ink("I"), 11);
        assert_eq!(ink("l"), 10);
        assert_eq!(ink("~"), 5);
        assert_eq!(ink("é"), ink("?"));
    }

    #[test]
    fn letters_that_reach_below_the_line_do() {
        let lowest = |text: &str| {
            let mut canvas = Canvas::new(8, 16);
            write(&mut canvas, (0, 0), 1, text, 1);
            (0..16_u16)
                .filter(|y| canvas.pixels(Rect { x: 0, y: *y, width: 8, height: 1 }).any(|pixel| pixel == 1))
                .max()
        };
        for (text, line) in [("a", 6), ("x", 6), ("Q", 6), ("p", 7), ("g", 7), ("y", 7), ("j", 7), ("q", 7), (",", 7)] {
            assert_eq!(lowest(text), Some(line), "{text}");
        }
    }
}
