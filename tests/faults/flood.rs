//! Opens as fast as they can be asked for, by customers with good tokens, with bad ones and with none.

use super::client::Closed;
use super::customer::{Customer, connect, open, token_of};
use super::gateway::Place;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// As many descriptors as this process may have: a crowd and its nodes need two or three for each.
pub fn with_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

#[derive(Default)]
pub struct Flood {
    said: Arc<Mutex<BTreeMap<String, usize>>>,
    /// Silent connections that came so far.
    silent: Arc<AtomicUsize>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Flood {
    /// Silent connections, from ever more addresses, of which this many are held.
    pub fn of_silence(place: &Place, most: usize) -> Self {
        let mut flood = Self::default();
        let (place, stop, silent) = (place.clone(), flood.stop.clone(), Arc::clone(&flood.silent));
        let connects = async move {
            let mut held = VecDeque::new();
            for n in 0_u32.. {
                let [_, _, high, low] = (256 + n % 16_000).to_be_bytes();
                if let Ok(stream) = connect(&place, Ipv4Addr::new(127, 1, high, low)).await {
                    held.push_back(stream);
                    silent.fetch_add(1, Relaxed);
                }
                if held.len() > most {
                    held.pop_front();
                }
            }
        };
        flood.tasks.spawn(async move {
            stop.run_until_cancelled(connects).await;
        });
        flood
    }

    /// So many open consoles of these guests at a time, each as often as it can, in turn with good tokens and a forged one.
    pub fn and_opens(&mut self, place: &Place, vmids: Range<u32>, at_a_time: usize) {
        let next = Arc::new(AtomicUsize::new(0));
        for _ in 0..at_a_time {
            let (said, next, place, vmids) = (Arc::clone(&self.said), Arc::clone(&next), place.clone(), vmids.clone());
            let opens = async move {
                loop {
                    let n = next.fetch_add(1, Relaxed) as u32;
                    let came =
                        opens_one(&place, vmids.start + n % (vmids.end - vmids.start), n.is_multiple_of(4)).await;
                    *said.lock().unwrap().entry(came).or_default() += 1;
                }
            };
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                stop.run_until_cancelled(opens).await;
            });
        }
    }

    /// How many silent connections came so far.
    pub fn silent(&self) -> usize {
        self.silent.load(Relaxed)
    }

    pub async fn ends(self) -> BTreeMap<String, usize> {
        self.stop.cancel();
        self.tasks.join_all().await;
        std::mem::take(&mut self.said.lock().unwrap())
    }
}

async fn opens_one(place: &Place, vmid: u32, is_forged: bool) -> String {
    if is_forged {
        let refused = open(place, &(token_of(vmid) + "x"), Ipv4Addr::LOCALHOST).await;
        return refused.map_or_else(|told| told, |_| "a forged token was taken".to_owned());
    }
    match Customer::comes(place, vmid).await {
        Ok(mut customer) => match customer.talks().await {
            Ok(_) => "served".to_owned(),
            Err(Closed { code, reason }) => format!("{code} {reason}"),
        },
        Err(told) => told.split("ref").next().unwrap_or_default().to_owned(),
    }
}
