//! Sessions of pomerium-cli, whose token lives as long as they do: nothing refreshes it.

use std::time::Duration;

use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

use super::{GrantError, Review, SessionError, Sessions, check_live};
use crate::person::Identity;
use crate::store::pomerium_request;
use crate::store::session::{self, Holder, Session, SessionKind};
use crate::token::MintError;

/// A sign-in of pomerium-cli that the person agreed to.
#[derive(Clone, Debug)]
pub struct PomeriumGrant<'a> {
    /// The request's id; it is good once.
    pub request: &'a str,
    /// When the request counts no more anyway.
    pub expires_at: Timestamp,
    /// How long after the sign-in the token ends.
    pub lifetime: Duration,
    /// Who asked.
    pub holder: Holder,
}

/// Why pomerium-cli gets no token.
#[derive(Debug, thiserror::Error)]
pub enum PomeriumRefused {
    /// The request was answered before.
    #[error("the request was answered before")]
    Spent,
    /// The sign-in that it comes from is over.
    #[error(transparent)]
    Session(#[from] GrantError),
    /// The token cannot be made.
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl Sessions {
    /// A session of pomerium-cli that a browser's sign-in vouches for, with its token. Where no token can be made there is
    /// no session, and the request stays good.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn grant_pomerium(
        &self,
        browser: &SessionId,
        grant: PomeriumGrant<'_>,
        review: impl Fn(&Identity) -> Review + Send,
        mint: impl FnOnce(&Session) -> Result<String, MintError> + Send,
        now: Timestamp,
    ) -> Result<(Session, String), PomeriumRefused> {
        let failed = |error: crate::store::StoreError| PomeriumRefused::Session(error.into());
        let mut tx = self.store.write().await.map_err(failed)?;
        let browser = session::find(&mut tx, browser).await.map_err(failed)?;
        let mut browser = browser.ok_or(PomeriumRefused::Session(GrantError::Unknown))?;
        check_live(&browser, now)?;
        if let Some((reason, error)) = self.over_by_now(&mut tx, &mut browser, review, now).await.map_err(failed)? {
            self.end_and_commit(tx, &browser, reason, now).await.map_err(GrantError::from)?;
            return Err(error.into());
        }
        let session = self.of_browser(&browser, SessionKind::Pomerium, grant.holder, now).map_err(GrantError::from)?;
        // It ends no later, and may end before.
        let expires_at = session.expires_at.min(browser.signed_in_at.after(grant.lifetime));
        let session = Session { expires_at, ..session };
        let token = mint(&session)?;
        if !pomerium_request::spend(&mut tx, grant.request, grant.expires_at).await.map_err(failed)? {
            return Err(PomeriumRefused::Spent);
        }
        let news = self.admit(&mut tx, &session.identity.person(), now).await.map_err(GrantError::from)?;
        session::insert(&mut tx, &session, None, None).await.map_err(failed)?;
        session::touch(&mut tx, &session.id, now, None, Some(session.expires_at)).await.map_err(failed)?;
        self.commit(tx, news).await.map_err(failed)?;
        Ok((session, token))
    }

    /// A session of pomerium-cli or of a service account, while it is live.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn live_pomerium(&self, id: &SessionId, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let is_one = |session: &Session| matches!(session.kind, SessionKind::Pomerium | SessionKind::ServiceAccount);
        Ok(self.live(id, now).await?.filter(is_one))
    }
}
