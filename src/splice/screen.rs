//! What a viewer may say to a screen when its token does not grant everything: whole RFB messages pass or are dropped.
//!
//! Owns which right a message needs and which encodings a viewer may ask for. Replaces nothing and invents nothing: a
//! message that is not granted is not there, and what could announce it is left out of SetEncodings, so that the server
//! never offers it. Holds no message but a list of encodings. What it does not know ends the session, for nobody can tell
//! where the next message begins. (Protocol reference 11.2, hostile inputs R12, R13, R15.)

use super::heard::{Heard, is_activity};
use crate::id::Right;
use crate::reason::{Failure, Reason};
use crate::wire::rfb_client::{EXTENDED_MOUSE_BUTTONS, Kind, Message, Messages, Step};

/// More encodings than anybody has defined.
const MOST_ENCODINGS: u16 = 1024;

const QEMU_KEY: i32 = -258;
const QEMU_AUDIO: i32 = -259;
const GII: i32 = -305;
const EXTENDED_DESKTOP_SIZE: i32 = -308;
const XVP: i32 = -309;
const EXTENDED_CLIPBOARD: i32 = 0xC0A1_E5CE_u32.cast_signed();

/// What happens to the message under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Verdict {
    #[default]
    Pass,
    Drop,
    /// It is held until it is whole, and leaves without what is not granted.
    Hold,
}

/// The rights of a screen, applied to what its viewer says.
#[derive(Debug)]
pub struct ScreenGuard {
    input: bool,
    clipboard: bool,
    resize: bool,
    power: bool,
    messages: Messages,
    verdict: Verdict,
    held: Vec<u8>,
}

impl ScreenGuard {
    /// For these rights. Without `input` nothing that changes the guest passes, whatever else is granted.
    pub(super) fn new(rights: &[Right]) -> Self {
        let input = rights.contains(&Right::Input);
        let with_input = |right| input && rights.contains(&right);
        Self {
            input,
            clipboard: with_input(Right::Clipboard),
            resize: with_input(Right::Resize),
            power: with_input(Right::Power),
            messages: Messages::default(),
            verdict: Verdict::default(),
            held: Vec::new(),
        }
    }

    /// What went out ends between two messages. What is dropped or held has not gone out.
    pub(super) const fn between_messages(&self) -> bool {
        !(self.messages.in_body() && matches!(self.verdict, Verdict::Pass))
    }

    /// Reads on; what may pass is added to `out`.
    ///
    /// # Errors
    /// `rfb_unknown`, `rfb_value`. What came before is in `out`.
    pub(super) fn pass(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<Heard, Failure> {
        let mut heard = Heard::default();
        while !plain.is_empty() {
            let used = match self.messages.step(plain).map_err(|_| unknown())? {
                Step::More => break,
                Step::Begin { message, head, bytes } => {
                    heard.active |= is_activity(message.kind);
                    self.verdict = self.judge(message)?;
                    self.emit(head.as_slice(), out);
                    bytes
                }
                Step::Body { bytes } => {
                    self.emit(plain.get(..bytes).unwrap_or_default(), out);
                    bytes
                }
            };
            plain = plain.get(used..).unwrap_or_default();
        }
        Ok(heard)
    }

    fn judge(&self, message: Message) -> Result<Verdict, Failure> {
        let granted = match message.kind {
            Kind::PixelFormat { bits: 8 | 16 | 32 } => true,
            Kind::PixelFormat { bits } => return Err(value(&format!("a pixel format of {bits} bits"))),
            Kind::Encodings { count: 0..=MOST_ENCODINGS } => return Ok(Verdict::Hold),
            Kind::Encodings { count } => return Err(value(&format!("{count} encodings"))),
            Kind::UpdateRequest | Kind::ContinuousUpdates | Kind::Fence => true,
            Kind::Key | Kind::Pointer | Kind::QemuKey | Kind::Gii | Kind::QemuAudio => self.input,
            Kind::CutText => self.clipboard,
            Kind::DesktopSize => self.resize,
            Kind::Power => self.power,
        };
        Ok(if granted { Verdict::Pass } else { Verdict::Drop })
    }

    fn emit(&mut self, part: &[u8], out: &mut Vec<u8>) {
        match self.verdict {
            Verdict::Pass => out.extend_from_slice(part),
            Verdict::Drop => {}
            Verdict::Hold => {
                self.held.extend_from_slice(part);
                if !self.messages.in_body() {
                    let list = std::mem::take(&mut self.held);
                    self.encodings(&list, out);
                }
            }
        }
    }

    /// SetEncodings without what is not granted.
    fn encodings(&self, message: &[u8], out: &mut Vec<u8>) {
        let all = message.get(4..).unwrap_or_default().chunks_exact(4);
        let kept: Vec<&[u8]> = all.filter(|encoding| self.may_ask_for(encoding)).collect();
        let count = u16::try_from(kept.len()).unwrap_or_default();
        out.extend_from_slice(message.get(..2).unwrap_or_default());
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&kept.concat());
    }

    fn may_ask_for(&self, encoding: &[u8]) -> bool {
        let Some(number) = encoding.first_chunk::<4>().copied().map(i32::from_be_bytes) else { return false };
        match number {
            QEMU_KEY | QEMU_AUDIO | GII => self.input,
            EXTENDED_CLIPBOARD => self.clipboard,
            // It announces that the viewer may set the size. The guest's own changes come by DesktopSize (-223) too.
            EXTENDED_DESKTOP_SIZE => self.resize,
            XVP => self.power,
            // With it a pointer's length would depend on what the server says, which is not read here.
            EXTENDED_MOUSE_BUTTONS => false,
            _ => true,
        }
    }
}

fn unknown() -> Failure {
    Reason::RfbUnknown.into()
}

fn value(what: &str) -> Failure {
    Failure::new(Reason::RfbValue, format!("the browser sent {what}"))
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
