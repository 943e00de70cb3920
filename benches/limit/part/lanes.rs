//! Relays side by side: what is measured in rounds goes over all of them in turn, beginning with another one each time, so
//! that a machine that gets slower or faster does so for all.
//!
//! A relay that fails leaves its place empty, and the reason is printed.

use crate::Outcome;
use crate::ground::Ground;
use crate::options::Options;
use crate::process::Load;
use crate::relay::{Kind, Relay};

/// The relays that run.
pub struct Lanes {
    lanes: Vec<Lane>,
}

/// A relay, and the sessions that are open through it.
struct Lane {
    kind: Kind,
    relay: Option<Relay>,
    load: Option<Load>,
}

impl Lanes {
    /// Starts these relays, or of them the gateway alone.
    pub async fn start(ground: &Ground, kinds: &[Kind], options: &Options) -> Self {
        let mut lanes = Vec::new();
        for &kind in kinds {
            if options.alone && !kind.is_gateway() {
                lanes.push(Lane { kind, relay: None, load: None });
                continue;
            }
            let relay = Relay::start(kind, ground).await;
            let relay = relay.inspect_err(|error| failed(kind, ground, error.as_ref())).ok();
            lanes.push(Lane { kind, relay, load: None });
        }
        Self { lanes }
    }

    /// Opens so many sessions through each.
    pub async fn open(&mut self, ground: &Ground, sessions: u32) {
        for lane in &mut self.lanes {
            let Some(relay) = &mut lane.relay else { continue };
            match relay.load(ground, sessions, 4).await {
                Ok(load) => lane.load = Some(load),
                Err(error) => lane.fail(ground, error.as_ref()),
            }
        }
    }

    /// Ends the sessions of all.
    pub async fn close(&mut self) -> Outcome<()> {
        for load in self.lanes.iter_mut().filter_map(|lane| lane.load.take()) {
            load.stop().await?;
        }
        Ok(())
    }

    /// Measures each relay with its sessions once; the results are in the order of the relays.
    pub async fn with_sessions<T>(
        &mut self,
        ground: &Ground,
        round: usize,
        measure: impl AsyncFn(&mut Relay, &mut Load) -> Outcome<T>,
    ) -> Vec<Option<T>> {
        let mut results: Vec<Option<T>> = self.lanes.iter().map(|_| None).collect();
        for index in self.turns(round) {
            let lane = &mut self.lanes[index];
            let (Some(relay), Some(load)) = (&mut lane.relay, &mut lane.load) else { continue };
            match measure(relay, load).await {
                Ok(result) => results[index] = Some(result),
                Err(error) => lane.fail(ground, error.as_ref()),
            }
        }
        results
    }

    /// Measures each relay once, without any sessions of others.
    pub async fn alone<T>(
        &mut self,
        ground: &Ground,
        round: usize,
        measure: impl AsyncFn(&mut Relay) -> Outcome<T>,
    ) -> Vec<Option<T>> {
        let mut results: Vec<Option<T>> = self.lanes.iter().map(|_| None).collect();
        for index in self.turns(round) {
            let lane = &mut self.lanes[index];
            let Some(relay) = &mut lane.relay else { continue };
            match measure(relay).await {
                Ok(result) => results[index] = Some(result),
                Err(error) => lane.fail(ground, error.as_ref()),
            }
        }
        results
    }

    /// Ends all.
    pub async fn stop(mut self) -> Outcome<()> {
        self.close().await?;
        for relay in self.lanes.into_iter().filter_map(|lane| lane.relay) {
            relay.stop().await?;
        }
        Ok(())
    }

    fn turns(&self, round: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.lanes.len();
        (0..count).map(move |step| (step + round) % count)
    }
}

impl Lane {
    fn fail(&mut self, ground: &Ground, error: &dyn std::error::Error) {
        failed(self.kind, ground, error);
        eprintln!("{}", self.relay.as_ref().map(|relay| relay.server().last_words()).unwrap_or_default());
        (self.relay, self.load) = (None, None);
    }
}

/// Says why there will be no figures of a relay.
pub fn failed(kind: Kind, ground: &Ground, error: &dyn std::error::Error) {
    eprintln!("{} is left out: {error}\n{}", kind.name(), ground.last_words());
}
