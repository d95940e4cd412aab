//! Publishes the bundle whenever something has changed, and every half minute.
//!
//! A revocation, an elevation or another policy makes the changes anew, which are small. The live set is made anew when
//! the changes have grown, at the next heartbeat so that nobody waits for it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use kubegate_core::bundle::LiveEntries;
use kubegate_core::time::Timestamp;
use tokio::sync::{Notify, mpsc, watch};

use super::bundle::{Bundle, InForce, Known, Snapshot};
use super::signer::{PublishError, Signer};
use super::source::Authored;
use super::standing::{Refused, Standing};
use crate::clock::Clock;
use crate::telemetry::Metrics;

/// How often the changes are signed anew even when there are none.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// When to try again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// How many changes are never too many.
const FEW: usize = 64;

/// The policies whose parts are remembered, so that gateways that have one of them get only the parts that are new.
const REMEMBERED: usize = 8;

/// Signs and publishes.
pub struct Publisher {
    signer: Arc<Signer>,
    clock: Clock,
    metrics: Arc<Metrics>,
    standing: Standing,
    /// What is in force.
    authored: Authored,
    /// What is to take its place.
    wanted: Option<Authored>,
    /// Whether what is wanted, with the token keys and the epoch of now, is not yet in force.
    behind: bool,
    /// How many entries there are in all.
    entries: usize,
    bundle: watch::Sender<Arc<Bundle>>,
    known: Vec<Arc<Known>>,
}

impl Publisher {
    /// Publishes the first bundle.
    ///
    /// # Errors
    /// When the store fails, or the policy is no good.
    pub async fn start(
        signer: Arc<Signer>,
        clock: Clock,
        metrics: Arc<Metrics>,
        standing: Standing,
        authored: Authored,
    ) -> Result<(Self, watch::Receiver<Arc<Bundle>>), PublishError> {
        let now = clock.now();
        let in_force = Arc::new(signer.policy(&authored, now).await?);
        let entries = signer.entries(now).await?;
        count(&metrics, &entries, now);
        let total = entries.len();
        let snapshot = Arc::new(signer.snapshot(entries, now).await?);
        let changes = signer.changes(&in_force, &snapshot, LiveEntries::default(), None, now).await?;
        metrics.policy_loads.inc();
        standing.is_in_force();
        let known = vec![Arc::new(Known::from(&*in_force))];
        let (bundle, receiver) = watch::channel(Arc::new(Bundle::new(in_force, snapshot, changes, now, known.clone())));
        let publisher = Self {
            signer,
            clock,
            metrics,
            standing,
            authored,
            wanted: None,
            behind: false,
            entries: total,
            bundle,
            known,
        };
        Ok((publisher, receiver))
    }

    /// Publishes whatever comes, until `policies` is closed.
    pub async fn run(mut self, mut policies: mpsc::Receiver<Authored>, news: Arc<Notify>) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        heartbeat.reset();
        let keys = self.signer.keys_changed();
        loop {
            let done = tokio::select! {
                policy = policies.recv() => match policy {
                    Some(policy) => self.take(policy).await,
                    None => return,
                },
                () = news.notified() => self.publish_changes().await,
                () = keys.notified() => self.beat().await,
                _ = heartbeat.tick() => self.beat().await,
            };
            match done {
                Ok(()) => self.standing.published(),
                Err(error) => {
                    self.standing.failed(&error, self.clock.now());
                    tracing::error!(%error, "the bundle could not be published; gateways keep what they have");
                    heartbeat.reset_after(RETRY);
                }
            }
        }
    }

    /// Takes a policy into force. One that is no good is refused, and the one before stays.
    ///
    /// # Errors
    /// When the store fails; the policy before stays in force until the next try.
    pub async fn take(&mut self, authored: Authored) -> Result<(), PublishError> {
        self.standing.waits();
        self.wanted = Some(authored);
        self.behind = true;
        self.catch_up().await
    }

    /// Keeps what gateways have fresh and the token keys young.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn beat(&mut self) -> Result<(), PublishError> {
        let now = self.clock.now();
        for keys in self.signer.all_keys() {
            if let Err(error) = keys.rotate(now).await {
                tracing::error!(%error, "the token keys could not be replaced; those there stay in use");
            }
        }
        let before = self.bundle();
        self.behind |= !self.signer.has_keys_of(&before.in_force, now);
        self.behind |= self.signer.epoch().await? > before.in_force.version.epoch;
        if self.behind {
            self.catch_up().await?;
        }
        let in_force = Arc::clone(&self.bundle().in_force);
        let snapshot = if self.is_snapshot_old() { None } else { Some(Arc::clone(&self.bundle().snapshot)) };
        self.publish(in_force, snapshot).await
    }

    /// Signs what has changed since the live set.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn publish_changes(&mut self) -> Result<(), PublishError> {
        let before = self.bundle();
        self.publish(Arc::clone(&before.in_force), Some(Arc::clone(&before.snapshot))).await
    }

    /// Publishes the policy that is wanted, when it is not what is in force.
    async fn catch_up(&mut self) -> Result<(), PublishError> {
        let before = self.bundle();
        let wanted = self.wanted.as_ref().unwrap_or(&self.authored);
        let in_force = match self.signer.policy(wanted, self.clock.now()).await {
            Err(error) if error.is_refusal() && self.wanted.is_some() => {
                self.refuse(&error);
                return Ok(());
            }
            signed => Arc::new(signed?),
        };
        if in_force.hash != before.in_force.hash {
            let version = in_force.version;
            self.publish(in_force, Some(Arc::clone(&before.snapshot))).await?;
            self.metrics.policy_loads.inc();
            tracing::info!(%version, "a new policy is in force");
        }
        self.behind = false;
        if let Some(wanted) = self.wanted.take() {
            self.authored = wanted;
            self.standing.is_in_force();
        }
        Ok(())
    }

    /// Stays with the policy in force: another try would not help.
    fn refuse(&mut self, error: &PublishError) {
        tracing::error!("the new policy is refused, the one before stays in force\n{error}");
        let refused = Refused { at: self.clock.now(), message: error.to_string(), problems: Vec::new() };
        self.standing.refuse_policy(refused);
        self.wanted = None;
        self.behind = false;
    }

    /// Publishes a policy with what there is of revocations and elevations: as changes to `snapshot`, or as a live set
    /// of its own.
    async fn publish(&mut self, in_force: Arc<InForce>, snapshot: Option<Arc<Snapshot>>) -> Result<(), PublishError> {
        let now = self.clock.now();
        let entries = self.signer.entries(now).await?;
        count(&self.metrics, &entries, now);
        self.entries = entries.len();
        let (snapshot, changes) = match snapshot.filter(|signed| !is_outlived(&signed.entries, &entries, now)) {
            Some(signed) => {
                let changes = since(&signed.entries, entries);
                (signed, changes)
            }
            None => (Arc::new(self.signer.snapshot(entries, now).await?), LiveEntries::default()),
        };
        let changes = self.signer.changes(&in_force, &snapshot, changes, None, now).await?;
        if self.bundle.borrow().in_force.hash != in_force.hash {
            self.known.insert(0, Arc::new(Known::from(&*in_force)));
            self.known.truncate(REMEMBERED);
        }
        self.bundle.send_replace(Arc::new(Bundle::new(in_force, snapshot, changes, now, self.known.clone())));
        Ok(())
    }

    fn bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.bundle.borrow())
    }

    /// Whether much has come to the live set since it was signed, or most of it is over.
    fn is_snapshot_old(&self) -> bool {
        let bundle = self.bundle.borrow();
        let (signed, changed) = (bundle.snapshot.entries.len(), bundle.changes.count);
        changed > FEW.max(signed / 8) || signed > FEW.max(self.entries.saturating_mul(2))
    }
}

fn count(metrics: &Metrics, entries: &LiveEntries, now: Timestamp) {
    let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.revocations.set(gauge(entries.sessions.len().saturating_add(entries.people.len())));
    metrics.elevations.set(gauge(entries.elevations.iter().filter(|elevation| elevation.lasts(now)).count()));
}

/// Whether a live set of `before` grants an elevation that was ended and is remembered no more: no change could say so.
fn is_outlived(before: &LiveEntries, entries: &LiveEntries, now: Timestamp) -> bool {
    let known: HashSet<_> = entries.elevations.iter().map(|elevation| &elevation.id).collect();
    before.elevations.iter().any(|elevation| elevation.lasts(now) && !known.contains(&elevation.id))
}

/// What `now` says that `before` does not.
fn since(before: &LiveEntries, now: LiveEntries) -> LiveEntries {
    let sessions: HashMap<_, _> = before.sessions.iter().map(|entry| (&entry.sid, entry)).collect();
    let people: HashMap<_, _> = before.people.iter().map(|entry| (&entry.person, entry)).collect();
    let elevations: HashMap<_, _> = before.elevations.iter().map(|entry| (&entry.id, entry)).collect();
    LiveEntries {
        sessions: now.sessions.into_iter().filter(|entry| sessions.get(&entry.sid) != Some(&entry)).collect(),
        people: now.people.into_iter().filter(|entry| people.get(&entry.person) != Some(&entry)).collect(),
        elevations: now.elevations.into_iter().filter(|entry| elevations.get(&entry.id) != Some(&entry)).collect(),
    }
}
