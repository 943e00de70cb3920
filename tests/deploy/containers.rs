//! What is shipped and not run here: read, so that it says what the program needs.

use super::{file, text};
use std::process::Command;

#[test]
fn the_image_is_a_user_without_root_that_runs_the_program_itself() {
    let text = text("deploy/docker/Dockerfile");
    let last = text.rsplit_once("\nFROM ").unwrap().1;
    for line in ["USER nonroot", "ENTRYPOINT [\"/usr/bin/consolegate\"]", "CMD [\"serve\"]"] {
        assert!(last.lines().any(|each| each == line), "{line}");
    }
    for copied in ["web/package.json", "web/package-lock.json", "web/build.mjs", "Cargo.lock"] {
        assert!(file(copied).is_file(), "{copied}");
    }
    assert!(text.contains("cargo build --release --locked") && text.contains("node build.mjs"));
}

#[test]
fn containers_have_no_rights_and_time_to_drain() {
    let compose = text("deploy/docker/compose.yml");
    for line in ["read_only: true", "cap_drop: [ALL]", "stop_grace_period: 2m", "dockerfile: deploy/docker/Dockerfile"]
    {
        assert!(compose.contains(line), "{line}");
    }
    let deployment = text("deploy/kubernetes/deployment.yml");
    for line in [
        "terminationGracePeriodSeconds: 120",
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "httpGet: { path: /readyz, port: http }",
        "httpGet: { path: /healthz, port: http }",
    ] {
        assert!(deployment.contains(line), "{line}");
    }
    let kustomization = text("deploy/kubernetes/kustomization.yml");
    for resource in
        kustomization.lines().filter_map(|line| line.strip_prefix("  - ")).filter(|name| name.ends_with(".yml"))
    {
        assert!(file(&format!("deploy/kubernetes/{resource}")).is_file(), "{resource}");
    }
    // kustomize fills in the selectors of the others; a budget without one keeps no pod.
    let (_, labels) = kustomization.split_once("pairs: ").unwrap();
    let labels = labels.lines().next().unwrap();
    assert!(text("deploy/kubernetes/disruption.yml").contains(&format!("matchLabels: {labels}")), "{labels}");
    // In a pod the default of [drain] must end before the kill.
    let full: toml::Table = text("examples/full.toml").parse().unwrap();
    let drain = full["drain"].as_table().unwrap();
    let total: i64 = ["lame_duck", "deadline", "spread"].iter().map(|key| drain[*key].as_integer().unwrap()).sum();
    assert!(total < 110, "{total}");
}

#[test]
fn logrotate_understands_its_file() {
    let ran =
        Command::new("logrotate").arg("--debug").arg("--state=/dev/null").arg(file("deploy/logrotate.conf")).output();
    let ran = ran.expect("logrotate (run `make setup`)");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() && !said.contains("error:"), "{said}");
    assert!(said.contains("/var/log/consolegate/audit.log"), "{said}");
}
