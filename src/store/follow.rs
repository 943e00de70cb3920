//! Hearing the fleet: what the others said, kept before it is passed on.
//!
//! Owns the beat and what is said of it in the log: once that the store cannot be used, and once that it can again.

use super::{Backend, News, Store, in_time};
use crate::clock::unix_now;
use crate::reason::Failure;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often a fleet's gateways hear of each other.
const BEAT: Duration = Duration::from_secs(1);

impl Store {
    /// Makes itself known to the others and hears what holds, before the first console opens. A store that does not answer
    /// now is asked again by [`Self::follow`].
    pub async fn join(&self) {
        drop(self.beat().await);
    }

    /// Hears news, for as long as it is polled.
    pub async fn follow(&self, mut heard: impl FnMut(News)) {
        let mut news = self.news.lock().await;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(each) = news.recv() => heard(each),
                _ = beat.tick() => for each in self.beat().await { heard(each) },
            }
        }
    }

    /// The news of the fleet since the last call. That it cannot be heard is said once, and once that it can be again.
    async fn beat(&self) -> Vec<News> {
        let Backend::Redis(redis) = &self.backend else { return Vec::new() };
        let now = unix_now();
        let heard = in_time(redis.beat(now, || self.withdrawn.all())).await;
        let (news, usable) = match heard {
            Ok(heard) => heard,
            Err(failure) => {
                redis.missed();
                (Vec::new(), Err(failure))
            }
        };
        match usable.and_then(|()| self.keep(&news, now).inspect_err(|_| redis.cannot_keep())) {
            Ok(()) => {
                if let Err(failure) = in_time(redis.tell_late()).await {
                    tracing::warn!(cause = failure.cause, "the store is told later what ended");
                }
                if self.is_down.swap(false, Relaxed) {
                    tracing::info!("the store answers again; consoles open");
                }
            }
            Err(failure) => {
                if !self.is_down.swap(true, Relaxed) {
                    tracing::error!(
                        cause = failure.cause,
                        "the store cannot be used; what is live goes on, nothing opens"
                    );
                }
            }
        }
        news
    }

    /// Remembers what is withdrawn; one that cannot be remembered may mean anybody.
    fn keep(&self, news: &[News], now: u64) -> Result<(), Failure> {
        news.iter().filter_map(News::revocation).try_for_each(|each| self.withdrawn.add(each, now).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, RedisPlace};
    use std::net::TcpListener;
    use std::sync::Arc;

    #[tokio::test]
    async fn f13_a_store_that_is_away_from_the_start_on_is_said_once() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(log.reopen().unwrap());
        let _guard = tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(writer).finish());
        // Nobody listens there any more.
        let authority = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let place = RedisPlace { tls: false, authority, database: 0, user: None, password: None, ca: None };
        let store = Store::of_config(&config::Store::Redis(place), 10, "gate".to_owned()).unwrap();
        store.join().await;
        store.beat().await;
        let said = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(said.matches("the store cannot be used").count(), 1, "{said}");
    }
}
