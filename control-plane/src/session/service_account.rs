//! Sessions of service accounts: an administrator issues them, and nobody signs in.

use kubegate_core::id::{ClusterName, SessionId};
use kubegate_core::time::Timestamp;

use super::{SessionError, Sessions};
use crate::person::Identity;
use crate::random;
use crate::store::service_account::{self, ServiceAccount};
use crate::store::session::{self, EndReason, Holder, Session, SessionKind};
use crate::store::{StoreError, disabled};
use crate::token::MintError;

/// What an administrator issues.
#[derive(Clone, Debug)]
pub struct Issue {
    /// Who it is for.
    pub identity: Identity,
    /// Where it counts.
    pub clusters: Vec<ClusterName>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The administrator.
    pub by: String,
}

/// Why a service account gets no token.
#[derive(Debug, thiserror::Error)]
pub enum IssueRefused {
    /// It has as many as one may have. Which one is not used any more only people know, so none gives way.
    #[error("it has {0} tokens already, as many as there may be; revoke one that is not used any more")]
    TooMany(usize),
    /// The token cannot be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// It is disabled, or something failed.
    #[error(transparent)]
    Failed(#[from] SessionError),
}

impl From<StoreError> for IssueRefused {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Sessions {
    /// A session of a service account, with a token for each of its clusters.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn issue(
        &self,
        issue: Issue,
        mint: impl Fn(&Session, &ClusterName) -> Result<String, MintError> + Send,
        now: Timestamp,
    ) -> Result<(Session, Vec<(ClusterName, String)>), IssueRefused> {
        let person = issue.identity.person();
        let session = Session {
            id: SessionId::from(random::id("s_").map_err(SessionError::from)?),
            kind: SessionKind::ServiceAccount,
            identity: issue.identity,
            auth_time: now,
            signed_in_at: now,
            created_at: now,
            last_used_at: now,
            expires_at: issue.expires_at,
            tokens_until: Timestamp::default(),
            ended: None,
            sign_in: None,
            holder: Holder::default(),
            last_address: None,
        };
        let clusters = issue.clusters.iter();
        let tokens = clusters.map(|cluster| Ok((cluster.clone(), mint(&session, cluster)?)));
        let tokens = tokens.collect::<Result<Vec<_>, MintError>>()?;
        let mut tx = self.store.write().await?;
        if let Some(disabled) = disabled::find(&mut tx, &person).await? {
            return Err(SessionError::Disabled(Box::new(disabled)).into());
        }
        let there = session::live_of(&mut tx, &person, now).await?.len();
        if there >= self.limits.max_per_person {
            return Err(IssueRefused::TooMany(there));
        }
        session::insert(&mut tx, &session, None, None).await?;
        session::touch(&mut tx, &session.id, now, None, Some(session.expires_at)).await?;
        service_account::insert(&mut tx, &session.id, &issue.clusters, &issue.by).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok((session, tokens))
    }

    /// The tokens of service accounts that have not ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn issued(&self, now: Timestamp) -> Result<Vec<ServiceAccount>, SessionError> {
        Ok(service_account::live(&mut *self.store.read().await?, now).await?)
    }

    /// Ends a token of a service account, and no other session; `None` when there is no such token, or it had ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_issued(&self, id: &SessionId, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let found = self.live(id, now).await?.filter(|session| session.kind == SessionKind::ServiceAccount);
        match found {
            Some(session) if self.end(id, EndReason::Administrator, now).await? => Ok(Some(session)),
            _ => Ok(None),
        }
    }
}
