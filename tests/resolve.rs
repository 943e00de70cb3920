//! The resolver against scripted peers: finding a guest and asking for its console.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod resolve_peer;

use resolve_peer::Peer;
use resolve_peer::cert::Identity;
use resolve_peer::setup::{TICKET, USER, UUID, console, one_node, ordinary};

#[tokio::test]
async fn a_guest_is_found_and_its_console_asked_for() {
    let identity = Identity::self_signed(&["pve1"]);
    let peer = Peer::start(&identity, ordinary).await;
    let resolver = one_node(&peer, &identity);
    let place = resolver.locate(&console("qemu/100"), None).await.unwrap();
    assert_eq!((place.node().as_str(), place.cluster().as_str()), ("pve1", "eu1"));

    let target = resolver.open(&place).await.unwrap();
    assert_eq!(target.address, peer.address);
    assert_eq!(target.leaf, identity.sha256());
    assert_eq!(target.authority, peer.address.to_string());
    assert_eq!(target.password.reveal_text(), Some("pw0rd!!!"));
    assert_eq!(target.login.0, USER);
    assert_eq!(target.login.1.reveal_text(), Some(TICKET));
    assert_eq!(target.credential.0, "authorization");
    assert_eq!(target.credential.1.reveal_text(), Some(format!("PVEAPIToken={USER}={UUID}").as_str()));
    assert_eq!(
        target.path.reveal_text(),
        Some(
            "/api2/json/nodes/pve1/qemu/100/vncwebsocket?port=5901\
             &vncticket=pw0rd%21%21%21%3APVEVNC%3A6A2F11C0%3A%3Ac2lnbmF0dXJl%2B%2F%3D%3D"
        )
    );

    let seen = peer.seen();
    assert_eq!(seen[0].line, "GET /api2/json/cluster/resources?type=vm");
    assert_eq!(seen[1].line, "POST /api2/json/nodes/pve1/qemu/100/vncproxy");
    assert_eq!(seen[1].body, "websocket=1");
    assert_eq!(seen[1].header("content-type"), Some("application/x-www-form-urlencoded"));
    for one in &seen {
        assert_eq!(one.header("authorization"), Some(format!("PVEAPIToken={USER}={UUID}").as_str()));
        assert_eq!(one.header("host"), Some(peer.address.to_string().as_str()));
        assert_eq!(one.header("accept-encoding"), None);
        assert_eq!(one.connection, 0, "the kept connection serves both");
    }
}
