//! Taking turns at opening: one VNC handshake a guest (QEMU has one VNC password a VM), a few consoles a node.

use crate::id::{ClusterName, Console, NodeName};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whose turn it is, for every guest and node. Entries that nobody holds are dropped as others come.
#[derive(Debug)]
pub struct Turns {
    per_node: usize,
    guests: Mutex<HashMap<Console, Arc<Semaphore>>>,
    nodes: Mutex<HashMap<(ClusterName, NodeName), Arc<Semaphore>>>,
}

/// The right to open one console now; dropping it lets the next one in.
#[derive(Debug)]
pub struct Turn {
    _guest: OwnedSemaphorePermit,
    _node: OwnedSemaphorePermit,
}

impl Turns {
    /// At most `per_node` consoles of a node are opened at once.
    #[must_use]
    pub fn new(per_node: usize) -> Self {
        Self { per_node, guests: Mutex::default(), nodes: Mutex::default() }
    }

    /// Waits for the guest first, so that many opens of one guest do not use up its node's places. The caller's
    /// deadline bounds the wait. None only when the process ends.
    pub async fn take(&self, console: &Console, node: &NodeName) -> Option<Turn> {
        let guest = semaphore(&self.guests, console.clone(), 1).acquire_owned().await.ok()?;
        let key = (console.cluster.clone(), node.clone());
        let node = semaphore(&self.nodes, key, self.per_node).acquire_owned().await.ok()?;
        Some(Turn { _guest: guest, _node: node })
    }
}

fn semaphore<K: Hash + Eq>(all: &Mutex<HashMap<K, Arc<Semaphore>>>, key: K, places: usize) -> Arc<Semaphore> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() > 64 && all.len() == all.capacity() {
        // Before the map grows: only this map holds a semaphore that nobody waits for.
        all.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
    }
    Arc::clone(all.entry(key).or_insert_with(|| Arc::new(Semaphore::new(places))))
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
        let turns = Turns::new(2);
        let node: NodeName = "pve1".parse().unwrap();
        let first = turns.take(&console(100), &node).await;
        let wait = Duration::from_secs(1);
        assert!(timeout(wait, turns.take(&console(100), &node)).await.is_err(), "the guest is taken");
        let second = turns.take(&console(101), &node).await;
        assert!(timeout(wait, turns.take(&console(102), &node)).await.is_err(), "the node is full");
        drop(first);
        assert!(timeout(wait, turns.take(&console(100), &node)).await.is_ok());
        drop(second);
    }

    #[tokio::test]
    async fn guests_nobody_opens_are_forgotten() {
        let turns = Turns::new(2);
        let node: NodeName = "pve1".parse().unwrap();
        for vmid in 100..5_000 {
            drop(turns.take(&console(vmid), &node).await);
        }
        assert!(turns.guests.lock().unwrap().len() < 200);
    }
}
