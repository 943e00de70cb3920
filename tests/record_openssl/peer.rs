//! `openssl s_client` and `openssl s_server` as a person at a keyboard has them: what is typed is data, but for a line
//! that is one letter (openssl-s_client(1), CONNECTED COMMANDS).

use crate::PATIENCE;
use crate::scene::Identity;
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What is typed.
#[derive(Debug, Clone)]
pub(crate) enum Typed {
    /// Never begins with a letter that is a command.
    Data(Vec<u8>),
    /// A new sealing key.
    Update,
    /// A new sealing key, and the peer is asked for one too.
    UpdateBoth,
}

impl Typed {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Data(data) => data,
            Self::Update => b"k\n",
            Self::UpdateBoth => b"K\n",
        }
    }
}

/// A running `openssl`; ended when dropped.
pub(crate) struct Peer {
    child: Child,
    keyboard: Option<Socket>,
    out: BufReader<ChildStdout>,
    errors: JoinHandle<String>,
    messages: PathBuf,
    folder: tempfile::TempDir,
}

impl Peer {
    /// A client of the gateway at `to`. All that it prints is what it received.
    pub(crate) fn client(to: SocketAddr, options: &[&str]) -> Self {
        let (folder, mut command) = openssl("s_client");
        command.arg("-brief").args(["-connect", &to.to_string()]);
        Self::start(folder, command, options)
    }

    /// A server of so many connections, and where it listens. What it received is between lines about the connection.
    pub(crate) async fn server(identity: &Identity, connections: u8, options: &[&str]) -> (Self, SocketAddr) {
        let (folder, mut command) = openssl("s_server");
        let write = |name: &str, pem: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path
        };
        command.arg("-cert").arg(write("cert.pem", &identity.cert_pem));
        command.arg("-key").arg(write("key.pem", &identity.key_pem));
        command.args(["-accept", "127.0.0.1:0", "-naccept", &connections.to_string()]);
        let mut peer = Self::start(folder, command, options);
        loop {
            let mut line = String::new();
            let read = timeout(PATIENCE, peer.out.read_line(&mut line)).await.expect("it listens").unwrap();
            assert_ne!(read, 0, "openssl s_server ended: {}", peer.errors.await.unwrap());
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                return (peer, address.trim().parse().unwrap());
            }
        }
    }

    fn start(folder: tempfile::TempDir, mut command: Command, options: &[&str]) -> Self {
        // One message is one read, so that a command is never taken for the end of what was typed before it.
        let (keyboard, stdin) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        let messages = folder.path().join("messages");
        command.args(options).arg("-msg").arg("-msgfile").arg(&messages);
        command.stdin(OwnedFd::from(stdin)).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("openssl is installed");
        let out = BufReader::new(child.stdout.take().unwrap());
        let errors = tokio::spawn(text(child.stderr.take().unwrap()));
        Self { child, keyboard: Some(keyboard), out, errors, messages, folder }
    }

    /// Types all of this, as fast as it is read.
    pub(crate) fn types(&self, typed: Vec<Typed>) -> JoinHandle<()> {
        let mut keyboard = self.keyboard.as_ref().unwrap().try_clone().unwrap();
        tokio::task::spawn_blocking(move || {
            for each in typed {
                // A peer that was ended takes no more.
                if keyboard.write_all(each.bytes()).is_err() {
                    return;
                }
            }
        })
    }

    /// Reads what it prints, up to and with this byte.
    pub(crate) async fn prints(&mut self, end: u8) -> Vec<u8> {
        let mut all = Vec::new();
        let read = self.out.read_until(end, &mut all);
        timeout(PATIENCE, read).await.expect("openssl receives all of it").unwrap();
        assert!(all.ends_with(&[end]), "openssl ended after {} bytes", all.len());
        all
    }

    /// Closes the keyboard: a client says goodbye and ends.
    pub(crate) fn leaves(&mut self) {
        self.keyboard = None;
    }

    /// Ends it as a crash does.
    pub(crate) fn crashes(&mut self) {
        self.child.start_kill().unwrap();
    }

    /// Waits for its end: how it was, what it said of errors, and the TLS messages.
    pub(crate) async fn ended(mut self) -> Ended {
        let mut rest = Vec::new();
        let last = async { tokio::join!(self.child.wait(), self.out.read_to_end(&mut rest)) };
        let (status, read) = timeout(PATIENCE, last).await.expect("openssl ends");
        let status = status.unwrap();
        read.unwrap();
        let errors = timeout(PATIENCE, self.errors).await.expect("the rest").unwrap();
        let messages = std::fs::read_to_string(&self.messages).unwrap();
        drop(self.folder);
        Ended { status, errors, messages }
    }
}

/// What is left of an `openssl`.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) errors: String,
    messages: String,
}

impl Ended {
    /// Messages of this kind that it received.
    pub(crate) fn received(&self, kind: &str) -> usize {
        self.count("<<<", kind)
    }

    /// Messages of this kind that it sent.
    pub(crate) fn sent(&self, kind: &str) -> usize {
        self.count(">>>", kind)
    }

    fn count(&self, way: &str, kind: &str) -> usize {
        self.messages.lines().filter(|line| line.starts_with(way) && line.ends_with(kind)).count()
    }
}

fn openssl(command: &str) -> (tempfile::TempDir, Command) {
    let mut openssl = Command::new("openssl");
    openssl.arg(command);
    (tempfile::tempdir().unwrap(), openssl)
}

async fn text(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    stderr.read_to_end(&mut text).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}
