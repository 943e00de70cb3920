//! A ping that had to wait, and bytes that were there before anybody looked.

use super::*;

#[tokio::test(start_paused = true)]
async fn u07_a_ping_that_had_to_wait_for_the_end_of_a_browsers_frame_asks_the_node_too() {
    let mut rig = rig(|rules| (rules.ping, rules.dead) = (S * 50, S * 60));
    let began = Instant::now();
    let bytes = frame(Opcode::Binary, KEY, &[6; 100]);
    rig.browser.write_all(&bytes[..20]).await.unwrap();
    tokio::time::sleep(S * 51).await;
    rig.browser.write_all(&bytes[20..]).await.unwrap();
    assert_eq!(expect_close(&mut rig.browser).await, 4504);
    assert!(began.elapsed() < S * 62, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_came_with_the_upgrade_and_was_never_looked_at_goes_on_all_the_same() {
    let (_browser, client_leg) = duplex(4096);
    let (mut node, node_leg) = duplex(4096);
    let early = frame(Opcode::Binary, KEY, b"early");
    let pair = Pair::new(Leg::client(client_leg, &early, false, 1024), Leg::node(node_leg, &[], 1024));
    let spliced = tokio::spawn(async move {
        Splice::new(pair, rules(S * 60), Guard::Open).run(&Traffic::default(), std::future::pending()).await.reason
    });
    assert_eq!(next_frame(&mut node).await.unwrap().1, b"early");
    spliced.abort();
}
