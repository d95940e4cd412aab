//! Sessions of workloads: a shown token makes one, which ends with that token. Nothing refreshes it, and the same token
//! shown again leads to the same session, also when that was ended before its time.

use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

use super::{GrantError, Review, SessionError, Sessions, check_live};
use crate::random;
use crate::store::session::{self, EndReason, Holder, Session, SessionKind};
use crate::store::{SecretHash, disabled, workload_token};
use crate::workload::Workload;

/// How many live sessions one workload may have. Where more of its tokens are about, the newest is refused: to end the
/// oldest would cut off a job that does no harm.
pub const MOST_OF_A_WORKLOAD: usize = 1000;

/// What a workload's token was traded for.
#[derive(Debug)]
pub struct Exchanged {
    /// The session.
    pub session: Session,
    /// When the token that goes with it ends.
    pub token_until: Timestamp,
    /// Whether the token had been traded before.
    pub again: bool,
}

impl Sessions {
    /// Trades a workload's token, which was verified, for a session.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn exchange(
        &self,
        token: &str,
        workload: &Workload,
        holder: Holder,
        now: Timestamp,
    ) -> Result<Exchanged, GrantError> {
        let hash = SecretHash::of(token);
        let person = workload.identity.person();
        let mut tx = self.store.write().await?;
        if let Some(disabled) = disabled::find(&mut tx, &person).await? {
            return Err(SessionError::Disabled(Box::new(disabled)).into());
        }
        let known = match workload_token::session_of(&mut tx, hash).await? {
            Some(id) => session::find(&mut tx, &id).await?,
            None => None,
        };
        if let Some(mut session) = known {
            check_live(&session, now)?;
            let address = holder.address;
            if session.identity != workload.identity {
                // The rules have changed since.
                Review::Changed(Box::new(workload.identity.clone())).take_over(&mut tx, &mut session).await?;
            }
            let token_until = self.token_until(&session, now);
            session::touch(&mut tx, &session.id, now, address, Some(token_until)).await?;
            tx.commit().await?;
            return Ok(Exchanged { session, token_until, again: true });
        }
        if session::live_of(&mut tx, &person, now).await?.len() >= MOST_OF_A_WORKLOAD {
            return Err(GrantError::TooMany);
        }
        let session = Session {
            id: SessionId::from(random::id("s_")?),
            kind: SessionKind::Workload,
            identity: workload.identity.clone(),
            auth_time: Timestamp::default(),
            signed_in_at: now,
            created_at: now,
            last_used_at: now,
            expires_at: workload.until.min(now.after(self.limits.max_lifetime)),
            tokens_until: Timestamp::default(),
            ended: None,
            sign_in: None,
            last_address: holder.address,
            holder,
        };
        let token_until = self.token_until(&session, now);
        session::insert(&mut tx, &session, None, None).await?;
        session::touch(&mut tx, &session.id, now, None, Some(token_until)).await?;
        workload_token::insert(&mut tx, hash, &session.id).await?;
        tx.commit().await?;
        Ok(Exchanged { session, token_until, again: false })
    }

    /// Ends a session that a workload's own token leads to; `None` when there is none, or it had ended before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_workload(&self, token: &str, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let hash = SecretHash::of(token);
        let known = workload_token::session_of(&mut *self.store.read().await?, hash).await?;
        let Some(id) = known else { return Ok(None) };
        let mut tx = self.store.write().await?;
        let Some(session) = session::find(&mut tx, &id).await? else { return Ok(None) };
        self.end_and_commit(tx, &session, EndReason::SignedOut, now).await?;
        Ok(session.is_live(now).then_some(session))
    }
}
