//! Customers who talk with their guests all the time, and others who come and go.

use super::client::Closed;
use super::customer::Customer;
use super::gateway::Place;
use super::scene::until;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Each customer talks so often: a screen's thirty times a second would leave two cores nothing to be faulty with.
const PACE: Duration = Duration::from_millis(300);
/// Those who come and go: five a second.
const ARRIVALS: Duration = Duration::from_millis(200);

/// What happened so far.
#[derive(Default)]
struct Seen {
    /// How often each was heard.
    heard: BTreeMap<u32, usize>,
    took: Vec<Duration>,
    ends: Vec<End>,
    /// How many came and went, and what went wrong.
    visits: usize,
    turned_away: Vec<String>,
}

/// How a guest's console ended, and when.
#[derive(Debug, Clone)]
pub struct End {
    pub vmid: u32,
    pub how: String,
    pub code: u16,
    pub at: Instant,
}

pub struct Crowd {
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Crowd {
    /// A customer for each of these guests.
    pub async fn gathers(place: &Place, vmids: Range<u32>) -> Self {
        let (mut coming, mut here) = (JoinSet::new(), Vec::new());
        for vmid in vmids {
            let place = place.clone();
            coming.spawn(async move { Customer::comes(&place, vmid).await });
            if coming.len() >= 8 {
                here.push(coming.join_next().await.unwrap().unwrap().unwrap());
            }
        }
        here.extend(coming.join_all().await.into_iter().map(Result::unwrap));
        let mut crowd = Self { seen: Arc::default(), stop: CancellationToken::new(), tasks: JoinSet::new() };
        here.into_iter().for_each(|customer| crowd.joins(customer));
        crowd.goes_on(2).await;
        assert!(crowd.ends().is_empty(), "{:?}", crowd.ends());
        crowd
    }

    /// One more customer, who is here already.
    pub fn joins(&mut self, mut customer: Customer) {
        let (seen, stop) = (Arc::clone(&self.seen), self.stop.clone());
        seen.lock().unwrap().heard.insert(customer.vmid, 0);
        self.tasks.spawn(async move {
            let mut pace = paced(PACE);
            while stop.run_until_cancelled(pace.tick()).await.is_some() {
                let heard = customer.talks().await;
                let (mut seen, vmid) = (seen.lock().unwrap(), customer.vmid);
                match heard {
                    Ok(took) => {
                        seen.took.push(took);
                        *seen.heard.get_mut(&vmid).unwrap() += 1;
                    }
                    Err(Closed { code, reason }) => {
                        return seen.ends.push(End { vmid, how: reason, code, at: Instant::now() });
                    }
                }
            }
        });
    }

    /// Others come to these guests, five a second, say a word and go.
    pub fn and_visitors(&mut self, place: &Place, vmids: Vec<u32>) {
        let (seen, stop, place) = (Arc::clone(&self.seen), self.stop.clone(), place.clone());
        self.tasks.spawn(async move {
            let (mut pace, mut visits) = (paced(ARRIVALS), JoinSet::new());
            for vmid in vmids.into_iter().cycle() {
                if stop.run_until_cancelled(pace.tick()).await.is_none() {
                    break;
                }
                let (seen, place) = (Arc::clone(&seen), place.clone());
                visits.spawn(async move {
                    let visit = async {
                        let mut visitor = Customer::comes(&place, vmid).await?;
                        visitor.talks().await.map_err(|closed| format!("{closed:?}"))
                    };
                    let came = visit.await;
                    let mut seen = seen.lock().unwrap();
                    seen.visits += 1;
                    seen.turned_away.extend(came.err());
                });
            }
            visits.join_all().await;
        });
    }

    /// Waits until everybody who is still here was heard so often again.
    pub async fn goes_on(&self, times: usize) {
        let before = self.seen.lock().unwrap().heard.clone();
        until("everybody is heard", async || {
            let seen = self.seen.lock().unwrap();
            let gone = |vmid| seen.ends.iter().any(|end| end.vmid == vmid);
            before.iter().all(|(vmid, heard)| seen.heard[vmid] >= heard + times || gone(*vmid))
        })
        .await;
    }

    pub fn ends(&self) -> Vec<End> {
        self.seen.lock().unwrap().ends.clone()
    }

    /// What ninety-nine of a hundred of the words since the last question took at most.
    pub fn p99(&self) -> Duration {
        let mut took = std::mem::take(&mut self.seen.lock().unwrap().took);
        took.sort();
        took[took.len() * 99 / 100]
    }

    /// Everybody goes; nobody who came meanwhile was turned away. How many came.
    pub async fn leaves(self) -> usize {
        self.stop.cancel();
        self.tasks.join_all().await;
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.turned_away, [""; 0]);
        seen.visits
    }
}

fn paced(time: Duration) -> tokio::time::Interval {
    let mut pace = interval(time);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
