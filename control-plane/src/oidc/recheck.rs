//! Asking a provider again about somebody who signed in there: by the refresh token that it left with us, or else by
//! its userinfo endpoint.

use kubegate_core::id::PersonId;
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use openidconnect::core::{CoreErrorResponseType, CoreTokenResponse};
use openidconnect::{Nonce, OAuth2TokenResponse, RefreshToken, RequestTokenError, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::error::{Failure, IdentityError, OidcError};
use super::granted::Granted;
use super::{Protocol, Provider, client_assertion};
use crate::config::{Recheck, WithoutRefreshToken};
use crate::person::Identity;
use crate::random;
use crate::store::StoreError;
use crate::store::sign_in::SignIn;
use crate::telemetry::chain;

/// The longest session id of a provider that is kept; a longer one is none.
const LONGEST_SID: usize = 512;

/// What a provider leaves with us.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Left {
    /// With which it can be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Zeroizing<String>>,
    /// The same for its userinfo endpoint, when there is no refresh token and the configuration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<Zeroizing<String>>,
    /// By which it knows whom to sign out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<Zeroizing<String>>,
}

/// What came of asking.
#[derive(Debug)]
pub enum Asked {
    /// It vouches for the person, and says who that is now; `None` when it has no more to say.
    Vouched(Option<Box<Identity>>),
    /// There is nothing to ask it with, and the sign-in stands.
    Nothing,
}

/// Why a provider does not vouch for somebody.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It has said that it does not.
    #[error("the provider no longer vouches for the person: {0}")]
    Refused(String),
    /// There is nothing to ask it with, and the sign-in is older than the configuration allows for that.
    #[error("the provider gave nothing to ask it again with")]
    TooOld,
    /// It could not be asked, or its answer is no good.
    #[error(transparent)]
    Failed(OidcError),
}

impl From<OidcError> for AskError {
    /// What is about the person ends the sign-in; a claim that is missing where the ID token is missing may have stood in
    /// that, and all else may be another tomorrow.
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::Identity(
                IdentityError::EmailNotVerified(_)
                | IdentityError::User { .. }
                | IdentityError::Uid(_)
                | IdentityError::Organization(_)
                | IdentityError::AnotherPerson,
            ) => Self::Refused(error.to_string()),
            error => Self::Failed(error),
        }
    }
}

impl From<StoreError> for AskError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Left {
    /// What an answer of a token endpoint leaves with us.
    pub(super) fn by(response: &CoreTokenResponse) -> Self {
        Self {
            refresh_token: response.refresh_token().map(|token| Zeroizing::new(token.secret().clone())),
            access_token: None,
            id_token: response.id_token().map(|token| Zeroizing::new(token.to_string())),
        }
    }

    /// The same, where what it says nothing of stays as it was.
    fn or(self, before: Self) -> Self {
        Self {
            refresh_token: self.refresh_token.or(before.refresh_token),
            access_token: self.access_token.or(before.access_token),
            id_token: self.id_token.or(before.id_token),
        }
    }
}

impl std::fmt::Debug for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Left(..)")
    }
}

impl Provider {
    /// How it is asked again.
    #[must_use]
    pub fn recheck(&self) -> &Recheck {
        &self.settings.recheck
    }

    /// When the sessions of a sign-in end for which there is no refresh token, if the configuration says so.
    #[must_use]
    pub fn ends_without_refresh_token(&self, signed_in_at: Timestamp) -> Option<Timestamp> {
        match self.settings.recheck.without_refresh_token {
            WithoutRefreshToken::EndAfter(after) => Some(signed_in_at.after(after)),
            WithoutRefreshToken::Keep | WithoutRefreshToken::Userinfo => None,
        }
    }

    /// What is to be kept of a sign-in, sealed and bound to its id.
    pub(super) fn sign_in(&self, granted: &Granted, person: PersonId, now: Timestamp) -> Result<SignIn, OidcError> {
        let id = random::id("i_")?;
        let sid = granted.id_token.as_ref().and_then(|claims| claims.get("sid")).and_then(Value::as_str);
        let mut left = granted.left.clone();
        let by_access_token = self.settings.recheck.without_refresh_token == WithoutRefreshToken::Userinfo;
        if left.refresh_token.is_none() && by_access_token {
            left.access_token = Some(Zeroizing::new(granted.access_token.expose().to_owned()));
        }
        let next_check_at = now.after(self.settings.recheck.every);
        Ok(SignIn {
            provider: self.id().to_owned(),
            person,
            idp_sid: sid.filter(|sid| !sid.is_empty() && sid.len() <= LONGEST_SID).map(str::to_owned),
            sealed: self.seal_left(&id, &left)?,
            id,
            signed_in_at: now,
            checked_at: now,
            next_check_at: self.ends_without_refresh_token(now).map_or(next_check_at, |ends| next_check_at.min(ends)),
            failing_since: None,
            expires_at: now,
        })
    }

    fn seal_left(&self, id: &str, left: &Left) -> Result<Vec<u8>, OidcError> {
        let left = serde_json::to_vec(left).map(Zeroizing::new);
        let left = left.map_err(|source| StoreError::Corrupt { what: "sign-in", source })?;
        Ok(self.sealer.seal(&place(id), &left)?)
    }

    pub(super) fn open_left(&self, sign_in: &SignIn) -> Result<Left, OidcError> {
        let left = self.sealer.open(&place(&sign_in.id), &sign_in.sealed)?;
        Ok(serde_json::from_slice(&left).map_err(|source| StoreError::Corrupt { what: "sign-in", source })?)
    }

    /// Asks about a sign-in of somebody who was `before` by the last answer. What the provider leaves with us anew is given
    /// to `keep` before anything else: with a refresh token that rotates, the one before is worth nothing from then on.
    ///
    /// # Errors
    /// Why the provider does not vouch for the person.
    pub async fn ask_again(
        &self,
        sign_in: &SignIn,
        before: &Identity,
        keep: impl AsyncFnOnce(Vec<u8>) -> Result<(), StoreError>,
        now: Timestamp,
    ) -> Result<Asked, AskError> {
        let left = self.open_left(sign_in)?;
        if let Some(token) = left.refresh_token.clone() {
            return self.refresh(sign_in, before, &token, left, keep, now).await;
        }
        match (self.settings.recheck.without_refresh_token, left.access_token) {
            (WithoutRefreshToken::EndAfter(after), _) if now >= sign_in.signed_in_at.after(after) => {
                Err(AskError::TooOld)
            }
            (WithoutRefreshToken::Userinfo, Some(token)) => self.by_access_token(before, &token).await,
            (WithoutRefreshToken::Userinfo, None) => Err(AskError::TooOld),
            (WithoutRefreshToken::Keep | WithoutRefreshToken::EndAfter(_), _) => Ok(Asked::Nothing),
        }
    }

    async fn refresh(
        &self,
        sign_in: &SignIn,
        before: &Identity,
        token: &str,
        left: Left,
        keep: impl AsyncFnOnce(Vec<u8>) -> Result<(), StoreError>,
        now: Timestamp,
    ) -> Result<Asked, AskError> {
        let Protocol::Oidc(discovery) = &self.protocol else { return Ok(Asked::Nothing) };
        let document = discovery.document().await?;
        let client = self.client(&document);
        let token = RefreshToken::new(token.to_owned());
        let mut request =
            client.exchange_refresh_token(&token).map_err(|error| OidcError::Unavailable(error.into()))?;
        let assertion = self.client_assertion(&document, now)?;
        if let Some(assertion) = &assertion {
            request = request
                .add_extra_param("client_assertion_type", client_assertion::TYPE)
                .add_extra_param("client_assertion", assertion.expose());
        }
        let response = request.request_async(&discovery.http).await.map_err(|error| match &error {
            RequestTokenError::ServerResponse(response) if is_about_the_person(response.error()) => {
                AskError::Refused(response.error().as_ref().to_owned())
            }
            error => OidcError::Exchange(Failure::cause(chain(error))).into(),
        })?;
        keep(self.seal_left(&sign_in.id, &Left::by(&response).or(left))?).await?;
        if response.id_token().is_none() && client.user_info_url().is_none() {
            return Ok(Asked::Vouched(None));
        }
        let any_nonce: fn(Option<&Nonce>) -> Result<(), String> = |_| Ok(());
        let granted = self.granted(discovery, &response, any_nonce).await?;
        let known = self.identity(&granted, Some(before)).await?;
        Ok(Asked::Vouched(Some(Box::new(known.identity))))
    }

    async fn by_access_token(&self, before: &Identity, token: &str) -> Result<Asked, AskError> {
        let access_token = Secret::from(token);
        let granted = Granted { access_token, id_token: None, auth_time: None, left: Left::default() };
        match self.identity(&granted, Some(before)).await {
            Ok(known) => Ok(Asked::Vouched(Some(Box::new(known.identity)))),
            Err(error @ OidcError::UserInfoRefused(_)) => Err(AskError::Refused(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether an error of the token endpoint says something about the person, and not about us.
fn is_about_the_person(error: &CoreErrorResponseType) -> bool {
    let words = ["invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied"];
    words.contains(&error.as_ref())
}

fn place(id: &str) -> String {
    format!("sign_in/{id}")
}
