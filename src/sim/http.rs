//! HTTP/1.1 as pveproxy speaks it: reads requests with its limits, writes answers with its headers.
//!
//! Never decides what a request means. Protocol reference section 2.

use super::setup::Style;
use bytes::{Buf as _, BytesMut};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};

const HEADER_LINES: usize = 62;
const HEADER_BYTES: usize = 8192;
const BODY_BYTES: usize = 512 * 1024;
/// The request line has no limit in pveproxy; this one only protects the process.
const REQUEST_LINE_BYTES: usize = 1 << 20;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) keep_alive: bool,
}

impl Request {
    /// The first header of a lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What came instead of bytes that end a wait.
#[derive(Debug)]
pub(super) enum Read {
    /// A whole request.
    Request(Request),
    /// A request that is refused before it is complete.
    Refused(Answer),
    /// Limits are exceeded: pveproxy says nothing and lets the connection idle out.
    Silence,
    /// The client left, or idled too long.
    Closed,
}

/// Reads one request; what follows it stays in the buffer.
pub(super) async fn read<S>(stream: &mut S, buffer: &mut BytesMut, idle: Duration) -> Read
where
    S: AsyncRead + Unpin,
{
    let head = loop {
        match split_head(buffer) {
            Head::Whole(head) => break head,
            Head::TooLarge => return Read::Silence,
            Head::Partial => {}
        }
        if !more(stream, buffer, idle).await {
            return Read::Closed;
        }
    };
    let Some(mut request) = parse_head(&head) else {
        return Read::Refused(Answer::error(400, "bad request"));
    };
    if request.header("transfer-encoding").is_some() {
        return Read::Refused(Answer::error(501, "chunked transfer encoding not supported"));
    }
    if !matches!(request.method.as_str(), "GET" | "POST" | "PUT" | "DELETE") {
        return Read::Refused(Answer::error(501, &format!("method '{}' not available", request.method)));
    }
    let length = match request.header("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(length)) if length <= BODY_BYTES => length,
        Some(Ok(_)) => return Read::Refused(Answer::error(501, "for data too large")),
        Some(Err(_)) => return Read::Refused(Answer::error(400, "bad content length")),
    };
    while buffer.len() < length {
        if !more(stream, buffer, idle).await {
            return Read::Closed;
        }
    }
    request.body = buffer.split_to(length).to_vec();
    Read::Request(request)
}

async fn more<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut, idle: Duration) -> bool {
    buffer.reserve(4096);
    matches!(tokio::time::timeout(idle, stream.read_buf(buffer)).await, Ok(Ok(count)) if count > 0)
}

enum Head {
    Whole(Vec<u8>),
    Partial,
    TooLarge,
}

/// Takes the head off the buffer. The limits count header lines, not the request line.
fn split_head(buffer: &mut BytesMut) -> Head {
    let mut lines = 0_usize;
    let mut bytes = 0_usize;
    let mut at = 0_usize;
    while let Some(rest) = buffer.get(at..) {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
        let line = rest.get(..end).unwrap_or_default();
        at += end + 1;
        if line.is_empty() || line == b"\r" {
            if lines == 0 {
                // Blank lines before the request line are skipped.
                buffer.advance(at);
                at = 0;
                continue;
            }
            return Head::Whole(buffer.split_to(at).to_vec());
        }
        lines += 1;
        if lines > 1 {
            bytes += end + 1;
        }
        if lines > HEADER_LINES + 1 || bytes >= HEADER_BYTES {
            return Head::TooLarge;
        }
    }
    if buffer.len() > REQUEST_LINE_BYTES { Head::TooLarge } else { Head::Partial }
}

fn parse_head(head: &[u8]) -> Option<Request> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target, version) = (first.next()?, first.next()?, first.next()?);
    if first.next().is_some() || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return None;
    }
    let mut headers = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Vec::new(),
        keep_alive: false,
    };
    let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    request.keep_alive = match version {
        "HTTP/1.1" => !connection.contains("close"),
        _ => connection.contains("keep-alive"),
    };
    Some(request)
}

/// An answer, before it is known how the node writes it.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    reason: String,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Data(Value),
    Error(BTreeMap<String, String>),
    Nothing,
}

impl Answer {
    /// 200 with data.
    pub(super) fn data(value: Value) -> Self {
        Self { status: 200, reason: "OK".into(), body: Body::Data(value) }
    }

    /// An error with its text as reason phrase and message.
    pub(super) fn error(status: u16, text: &str) -> Self {
        Self { status, reason: text.to_owned(), body: Body::Error(BTreeMap::new()) }
    }

    /// 400 with what is wrong, by parameter.
    pub(super) fn parameters(errors: BTreeMap<String, String>) -> Self {
        Self { status: 400, reason: "Parameter verification failed.".into(), body: Body::Error(errors) }
    }

    /// A failed authentication: no body and no length.
    pub(super) fn unauthenticated(text: &str) -> Self {
        Self { status: 401, reason: text.to_owned(), body: Body::Nothing }
    }

    /// Whether the connection ends with it.
    pub(super) fn closes(&self) -> bool {
        self.status >= 400
    }

    /// The bytes on the wire.
    pub(super) fn encode(&self, face: &Face, close: bool) -> Vec<u8> {
        let connection = if close || self.closes() { "close" } else { "Keep-Alive" };
        let mut head = String::new();
        let _ = write!(
            head,
            "HTTP/1.1 {} {}\r\nCache-Control: max-age=0\r\nConnection: {connection}\r\nDate: {}\r\nPragma: no-cache\r\n\
             Server: pve-api-daemon/3.0\r\n",
            self.status,
            self.reason.lines().next().unwrap_or_default(),
            face.date
        );
        let Some(body) = self.body(face) else {
            return [head.as_bytes(), b"\r\n"].concat();
        };
        let mut body = body.to_string().into_bytes();
        if face.gzip && body.len() > COMPRESSED_FROM {
            body = gzip(&body);
            head.push_str("Content-Encoding: gzip\r\n");
        }
        let _ = write!(
            head,
            "Content-Length: {}\r\nContent-Type: application/json;charset=UTF-8\r\nExpires: {}\r\n\r\n",
            body.len(),
            face.date
        );
        [head.as_bytes(), &body].concat()
    }

    fn body(&self, face: &Face) -> Option<Value> {
        match &self.body {
            Body::Nothing => None,
            Body::Data(value) => Some(json!({ "data": value })),
            Body::Error(errors) => {
                let mut body = json!({ "data": null });
                if face.message
                    && let Some(body) = body.as_object_mut()
                {
                    body.insert("message".into(), format!("{}\n", self.reason).into());
                }
                if !errors.is_empty()
                    && let Some(body) = body.as_object_mut()
                {
                    body.insert("errors".into(), json!(errors));
                }
                Some(body)
            }
        }
    }
}

/// How a node's answers look beside their content.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) date: String,
    pub(super) message: bool,
    /// The client takes gzip.
    pub(super) gzip: bool,
}

/// Larger bodies are compressed for clients that take it.
const COMPRESSED_FROM: usize = 1024;

/// A gzip member of stored blocks (RFC 1951 section 3.2.4, RFC 1952): it only has to be undone by the client.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for block in body.chunks(0xffff) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    out.extend_from_slice(&crc32(body).to_le_bytes());
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// The redirect of a plain request on the TLS port.
pub(super) fn to_https(request: &Request, date: &str) -> Vec<u8> {
    let (status, reason) =
        if request.method == "GET" { (301, "Moved Permanently") } else { (308, "Permanent Redirect") };
    let host = request.header("host").unwrap_or_default();
    format!(
        "HTTP/1.1 {status} {reason}\r\nConnection: close\r\nDate: {date}\r\nServer: pve-api-daemon/3.0\r\n\
         Location: https://{host}{}\r\nContent-Length: 0\r\n\r\n",
        request.path
    )
    .into_bytes()
}

/// The answer to an upgrade: exactly these headers.
pub(super) fn switching(key: &str, protocol: Option<&str>) -> Vec<u8> {
    use base64::Engine as _;
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    let accept = base64::engine::general_purpose::STANDARD.encode(digest.as_ref());
    let protocol = protocol.map(|list| format!("Sec-WebSocket-Protocol: {list}\r\n")).unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    )
    .into_bytes()
}

/// Whether error connections end with close_notify.
pub(super) const fn ends_cleanly(style: Style, status: u16) -> bool {
    matches!(style, Style::New) || status < 400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(lines: usize, filler: usize) -> BytesMut {
        let mut text = "GET /long-request-lines-are-not-counted HTTP/1.1\r\n".to_owned();
        for _ in 1..lines {
            text.push_str("a: b\r\n");
        }
        text.push_str(&format!("x: {}\r\n\r\n", "y".repeat(filler)));
        BytesMut::from(text.as_str())
    }

    #[test]
    fn sim_03_sixty_two_header_lines_below_8192_bytes_pass() {
        assert!(matches!(split_head(&mut head_of(62, 1)), Head::Whole(_)));
        assert!(matches!(split_head(&mut head_of(63, 1)), Head::TooLarge));
        // "x: " and the line end are five bytes of the line.
        assert!(matches!(split_head(&mut head_of(1, 8186)), Head::Whole(_)));
        assert!(matches!(split_head(&mut head_of(1, 8187)), Head::TooLarge));
    }

    #[test]
    fn gzip_ends_with_the_check_of_its_specification() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert!(gzip(b"123456789").ends_with(&[0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0]));
    }

    #[test]
    fn sim_12_the_switch_has_three_or_four_headers() {
        let bare = String::from_utf8(switching("dGhlIHNhbXBsZSBub25jZQ==", None)).unwrap();
        assert_eq!(
            bare,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
        let echoed = String::from_utf8(switching("x", Some("a, b"))).unwrap();
        assert!(echoed.contains("\r\nSec-WebSocket-Protocol: a, b\r\n"));
    }
}
