//! The way to a provider's own logout (OpenID Connect RP-Initiated Logout 1.0).

use openidconnect::ClientId;
use openidconnect::{CsrfToken, LogoutRequest, PostLogoutRedirectUrl};
use url::Url;

use super::error::OidcError;
use super::{Protocol, Provider};
use crate::store::sign_in::SignIn;

/// The longest ID token that is sent as a hint: a longer one makes URLs that servers refuse.
const LONGEST_HINT: usize = 4096;

impl Provider {
    /// Where to send a browser so that the person is signed out at the provider too, and comes back to `back` with `state`;
    /// `None` when the provider has no such page, or the configuration does not want it.
    ///
    /// # Errors
    /// When the provider's discovery document cannot be had, or what it left with us cannot be read.
    pub async fn logout_url(&self, sign_in: &SignIn, back: &str, state: &str) -> Result<Option<Url>, OidcError> {
        if !self.settings.recheck.logout_at_provider {
            return Ok(None);
        }
        let Protocol::Oidc(discovery) = &self.protocol;
        let document = discovery.document().await?;
        let Some(endpoint) = document.additional_metadata().end_session_endpoint.clone() else {
            return Ok(None);
        };
        if !matches!(endpoint.url().scheme(), "https" | "http") {
            return Ok(None);
        }
        let back = PostLogoutRedirectUrl::new(back.to_owned()).map_err(|error| OidcError::Unavailable(error.into()))?;
        let mut url = LogoutRequest::from(endpoint)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(back)
            .set_state(CsrfToken::new(state.to_owned()))
            .http_get_url();
        if let Some(hint) = self.open_left(sign_in)?.id_token.filter(|token| token.len() <= LONGEST_HINT) {
            url.query_pairs_mut().append_pair("id_token_hint", &hint);
        }
        Ok(Some(url))
    }
}
