//! What a provider says about itself, with its keys: fetched when first needed, kept for an hour,
//! fetched again when a key is not known, and not asked for too often while it fails.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, IssuerUrl, LogoutProviderMetadata, ProviderMetadata};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::{Failure, OidcError};
use super::http::Http;
use crate::config::Provider;
use crate::telemetry::chain;

/// The discovery document.
pub(super) type Metadata = ProviderMetadata<
    LogoutProviderMetadata<Answers>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// How the provider answers authorization requests (RFC 9207 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Answers {
    #[serde(rename = "authorization_response_iss_parameter_supported", default)]
    name_the_issuer: Option<bool>,
}

impl AdditionalProviderMetadata for Answers {}

/// Whether every answer of the provider, also one that says no, names the provider.
pub(super) fn answers_name_the_issuer(document: &Metadata) -> bool {
    document.additional_metadata().additional_metadata.name_the_issuer == Some(true)
}

/// How long it is believed.
const KEEP: Duration = Duration::from_secs(3600);

/// How often it is fetched for keys that are not known, at most: whoever can send us tokens can make keys up.
const RENEW: Duration = Duration::from_secs(30);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The discovery document of one provider.
pub(super) struct Discovery {
    issuer: IssuerUrl,
    pub(super) http: Http,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    document: Option<(Arc<Metadata>, Instant)>,
    failures: u32,
    failed: Option<(Instant, String)>,
    /// The last failure of all, also when it went well since.
    last_failure: Option<(Instant, String)>,
    /// When it was last fetched for a key that was not known.
    renewed: Option<Instant>,
}

/// How a provider has answered so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is being asked in this moment, so that nothing else can be told.
    pub asking: bool,
    /// How long ago it last answered as it should, and with how many keys.
    pub answered: Option<(Duration, usize)>,
    /// How long ago it last did not, and why.
    pub failed: Option<(Duration, String)>,
}

impl Standing {
    /// Whether the last try went well; `None` when there was none yet.
    #[must_use]
    pub fn is_good(&self) -> Option<bool> {
        match (&self.answered, &self.failed) {
            (None, None) => None,
            (Some((answered, _)), Some((failed, _))) => Some(answered < failed),
            (answered, _) => Some(answered.is_some()),
        }
    }
}

impl Discovery {
    pub(super) fn new(issuer: &str, provider: &Provider) -> Result<Self, OidcError> {
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|error| OidcError::Unavailable(error.into()))?;
        let http = Http::new(provider).map_err(|error| OidcError::Unavailable(error.into()))?;
        Ok(Self { issuer, http, state: Mutex::default() })
    }

    /// The document. An old one is better than none.
    pub(super) async fn document(&self) -> Result<Arc<Metadata>, OidcError> {
        self.document_not_older_than(|_| KEEP).await
    }

    /// The document, fetched again because a key in it is not known.
    pub(super) async fn renewed(&self) -> Result<Arc<Metadata>, OidcError> {
        self.document_not_older_than(State::renew).await
    }

    async fn document_not_older_than(
        &self,
        age: impl FnOnce(&mut State) -> Duration,
    ) -> Result<Arc<Metadata>, OidcError> {
        let mut state = self.state.lock().await;
        let age = age(&mut state);
        if let Some((document, fetched)) = &state.document
            && fetched.elapsed() < age
        {
            return Ok(Arc::clone(document));
        }
        let fetched = match state.pause() {
            Some(problem) => Err(problem),
            None => self.fetch(&mut state).await,
        };
        match (fetched, &state.document) {
            (Ok(document), _) => Ok(document),
            (Err(problem), Some((document, _))) => {
                tracing::warn!(issuer = %self.issuer.as_str(), problem, "a provider's discovery document could not be renewed");
                Ok(Arc::clone(document))
            }
            (Err(problem), None) => Err(OidcError::Unavailable(Failure::cause(problem))),
        }
    }

    /// How the provider has answered so far. It is not asked for this.
    pub(super) fn standing(&self) -> Standing {
        let Ok(state) = self.state.try_lock() else {
            return Standing { asking: true, ..Standing::default() };
        };
        let keys = |document: &Metadata| document.jwks().keys().len();
        Standing {
            asking: false,
            answered: state.document.as_ref().map(|(document, fetched)| (fetched.elapsed(), keys(document))),
            failed: state.last_failure.as_ref().map(|(at, why)| (at.elapsed(), why.clone())),
        }
    }

    async fn fetch(&self, state: &mut State) -> Result<Arc<Metadata>, String> {
        match Metadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(document) => {
                let document = Arc::new(document);
                state.document = Some((Arc::clone(&document), Instant::now()));
                (state.failures, state.failed) = (0, None);
                Ok(document)
            }
            Err(error) => {
                let problem = chain(&error);
                state.failures = state.failures.saturating_add(1);
                state.failed = Some((Instant::now(), problem.clone()));
                state.last_failure.clone_from(&state.failed);
                Err(problem)
            }
        }
    }
}

impl State {
    /// How old the document may be when a key in it is not known: the first time in a while, not at all. A provider that
    /// changes its keys signs with the new one at once.
    fn renew(&mut self) -> Duration {
        if self.renewed.is_some_and(|renewed| renewed.elapsed() < RENEW) {
            return RENEW;
        }
        self.renewed = Some(Instant::now());
        Duration::ZERO
    }

    /// The last failure, while it is too early to try again.
    fn pause(&self) -> Option<String> {
        let (failed, problem) = self.failed.as_ref()?;
        let pause = Duration::from_secs(1 << self.failures.saturating_sub(1).min(5)).min(LONGEST_PAUSE);
        (failed.elapsed() < pause).then(|| problem.clone())
    }
}
