//! Heads of HTTP/1.1, read to their last byte and not one further, as an upgrade needs it.

use crate::Outcome;
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// Reads a head; what came behind it stays in the stream.
pub async fn read_head<S: AsyncBufRead + Unpin>(stream: &mut S, head: &mut Vec<u8>, most: usize) -> io::Result<()> {
    loop {
        let bytes = stream.fill_buf().await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let before = head.len();
        head.extend_from_slice(bytes);
        let from = before.saturating_sub(END.len() - 1);
        let end = head[from..].windows(END.len()).position(|four| four == END).map(|at| from + at + END.len());
        let used = end.unwrap_or(head.len()) - before;
        head.truncate(before + used);
        stream.consume(used);
        if end.is_some() {
            return Ok(());
        }
        if head.len() > most {
            return Err(io::Error::other("a head without end"));
        }
    }
}

/// A header's value.
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// Whether an answer switches protocols; its first line where it does not.
pub fn switched(head: &[u8]) -> Outcome<()> {
    let head = String::from_utf8_lossy(head);
    let line = head.lines().next().unwrap_or_default();
    if line.starts_with("HTTP/1.1 101 ") { Ok(()) } else { Err(format!("the upgrade was answered with {line}").into()) }
}
