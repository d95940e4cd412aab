//! How we prove to a token endpoint that we are its client, by a signature (RFC 7523, OpenID Connect Core 1.0, section 9).

use std::time::Duration;

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use serde_json::json;

use super::Provider;
use super::discovery::Metadata;
use super::error::OidcError;
use crate::config::ClientAuthentication;
use crate::random;

/// The type of assertion.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion counts.
const LIFETIME: Duration = Duration::from_secs(60);

/// How far the provider's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(10);

impl Provider {
    /// The assertion for a request to the token endpoint of `document`; `None` when we have no key there. It is a parameter
    /// (`client_assertion`) of every request to that endpoint, beside `client_assertion_type`.
    pub(super) fn client_assertion(&self, document: &Metadata, now: Timestamp) -> Result<Option<Secret>, OidcError> {
        let ClientAuthentication::Key(key) = &self.settings.client_authentication else { return Ok(None) };
        let token_endpoint = document.token_endpoint().map(|endpoint| endpoint.as_str()).unwrap_or_default();
        let claims = json!({
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": token_endpoint,
            "jti": random::secret("")?,
            "iat": now.before(SKEW).seconds(),
            "exp": now.after(LIFETIME).seconds(),
        });
        Ok(Some(key.sign(&claims)?))
    }
}
