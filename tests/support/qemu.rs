//! A real guest: QEMU in software emulation with the kernel and initramfs that `tests/setup.sh` builds.
//!
//! Owns the process (killed when dropped), its VNC, QMP and serial sockets, and the witness: the guest's second serial
//! port, on which it says what reached it. Waits for what the guest says, never for time.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Emulation on a busy machine with two cores is slow: there a mebibyte takes two minutes through a serial port. A boot takes
/// eleven seconds on an idle one.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running guest that asks for a login on its screen; root's password is `console`.
pub(crate) struct QemuGuest {
    child: Child,
    witness: Lines<BufReader<OwnedReadHalf>>,
    _witness_in: OwnedWriteHalf,
    qmp: Qmp,
    folder: tempfile::TempDir,
}

impl QemuGuest {
    /// Starts it and waits for the login prompt; what is on its screen then.
    pub(crate) async fn boot() -> (Self, Vec<String>) {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/guest");
        assert!(built.join("vmlinuz").exists(), "no test guest: run `make setup`");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let witness = UnixListener::bind(path("witness")).unwrap();
        let qmp = UnixListener::bind(path("qmp-test")).unwrap();
        let child = Command::new("qemu-system-x86_64")
            .args(["-nodefaults", "-accel", "tcg", "-cpu", "qemu64", "-m", "128", "-name", "web-01"])
            .args(["-display", "none", "-vga", "std", "-no-shutdown"])
            .args(["-vnc", &format!("unix:{},password=on", path("vnc"))])
            .args(["-qmp", &format!("unix:{},server=on,wait=off", path("qmp"))])
            .args(["-chardev", &format!("socket,id=test,path={}", path("qmp-test"))])
            .args(["-mon", "chardev=test,mode=control"])
            .args(["-chardev", &format!("socket,id=terminal,path={},server=on,wait=off", path("serial"))])
            .args(["-serial", "chardev:terminal"])
            .args(["-chardev", &format!("socket,id=witness,path={}", path("witness"))])
            .args(["-serial", "chardev:witness"])
            .arg("-kernel")
            .arg(built.join("vmlinuz"))
            .arg("-initrd")
            .arg(built.join("initramfs.cpio.gz"))
            .args(["-append", "quiet loglevel=1 mitigations=off nokaslr panic=-1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("qemu-system-x86_64 starts (run `make setup`)");
        let qmp = Qmp::greet(accept(&qmp).await).await;
        let (heard, _witness_in) = accept(&witness).await.into_split();
        let mut guest = Self { child, witness: BufReader::new(heard).lines(), _witness_in, qmp, folder };
        let lines = guest.login_prompt().await;
        (guest, lines)
    }

    /// Its VNC server. The password is set through [`Self::qmp_socket`].
    pub(crate) fn vnc_socket(&self) -> PathBuf {
        self.folder.path().join("vnc")
    }

    /// Its first serial port, where another login waits. One connection at a time, like Proxmox's.
    pub(crate) fn serial_socket(&self) -> PathBuf {
        self.folder.path().join("serial")
    }

    /// Its QMP server, for whoever plays the node.
    pub(crate) fn qmp_socket(&self) -> PathBuf {
        self.folder.path().join("qmp")
    }

    /// Waits until its screen shows the login prompt after a boot; what else is on it.
    pub(crate) async fn login_prompt(&mut self) -> Vec<String> {
        self.screen("web-01 login:").await
    }

    /// Waits until the last words on its screen are these, and returns all its lines but the empty ones.
    pub(crate) async fn screen(&mut self, last: &str) -> Vec<String> {
        let said = self.says(&format!("|{last}|")).await;
        let lines = said.strip_prefix("screen: ").expect("what is on the screen");
        lines.trim_end_matches('|').split('|').map(str::to_owned).collect()
    }

    /// Waits for a line of the witness that contains `text`, and returns it.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        self.says_after(text).await.1
    }

    /// The same with all it said before.
    pub(crate) async fn says_after(&mut self, text: &str) -> (Vec<String>, String) {
        let mut before = Vec::new();
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.witness.next_line().await.unwrap() {
                let line = line.trim().to_owned();
                if line.contains(text) {
                    return Some(line);
                }
                before.push(line);
            }
            None
        });
        let found = found.await.ok().flatten();
        let found = found.unwrap_or_else(|| panic!("the guest never said {text:?}, only {before:?}"));
        (before, found)
    }

    /// Presses the reset button.
    pub(crate) async fn reset(&mut self) {
        self.qmp.run("system_reset", &json!({})).await;
    }

    /// Waits until the guest has switched itself off. The process stays, so that the node can be told before its VNC
    /// connections end; [`Self::end`] lets it go.
    pub(crate) async fn powered_off(&mut self) {
        self.qmp.event("SHUTDOWN").await;
    }

    /// Ends the process, and with it the VNC connections.
    pub(crate) async fn end(mut self) -> ExitStatus {
        self.qmp.run("quit", &json!({})).await;
        timeout(PATIENCE, self.child.wait()).await.expect("QEMU ends").unwrap()
    }

    /// Writes what its screen shows into a PPM file in its own folder.
    pub(crate) async fn picture(&mut self) -> PathBuf {
        let path = self.folder.path().join("screen.ppm");
        self.qmp.run("screendump", &json!({ "filename": path })).await;
        path
    }
}

async fn accept(listener: &UnixListener) -> UnixStream {
    timeout(PATIENCE, listener.accept()).await.expect("QEMU connects").unwrap().0
}

/// QEMU's monitor: one command, one answer, with events between them.
struct Qmp {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    events: Vec<String>,
}

impl Qmp {
    async fn greet(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        let mut qmp = Self { lines: BufReader::new(reader).lines(), writer, events: Vec::new() };
        assert!(qmp.next().await.get("QMP").is_some(), "a QMP greeting");
        qmp.run("qmp_capabilities", &json!({})).await;
        qmp
    }

    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("QMP says something").unwrap();
        let message: Value = serde_json::from_str(&line.expect("QMP stays open")).unwrap();
        if let Some(event) = message.get("event").and_then(Value::as_str) {
            self.events.push(event.to_owned());
        }
        message
    }

    async fn run(&mut self, command: &str, arguments: &Value) -> Value {
        let request = json!({ "execute": command, "arguments": arguments });
        self.writer.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        loop {
            let mut answer = self.next().await;
            assert!(answer.get("error").is_none(), "{command}: {answer}");
            if let Some(value) = answer.get_mut("return") {
                return value.take();
            }
        }
    }

    async fn event(&mut self, name: &str) {
        while !self.events.iter().any(|event| event == name) {
            self.next().await;
        }
        self.events.clear();
    }
}
