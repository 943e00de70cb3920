//! How many clients' connections there may be at once, so that they never take the descriptors that what goes on needs:
//! the node's side of each, the admin side, the store.
//!
//! Owns the count; a [`Place`] is one of it and gives it back when dropped. Where none is left, a connection that has shown no
//! good token yet makes room: the door's own choice, see [`Admissions`].

use super::Admissions;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long whoever makes room has to leave. One that became a session meanwhile does not.
const LEAVES_WITHIN: Duration = Duration::from_secs(1);

/// All places.
#[derive(Debug, Clone)]
pub struct Room {
    left: Arc<Semaphore>,
}

/// One place; dropped, it is free again.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Room {
    /// Places for so many connections.
    #[must_use]
    pub fn of(most: usize) -> Self {
        Self { left: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))) }
    }

    /// A place, or that of somebody at the door; none: all are taken by those who stay.
    pub(super) async fn place(&self, door: &Admissions) -> Option<Place> {
        let place = |_permit| Place { _permit };
        if let Ok(permit) = Arc::clone(&self.left).try_acquire_owned() {
            return Some(place(permit));
        }
        if !door.sends_one_away() {
            return None;
        }
        let freed = timeout(LEAVES_WITHIN, Arc::clone(&self.left).acquire_owned()).await;
        freed.ok()?.ok().map(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test(start_paused = true)]
    async fn f21_a_full_room_has_a_place_where_somebody_at_the_door_leaves_and_else_none() {
        let (room, door, evicted) = (Room::of(2), Arc::new(Admissions::new(9)), CancellationToken::new());
        let stays = room.place(&door).await.expect("there is room");
        let leaves = room.place(&door).await.expect("there is room");
        let began = Instant::now();
        assert!(room.place(&door).await.is_none() && began.elapsed().is_zero(), "nobody is at the door");

        let at_the_door = Admissions::admit_evictable(&door, CLIENT, 9, &evicted);
        let gone = evicted.clone();
        tokio::spawn(async move {
            gone.cancelled().await;
            drop((leaves, at_the_door));
        });
        let freed = room.place(&door).await;
        assert!(freed.is_some() && evicted.is_cancelled());
        drop(stays);
        assert!(room.place(&door).await.is_some(), "whoever left is counted no more");
    }

    #[tokio::test(start_paused = true)]
    async fn f21_whoever_became_a_session_when_asked_to_leave_is_not_waited_for() {
        let (room, door) = (Room::of(1), Arc::new(Admissions::new(9)));
        let _stays = room.place(&door).await;
        let _at_the_door = Admissions::admit_evictable(&door, CLIENT, 9, &CancellationToken::new());
        let began = Instant::now();
        assert!(room.place(&door).await.is_none());
        assert_eq!(began.elapsed(), LEAVES_WITHIN);
    }
}
