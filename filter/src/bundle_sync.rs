//! Keeping the bundle current: one VM of an Envoy asks the control plane, all others read what it found.
//!
//! ```text
//!  control plane ◀── conditional long poll ── VM with the lease ──▶ shared data ──▶ the other VMs, at their next tick
//! ```
//!
//! Every VM verifies what it takes. A VM that was reloaded after a trap finds the bundle in shared data.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kubegate_core::bundle::{self, Documents, InvalidBundle, MAX_POLICY, Tag, Version};
use kubegate_core::gateway::Gateway;

use crate::config::ControlPlane;
use crate::host::{Host, Shared};
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

/// The longest answer that is looked at, in bytes.
const MAX_ANSWER: usize = MAX_POLICY.saturating_mul(2);

/// Envoy itself answers for a control plane that cannot be reached.
const NO_ANSWER: &str = "the control plane's answer broke off, or is longer than Envoy takes \
                         (http.async_response_buffer_limit in its runtime, 32 MiB by default)";

const POLICY_KEY: &str = "kubegate/policy";
const PART_KEY: &str = "kubegate/part/";
const LIVE_KEY: &str = "kubegate/live";
const CHANGES_KEY: &str = "kubegate/changes";
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
    /// Whether what comes does not go with what is here, so that all of it is needed.
    lacks: bool,
    polling: bool,
    failures: u32,
    next_poll_ms: u64,
}

impl BundleSync {
    /// A VM that has no bundle yet. `vm` must differ between the VMs of one Envoy.
    #[must_use]
    pub fn new(control_plane: Option<ControlPlane>, vm: u64) -> Self {
        Self {
            control_plane,
            vm,
            etag: Vec::new(),
            refused: Vec::new(),
            lacks: false,
            polling: false,
            failures: 0,
            next_poll_ms: 0,
        }
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
            let sent = poll(host, control_plane, if self.lacks { &[] } else { &self.etag });
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
            None => self.fail(host, now, NO_ANSWER),
        }
    }

    fn take(&mut self, host: &impl Host, gateway: &mut Gateway, etag: &[u8], body: &[u8], now: u64) {
        let text = str::from_utf8(body).ok().filter(|body| body.len() <= MAX_ANSWER);
        let Some(documents) = text.and_then(|text| Documents::parse(text).ok()) else {
            return self.fail(host, now, "the control plane's answer is not a bundle");
        };
        let parts_before: Vec<String> = gateway.parts().map(str::to_owned).collect();
        if let Err(error) = accept(host, gateway, &documents) {
            self.lacks = builds_on_others(&error);
            self.refuse(host, etag, &error);
            return self.fail(host, now, "the bundle was refused");
        }
        self.lacks = false;
        self.succeed();
        self.etag = etag.to_vec();
        publish(host, gateway, &documents, &parts_before, etag);
    }

    /// Takes of what other VMs found what this one does not have.
    fn read_shared(&mut self, host: &impl Host, gateway: &mut Gateway) {
        let value = |key: &str| text(host.shared(key)).filter(|value| !value.is_empty());
        let Some(etag) = value(ETAG_KEY).map(String::into_bytes) else {
            return;
        };
        // What lacked something when this VM fetched it may be whole when another has.
        if etag == self.etag || etag == self.refused && !self.lacks {
            return;
        }
        let (held, there) = (gateway.tag(), tag(&etag));
        let same =
            |part: fn(&Tag) -> (&str, Version)| held.as_ref().map(part) == there.as_ref().map(part) && held.is_some();
        let policy = if same(|tag| (&tag.policy, Version::default())) { None } else { value(POLICY_KEY) };
        let live = if same(|tag| (&tag.policy, tag.live)) { None } else { value(LIVE_KEY) };
        let changes = value(CHANGES_KEY);
        let part = |name: String| value(&format!("{PART_KEY}{name}"));
        let parts: Option<Vec<String>> = match policy.as_deref().map(|policy| gateway.missing_parts(policy)) {
            None => Some(Vec::new()),
            Some(Ok(missing)) => missing.into_iter().map(part).collect(),
            Some(Err(error)) => return self.refuse(host, &etag, &error),
        };
        // Between two writes of another VM something may be missing, or not go together; the next tick sees it all.
        let Some(parts) = parts else { return };
        let parts = parts.iter().map(String::as_str).collect();
        let documents =
            Documents { policy: policy.as_deref(), parts, live: live.as_deref(), changes: changes.as_deref() };
        match accept(host, gateway, &documents) {
            Ok(()) => (self.etag, self.lacks) = (etag, false),
            Err(error) if builds_on_others(&error) => {}
            // This VM has something newer, from its configuration; until there is something else, that is not looked at.
            Err(InvalidBundle::NotNewer { .. }) => self.refused = etag,
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
        ("accept", "text/plain"),
        ("prefer", wait.as_str()),
    ];
    if let Some(etag) = str::from_utf8(etag).ok().filter(|etag| !etag.is_empty()) {
        headers.push(("if-none-match", etag));
    }
    host.get(&control_plane.cluster, &headers, POLL_TIMEOUT)
}

/// Takes a bundle, and counts how long a new policy takes.
fn accept(host: &impl Host, gateway: &mut Gateway, documents: &Documents<'_>) -> Result<(), InvalidBundle> {
    let began = host.now();
    gateway.accept(documents)?;
    if documents.policy.is_some() {
        let took = host.now().duration_since(began).unwrap_or_default();
        host.record(Metric::PolicyMilliseconds, u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }
    if let Some((policy, live)) = gateway.versions() {
        host.record(Metric::PolicyVersion, policy.counter);
        host.record(Metric::LiveVersion, live.counter);
    }
    Ok(())
}

/// Whether a bundle is refused because it builds on documents that are not here, or not in force any more.
fn builds_on_others(error: &InvalidBundle) -> bool {
    use InvalidBundle::{Incomplete, MissingPart, OtherLive, OtherPolicy};
    matches!(error, Incomplete | MissingPart(_) | OtherLive | OtherPolicy)
}

/// Writes the parts first and the etag, which makes the others look, last; then what no policy names any more goes.
fn publish(host: &impl Host, gateway: &Gateway, documents: &Documents<'_>, parts_before: &[String], etag: &[u8]) {
    let write = |key: &str, value: &str| {
        let _ = host.set_shared(key, value.as_bytes(), None);
    };
    for part in &documents.parts {
        write(&format!("{PART_KEY}{}", bundle::hash(part)), part);
    }
    if let Some(policy) = documents.policy {
        write(POLICY_KEY, policy);
    }
    if let Some(live) = documents.live {
        write(LIVE_KEY, live);
    }
    if let Some(changes) = documents.changes {
        write(CHANGES_KEY, changes);
    }
    let _ = host.set_shared(ETAG_KEY, etag, None);
    if documents.policy.is_some() {
        let parts: HashSet<&str> = gateway.parts().collect();
        parts_before
            .iter()
            .filter(|part| !parts.contains(part.as_str()))
            .for_each(|part| write(&format!("{PART_KEY}{part}"), ""));
    }
}

/// What an entity tag says; nothing, when it is not one of a control plane's.
fn tag(etag: &[u8]) -> Option<Tag> {
    str::from_utf8(etag).ok()?.trim_start_matches("W/").trim_matches('"').parse().ok()
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

fn text(shared: Shared) -> Option<String> {
    String::from_utf8(shared?.0).ok()
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
