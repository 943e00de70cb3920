//! A real QEMU: its console as `qm vncproxy` opens it (password by QMP, then a copy in pieces of 4096 bytes), and its
//! power switch. A QEMU whose process is gone cannot be started from here.

use super::guest::{Guest, Switch};
use super::pipe::Pipe;
use super::setup::Status;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;

/// Bytes of one read.
const PIECE: usize = 4096;

/// Sets QEMU's VNC password and lets it expire in 30 seconds; nothing to do without a QMP socket.
pub(super) async fn set_password(guest: &Guest, password: &str) -> io::Result<()> {
    let Some(path) = &guest.config.qmp else { return Ok(()) };
    let set = json!({"execute": "set_password", "arguments": {"protocol": "vnc", "password": password}});
    let expire = json!({"execute": "expire_password", "arguments": {"protocol": "vnc", "time": "+30"}});
    ask(path, &[set, expire]).await.map(drop)
}

/// How often a guest that was asked to shut down is looked at, and how long: Proxmox's own patience.
const LOOKS: (Duration, u32) = (Duration::from_millis(500), 120);

/// Does what a power call's task does, and notes how the guest is then. What QEMU refuses has changed nothing.
pub(super) async fn switch(guest: Arc<Guest>, switch: Switch) {
    let Some(path) = guest.config.qmp.as_deref() else { return };
    let execute = |word: &str| json!({ "execute": word });
    match switch {
        // One that runs on without its processor, or that powered itself off and stayed, begins anew.
        Switch::Start => {
            if ask(path, &[execute("system_reset"), execute("cont")]).await.is_ok() {
                guest.set_status(Status::Running);
            }
        }
        Switch::Stop => {
            // The process stays, so that it can be started; a process that is gone is as off as can be.
            let _ = ask(path, &[execute("stop")]).await;
            guest.set_status(Status::Stopped);
        }
        Switch::Reset | Switch::Reboot => {
            let _ = ask(path, &[execute("system_reset")]).await;
        }
        Switch::Shutdown => {
            let _ = ask(path, &[execute("system_powerdown")]).await;
            for _ in 0..LOOKS.1 {
                tokio::time::sleep(LOOKS.0).await;
                // QEMU talks to one at a time, so nobody listens for the event meanwhile.
                match ask(path, &[execute("query-status")]).await {
                    Ok(status) if status.get("status").and_then(Value::as_str) != Some("shutdown") => {}
                    Ok(_) | Err(_) => return guest.set_status(Status::Stopped),
                }
            }
        }
    }
}

/// Gives the commands one after the other; what came back from the last one.
async fn ask(path: &Path, commands: &[Value]) -> io::Result<Value> {
    let (reader, mut writer) = UnixStream::connect(path).await?.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut last = Value::Null;
    for command in [&[json!({"execute": "qmp_capabilities"})], commands].concat() {
        writer.write_all(format!("{command}\n").as_bytes()).await?;
        last = answer(&mut lines).await?;
    }
    Ok(last)
}

/// The answer to a command; the greeting and events come in between.
async fn answer<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>) -> io::Result<Value> {
    while let Some(line) = lines.next_line().await? {
        let mut value: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
        if let Some(error) = value.get("error") {
            return Err(io::Error::other(error.to_string()));
        }
        if let Some(returned) = value.get_mut("return") {
            return Ok(returned.take());
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
