//! `demo`: a gateway with a simulated Proxmox node and a small panel, for a look in a browser.

use super::exit::Stop;
use crate::app::{self, Demo, Options, OwnPanel, signals};
use crate::config::LogFormat;
use crate::log;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To try your own panel's signing and framing against the demo's machines:\n  openssl rand -hex 32 > panel.key\n  consolegate demo --panel-origin http://localhost:3000 --panel-key panel.key"
)]
pub(super) struct Arguments {
    /// Port of the panel on 127.0.0.1; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8480)]
    port: u16,
    /// Port of the gateway on 127.0.0.1; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8481)]
    gateway_port: u16,
    /// Kernel of a real guest, started where QEMU is installed.
    #[arg(long, value_name = "PATH", requires = "guest_initramfs")]
    guest_kernel: Option<PathBuf>,
    /// Its initramfs.
    #[arg(long, value_name = "PATH", requires = "guest_kernel")]
    guest_initramfs: Option<PathBuf>,
    /// Where your own panel's pages are, such as http://localhost:3000; it may frame the console.
    #[arg(long, value_name = "URL", requires = "panel_key")]
    panel_origin: Option<String>,
    /// The key your own panel signs with: its shared secret, or its public key in PEM.
    #[arg(long, value_name = "FILE", requires = "panel_origin")]
    panel_key: Option<PathBuf>,
    /// The algorithm of that key.
    #[arg(long, value_name = "ALG", default_value = "HS256", requires = "panel_key")]
    panel_algorithm: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let _log = log::start(LogFormat::Auto, None).map_err(Stop::Failed)?;
    let options = Options {
        panel_port: arguments.port,
        gateway_port: arguments.gateway_port,
        guest: arguments.guest_kernel.clone().zip(arguments.guest_initramfs.clone()),
        own_panel: arguments.panel_origin.clone().zip(arguments.panel_key.clone()).map(|(origin, key_file)| OwnPanel {
            origin,
            key_file,
            algorithm: arguments.panel_algorithm.clone(),
        }),
    };
    app::runtime()?.block_on(async {
        let demo = Demo::start(&options).await.map_err(Stop::Failed)?;
        writeln!(io::stdout(), "{}", demo.words())?;
        demo.run(signals()).await.map_err(Stop::Failed)
    })
}
