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
}

/// Serves a viewer until it leaves or sends what QEMU does not know.
pub(super) async fn serve(picture: &Picture, record: &Record, mut pieces: Pieces, mut pipe: Pipe) -> io::Result<()> {
    let mut viewer =
        Viewer { picture, record, format: Format::QEMU, seen: 0, wanted: None, announce: Vec::new(), announced: false };
    loop {
        while let Some(message) = messages::take(&mut pieces.buffer).map_err(|_| io::Error::other("unknown message"))? {
            viewer.handle(message)?;
        }
        if let Some(update) = viewer.update() {
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
                self.record.add(Event::Encodings(list));
            }
            Message::Update { incremental, area } => {
                if !incremental {
                    self.seen = 0;
                }
                self.wanted = Some(area);
            }
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
            Message::DesktopSize { width, height } => self.record.add(Event::DesktopSize { width, height }),
            Message::Audio => {}
        }
        Ok(())
    }

    fn update(&mut self) -> Option<Vec<u8>> {
        let area = self.wanted?;
        let update = self.picture.update(&mut self.seen, area, self.format, &self.announce)?;
        self.announce.clear();
        self.wanted = None;
        Some(update)
    }
}
