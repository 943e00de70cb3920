//! What a piece of a viewer's stream says about the person in front of it.

use crate::wire::rfb_client::Kind;

/// What a piece of the stream was.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Something a person did, whether it passed or not.
    pub active: bool,
}

/// Whether a message is a person's doing: a viewer by itself sends formats, update requests and fences.
pub(super) const fn is_activity(kind: Kind) -> bool {
    match kind {
        Kind::PixelFormat { .. }
        | Kind::Encodings { .. }
        | Kind::UpdateRequest
        | Kind::ContinuousUpdates
        | Kind::Fence => false,
        Kind::Key
        | Kind::Pointer
        | Kind::CutText
        | Kind::Power
        | Kind::DesktopSize
        | Kind::Gii
        | Kind::QemuKey
        | Kind::QemuAudio => true,
    }
}
