//! What a provider pushes (SCIM) has its effect on sessions here: in the transaction of the push itself, and again
//! whenever a session begins or makes a token.

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use super::end::News;
use super::people::ON_ITS_WAY;
use super::{SessionError, Sessions};
use crate::person::Identity;
use crate::scim::{NotProvisioned, Settled};
use crate::store::revocation::{self, Revocation, Subject};
use crate::store::scim::person;
use crate::store::session::{self, EndReason, Session};
use crate::store::{StoreError, Write, disabled, elevation};

/// Who ends elevations when a provider deactivates a user.
const BY: &str = "SCIM";

impl Sessions {
    /// What was pushed about somebody who signs in: takes over the groups, or says why there is no session.
    pub(super) async fn provision(&self, tx: &mut Write, identity: &mut Identity) -> Result<(), SessionError> {
        match self.directories.settle(tx, identity).await? {
            Settled::Stands => {}
            Settled::Groups(groups) => identity.groups = groups,
            Settled::Refused(why) => return Err(SessionError::NotProvisioned(why)),
        }
        Ok(self.directories.note(tx, identity).await?)
    }

    /// The same about somebody who goes on; why the session may not, if so.
    pub(super) async fn still_provisioned(
        &self,
        tx: &mut Write,
        session: &mut Session,
    ) -> Result<Option<NotProvisioned>, StoreError> {
        match self.directories.settle(tx, &session.identity).await? {
            Settled::Stands => Ok(None),
            Settled::Groups(groups) => {
                session.identity.groups = groups;
                session::update_identity(tx, &session.id, &session.identity).await?;
                Ok(None)
            }
            Settled::Refused(why) => Ok(Some(why)),
        }
    }

    /// Why this person may begin no session, if so.
    pub(super) async fn unprovisioned(
        &self,
        tx: &mut Write,
        person: &PersonId,
    ) -> Result<Option<NotProvisioned>, StoreError> {
        self.directories.refuses(tx, person).await
    }

    /// Has a push take effect on these people: who may not go on is out, and who has other groups gets them with the next
    /// token, while tokens in hand are refused. Where nothing has changed, nothing happens.
    pub(crate) async fn resettle(
        &self,
        tx: &mut Write,
        people: &[PersonId],
        now: Timestamp,
    ) -> Result<News, StoreError> {
        let mut news = News(false);
        for person in people {
            news.0 |= self.resettle_one(tx, person, now).await?.0;
        }
        Ok(news)
    }

    async fn resettle_one(&self, tx: &mut Write, person: &PersonId, now: Timestamp) -> Result<News, StoreError> {
        let mut changed = false;
        for session in session::with_access_of(tx, person, now).await? {
            match self.directories.settle(tx, &session.identity).await? {
                Settled::Stands => {}
                Settled::Groups(groups) => {
                    changed = true;
                    let identity = Identity { groups, ..session.identity.clone() };
                    session::update_identity(tx, &session.id, &identity).await?;
                }
                Settled::Refused(why) => {
                    self.deprovision(tx, person, why, now).await?;
                    return Ok(News(true));
                }
            }
        }
        if changed {
            let entry = Revocation {
                subject: Subject::Person { person: person.clone(), not_before: now.after(revocation::SECOND) },
                until: self.refused_until(tx, person, now).await?,
                reason: "groups-changed".to_owned(),
            };
            revocation::put(tx, &entry).await?;
            tracing::info!(%person, "a push changed the groups of somebody who is signed in");
        }
        Ok(News(changed))
    }

    pub(super) async fn deprovision(
        &self,
        tx: &mut Write,
        person: &PersonId,
        why: NotProvisioned,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        elevation::end_all_of(tx, person, BY, now).await?;
        // A token may be on its way.
        let sessions = self.end_all_in(tx, person, EndReason::Deprovisioned, now, now.after(ON_ITS_WAY)).await?;
        tracing::info!(%person, %why, sessions, "a push ended all sessions of a person");
        Ok(())
    }

    /// Lets tokens of these people count that are made from now on: after a push that lets them in again.
    pub(crate) async fn readmit(
        &self,
        tx: &mut Write,
        people: &[PersonId],
        now: Timestamp,
    ) -> Result<News, StoreError> {
        let mut news = News(false);
        for person in people {
            if disabled::find(tx, person).await?.is_none() {
                revocation::admit_from(tx, person, now.after(revocation::SECOND)).await?;
                news.0 = true;
            }
        }
        Ok(news)
    }

    /// Brings all sessions in step with what was pushed, under a configuration that may be another than before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resettle_all(&self, now: Timestamp) -> Result<(), SessionError> {
        let mut tx = self.store.write().await?;
        person::clear(&mut tx).await?;
        let mut people = Vec::new();
        for session in session::with_access(&mut tx, now).await? {
            if self.directories.get(&session.identity.provider).is_some() {
                self.directories.note(&mut tx, &session.identity).await?;
                people.push(session.identity.person());
            }
        }
        people.sort_unstable();
        people.dedup();
        let news = self.resettle(&mut tx, &people, now).await?;
        self.commit(tx, news).await?;
        Ok(())
    }
}
