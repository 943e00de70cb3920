//! A shell small enough to be ours: a prompt, an echo, and each line said once more.

use super::BUFFER;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// Runs until `exit`, control and D, or the end of its terminal.
pub(super) async fn run(name: &str, mut terminal: DuplexStream) -> io::Result<()> {
    let mut shell = Shell { name: name.to_owned(), line: Vec::new(), left: false };
    terminal.write_all(shell.welcome().as_bytes()).await?;
    let mut typed = [0; BUFFER];
    while !shell.left {
        let count = terminal.read(&mut typed).await?;
        if count == 0 {
            return Ok(());
        }
        let shown = shell.take(typed.get(..count).unwrap_or_default());
        terminal.write_all(&shown).await?;
    }
    Ok(())
}

/// A shell that shows what was typed.
#[derive(Debug)]
struct Shell {
    name: String,
    line: Vec<u8>,
    left: bool,
}

impl Shell {
    fn prompt(&self) -> String {
        format!("root@{}:~# ", self.name)
    }

    fn welcome(&self) -> String {
        format!("Linux {} (simulated)\r\nType, or 'exit' to leave.\r\n{}", self.name, self.prompt())
    }

    /// Takes typed bytes and gives what the terminal shows.
    fn take(&mut self, typed: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for byte in typed {
            match byte {
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.left |= line == b"exit";
                    shown.extend_from_slice(b"\r\n");
                    if !line.is_empty() && !self.left {
                        shown.extend_from_slice(&line);
                        shown.extend_from_slice(b"\r\n");
                    }
                    shown.extend_from_slice(self.prompt().as_bytes());
                }
                0x04 if self.line.is_empty() => self.left = true,
                0x7f | 0x08 => {
                    if self.line.pop().is_some() {
                        shown.extend_from_slice(b"\x08 \x08");
                    }
                }
                byte => {
                    if self.line.len() < BUFFER {
                        self.line.push(*byte);
                    }
                    shown.push(*byte);
                }
            }
        }
        shown
    }
}
