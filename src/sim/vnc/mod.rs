//! A guest's VNC console: RFB 3.8 with VNC authentication, as QEMU and vncterm speak it (protocol reference 6, 11, 12.17).
//!
//! Owns the login, the password rules and the kicking of unshared viewers. The picture is in `picture`, the messages
//! of viewers in `messages`, DES in `auth`.

mod auth;
mod canvas;
mod font;
mod messages;
mod picture;
mod pixel;
mod viewer;

pub(super) use auth::respond;

use super::counters::Ledger;
use super::guest::Guest;
use super::pipe::{Pieces, Pipe};
use super::record::Event;
use super::setup::{Backend, GuestConfig};
use crate::id::Kind;
use bytes::{BufMut as _, Bytes, BytesMut};
use picture::Picture;
use pixel::Format;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A guest's screen: its one password, its viewers, its picture.
#[derive(Debug)]
pub(super) struct Display {
    size: (u16, u16),
    moving: bool,
    title: String,
    /// Drawn when somebody looks at it for the first time.
    picture: OnceLock<Picture>,
    /// QEMU has one VNC password for the whole guest.
    password: Mutex<Option<Password>>,
    /// Ends every viewer but the one that renews it.
    others: Mutex<CancellationToken>,
}

#[derive(Debug, Clone)]
struct Password {
    text: String,
    until: Instant,
}

/// What a VNC console needs to know of its connection.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) password: String,
    pub(super) life: Duration,
}

impl Display {
    pub(super) fn new(config: &GuestConfig) -> Self {
        let (size, moving) = match config.backend {
            Backend::Picture { width, height } => ((width, height), true),
            Backend::Still { width, height } => ((width, height), false),
            Backend::Tcp(_)
            | Backend::Unix(_)
            | Backend::Echo
            | Backend::RfbEcho
            | Backend::Flood { .. }
            | Backend::Shell
            | Backend::Program(_) => ((744, 400), false),
        };
        Self {
            size,
            moving,
            title: config.name.clone(),
            picture: OnceLock::new(),
            password: Mutex::new(None),
            others: Mutex::new(CancellationToken::new()),
        }
    }

    /// The machine was switched on or reset.
    pub(super) fn restart(&self) {
        if let Some(picture) = self.picture.get() {
            picture.restart();
        }
    }

    fn picture(&self) -> &Picture {
        self.picture.get_or_init(|| Picture::new(self.size.0, self.size.1, self.moving, &self.title))
    }

    /// `ServerInit`.
    fn init(&self, name: &str) -> Bytes {
        let mut init = BytesMut::new();
        let (width, height) = self.picture.get().map_or(self.size, Picture::size);
        init.put_u16(width);
        init.put_u16(height);
        init.put_slice(&Format::announce());
        init.put_u32(u32::try_from(name.len()).unwrap_or(0));
        init.put_slice(name.as_bytes());
        init.freeze()
    }

    fn password(&self) -> MutexGuard<'_, Option<Password>> {
        self.password.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection sets a new password, whoever is in the middle of logging in with the old one.
    fn set_password(&self, login: &Login) {
        *self.password() = Some(Password { text: login.password.clone(), until: Instant::now() + login.life });
    }

    /// Throws out all viewers and gives the token of the one that stays.
    fn alone(&self) -> CancellationToken {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *others).cancel();
        others.child_token()
    }

    fn shared(&self) -> CancellationToken {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).child_token()
    }
}

/// Logs a viewer in and serves it until it leaves or breaks the protocol.
pub(super) async fn serve(guest: &Guest, login: &Login, mut pipe: Pipe, ledger: &Ledger) -> io::Result<()> {
    let mut pieces = Pieces::default();
    let kicked = log_in(guest, login, &mut pieces, &mut pipe, ledger).await?;
    tokio::select! {
        () = kicked.cancelled() => Ok(()),
        served = after_login(guest, pieces, pipe) => served,
    }
}

async fn after_login(guest: &Guest, mut pieces: Pieces, mut pipe: Pipe) -> io::Result<()> {
    match guest.config.backend {
        Backend::RfbEcho => super::console::echo(&mut pieces, &mut pipe).await,
        Backend::Flood { bytes, piece } => super::console::flood(&pipe, bytes, piece).await,
        Backend::Picture { .. }
        | Backend::Still { .. }
        | Backend::Tcp(_)
        | Backend::Unix(_)
        | Backend::Echo
        | Backend::Shell
        | Backend::Program(_) => viewer::serve(guest.display.picture(), &guest.record, pieces, pipe).await,
    }
}

/// Minor version numbers of RFB that change the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V3,
    V7,
    V8,
}

/// Everything up to and with `ServerInit`.
async fn log_in(
    guest: &Guest,
    login: &Login,
    pieces: &mut Pieces,
    pipe: &mut Pipe,
    ledger: &Ledger,
) -> io::Result<CancellationToken> {
    let vnc_term = guest.config.kind != Kind::Qemu;
    if !vnc_term {
        guest.display.set_password(login);
    }
    pipe.write(&b"RFB 003.008\n"[..]).await?;
    let version = version(&pieces.exact(pipe).await?)?;
    if version == Version::V3 {
        pipe.write(&[0, 0, 0, 2][..]).await?;
    } else {
        pipe.write(&[1, 2][..]).await?;
        if pieces.exact::<1>(pipe).await? != [2] {
            return refuse(pipe, version, b"Unsupported security type").await;
        }
    }
    let mut challenge = [0; 16];
    super::tickets::random(&mut challenge)?;
    pipe.write(challenge.to_vec()).await?;
    let response = pieces.exact(pipe).await?;
    let now = Instant::now();
    let password = if vnc_term {
        Some(login.password.clone())
    } else {
        guest.display.password().clone().filter(|password| password.until > now).map(|password| password.text)
    };
    if password.is_none_or(|password| respond(password.as_bytes(), &challenge) != response) {
        ledger.count(|c| c.vnc_refused += 1);
        let text: &[u8] = if vnc_term { b"password check failed!" } else { b"Authentication failed\0" };
        return refuse(pipe, version, text).await;
    }
    pipe.write(&[0, 0, 0, 0][..]).await?;
    let shared = pieces.exact::<1>(pipe).await? != [0];
    let kicked = if shared { guest.display.shared() } else { guest.display.alone() };
    let name = if vnc_term { "VNC Command Terminal".to_owned() } else { format!("QEMU ({})", guest.config.name) };
    pipe.write(guest.display.init(&name)).await?;
    ledger.count(|c| c.vnc_logins += 1);
    guest.record.add(Event::Viewer { shared });
    Ok(kicked)
}

fn version(line: &[u8; 12]) -> io::Result<Version> {
    match line {
        b"RFB 003.003\n" | b"RFB 003.004\n" | b"RFB 003.005\n" => Ok(Version::V3),
        b"RFB 003.007\n" => Ok(Version::V7),
        b"RFB 003.008\n" => Ok(Version::V8),
        _ => Err(io::Error::other("unsupported version")),
    }
}

/// `SecurityResult` 1; from 3.8 on with a reason. The caller then closes.
async fn refuse<T>(pipe: &Pipe, version: Version, reason: &[u8]) -> io::Result<T> {
    let mut answer = vec![0, 0, 0, 1];
    if version == Version::V8 {
        answer.extend_from_slice(&u32::try_from(reason.len()).unwrap_or(0).to_be_bytes());
        answer.extend_from_slice(reason);
    }
    pipe.write(answer).await?;
    Err(io::Error::other("refused"))
}
