//! What a scrape says: names, series and sums.

use super::*;

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.render(std::iter::empty()).unwrap()).unwrap()
}

#[test]
fn every_series_has_the_prefix_and_help() {
    let metrics = Metrics::new().unwrap();
    metrics.configured(&["eu1".parse().unwrap()], 9000);
    metrics.session_started(Protocol::Vnc);
    let text = text(&metrics);
    assert!(text.contains("consolegate_sessions_active{protocol=\"vnc\"} 1"), "{text}");
    assert!(text.contains("consolegate_pve_up{pve_cluster=\"eu1\"} 0"));
    assert!(text.contains("process_resident_memory_bytes "));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("consolegate_") || line.starts_with("process_"), "{line}");
    }
}

#[test]
fn d09_a_cluster_that_is_configured_no_more_is_neither_up_nor_down() {
    let metrics = Metrics::new().unwrap();
    metrics.configured(&["eu1".parse().unwrap(), "us1".parse().unwrap()], 1);
    metrics.pve_up("eu1", true);
    metrics.configured(&["eu1".parse().unwrap()], 2);
    let text = text(&metrics);
    let up: Vec<&str> = text.lines().filter(|line| line.starts_with("consolegate_pve_up{")).collect();
    assert_eq!(up, ["consolegate_pve_up{pve_cluster=\"eu1\"} 1"]);
    assert!(text.contains("consolegate_sessions_limit 2\n"), "{text}");
}

#[test]
fn what_waits_is_told_by_side_and_only_while_it_does() {
    let (metrics, traffic) = (Metrics::new().unwrap(), Traffic::default());
    let told = || {
        let text = metrics.render([&traffic, &Traffic::default()].map(|each| (Protocol::Vnc, each)).into_iter());
        let text = String::from_utf8(text.unwrap()).unwrap();
        let of =
            |line: &str| text.lines().find_map(|each| each.strip_prefix(line)?.trim().parse::<u64>().ok()).unwrap();
        [
            "sessions_paused{side=\"client\"}",
            "sessions_paused{side=\"node\"}",
            "buffer_bytes",
            "connect_duration_seconds_count{stage=\"first_frame\"}",
        ]
        .map(|name| of(&format!("consolegate_{name}")))
    };
    assert_eq!(told(), [0, 0, 0, 0]);
    traffic.down.holds(4000);
    traffic.down.first_frame(Duration::from_millis(30));
    assert_eq!(told(), [0, 1, 4000, 1]);
    traffic.down.holds(0);
    traffic.up.holds(10);
    assert_eq!(told(), [1, 0, 10, 1]);
}

#[test]
fn a_sessions_bytes_are_added_once_whether_scraped_or_not() {
    let metrics = Metrics::new().unwrap();
    let traffic = Traffic::default();
    traffic.up.add(100, 2);
    traffic.keep_alives.add();
    metrics.render(std::iter::once((Protocol::Vnc, &traffic))).unwrap();
    traffic.up.add(50, 1);
    metrics.session_started(Protocol::Vnc);
    metrics.session_ended(Protocol::Vnc, Reason::ClientClosed, Duration::from_secs(5), &traffic);
    let text = text(&metrics);
    assert!(text.contains("consolegate_client_received_bytes_total{protocol=\"vnc\"} 150"), "{text}");
    assert!(text.contains("consolegate_keepalives_sent_total 1\n"), "{text}");
    assert!(text.contains("consolegate_sessions_ended_total{protocol=\"vnc\",reason=\"client_closed\"} 1"));
}
