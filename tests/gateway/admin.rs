//! The admin face among those who mean it no good: it has few places and gives them to whoever reads.

use super::gateway::{PATIENCE, TestGateway};
use super::{NODES, cluster};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
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

#[tokio::test]
async fn each_question_has_its_answer_and_what_is_none_is_refused() {
    let sim = cluster(|_| {}).await;
    let gateway = TestGateway::start(&sim, NODES, "").await;
    for (request, status, said) in [
        ("GET /healthz", 200, "\r\n\r\nok\n"),
        ("GET /readyz", 200, "\r\n\r\nok\n"),
        ("GET /metrics", 200, "consolegate_sessions_active{protocol=\"vnc\"} 0\n"),
        ("HEAD /healthz", 200, "content-length: 3\r\n"),
        ("GET /", 404, "metrics are at /metrics"),
        ("POST /metrics", 405, "allow: GET, HEAD\r\n"),
        ("GET /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, "\"code\":\"bad_request\""),
    ] {
        let rest = if request.contains("HTTP/1.1") { "" } else { " HTTP/1.1\r\nConnection: close\r\n\r\n" };
        let mut stream = TcpStream::connect(gateway.admin).await.unwrap();
        stream.write_all(format!("{request}{rest}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(said), "{request}: {answer}");
    }
}
