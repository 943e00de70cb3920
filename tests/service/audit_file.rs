//! The audit file of a real gateway: rotated under it, and on a disk that gets full.

use super::gateway::{PATIENCE, configuration, keys};
use super::process::Process;
use consolegate::sim::{Sim, SimConfig};
use serde_json::Value;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

const HOST: &str = "console.test";

struct Scene {
    gateway: Process,
    config: PathBuf,
    audit: PathBuf,
    _sim: Sim,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// A gateway whose audit file was made ready so.
    async fn start(prepare: impl FnOnce(&Path)) -> Self {
        let sim = Sim::start(SimConfig::quick()).await.unwrap();
        let folder = keys(&sim);
        let (config, audit) = (folder.path().join("consolegate.toml"), folder.path().join("audit.log"));
        prepare(&audit);
        let text = configuration(HOST, &sim, &["pve1"], "[audit]\nfile = \"audit.log\"\n[log]\nformat = \"json\"\n");
        std::fs::write(&config, text).unwrap();
        let gateway = Process::start(&config, HOST).await;
        gateway.ready().await;
        Self { gateway, config, audit, _sim: sim, _folder: folder }
    }

    /// Opens a console and leaves it: two lines.
    async fn visit(&self) {
        let mut console = self.gateway.place.open(100).await;
        console.log_in().await.unwrap();
        console.socket.close(None).await.unwrap();
        console.ended().await;
    }
}

/// The events of a file, once there are so many.
async fn events(file: &Path, count: usize) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.lines().count() >= count {
            let event = |line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
            return text.lines().map(event).collect();
        }
        assert!(Instant::now() < until, "{text}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_rotated_audit_file_loses_no_line_even_where_the_configuration_was_not_taken() {
    let scene = Scene::start(|_| {}).await;
    let both = ["session.opened", "session.closed"];
    scene.visit().await;
    assert_eq!(events(&scene.audit, 2).await, both);
    let renamed = scene.audit.with_extension("log.1");
    std::fs::rename(&scene.audit, &renamed).unwrap();
    scene.visit().await;
    assert_eq!(events(&renamed, 4).await, [both, both].concat(), "not asked yet");
    std::fs::write(&scene.config, "this is no configuration").unwrap();
    scene.gateway.hang_up();
    scene.gateway.says("the configuration was not taken").await;
    scene.visit().await;
    assert_eq!(events(&scene.audit, 2).await, both);
    assert_eq!(events(&renamed, 4).await.len(), 4, "nothing goes there any more");
    let mode = std::fs::metadata(&scene.audit).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "it names customers: {mode:o}");
}

#[tokio::test]
async fn e07_f24_an_audit_file_on_a_full_disk_stops_no_session_is_said_once_and_recovers() {
    let scene = Scene::start(|audit| symlink("/dev/full", audit).unwrap()).await;
    scene.visit().await;
    scene.visit().await;
    let until = Instant::now() + PATIENCE;
    while scene.gateway.place.metric("consolegate_audit_lines_lost_total").await != Some(4.0) {
        assert!(Instant::now() < until, "{}", scene.gateway.logged());
    }
    let said = scene.gateway.says("audit lines are lost").await;
    assert!(said.contains("No space left on device") && said.contains("\"level\":\"ERROR\""), "{said}");
    std::fs::remove_file(&scene.audit).unwrap();
    scene.visit().await;
    assert_eq!(events(&scene.audit, 2).await, ["session.opened", "session.closed"]);
    let said = scene.gateway.says("takes lines again").await;
    assert!(said.contains("\"lost\":4"), "{said}");
    assert_eq!(scene.gateway.place.metric("consolegate_audit_lines_lost_total").await, Some(4.0));
    assert_eq!(scene.gateway.logged().matches("audit lines are lost").count(), 1);
}
