//! HTTP/1.1 as far as a gateway and its peers need it: one request at a time, kept connections, upgrades.

use super::Stream;
use crate::Outcome;
use crate::upgrade;
use std::io;
use tokio::io::AsyncReadExt as _;

/// A head is far smaller.
const MOST_HEAD: usize = 16 * 1024;

/// A request, without its body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    head: String,
}

/// What an upgrade leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Console {
    /// A VNC server that wants a password.
    Screen,
    /// The guest itself, for peers that know no RFB.
    Raw,
}

/// Reads one request and its body; none where the client has left.
pub(super) async fn read(stream: &mut Stream) -> Outcome<Option<Request>> {
    let mut head = Vec::new();
    if upgrade::read_head(stream, &mut head, MOST_HEAD).await.is_err() {
        return Ok(None);
    }
    let head = String::from_utf8(head)?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path).to_owned();
    let request = Request { path, head };
    let length = request.header("content-length").map_or(Ok(0), str::parse)?;
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(Some(request))
}

/// A 200 on a connection that is kept.
pub(super) fn answer(json: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: pve-api-daemon/3.0\r\nContent-Type: application/json;charset=UTF-8\r\nConnection: \
         Keep-Alive\r\nContent-Length: {}\r\n\r\n",
        json.len()
    );
    [head.as_bytes(), json].concat()
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        upgrade::header(&self.head, name)
    }

    /// Whether it is an upgrade, and to what.
    pub(super) fn console(&self) -> Option<Console> {
        self.header("upgrade")?;
        Some(if self.path.ends_with("/vncwebsocket") { Console::Screen } else { Console::Raw })
    }

    /// The 101, as pveproxy says it.
    pub(super) fn switching(&self) -> Vec<u8> {
        let accept = consolegate::upstream::accept_for(self.header("sec-websocket-key").unwrap_or_default());
        let protocol = self.header("sec-websocket-protocol");
        let protocol = protocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: \
             {accept}\r\n{protocol}\r\n"
        )
        .into_bytes()
    }
}

/// A stream that ended.
pub(super) fn ended() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
