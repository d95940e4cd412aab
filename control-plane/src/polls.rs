//! Which gateways ask for the bundle, and what each of them has of it.
//!
//! Several Envoys may show one gateway's credential, and nothing tells one of them from another. So what a poll shows is
//! kept beside what others showed: an Envoy that lags behind asks again and again with the same old thing, and is seen
//! however well the others do; one that takes what it is offered asks with it no more.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kubegate_core::bundle::Tag;
use kubegate_core::time::Timestamp;
use serde::Serialize;

/// How long after its last poll a gateway counts as one that asks; a filter that waits for news asks at least every half
/// minute.
const ASKS: Duration = Duration::from_secs(60);

/// How long after its last poll an Envoy counts as one that lags behind; a filter that has refused what it was offered
/// asks again within five seconds.
const LAGS: Duration = Duration::from_secs(10);

/// Who asks again after this with what is not the newest has not taken what was offered meanwhile.
const STUCK: Duration = Duration::from_secs(3);

/// How many old things of one gateway are kept apart.
const MOST_LAGGING: usize = 64;

/// The polls of all gateways, by their names in the configuration.
#[derive(Debug)]
pub struct Polls {
    /// Since when they are noted.
    since: Timestamp,
    gateways: Mutex<HashMap<String, Gateway>>,
}

/// The polls of one gateway.
#[derive(Debug, Default)]
struct Gateway {
    /// When it asked last.
    at: Option<Timestamp>,
    /// How many of its polls wait now.
    waiting: usize,
    /// What it had when it asked last.
    held: Option<Tag>,
    /// What it had when it last had the newest.
    newest: Option<Tag>,
    /// What it had besides.
    lagging: Vec<Lagging>,
    /// The epoch in which the log was told that it has something newer.
    told: Option<u64>,
}

/// Polls of one gateway with one thing that was not the newest.
#[derive(Debug)]
struct Lagging {
    held: Option<Tag>,
    first: Timestamp,
    last: Timestamp,
}

/// How a gateway stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it asked last, since this program was started.
    pub at: Option<Timestamp>,
    /// What it had when it asked last; the oldest, where several Envoys show its credential.
    pub held: Option<Tag>,
    /// How many of its polls wait now: one for each Envoy that shows its credential and has the newest.
    pub waiting: usize,
    /// What it has; the worst, where several Envoys show its credential.
    pub holds: Holds,
    /// What others of these Envoys have.
    pub others: Vec<Holds>,
}

/// How what a gateway has stands to what it could have, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It has something newer than this control plane has ever given out: the store was restored from a backup.
    Newer,
    /// It has nothing.
    Nothing,
    /// It has something older.
    Older,
    /// It has the newest.
    Newest,
    /// Nobody knows: it does not ask.
    Silent,
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
            Self::Silent => "does not ask",
        }
    }
}

impl Polls {
    /// Polls from now on.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, gateways: Mutex::default() }
    }

    /// Since when polls are noted: the start of this program.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Notes that a gateway asks who has `held`. Says whether the log is to be told that it has something newer than
    /// `newest`: once in an epoch, however many Envoys ask.
    #[must_use]
    pub fn note(&self, gateway: &str, held: Option<Tag>, newest: &Tag, now: Timestamp) -> bool {
        let mut gateways = self.lock();
        let gateway = gateways.entry(gateway.to_owned()).or_default();
        let holds = Holds::of(held.as_ref(), newest);
        gateway.at = Some(now);
        gateway.held.clone_from(&held);
        if holds == Holds::Newest {
            gateway.newest = held;
        } else {
            gateway.lags(held, now);
        }
        holds == Holds::Newer && gateway.told.replace(newest.changes.epoch) != Some(newest.changes.epoch)
    }

    /// Counts a poll that waits, until the guard is dropped, which it is when the gateway hangs up, too.
    pub fn wait<'p>(&'p self, gateway: &'p str) -> Waiting<'p> {
        let mut gateways = self.lock();
        let of_gateway = gateways.entry(gateway.to_owned()).or_default();
        of_gateway.waiting = of_gateway.waiting.saturating_add(1);
        Waiting { polls: self, gateway }
    }

    /// How a gateway stands to `newest`.
    #[must_use]
    pub fn standing(&self, gateway: &str, newest: &Tag, now: Timestamp) -> Standing {
        let gateways = self.lock();
        let Some(gateway) = gateways.get(gateway) else {
            return Standing { at: None, held: None, waiting: 0, holds: Holds::Silent, others: Vec::new() };
        };
        let mut holds = gateway.all(newest, now).into_iter();
        let (worst, others) = (holds.next().unwrap_or(Holds::Silent), holds.collect());
        Standing { at: gateway.at, held: gateway.oldest(now), waiting: gateway.waiting, holds: worst, others }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Gateway>> {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Notes a poll of one who has `held`, which is not the newest.
    fn lags(&mut self, held: Option<Tag>, now: Timestamp) {
        self.lagging.retain(|lagging| now.since(lagging.last) <= LAGS);
        if let Some(lagging) = self.lagging.iter_mut().find(|lagging| lagging.held == held) {
            lagging.last = now;
            return;
        }
        if self.lagging.len() >= MOST_LAGGING
            && let Some((oldest, _)) = self.lagging.iter().enumerate().min_by_key(|(_, lagging)| lagging.last)
        {
            self.lagging.swap_remove(oldest);
        }
        self.lagging.push(Lagging { held, first: now, last: now });
    }

    /// All that its Envoys have, the worst first.
    fn all(&self, newest: &Tag, now: Timestamp) -> BTreeSet<Holds> {
        let mut all = BTreeSet::new();
        if self.waiting > 0 || self.at.is_some_and(|at| now.since(at) <= ASKS) {
            all.insert(Holds::of(self.held.as_ref(), newest));
            if self.waiting > 0 || self.newest.as_ref() == Some(newest) {
                all.insert(Holds::Newest);
            }
        }
        all.extend(self.stuck(now).map(|lagging| Holds::of(lagging.held.as_ref(), newest)));
        all
    }

    /// The oldest of what its Envoys have, as far as they asked.
    fn oldest(&self, now: Timestamp) -> Option<Tag> {
        let held = self.stuck(now).map(|lagging| &lagging.held).chain([&self.held]);
        held.min_by_key(|held| held.as_ref().map(|tag| tag.changes)).cloned().flatten()
    }

    fn stuck(&self, now: Timestamp) -> impl Iterator<Item = &Lagging> {
        let stuck =
            move |lagging: &&Lagging| now.since(lagging.last) <= LAGS && lagging.last.since(lagging.first) >= STUCK;
        self.lagging.iter().filter(stuck)
    }
}

/// A poll that waits.
pub struct Waiting<'p> {
    polls: &'p Polls,
    gateway: &'p str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(gateway) = self.polls.lock().get_mut(self.gateway) {
            gateway.waiting = gateway.waiting.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use kubegate_core::bundle::Version;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn tag(counter: u64) -> Tag {
        Tag { policy: "p".into(), live: Version { epoch: 7, counter: 1 }, changes: Version { epoch: 7, counter } }
    }

    fn second(seconds: u64) -> Timestamp {
        START.after(Duration::from_secs(seconds))
    }

    #[test]
    fn an_envoy_that_is_stuck_does_not_hide_behind_a_good_one() {
        let polls = Polls::new(START);
        for at in 0..10 {
            let newest = tag(10 + at);
            let _ = polls.note("edge", Some(tag(1)), &newest, second(at));
            let _ = polls.note("edge", Some(newest.clone()), &newest, second(at));
            let shown = polls.standing("edge", &newest, second(at));
            if at >= 3 {
                assert_eq!((shown.holds, shown.others), (Holds::Older, vec![Holds::Newest]), "after {at} seconds");
            }
        }
        let _ = polls.note("edge", Some(tag(19)), &tag(19), second(30));
        let shown = polls.standing("edge", &tag(19), second(30));
        assert_eq!((shown.holds, shown.others), (Holds::Newest, vec![]), "it is gone, or has caught up");
    }

    #[test]
    fn envoys_that_take_what_they_are_offered_are_not_behind() {
        let polls = Polls::new(START);
        for at in 0..20 {
            // A version a second, and two Envoys that had asked just before.
            let newest = tag(10 + at);
            for held in [tag(9 + at), tag(9 + at), newest.clone(), newest.clone()] {
                let _ = polls.note("edge", Some(held), &newest, second(at));
            }
            let shown = polls.standing("edge", &newest, second(at));
            assert_eq!((shown.holds, shown.others), (Holds::Newest, vec![]), "after {at} seconds");
        }
    }

    #[test]
    fn one_that_is_ahead_is_told_of_once() {
        let polls = Polls::new(START);
        let mut told = 0;
        for at in 0..300 {
            let newest = tag(10 + at / 30);
            told += u32::from(polls.note("edge", Some(tag(9000)), &newest, second(at)));
            told += u32::from(polls.note("edge", Some(newest.clone()), &newest, second(at)));
        }
        assert_eq!(told, 1, "whatever other Envoys have, and however often something is published");
    }

    #[test]
    fn who_does_not_ask_is_not_said_to_have_something() {
        let polls = Polls::new(START);
        let holds = |at| polls.standing("edge", &tag(1), second(at)).holds;
        assert_eq!(holds(0), Holds::Silent);
        let _ = polls.note("edge", Some(tag(1)), &tag(1), second(10));
        let waiting = polls.wait("edge");
        assert_eq!((holds(10), holds(100)), (Holds::Newest, Holds::Newest), "it waits");
        drop(waiting);
        assert_eq!((holds(70), holds(71)), (Holds::Newest, Holds::Silent));
    }
}
