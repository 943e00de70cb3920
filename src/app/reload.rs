//! Reading the configuration again: a whole new generation beside the running one, swapped in or thrown away.
//!
//! Owns what a reload may change: everything but what the process was started with, such as its addresses. A
//! configuration that cannot be used changes nothing at all, and the log says why (C11). The audit file is opened again
//! either way: whoever rotates it has renamed it already.

use super::descriptors::Share;
use crate::clock::unix_now;
use crate::config::Config;
use crate::console::Generation;
use crate::log::AuditFile;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What it takes to read the configuration again.
#[derive(Debug)]
pub(super) struct Reload {
    pub(super) file: PathBuf,
    pub(super) audit: Option<AuditFile>,
    pub(super) share: Share,
    pub(super) generations: Arc<ArcSwap<Generation>>,
}

impl Reload {
    /// Reads, checks, builds, and swaps; or keeps what there is and says why.
    pub(super) async fn run(&self) {
        self.audit.as_ref().map(reopen);
        let metrics = &self.generations.load().shared.metrics;
        match self.renewed().await {
            Ok(generation) => {
                generation.enter();
                self.generations.store(Arc::new(generation));
                metrics.reloaded(unix_now());
                tracing::info!(file = %self.file.display(), "the configuration was read again and holds from now on");
            }
            Err(cause) => {
                metrics.reload_failed();
                let file = self.file.display();
                tracing::error!(%file, cause, "the configuration was not taken; the one before goes on");
            }
        }
    }

    async fn renewed(&self) -> Result<Generation, String> {
        let (file, share, running) = (self.file.clone(), self.share, self.generations.load_full());
        let build = move || {
            let config = Config::load(&file).map_err(|problems| problems.to_string())?;
            fixed(&running.config, &config)?;
            running.succeeded_by(share.bound(config))
        };
        spawn_blocking(build).await.map_err(|error| format!("reading it failed: {error}"))?
    }
}

fn reopen(audit: &AuditFile) {
    let file = audit.path().display();
    match audit.reopen() {
        Ok(()) => tracing::info!(%file, "the audit file was opened again"),
        Err(cause) => tracing::error!(%file, cause, "the audit file was not opened again; the one before goes on"),
    }
}

/// What only a start can change.
fn fixed(running: &Config, wanted: &Config) -> Result<(), String> {
    let same = [
        ("listen.address", running.listen.address == wanted.listen.address),
        ("admin.address", running.admin.address == wanted.admin.address),
        ("session.key_file", running.session.key == wanted.session.key),
        ("store", running.store == wanted.store),
        ("log.format", running.log == wanted.log),
        ("audit.file", running.audit_file == wanted.audit_file),
    ];
    let changed: Vec<&str> = same.iter().filter(|(_, same)| !same).map(|(key, _)| *key).collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(format!("{} cannot change while the gateway runs; restart it, or put back what it was", changed.join(", ")))
}
