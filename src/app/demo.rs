//! The demo: a simulated Proxmox node, a gateway and a small panel, each on a loopback port, with throw-away keys.
//!
//! Everything runs the way it does in earnest: the gateway reads a configuration file, the panel signs connect tokens
//! with its key. Nothing outlives [`Demo::run`] but what the browser remembers.

use super::panel::{self, Panel};
use super::{App, Before};
use crate::config::Config;
use crate::sim::{Backend, GuestConfig, NodeConfig, Sim, SimConfig};
use std::fmt::Write as _;
use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// What a demo needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the panel; 0: any.
    pub panel_port: u16,
    /// Port of the gateway; 0: any.
    pub gateway_port: u16,
    /// A kernel and an initramfs for a real guest, where QEMU is installed.
    pub guest: Option<(PathBuf, PathBuf)>,
}

/// A guest as the panel lists it.
#[derive(Debug, Clone)]
pub struct DemoGuest {
    /// Its number.
    pub vmid: u32,
    /// Its name.
    pub name: &'static str,
    /// Whether it runs.
    pub running: bool,
    /// What it shows.
    pub description: &'static str,
}

const PICTURE: DemoGuest =
    DemoGuest { vmid: 100, name: "web-01", running: true, description: "A moving picture that shows what you type." };
const OFF: DemoGuest =
    DemoGuest { vmid: 101, name: "db-01", running: false, description: "This machine is powered off." };
const REAL: DemoGuest = DemoGuest {
    vmid: 102,
    name: "linux-01",
    running: true,
    description: "A real Linux in QEMU. Log in as root, password console.",
};

/// A demo whose ports are bound.
#[derive(Debug)]
pub struct Demo {
    url: String,
    app: App,
    panel: (TcpListener, Panel),
    _sim: Sim,
    _qemu: Option<Child>,
    _folder: Folder,
}

impl Demo {
    /// Starts the node and binds the ports.
    ///
    /// # Errors
    /// A port that is taken, or a folder that cannot be written.
    pub async fn start(options: &Options) -> Result<Self, String> {
        let said = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let folder = Folder::new().map_err(said("cannot make a folder for throw-away keys"))?;
        let gateway = listen(options.gateway_port).await?;
        let panel = listen(options.panel_port).await?;
        let (gateway_url, panel_url) = (url(&gateway)?, url(&panel)?);
        let qemu = options.guest.as_ref().and_then(|guest| real_guest(&folder.0, guest));
        let sim = Sim::start(nodes(&folder.0, qemu.is_some())).await.map_err(said("the simulated node"))?;
        let secret = folder.write_keys(&sim).map_err(said("cannot write throw-away keys"))?;
        let text = configuration(&gateway_url, &panel_url, &sim);
        let config = Config::parse(&text, &folder.0).map_err(|problems| problems.to_string())?;
        let app = App::assemble_on(config, gateway, listen(0).await?, Before::Nothing)?;
        let guests = [Some(PICTURE), Some(OFF), qemu.is_some().then_some(REAL)].into_iter().flatten().collect();
        let panel = (panel, Panel::new(gateway_url, &secret, guests));
        Ok(Self { url: panel_url, app, panel, _sim: sim, _qemu: qemu, _folder: folder })
    }

    /// Where a browser finds the panel.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let ended = CancellationToken::new();
        let (listener, panel) = self.panel;
        let panel = tokio::spawn(panel::serve(listener, panel, ended.clone()));
        self.app.run(stop).await;
        ended.cancel();
        if let Err(error) = panel.await {
            tracing::error!(%error, "the panel's task failed");
        }
    }
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    let taken =
        |error| format!("cannot listen on 127.0.0.1:{port}: {error}; choose another with --port or --gateway-port");
    TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)
}

fn url(listener: &TcpListener) -> Result<String, String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(format!("http://{address}"))
}

fn nodes(folder: &Path, real: bool) -> SimConfig {
    let mut guests = vec![
        GuestConfig::qemu(PICTURE.vmid, "pve1").named(PICTURE.name),
        GuestConfig::qemu(OFF.vmid, "pve1").named(OFF.name).stopped(),
    ];
    if real {
        let mut guest = GuestConfig::qemu(REAL.vmid, "pve1").named(REAL.name);
        guest.backend = Backend::Unix(folder.join("vnc"));
        guest.qmp = Some(folder.join("qmp"));
        guests.push(guest);
    }
    SimConfig { nodes: vec![NodeConfig::new("pve1")], guests, ..SimConfig::default() }
}

fn configuration(gateway: &str, panel: &str, sim: &Sim) -> String {
    let (token_id, _) = sim.api_token();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        r#"
public_url = "{gateway}"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[[issuer]]
name = "{issuer}"
audience = "{audience}"
origins = ["{panel}"]
clusters = ["demo"]
kinds = ["qemu", "lxc"]
vmids = ["100-999999"]
[[issuer.key]]
id = "{kid}"
algorithm = "HS256"
secret_file = "panel.key"
[[cluster]]
name = "demo"
credential = {{ token_id = "{token_id}", secret_file = "pve.secret" }}
ca_file = "pve-root-ca.pem"
[[cluster.node]]
name = "pve1"
address = "{node}"
"#,
        issuer = panel::ISSUER,
        audience = panel::AUDIENCE,
        kid = panel::KEY_ID,
        node = sim.node_address("pve1"),
    );
    text
}

/// A QEMU with the given kernel and initramfs, or none where it is not installed.
fn real_guest(folder: &Path, (kernel, initramfs): &(PathBuf, PathBuf)) -> Option<Child> {
    let socket = |name: &str| folder.join(name).display().to_string();
    let spawned = Command::new("qemu-system-x86_64")
        .args(["-nodefaults", "-accel", "tcg", "-cpu", "qemu64", "-m", "128", "-name", REAL.name])
        .args(["-display", "none", "-vga", "std", "-append", "quiet loglevel=1 mitigations=off nokaslr panic=-1"])
        .args(["-vnc", &format!("unix:{},password=on", socket("vnc"))])
        .args(["-qmp", &format!("unix:{},server=on,wait=off", socket("qmp"))])
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

/// A folder that only this user reads, gone when dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let mut name = [0; 8];
        aws_lc_rs::rand::fill(&mut name).map_err(|_| io::Error::other("no randomness"))?;
        let path = std::env::temp_dir().join(format!("consolegate-demo-{:016x}", u64::from_be_bytes(name)));
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Self(path))
    }

    /// The files the configuration names; returns the panel's signing secret.
    fn write_keys(&self, sim: &Sim) -> io::Result<Vec<u8>> {
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| io::Error::other("no randomness"))?;
        let secret: Vec<u8> = secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
        self.write("panel.key", &secret)?;
        self.write("pve.secret", sim.api_token().1.as_bytes())?;
        self.write("pve-root-ca.pem", sim.ca_pem().as_bytes())?;
        Ok(secret)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.0.join(name))?;
        io::Write::write_all(&mut file, bytes)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "the demo's folder could not be removed");
        }
    }
}
