//! A person is one of an issuer: when another stands behind a provider's id, all are strangers.

use std::collections::BTreeSet;

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use super::end::News;
use super::{SessionError, Sessions};
use crate::store::session::{self, EndReason};
use crate::store::{elevation, issuer, revocation, sign_in};

/// Who ends elevations then.
const BY: &str = "another issuer";

impl Sessions {
    /// Ends the sessions and elevations of everybody whose provider's id stands for another issuer than when the control
    /// plane last ran, and forgets what the one before left with us. Who is disabled stays so. Returns how many people.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_of_other_issuers(
        &self,
        issuers: &[(String, String)],
        now: Timestamp,
    ) -> Result<usize, SessionError> {
        let mut tx = self.store.write().await?;
        let mut strangers = BTreeSet::new();
        for (provider, issuer) in issuers {
            let Some(before) = issuer::put(&mut tx, provider, issuer).await? else {
                continue;
            };
            tracing::warn!(
                provider,
                before,
                issuer,
                "another issuer has this id; whoever signed in before is nobody now"
            );
            let of_provider = |person: &PersonId| person.as_str().split_once(':').is_some_and(|(id, _)| id == provider);
            let sessions = session::with_access(&mut tx, now).await?;
            strangers.extend(sessions.iter().map(|session| session.identity.person()).filter(of_provider));
            let elevations = elevation::ending_after(&mut tx, now).await?;
            strangers.extend(elevations.into_iter().map(|elevation| elevation.person).filter(of_provider));
            sign_in::forget(&mut tx, provider).await?;
        }
        for person in &strangers {
            elevation::end_all_of(&mut tx, person, BY, now).await?;
            self.end_all_in(&mut tx, person, EndReason::Withdrawn, now, now.after(revocation::SECOND)).await?;
        }
        self.commit(tx, News(!strangers.is_empty())).await?;
        Ok(strangers.len())
    }
}
