//! The demo: a simulated Proxmox node, a gateway and a small panel, each on a loopback port, with throw-away keys.
//!
//! Everything runs the way it does in earnest: the gateway reads a configuration file, the panel signs connect tokens
//! with its key. Nothing outlives [`Demo::run`] but what the browser remembers.

use super::machines::Machines;
use super::own_panel::{self, OwnPanel};
use super::panel::{self, Panel};
use super::{App, Before, Signal};
use crate::config::Config;
use crate::sim::{NodeConfig, Sim, SimConfig};
use crate::{hex, random};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How the folder of a demo is called, before its process and a random part.
const PREFIX: &str = "consolegate-demo-";
/// The demo's configuration, in that folder: its `[[cluster]]` works from wherever it is copied to.
const CONFIGURATION: &str = "consolegate.toml";

/// What a demo needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the panel; 0: any.
    pub panel_port: u16,
    /// Port of the gateway; 0: any.
    pub gateway_port: u16,
    /// A kernel and an initramfs for a real guest, where QEMU is installed.
    pub guest: Option<(PathBuf, PathBuf)>,
    /// A panel of the developer's own.
    pub own_panel: Option<OwnPanel>,
}

/// A demo whose ports are bound.
#[derive(Debug)]
pub struct Demo {
    url: String,
    words: String,
    app: App,
    panel: (TcpListener, Panel),
    _sim: Sim,
    _machines: Machines,
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
        let mut machines = Machines::start(&folder.0, options.guest.as_ref()).await;
        let guests = std::mem::take(&mut machines.guests);
        let nodes = SimConfig { nodes: vec![NodeConfig::new("pve1")], guests, ..SimConfig::default() };
        let sim = Sim::start(nodes).await.map_err(said("the simulated node"))?;
        let secret = folder.write_keys(&sim).map_err(said("cannot write throw-away keys"))?;
        let mut text = configuration(&gateway_url, &panel_url);
        if let Some(own) = &options.own_panel {
            folder.write(own_panel::KEY_COPY, &own.key()?).map_err(said("cannot copy the panel's key"))?;
            text.push_str(&own.configuration()?);
        }
        text.push_str(&cluster(&sim, &folder.0));
        let config = Config::parse(&text, &folder.0).map_err(|problems| match &options.own_panel {
            Some(own) => own.blame(&problems),
            None => problems.to_string(),
        })?;
        folder.write(CONFIGURATION, text.as_bytes()).map_err(said("cannot write the configuration"))?;
        let app = App::assemble_on(config, gateway, listen(0).await?, Before::Nothing)?;
        let listed = std::mem::take(&mut machines.listed);
        let own = options.own_panel.as_ref().map(|own| format!("\n{}", own.words(&gateway_url, &listed)));
        let words = format!(
            "\n  Open {panel_url} in a browser. Ctrl-C ends the demo.\n  The node, for a configuration of your own: \
             [[cluster]] in {}\n{}",
            folder.0.join(CONFIGURATION).display(),
            own.unwrap_or_default()
        );
        let machine = |guest: crate::app::DemoGuest| (guest.clone(), sim.guest(guest.vmid));
        let panel = (panel, Panel::new(gateway_url, &secret, listed.into_iter().map(machine).collect()));
        Ok(Self { url: panel_url, words, app, panel, _sim: sim, _machines: machines, _folder: folder })
    }

    /// What to tell whoever started it.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Where a browser finds the panel.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until it is asked to stop.
    ///
    /// # Errors
    /// As [`App::run`].
    pub async fn run(self, signals: mpsc::Receiver<Signal>) -> Result<(), String> {
        let ended = CancellationToken::new();
        let (listener, panel) = self.panel;
        let panel = tokio::spawn(panel::serve(listener, panel, ended.clone()));
        let ran = self.app.run(signals).await;
        ended.cancel();
        if let Err(error) = panel.await {
            tracing::error!(%error, "the panel's task failed");
        }
        ran
    }
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    const OTHERS: &str = "--port 8490 --gateway-port 8491";
    let taken = |error| {
        format!(
            "cannot listen on 127.0.0.1:{port}: {error}\n  fix: consolegate demo {OTHERS}, or make demo \
             DEMO_ARGS=\"{OTHERS}\"; 0 takes any free port"
        )
    };
    TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)
}

fn url(listener: &TcpListener) -> Result<String, String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(format!("http://{address}"))
}

/// Whoever ends a demo has nobody to wait for: no balancer, and no customer but this one.
fn configuration(gateway: &str, panel: &str) -> String {
    format!(
        r#"
public_url = "{gateway}"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[drain]
lame_duck = 0
deadline = 0
spread = 0
[[issuer]]
name = "{issuer}"
audience = "{audience}"
origins = ["{panel}"]
clusters = ["{cluster}"]
kinds = ["qemu", "lxc"]
vmids = ["100-999999"]
[[issuer.key]]
id = "{kid}"
algorithm = "HS256"
secret_file = "panel.key"
"#,
        issuer = panel::ISSUER,
        audience = panel::AUDIENCE,
        kid = panel::KEY_ID,
        cluster = panel::CLUSTER,
    )
}

/// The end of the configuration: whoever wants the node takes all from the first line on.
fn cluster(sim: &Sim, folder: &Path) -> String {
    let (token_id, _) = sim.api_token();
    let path = |name: &str| toml::Value::from(folder.join(name).display().to_string());
    format!(
        r#"
[[cluster]]
name = "{cluster}"
credential = {{ token_id = "{token_id}", secret_file = {secret} }}
ca_file = {ca}
[[cluster.node]]
name = "pve1"
address = "{node}"
"#,
        cluster = panel::CLUSTER,
        secret = path("pve.secret"),
        ca = path("pve-root-ca.pem"),
        node = sim.node_address("pve1"),
    )
}

/// A folder that only this user reads, gone when dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        // Its path stands in a configuration that works from other folders too.
        let parent = std::path::absolute(std::env::temp_dir())?;
        remove_stale(&parent);
        let name = hex::lower(&random::bytes::<8>().map_err(io::Error::other)?);
        let path = parent.join(format!("{PREFIX}{}-{name}", std::process::id()));
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Self(path))
    }

    /// The files the configuration names; returns the panel's signing secret.
    fn write_keys(&self, sim: &Sim) -> io::Result<Vec<u8>> {
        let secret = hex::lower(&random::bytes::<32>().map_err(io::Error::other)?).into_bytes();
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

/// Removes what demos that were killed left behind: folders of this user that name a process which is no more.
fn remove_stale(parent: &Path) {
    let is_over = |name: &str| {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).map(|(process, _)| process);
        process.is_some_and(|process| process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists())
    };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_own =
            entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == rustix::process::getuid().as_raw());
        if is_own
            && entry.file_name().to_str().is_some_and(is_over)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, path = %entry.path().display(), "a folder of a demo that was killed could not be removed");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "the demo's folder could not be removed");
        }
    }
}
