//! A guest's terminal console: what termproxy does (protocol reference section 7).
//!
//! Owns the login line and what is behind it: a small shell, a real program, a real serial port, an echo or a flood. How
//! input is read is in `input`.

mod input;
mod pty;
mod shell;

use super::counters::Ledger;
use super::guest::Guest;
use super::pipe::{Pieces, Pipe};
use super::setup::Backend;
use crate::id::Kind;
use bytes::{Buf as _, Bytes, BytesMut};
use input::Input;
use pty::Program;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// termproxy's buffers.
const BUFFER: usize = 4096;

/// What a terminal needs to know of its connection.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) ticket: String,
    /// How long the login line may take.
    pub(super) within: Duration,
    /// Tokens are refused (before April 2026).
    pub(super) refuse: bool,
    /// `OK` and the first output in one piece.
    pub(super) glue_ok: bool,
    /// End on split headers.
    pub(super) strict: bool,
    /// The guest is off: it says so, and ends.
    pub(super) off: bool,
}

/// Serves a terminal to its end.
pub(super) async fn serve(guest: &Guest, login: &Login, mut pipe: Pipe, ledger: &Ledger) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    let line = timeout(login.within, read_line(&mut pipe, &mut buffer)).await??;
    let wanted = format!("{}:{}", login.user, login.ticket);
    if login.refuse || line != wanted.as_bytes() {
        return Err(io::Error::other("login refused"));
    }
    ledger.count(|c| c.term_logins += 1);
    let config = &guest.config;
    if login.off {
        return greet(&pipe, login, &format!("{} is not running\r\n", config.name)).await;
    }
    let terminal = Terminal { guest, login, ledger };
    match config.backend {
        Backend::Echo => {
            pipe.write(&b"OK"[..]).await?;
            super::console::echo(&mut Pieces { buffer }, &mut pipe).await
        }
        Backend::RfbEcho => {
            let (ours, its) = tokio::io::duplex(BUFFER);
            let (mut typed, mut shown) = tokio::io::split(its);
            tokio::select! {
                copied = terminal.copy(ours, pipe, buffer, true, |_, _| {}) => copied,
                echoed = tokio::io::copy(&mut typed, &mut shown) => echoed.map(drop),
            }
        }
        Backend::Flood { bytes, piece } => {
            pipe.write(&b"OK"[..]).await?;
            super::console::flood(&pipe, bytes, piece).await
        }
        Backend::Program(ref line) => {
            let (program, its) = Program::start(line)?;
            let resize = |columns, rows| {
                // A program that has ended is told nothing.
                let _ = program.resize(columns, rows);
            };
            terminal.copy(its, pipe, buffer, true, resize).await
        }
        Backend::Picture { .. } | Backend::Still { .. } | Backend::Tcp(_) | Backend::Unix(_) | Backend::Shell => {
            if let Some(path) = &config.serial_socket {
                greet(&pipe, login, "starting serial terminal on interface serial0\r\n").await?;
                return terminal.copy(UnixStream::connect(path).await?, pipe, buffer, false, |_, _| {}).await;
            }
            if config.kind == Kind::Qemu && !config.serial && config.backend != Backend::Shell {
                return greet(&pipe, login, "unable to find a serial interface\r\n").await;
            }
            let (ours, its) = tokio::io::duplex(BUFFER);
            let copied = terminal.copy(ours, pipe, buffer, true, |_, _| {});
            let (copied, _left) = tokio::join!(copied, shell::run(&config.name, its));
            copied
        }
    }
}

/// The line without its end; what follows stays in the buffer.
async fn read_line(pipe: &mut Pipe, buffer: &mut BytesMut) -> io::Result<BytesMut> {
    loop {
        let piece = pipe.read().await?;
        buffer.extend_from_slice(&piece);
        if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line = buffer.split_to(end);
            buffer.advance(1);
            return Ok(line);
        }
        if buffer.len() >= BUFFER {
            return Err(io::Error::other("login line too long"));
        }
    }
}

async fn greet(pipe: &Pipe, login: &Login, text: &str) -> io::Result<()> {
    if login.glue_ok {
        return pipe.write(format!("OK{text}").into_bytes()).await;
    }
    pipe.write(&b"OK"[..]).await?;
    pipe.write(text.to_owned().into_bytes()).await
}

struct Terminal<'a> {
    guest: &'a Guest,
    login: &'a Login,
    ledger: &'a Ledger,
}

impl Terminal<'_> {
    /// Copies until one side ends. `rest` came behind the login line; `say_ok` if that is still to be said; `resize`
    /// hears of columns and rows.
    async fn copy<S>(
        &self,
        stream: S,
        pipe: Pipe,
        rest: BytesMut,
        say_ok: bool,
        resize: impl Fn(u16, u16),
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite,
    {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let Pipe { mut from, to } = pipe;
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        let down = async {
            let mut output = BytesMut::new();
            if say_ok {
                output.extend_from_slice(b"OK");
                if !self.login.glue_ok {
                    to.send(output.split().freeze()).await.map_err(gone)?;
                }
            }
            loop {
                output.reserve(BUFFER);
                if reader.read_buf(&mut output).await? == 0 {
                    return Ok(());
                }
                to.send(output.split().freeze()).await.map_err(gone)?;
            }
        };
        let up = async {
            let mut input = Input::new(rest);
            let mut piece = Bytes::new();
            loop {
                let typed = input.take(&self.guest.record, self.ledger, self.login.strict)?;
                if let Some((columns, rows)) = input.resized() {
                    resize(columns, rows);
                }
                writer.write_all(&typed).await?;
                while piece.is_empty() {
                    piece = from.recv().await.ok_or(io::ErrorKind::UnexpectedEof)?;
                }
                input.fill(&mut piece);
            }
        };
        tokio::select! {
            ended = down => ended,
            ended = up => ended,
        }
    }
}
