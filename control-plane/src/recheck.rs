//! Providers are asked again about the people who signed in there: when a command line trades its refresh secret, and by a
//! timer while sessions may have open streams.
//!
//! ```text
//!  refresh ──┐                                       ┌─▶ vouched: sessions go on, with the groups of now
//!            ├─▶ lease ─▶ ask ─▶ keep what it left ──┼─▶ refused: all sessions of the sign-in end
//!  timer ────┘                                       └─▶ no answer: tried again, for as long as `grace`
//! ```
//!
//! The lease stands in the store, so one process at a time asks about a sign-in; and what is under way goes on to its end
//! when a client hangs up, because a refresh token that rotates must not get lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kubegate_core::time::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::oidc::{AskError, Asked, Provider};
use crate::person::Identity;
use crate::random;
use crate::session::{EndReason, Leased, Review, SessionError};
use crate::store::sign_in::{self, SignIn};
use crate::telemetry::{SignInLabels, chain};

/// How long one process has the right to ask: longer than it can take.
const LEASE: Duration = Duration::from_secs(120);

/// How long asking may take.
const MOST: Duration = Duration::from_secs(60);

/// How long a command line waits for the provider's answer; after that it gets its token, and the answer is heard all the
/// same.
const PATIENCE: Duration = Duration::from_secs(5);

/// How soon a provider that does not answer is asked again about a sign-in, at the earliest.
const RETRY: Duration = Duration::from_secs(60);

/// How often the timer looks.
const TICK: Duration = Duration::from_secs(5);

/// How many sign-ins of one provider are asked about at the same time.
const AT_ONCE: usize = 8;

/// How many the timer takes at a time.
const BATCH: u32 = 64;

/// How many are asked about now, for each provider: one that is slow holds up no other.
#[derive(Debug)]
pub(crate) struct Rechecks(HashMap<String, Arc<Semaphore>>);

/// It could not be found out whether a person is to be asked about.
#[derive(Debug, thiserror::Error)]
enum RecheckError {
    #[error(transparent)]
    Sessions(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl Rechecks {
    /// For these providers.
    pub(crate) fn new<'a>(providers: impl Iterator<Item = &'a str>) -> Self {
        Self(providers.map(|id| (id.to_owned(), Arc::new(Semaphore::new(AT_ONCE)))).collect())
    }

    /// Waits until nothing is under way, and lets nothing more begin.
    pub(crate) async fn settle(&self) {
        self.0.values().for_each(|turns| turns.close());
        while self.0.values().any(|turns| turns.available_permits() < AT_ONCE) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Has the provider asked before a refresh secret is traded, when it is time to.
pub(crate) async fn before_refresh(app: &Arc<App>, secret: &str) {
    let now = app.clock.now();
    let due = async {
        let Some(id) = app.sessions.sign_in_of(secret, now).await? else {
            return Ok(None);
        };
        Ok::<_, SessionError>(app.sessions.sign_in(&id).await?.filter(|sign_in| sign_in.next_check_at <= now))
    };
    match due.await {
        Ok(Some(sign_in)) => {
            let asking = tokio::spawn(check(Arc::clone(app), sign_in.id));
            let _ = tokio::time::timeout(PATIENCE, asking).await;
        }
        Ok(None) => {}
        Err(error) => tracing::error!(error = chain(&error), "whether a provider is to be asked again is not known"),
    }
}

/// Has every provider asked, each by a timer of its own, until it is time to stop.
pub(crate) async fn run(app: Arc<App>) {
    let mut timers = JoinSet::new();
    for provider in app.providers.all() {
        timers.spawn(timer(Arc::clone(&app), provider.id().to_owned(), app.stopping.clone()));
    }
    while timers.join_next().await.is_some() {}
}

async fn timer(app: Arc<App>, provider: String, mut stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        if let Err(error) = round(&app, &provider).await {
            tracing::error!(provider, error = chain(&error), "which sign-ins to ask about is not known");
        }
    }
}

/// Asks about every sign-in at a provider that it is time to ask about.
pub(crate) async fn round(app: &Arc<App>, provider: &str) -> Result<(), crate::store::StoreError> {
    loop {
        let due = sign_in::due(&mut *app.store.read().await?, provider, app.clock.now(), BATCH).await?;
        let full = due.len() == BATCH as usize;
        // Tasks of their own, which go on to their end also when this one is ended.
        let asking: Vec<_> = due.into_iter().map(|id| tokio::spawn(check(Arc::clone(app), id))).collect();
        for asked in asking {
            let _ = asked.await;
        }
        if !full || *app.stopping.borrow() {
            return Ok(());
        }
    }
}

/// Asks about one sign-in, when it is time to and nobody else does.
async fn check(app: Arc<App>, id: String) {
    if let Err(error) = try_check(&app, &id).await {
        tracing::error!(sign_in = id, error = chain(&error), "a provider could not be asked again");
    }
}

async fn try_check(app: &Arc<App>, id: &str) -> Result<(), RecheckError> {
    let Some(known) = app.sessions.sign_in(id).await? else {
        return Ok(());
    };
    let (Some(provider), Some(turns)) = (app.providers.get(&known.provider), app.rechecks.0.get(&known.provider))
    else {
        app.sessions.end_sign_in(id, EndReason::Withdrawn, app.clock.now()).await?;
        return Ok(());
    };
    let Some(before) = app.sessions.identity_of(id, app.clock.now()).await? else {
        return Ok(());
    };
    // Closed when it is time to stop.
    let Ok(_turn) = turns.acquire().await else {
        return Ok(());
    };
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let leased = sign_in::lease(&mut tx, id, now, now.after(LEASE)).await?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    let Some((sign_in, lease)) = leased else {
        return Ok(());
    };
    let leased = Leased { sign_in: &sign_in, lease };
    let keep = async |sealed: Vec<u8>| {
        let mut tx = app.store.write().await?;
        if !sign_in::keep(&mut tx, &sign_in.id, lease, &sealed).await? {
            tracing::warn!(sign_in = sign_in.id, "another process asked about the same sign-in meanwhile");
        }
        Ok(tx.commit().await?)
    };
    let asked = tokio::time::timeout(MOST, provider.ask_again(&sign_in, &before, keep, now)).await;
    let asked = asked.unwrap_or_else(|_| Err(AskError::Failed(crate::oidc::OidcError::too_slow())));
    conclude(app, provider, leased, before, asked).await
}

/// Does what follows from the answer.
async fn conclude(
    app: &App,
    provider: &Provider,
    leased: Leased<'_>,
    before: Identity,
    asked: Result<Asked, AskError>,
) -> Result<(), RecheckError> {
    let now = app.clock.now();
    let SignIn { id, person, signed_in_at, .. } = leased.sign_in;
    let rule = provider.recheck();
    let result = match asked {
        Ok(Asked::Vouched(identity)) => {
            let next = now.after(spread(rule.every));
            let Reviewed::Stands(identity) = review(app, id, identity, now).await? else {
                return Ok(());
            };
            let in_force = app.in_force();
            let claims = in_force.policy.claim_keys();
            let changed = app.sessions.vouched(leased, identity.as_deref(), claims, next, now).await?;
            if changed {
                let groups = identity.as_ref().map(|identity| identity.groups.len());
                tracing::info!(provider = provider.id(), %person, sign_in = id, groups, "the provider says something new of a person");
            }
            if changed { "changed" } else { "ok" }
        }
        Ok(Asked::Nothing) => {
            let ends = provider.ends_without_refresh_token(*signed_in_at).filter(|ends| *ends > now);
            let next = now.after(spread(rule.every));
            let next = ends.map_or(next, |ends| next.min(ends));
            let Reviewed::Stands(identity) = review(app, id, Some(Box::new(before.clone())), now).await? else {
                return Ok(());
            };
            if identity.as_deref() == Some(&before) {
                app.sessions.not_asked(leased, next).await?;
                "not-asked"
            } else {
                let in_force = app.in_force();
                app.sessions.vouched(leased, identity.as_deref(), in_force.policy.claim_keys(), next, now).await?;
                "changed"
            }
        }
        Err(AskError::Refused(why)) => {
            let sessions = app.sessions.end_sign_in(id, EndReason::ProviderRefused, now).await?;
            tracing::info!(provider = provider.id(), %person, sign_in = id, sessions, why, "the provider no longer vouches for a person");
            "refused"
        }
        Err(AskError::TooOld) => {
            let sessions = app.sessions.end_sign_in(id, EndReason::NotRechecked, now).await?;
            tracing::info!(provider = provider.id(), %person, sign_in = id, sessions, "a sign-in without refresh token is too old");
            "too-old"
        }
        Err(AskError::Failed(error)) => {
            let next = now.after(spread(rule.every.min(RETRY)));
            let sessions = app.sessions.not_answered(leased, rule.grace, next, now).await?;
            let cause = chain(&error);
            tracing::warn!(provider = provider.id(), %person, sign_in = id, sessions, cause, "a provider could not be asked again");
            if sessions > 0 { "unreachable" } else { "failed" }
        }
    };
    let labels = SignInLabels { provider: provider.id().to_owned(), result };
    app.metrics.rechecks.get_or_create(&labels).inc();
    Ok(())
}

/// What is kept here of somebody: the groups of a file, for one.
enum Reviewed {
    /// Who it is now, if that is known.
    Stands(Option<Box<Identity>>),
    /// Nobody any more: the sessions have ended.
    Withdrawn,
}

async fn review(
    app: &App,
    sign_in: &str,
    identity: Option<Box<Identity>>,
    now: Timestamp,
) -> Result<Reviewed, RecheckError> {
    Ok(Reviewed::Stands(match identity.map(|identity| (app.review(&identity), identity)) {
        None => None,
        Some((Review::Stands, identity)) => Some(identity),
        Some((Review::Changed(current), _)) => Some(current),
        Some((Review::Withdrawn, _)) => {
            app.sessions.end_sign_in(sign_in, EndReason::Withdrawn, now).await?;
            return Ok(Reviewed::Withdrawn);
        }
    }))
}

/// At least `every`, and up to a tenth more: so that those who signed in together are not asked about together for ever.
fn spread(every: Duration) -> Duration {
    let chance = random::bytes::<2>().map(u16::from_le_bytes).unwrap_or_default();
    every.saturating_add(every.mul_f64(f64::from(chance) / f64::from(u16::MAX) / 10.0))
}
