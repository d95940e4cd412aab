//! Rotating refresh secrets.
//!
//! Each use of a secret makes a successor, and the secret stays good until one of its successors is
//! used: so a lost answer, a Ctrl-C or a race of two loses nobody their session. Then the secret and
//! the successor's unused siblings are spent, and the use of one of them ends the session, because
//! somebody else may hold a copy.

use std::net::IpAddr;

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;

use super::{GrantError, Issued, SessionError, Sessions, check_live};
use crate::person::Identity;
use crate::random;
use crate::store::device::Decision;
use crate::store::session::{self, EndReason, Session};
use crate::store::{SecretHash, StoreError, Write, code, device, disabled, refresh};

/// What has become of an identity since its sign-in.
#[derive(Clone, Debug, PartialEq)]
pub enum Review {
    /// It stands.
    Stands,
    /// It stands, with other groups or attributes.
    Changed(Box<Identity>),
    /// It is no longer there.
    Withdrawn,
}

impl Review {
    /// Has a session go on with what the person is now; `false` when it may not go on.
    pub(super) async fn take_over(self, tx: &mut Write, session: &mut Session) -> Result<bool, StoreError> {
        match self {
            Self::Stands => Ok(true),
            Self::Changed(identity) => {
                session::update_identity(tx, &session.id, &identity).await?;
                session.identity = *identity;
                Ok(true)
            }
            Self::Withdrawn => Ok(false),
        }
    }
}

impl Sessions {
    /// Trades a refresh secret for the next one, and leave to make a token.
    ///
    /// # Errors
    /// Why the secret is refused.
    pub async fn refresh(
        &self,
        secret: &str,
        from: IpAddr,
        review: impl Fn(&Identity) -> Review + Send,
        now: Timestamp,
    ) -> Result<Issued, GrantError> {
        let hash = SecretHash::of(secret);
        // What is not there needs no turn at the one writing connection.
        refresh::standing(&mut *self.store.read().await?, hash).await?.ok_or(GrantError::Unknown)?;
        let mut tx = self.store.write().await?;
        let standing = refresh::standing(&mut tx, hash).await?.ok_or(GrantError::Unknown)?;
        let mut session = session::find(&mut tx, &standing.session).await?.ok_or(GrantError::Unknown)?;
        let disabled = session.ended.as_ref().is_some_and(|(_, reason)| reason == EndReason::Disabled.as_str());
        if disabled && let Some(disabled) = disabled::find(&mut tx, &session.identity.person()).await? {
            return Err(SessionError::Disabled(Box::new(disabled)).into());
        }
        let deprovisioned =
            session.ended.as_ref().is_some_and(|(_, reason)| reason == EndReason::Deprovisioned.as_str());
        if deprovisioned && let Some(why) = self.unprovisioned(&mut tx, &session.identity.person()).await? {
            return Err(SessionError::NotProvisioned(why).into());
        }
        check_live(&session, now)?;
        if standing.successor_used || standing.sibling_used {
            self.end_and_commit(tx, &session, EndReason::Reuse, now).await?;
            return Err(GrantError::Reused);
        }
        if now.since(session.last_used_at) > self.limits.idle_timeout {
            self.end_and_commit(tx, &session, EndReason::Idle, now).await?;
            return Err(GrantError::ended(EndReason::Idle, now));
        }
        if let Some((reason, error)) = self.over_by_now(&mut tx, &mut session, review, now).await? {
            self.end_and_commit(tx, &session, reason, now).await?;
            return Err(error);
        }
        let next = random::secret("kgr_")?;
        let token_until = self.token_until(&session, now);
        refresh::mark_used(&mut tx, hash, now).await?;
        refresh::insert(&mut tx, SecretHash::of(&next), &session.id, Some(hash), now).await?;
        session::touch(&mut tx, &session.id, now, Some(from), Some(token_until)).await?;
        tx.commit().await?;
        Ok(Issued { session, token_until, refresh: Secret::from(next) })
    }

    /// Ends the session of a refresh secret, spent or not; `None` when the secret is not known, or the session had
    /// ended before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(&self, secret: &str, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let known = refresh::standing(&mut *self.store.read().await?, SecretHash::of(secret)).await?;
        let Some(standing) = known else {
            return Ok(None);
        };
        let mut tx = self.store.write().await?;
        let Some(session) = session::find(&mut tx, &standing.session).await? else {
            return Ok(None);
        };
        self.end_and_commit(tx, &session, EndReason::SignedOut, now).await?;
        Ok(session.is_live(now).then_some(session))
    }

    /// The session that a refresh secret, a code or a device code that was allowed leads to, live or not: for the log, where
    /// one is refused.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn behind(&self, secret: &str) -> Result<Option<Session>, SessionError> {
        let hash = SecretHash::of(secret);
        let mut conn = self.store.read().await?;
        let id = if let Some(standing) = refresh::standing(&mut conn, hash).await? {
            Some(standing.session)
        } else if let Some(code) = code::find(&mut conn, hash).await? {
            Some(code.issued_session.unwrap_or(code.session))
        } else {
            let decision = device::find(&mut conn, hash).await?.and_then(|grant| grant.decision);
            decision.and_then(|decision| match decision {
                Decision::Allowed(browser) => Some(browser),
                Decision::Denied => None,
            })
        };
        match id {
            Some(id) => Ok(session::find(&mut conn, &id).await?),
            None => Ok(None),
        }
    }

    pub(super) async fn end_and_commit(
        &self,
        mut tx: Write,
        session: &Session,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        let news = self.end_in(&mut tx, session, reason, now).await?;
        Ok(self.commit(tx, news).await?)
    }
}
