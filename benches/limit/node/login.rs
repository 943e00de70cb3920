//! A VNC server's handshake (RFC 6143 section 7.1), with VNC authentication that takes any password.

use super::{Stream, http};
use crate::Outcome;
use crate::frames::{self, Frames, Piece};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

/// 1024 by 768 pixels of 32 bits, and a name as QEMU gives it.
const SERVER_INIT: &[u8] =
    b"\x04\x00\x03\x00\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\0\0\0\0\0\0\x10QEMU (guest-100)";

/// Serves it to the end of ServerInit.
pub(super) async fn serve(stream: &mut Stream) -> Outcome<()> {
    let mut heard = Heard::default();
    say(stream, b"RFB 003.008\n").await?;
    heard.take(stream, 12).await?;
    say(stream, &[1, 2]).await?;
    heard.take(stream, 1).await?;
    say(stream, b"sixteen bytes...").await?;
    heard.take(stream, 16).await?;
    say(stream, &[0; 4]).await?;
    heard.take(stream, 1).await?;
    if heard.bytes > 0 {
        return Err("the client spoke before ServerInit".into());
    }
    say(stream, SERVER_INIT).await
}

async fn say(stream: &mut Stream, bytes: &[u8]) -> Outcome<()> {
    let mut frame = Vec::with_capacity(bytes.len() + 2);
    frames::put(&mut frame, frames::BINARY, bytes);
    stream.write_all(&frame).await?;
    Ok(stream.flush().await?)
}

/// How much the client said; what it said is not looked at.
#[derive(Default)]
struct Heard {
    frames: Frames,
    bytes: usize,
}

impl Heard {
    async fn take(&mut self, stream: &mut Stream, count: usize) -> Outcome<()> {
        while self.bytes < count {
            let mut bytes = stream.fill_buf().await?;
            let len = bytes.len();
            if len == 0 {
                return Err(http::ended().into());
            }
            while let Some(piece) = self.frames.next(&mut bytes) {
                if let Piece::Data { bytes, .. } = piece {
                    self.bytes += bytes.len();
                }
            }
            stream.consume(len);
        }
        self.bytes -= count;
        Ok(())
    }
}
