//! The keys of an issuer of workloads' tokens: fetched when first needed, kept for an hour, fetched again when a key is
//! not known, and not asked for too often while that fails. Who shows a token of a key that is known waits for nobody.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJsonWebKeyUse};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::token::Shown;
use crate::oidc::HttpError;
use crate::oidc::http::Http;
use crate::telemetry::chain;

/// How long keys are believed.
const KEEP: Duration = Duration::from_secs(3600);

/// How often keys are fetched at most, however unknown a key is.
const RENEW: Duration = Duration::from_secs(30);

/// The same of a file, which costs nobody anything.
const RENEW_FILE: Duration = Duration::from_secs(1);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Where its discovery document says.
    Discovery(String),
    /// At a URL.
    Url(String),
    /// In a file, which is read again when a key is not known.
    File(PathBuf),
}

/// The keys of an issuer.
pub(super) struct Keys {
    source: KeySource,
    http: Http,
    known: RwLock<Option<(Arc<CoreJsonWebKeySet>, Instant)>>,
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    count: u32,
    last: Option<(Instant, String)>,
}

/// Why a signature is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Unverified {
    /// The issuer has no such key.
    #[error("its issuer has no key of the id that it names")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// The keys could not be had.
    #[error("the keys of its issuer cannot be had: {0}")]
    Unavailable(String),
}

/// What discovery has to say (OpenID Connect Discovery 1.0 section 3). Issuers that sign nobody in say no more.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Keys {
    pub(super) fn new(source: KeySource, authorities: Option<&str>) -> Result<Self, HttpError> {
        Ok(Self { source, http: Http::trusting(authorities)?, known: RwLock::default(), failures: Mutex::default() })
    }

    /// Verifies the signature of what was shown.
    pub(super) async fn verify(&self, shown: &Shown<'_>) -> Result<(), Unverified> {
        let keys = self.not_older_than(KEEP).await?;
        let keys = if find(&keys, &shown.kid).is_some() { keys } else { self.not_older_than(self.renew()).await? };
        let key = find(&keys, &shown.kid).ok_or(Unverified::UnknownKey)?;
        let verified = key.verify_signature(&shown.algorithm, shown.signed.as_bytes(), &shown.signature);
        verified.map_err(|_| Unverified::Signature)
    }

    fn renew(&self) -> Duration {
        if matches!(self.source, KeySource::File(_)) { RENEW_FILE } else { RENEW }
    }

    async fn not_older_than(&self, age: Duration) -> Result<Arc<CoreJsonWebKeySet>, Unverified> {
        if let Some(keys) = self.known(Some(age)) {
            return Ok(keys);
        }
        let mut failures = self.failures.lock().await;
        // Somebody else may have fetched them meanwhile.
        if let Some(keys) = self.known(Some(age)) {
            return Ok(keys);
        }
        let problem = match failures.pause() {
            Some(problem) => problem,
            None => match self.fetch().await {
                Ok(keys) => {
                    *failures = Failures::default();
                    let keys = Arc::new(keys);
                    let known = Some((Arc::clone(&keys), Instant::now()));
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
                    return Ok(keys);
                }
                Err(problem) => {
                    tracing::warn!(source = ?self.source, problem, "the keys of an issuer of workloads' tokens cannot be had");
                    failures.count = failures.count.saturating_add(1);
                    failures.last = Some((Instant::now(), problem.clone()));
                    problem
                }
            },
        };
        // Old ones are better than none.
        self.known(None).ok_or(Unverified::Unavailable(problem))
    }

    fn known(&self, age: Option<Duration>) -> Option<Arc<CoreJsonWebKeySet>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (keys, fetched) = known.as_ref()?;
        age.is_none_or(|age| fetched.elapsed() < age).then(|| Arc::clone(keys))
    }

    async fn fetch(&self) -> Result<CoreJsonWebKeySet, String> {
        let url = match &self.source {
            KeySource::File(path) => {
                let text = tokio::fs::read(path).await.map_err(|error| format!("{}: {error}", path.display()))?;
                return serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()));
            }
            KeySource::Url(url) => url.clone(),
            KeySource::Discovery(issuer) => self.discover(issuer).await?,
        };
        self.get(&url).await
    }

    async fn discover(&self, issuer: &str) -> Result<String, String> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.get(&url).await?;
        if metadata.issuer != issuer {
            return Err(format!("{url} is of another issuer, {:?}", metadata.issuer));
        }
        match Url::parse(&metadata.jwks_uri) {
            // What the document came by is good enough for the keys.
            Ok(uri) if uri.scheme() == "https" || issuer.starts_with("http:") => Ok(metadata.jwks_uri),
            _ => Err(format!("{url} says that the keys are at {:?}, which is not on https", metadata.jwks_uri)),
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let body = self.http.get(url).await.map_err(|error| format!("{url}: {}", chain(&error)))?;
        serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))
    }
}

impl Failures {
    /// The last failure, while it is too early to try again.
    fn pause(&self) -> Option<String> {
        let (failed, problem) = self.last.as_ref()?;
        let pause = Duration::from_secs(1 << self.count.saturating_sub(1).min(5)).min(LONGEST_PAUSE);
        (failed.elapsed() < pause).then(|| problem.clone())
    }
}

/// The key of this id, when it is one for signatures. SPIFFE calls those `jwt-svid`.
fn find<'a>(keys: &'a CoreJsonWebKeySet, kid: &str) -> Option<&'a CoreJsonWebKey> {
    let signs = |key: &CoreJsonWebKey| match key.key_use() {
        None | Some(CoreJsonWebKeyUse::Signature) => true,
        Some(CoreJsonWebKeyUse::Other(usage)) => usage == "jwt-svid",
        Some(_) => false,
    };
    keys.keys().iter().find(|key| key.key_id().is_some_and(|id| id.as_str() == kid) && signs(key))
}
