//! Requests made to smuggle an identity in, or to get past the policy, on the real Envoy, filter and API server.
//!
//! Named attacks each have a test of their own; a generator makes as many more as one likes. Either way the API server's
//! audit log is the judge: no event has an identity that we did not decide, none is of a request that the policy denies.

mod asking;
mod attacked;
mod attacker;
mod case;
mod chains;
mod follower;
mod frames;
mod framing;
mod headers;
mod hostile;
mod mutate;
mod oracle;
mod paths;
mod reframe;
mod torture;
mod upgrades;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;

use crate::suite::Suite;
use attacked::Attacked;
use wire::Protocol;

/// A named attack.
type Attack = fn(&mut Attacked);

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    // One Envoy for all of them, one attack at a time; it stops with the last.
    let shared = Arc::new(Mutex::new(None));
    let attacks = [&headers::ATTACKS[..], &paths::ATTACKS, &framing::ATTACKS, &upgrades::ATTACKS].concat();
    let named = attacks.into_iter().map(|(name, attack)| {
        let shared = Arc::clone(&shared);
        suite.test(&format!("smuggling::{name}"), move |_, world| {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let attacked = shared.get_or_insert_with(|| Attacked::start(world, "envoy-attacked"));
            attack(attacked);
        })
    });
    named.chain(chains::trials(suite)).chain([suite.test_alone("smuggling::torture", torture::run)]).collect()
}
