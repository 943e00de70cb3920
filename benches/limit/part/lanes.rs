//! Relays side by side, each with its sessions open: what is measured in rounds goes over all of them in turn, in another
//! order each round, so that a machine that gets slower or faster does so for all.

use crate::Outcome;
use crate::figures::Rounds;
use crate::ground::Ground;
use crate::process::Load;
use crate::relay::{Kind, Relay};

/// One relay and its sessions.
pub struct Lane {
    pub relay: Relay,
    pub load: Load,
}

/// All of them, and what came of each; a relay that fails leaves its place and the reason is printed.
pub struct Lanes {
    lanes: Vec<(Kind, Option<Lane>)>,
}

impl Lanes {
    /// Starts these relays and opens so many sessions through each.
    pub async fn start(ground: &Ground, kinds: &[Kind], sessions: u32) -> Self {
        let mut lanes = Vec::new();
        for kind in kinds {
            let lane = Lane::start(ground, *kind, sessions).await;
            lanes.push((*kind, lane.inspect_err(|error| failed(*kind, ground, error.as_ref())).ok()));
        }
        Self { lanes }
    }

    /// Measures every relay once, beginning with another one in each round.
    pub async fn round<F>(&mut self, ground: &Ground, round: usize, figures: &mut [Rounds], measure: F)
    where
        F: AsyncFn(&mut Lane) -> Outcome<f64>,
    {
        let count = self.lanes.len();
        for index in (0..count).map(|step| (step + round) % count) {
            let (kind, place) = &mut self.lanes[index];
            let Some(lane) = place else { continue };
            match measure(lane).await {
                Ok(figure) => figures[index].push(figure),
                Err(error) => {
                    failed(*kind, ground, error.as_ref());
                    *place = None;
                }
            }
        }
    }

    /// Ends all.
    pub async fn stop(self) -> Outcome<()> {
        for lane in self.lanes.into_iter().filter_map(|(_, lane)| lane) {
            lane.load.stop().await?;
            lane.relay.stop().await?;
        }
        Ok(())
    }
}

impl Lane {
    async fn start(ground: &Ground, kind: Kind, sessions: u32) -> Outcome<Self> {
        let mut relay = Relay::start(kind, ground).await?;
        let load = relay.load(ground, sessions, 4).await?;
        Ok(Self { relay, load })
    }
}

/// Says why there will be no figures of a relay.
pub fn failed(kind: Kind, ground: &Ground, error: &dyn std::error::Error) {
    eprintln!("{} is left out: {error}\n{}", kind.name(), ground.last_words());
}
