//! Listening sockets that were open before the process, as a socket unit of systemd passes them (`sd_listen_fds(3)`).
//!
//! Between two processes they stay systemd's: who comes meanwhile waits in their queue and is answered by the next one. Owns
//! no address: a socket must be where the configuration says, which was checked for what may be reached from there.

use listenfd::ListenFd;
use socket2::SockRef;
use std::net::{SocketAddr, TcpListener};

/// What was passed, by the name of its `FileDescriptorName=`.
#[derive(Debug, Default)]
pub struct Inherited {
    pub(super) public: Option<TcpListener>,
    pub(super) admin: Option<TcpListener>,
}

impl Inherited {
    /// Takes what the environment names. Once, and before the process has a second thread: the names are removed from it.
    ///
    /// # Errors
    /// In the operator's words: a socket without one of the two names, two of one name, or something else than a listener.
    pub fn take() -> Result<Self, String> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let (mut passed, mut all) = (ListenFd::from_env(), Self::default());
        for index in 0..passed.len() {
            let name = names.split(':').nth(index).unwrap_or_default();
            let wrong = |what: String| format!("LISTEN_FDS: the passed socket {name:?} {what}");
            let place = match name {
                "public" => &mut all.public,
                "admin" => &mut all.admin,
                _ => return Err(wrong("has another name; set FileDescriptorName= to public or admin".into())),
            };
            let socket =
                passed.take_tcp_listener(index).map_err(|error| wrong(format!("is no TCP socket: {error}")))?;
            let socket = socket.ok_or_else(|| wrong("is there no more".into()))?;
            if !SockRef::from(&socket).is_listener().unwrap_or(false) {
                return Err(wrong("does not listen; pass ListenStream= with Accept=no".into()));
            }
            if place.replace(socket).is_some() {
                return Err(wrong("is there twice; one ListenStream= for each, [::]:443 takes IPv4 too".into()));
            }
        }
        Ok(all)
    }
}

/// The passed socket, ready to be served, where it is at the configured address.
///
/// # Errors
/// In the operator's words: it is elsewhere, or the system refuses it.
pub(super) fn adopt(key: &str, wanted: SocketAddr, socket: TcpListener) -> Result<tokio::net::TcpListener, String> {
    let cannot = |error| format!("{key}: cannot use the passed socket: {error}");
    let address = socket.local_addr().map_err(cannot)?;
    if address != wanted {
        return Err(format!("{key} is {wanted}, but the passed socket listens on {address}; make both the same"));
    }
    socket.set_nonblocking(true).map_err(cannot)?;
    tracing::info!(%address, "{key}: took over a socket that was open before (LISTEN_FDS)");
    tokio::net::TcpListener::from_std(socket).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_elsewhere_is_not_taken_for_the_checked_address() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let elsewhere = SocketAddr::from(([127, 0, 0, 2], address.port()));
        let cause = adopt("admin.address", elsewhere, socket.try_clone().unwrap()).unwrap_err();
        assert!(cause.contains(&elsewhere.to_string()) && cause.contains(&address.to_string()), "{cause}");
        assert_eq!(adopt("admin.address", address, socket).unwrap().local_addr().unwrap(), address);
    }
}
