//! What identity providers say after a sign-in: that the person is still theirs and who that is now, that it is not, or
//! that a session of their own is over.

use std::collections::BTreeSet;
use std::time::Duration;

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use super::end::News;
use super::{SessionError, Sessions};
use crate::person::Identity;
use crate::scim::Settled;
use crate::store::revocation::{self, Revocation, SECOND, Subject};
use crate::store::session::{self, EndReason};
use crate::store::sign_in::{self, Lease, SignIn};
use crate::store::{SecretHash, Write, logout_token, refresh};

/// The other sign-ins of a person about whom something changed are asked about at once, but for those just asked about.
const JUST_NOW: Duration = Duration::from_secs(60);

/// The sign-in that a provider was asked about, and by what right.
#[derive(Clone, Copy, Debug)]
pub struct Leased<'a> {
    /// The sign-in.
    pub sign_in: &'a SignIn,
    /// The right.
    pub lease: Lease,
}

/// A logout token that is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The session that ended at the provider.
    pub sid: Option<String>,
    /// Whose it was; without `sid` all of that person's ended.
    pub person: Option<PersonId>,
    /// By which it is known again.
    pub jti: SecretHash,
    /// Until when it would be taken.
    pub until: Timestamp,
}

/// What came of a logout token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedOut {
    /// So many sessions ended.
    Sessions(usize),
    /// It was taken before.
    Replayed,
}

impl Sessions {
    /// The sign-in of the session of a refresh secret, while that lives.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_in_of(&self, secret: &str, now: Timestamp) -> Result<Option<String>, SessionError> {
        let mut conn = self.store.read().await?;
        let Some(standing) = refresh::standing(&mut conn, SecretHash::of(secret)).await? else {
            return Ok(None);
        };
        let session = session::find(&mut conn, &standing.session).await?;
        Ok(session.filter(|session| session.is_live(now)).and_then(|session| session.sign_in))
    }

    /// A sign-in by its id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_in(&self, id: &str) -> Result<Option<SignIn>, SessionError> {
        Ok(sign_in::find(&mut *self.store.read().await?, id).await?)
    }

    /// Who the person of a sign-in is by the last answer of its provider, while a session of it may reach clusters.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn identity_of(&self, sign_in: &str, now: Timestamp) -> Result<Option<Identity>, SessionError> {
        let sessions = session::of_sign_in(&mut *self.store.read().await?, sign_in, now).await?;
        Ok(sessions.into_iter().next_back().map(|session| session.identity))
    }

    /// When a token of `person` that is made now is to say that it was made: in the second of a revocation, the one after it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn made_at(&self, person: &PersonId, now: Timestamp) -> Result<Timestamp, SessionError> {
        let not_before = revocation::not_before(&mut *self.store.read().await?, person, now).await?;
        Ok(not_before
            .filter(|not_before| *not_before <= now.after(SECOND))
            .map_or(now, |not_before| now.max(not_before)))
    }

    /// Takes over what the provider says of the person now: every session of the sign-in goes on with it. Where that is
    /// something that clusters are told, or that one of the policy's `claims` asks for, gateways refuse every token that was
    /// made before. Returns whether it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn vouched(
        &self,
        Leased { sign_in, lease }: Leased<'_>,
        identity: Option<&Identity>,
        claims: &BTreeSet<String>,
        next: Timestamp,
        now: Timestamp,
    ) -> Result<bool, SessionError> {
        let mut tx = self.store.write().await?;
        if !sign_in::checked(&mut tx, &sign_in.id, lease, Some(now), next).await? {
            return Ok(false);
        }
        let mut changed = false;
        if let Some(identity) = identity {
            for session in session::of_sign_in(&mut tx, &sign_in.id, now).await? {
                let old = session.identity;
                // How the person signed in is not asked again.
                let mut new = Identity {
                    acr: old.acr.clone(),
                    amr: old.amr.clone(),
                    credential: old.credential.clone(),
                    ..identity.clone()
                };
                match self.directories.settle(&mut tx, &new).await? {
                    Settled::Stands => {}
                    Settled::Groups(groups) => new.groups = groups,
                    Settled::Refused(why) => {
                        self.deprovision(&mut tx, &sign_in.person, why, now).await?;
                        self.commit(tx, News(true)).await?;
                        return Ok(true);
                    }
                }
                if new != old {
                    self.directories.note(&mut tx, &new).await?;
                    session::update_identity(&mut tx, &session.id, &new).await?;
                    changed |= differ(&old, &new, claims);
                }
            }
        }
        if changed {
            sign_in::ask_about_others(&mut tx, &sign_in.person, &sign_in.id, now.before(JUST_NOW), now).await?;
            let entry = Revocation {
                subject: Subject::Person { person: sign_in.person.clone(), not_before: now.after(SECOND) },
                until: self.refused_until(&mut tx, &sign_in.person, now).await?,
                reason: "changed".to_owned(),
            };
            revocation::put(&mut tx, &entry).await?;
        }
        self.commit(tx, News(changed)).await?;
        Ok(changed)
    }

    /// Notes that there was nothing to ask the provider with.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn not_asked(&self, Leased { sign_in, lease }: Leased<'_>, next: Timestamp) -> Result<(), SessionError> {
        let mut tx = self.store.write().await?;
        sign_in::checked(&mut tx, &sign_in.id, lease, None, next).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that the provider could not be asked; ends the sessions of the sign-in when that has been so for `grace`.
    /// Returns how many ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn not_answered(
        &self,
        Leased { sign_in, lease }: Leased<'_>,
        grace: Duration,
        next: Timestamp,
        now: Timestamp,
    ) -> Result<usize, SessionError> {
        let mut tx = self.store.write().await?;
        if !sign_in::failed(&mut tx, &sign_in.id, lease, now, next).await? {
            return Ok(0);
        }
        let (mut ended, mut news) = (0, News(false));
        if now.since(sign_in.failing_since.unwrap_or(now)) >= grace {
            (ended, news) = self.end_sign_in_in(&mut tx, &sign_in.id, EndReason::ProviderUnreachable, now).await?;
        }
        self.commit(tx, news).await?;
        Ok(ended)
    }

    /// Ends every session of a sign-in, and those that only idle time had ended. Returns how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_sign_in(&self, id: &str, reason: EndReason, now: Timestamp) -> Result<usize, SessionError> {
        let mut tx = self.store.write().await?;
        let (ended, news) = self.end_sign_in_in(&mut tx, id, reason, now).await?;
        self.commit(tx, news).await?;
        Ok(ended)
    }

    /// Does what a logout token says, once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn logged_out(&self, token: &LogoutToken, now: Timestamp) -> Result<LoggedOut, SessionError> {
        let mut tx = self.store.write().await?;
        logout_token::purge(&mut tx, now).await?;
        if !logout_token::take(&mut tx, &token.provider, token.jti, token.until).await? {
            return Ok(LoggedOut::Replayed);
        }
        let reason = EndReason::ProviderLogout;
        let (mut ended, mut news) = (0, News(false));
        match (&token.sid, &token.person) {
            (Some(sid), person) => {
                for id in sign_in::of_idp_session(&mut tx, &token.provider, sid, person.as_ref()).await? {
                    let (more, told) = self.end_sign_in_in(&mut tx, &id, reason, now).await?;
                    ended += more;
                    news.0 |= told.0;
                }
            }
            (None, Some(person)) => {
                ended = self.end_all_in(&mut tx, person, reason, now, now.after(SECOND)).await?;
                news.0 = true;
            }
            (None, None) => {}
        }
        self.commit(tx, news).await?;
        Ok(LoggedOut::Sessions(ended))
    }

    async fn end_sign_in_in(
        &self,
        tx: &mut Write,
        id: &str,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<(usize, News), SessionError> {
        let sessions = session::of_sign_in(tx, id, now).await?;
        let mut news = News(false);
        for session in &sessions {
            news.0 |= self.end_in(tx, session, reason, now).await?.0;
        }
        Ok((sessions.iter().filter(|session| session.is_live(now)).count(), news))
    }
}

/// Whether two identities differ in anything that a token carries.
fn differ(old: &Identity, new: &Identity, claims: &BTreeSet<String>) -> bool {
    let told = |identity: &Identity| {
        let Identity { provider, subject, user, uid, email, groups, .. } = identity.clone();
        let groups: BTreeSet<String> = groups.into_iter().collect();
        (provider, subject, user, uid, email, groups)
    };
    told(old) != told(new) || claims.iter().any(|name| old.claims.get(name) != new.claims.get(name))
}
