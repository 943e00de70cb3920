//! Pixel formats: reads a viewer's, writes pixels in it (RFC 6143 section 7.4). True colour only.

/// Which bits of a pixel are which colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    bytes: usize,
    big_endian: bool,
    max: [u16; 3],
    shift: [u8; 3],
}

impl Format {
    /// As QEMU announces it: 32 bits, depth 24, little endian, red 16, green 8, blue 0.
    pub(super) const QEMU: Self = Self { bytes: 4, big_endian: false, max: [255; 3], shift: [16, 8, 0] };

    /// A viewer's wish; none if it is impossible or asks for a colour map.
    pub(super) fn read(bytes: &[u8; 16]) -> Option<Self> {
        let [bits, _, big, truecolour, r1, r2, g1, g2, b1, b2, rs, gs, bs, ..] = *bytes;
        let max = [[r1, r2], [g1, g2], [b1, b2]].map(u16::from_be_bytes);
        let shift = [rs, gs, bs];
        let size = match bits {
            8 => 1,
            16 => 2,
            32 => 4,
            _ => return None,
        };
        let fits = shift.iter().all(|shift| *shift < bits);
        (truecolour != 0 && fits).then_some(Self { bytes: size, big_endian: big != 0, max, shift })
    }

    /// The sixteen bytes of `ServerInit`.
    pub(super) const fn announce() -> [u8; 16] {
        [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]
    }

    /// Writes one pixel of 0xRRGGBB.
    pub(super) fn put(&self, colour: u32, out: &mut Vec<u8>) {
        let [_, red, green, blue] = colour.to_be_bytes();
        let mut pixel = 0_u32;
        for ((value, max), shift) in [red, green, blue].iter().zip(self.max).zip(self.shift) {
            pixel |= (u32::from(*value) * u32::from(max) / 255) << shift;
        }
        if self.big_endian {
            out.extend(pixel.to_be_bytes().iter().skip(4 - self.bytes));
        } else {
            out.extend(pixel.to_le_bytes().iter().take(self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    fn written(format: [u8; 16], colour: u32) -> Vec<u8> {
        let mut out = Vec::new();
        Format::read(&format).unwrap().put(colour, &mut out);
        out
    }

    #[test]
    fn pixels_come_in_the_viewers_format() {
        assert_eq!(written(Format::announce(), 0x00aa_bbcc), [0xcc, 0xbb, 0xaa, 0]);
        // What noVNC asks for: red lowest.
        let novnc = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0];
        assert_eq!(written(novnc, 0x00aa_bbcc), [0xaa, 0xbb, 0xcc, 0]);
        let five_six_five = [16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0];
        assert_eq!(written(five_six_five, 0x00ff_0000), [0xf8, 0]);
        let six_bits = [8, 6, 0, 1, 0, 3, 0, 3, 0, 3, 0, 2, 4, 0, 0, 0];
        assert_eq!(written(six_bits, 0x00ff_ffff), [0x3f]);
    }

    #[test]
    fn impossible_formats_are_refused() {
        assert_eq!(Format::read(&[0; 16]), None);
        assert_eq!(Format::read(&[32, 24, 0, 0, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]), None, "colour map");
        assert_eq!(Format::read(&[32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 40, 8, 0, 0, 0, 0]), None, "shift");
    }
}
