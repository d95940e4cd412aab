//! The authorization code flow: out to the provider and back.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
    CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, NonceVerifier, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, Scope, SignatureVerificationError, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::demand::Demand;
use super::discovery::{Metadata, answers_name_the_issuer};
use super::error::{Failure, OidcError};
use super::recheck::Left;
use super::{ClientAuthentication, Discovery, Granted, Protocol, Provider, client_assertion};
use crate::config::{Kind, SecretMethod};
use crate::person::Identity;
use crate::random;
use crate::store::login_state::{self, LoginState};
use crate::store::sign_in::SignIn;
use crate::store::{SecretHash, StoreError};
use crate::telemetry::chain;

/// How long a person may take at the provider.
const LIFETIME: Duration = Duration::from_secs(600);

/// Signatures that an ID token may have: public keys only, never a shared secret or none.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What the provider sent the browser back with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The state that we sent.
    pub state: Option<&'a str>,
    /// The code.
    pub code: Option<&'a str>,
    /// Who answers (RFC 9207).
    pub issuer: Option<&'a str>,
    /// What went wrong.
    pub error: Option<&'a str>,
    /// The same, in words.
    pub error_description: Option<&'a str>,
}

/// A sign-in that has succeeded.
#[derive(Debug)]
pub struct Finished {
    /// Who it is.
    pub identity: Identity,
    /// When the person last proved it, if the provider says so.
    pub auth_time: Option<Timestamp>,
    /// Where it was begun for.
    pub return_to: String,
    /// Whether the person chose it on our own page.
    pub chosen: bool,
    /// How many groups have names that cannot be passed on.
    pub groups_dropped: u64,
    /// What the provider left with us.
    pub sign_in: SignIn,
}

/// What has to be remembered while the person is away.
#[derive(Serialize, Deserialize)]
struct Memory {
    nonce: String,
    verifier: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct AnyClaims(Map<String, Value>);

impl AdditionalClaims for AnyClaims {}

impl Provider {
    /// Begins a sign-in of `browser` that shall meet `demand`; returns where to send it.
    ///
    /// # Errors
    /// When the provider or the store is not there.
    pub async fn begin(
        &self,
        browser: &Secret,
        return_to: &str,
        demand: &Demand,
        chosen: bool,
        now: Timestamp,
    ) -> Result<Url, OidcError> {
        let known = match &self.protocol {
            Protocol::Oidc(discovery) => {
                let document = discovery.document().await?;
                Some((self.client(&document), self.scopes()))
            }
            Protocol::Github(_) => None,
        };
        let (state, nonce, verifier) = (random::secret("")?, random::secret("")?, random::secret("")?);
        let memory = Memory { nonce: nonce.clone(), verifier: verifier.clone() };
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
        let hash = SecretHash::of(&state);
        let memory = serde_json::to_vec(&memory).map_err(|source| StoreError::Corrupt { what: "sign-in", source })?;
        let login = LoginState {
            provider: self.id().to_owned(),
            browser: SecretHash::of(browser.expose()),
            sealed: self.sealer.seal(&place(hash), &memory)?,
            return_to: return_to.to_owned(),
            chosen,
            expires_at: now.after(LIFETIME),
        };
        let mut tx = self.store.write().await?;
        login_state::insert(&mut tx, hash, &login, now).await?;
        tx.commit().await?;
        let mut url = match (&self.protocol, known) {
            (Protocol::Github(github), _) => {
                github.authorization_url(&self.settings, self.redirect.as_str(), &state, &challenge)?
            }
            (Protocol::Oidc(_), known) => {
                let (client, scopes) = known.ok_or(OidcError::State)?;
                client
                    .authorize_url(
                        CoreAuthenticationFlow::AuthorizationCode,
                        || CsrfToken::new(state),
                        || Nonce::new(nonce),
                    )
                    .add_scopes(scopes)
                    .set_pkce_challenge(challenge)
                    .url()
                    .0
            }
        };
        let asked = demand.parameters();
        let extra = self.settings.extra_parameters.iter().map(|(name, value)| (name.as_str(), value.clone()));
        // What is demanded goes before what the configuration always asks for.
        let extra = extra.filter(|(name, _)| asked.iter().all(|(demanded, _)| demanded != name));
        url.query_pairs_mut().extend_pairs(extra.chain(asked.iter().cloned()));
        Ok(url)
    }

    /// Ends a sign-in of `browser` with the provider's answer.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn finish(&self, browser: &Secret, answer: Answer<'_>, now: Timestamp) -> Result<Finished, OidcError> {
        let state = SecretHash::of(answer.state.ok_or(OidcError::State)?);
        let mut tx = self.store.write().await?;
        let login = login_state::take(&mut tx, state, SecretHash::of(browser.expose()), self.id()).await?;
        tx.commit().await?;
        let login = login.filter(|login| now < login.expires_at).ok_or(OidcError::State)?;
        match answer.issuer {
            Some(issuer) if !self.is_issuer(issuer) => return Err(OidcError::Issuer),
            None if self.answers_name_it().await? => return Err(OidcError::IssuerMissing),
            _ => {}
        }
        if let Some(error) = answer.error {
            let description = answer.error_description.unwrap_or_default().chars().take(300).collect();
            let error = error.chars().take(60).collect();
            return Err(OidcError::Denied { error, description, return_to: login.return_to });
        }
        let code = answer.code.ok_or(OidcError::State)?;
        let memory = self.sealer.open(&place(state), &login.sealed)?;
        let memory: Memory =
            serde_json::from_slice(&memory).map_err(|source| StoreError::Corrupt { what: "sign-in", source })?;
        let granted = match &self.protocol {
            Protocol::Oidc(discovery) => self.trade(discovery, code, memory, now).await?,
            Protocol::Github(github) => github.trade(&self.github_form(code, &memory)).await?,
        };
        let known = self.identity(&granted, None).await?;
        let sign_in = self.sign_in(&granted, known.identity.person(), now)?;
        Ok(Finished {
            identity: known.identity,
            auth_time: granted.auth_time.map(|auth_time| auth_time.min(now)),
            return_to: login.return_to,
            chosen: login.chosen,
            groups_dropped: known.groups_dropped,
            sign_in,
        })
    }

    /// Whether an answer of this issuer (RFC 9207) is this provider's.
    fn is_issuer(&self, issuer: &str) -> bool {
        match (&self.settings.kind, &self.protocol) {
            (Kind::Oidc(oidc), _) => oidc.issuer == issuer,
            (_, Protocol::Github(github)) => github.is_issuer(issuer),
            (Kind::Github(_), Protocol::Oidc(_)) => false,
        }
    }

    /// Whether an answer that does not name its issuer cannot be this provider's (RFC 9207 section 2.4).
    async fn answers_name_it(&self) -> Result<bool, OidcError> {
        match &self.protocol {
            Protocol::Oidc(discovery) => Ok(answers_name_the_issuer(&*discovery.document().await?)),
            Protocol::Github(_) => Ok(false),
        }
    }

    fn github_form<'a>(&'a self, code: &'a str, memory: &'a Memory) -> [(&'static str, &'a str); 5] {
        [
            ("client_id", &self.settings.client_id),
            ("client_secret", self.client_secret().map(Secret::expose).unwrap_or_default()),
            ("code", code),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", &memory.verifier),
        ]
    }

    /// Trades the code for tokens, of which the ID token is verified.
    async fn trade(
        &self,
        discovery: &Discovery,
        code: &str,
        memory: Memory,
        now: Timestamp,
    ) -> Result<Granted, OidcError> {
        let document = discovery.document().await?;
        let client = self.client(&document);
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| OidcError::Unavailable(error.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(memory.verifier));
        let assertion = self.client_assertion(&document, now)?;
        if let Some(assertion) = &assertion {
            request = request
                .add_extra_param("client_assertion_type", client_assertion::TYPE)
                .add_extra_param("client_assertion", assertion.expose());
        }
        let response = request
            .request_async(&discovery.http)
            .await
            .map_err(|error| OidcError::Exchange(Failure::cause(chain(&error))))?;
        if response.id_token().is_none() {
            return Err(OidcError::IdToken(Failure::cause("the answer holds no ID token")));
        }
        self.granted(discovery, &response, &Nonce::new(memory.nonce)).await
    }

    /// What a token endpoint has answered; an ID token that it holds is verified.
    pub(super) async fn granted(
        &self,
        discovery: &Discovery,
        response: &CoreTokenResponse,
        nonce: impl NonceVerifier + Copy,
    ) -> Result<Granted, OidcError> {
        let access_token = Secret::from(response.access_token().secret().as_str());
        let left = Left::by(response);
        let Some(id_token) = response.id_token() else {
            return Ok(Granted { access_token, id_token: None, auth_time: None, left });
        };
        let client = self.client(&*discovery.document().await?);
        let auth_time = match verified(&client, id_token, response, nonce) {
            Ok(claims) => auth_time(claims),
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                // The provider may have new keys.
                let client = self.client(&*discovery.renewed().await?);
                let claims = verified(&client, id_token, response, nonce);
                auth_time(claims.map_err(|error| OidcError::IdToken(error.into()))?)
            }
            Err(error) => return Err(OidcError::IdToken(error.into())),
        };
        Ok(Granted { access_token, id_token: Some(payload(id_token)?), auth_time, left })
    }

    /// What to ask for.
    fn scopes(&self) -> Vec<Scope> {
        const OFFLINE: &str = "offline_access";
        let offline = self.settings.recheck.offline_access;
        let asked = self.settings.scopes.iter().map(String::as_str);
        let configured = asked.filter(|scope| *scope != "openid");
        let more = Some(OFFLINE).filter(|scope| offline && !self.settings.scopes.iter().any(|asked| asked == scope));
        configured.chain(more).map(|scope| Scope::new(scope.to_owned())).collect()
    }

    pub(super) fn client(&self, document: &Metadata) -> Client {
        let secret = self.client_secret().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let methods = document.token_endpoint_auth_methods_supported();
        let basic = match &self.settings.client_authentication {
            ClientAuthentication::Secret { method: Some(method), .. } => *method == SecretMethod::Basic,
            _ => methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic)),
        };
        CoreClient::from_provider_metadata(document.clone(), ClientId::new(self.settings.client_id.clone()), secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
    }
}

/// The claims of the ID token, when everything about it is right: signature, issuer, audience, times, nonce, and the
/// hash of the access token that came with it.
fn verified<'a>(
    client: &Client,
    id_token: &'a CoreIdToken,
    response: &CoreTokenResponse,
    nonce: impl NonceVerifier,
) -> Result<&'a CoreIdTokenClaims, ClaimsVerificationError> {
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    let claims = id_token.claims(&verifier, nonce)?;
    if let Some(expected) = claims.access_token_hash() {
        let actual = AccessTokenHash::from_token(
            response.access_token(),
            id_token.signing_alg().map_err(ClaimsVerificationError::SignatureVerification)?,
            id_token.signing_key(&verifier).map_err(ClaimsVerificationError::SignatureVerification)?,
        );
        if actual.ok().as_ref() != Some(expected) {
            return Err(ClaimsVerificationError::Other("at_hash does not fit the access token".to_owned()));
        }
    }
    Ok(claims)
}

/// When the person last proved who they are, if the ID token says so.
fn auth_time(claims: &CoreIdTokenClaims) -> Option<Timestamp> {
    let seconds = claims.auth_time()?.timestamp();
    u64::try_from(seconds).ok().map(Timestamp::from_seconds)
}

/// The claims of a verified ID token, as they stand in it.
fn payload(id_token: &CoreIdToken) -> Result<Map<String, Value>, OidcError> {
    let unreadable = || OidcError::IdToken(Failure::cause("the payload cannot be read"));
    let text = id_token.to_string();
    let payload = text.split('.').nth(1).ok_or_else(unreadable)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| unreadable())?;
    serde_json::from_slice(&payload).map_err(|_| unreadable())
}

fn place(state: SecretHash) -> String {
    format!("login_state/{}", URL_SAFE_NO_PAD.encode(state.as_bytes()))
}
