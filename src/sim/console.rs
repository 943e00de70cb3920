//! What a waiting console does once it is connected to: the worker behind `vncproxy` and `termproxy`.
//!
//! Its life ends with its connection, with its guest's life, or when its task is stopped.

use super::cluster::Cluster;
use super::guest::Guest;
use super::pipe::{Pieces, Pipe, pipe};
use super::ports::Waiting;
use super::setup::{Backend, Status, Style};
use super::websocket::Rules;
use super::{qemu, term, vnc};
use crate::id::{Kind, Protocol};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// A running console; dropping it ends it.
#[derive(Debug)]
pub(super) struct Console {
    task: AbortHandle,
}

impl Drop for Console {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects to a waiting console.
pub(super) fn connect(cluster: &Arc<Cluster>, waiting: Waiting) -> (Console, Pipe, Rules) {
    let (proxy_end, console_end) = pipe();
    let vga = waiting.guest.config.kind == Kind::Qemu && waiting.protocol == Protocol::Vnc;
    let rules = Rules {
        idle: vga.then_some(cluster.config.timing.idle_cut),
        cut_in_mid_frame: cluster.config.cut_in_mid_frame,
    };
    let cluster = Arc::clone(cluster);
    let task = tokio::spawn(async move {
        let stopped = cluster.tasks.begin(&waiting.upid);
        let state = waiting.guest.state();
        tokio::select! {
            // A console ends quietly, whatever the cause: its end of the pipe is dropped.
            _ = run(&cluster, &waiting, console_end) => {}
            () = state.life.cancelled() => {}
            () = stopped.cancelled() => {}
        }
        cluster.tasks.end(&waiting.upid);
    });
    (Console { task: task.abort_handle() }, proxy_end, rules)
}

async fn run(cluster: &Cluster, waiting: &Waiting, mut pipe: Pipe) -> io::Result<()> {
    let (guest, timing) = (&*waiting.guest, &cluster.config.timing);
    if waiting.tls {
        // It waits for a TLS greeting that never comes.
        pipe.read().await?;
        return Ok(());
    }
    let off = guest.state().status == Status::Stopped || !cluster.is_reachable(&guest.state().node);
    match waiting.protocol {
        Protocol::Vnc if off => {
            tokio::time::sleep(timing.stopped_end).await;
            Ok(())
        }
        Protocol::Vnc => run_vnc(cluster, guest, waiting, pipe).await,
        Protocol::Term => {
            let is_token = waiting.user.contains('!');
            let login = term::Login {
                user: waiting.user.clone(),
                ticket: waiting.ticket.clone(),
                within: timing.login,
                refuse: cluster.config.style == Style::Legacy && is_token,
                glue_ok: cluster.config.glue_ok,
                strict: cluster.config.term_strict,
                off,
            };
            term::serve(guest, &login, pipe, &cluster.ledger).await
        }
    }
}

async fn run_vnc(cluster: &Cluster, guest: &Guest, waiting: &Waiting, mut pipe: Pipe) -> io::Result<()> {
    let password = waiting.password.clone();
    match &guest.config.backend {
        Backend::Tcp(address) => {
            qemu::set_password(guest, &password).await?;
            qemu::copy(tokio::net::TcpStream::connect(address).await?, pipe).await
        }
        Backend::Unix(path) => {
            qemu::set_password(guest, &password).await?;
            qemu::copy(tokio::net::UnixStream::connect(path).await?, pipe).await
        }
        Backend::Echo => echo(&mut Pieces::default(), &mut pipe).await,
        Backend::Picture { .. }
        | Backend::Still { .. }
        | Backend::RfbEcho
        | Backend::Flood { .. }
        | Backend::Shell
        | Backend::Program(_) => {
            let login = vnc::Login { password, life: cluster.config.timing.password_life };
            vnc::serve(guest, &login, pipe, &cluster.ledger).await
        }
    }
}

/// Gives back every byte, those already read first.
pub(super) async fn echo(pieces: &mut Pieces, pipe: &mut Pipe) -> io::Result<()> {
    if !pieces.buffer.is_empty() {
        pipe.write(pieces.buffer.split().freeze()).await?;
    }
    loop {
        let piece = pipe.read().await?;
        pipe.write(piece).await?;
    }
}

/// Sends so many bytes in pieces, then ends. Byte `n` of it is `n mod 251`.
pub(super) async fn flood(pipe: &Pipe, bytes: u64, piece: usize) -> io::Result<()> {
    let pattern: Vec<u8> = (0..251_u8).cycle().take(piece.clamp(1, 131_072) + 251).collect();
    let pattern = Bytes::from(pattern);
    let mut sent = 0_u64;
    while sent < bytes {
        let left = usize::try_from(bytes - sent).unwrap_or(usize::MAX);
        let length = left.min(pattern.len() - 251);
        let start = usize::try_from(sent % 251).unwrap_or(0);
        pipe.write(pattern.slice(start..start + length)).await?;
        sent += u64::try_from(length).unwrap_or(0);
    }
    Ok(())
}
