//! Slows down the guessing of passwords, per account and address, in bounded memory. It delays the
//! guesser and locks nobody out: the person at another address does not notice.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kubegate_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// Failures that cost nothing.
pub(crate) const FREE: u32 = 5;

/// The longest delay.
const MOST: Duration = Duration::from_secs(60);

/// When failures are forgotten.
const FORGET: Duration = Duration::from_secs(15 * 60);

/// How many pairs of account and address are remembered.
const CAPACITY: usize = 10_000;

type Key = [u8; 32];

/// Counts failures.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<Key, Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    fn delay(self) -> Duration {
        match self.count.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(surplus) => Duration::from_secs(1 << surplus.min(6)).min(MOST),
        }
    }
}

impl Limiter {
    /// How long the next attempt has to wait, as an error.
    pub(crate) fn check(&self, user: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        check(&self.pairs(), &key(user, address), now)
    }

    /// Notes a failure.
    pub(crate) fn failed(&self, user: &str, address: IpAddr, now: Timestamp) {
        count(&mut self.pairs(), key(user, address), now);
    }

    /// Counts an attempt as a failure before it is known to be one, so that many at once are slowed down like one after
    /// the other; or how long it has to wait, as an error. [`Self::forgive`] takes back one that was none.
    pub(crate) fn attempt(&self, user: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let mut pairs = self.pairs();
        let key = key(user, address);
        check(&pairs, &key, now)?;
        count(&mut pairs, key, now);
        Ok(())
    }

    /// Takes one failure back.
    pub(crate) fn forgive(&self, user: &str, address: IpAddr) {
        if let Some(failures) = self.pairs().get_mut(&key(user, address)) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    /// Forgets the failures.
    pub(crate) fn succeeded(&self, user: &str, address: IpAddr) {
        self.pairs().remove(&key(user, address));
    }

    fn pairs(&self) -> MutexGuard<'_, HashMap<Key, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(pairs: &HashMap<Key, Failures>, key: &Key, now: Timestamp) -> Result<(), Duration> {
    let Some(failures) = pairs.get(key) else {
        return Ok(());
    };
    match failures.delay().checked_sub(now.since(failures.last)) {
        None | Some(Duration::ZERO) => Ok(()),
        Some(wait) => Err(wait),
    }
}

fn count(pairs: &mut HashMap<Key, Failures>, key: Key, now: Timestamp) {
    if pairs.len() >= CAPACITY {
        pairs.retain(|_, failures| now.since(failures.last) < FORGET);
    }
    if pairs.len() >= CAPACITY
        && let Some(oldest) = pairs.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| *key)
    {
        pairs.remove(&oldest);
    }
    let failures = pairs.entry(key).or_insert(Failures { count: 0, last: now });
    let forgotten = now.since(failures.last) >= FORGET;
    failures.count = if forgotten { 1 } else { failures.count.saturating_add(1) };
    failures.last = now;
}

/// The network that an address counts for: an IPv6 host has a whole /64, so that counts as one.
pub(crate) fn network(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)),
    }
}

/// User names are hashed: their length is the client's.
fn key(user: &str, address: IpAddr) -> Key {
    Sha256::new().chain_update(network(address).octets()).chain_update(user.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn guessing_gets_slower_and_the_person_elsewhere_does_not_notice() {
        let limiter = Limiter::default();
        for _ in 0..FREE {
            assert_eq!(limiter.check("alice", HOME, START), Ok(()));
            limiter.failed("alice", HOME, START);
        }
        assert_eq!(limiter.check("alice", HOME, START), Err(Duration::from_secs(1)));
        assert_eq!(limiter.check("alice", AWAY, START), Ok(()), "another address");
        assert_eq!(limiter.check("bob", HOME, START), Ok(()), "another account");
        for _ in 0..20 {
            limiter.failed("alice", HOME, START);
        }
        assert_eq!(limiter.check("alice", HOME, START), Err(MOST), "a delay, never a lockout");
        assert_eq!(limiter.check("alice", HOME, START.after(MOST)), Ok(()));
        limiter.succeeded("alice", HOME);
        limiter.failed("alice", HOME, START);
        assert_eq!(limiter.check("alice", HOME, START), Ok(()), "counted from the start again");
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::default();
        for user in 0..CAPACITY {
            let failures = Failures { count: 1, last: START };
            limiter.0.lock().unwrap().insert(key(&user.to_string(), HOME), failures);
        }
        limiter.failed("alice", HOME, START);
        assert_eq!(limiter.0.lock().unwrap().len(), CAPACITY, "the oldest gives way");
        limiter.failed("bob", HOME, START.after(FORGET));
        assert_eq!(limiter.0.lock().unwrap().len(), 1, "old failures are forgotten");
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_address() {
        let address = |text: &str| text.parse().unwrap();
        assert_eq!(key("a", address("2001:db8::1")), key("a", address("2001:db8::ffff:1")));
        assert_ne!(key("a", address("2001:db8::1")), key("a", address("2001:db8:0:1::1")));
        assert_eq!(key("a", address("::ffff:192.0.2.1")), key("a", address("192.0.2.1")));
    }
}
