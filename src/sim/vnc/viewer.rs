//! One logged-in viewer: its messages in, updates of the picture out. Updates go out only when asked for.

use super::canvas::Rect;
use super::messages::{self, Message};
use super::picture::{Picture, STEP};
use super::pixel::Format;
use crate::sim::pipe::{Pieces, Pipe};
use crate::sim::record::{Event, Record};
use bytes::Bytes;
use std::io;

/// `qm vncproxy` copies pieces of this size.
const PIECE: usize = 4096;

/// QEMU extended key events; confirmed by an empty rectangle.
const EXTENDED_KEY: i32 = -258;
/// `DesktopSize`: the screen has another size.
const SIZE: i32 = -223;
/// `ExtendedDesktopSize`: the same with the layout of the screens; who knows it may ask for a size.
const EXTENDED_SIZE: i32 = -308;

/// Why `ExtendedDesktopSize` is said, and with what status: the first two fields of its rectangle.
type Cause = (u16, u16);
const SO_IT_IS: Cause = (0, 0);
/// QEMU passes the wish on to the guest, whose new size comes later and by itself.
const PASSED_ON: Cause = (1, 4);
const NO_SUCH_LAYOUT: Cause = (1, 3);

struct Viewer<'a> {
    picture: &'a Picture,
    record: &'a Record,
    format: Format,
    /// The version of the picture it has.
    seen: u64,
    /// The area it waits for.
    wanted: Option<Rect>,
    announce: Vec<i32>,
    announced: bool,
    /// How it takes news of the size; none: not at all.
    sizing: Option<i32>,
    /// The size it knows of.
    size: (u16, u16),
    /// What it is yet to be told of the size.
    causes: Vec<Cause>,
}

/// Serves a viewer until it leaves or sends what QEMU does not know.
pub(super) async fn serve(picture: &Picture, record: &Record, mut pieces: Pieces, mut pipe: Pipe) -> io::Result<()> {
    let mut viewer = Viewer {
        picture,
        record,
        format: Format::QEMU,
        seen: 0,
        wanted: None,
        announce: Vec::new(),
        announced: false,
        sizing: None,
        size: picture.size(),
        causes: Vec::new(),
    };
    loop {
        while let Some(message) = messages::take(&mut pieces.buffer).map_err(|_| io::Error::other("unknown message"))? {
            viewer.handle(message)?;
        }
        for update in viewer.sizes().into_iter().chain(viewer.update()) {
            let update = Bytes::from(update);
            for start in (0..update.len()).step_by(PIECE) {
                pipe.write(update.slice(start..update.len().min(start + PIECE))).await?;
            }
        }
        // Another viewer's keys change the picture too, so a still one is looked at as well, but seldom.
        let pause = if picture.moves() { STEP } else { STEP * 5 };
        tokio::select! {
            filled = pieces.fill(&mut pipe) => filled?,
            () = tokio::time::sleep(pause), if viewer.wanted.is_some() => {}
        }
    }
}

impl Viewer<'_> {
    fn handle(&mut self, message: Message) -> io::Result<()> {
        match message {
            Message::PixelFormat(bytes) => {
                self.format = Format::read(&bytes).ok_or_else(|| io::Error::other("pixel format"))?;
            }
            Message::Encodings(list) => {
                if list.contains(&EXTENDED_KEY) && !self.announced {
                    self.announced = true;
                    self.announce.push(EXTENDED_KEY);
                }
                self.sizing = [EXTENDED_SIZE, SIZE].into_iter().find(|known| list.contains(known));
                self.record.add(Event::Encodings(list));
            }
            Message::Update { incremental, area } => self.wants(incremental, area),
            Message::Key { down, keysym } => {
                if down {
                    self.picture.key(keysym);
                }
                self.record.add(Event::Key { down, keysym });
            }
            Message::Pointer { mask, x, y } => {
                self.picture.pointer(mask, x, y);
                self.record.add(Event::Pointer { mask, x, y });
            }
            Message::CutText(text) => self.record.add(Event::CutText(text)),
            Message::Power(code) => self.record.add(Event::Power(code)),
            Message::DesktopSize { width, height } => {
                self.causes.push(if self.picture.resize(width, height) { PASSED_ON } else { NO_SUCH_LAYOUT });
                self.record.add(Event::DesktopSize { width, height });
            }
            Message::Audio => {}
        }
        Ok(())
    }

    /// QEMU looks at the area only where all of it is wanted anew, and then tells the size too.
    fn wants(&mut self, incremental: bool, area: Rect) {
        if incremental {
            let (width, height) = self.picture.size();
            self.wanted = Some(Rect { x: 0, y: 0, width, height });
        } else {
            self.seen = 0;
            self.wanted = Some(area);
            self.causes.push(SO_IT_IS);
        }
    }

    /// What is said of the size, in updates of their own, which nobody needs to have asked for.
    fn sizes(&mut self) -> Vec<Vec<u8>> {
        let mut causes = std::mem::take(&mut self.causes);
        let size = self.picture.size();
        let told = std::mem::replace(&mut self.size, size);
        if told != size {
            // Asked for before: of an area of the screen that was.
            self.wanted = None;
            causes.push(SO_IT_IS);
        }
        let Some(encoding) = self.sizing else { return Vec::new() };
        if encoding == SIZE {
            return if told == size { Vec::new() } else { vec![size_update(SIZE, SO_IT_IS, size)] };
        }
        causes
            .into_iter()
            .map(|cause| size_update(EXTENDED_SIZE, cause, if cause == PASSED_ON { told } else { size }))
            .collect()
    }

    fn update(&mut self) -> Option<Vec<u8>> {
        let area = self.wanted?;
        let update = self.picture.update(&mut self.seen, area, self.format, &self.announce)?;
        self.announce.clear();
        self.wanted = None;
        Some(update)
    }
}

/// A `FramebufferUpdate` of one rectangle that tells a size; `ExtendedDesktopSize` with one screen that fills it.
fn size_update(encoding: i32, (reason, status): Cause, (width, height): (u16, u16)) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 1];
    for number in [reason, status, width, height] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&encoding.to_be_bytes());
    if encoding == EXTENDED_SIZE {
        out.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&width.to_be_bytes());
        out.extend_from_slice(&height.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
    }
    out
}
