//! Authorization codes (RFC 6749 section 4.1) with PKCE (RFC 7636, S256 only).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::id::SessionId;
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::end::News;
use super::{GrantError, Issued, Review, SessionError, Sessions, check_live};
use crate::person::Identity;
use crate::random;
use crate::store::code::{self, Code};
use crate::store::session::{self, EndReason, Holder, Session, SessionKind};
use crate::store::{SecretHash, Write};

/// What a browser asks a code for.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The client that will trade it.
    pub client_id: String,
    /// Where it is sent.
    pub redirect_uri: String,
    /// The S256 challenge.
    pub code_challenge: String,
    /// How long it can be traded.
    pub lifetime: Duration,
}

/// What a client trades a code with.
#[derive(Clone, Debug)]
pub struct CodeExchange<'a> {
    /// The code.
    pub code: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// Where the code was sent.
    pub redirect_uri: &'a str,
    /// What the challenge was made of.
    pub verifier: &'a str,
}

impl Sessions {
    /// A code that grants a session of its own to the client.
    ///
    /// # Errors
    /// When the store fails or there is no randomness.
    pub async fn grant_code(
        &self,
        browser: &Session,
        request: CodeRequest,
        now: Timestamp,
    ) -> Result<Secret, SessionError> {
        let secret = random::secret("kgc_")?;
        let code = Code {
            session: browser.id.clone(),
            client_id: request.client_id,
            redirect_uri: request.redirect_uri,
            code_challenge: request.code_challenge,
            expires_at: now.after(request.lifetime),
            spent: false,
            issued_session: None,
        };
        let mut tx = self.store.write().await?;
        code::insert(&mut tx, SecretHash::of(&secret), &code).await?;
        tx.commit().await?;
        Ok(Secret::from(secret))
    }

    /// Trades a code for a session of the command line, of the person as `review` says that the person is now. A code
    /// that does not fit is spent all the same, and a spent one ends what came of it.
    ///
    /// # Errors
    /// Why the code is refused.
    pub async fn redeem(
        &self,
        exchange: &CodeExchange<'_>,
        holder: Holder,
        review: impl Fn(&Identity) -> Review + Send,
        now: Timestamp,
    ) -> Result<Issued, GrantError> {
        let hash = SecretHash::of(exchange.code);
        // What is not there needs no turn at the one writing connection.
        code::find(&mut *self.store.read().await?, hash).await?.ok_or(GrantError::Unknown)?;
        let mut tx = self.store.write().await?;
        let code = code::find(&mut tx, hash).await?.ok_or(GrantError::Unknown)?;
        if code.spent {
            let news = self.end_issued(&mut tx, code.issued_session.as_ref(), now).await?;
            self.commit(tx, news).await?;
            return Err(GrantError::Reused);
        }
        let mut browser = session::find(&mut tx, &code.session).await?.ok_or(GrantError::Unknown)?;
        if let Err(error) = check(&code, exchange, now).and_then(|()| check_live(&browser, now)) {
            code::spend(&mut tx, hash, None, now).await?;
            tx.commit().await?;
            return Err(error);
        }
        if let Some((reason, error)) = self.over_by_now(&mut tx, &mut browser, review, now).await? {
            code::spend(&mut tx, hash, None, now).await?;
            self.end_and_commit(tx, &browser, reason, now).await?;
            return Err(error);
        }
        let session = self.of_browser(&browser, SessionKind::Cli, holder, now)?;
        let (issued, news) = self.begin_vouched(&mut tx, session, now).await?;
        code::spend(&mut tx, hash, Some(&issued.session.id), now).await?;
        self.commit(tx, news).await?;
        Ok(issued)
    }

    /// Ends what came of a code that was used twice.
    pub(super) async fn end_issued(
        &self,
        tx: &mut Write,
        issued: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<News, GrantError> {
        let Some(id) = issued else {
            return Ok(News(false));
        };
        match session::find(tx, id).await? {
            Some(session) => Ok(self.end_in(tx, &session, EndReason::Reuse, now).await?),
            None => Ok(News(false)),
        }
    }
}

fn check(code: &Code, exchange: &CodeExchange<'_>, now: Timestamp) -> Result<(), GrantError> {
    if now >= code.expires_at {
        return Err(GrantError::Expired);
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(exchange.verifier.as_bytes()));
    let verified: bool = challenge.as_bytes().ct_eq(code.code_challenge.as_bytes()).into();
    if code.client_id != exchange.client_id || code.redirect_uri != exchange.redirect_uri || !verified {
        return Err(GrantError::Mismatch);
    }
    Ok(())
}
