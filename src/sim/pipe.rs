//! The connection between pveproxy and a console: like localhost TCP, but each write is read as it was written.
//!
//! Keeping the edges of writes makes frames repeatable: one write of the console is one frame, one client frame is one
//! read of the console.

use bytes::Bytes;
use std::io;
use tokio::sync::mpsc;

/// One end.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) from: mpsc::Receiver<Bytes>,
    pub(super) to: mpsc::Sender<Bytes>,
}

/// Writes under way in one direction.
const DEPTH: usize = 16;

/// Both ends: of pveproxy, of the console.
pub(super) fn pipe() -> (Pipe, Pipe) {
    let (to_console, from_proxy) = mpsc::channel(DEPTH);
    let (to_proxy, from_console) = mpsc::channel(DEPTH);
    (Pipe { from: from_console, to: to_console }, Pipe { from: from_proxy, to: to_proxy })
}

impl Pipe {
    /// The next piece that is not empty.
    pub(super) async fn read(&mut self) -> io::Result<Bytes> {
        loop {
            match self.from.recv().await {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => return Ok(piece),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Writes one piece.
    pub(super) async fn write(&self, piece: impl Into<Bytes>) -> io::Result<()> {
        self.to.send(piece.into()).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Reads exact numbers of bytes out of pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) buffer: bytes::BytesMut,
}

impl Pieces {
    /// Reads until at least one more piece is in the buffer. Nothing is lost when it is given up half-way.
    pub(super) async fn fill(&mut self, pipe: &mut Pipe) -> io::Result<()> {
        let piece = pipe.read().await?;
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }

    /// Exactly `N` bytes.
    pub(super) async fn exact<const N: usize>(&mut self, pipe: &mut Pipe) -> io::Result<[u8; N]> {
        while self.buffer.len() < N {
            self.fill(pipe).await?;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.buffer.split_to(N));
        Ok(bytes)
    }
}
