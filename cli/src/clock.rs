//! The only place that reads the clock: everything else takes a [`UnixTime`] as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment, in whole seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UnixTime(pub(crate) u64);

impl UnixTime {
    /// What the computer's clock shows now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one clock of this program; the rest takes the time as an argument"
    )]
    pub(crate) fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since_epoch.map_or(0, |elapsed| elapsed.as_secs()))
    }

    /// This moment and `seconds` more.
    pub(crate) fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// `seconds` before this moment.
    pub(crate) fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// The moment as RFC 3339 in UTC, as Kubernetes writes it.
    pub(crate) fn rfc3339(self) -> String {
        i64::try_from(self.0)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .and_then(|moment| moment.format(&Rfc3339).ok())
            .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_kubernetes_writes() {
        assert_eq!(UnixTime(1_763_942_400).rfc3339(), "2025-11-24T00:00:00Z");
        assert_eq!(UnixTime(u64::MAX).rfc3339(), "9999-12-31T23:59:59Z");
    }
}
