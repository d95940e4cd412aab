//! From what a provider answered at its token endpoint to an identity: the same at sign-in and whenever the provider is
//! asked again.

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use openidconnect::core::CoreGenderClaim;
use openidconnect::{AccessToken, ClaimsVerificationError, SubjectIdentifier, UserInfoClaims, UserInfoError};
use serde_json::{Map, Value};

use super::error::{Failure, IdentityError, OidcError};
use super::flow::AnyClaims;
use super::groups::Said;
use super::recheck::Left;
use super::{Discovery, Protocol, Provider, identity};
use crate::config::GroupSource;
use crate::person::Identity;
use crate::telemetry::chain;

/// What a provider answered at its token endpoint.
#[derive(Debug)]
pub struct Granted {
    /// The access token.
    pub access_token: Secret,
    /// The claims of the ID token, verified; `None` when there was none (at a refresh there need not be one).
    pub id_token: Option<Map<String, Value>>,
    /// When the person last proved who they are, as the ID token says.
    pub auth_time: Option<Timestamp>,
    /// What it leaves with us, to ask it again with.
    pub left: Left,
}

/// An identity as a provider knows it now.
#[derive(Debug)]
pub struct Known {
    /// Who it is.
    pub identity: Identity,
    /// How many groups were left out, because their names cannot be passed on.
    pub groups_dropped: u64,
}

impl Provider {
    /// Who it is that a provider answered about: by the ID token, and by what is asked with the access token.
    ///
    /// `before` is the identity of the session when the provider is asked again: then it has to be the same person, what
    /// only an ID token says stays as it was when there is none, and so do groups of which this answer says nothing.
    ///
    /// # Errors
    /// Why nobody can be known by this answer.
    pub async fn identity(&self, granted: &Granted, before: Option<&Identity>) -> Result<Known, OidcError> {
        let (claims, named) = match &self.protocol {
            Protocol::Oidc(discovery) => self.oidc_claims(discovery, granted, before).await?,
            Protocol::Github(github) => {
                let with_groups = self.settings.groups == GroupSource::Github;
                let person = github.person(&self.settings, &granted.access_token, with_groups).await?;
                (person.claims, Some(person.groups).filter(|_| with_groups))
            }
        };
        let mut mapped = identity::map(&self.settings, &claims, named.as_deref().unwrap_or_default())?;
        if let Some(before) = before {
            if before.subject != mapped.identity.subject {
                return Err(IdentityError::AnotherPerson.into());
            }
            if granted.id_token.is_none() {
                mapped.identity.acr.clone_from(&before.acr);
                mapped.identity.amr.clone_from(&before.amr);
            }
            let gives_groups = self.settings.groups != GroupSource::None;
            if named.is_none() && granted.id_token.is_none() && gives_groups {
                mapped.identity.groups.clone_from(&before.groups);
            }
        }
        if let Some((groups, dropped)) = self.kept_groups(&mapped.identity) {
            mapped.identity.groups = groups;
            mapped.groups_dropped = dropped;
        }
        Ok(Known { identity: mapped.identity, groups_dropped: mapped.groups_dropped })
    }

    /// The claims of an OpenID Connect provider, and the groups as it names them, when it says anything of them.
    async fn oidc_claims(
        &self,
        discovery: &Discovery,
        granted: &Granted,
        before: Option<&Identity>,
    ) -> Result<(Map<String, Value>, Option<Vec<Value>>), OidcError> {
        // What only an ID token says stays as it was.
        let remembered = || before.map(|before| before.claims.clone().into_iter().collect());
        let mut claims: Map<String, Value> = granted.id_token.clone().or_else(remembered).unwrap_or_default();
        let subject = claims.get("sub").and_then(Value::as_str).or(before.map(|before| before.subject.as_str()));
        let subject = subject.ok_or_else(|| IdentityError::Claim("sub".to_owned()))?.to_owned();
        let user_info = if granted.id_token.is_none() || identity::lacks(&self.settings, &claims) {
            self.user_info(discovery, &granted.access_token, &subject).await?
        } else {
            None
        };
        if user_info.is_none() && (granted.id_token.is_none() || self.settings.groups == GroupSource::UserInfo) {
            return Err(OidcError::UserInfo(Failure::cause("the provider has no userinfo endpoint")));
        }
        let said = Said {
            id_token: granted.id_token.as_ref(),
            user_info: user_info.as_ref(),
            access_token: &granted.access_token,
        };
        let named = self.named_groups(&said).await?;
        match user_info {
            Some(more) if granted.id_token.is_none() => identity::renew(&mut claims, more),
            Some(more) => identity::complete(&mut claims, more),
            None => {}
        }
        claims.insert("sub".to_owned(), Value::String(subject));
        Ok((claims, named))
    }

    /// What the userinfo endpoint says; `None` when there is no such endpoint.
    async fn user_info(
        &self,
        discovery: &Discovery,
        access_token: &Secret,
        subject: &str,
    ) -> Result<Option<Map<String, Value>>, OidcError> {
        let client = self.client(&*discovery.document().await?);
        if client.user_info_url().is_none() {
            return Ok(None);
        }
        let token = AccessToken::new(access_token.expose().to_owned());
        let request = client
            .user_info(token, Some(SubjectIdentifier::new(subject.to_owned())))
            .map_err(|error| OidcError::UserInfo(error.into()))?;
        let answer: UserInfoClaims<AnyClaims, CoreGenderClaim> =
            request.request_async(&discovery.http).await.map_err(|error| {
                let cause = Failure::cause(chain(&error));
                match error {
                    UserInfoError::Response(status, ..) if status.as_u16() == 401 => OidcError::UserInfoRefused(cause),
                    UserInfoError::ClaimsVerification(ClaimsVerificationError::InvalidSubject(_)) => {
                        IdentityError::AnotherPerson.into()
                    }
                    _ => OidcError::UserInfo(cause),
                }
            })?;
        match serde_json::to_value(&answer) {
            Ok(Value::Object(claims)) => Ok(Some(claims)),
            _ => Ok(Some(Map::new())),
        }
    }
}
