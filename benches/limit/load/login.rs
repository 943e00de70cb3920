//! The RFB login as a browser does it, on a byte stream whatever its frames are.

use super::connect::Stream;
use super::session::MASK;
use crate::Outcome;
use crate::frames::{self, BINARY, Frames, Piece};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

/// Version 3.8, type None, shared, up to the end of ServerInit (RFC 6143 section 7.1).
pub(super) async fn run(stream: &mut Stream) -> Outcome<()> {
    let mut heard = Heard::default();
    for (expected, answer) in [(&b"RFB 003.008\n"[..], &b"RFB 003.008\n"[..]), (&[1, 1], &[1]), (&[0, 0, 0, 0], &[1])] {
        let said = heard.take(stream, expected.len()).await?;
        if said != expected {
            return Err(format!("the login said {:?}", said.escape_ascii().to_string()).into());
        }
        let mut frame = Vec::new();
        frames::put_masked(&mut frame, BINARY, answer, MASK);
        stream.write_all(&frame).await?;
        stream.flush().await?;
    }
    let init = heard.take(stream, 24).await?;
    let name = u32::from_be_bytes(init[20..24].try_into()?);
    heard.take(stream, name as usize).await?;
    if heard.said.is_empty() { Ok(()) } else { Err("data came before it was asked for".into()) }
}

/// What the other side said during the login, whatever its frames are.
#[derive(Default)]
struct Heard {
    frames: Frames,
    said: Vec<u8>,
}

impl Heard {
    async fn take(&mut self, stream: &mut Stream, count: usize) -> Outcome<Vec<u8>> {
        while self.said.len() < count {
            let mut bytes = stream.fill_buf().await?;
            let len = bytes.len();
            if len == 0 {
                return Err("the relay ended the connection during the login".into());
            }
            while let Some(piece) = self.frames.next(&mut bytes) {
                if let Piece::Data { bytes, .. } = piece {
                    self.said.extend_from_slice(bytes);
                }
            }
            stream.consume(len);
        }
        Ok(self.said.drain(..count).collect())
    }
}
