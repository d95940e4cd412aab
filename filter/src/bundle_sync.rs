//! Keeping the bundle current: one VM of an Envoy asks the control plane, all others read what it found.
//!
//! ```text
//!  control plane ◀── conditional long poll ── VM with the lease ──▶ shared data ──▶ the other VMs, at their next tick
//! ```
//!
//! Every VM verifies what it takes. A VM that was reloaded after a trap finds the bundle in shared data.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kubegate_core::bundle::InvalidBundle;
use kubegate_core::gateway::Gateway;
use serde::Deserialize;

use crate::config::ControlPlane;
use crate::host::Host;
use crate::metrics::Metric;

/// How often each VM looks whether there is something new.
pub const TICK: Duration = Duration::from_millis(100);

/// How long the control plane may hold a poll, in seconds.
const WAIT_SECONDS: u64 = 25;

/// How long until a poll counts as lost: longer than [`WAIT_SECONDS`].
const POLL_TIMEOUT: Duration = Duration::from_secs(40);

/// How long the lease to poll lasts without renewal, in milliseconds.
const LEASE_MS: u64 = 4000;

/// How long to wait after the first failure, in milliseconds; doubled with each further one.
const FIRST_RETRY_MS: u64 = 250;

/// The longest wait between two attempts, in milliseconds.
const LAST_RETRY_MS: u64 = 5000;

const POLICY_KEY: &str = "kubegate/policy";
const POLICY_HASH_KEY: &str = "kubegate/policy-hash";
const LIVE_KEY: &str = "kubegate/live";
const ETAG_KEY: &str = "kubegate/etag";
const LEASE_KEY: &str = "kubegate/lease";

/// The state of one VM.
pub struct BundleSync {
    control_plane: Option<ControlPlane>,
    /// Distinguishes this VM from the others of this Envoy.
    vm: u64,
    /// What the bundle in force was served as.
    etag: Vec<u8>,
    /// What was refused last, so that it is logged once.
    refused: Vec<u8>,
    polling: bool,
    failures: u32,
    next_poll_ms: u64,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default, borrow)]
    policy: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    live: std::borrow::Cow<'a, str>,
}

impl BundleSync {
    /// A VM that has no bundle yet. `vm` must differ between the VMs of one Envoy.
    #[must_use]
    pub fn new(control_plane: Option<ControlPlane>, vm: u64) -> Self {
        Self { control_plane, vm, etag: Vec::new(), refused: Vec::new(), polling: false, failures: 0, next_poll_ms: 0 }
    }

    /// Takes what other VMs have found before this one was loaded. Envoy takes no calls yet.
    pub fn on_configure(&mut self, host: &impl Host, gateway: &mut Gateway) {
        self.read_shared(host, gateway);
    }

    /// Takes what other VMs found, and asks for news if that is this VM's turn.
    pub fn on_tick(&mut self, host: &impl Host, gateway: &mut Gateway) {
        self.read_shared(host, gateway);
        let now = milliseconds(host.now());
        let Some(control_plane) = &self.control_plane else {
            return;
        };
        if hold_lease(host, self.vm, now) && !self.polling && now >= self.next_poll_ms {
            let sent = poll(host, control_plane, &self.etag);
            self.polling = sent.is_ok();
            if let Err(error) = sent {
                self.fail(host, now, &format!("{error}; is there an Envoy cluster {:?}?", control_plane.cluster));
            }
        }
    }

    /// Takes the answer to a poll. `status` is `None` when there was none.
    pub fn on_answer(
        &mut self,
        host: &impl Host,
        gateway: &mut Gateway,
        status: Option<u16>,
        etag: Option<Vec<u8>>,
        body: &[u8],
    ) {
        self.polling = false;
        let now = milliseconds(host.now());
        match status {
            Some(200) => match etag.filter(|etag| !etag.is_empty()) {
                Some(etag) => self.take(host, gateway, &etag, body, now),
                None => self.fail(host, now, "the control plane's answer has no ETag"),
            },
            Some(304) => self.succeed(),
            Some(401 | 403) => self.fail(host, now, "the control plane refuses this gateway's credential"),
            Some(status) => self.fail(host, now, &format!("the control plane answered {status}")),
            None => self.fail(host, now, "the control plane cannot be reached"),
        }
    }

    fn take(&mut self, host: &impl Host, gateway: &mut Gateway, etag: &[u8], body: &[u8], now: u64) {
        let answer: Answer<'_> = match serde_json::from_slice(body) {
            Ok(answer) => answer,
            Err(_) => return self.fail(host, now, "the control plane's answer is not a bundle"),
        };
        if let Err(error) = gateway.accept(answer.policy.as_deref(), &answer.live) {
            self.refuse(host, etag, &error);
            return self.fail(host, now, "the bundle was refused");
        }
        self.succeed();
        report(host, gateway);
        self.etag = etag.to_vec();
        publish(host, gateway, &answer, etag);
    }

    fn read_shared(&mut self, host: &impl Host, gateway: &mut Gateway) {
        let value = |key| host.shared(key).map(|(value, _)| value);
        let Some(etag) = value(ETAG_KEY).filter(|etag| *etag != self.etag && *etag != self.refused) else {
            return;
        };
        let (Some(hash), Some(live)) = (text(value(POLICY_HASH_KEY)), text(value(LIVE_KEY))) else {
            return;
        };
        let same_policy = gateway.policy_hash() == Some(hash.as_str());
        let policy = if same_policy { None } else { text(value(POLICY_KEY)) };
        match gateway.accept(policy.as_deref(), &live) {
            Ok(()) => {
                self.etag = etag;
                report(host, gateway);
            }
            // Between two writes of another VM the parts may not fit together yet; the next tick sees them all.
            Err(InvalidBundle::OtherPolicy | InvalidBundle::NotNewer { .. }) => {}
            Err(error) => self.refuse(host, &etag, &error),
        }
    }

    fn refuse(&mut self, host: &impl Host, etag: &[u8], error: &InvalidBundle) {
        if self.refused != etag {
            host.log_error(&format!("kubegate: bundle refused, the one in force stays: {error}"));
        }
        host.record(Metric::BundleRefused, 1);
        self.refused = etag.to_vec();
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.next_poll_ms = 0;
    }

    fn fail(&mut self, host: &impl Host, now: u64, why: &str) {
        let delay =
            FIRST_RETRY_MS.saturating_mul(1_u64.checked_shl(self.failures).unwrap_or(u64::MAX)).min(LAST_RETRY_MS);
        if self.failures == 0 {
            host.log_error(&format!("kubegate: cannot renew the bundle, trying again: {why}"));
        }
        host.record(Metric::PollFailed, 1);
        self.failures = self.failures.saturating_add(1).min(30);
        self.next_poll_ms = now.saturating_add(delay);
    }
}

fn poll(host: &impl Host, control_plane: &ControlPlane, etag: &[u8]) -> Result<(), crate::host::HostError> {
    let wait = format!("wait={WAIT_SECONDS}");
    let mut headers = vec![
        (":method", "GET"),
        (":path", "/v1/bundle"),
        (":authority", control_plane.authority.as_str()),
        ("accept", "application/json"),
        ("prefer", wait.as_str()),
    ];
    if let Some(etag) = str::from_utf8(etag).ok().filter(|etag| !etag.is_empty()) {
        headers.push(("if-none-match", etag));
    }
    host.get(&control_plane.cluster, &headers, POLL_TIMEOUT)
}

/// Writes the parts first and the etag, which makes the others look, last.
fn publish(host: &impl Host, gateway: &Gateway, answer: &Answer<'_>, etag: &[u8]) {
    if let Some(policy) = &answer.policy {
        let _ = host.set_shared(POLICY_KEY, policy.as_bytes(), None);
    }
    let hash = gateway.policy_hash().unwrap_or_default();
    let _ = host.set_shared(POLICY_HASH_KEY, hash.as_bytes(), None);
    let _ = host.set_shared(LIVE_KEY, answer.live.as_bytes(), None);
    let _ = host.set_shared(ETAG_KEY, etag, None);
}

/// Whether this VM is the one that polls: it holds the lease, or takes it because its holder is gone.
fn hold_lease(host: &impl Host, vm: u64, now: u64) -> bool {
    let (held, mark) = host.shared(LEASE_KEY).unwrap_or_default();
    let number = |range| held.get(range).and_then(|bytes: &[u8]| bytes.try_into().ok()).map(u64::from_le_bytes);
    let (holder, until) = (number(0..8), number(8..16).unwrap_or(0));
    let lasts = until > now && until <= now.saturating_add(LEASE_MS);
    if lasts && holder != Some(vm) {
        return false;
    }
    if lasts && until.saturating_sub(now) > LEASE_MS / 2 {
        return true;
    }
    let mut lease = vm.to_le_bytes().to_vec();
    lease.extend(now.saturating_add(LEASE_MS).to_le_bytes());
    host.set_shared(LEASE_KEY, &lease, mark).is_ok()
}

fn report(host: &impl Host, gateway: &Gateway) {
    if let Some((policy, live)) = gateway.versions() {
        host.record(Metric::PolicyVersion, policy.counter);
        host.record(Metric::LiveVersion, live.counter);
    }
}

fn text(value: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(value?).ok()
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
