//! What the filter counts. Envoy shows it at `/stats` as `wasmcustom.<name>` and at `/stats/prometheus` as `<name>`.

/// How a metric changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is set.
    Gauge,
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Requests forwarded.
    Allowed,
    /// Requests refused with 400, 403 or 404.
    Denied,
    /// Requests refused with 401.
    Unauthenticated,
    /// Requests to our own paths.
    Local,
    /// Requests that could not be decided.
    Undecided,
    /// Upstream 401s: the gateway's own credential is refused.
    CredentialRefused,
    /// Tokens whose signature was verified: none that is remembered, as good or as bad.
    TokensVerified,
    /// Open streams that were ended because the access to them had.
    StreamsEnded,
    /// Bundles that were refused.
    BundleRefused,
    /// Bundle requests that failed.
    PollFailed,
    /// The counter of the policy in force.
    PolicyVersion,
    /// The counter of the live set in force.
    LiveVersion,
    /// How long it took to take the newest policy, in milliseconds.
    PolicyMilliseconds,
}

impl Metric {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "kubegate_requests_allowed",
            Self::Denied => "kubegate_requests_denied",
            Self::Unauthenticated => "kubegate_requests_unauthenticated",
            Self::Local => "kubegate_requests_local",
            Self::Undecided => "kubegate_requests_undecided",
            Self::CredentialRefused => "kubegate_gateway_credential_refused",
            Self::TokensVerified => "kubegate_tokens_verified",
            Self::StreamsEnded => "kubegate_streams_ended",
            Self::BundleRefused => "kubegate_bundle_refused",
            Self::PollFailed => "kubegate_bundle_poll_failed",
            Self::PolicyVersion => "kubegate_policy_version",
            Self::LiveVersion => "kubegate_live_version",
            Self::PolicyMilliseconds => "kubegate_policy_milliseconds",
        }
    }

    /// How it changes.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::PolicyVersion | Self::LiveVersion | Self::PolicyMilliseconds => Kind::Gauge,
            _ => Kind::Counter,
        }
    }
}
