//! The admin face among those who mean it no good: it has few places and gives them to whoever reads.

use super::gateway::{PATIENCE, TestGateway};
use super::{NODES, cluster};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::time::timeout;

#[tokio::test]
async fn f06_clients_that_ask_and_never_read_hold_no_place_for_ever() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nstall = 1\n").await;
    let mut held = Vec::new();
    for _ in 0..64 {
        let socket = TcpSocket::new_v4().unwrap();
        // Little is taken off the wire, so little has to be asked for.
        socket.set_recv_buffer_size(2048).unwrap();
        let mut stream = socket.connect(gateway.admin).await.unwrap();
        let many = b"GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n".repeat(500);
        stream.write_all(&many).await.unwrap();
        held.push(stream);
    }
    timeout(PATIENCE, gateway.metrics()).await.expect("a place for one that reads");
}
