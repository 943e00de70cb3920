//! The demo's machines: what the panel lists, and what runs behind it on this host.
//!
//! The container's shell is a real one, locked into a folder of its own by Linux's namespaces: whoever reaches the demo
//! types as nobody's root over nothing. Where the host does not allow that, the shell is simulated.

use crate::id::{Kind, Protocol, Right};
use crate::sim::{Backend, GuestConfig};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// A console as the panel lists it; a machine may have several.
#[derive(Debug, Clone)]
pub struct DemoGuest {
    /// The console's name in the panel.
    pub id: &'static str,
    /// The machine's number.
    pub vmid: u32,
    /// Its name.
    pub name: &'static str,
    /// Virtual machine or container.
    pub kind: Kind,
    /// Screen or terminal.
    pub protocol: Protocol,
    /// What its link grants.
    pub rights: &'static [Right],
    /// Whether it runs at first.
    pub running: bool,
    /// What it shows.
    pub description: &'static str,
}

const ALL: &[Right] = &[Right::Input, Right::Clipboard, Right::Resize, Right::Power];

const PICTURE: DemoGuest = DemoGuest {
    id: "100",
    vmid: 100,
    name: "web-01",
    kind: Kind::Qemu,
    protocol: Protocol::Vnc,
    rights: ALL,
    running: true,
    description: "A moving picture that shows what you type.",
};
const OFF: DemoGuest = DemoGuest {
    id: "101",
    vmid: 101,
    name: "db-01",
    running: false,
    description: "Powered off: its console waits, and can start it.",
    ..PICTURE
};
const REAL: DemoGuest = DemoGuest {
    id: "102",
    vmid: 102,
    name: "linux-01",
    description: "A real Linux in QEMU. Log in as root, password console.",
    ..PICTURE
};
const REAL_TERMINAL: DemoGuest = DemoGuest {
    id: "102-terminal",
    protocol: Protocol::Term,
    description: "The same Linux on its serial port: press Enter, log in as root, password console.",
    ..REAL
};
const CONTAINER: DemoGuest = DemoGuest {
    id: "103",
    vmid: 103,
    name: "files-01",
    kind: Kind::Lxc,
    protocol: Protocol::Term,
    description: "A container with a shell.",
    ..PICTURE
};
const CONTAINER_SCREEN: DemoGuest = DemoGuest {
    id: "103-screen",
    protocol: Protocol::Vnc,
    description: "The same container as a screen.",
    ..CONTAINER
};
const WATCH: DemoGuest = DemoGuest {
    id: "100-watch",
    rights: &[],
    description: "The moving picture, with a link that may only watch.",
    ..PICTURE
};

/// The machines behind the panel's list.
#[derive(Debug)]
pub(super) struct Machines {
    /// For the simulated node.
    pub(super) guests: Vec<GuestConfig>,
    /// For the panel.
    pub(super) listed: Vec<DemoGuest>,
    _qemu: Option<Child>,
}

impl Machines {
    /// Starts what is real. `guest`: kernel and initramfs of a real machine; `folder` is this user's alone.
    pub(super) async fn start(folder: &Path, guest: Option<&(PathBuf, PathBuf)>) -> Self {
        let shell = contained(folder).await;
        let shell = shell.inspect_err(|error| tracing::info!(%error, "the container's shell is simulated")).ok();
        let qemu = guest.and_then(|guest| real_guest(folder, guest));
        let mut guests = vec![
            GuestConfig::qemu(PICTURE.vmid, "pve1").named(PICTURE.name),
            GuestConfig::qemu(OFF.vmid, "pve1").named(OFF.name).stopped(),
            GuestConfig::lxc(CONTAINER.vmid, "pve1")
                .named(CONTAINER.name)
                .backend(shell.map_or(Backend::Shell, Backend::Program)),
        ];
        let mut listed = vec![PICTURE, OFF];
        if qemu.is_some() {
            let mut real = GuestConfig::qemu(REAL.vmid, "pve1").named(REAL.name).with_serial();
            real.backend = Backend::Unix(folder.join("vnc"));
            real.qmp = Some(folder.join("qmp"));
            real.serial_socket = Some(folder.join("serial"));
            guests.push(real);
            listed.extend([REAL, REAL_TERMINAL]);
        }
        listed.extend([CONTAINER, CONTAINER_SCREEN, WATCH]);
        Self { guests, listed, _qemu: qemu }
    }
}

/// A QEMU with the given kernel and initramfs, or none where it is not installed.
fn real_guest(folder: &Path, (kernel, initramfs): &(PathBuf, PathBuf)) -> Option<Child> {
    let socket = |name: &str| folder.join(name).display().to_string();
    let spawned = Command::new("qemu-system-x86_64")
        .args(["-nodefaults", "-accel", "tcg", "-cpu", "qemu64", "-m", "128", "-name", REAL.name])
        .args(["-display", "none", "-vga", "std"])
        .args(["-append", &format!("quiet loglevel=1 mitigations=off nokaslr panic=-1 hostname={}", REAL.name)])
        .args(["-vnc", &format!("unix:{},password=on", socket("vnc"))])
        .args(["-qmp", &format!("unix:{},server=on,wait=off", socket("qmp"))])
        .args(["-serial", &format!("unix:{},server=on,wait=off", socket("serial"))])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initramfs)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    spawned.inspect_err(|error| tracing::info!(%error, "no real guest: qemu-system-x86_64 does not start")).ok()
}

/// Namespaces of its own, in which it is root of nothing else.
const APART: [&str; 8] = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--uts", "--ipc", "--net"];
/// Leaves the host's files behind: `$0` becomes the root, and what was the root is gone. Then `$1` runs.
const ENTER: &str = r#"mount --bind "$0" "$0" && cd "$0" && for each in null zero urandom tty; do
mount --bind /dev/$each dev/$each; done; pivot_root . old && cd / && umount -l /old && exec /bin/sh -c "$1""#;
const BEGIN: &str = "mount -t proc proc /proc 2> /dev/null; hostname files-01; cd /root; exec /bin/sh -l";
const PROFILE: &str = "export HOME=/root PATH=/bin PS1='root@files-01:\\w# '\n";

/// What starts a busybox shell in a root of its own, once it is proven that this host can.
async fn contained(folder: &Path) -> io::Result<Vec<String>> {
    let root = folder.join("container");
    make_root(&root).await?;
    let line = |what: &str| -> Vec<String> {
        let root = root.display().to_string();
        let inner = ["--kill-child", "sh", "-c", ENTER, &root, what];
        APART.iter().chain(&inner).map(|part| (*part).to_owned()).collect()
    };
    let (program, proof) = (APART[0], line("test ! -e /proc/self && test -x /bin/busybox"));
    let tried = Command::new(program).args(proof.get(1..).unwrap_or_default()).output().await?;
    if tried.status.success() { Ok(line(BEGIN)) } else { Err(io::Error::other("no namespaces for this user")) }
}

async fn make_root(root: &Path) -> io::Result<()> {
    for folder in ["bin", "dev", "etc", "old", "proc", "root", "tmp"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for device in ["null", "zero", "urandom", "tty"] {
        fs::write(root.join("dev").join(device), "")?;
    }
    fs::write(root.join("etc/profile"), PROFILE)?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    fs::copy("/usr/bin/busybox", root.join("bin/busybox"))
        .or_else(|_| fs::copy("/bin/busybox", root.join("bin/busybox")))?;
    let applets = Command::new(root.join("bin/busybox")).arg("--list").output().await?;
    for applet in String::from_utf8_lossy(&applets.stdout).lines().filter(|applet| *applet != "busybox") {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_containers_shell_sees_its_own_root_and_nothing_of_the_host() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("panel.key"), "secret").unwrap();
        let mut line = match contained(folder.path()).await {
            Ok(line) => line,
            // The demo then simulates the shell; but a test that says nothing must not look like one that held.
            Err(error) if std::env::var_os("CONSOLEGATE_TESTS_WITHOUT_NAMESPACES").is_some() => {
                return assert!(error.to_string().contains("namespaces"), "{error}");
            }
            Err(error) => {
                panic!("{error}; where that cannot be helped, set CONSOLEGATE_TESTS_WITHOUT_NAMESPACES=1")
            }
        };
        *line.last_mut().unwrap() =
            "echo *; echo /old/*; cd ..; echo *; hostname files-02; echo x > /dev/null".to_owned();
        let said = Command::new(&line[0]).args(&line[1..]).output().await.unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        assert_eq!(text, "bin dev etc old proc root tmp\n/old/*\nbin dev etc old proc root tmp\n");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}
