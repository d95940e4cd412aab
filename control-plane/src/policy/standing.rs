//! How the policy file stands to the policy in force: who reads the file and who publishes both have a say.

use std::sync::Arc;

use kubegate_core::document::Problem;
use kubegate_core::time::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::source::LoadError;
use crate::telemetry::{self, Metrics};

/// How the policy file stands to the policy in force.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Why the file is no policy, as it was read last.
    unreadable: Option<Refused>,
    /// What has become of the last policy that was read.
    taken: Taken,
    /// Why nothing can be published.
    failing: Option<Failing>,
}

/// What has become of a policy that was read.
#[derive(Clone, Debug, Default)]
enum Taken {
    #[default]
    InForce,
    Waiting,
    Refused(Refused),
}

/// The policy file in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum File {
    /// It is the policy in force.
    InForce,
    /// It is good, and not in force yet.
    Waiting,
    /// It was refused.
    Refused,
}

/// A policy file that was refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When it was found to be so.
    pub at: Timestamp,
    /// What is wrong with it, all of it.
    pub message: String,
    /// Each mistake, when the file could be read.
    pub problems: Vec<Problem>,
}

/// Why nothing can be published.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// What went wrong at the last try.
    pub message: String,
}

impl Status {
    /// The policy file in one word.
    #[must_use]
    pub fn file(&self) -> File {
        match (&self.unreadable, &self.taken) {
            (None, Taken::InForce) => File::InForce,
            (None, Taken::Waiting) => File::Waiting,
            _ => File::Refused,
        }
    }

    /// Why the policy file is refused.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match (&self.unreadable, &self.taken) {
            (Some(refused), _) | (None, Taken::Refused(refused)) => Some(refused),
            _ => None,
        }
    }

    /// Why nothing can be published.
    #[must_use]
    pub fn failing(&self) -> Option<&Failing> {
        self.failing.as_ref()
    }
}

impl Refused {
    /// One that was refused for `error`.
    #[must_use]
    pub fn new(error: &LoadError, at: Timestamp) -> Self {
        let problems = if let LoadError::Problems(problems) = error { problems.list().to_vec() } else { Vec::new() };
        Self { at, message: error.to_string(), problems }
    }
}

/// Where it is told.
#[derive(Clone, Debug)]
pub struct Standing {
    status: watch::Sender<Status>,
    metrics: Arc<Metrics>,
}

impl Standing {
    /// One that all is well with.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> (Self, watch::Receiver<Status>) {
        let (status, receiver) = watch::channel(Status::default());
        (Self { status, metrics }, receiver)
    }

    /// The file is no policy. Says whether that is news.
    pub fn refuse_file(&self, refused: Refused) -> bool {
        self.change(|status| {
            let news = status.unreadable.as_ref().is_none_or(|before| before.message != refused.message);
            if news {
                self.metrics.policy_load_failures.inc();
                status.unreadable = Some(refused);
            }
            news
        })
    }

    /// The file is a policy, and another one than before if it is `new`. Says whether it was none before.
    pub(super) fn read_file(&self, new: bool) -> bool {
        self.change(|status| {
            if new {
                status.taken = Taken::Waiting;
            }
            status.unreadable.take().is_some()
        })
    }

    /// The publisher has been given a policy.
    pub(super) fn waits(&self) {
        self.change(|status| status.taken = Taken::Waiting);
    }

    /// The policy that was read last is in force.
    pub(super) fn is_in_force(&self) {
        self.change(|status| status.taken = Taken::InForce);
    }

    /// The policy that was read last cannot be published, however often it is tried.
    pub(super) fn refuse_policy(&self, refused: Refused) {
        self.metrics.policy_load_failures.inc();
        self.change(|status| status.taken = Taken::Refused(refused));
    }

    /// Something was published.
    pub(super) fn published(&self) {
        self.change(|status| status.failing = None);
    }

    /// Nothing could be published.
    pub(super) fn failed(&self, error: &(dyn std::error::Error + 'static), now: Timestamp) {
        self.metrics.publish_failures.inc();
        let message = telemetry::chain(error);
        self.change(|status| {
            let since = status.failing.as_ref().map_or(now, |failing| failing.since);
            status.failing = Some(Failing { since, message });
        });
    }

    fn change<T: Default>(&self, change: impl FnOnce(&mut Status) -> T) -> T {
        let mut told = T::default();
        self.status.send_modify(|status| {
            told = change(status);
            // Within the lock, so that of two changes the later one is the one that is measured.
            self.metrics.policy_valid.set((status.file() == File::InForce).into());
        });
        told
    }
}
