//! What the gateways of a fleet have in common, and what their operator asks.

use super::gateway::{PATIENCE, Place};
use consolegate::{hex, sha256};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The bearer token of the operator.
pub const OPS: &str = "what the operator knows";

/// What every gateway of the fleet has in its configuration.
pub fn toml(store: &str, extra: &str) -> String {
    let digest = hex::lower(&sha256::of(OPS.as_bytes()));
    format!(
        "{store}[[admin.token]]\nname = \"ops\"\nsha256 = \"{digest}\"\nscopes = [\"read\", \"kill\", \"drain\", \"revoke\"]\n{extra}"
    )
}

impl Place {
    /// The status and body of the operator's request.
    pub async fn ops(&self, request: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{request} HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer {OPS}\r\n{length}\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Waits until the operator's list is of this many sessions, and gives it.
    pub async fn lists(&self, count: usize) -> Vec<Value> {
        let lists = async {
            loop {
                let (status, answer) = self.ops("GET /v1/sessions", "").await;
                let sessions = answer["sessions"].as_array().cloned().unwrap_or_default();
                if status == 200 && sessions.len() == count {
                    return sessions;
                }
            }
        };
        timeout(PATIENCE, lists).await.unwrap_or_else(|_| panic!("the list is not of {count}"))
    }
}
