//! How many refusals of strangers are written: some of each client at once, then one in ten seconds, and how many were left
//! out. All are counted in the metrics; whoever asks without end must not fill the log.
//!
//! Pure: the clock is an argument. Bounded: clients beyond the bound share what one has.

use crate::listen::Block;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Lines of one client that are written at once: more than bans wait for (fail2ban's own default is five).
const BURST: u32 = 20;
const INTERVAL: Duration = Duration::from_secs(10);
/// Clients told apart.
const MOST: usize = 4096;

/// What was written of each client a moment ago.
#[derive(Debug, Default)]
pub(super) struct Quiet(Mutex<HashMap<Option<Block>, Written>>);

#[derive(Debug, Clone, Copy)]
struct Written {
    /// When the lines so far are paid off.
    paid: Instant,
    left_out: u64,
}

impl Quiet {
    /// Whether a line of this client is written; with how many were left out before it.
    pub(super) fn line(&self, client: IpAddr, now: Instant) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(Block::from(client));
        if all.len() >= MOST && !all.contains_key(&key) {
            all.retain(|_, written| written.paid > now);
            if all.len() >= MOST {
                key = None;
            }
        }
        let written = all.entry(key).or_insert(Written { paid: now, left_out: 0 });
        let paid = written.paid.max(now);
        if paid > now + INTERVAL * (BURST - 1) {
            written.left_out += 1;
            return None;
        }
        written.paid = paid + INTERVAL;
        Some(std::mem::take(&mut written.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn client(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(n))
    }

    #[test]
    fn e07_a_client_that_hammers_is_some_lines_and_then_one_in_a_while_that_says_how_many_more() {
        let (quiet, start) = (Quiet::default(), Instant::now());
        let written = (0..1000).filter_map(|_| quiet.line(client(1), start)).collect::<Vec<_>>();
        assert_eq!(written, [0; 20]);
        assert_eq!(quiet.line(client(2), start), Some(0), "nobody else is kept quiet for it");
        assert_eq!(quiet.line(client(1), start + INTERVAL), Some(980));
        assert_eq!(quiet.line(client(1), start + INTERVAL), None);
    }

    #[test]
    fn e07_ever_new_clients_take_no_more_than_so_much_room_and_share_one_clients_lines() {
        let (quiet, start) = (Quiet::default(), Instant::now());
        let written = (0..20_000).filter(|n| quiet.line(client(*n), start).is_some()).count();
        assert_eq!(written, MOST + BURST as usize);
        assert!(quiet.0.lock().unwrap().len() <= MOST + 1);
        let later = start + INTERVAL;
        assert!((0..MOST as u32).all(|n| quiet.line(client(100_000 + n), later).is_some()), "old ones are forgotten");
    }
}
