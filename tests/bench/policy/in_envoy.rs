//! The real filter in the real Envoy: processor time of a request.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use kubegate_core::token::SESSION_TYPE;
use kubegate_tests::issuer::Issuer;

use super::{Measured, Sized};
use crate::bootstrap::{Gateway, Setup};
use crate::company::{HOST, Subject};
use crate::load::{self, Load};
use crate::{cpu, progress};

const ROUNDS: usize = 61;
const CONNECTIONS: usize = 16;

/// How many requests are timed together, on each connection.
const BURSTS: usize = 120;

/// An Envoy with its load.
struct Variant {
    pid: u32,
    load: Load,
    /// Stopped on drop.
    _gateway: Gateway,
}

impl Variant {
    /// Envoy's processor microseconds of one request.
    fn measure(&mut self) -> Result<f64> {
        // The first requests after a while find cold caches.
        self.load.run(BURSTS / 10)?;
        let before = cpu::process(self.pid)?;
        let requests = self.load.run(BURSTS)?;
        let taken = cpu::process(self.pid)?.saturating_sub(before);
        Ok(microseconds(taken) / requests as f64)
    }
}

/// Microseconds of a request through the bare router; then what each policy's filter adds to that, round by round. All
/// Envoys are up at the same time, one worker each, and take turns.
pub(super) fn measure(dir: &Path, issuer: &Issuer, policies: &[Sized]) -> Result<(Vec<f64>, Vec<Measured>)> {
    progress("five Envoys, one of them without the filter", "10 s");
    let token = issuer.token_key.sign(SESSION_TYPE, &Subject::claims(issuer))?;
    let start = |name: &str, policy: Option<&Sized>| {
        let plugin = policy.map(|policy| issuer.plugin_configuration(&policy.file)).transpose()?;
        let setup = Setup { workers: 1, plugin: plugin.as_ref(), source: None };
        let gateway = Gateway::start(name, dir, &setup)?;
        let request = load::get(HOST, Subject::PATH, &Subject::headers(&token));
        let load = Load::connect(gateway.port, CONNECTIONS, request)?;
        anyhow::Ok(Variant { pid: gateway.envoy.id(), load, _gateway: gateway })
    };
    let mut variants = vec![start("envoy-bare", None)?];
    for policy in policies {
        variants.push(start(&format!("envoy-{}", policy.rules), Some(policy))?);
    }
    progress("requests through all of them in turn", "1 min");
    let mut costs = vec![Vec::with_capacity(ROUNDS); variants.len()];
    for round in 0..ROUNDS {
        for turn in 0..variants.len() {
            let which = (round + turn) % variants.len();
            if let (Some(variant), Some(costs)) = (variants.get_mut(which), costs.get_mut(which)) {
                costs.push(variant.measure()?);
            }
        }
    }
    let bare = costs.remove(0);
    let above = |costs: Vec<f64>| costs.iter().zip(&bare).map(|(cost, bare)| cost - bare).collect();
    let measured =
        policies.iter().zip(costs).map(|(policy, costs)| Measured { rules: policy.rules, costs: above(costs) });
    let measured = measured.collect();
    Ok((bare, measured))
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
