//! A configuration that cannot be used, read by a real gateway that runs.

use super::gateway::{configuration, keys, token};
use super::process::Process;
use consolegate::reason::Reason;
use consolegate::sim::{Sim, SimConfig};

const HOST: &str = "console.test";
const WHEN: &str = "consolegate_config_last_reload_success_timestamp_seconds";

#[tokio::test]
async fn c11_a_bad_file_changes_nothing_is_counted_and_named_and_a_good_one_after_it_holds() {
    let sim = Sim::start(SimConfig::quick()).await.unwrap();
    let folder = keys(&sim);
    let file = folder.path().join("consolegate.toml");
    let good = configuration(HOST, &sim, &["pve1"], "[log]\nformat = \"json\"\n");
    let write = |extra: &str| std::fs::write(&file, good.clone() + extra).unwrap();
    write("");
    let gateway = Process::start(&file, HOST).await;
    gateway.ready().await;
    let place = &gateway.place;
    let mut console = place.open(100).await;
    console.log_in().await.unwrap();
    let when = place.metric(WHEN).await.unwrap();

    // What is right in it holds no more than what is wrong.
    let mut failed = 0.0;
    for (bad, said) in [
        ("[limits]\nper_guest = 1\nper_node = \"many\"\n", "limits.per_node"),
        ("[limits]\nper_guest = 1\n[session]\nkey_file = \"session.key\"\n", "session.key_file cannot change"),
        ("[limits\nper_guest = 1\n", "the configuration was not taken"),
    ] {
        write(bad);
        failed += 1.0;
        gateway.hang_up();
        gateway.says(said).await;
        place.until_at_least("consolegate_config_reload_failures_total", failed).await;
    }
    assert_eq!(place.metric(WHEN).await, Some(when));
    let mut second = place.open(100).await;
    second.log_in().await.expect("the old limit holds");
    console.first_update(64, 48).await.expect("the old console lives");

    write("[limits]\nper_guest = 1\n");
    gateway.hang_up();
    place.until_at_least("consolegate_config_reloads_total", failed + 1.0).await;
    let end = place.open_with(&token(100, |_| {})).await.ended().await;
    assert!(end.is(Reason::LimitGuest), "{end:?}");
    assert_eq!(place.metric("consolegate_config_reload_failures_total").await, Some(failed));
}
