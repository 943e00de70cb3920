//! How many refusals of strangers are written: some of each client at once, then one in ten seconds, and how many were left
//! out. All are counted in the metrics; whoever asks without end must not fill the log.
//!
//! Pure: the clock is an argument. Bounded: clients beyond the bound share what one has with those of their network, so
//! that whoever owns many addresses of one network hides nobody else's lines; networks beyond the bound share it all.

use crate::listen::Block;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Lines of one client that are written at once: more than bans wait for (fail2ban's own default is five).
const BURST: u32 = 20;
const INTERVAL: Duration = Duration::from_secs(10);
/// Clients told apart, and networks.
const MOST: usize = 4096;

/// What was written of each client a moment ago.
#[derive(Debug, Default)]
pub(super) struct Quiet(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    clients: HashMap<Block, Written>,
    networks: HashMap<Block, Written>,
    rest: Option<Written>,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    /// When the lines so far are paid off.
    paid: Instant,
    left_out: u64,
}

impl Quiet {
    /// Whether a line of this client is written; with how many were left out before it.
    pub(super) fn line(&self, client: IpAddr, now: Instant) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).of(Block::from(client), now).line(now)
    }
}

impl Tables {
    fn of(&mut self, client: Block, now: Instant) -> &mut Written {
        let none = Written { paid: now, left_out: 0 };
        if has_room(&mut self.clients, client, now) {
            return self.clients.entry(client).or_insert(none);
        }
        if has_room(&mut self.networks, client.network(), now) {
            return self.networks.entry(client.network()).or_insert(none);
        }
        self.rest.get_or_insert(none)
    }
}

/// Whether the table has this one, or a place for it once those that are paid off are forgotten.
fn has_room(table: &mut HashMap<Block, Written>, block: Block, now: Instant) -> bool {
    if table.len() < MOST || table.contains_key(&block) {
        return true;
    }
    table.retain(|_, written| written.paid > now);
    table.len() < MOST
}

impl Written {
    fn line(&mut self, now: Instant) -> Option<u64> {
        let paid = self.paid.max(now);
        if paid > now + INTERVAL * (BURST - 1) {
            self.left_out += 1;
            return None;
        }
        self.paid = paid + INTERVAL;
        Some(std::mem::take(&mut self.left_out))
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

    /// The first address of a /64 of this /48 of 2001:db8::/32.
    fn in_site(site: u16, subnet: u16) -> IpAddr {
        IpAddr::from([0x2001, 0xdb8, site, subnet, 0, 0, 0, 1])
    }

    #[test]
    fn e03_e07_whoever_owns_a_48_hides_nobody_elses_lines() {
        let (quiet, start) = (Quiet::default(), Instant::now());
        let written = (0..20_000).filter(|subnet| quiet.line(in_site(0, *subnet), start).is_some()).count();
        assert_eq!(written, MOST + BURST as usize, "beyond the bound it is one client");
        for stranger in [in_site(1, 0), in_site(2, 0), client(1), client(1 << 16)] {
            let lines = (0..100).filter(|_| quiet.line(stranger, start).is_some()).count();
            assert_eq!(lines, BURST as usize, "{stranger}");
        }
    }

    #[test]
    fn e07_ever_new_clients_and_networks_take_no_more_than_so_much_room() {
        let (quiet, start) = (Quiet::default(), Instant::now());
        let written = (0..10_000).filter(|n| quiet.line(client(*n << 8), start).is_some()).count();
        assert_eq!(written, 2 * MOST + BURST as usize);
        let tables = quiet.0.lock().unwrap();
        assert_eq!((tables.clients.len(), tables.networks.len()), (MOST, MOST));
        drop(tables);
        let later = start + INTERVAL;
        assert!((0..MOST as u32).all(|n| quiet.line(client(100_000 + n), later).is_some()), "old ones are forgotten");
    }
}
