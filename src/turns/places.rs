//! The places of one node for consoles that are being opened: as many as the configuration of the moment says.
//!
//! A reload may change how many there are while some are taken. More are there at once; fewer come about as places are
//! given back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// One node's places.
#[derive(Debug)]
pub(super) struct Places {
    semaphore: Arc<Semaphore>,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    /// Free and taken ones together.
    there: usize,
    wanted: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { semaphore: Arc::new(Semaphore::new(0)), count: Mutex::default() }
    }
}

impl Places {
    /// A place, as soon as one of `wanted` is free.
    pub(super) async fn take(self: &Arc<Self>, wanted: usize) -> Result<Place, AcquireError> {
        self.resize(wanted);
        let permit = Arc::clone(&self.semaphore).acquire_owned().await?;
        Ok(Place { of: Arc::clone(self), permit: Some(permit) })
    }

    fn resize(&self, wanted: usize) {
        let mut count = self.count();
        count.wanted = wanted;
        if wanted > count.there {
            self.semaphore.add_permits(wanted - count.there);
            count.there = wanted;
        } else {
            count.there -= self.semaphore.forget_permits(count.there - wanted);
        }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken; dropped, it is free again, or gone where there are too many.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<Places>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut count = self.of.count();
        if count.there > count.wanted
            && let Some(permit) = self.permit.take()
        {
            count.there -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn d01_a_reload_changes_how_many_places_there_are_while_some_are_taken() {
        let places = Arc::new(Places::default());
        let taken = |wanted| places.take(wanted).now_or_never();
        let (one, two) = (taken(2).unwrap(), taken(2).unwrap());
        assert!(taken(2).is_none(), "both are taken");
        let three = taken(3).unwrap();
        assert!(taken(1).is_none());
        drop((one, two));
        assert!(taken(1).is_none(), "one is still taken, and there is but one now");
        drop(three);
        let _one = taken(1).unwrap();
        assert!(taken(1).is_none());
    }
}
