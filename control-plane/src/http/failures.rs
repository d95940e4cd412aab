//! How many requests from one address were no good lately, in bounded memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kubegate_core::time::Timestamp;

/// How many may be no good within a window.
const MOST: u32 = 30;

/// How long a window is.
const WINDOW: Duration = Duration::from_secs(60);

/// How many addresses are remembered; beyond that the oldest window is forgotten.
const CAPACITY: usize = 10_000;

/// Counts what was no good.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Failures {
    /// Whether one more request from `address` is looked at.
    pub(super) fn allows(&self, address: IpAddr, now: Timestamp) -> bool {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&network(address)).is_none_or(|(since, count)| now.since(*since) >= WINDOW || *count < MOST)
    }

    /// Notes one that was no good.
    pub(super) fn note(&self, address: IpAddr, now: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if counts.len() >= CAPACITY && !counts.contains_key(&address) {
            counts.retain(|_, (since, _)| now.since(*since) < WINDOW);
            let oldest = counts.iter().min_by_key(|(_, (since, _))| *since).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| counts.len() >= CAPACITY) {
                counts.remove(&oldest);
            }
        }
        let (since, count) = counts.entry(address).or_insert((now, 0));
        if now.since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

/// An IPv6 address stands for its /64, of which anybody has plenty of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_held_up_for_a_minute_and_no_other() {
        let failures = Failures::default();
        let now = Timestamp::from_seconds(1_800_000_000);
        let [one, neighbour, other] =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1"].map(|text| text.parse::<IpAddr>().unwrap());
        for _ in 0..MOST {
            assert!(failures.allows(one, now));
            failures.note(one, now);
        }
        assert!(!failures.allows(one, now) && !failures.allows(neighbour, now) && failures.allows(other, now));
        assert!(failures.allows(one, now.after(WINDOW)));
        for number in 0..2 * u32::try_from(CAPACITY).unwrap() {
            failures.note(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(failures.0.lock().unwrap().len() <= CAPACITY);
    }
}
