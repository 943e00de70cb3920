//! Taking turns at opening: one handshake a console (QEMU has one VNC password a VM), a few consoles a node, and no guest
//! faster than its node should be asked, by whatever consoles of it.
//!
//! A console that was asked for and abandoned keeps its port at the node for ten seconds (protocol reference 6.1), so its
//! place here is kept as long: whoever opens and vanishes cannot use up the ports of everybody else.

mod places;
mod press;

use crate::id::{ClusterGuest, ClusterName, Console, NodeName};
use crate::reason::{Failure, Reason};
use places::{Place, Places};
use press::Presses;
pub use press::{BETWEEN as BETWEEN_PRESSES, Press};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// Opens of one guest that may come at once, and how often one more.
const BURST: u32 = 8;
const INTERVAL: Duration = Duration::from_secs(2);
/// An open that would have to wait longer is refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long Proxmox keeps a port that nobody connects to.
const PORT_LIFE: Duration = Duration::from_secs(10);

/// Whose turn it is, for every console, guest and node. Those that nobody opens are forgotten as others come.
#[derive(Debug, Default)]
pub struct Turns {
    consoles: Mutex<HashMap<Console, Arc<Semaphore>>>,
    /// When the opens of a guest so far are paid off.
    paid: Mutex<HashMap<ClusterGuest, Instant>>,
    nodes: Mutex<HashMap<(ClusterName, NodeName), Arc<Places>>>,
    presses: Presses,
}

/// The right to open one console now; dropping it lets the next one in.
#[derive(Debug)]
pub struct Turn {
    _console: OwnedSemaphorePermit,
    node: Option<Place>,
    /// Whether the node may keep a port for this open.
    port: Arc<AtomicBool>,
}

impl Turns {
    /// Waits until the console's guest may be opened again. Whoever gives up waiting has used the place all the same.
    ///
    /// # Errors
    /// `guest_pace` when that is too long.
    pub async fn pace(&self, console: &Console) -> Result<(), Failure> {
        sleep_until(self.pay(console.cluster_guest(), Instant::now())?).await;
        Ok(())
    }

    /// Pays for an open that may begin at the instant returned.
    fn pay(&self, guest: ClusterGuest, now: Instant) -> Result<Instant, Failure> {
        let mut all = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        if is_about_to_grow(&all) {
            all.retain(|_, paid| *paid > now);
        }
        let paid = all.entry(guest).or_insert(now);
        let from = (*paid).max(now);
        let free = from.checked_sub(INTERVAL * (BURST - 1)).unwrap_or(now);
        if free > now + PATIENCE {
            return Err(Reason::GuestPace.into());
        }
        *paid = from + INTERVAL;
        Ok(free)
    }

    /// Notes that the console's guest is switched now, unless it turns out that it cannot be.
    ///
    /// # Errors
    /// `power_pace` when that was done a moment ago.
    pub fn press(&self, console: &Console) -> Result<Press<'_>, Failure> {
        self.presses.press(console, Instant::now())
    }

    /// Waits for the console first, so that many opens of one do not use up its node's places: at most `per_node` consoles
    /// of a node are opened at once. The caller's deadline bounds the wait. `port` is set by whoever asks the node for one,
    /// and cleared where the node gave none or it was connected to.
    ///
    /// # Errors
    /// `internal`, when the process ends.
    pub async fn take(
        &self,
        console: &Console,
        node: &NodeName,
        per_node: usize,
        port: &Arc<AtomicBool>,
    ) -> Result<Turn, Failure> {
        let ends = |_| Failure::new(Reason::Internal, "the turns are closed");
        let one = self.one(console).acquire_owned().await.map_err(ends)?;
        let places = self.places((console.cluster.clone(), node.clone()));
        let node = places.take(per_node).await.map_err(ends)?;
        Ok(Turn { _console: one, node: Some(node), port: Arc::clone(port) })
    }

    fn places(&self, node: (ClusterName, NodeName)) -> Arc<Places> {
        Arc::clone(self.nodes.lock().unwrap_or_else(PoisonError::into_inner).entry(node).or_default())
    }

    fn one(&self, console: &Console) -> Arc<Semaphore> {
        let mut all = self.consoles.lock().unwrap_or_else(PoisonError::into_inner);
        if is_about_to_grow(&all) {
            // Nobody opens these or waits to.
            all.retain(|_, one| Arc::strong_count(one) > 1);
        }
        Arc::clone(all.entry(console.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

/// The moment to forget what is over: before room is made for more.
fn is_about_to_grow<K, V>(map: &HashMap<K, V>) -> bool {
    map.len() == map.capacity()
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(place) = self.node.take().filter(|_| self.port.load(Relaxed)) else { return };
        // Without a runtime the process is ending, and with it everybody who waits.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(PORT_LIFE).await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Guest, Protocol, Vmid};
    use std::time::Duration;
    use tokio::time::timeout;

    fn console(vmid: u32) -> Console {
        let guest = Guest::Qemu(Vmid::try_from(vmid).unwrap());
        Console { cluster: "eu1".parse().unwrap(), guest, protocol: Protocol::Vnc }
    }

    #[tokio::test(start_paused = true)]
    async fn one_guest_opens_one_at_a_time_and_a_node_a_few() {
        let turns = Turns::default();
        let node: NodeName = "pve1".parse().unwrap();
        let first = turns.take(&console(100), &node, 2, &Arc::default()).await;
        let wait = Duration::from_secs(1);
        assert!(
            timeout(wait, turns.take(&console(100), &node, 2, &Arc::default())).await.is_err(),
            "the guest is taken"
        );
        let second = turns.take(&console(101), &node, 2, &Arc::default()).await;
        assert!(timeout(wait, turns.take(&console(102), &node, 2, &Arc::default())).await.is_err(), "the node is full");
        drop(first);
        assert!(timeout(wait, turns.take(&console(100), &node, 2, &Arc::default())).await.is_ok());
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn guests_nobody_opens_are_forgotten() {
        let turns = Turns::default();
        let node: NodeName = "pve1".parse().unwrap();
        for vmid in 100..5_000 {
            drop(turns.take(&console(vmid), &node, 2, &Arc::default()).await);
        }
        assert!(turns.consoles.lock().unwrap().len() < 200);
        for vmid in 100..5_000 {
            turns.pace(&console(vmid)).await.unwrap();
            tokio::time::advance(INTERVAL).await;
        }
        assert!(turns.paid.lock().unwrap().len() < 200);
    }

    #[tokio::test(start_paused = true)]
    async fn e05_opens_of_one_guest_are_paced_and_of_another_are_not() {
        let turns = Turns::default();
        let began = Instant::now();
        for _ in 0..BURST {
            turns.pace(&console(100)).await.unwrap();
        }
        assert_eq!(began.elapsed(), Duration::ZERO, "a few at once are usual");
        turns.pace(&console(100)).await.unwrap();
        assert!(began.elapsed() >= INTERVAL, "{:?}", began.elapsed());
        turns.pace(&console(101)).await.unwrap();
        let crowd = futures_util::future::join_all((0..50).map(|_| async { turns.pace(&console(100)).await }));
        let refused =
            crowd.await.into_iter().filter(|paced| paced.as_ref().is_err_and(|f| f.reason == Reason::GuestPace));
        assert!(refused.count() >= 45);
    }

    #[tokio::test(start_paused = true)]
    async fn e05_a_guest_is_paced_by_all_its_opens_and_its_screen_and_terminal_open_side_by_side() {
        let turns = Turns::default();
        let terminal = Console { protocol: Protocol::Term, ..console(100) };
        let began = Instant::now();
        for _ in 0..BURST / 2 {
            turns.pace(&console(100)).await.unwrap();
            turns.pace(&terminal).await.unwrap();
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        turns.pace(&terminal).await.unwrap();
        assert!(began.elapsed() >= INTERVAL, "{:?}", began.elapsed());
        // Only a screen has a password that a second open would change.
        let node: NodeName = "pve1".parse().unwrap();
        let _screen = turns.take(&console(100), &node, 2, &Arc::default()).await.unwrap();
        timeout(Duration::from_secs(1), turns.take(&terminal, &node, 2, &Arc::default()))
            .await
            .expect("it waits for no screen")
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_port_keeps_its_place_for_its_life() {
        let turns = Turns::default();
        let node: NodeName = "pve1".parse().unwrap();
        let port = Arc::new(AtomicBool::new(false));
        let turn = turns.take(&console(100), &node, 1, &port).await.unwrap();
        port.store(true, Relaxed);
        drop(turn);
        let began = Instant::now();
        let next = turns.take(&console(101), &node, 1, &port).await.unwrap();
        assert!(began.elapsed() >= PORT_LIFE, "{:?}", began.elapsed());
        port.store(false, Relaxed);
        drop(next);
        let began = Instant::now();
        turns.take(&console(101), &node, 1, &Arc::default()).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "a port that was connected to is free");
    }
}
