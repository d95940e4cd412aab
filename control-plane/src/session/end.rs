//! How sessions end before their time.

use kubegate_core::id::{PersonId, SessionId};
use kubegate_core::time::Timestamp;

use super::{DEVICE_LIFETIME, LEEWAY, SessionError, Sessions};
use crate::store::revocation::{self, Revocation, Subject};
use crate::store::session::{self, EndReason, Session, SessionKind};
use crate::store::{self, StoreError, Write, disabled, elevation};
use crate::telemetry::ResultLabels;

/// Whether gateways have something new to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News(pub(crate) bool);

impl Sessions {
    /// Ends a session; `false` when it had ended before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, id: &SessionId, reason: EndReason, now: Timestamp) -> Result<bool, SessionError> {
        let mut tx = self.store.write().await?;
        let Some(session) = session::find(&mut tx, id).await? else {
            return Ok(false);
        };
        let news = self.end_in(&mut tx, &session, reason, now).await?;
        self.commit(tx, news).await?;
        Ok(session.is_live(now))
    }

    /// Ends all sessions of a person, and refuses every token that was made for them until now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_all(&self, person: &PersonId, reason: EndReason, now: Timestamp) -> Result<usize, SessionError> {
        let mut tx = self.store.write().await?;
        let ended = self.end_all_in(&mut tx, person, reason, now, now.after(revocation::SECOND)).await?;
        self.commit(tx, News(true)).await?;
        Ok(ended)
    }

    /// The same within `tx`, refusing every token that was made before `not_before`.
    pub(super) async fn end_all_in(
        &self,
        tx: &mut Write,
        person: &PersonId,
        reason: EndReason,
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<usize, StoreError> {
        let until = self.refused_until(tx, person, now).await?;
        let sessions = session::with_access_of(tx, person, now).await?;
        for session in &sessions {
            self.end_in(tx, session, reason, now).await?;
        }
        let entry = Revocation {
            subject: Subject::Person { person: person.clone(), not_before },
            until,
            reason: reason.as_str().to_owned(),
        };
        revocation::put(tx, &entry).await?;
        Ok(sessions.iter().filter(|session| session.is_live(now)).count())
    }

    /// Until when tokens that were made for a person before now have to be refused: to the end of the longest session, which
    /// service accounts have longer than people, and those of before a change of the limits.
    pub(super) async fn refused_until(
        &self,
        tx: &mut Write,
        person: &PersonId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let sessions = session::with_access_of(tx, person, now).await?;
        let longest = sessions.iter().map(|session| session.expires_at).max().unwrap_or_default();
        Ok(now.after(self.limits.max_lifetime).max(longest).after(LEEWAY))
    }

    /// Ends the live sessions whose identity no longer stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_withdrawn(
        &self,
        stands: impl Fn(&crate::person::Identity) -> bool + Send,
        now: Timestamp,
    ) -> Result<usize, SessionError> {
        let mut tx = self.store.write().await?;
        let withdrawn: Vec<Session> = session::with_access(&mut tx, now)
            .await?
            .into_iter()
            .filter(|session| !stands(&session.identity))
            .collect();
        let mut news = News(false);
        for session in &withdrawn {
            news.0 |= self.end_in(&mut tx, session, EndReason::Withdrawn, now).await?.0;
        }
        self.commit(tx, news).await?;
        Ok(withdrawn.len())
    }

    /// Forgets what can concern nothing any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), SessionError> {
        let mut tx = self.store.write().await?;
        session::purge(&mut tx, now.before(KEEP_ENDED)).await?;
        store::code::purge(&mut tx, now.before(KEEP_ENDED)).await?;
        store::device::purge(&mut tx, now.before(DEVICE_LIFETIME)).await?;
        revocation::purge(&mut tx, now).await?;
        store::sign_in::purge(&mut tx, now).await?;
        store::logout_token::purge(&mut tx, now).await?;
        store::pomerium_request::purge(&mut tx, now).await?;
        elevation::purge(&mut tx, now.before(crate::elevation::KEEP_ENDED)).await?;
        store::scim::person::purge(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lets one more session of a person begin: refuses a disabled one, and ends the oldest sessions to make room.
    pub(super) async fn admit(&self, tx: &mut Write, person: &PersonId, now: Timestamp) -> Result<News, SessionError> {
        if let Some(disabled) = disabled::find(tx, person).await? {
            return Err(SessionError::Disabled(Box::new(disabled)));
        }
        if let Some(why) = self.unprovisioned(tx, person).await? {
            return Err(SessionError::NotProvisioned(why));
        }
        let sessions = session::live_of(tx, person, now).await?;
        let surplus = (sessions.len() + 1).saturating_sub(self.limits.max_per_person);
        let mut news = News(false);
        for session in sessions.iter().take(surplus) {
            news.0 |= self.end_in(tx, session, EndReason::TooMany, now).await?.0;
        }
        Ok(news)
    }

    /// Ends `session` within `tx`, and revokes what was made from it. Idle time ends no open
    /// stream, so it revokes nothing; but what ends the session after that does.
    pub(super) async fn end_in(
        &self,
        tx: &mut Write,
        session: &Session,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<News, StoreError> {
        let ended = session.is_live(now) && session::end(tx, &session.id, now, reason).await?;
        if ended {
            self.metrics.sessions_ended.get_or_create(&ResultLabels { result: reason.as_str() }).inc();
        }
        let made_tokens = session.tokens_until > Timestamp::default();
        if !(ended || session.is_idle(now)) || !made_tokens || reason == EndReason::Idle {
            return Ok(News(false));
        }
        if !ended {
            session::end_idle(tx, &session.id, now, reason).await?;
        }
        let person = session.identity.person();
        let entry = Revocation {
            subject: Subject::Session { session: session.id.clone(), person: person.clone() },
            until: session.expires_at.after(LEEWAY),
            reason: reason.as_str().to_owned(),
        };
        revocation::put(tx, &entry).await?;
        // Nobody asks anew for the other tokens of a service account.
        if session.kind != SessionKind::ServiceAccount {
            revocation::collapse(tx, &person, MOST_REVOKED, now).await?;
        }
        Ok(News(true))
    }

    /// Commits, and tells the publisher of what is news.
    pub(crate) async fn commit(&self, tx: Write, news: News) -> Result<(), StoreError> {
        match news {
            News(true) => store::commit_and_wake(tx, self.ended()).await,
            News(false) => Ok(tx.commit().await?),
        }
    }
}

/// How many ended sessions of one person gateways are told of one by one, so that nobody fills the live set alone. Beyond
/// that all of the person's tokens are refused once; those of live sessions are asked for again.
const MOST_REVOKED: u32 = 100;

/// How long a session is remembered after its longest life, so that its holder can be told why it ended.
const KEEP_ENDED: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
