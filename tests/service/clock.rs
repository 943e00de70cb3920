//! A wall clock that jumps under a real gateway: what is live goes on, tokens follow the new time, nothing used opens again. F17.

use super::client::Client;
use super::gateway::{configuration, keys, token};
use super::process::Process;
use consolegate::sim::{Sim, SimConfig};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Two days.
const JUMP: u64 = 172_800;

/// What Debian's faketime puts between a program and its clock.
fn library() -> PathBuf {
    let mut folders = std::fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok);
    let found = folders.find_map(|folder| {
        let library = folder.path().join("faketime/libfaketimeMT.so.1");
        library.exists().then_some(library)
    });
    found.expect("faketime (run `make setup`)")
}

/// The clock is so many seconds ahead from now on.
fn set_ahead(file: &Path, seconds: u64) {
    let new = file.with_extension("new");
    std::fs::write(&new, format!("+{seconds}\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// A connect token of a panel whose clock is so many seconds ahead.
fn of_then(seconds: u64) -> String {
    token(100, |claims| {
        for claim in ["iat", "exp"] {
            claims[claim] = (claims[claim].as_u64().unwrap() + seconds).into();
        }
    })
}

/// Whether the screen still shows something.
async fn shows(client: &mut Client, (width, height): (u16, u16)) -> bool {
    client.first_update(width, height).await.is_ok_and(|pixels| pixels > 0)
}

#[tokio::test]
async fn f17_a_clock_that_jumps_two_days_and_back_ends_nothing_and_opens_nothing_twice() {
    let sim = Sim::start(SimConfig::quick()).await.unwrap();
    let folder = keys(&sim);
    let (config, clock) = (folder.path().join("consolegate.toml"), folder.path().join("clock"));
    std::fs::write(&config, configuration("console.test", &sim, &["pve1"], "[log]\nformat = \"json\"\n")).unwrap();
    set_ahead(&clock, 0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    command.args(["serve", "--config"]).arg(&config).env("LD_PRELOAD", library());
    command
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let gateway = Process::run(command, "console.test").await;
    gateway.ready().await;
    let place = &gateway.place;
    let used = of_then(0);
    let mut client = place.open_with(&used).await;
    let (width, height, _) = client.log_in().await.unwrap();
    let size = (width, height);

    set_ahead(&clock, JUMP);
    assert!(place.refused(&of_then(0)).await.contains("token_expired"), "the gateway's time is the new one");
    place.open_with(&of_then(JUMP)).await.log_in().await.unwrap();
    assert!(shows(&mut client, size).await, "what is live has its time by another clock");

    set_ahead(&clock, 0);
    assert!(place.refused(&used).await.contains("token_used"), "it would be in its time again");
    assert!(place.refused(&of_then(JUMP)).await.contains("40"), "not yet");
    // Later than all that was forgotten two days ahead.
    let fresh = token(100, |claims| claims["exp"] = (claims["exp"].as_u64().unwrap() + 30).into());
    place.open_with(&fresh).await.log_in().await.unwrap();
    assert!(shows(&mut client, size).await);
}
