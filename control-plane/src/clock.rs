//! The only place of this program that asks the system for the time. Elsewhere time is an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kubegate_core::time::Timestamp;

/// Where the program takes the time from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(start.seconds()))))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(seconds) => Timestamp::from_seconds(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock on; the machine's clock stays as it is.
    pub fn advance(&self, duration: Duration) {
        if let Source::Manual(seconds) = &self.0 {
            seconds.fetch_add(duration.as_secs(), Ordering::SeqCst);
        }
    }
}

/// A moment as RFC 3339 writes it, in UTC.
#[must_use]
pub fn rfc3339(moment: Timestamp) -> String {
    i64::try_from(moment.seconds())
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&time::format_description::well_known::Rfc3339).ok())
        .unwrap_or_else(|| moment.seconds().to_string())
}

/// A moment for people, in UTC and to the minute.
#[must_use]
pub fn for_people(moment: Timestamp) -> String {
    let text = rfc3339(moment);
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => text,
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn system_now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_moved() {
        let clock = Clock::manual(Timestamp::from_seconds(10));
        let copy = clock.clone();
        assert_eq!(clock.now(), copy.now());
        clock.advance(Duration::from_secs(7));
        assert_eq!(copy.now().seconds(), 17);
    }

    #[test]
    fn moments_are_written_as_rfc_3339_says() {
        assert_eq!(rfc3339(Timestamp::from_seconds(1_700_000_000)), "2023-11-14T22:13:20Z");
        assert_eq!(for_people(Timestamp::from_seconds(1_700_000_000)), "2023-11-14 22:13 UTC");
    }
}
