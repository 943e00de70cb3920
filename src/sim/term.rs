//! A guest's terminal console: what termproxy does, its misreading of split headers included (protocol reference 7).
//!
//! Behind the login is a small shell, an echo or a flood.

use super::counters::Ledger;
use super::guest::Guest;
use super::pipe::{Pieces, Pipe};
use super::record::Event;
use super::setup::Backend;
use crate::id::Kind;
use bytes::{Buf as _, Bytes, BytesMut};
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// termproxy's buffer; what does not fit is read later.
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
    if login.off {
        return greet(&pipe, login, &format!("{} is not running\r\n", guest.config.name)).await;
    }
    let no_serial = guest.config.kind == Kind::Qemu && !guest.config.serial;
    match guest.config.backend {
        Backend::Echo | Backend::RfbEcho => {
            pipe.write(&b"OK"[..]).await?;
            super::console::echo(&mut Pieces { buffer }, &mut pipe).await
        }
        Backend::Flood { bytes, piece } => {
            pipe.write(&b"OK"[..]).await?;
            super::console::flood(&pipe, bytes, piece).await
        }
        Backend::Picture { .. } | Backend::Still { .. } | Backend::Tcp(_) | Backend::Unix(_) if no_serial => {
            greet(&pipe, login, "unable to find a serial interface\r\n").await
        }
        Backend::Picture { .. } | Backend::Still { .. } | Backend::Tcp(_) | Backend::Unix(_) | Backend::Shell => {
            let mut shell = Shell::new(guest);
            greet(&pipe, login, &shell.welcome()).await?;
            let mut terminal = Terminal { queue: buffer, remaining: 0, guest, strict: login.strict };
            terminal.run(&mut shell, pipe, ledger).await
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

/// Input on its way from the wire to the shell.
struct Terminal<'a> {
    queue: BytesMut,
    /// Bytes of the input message that are still to come.
    remaining: usize,
    guest: &'a Guest,
    strict: bool,
}

impl Terminal<'_> {
    async fn run(&mut self, shell: &mut Shell, mut pipe: Pipe, ledger: &Ledger) -> io::Result<()> {
        let mut piece = Bytes::new();
        loop {
            let mut typed = Vec::new();
            self.process(&mut typed, ledger)?;
            let answer = shell.take(&typed);
            if !typed.is_empty() {
                self.guest.record.add(Event::Input(typed));
            }
            if !answer.is_empty() {
                pipe.write(answer).await?;
            }
            if shell.left {
                return Ok(());
            }
            if piece.is_empty() {
                piece = pipe.read().await?;
            }
            let room = BUFFER - self.queue.len().min(BUFFER);
            self.queue.extend_from_slice(&piece.split_to(room.min(piece.len())));
        }
    }

    /// Handles what is in the queue as termproxy does: a header whose end has not come is thrown away, not waited for.
    fn process(&mut self, typed: &mut Vec<u8>, ledger: &Ledger) -> io::Result<()> {
        let mut split = false;
        while !self.queue.is_empty() {
            if self.remaining > 0 {
                let part = self.queue.split_to(self.remaining.min(self.queue.len()));
                self.remaining -= part.len();
                typed.extend_from_slice(&part);
                continue;
            }
            if !split && split_header(&self.queue) {
                split = true;
                ledger.count(|c| c.split_headers += 1);
                if self.strict {
                    return Err(io::Error::other("a header came in pieces"));
                }
            }
            if self.queue.first() == Some(&b'2') {
                self.guest.record.add(Event::KeepAlive);
                self.queue.advance(1);
                continue;
            }
            if self.queue.len() < 2 {
                return Ok(());
            }
            match self.queue.first() {
                Some(b'0') => {
                    self.queue.advance(2);
                    self.remaining = self.number().unwrap_or(0);
                }
                Some(b'1') => {
                    self.queue.advance(2);
                    if let Some(columns) = self.number()
                        && let Some(rows) = self.number()
                    {
                        let [columns, rows] = [columns, rows].map(|size| u16::try_from(size).unwrap_or(u16::MAX));
                        self.guest.record.add(Event::Resize { columns, rows });
                    }
                }
                Some(_) | None => self.queue.advance(1),
            }
        }
        Ok(())
    }

    /// A decimal up to the next colon. Without a colon it is none, and a long queue loses twenty bytes at a time.
    fn number(&mut self) -> Option<usize> {
        loop {
            if let Some(colon) = self.queue.iter().position(|byte| *byte == b':') {
                let digits = self.queue.split_to(colon);
                self.queue.advance(1);
                return std::str::from_utf8(&digits).ok()?.parse().ok();
            }
            if self.queue.len() <= 20 {
                return None;
            }
            self.queue.advance(20);
        }
    }
}

/// Whether the queue ends in the middle of a header.
fn split_header(queue: &[u8]) -> bool {
    let wanted = match queue.first() {
        Some(b'0') => 2,
        Some(b'1') => 3,
        _ => return false,
    };
    queue.iter().filter(|byte| **byte == b':').count() < wanted && queue.len() <= 20
}

/// A shell that shows what was typed.
#[derive(Debug)]
struct Shell {
    name: String,
    line: Vec<u8>,
    left: bool,
}

impl Shell {
    fn new(guest: &Guest) -> Self {
        Self { name: guest.config.name.clone(), line: Vec::new(), left: false }
    }

    fn prompt(&self) -> String {
        format!("root@{}:~# ", self.name)
    }

    fn welcome(&self) -> String {
        format!("Linux {} (simulated)\r\nType, or 'exit' to leave.\r\n{}", self.name, self.prompt())
    }

    /// Takes typed bytes and gives what the terminal shows.
    fn take(&mut self, typed: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for byte in typed {
            match byte {
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.left |= line == b"exit";
                    shown.extend_from_slice(b"\r\n");
                    if !line.is_empty() && !self.left {
                        shown.extend_from_slice(&line);
                        shown.extend_from_slice(b"\r\n");
                    }
                    shown.extend_from_slice(self.prompt().as_bytes());
                }
                0x04 if self.line.is_empty() => self.left = true,
                0x7f | 0x08 => {
                    if self.line.pop().is_some() {
                        shown.extend_from_slice(b"\x08 \x08");
                    }
                }
                byte => {
                    if self.line.len() < BUFFER {
                        self.line.push(*byte);
                    }
                    shown.push(*byte);
                }
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::super::setup::GuestConfig;
    use super::*;

    /// What of a series of reads arrives as typed.
    fn typed(pieces: &[&str]) -> (String, u64) {
        let guest = Guest::new(GuestConfig::lxc(101, "pve1"));
        let ledger = Ledger::new();
        let mut terminal = Terminal { queue: BytesMut::new(), remaining: 0, guest: &guest, strict: false };
        let mut typed = Vec::new();
        for piece in pieces {
            terminal.queue.extend_from_slice(piece.as_bytes());
            terminal.process(&mut typed, &ledger).unwrap();
        }
        (String::from_utf8(typed).unwrap(), ledger.read().split_headers)
    }

    #[test]
    fn sim_19_whole_headers_are_understood_and_split_ones_are_not() {
        assert_eq!(typed(&["0:2:ab0:1:c", "0:3:de", "f2", "1:80:24:0:1:g"]), ("abcdefg".into(), 0));
        let (text, split) = typed(&["0:1", "2:hello world!"]);
        assert_ne!(text, "hello world!");
        assert_eq!(split, 1);
    }
}
