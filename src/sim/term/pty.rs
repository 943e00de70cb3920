//! A program on a pseudo-terminal of its own, as termproxy runs one.
//!
//! `setsid` (util-linux) makes the terminal the program's controlling one. Dropping the program ends it.

use rustix::fd::OwnedFd;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io;
use std::process::Stdio;
use tokio::io::Join;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::{Child, Command};

/// The size termproxy gives a terminal before it is told one.
const COLUMNS: u16 = 80;
const ROWS: u16 = 20;

/// Our end of a terminal. Tokio's pipes are what reads and writes any descriptor that can be polled; a terminal whose
/// program has ended reads as an error.
pub(super) type Terminal = Join<Receiver, Sender>;

/// A running program and the size of its terminal.
pub(super) struct Program {
    terminal: OwnedFd,
    _child: Child,
}

impl Program {
    /// Starts a program with its arguments.
    pub(super) fn start(line: &[String]) -> io::Result<(Self, Terminal)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let its = ioctl_tiocgptpeer(&ours, flags)?;
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .args(line)
            .env_clear()
            .envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("TERM", "xterm-256color"), ("HOME", "/")])
            .current_dir("/")
            .stdin(Stdio::from(its.try_clone()?))
            .stdout(Stdio::from(its.try_clone()?))
            .stderr(Stdio::from(its))
            .kill_on_drop(true)
            .spawn()?;
        let read = Receiver::from_file_unchecked(File::from(ours.try_clone()?))?;
        let write = Sender::from_file_unchecked(File::from(ours.try_clone()?))?;
        let program = Self { terminal: ours, _child: child };
        program.resize(COLUMNS, ROWS)?;
        Ok((program, tokio::io::join(read, write)))
    }

    /// Gives its terminal another size; the program hears of it.
    pub(super) fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        Ok(tcsetwinsize(&self.terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?)
    }
}
