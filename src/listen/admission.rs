//! Who may wait at the door: connections that have not shown a good token yet, counted per client and in all.
//!
//! Owns the counts; an [`Admission`] is one place in them and gives it back when dropped. Both counts are bounds: a
//! client beyond its share is refused, and when the door is full the client that holds most loses the place it has held
//! longest.

use super::block::Block;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// All places.
#[derive(Debug)]
pub struct Admissions {
    in_all: usize,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    of_block: HashMap<Block, usize>,
    /// In order of arrival.
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    block: Block,
    evicted: CancellationToken,
}

impl Admissions {
    /// Places for `in_all` connections.
    #[must_use]
    pub fn new(in_all: usize) -> Self {
        Self { in_all, places: Mutex::default() }
    }

    /// A place for a client, unless it holds `per_client` already. It counts, but is never evicted.
    #[must_use]
    pub fn admit(this: &Arc<Self>, client: IpAddr, per_client: usize) -> Option<Admission> {
        let block = Block::from(client);
        this.lock().take(block, per_client)?;
        Some(Admission { of: Arc::clone(this), block, waiting: None })
    }

    /// As [`Self::admit`]; `evicted` is cancelled when a newer client needs this place.
    #[must_use]
    pub fn admit_evictable(
        this: &Arc<Self>,
        client: IpAddr,
        per_client: usize,
        evicted: &CancellationToken,
    ) -> Option<Admission> {
        let block = Block::from(client);
        let mut places = this.lock();
        places.take(block, per_client)?;
        if places.waiting.len() >= this.in_all {
            places.make_room();
        }
        let id = places.next;
        places.next = id.wrapping_add(1);
        places.waiting.insert(id, Waiting { block, evicted: evicted.clone() });
        Some(Admission { of: Arc::clone(this), block, waiting: Some(id) })
    }

    /// One loses its place to whoever has none at all; false: nobody has one to lose.
    pub(super) fn sends_one_away(&self) -> bool {
        self.lock().make_room()
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn take(&mut self, block: Block, most: usize) -> Option<()> {
        let held = self.of_block.entry(block).or_default();
        if *held >= most {
            return None;
        }
        *held += 1;
        Some(())
    }

    fn make_room(&mut self) -> bool {
        let held = |waiting: &Waiting| self.of_block.get(&waiting.block).copied().unwrap_or_default();
        let loses = self.waiting.iter().max_by_key(|(id, waiting)| (held(waiting), Reverse(**id))).map(|(id, _)| *id);
        let Some(waiting) = loses.and_then(|id| self.waiting.remove(&id)) else { return false };
        waiting.evicted.cancel();
        true
    }

    fn give_back(&mut self, block: Block) {
        let Some(held) = self.of_block.get_mut(&block) else { return };
        *held = held.saturating_sub(1);
        if *held == 0 {
            self.of_block.remove(&block);
        }
    }
}

/// One place; dropped, it is free again.
#[derive(Debug)]
pub struct Admission {
    of: Arc<Admissions>,
    block: Block,
    waiting: Option<u64>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut places = self.of.lock();
        places.give_back(self.block);
        if let Some(id) = self.waiting {
            places.waiting.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_gets_its_share_and_a_dropped_place_is_free_again() {
        let door = Arc::new(Admissions::new(100));
        let first = Admissions::admit(&door, ip("192.0.2.1"), 2);
        let second = Admissions::admit(&door, ip("192.0.2.1"), 2);
        assert!(first.is_some() && second.is_some());
        assert!(Admissions::admit(&door, ip("192.0.2.1"), 2).is_none());
        assert!(Admissions::admit(&door, ip("192.0.2.2"), 2).is_some(), "another client has its own share");
        drop(first);
        assert!(Admissions::admit(&door, ip("192.0.2.1"), 2).is_some());
    }

    #[test]
    fn e09_the_table_forgets_clients_that_left() {
        let door = Arc::new(Admissions::new(100));
        for last in 0..=255 {
            drop(Admissions::admit(&door, IpAddr::from([192, 0, 2, last]), 1));
        }
        assert!(door.lock().of_block.is_empty());
    }

    #[test]
    fn e02_a_full_door_sends_the_oldest_away() {
        let door = Arc::new(Admissions::new(2));
        let tokens = [CancellationToken::new(), CancellationToken::new(), CancellationToken::new()];
        let held: Vec<_> = (1..).zip(&tokens).map(|(n, token)| place(&door, n, token)).collect();
        assert!(held.iter().all(Option::is_some));
        let evicted: Vec<_> = tokens.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(evicted, [true, false, false]);
    }

    #[test]
    fn e02_whoever_holds_most_makes_room_for_everybody_else() {
        let door = Arc::new(Admissions::new(3));
        let tokens: Vec<_> = (0..8).map(|_| CancellationToken::new()).collect();
        let held: Vec<_> =
            [1, 2, 2, 2, 2, 2, 3, 2].iter().zip(&tokens).map(|(client, token)| place(&door, *client, token)).collect();
        assert!(held.iter().all(Option::is_some));
        let evicted: Vec<_> = tokens.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(evicted, [false, true, true, true, true, true, false, false], "its own, oldest first");
    }

    fn place(door: &Arc<Admissions>, last: u8, evicted: &CancellationToken) -> Option<Admission> {
        Admissions::admit_evictable(door, IpAddr::from([192, 0, 2, last]), 9, evicted)
    }
}
