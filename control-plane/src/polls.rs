//! Which gateways ask for the bundle, and what each of them has of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kubegate_core::bundle::Tag;
use kubegate_core::time::Timestamp;
use serde::Serialize;

/// The polls of all gateways, by their names in the configuration.
#[derive(Debug, Default)]
pub struct Polls(Mutex<HashMap<String, Poll>>);

/// The polls of one gateway.
#[derive(Clone, Debug, Default)]
pub struct Poll {
    /// When it asked last.
    pub at: Timestamp,
    /// How many of its polls wait now: one for each Envoy that shows its credential.
    pub waiting: usize,
    /// What it had when it asked last.
    pub held: Option<Tag>,
}

/// How what a gateway has stands to what it could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It has nothing.
    Nothing,
    /// It has something older.
    Older,
    /// It has the newest.
    Newest,
    /// It has something newer than this control plane has ever given out: the store was restored from a backup.
    Newer,
}

impl Holds {
    /// How `held` stands to `newest`.
    #[must_use]
    pub fn of(held: Option<&Tag>, newest: &Tag) -> Self {
        match held {
            None => Self::Nothing,
            Some(held) if held == newest => Self::Newest,
            // Of one version there is one document only, so what is of the same version and differs is from after the backup.
            Some(held) if held.changes >= newest.changes => Self::Newer,
            Some(_) => Self::Older,
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Nothing => "has no policy yet",
            Self::Older => "has something older, and was offered the newest",
            Self::Newest => "has the newest",
            Self::Newer => {
                "has something newer than this control plane knows, and refuses what it is offered: after restoring the \
                 store from a backup, run kubegate-control-plane new-epoch"
            }
        }
    }
}

impl Polls {
    /// Notes that a gateway asks, and what it has. Gives what it had before.
    pub fn note(&self, gateway: &str, held: Option<Tag>, at: Timestamp) -> Option<Tag> {
        let mut polls = self.lock();
        let poll = polls.entry(gateway.to_owned()).or_default();
        poll.at = at;
        std::mem::replace(&mut poll.held, held)
    }

    /// Counts a poll that waits, until the guard is dropped, which it is when the gateway hangs up, too.
    pub fn wait<'p>(&'p self, gateway: &'p str) -> Waiting<'p> {
        let mut polls = self.lock();
        let poll = polls.entry(gateway.to_owned()).or_default();
        poll.waiting = poll.waiting.saturating_add(1);
        Waiting { polls: self, gateway }
    }

    /// The polls of a gateway; `None` when it has not asked since this program was started.
    #[must_use]
    pub fn of(&self, gateway: &str) -> Option<Poll> {
        self.lock().get(gateway).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Poll>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A poll that waits.
pub struct Waiting<'p> {
    polls: &'p Polls,
    gateway: &'p str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(poll) = self.polls.lock().get_mut(self.gateway) {
            poll.waiting = poll.waiting.saturating_sub(1);
        }
    }
}
