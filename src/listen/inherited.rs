//! A socket that somebody bound already: systemd's socket activation (sd_listen_fds(3)).
//!
//! The socket stays open while the gateway is replaced, so a restart refuses nobody: who comes meanwhile waits in its queue.

use listenfd::ListenFd;
use std::io;
use tokio::net::TcpListener;

/// The first socket that was handed over to this process; none where none was.
///
/// # Errors
/// It is no listening TCP socket.
pub fn inherited() -> io::Result<Option<TcpListener>> {
    let Some(listener) = ListenFd::from_env().take_tcp_listener(0)? else { return Ok(None) };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}
