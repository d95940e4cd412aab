//! Asking a provider again about somebody who signed in there: by the refresh token that it left with us, or else by
//! its userinfo endpoint.

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;
use openidconnect::core::{CoreErrorResponseType, CoreTokenResponse};
use openidconnect::{AccessToken, Nonce, OAuth2TokenResponse, RefreshToken, RequestTokenError, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::{Failure, IdentityError, OidcError};
use super::flow::UserInfoRefused;
use super::{OidcProvider, identity};
use crate::config::{Recheck, WithoutRefreshToken};
use crate::person::Identity;
use crate::random;
use crate::store::StoreError;
use crate::store::sign_in::SignIn;
use crate::telemetry::chain;

/// The longest session id of a provider that is kept; a longer one is none.
const LONGEST_SID: usize = 512;

/// What a provider left with us at a sign-in.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Left {
    /// With which it can be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Secret2>,
    /// The same for its userinfo endpoint, when there is no refresh token and the configuration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<Secret2>,
    /// By which it knows whom to sign out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<Secret2>,
}

/// A secret that is written only into what is sealed.
pub(super) type Secret2 = Zeroizing<String>;

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
    Failed(#[from] OidcError),
}

impl From<StoreError> for AskError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl OidcProvider {
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
    pub(super) fn left_behind(
        &self,
        response: &CoreTokenResponse,
        claims: &Map<String, Value>,
        person: PersonId,
        now: Timestamp,
    ) -> Result<SignIn, OidcError> {
        let id = random::id("i_")?;
        let sid = claims.get("sid").and_then(Value::as_str);
        let left = self.left(response, Left::default());
        Ok(SignIn {
            provider: self.id().to_owned(),
            person,
            idp_sid: sid.filter(|sid| !sid.is_empty() && sid.len() <= LONGEST_SID).map(str::to_owned),
            sealed: self.seal(&id, &left)?,
            id,
            signed_in_at: now,
            checked_at: now,
            next_check_at: now.after(self.settings.recheck.every),
            failing_since: None,
            expires_at: now,
        })
    }

    /// What `response` leaves with us; where it says nothing, what was there `before` stays.
    fn left(&self, response: &CoreTokenResponse, before: Left) -> Left {
        let refresh_token = response.refresh_token().map(|token| Zeroizing::new(token.secret().clone()));
        let refresh_token = refresh_token.or(before.refresh_token);
        let by_access_token = self.settings.recheck.without_refresh_token == WithoutRefreshToken::Userinfo;
        let access_token = (refresh_token.is_none() && by_access_token)
            .then(|| Zeroizing::new(response.access_token().secret().clone()));
        let id_token = response.id_token().map(|token| Zeroizing::new(token.to_string()));
        Left { refresh_token, access_token, id_token: id_token.or(before.id_token) }
    }

    fn seal(&self, id: &str, left: &Left) -> Result<Vec<u8>, OidcError> {
        let left = serde_json::to_vec(left).map(Zeroizing::new);
        let left = left.map_err(|source| StoreError::Corrupt { what: "sign-in", source })?;
        Ok(self.sealer.seal(&place(id), &left)?)
    }

    pub(super) fn open(&self, sign_in: &SignIn) -> Result<Left, OidcError> {
        let left = self.sealer.open(&place(&sign_in.id), &sign_in.sealed)?;
        Ok(serde_json::from_slice(&left).map_err(|source| StoreError::Corrupt { what: "sign-in", source })?)
    }

    /// Asks about a sign-in. What the provider leaves with us anew is given to `keep` before anything else: with a
    /// refresh token that rotates, the one before is worth nothing from then on.
    ///
    /// # Errors
    /// Why the provider does not vouch for the person.
    pub async fn ask_again(
        &self,
        sign_in: &SignIn,
        keep: impl AsyncFnOnce(Vec<u8>) -> Result<(), StoreError>,
        now: Timestamp,
    ) -> Result<Asked, AskError> {
        let left = self.open(sign_in)?;
        if let Some(token) = left.refresh_token.clone() {
            return self.refresh(sign_in, &token, left, keep).await;
        }
        match (self.settings.recheck.without_refresh_token, &left.access_token) {
            (WithoutRefreshToken::EndAfter(after), _) if now >= sign_in.signed_in_at.after(after) => {
                Err(AskError::TooOld)
            }
            (WithoutRefreshToken::Userinfo, Some(token)) => self.by_user_info(sign_in, token).await,
            (WithoutRefreshToken::Userinfo, None) => Err(AskError::TooOld),
            (WithoutRefreshToken::Keep | WithoutRefreshToken::EndAfter(_), _) => Ok(Asked::Nothing),
        }
    }

    async fn refresh(
        &self,
        sign_in: &SignIn,
        token: &str,
        left: Left,
        keep: impl AsyncFnOnce(Vec<u8>) -> Result<(), StoreError>,
    ) -> Result<Asked, AskError> {
        let client = self.client(&*self.discovery.document().await?);
        let token = RefreshToken::new(token.to_owned());
        let request = client.exchange_refresh_token(&token).map_err(|error| OidcError::Unavailable(error.into()))?;
        let response = request.request_async(&self.discovery.http).await.map_err(|error| match &error {
            RequestTokenError::ServerResponse(response) if is_about_the_person(response.error()) => {
                AskError::Refused(response.error().as_ref().to_owned())
            }
            error => OidcError::Exchange(Failure::cause(chain(error))).into(),
        })?;
        keep(self.seal(&sign_in.id, &self.left(&response, left))?).await?;
        let subject = subject(sign_in);
        if response.id_token().is_none() {
            if client.user_info_url().is_none() {
                return Ok(Asked::Vouched(None));
            }
            return match self.user_info(&client, response.access_token(), subject).await {
                Ok(claims) => self.identity(subject, &claims, false),
                Err(UserInfoRefused::AnotherSubject(cause)) => Err(AskError::Refused(cause.to_string())),
                Err(error) => Err(error.into_error().into()),
            };
        }
        let any_nonce: fn(Option<&Nonce>) -> Result<(), String> = |_| Ok(());
        let (claims, _) = self.claims(&response, any_nonce).await?;
        self.identity(subject, &claims, true)
    }

    async fn by_user_info(&self, sign_in: &SignIn, token: &str) -> Result<Asked, AskError> {
        let client = self.client(&*self.discovery.document().await?);
        let subject = subject(sign_in);
        match self.user_info(&client, &AccessToken::new(token.to_owned()), subject).await {
            Ok(claims) => self.identity(subject, &claims, false),
            Err(UserInfoRefused::AccessToken(cause) | UserInfoRefused::AnotherSubject(cause)) => {
                Err(AskError::Refused(cause.to_string()))
            }
            Err(error) => Err(error.into_error().into()),
        }
    }

    /// Who the person is now. A claim that is missing where an ID token is missing may have stood in that.
    fn identity(&self, subject: &str, claims: &Map<String, Value>, complete: bool) -> Result<Asked, AskError> {
        if claims.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(AskError::Refused("the answer is about another subject".to_owned()));
        }
        match identity::map(&self.settings, claims) {
            Ok(mapped) => Ok(Asked::Vouched(Some(Box::new(mapped.identity)))),
            Err(error @ IdentityError::Claim(_)) if !complete => Err(OidcError::from(error).into()),
            Err(error) => Err(AskError::Refused(error.to_string())),
        }
    }
}

/// Whether an error of the token endpoint says something about the person, and not about us.
fn is_about_the_person(error: &CoreErrorResponseType) -> bool {
    let words = ["invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied"];
    words.contains(&error.as_ref())
}

/// The provider's name of the person.
fn subject(sign_in: &SignIn) -> &str {
    let person = sign_in.person.as_str();
    person.strip_prefix(sign_in.provider.as_str()).and_then(|rest| rest.strip_prefix(':')).unwrap_or(person)
}

fn place(id: &str) -> String {
    format!("sign_in/{id}")
}
