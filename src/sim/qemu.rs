//! A console of a real QEMU, as `qm vncproxy` opens it: password by QMP, then a copy in pieces of 4096 bytes.

use super::guest::Guest;
use super::pipe::Pipe;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;

/// Bytes of one read.
const PIECE: usize = 4096;

/// Sets QEMU's VNC password and lets it expire in 30 seconds; nothing to do without a QMP socket.
pub(super) async fn set_password(guest: &Guest, password: &str) -> io::Result<()> {
    let Some(path) = &guest.config.qmp else { return Ok(()) };
    let (reader, mut writer) = UnixStream::connect(path).await?.into_split();
    let mut lines = BufReader::new(reader).lines();
    for command in [
        json!({"execute": "qmp_capabilities"}),
        json!({"execute": "set_password", "arguments": {"protocol": "vnc", "password": password}}),
        json!({"execute": "expire_password", "arguments": {"protocol": "vnc", "time": "+30"}}),
    ] {
        writer.write_all(format!("{command}\n").as_bytes()).await?;
        answer(&mut lines).await?;
    }
    Ok(())
}

/// The answer to a command; the greeting and events come in between.
async fn answer<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>) -> io::Result<()> {
    while let Some(line) = lines.next_line().await? {
        let value: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
        if let Some(error) = value.get("error") {
            return Err(io::Error::other(error.to_string()));
        }
        if value.get("return").is_some() {
            return Ok(());
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Copies both ways until one side ends.
pub(super) async fn copy<S: AsyncRead + AsyncWrite>(stream: S, mut pipe: Pipe) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let to_proxy = pipe.to.clone();
    let down = async {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(PIECE);
            if (&mut reader).take(PIECE as u64).read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            let sent = to_proxy.send(buffer.split().freeze()).await;
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
    };
    let up = async {
        loop {
            let piece = pipe.read().await?;
            writer.write_all(&piece).await?;
        }
    };
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}
