//! Signs of life of a quiet screen, with time paused: when they come, where they may land, and what they are not.

use super::*;
use crate::splice::TerminalGuard;

const SIGN: [u8; 10] = [3, 1, 0, 0, 0, 0, 0, 1, 0, 1];
const ALL: [Right; 4] = [Right::Input, Right::Clipboard, Right::Resize, Right::Power];

/// A screen whose pings stay away, so that only RFB is on the wire.
fn quiet(rights: &[Right], change: impl FnOnce(&mut Rules)) -> Rig {
    rig_of(Guard::screen(rights), |rules| {
        (rules.ping, rules.dead, rules.keep_alive) = (S * 90_000, S * 90_000, Some(S * 300));
        change(rules);
    })
}

async fn say(rig: &mut Rig, bytes: &[u8]) {
    rig.browser.write_all(&frame(Opcode::Binary, KEY, bytes)).await.unwrap();
}

/// The next frame at the node, and the seconds since `began`.
async fn at_node(rig: &mut Rig, began: Instant) -> (Vec<u8>, u64) {
    let (header, body) = next_frame(&mut rig.node).await.unwrap();
    assert!(header.mask.is_some() && header.opcode == Opcode::Binary);
    (body, began.elapsed().as_secs())
}

/// Waits for the clock; nothing of ours may reach the node before.
async fn nothing_for(rig: &mut Rig, seconds: u32) {
    let silence = timeout(S * seconds, rig.node.read_u8()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_screen_gets_one_every_time_in_a_frame_of_its_own_and_it_counts_as_one() {
    for rights in [&ALL[..], &[Right::Input], &[]] {
        let mut rig = quiet(rights, |_| {});
        let began = Instant::now();
        for number in 1..=3 {
            assert_eq!(at_node(&mut rig, began).await, (SIGN.to_vec(), number * 300));
        }
        drop(rig.browser);
        let (_, traffic) = rig.task.await.unwrap();
        assert_eq!(traffic.keep_alives.total(), 3);
        assert_eq!((traffic.up.frames(), traffic.up.bytes()), (0, 0), "it is not the browser's");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_moves_puts_it_off_and_what_is_dropped_does_not_move() {
    let key = [4, 1, 0, 0, 0, 0, 0, 65];
    let mut rig = quiet(&[Right::Input], |_| {});
    let began = Instant::now();
    nothing_for(&mut rig, 200).await;
    say(&mut rig, &key).await;
    assert_eq!(at_node(&mut rig, began).await, (key.to_vec(), 200));
    nothing_for(&mut rig, 200).await;
    rig.node.write_all(&frame(Opcode::Binary, None, &[2])).await.unwrap();
    assert_eq!(at_node(&mut rig, began).await, (SIGN.to_vec(), 700));
    let mut rig = quiet(&[], |_| {});
    let began = Instant::now();
    nothing_for(&mut rig, 200).await;
    say(&mut rig, &key).await;
    rig.browser.write_all(&frame(Opcode::Ping, KEY, b"")).await.unwrap();
    assert_eq!(at_node(&mut rig, began).await, (SIGN.to_vec(), 300));
}

#[tokio::test(start_paused = true)]
async fn it_never_lands_inside_a_message_or_a_frame() {
    for rights in [&ALL[..], &[Right::Input]] {
        let mut rig = quiet(rights, |_| {});
        say(&mut rig, &[4, 1, 0]).await;
        assert_eq!(next_frame(&mut rig.node).await.unwrap().1, [4, 1, 0]);
        nothing_for(&mut rig, 5_000).await;
        let began = Instant::now();
        say(&mut rig, &[0, 0, 0, 0, 65]).await;
        assert_eq!(next_frame(&mut rig.node).await.unwrap().1, [0, 0, 0, 0, 65]);
        assert_eq!(at_node(&mut rig, began).await, (SIGN.to_vec(), 300));
    }
    // A whole message of a frame that has not come whole.
    let mut rig = quiet(&ALL, |_| {});
    let bytes = frame(Opcode::Binary, KEY, &[5, 0, 0, 1, 0, 1].repeat(2));
    rig.browser.write_all(&bytes[..12]).await.unwrap();
    rig.node.read_exact(&mut [0; 12]).await.unwrap();
    nothing_for(&mut rig, 5_000).await;
    rig.browser.write_all(&bytes[12..]).await.unwrap();
    rig.node.read_exact(&mut [0; 6]).await.unwrap();
    assert_eq!(at_node(&mut rig, Instant::now()).await.0, SIGN);
}

#[tokio::test(start_paused = true)]
async fn where_messages_are_not_known_there_is_none() {
    let mut rig = quiet(&ALL, |_| {});
    say(&mut rig, &[7]).await;
    assert_eq!(next_frame(&mut rig.node).await.unwrap().1, [7]);
    nothing_for(&mut rig, 5_000).await;
    let mut terminal = rig_of(Guard::Terminal(TerminalGuard::new(true)), |rules| {
        (rules.ping, rules.dead, rules.keep_alive) = (S * 90_000, S * 90_000, Some(S * 300));
    });
    nothing_for(&mut terminal, 5_000).await;
}

#[tokio::test(start_paused = true)]
async fn it_does_not_keep_anybody_from_being_idle() {
    for rights in [&ALL[..], &[]] {
        let mut rig = quiet(rights, |rules| rules.idle = Some(S * 700));
        let began = Instant::now();
        nothing_for(&mut rig, 250).await;
        say(&mut rig, &[3, 1, 0, 0, 0, 0, 0, 9, 0, 9]).await;
        assert_eq!(expect_close(&mut rig.browser).await, 4408);
        assert_eq!(began.elapsed().as_secs(), 700);
    }
}
