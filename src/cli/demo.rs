//! `demo`: a gateway with a simulated Proxmox node and a small panel, for a look in a browser.

use super::exit::Stop;
use crate::app::{Demo, Options, signals};
use crate::config::LogFormat;
use crate::log;
use std::io::{self, Write};
use std::path::PathBuf;
use tokio::runtime::Builder;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
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
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Stop> {
    log::start(LogFormat::Auto, None).map_err(Stop::Failed)?;
    let options = Options {
        panel_port: arguments.port,
        gateway_port: arguments.gateway_port,
        guest: arguments.guest_kernel.clone().zip(arguments.guest_initramfs.clone()),
    };
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let demo = Demo::start(&options).await.map_err(Stop::Failed)?;
        writeln!(io::stdout(), "\n  Open {} in a browser. Ctrl-C ends the demo.\n", demo.url())?;
        demo.run(signals()).await.map_err(Stop::Failed)
    })
}
