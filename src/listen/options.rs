//! Socket options of a client's connection.

use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::net::TcpStream;

/// Silence after which the kernel asks whether the peer is still there, and between its further questions.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));
/// Unsent bytes in the kernel above which a socket takes no more: a slow screen shows new frames, not old ones.
const NOT_SENT: u32 = 128 * 1024;

/// Sets them all. An option the system refuses costs comfort, not the connection.
pub(super) fn set(stream: &TcpStream, dead: Duration) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1).with_retries(3);
    let results = [
        socket.set_tcp_nodelay(true),
        socket.set_tcp_keepalive(&keepalive),
        socket.set_tcp_user_timeout(Some(dead)),
        socket.set_tcp_notsent_lowat(NOT_SENT),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(target: "consolegate::listen", %error, "socket option refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_sends_at_once_and_notices_a_dead_peer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, _server) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), async {
            listener.accept().await.unwrap()
        });
        let client = client.unwrap();
        set(&client, Duration::from_secs(60));
        let socket = SockRef::from(&client);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), NOT_SENT);
    }
}
