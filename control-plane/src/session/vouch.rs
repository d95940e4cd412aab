//! What a browser's sign-in vouches for: sessions of command lines, of machines without a browser and of pomerium-cli, which
//! end with it.

use kubegate_core::id::SessionId;
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;

use super::end::News;
use super::{GrantError, Issued, Review, SessionError, Sessions};
use crate::person::Identity;
use crate::random;
use crate::store::session::{self, EndReason, Holder, Session, SessionKind};
use crate::store::{SecretHash, StoreError, Write, refresh};

impl Sessions {
    /// Has a session go on with what its person is now, as `review` says and as the provider has pushed; or why it may not,
    /// and what it has to end with.
    pub(super) async fn over_by_now(
        &self,
        tx: &mut Write,
        session: &mut Session,
        review: impl Fn(&Identity) -> Review + Send,
        now: Timestamp,
    ) -> Result<Option<(EndReason, GrantError)>, StoreError> {
        if !review(&session.identity).take_over(tx, session).await? {
            return Ok(Some((EndReason::Withdrawn, GrantError::ended(EndReason::Withdrawn, now))));
        }
        let why = self.still_provisioned(tx, session).await?;
        Ok(why.map(|why| (EndReason::Deprovisioned, SessionError::NotProvisioned(why).into())))
    }

    /// The session that a browser's sign-in vouches for; it ends with that sign-in.
    pub(super) fn of_browser(
        &self,
        browser: &Session,
        kind: SessionKind,
        holder: Holder,
        now: Timestamp,
    ) -> Result<Session, SessionError> {
        Ok(Session {
            id: SessionId::from(random::id("s_")?),
            kind,
            identity: browser.identity.clone(),
            auth_time: browser.auth_time,
            signed_in_at: browser.signed_in_at,
            created_at: now,
            last_used_at: now,
            expires_at: browser.signed_in_at.after(self.limits.max_lifetime),
            tokens_until: Timestamp::default(),
            ended: None,
            sign_in: browser.sign_in.clone(),
            last_address: holder.address,
            holder,
        })
    }

    /// Begins such a session within `tx`, with its first refresh secret.
    pub(super) async fn begin_vouched(
        &self,
        tx: &mut Write,
        session: Session,
        now: Timestamp,
    ) -> Result<(Issued, News), GrantError> {
        let token_until = self.token_until(&session, now);
        let secret = random::secret("kgr_")?;
        let news = self.admit(tx, &session.identity.person(), now).await?;
        session::insert(tx, &session, None, None).await?;
        session::touch(tx, &session.id, now, None, Some(token_until)).await?;
        refresh::insert(tx, SecretHash::of(&secret), &session.id, None, now).await?;
        Ok((Issued { session, token_until, refresh: Secret::from(secret) }, news))
    }
}
