//! Hearing the fleet: what the others said, kept before it is passed on.
//!
//! Owns the beat and what is said of it in the log: once that the store cannot be used, and once that it can again.

use super::{Backend, News, Store, in_time};
use crate::clock::unix_now;
use crate::reason::Failure;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often a fleet's gateways hear of each other.
const BEAT: Duration = Duration::from_secs(1);

impl Store {
    /// Makes itself known to the others and hears what holds, before the first console opens. A store that does not answer
    /// now is asked again by [`Self::follow`].
    pub async fn join(&self) {
        drop(self.beat(&mut false).await);
    }

    /// Hears news, for as long as it is polled.
    pub async fn follow(&self, mut heard: impl FnMut(News)) {
        let mut news = self.news.lock().await;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_down = false;
        loop {
            tokio::select! {
                Some(each) = news.recv() => heard(each),
                _ = beat.tick() => for each in self.beat(&mut is_down).await { heard(each) },
            }
        }
    }

    /// The news of the fleet since the last call. That it cannot be heard is said once, and once that it can be again.
    async fn beat(&self, is_down: &mut bool) -> Vec<News> {
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
                if std::mem::take(is_down) {
                    tracing::info!("the store answers again; consoles open");
                }
            }
            Err(failure) => {
                if !std::mem::replace(is_down, true) {
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
