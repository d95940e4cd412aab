//! Logs and metrics.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins to log to standard error; `KUBEGATE_LOG` says what (as in `info,kubegate_control_plane=debug`).
pub fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("KUBEGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let registry = tracing_subscriber::registry().with(filter);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    // A second call has no effect: the first subscriber stays.
    let _ = match format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SignInLabels {
    /// The provider's id.
    pub provider: String,
    /// What came of it.
    pub result: &'static str,
}

/// Something that has a result.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabels {
    /// What came of it.
    pub result: &'static str,
}

/// A token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TokenLabels {
    /// The cluster that it is for; empty for the control plane's own API.
    pub cluster: String,
}

/// A gateway's poll.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PollLabels {
    /// The gateway's name in the configuration; empty when its credential is not known.
    pub gateway: String,
    /// The status of the answer.
    pub status: u16,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Which listener.
    pub listener: &'static str,
    /// The route as the router knows it.
    pub route: String,
    /// The status of the answer.
    pub status: u16,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Sign-ins by provider and result.
    pub sign_ins: Family<SignInLabels, Counter>,
    /// Tokens made, by cluster.
    pub tokens: Family<TokenLabels, Counter>,
    /// Uses of refresh secrets, by result.
    pub refreshes: Family<ResultLabels, Counter>,
    /// Sessions ended before their time, by reason.
    pub sessions_ended: Family<ResultLabels, Counter>,
    /// How often providers were asked again about a sign-in, by provider and what came of it.
    pub rechecks: Family<SignInLabels, Counter>,
    /// Logout tokens of providers, by provider and result.
    pub provider_logouts: Family<SignInLabels, Counter>,
    /// Revocations in the live set.
    pub revocations: Gauge<i64, AtomicI64>,
    /// People whose revoked sessions became one entry, because there were too many.
    pub people_collapsed: Counter<u64, AtomicU64>,
    /// Elevations that last.
    pub elevations: Gauge<i64, AtomicI64>,
    /// Bundle polls by gateway and status.
    pub polls: Family<PollLabels, Counter>,
    /// Bundle polls that are waiting now.
    pub polls_waiting: Gauge<i64, AtomicI64>,
    /// Policies taken into force.
    pub policy_loads: Counter<u64, AtomicU64>,
    /// Versions of the policy file that were refused.
    pub policy_load_failures: Counter<u64, AtomicU64>,
    /// Whether the policy file is the policy in force.
    pub policy_valid: Gauge<i64, AtomicI64>,
    /// Versions of the bundle that could not be written or signed.
    pub publish_failures: Counter<u64, AtomicU64>,
    /// Groups of a provider that no API server could be told.
    pub groups_dropped: Family<SignInLabels, Counter>,
    /// Requests by listener, route and status.
    pub requests: Family<RequestLabels, Counter>,
    /// How long requests took, but for long polls.
    pub duration: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("kubegate");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", build);
        let metrics = Self {
            sign_ins: Family::default(),
            tokens: Family::default(),
            refreshes: Family::default(),
            sessions_ended: Family::default(),
            rechecks: Family::default(),
            provider_logouts: Family::default(),
            revocations: Gauge::default(),
            people_collapsed: Counter::default(),
            elevations: Gauge::default(),
            polls: Family::default(),
            polls_waiting: Gauge::default(),
            policy_loads: Counter::default(),
            policy_load_failures: Counter::default(),
            policy_valid: Gauge::default(),
            publish_failures: Counter::default(),
            groups_dropped: Family::default(),
            requests: Family::default(),
            duration: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        Self { registry, ..metrics }
    }
}

impl Metrics {
    fn register(&self, to: &mut Registry) {
        to.register("sign_ins", "Sign-ins by provider and result", self.sign_ins.clone());
        to.register(
            "tokens_minted",
            "Tokens made, by cluster (empty: for the control plane's API)",
            self.tokens.clone(),
        );
        to.register("refreshes", "Uses of refresh secrets, by result", self.refreshes.clone());
        to.register("sessions_ended", "Sessions ended before their time, by reason", self.sessions_ended.clone());
        to.register("rechecks", "Providers asked again about a sign-in, by what came of it", self.rechecks.clone());
        to.register(
            "provider_logouts",
            "Logout tokens of providers, by what came of them",
            self.provider_logouts.clone(),
        );
        to.register("revocations", "Revocations in the live set", self.revocations.clone());
        to.register(
            "people_collapsed",
            "People whose older tokens are all refused, because more sessions were revoked than gateways take",
            self.people_collapsed.clone(),
        );
        to.register("elevations", "Elevations that last", self.elevations.clone());
        to.register("bundle_polls", "Bundle polls by gateway and status", self.polls.clone());
        to.register("bundle_polls_waiting", "Bundle polls that are waiting now", self.polls_waiting.clone());
        to.register("policy_loads", "Policies taken into force", self.policy_loads.clone());
        to.register("policy_load_failures", "Policy files that were refused", self.policy_load_failures.clone());
        to.register("policy_valid", "1 when the policy file is the policy in force", self.policy_valid.clone());
        to.register("bundle_publish_failures", "Bundles that could not be published", self.publish_failures.clone());
        to.register("groups_dropped", "Groups with a name that cannot be passed on", self.groups_dropped.clone());
        to.register("http_requests", "Requests by listener, route and status", self.requests.clone());
        to.register("http_request_duration_seconds", "How long requests took, but for polls", self.duration.clone());
    }

    /// Counts a sign-in.
    pub fn sign_in(&self, provider: &str, result: &'static str) {
        self.sign_ins.get_or_create(&SignInLabels { provider: provider.to_owned(), result }).inc();
    }

    /// All of it in the OpenMetrics text format, as Prometheus reads it.
    ///
    /// # Errors
    /// Never in practice: writing to a string does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_named_as_documented() {
        let metrics = Metrics::default();
        metrics.sign_in("accounts", "ok");
        metrics.policy_load_failures.inc();
        let text = metrics.text().unwrap();
        for line in [
            "kubegate_build_info{version=",
            "kubegate_sign_ins_total{provider=\"accounts\",result=\"ok\"} 1",
            "kubegate_policy_load_failures_total 1",
            "kubegate_policy_valid 0",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
