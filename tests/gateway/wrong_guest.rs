//! The wrong guest is impossible (invariant I1), with old- and new-style answers of Proxmox.

use super::gateway::TestGateway;
use super::{NODES, cluster};
use consolegate::reason::Reason;
use consolegate::sim::{Fault, GuestConfig, Style};

const STYLES: [Style; 2] = [Style::New, Style::Legacy];

/// The console answer of another guest, as a node that mixes things up would give it.
fn answer(upid_vmid: u32, user: &str) -> Vec<u8> {
    let upid = format!("UPID:pve1:00001234:00005678:65000000:vncproxy:{upid_vmid}:{user}:");
    let data = serde_json::json!({ "data": {
        "port": "5900", "ticket": "PVEVNC:65000000::c2lnbmF0dXJl", "user": user, "upid": upid, "cert": "",
    }});
    let body = data.to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
}

#[tokio::test]
async fn u11_an_answer_for_another_guest_or_user_is_refused() {
    for style in STYLES {
        let sim = cluster(|config| config.style = style).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        let (token_id, _) = sim.api_token();
        for bytes in [answer(101, token_id), answer(100, "root@pam")] {
            sim.fail_next("/vncproxy", Fault::Answer(bytes));
            let end = gateway.open(100).await.ended().await;
            assert!(end.is(Reason::Identity), "{end:?}");
        }
        let counted = gateway.metric("consolegate_connect_failures_total{reason=\"identity\"}").await;
        assert_eq!(counted, Some(2.0), "an operator's alarm");
        assert_eq!(sim.counters().upgrades, 0, "no second request");
    }
}

#[tokio::test]
async fn u12_the_upgrade_goes_to_the_node_that_gave_the_ticket_even_where_both_have_the_port_open() {
    for style in STYLES {
        let sim = cluster(|config| config.style = style).await;
        let gateway = TestGateway::start(&sim, NODES, "").await;
        for port in 5900..5910 {
            sim.place_console("pve1", port, 100).unwrap();
        }
        let mut client = gateway.open(101).await;
        let (_, _, name) = client.log_in().await.unwrap();
        assert!(name.contains("db-01"), "{name}");
        let upgrades: Vec<_> = sim.seen().into_iter().filter(|seen| seen.path.ends_with("/vncwebsocket")).collect();
        assert_eq!(upgrades.len(), 1);
        assert_eq!(upgrades[0].node, "pve2");
    }
}

#[tokio::test]
async fn u13_a_port_that_belongs_to_another_guest_by_now_shows_nothing_of_it() {
    for style in STYLES {
        let sim = cluster(|config| {
            config.style = style;
            config.guests.push(GuestConfig::qemu(105, "pve1").named("stranger"));
        })
        .await;
        let gateway = TestGateway::start(&sim, NODES, "[timeouts]\nhandshake = 4\n").await;
        sim.steal_ports("pve1", 105).unwrap();
        let mut client = gateway.open(100).await;
        let seen = client.log_in().await;
        assert!(seen.is_err(), "the stranger's screen was shown: {seen:?}");
        assert_eq!(seen.unwrap_err().code / 100, 45, "a 45xx close");
        assert_eq!(sim.counters().vnc_logins, 0);
    }
}
