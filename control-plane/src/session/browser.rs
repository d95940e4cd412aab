//! Sessions of browsers, held by a cookie.

use std::net::IpAddr;

use kubegate_core::id::SessionId;
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;

use super::{SessionError, Sessions};
use crate::person::Identity;
use crate::random;
use crate::store::session::{EndReason, Holder, Session, SessionKind};
use crate::store::{SecretHash, session, sign_in};

/// How long a use goes unwritten, so that a page view is no write.
const TOUCH_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// A sign-in that succeeded.
#[derive(Debug)]
pub struct SignIn {
    /// Who it is.
    pub identity: Identity,
    /// When the person last proved it, if the provider says so.
    pub auth_time: Option<Timestamp>,
    /// The request of ours that the person signed in for.
    pub purpose: Option<Purpose>,
    /// Who will hold the session.
    pub holder: Holder,
    /// The sign-in at a provider, and what that left with us; none of a built-in account.
    pub at_provider: Option<sign_in::SignIn>,
}

/// What a person signed in for.
#[derive(Debug)]
pub struct Purpose {
    /// The request of ours.
    pub request: String,
    /// Whether the person chose to: then the request may go on without another question.
    pub chosen: bool,
}

impl Purpose {
    fn hash(&self) -> SecretHash {
        let how = if self.chosen { "chosen" } else { "begun" };
        SecretHash::of(&format!("{how} {}", self.request))
    }
}

impl Sessions {
    /// Begins a browser's session. The secret goes into its cookie.
    ///
    /// # Errors
    /// When the store fails or there is no randomness.
    pub async fn begin(&self, sign_in: SignIn, now: Timestamp) -> Result<(Session, Secret), SessionError> {
        let cookie = random::secret("kgb_")?;
        let session = Session {
            id: SessionId::from(random::id("s_")?),
            kind: SessionKind::Browser,
            identity: sign_in.identity,
            auth_time: sign_in.auth_time.unwrap_or_default(),
            signed_in_at: now,
            created_at: now,
            last_used_at: now,
            expires_at: now.after(self.limits.max_lifetime),
            tokens_until: Timestamp::default(),
            ended: None,
            sign_in: sign_in.at_provider.as_ref().map(|sign_in| sign_in.id.clone()),
            last_address: sign_in.holder.address,
            holder: sign_in.holder,
        };
        let purpose = sign_in.purpose.as_ref().map(Purpose::hash);
        let mut tx = self.store.write().await?;
        let told = self.admit(&mut tx, &session.identity.person(), now).await?;
        if let Some(at_provider) = &sign_in.at_provider {
            let expires_at = session.expires_at;
            sign_in::insert(&mut tx, &sign_in::SignIn { expires_at, ..at_provider.clone() }).await?;
        }
        session::insert(&mut tx, &session, Some(SecretHash::of(&cookie)), purpose).await?;
        self.commit(tx, told).await?;
        Ok((session, Secret::from(cookie)))
    }

    /// The live session that this cookie holds.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn by_cookie(&self, cookie: &str, from: IpAddr, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let found = session::find_by_cookie(&mut *self.store.read().await?, SecretHash::of(cookie)).await?;
        let Some(found) = found.filter(|session| session.is_live(now)) else {
            return Ok(None);
        };
        let unused = now.since(found.last_used_at);
        if unused > self.limits.idle_timeout {
            self.end(&found.id, EndReason::Idle, now).await?;
            return Ok(None);
        }
        if unused >= TOUCH_EVERY || found.last_address != Some(from) {
            let mut tx = self.store.write().await?;
            session::touch(&mut tx, &found.id, now, Some(from), None).await?;
            tx.commit().await?;
        }
        Ok(Some(found))
    }

    /// Takes the purpose of the sign-in of `session`, when that was `request`; it is there for one use.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_purpose(&self, session: &Session, request: &str) -> Result<Option<Purpose>, SessionError> {
        let mut tx = self.store.write().await?;
        let mut taken = None;
        for chosen in [true, false] {
            let purpose = Purpose { request: request.to_owned(), chosen };
            if session::take_grant(&mut tx, &session.id, purpose.hash()).await? {
                taken = Some(purpose);
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// The session with this id, while it is live.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn live(&self, id: &SessionId, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let found = session::find(&mut *self.store.read().await?, id).await?;
        Ok(found.filter(|session| session.is_live(now)))
    }
}
