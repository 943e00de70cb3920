//! Follows what a viewer that may do everything says, without changing a byte of it.
//!
//! Owns the knowledge of where its messages end and whether a person did something. A message it does not know ends that
//! knowledge for good, and nothing else: what the guest's server does not understand, it judges itself.

use super::heard::{Heard, is_activity};
use crate::wire::rfb_client::{EXTENDED_MOUSE_BUTTONS, Kind, Message, Messages, Step};

/// The messages of a viewer, followed as they pass.
#[derive(Debug, Default)]
pub struct Observer {
    messages: Messages,
    /// The list of encodings under way.
    list: Option<List>,
    lost: bool,
}

impl Observer {
    /// What came so far ends between two messages, as far as is known.
    pub(super) const fn between_messages(&self) -> bool {
        !self.lost && self.messages.at_boundary()
    }

    /// Reads on.
    pub(super) fn hear(&mut self, mut plain: &[u8]) -> Heard {
        let mut heard = Heard::default();
        while !plain.is_empty() {
            if self.lost {
                // Who types must not be thrown out for being idle.
                return Heard { active: true };
            }
            let used = match self.messages.step(plain) {
                Ok(Step::More) => return heard,
                Ok(Step::Begin { message, bytes, .. }) => {
                    heard.active |= is_activity(message.kind);
                    self.begin(message);
                    bytes
                }
                Ok(Step::Body { bytes }) => {
                    self.read_list(plain.get(..bytes).unwrap_or_default());
                    bytes
                }
                Err(_) => {
                    self.lost = true;
                    continue;
                }
            };
            plain = plain.get(used..).unwrap_or_default();
        }
        heard
    }

    fn begin(&mut self, message: Message) {
        if let Kind::Encodings { .. } = message.kind {
            self.list = Some(List::default());
            self.read_list(&[]);
        }
    }

    /// A viewer sends the long form only once the server has confirmed it, and never the short one with bit 7 set as soon
    /// as it has asked for it; so what it asked for last tells the form.
    fn read_list(&mut self, part: &[u8]) {
        let Some(list) = &mut self.list else { return };
        list.read(part);
        if !self.messages.in_body() {
            self.messages.long_pointer(list.long_pointer);
            self.list = None;
        }
    }
}

/// A list of encodings as it passes.
#[derive(Debug, Default)]
struct List {
    last: u32,
    bytes: usize,
    long_pointer: bool,
}

impl List {
    fn read(&mut self, part: &[u8]) {
        for byte in part {
            self.last = self.last << 8 | u32::from(*byte);
            self.bytes += 1;
            self.long_pointer |= self.bytes.is_multiple_of(4) && self.last == EXTENDED_MOUSE_BUTTONS.cast_unsigned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the stream was known to end between two messages, and whether somebody did something; at every cut.
    fn hear(bytes: &[u8]) -> (bool, bool) {
        let at_once = |pieces: &[&[u8]]| {
            let mut observer = Observer::default();
            let active = pieces.iter().fold(false, |active, piece| active | observer.hear(piece).active);
            (observer.between_messages(), active)
        };
        let whole = at_once(&[bytes]);
        for cut in 0..bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(at_once(&[left, right]), whole, "cut at {cut}");
        }
        assert_eq!(at_once(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
        whole
    }

    #[test]
    fn a_viewers_own_messages_are_no_activity_and_a_persons_are() {
        let own: &[&[u8]] =
            &[&[0; 20], &[2, 0, 0, 1, 0, 0, 0, 7], &[3; 10], &[150; 10], &[248, 0, 0, 0, 0, 0, 0, 0, 0]];
        assert_eq!(hear(&own.concat()), (true, false));
        for message in [
            &[4_u8, 1, 0, 0, 0, 0, 0, 65][..],
            &[5, 0, 0, 1, 0, 1],
            &[6, 0, 0, 0, 0, 0, 0, 1, b'x'],
            &[250, 0, 1, 2],
            &[251, 0, 1, 1, 1, 1, 0, 0],
            &[255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30],
        ] {
            assert_eq!(hear(&[&own.concat()[..], message].concat()), (true, true), "{message:?}");
            assert!(!hear(&message[..message.len() - 1]).0, "{message:?}");
        }
    }

    #[test]
    fn the_long_pointer_is_followed_once_it_was_asked_for() {
        let asks = [2, 0, 0, 2, 0, 0, 0, 7, 0xff, 0xff, 0xfe, 0xc4];
        let shifted = [2, 0, 0, 2, 0, 0, 0xff, 0xff, 0xfe, 0xc4, 0, 0];
        let (short, long) = ([5, 0xff, 0, 1, 0, 1], [5, 0xff, 0, 1, 0, 1, 1]);
        assert_eq!(hear(&[&asks[..], &long, &long].concat()), (true, true));
        assert!(!hear(&[&asks[..], &short].concat()).0);
        assert_eq!(hear(&[&shifted[..], &short, &short].concat()), (true, true));
        assert_eq!(hear(&[&asks[..], &[2, 0, 0, 0], &short].concat()), (true, true), "the newest list counts");
    }

    #[test]
    fn r15_an_unknown_message_ends_the_knowledge_and_nobody_is_idle_from_then_on() {
        assert_eq!(hear(&[7]), (false, true));
        let mut observer = Observer::default();
        observer.hear(&[7]);
        assert_eq!(observer.hear(&[3, 1, 0, 0, 0, 0, 0, 1, 0, 1]), Heard { active: true });
        assert!(!observer.between_messages());
    }
}
