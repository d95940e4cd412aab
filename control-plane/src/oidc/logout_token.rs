//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4): read, and verified in full.

mod document;

use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use super::error::OidcError;
use super::flow::ALGORITHMS;
use super::{Protocol, Provider};
use crate::config::Kind;
use crate::session::{LEEWAY, LogoutToken};
use crate::store::SecretHash;
use document::{Document, Expected, FRESH};

pub use document::InvalidDocument;

/// Why a logout token is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLogoutToken {
    /// It is wrong in itself.
    #[error(transparent)]
    Document(#[from] InvalidDocument),
    /// The provider's keys cannot be had.
    #[error(transparent)]
    Provider(#[from] OidcError),
}

impl Provider {
    /// Reads a logout token, and verifies everything about it but whether it was taken before. Keys that are not known are
    /// fetched only when `may_fetch`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn logout_token(
        &self,
        token: &str,
        may_fetch: bool,
        now: Timestamp,
    ) -> Result<LogoutToken, InvalidLogoutToken> {
        let token = Document::parse(token, &ALGORITHMS)?;
        let (Protocol::Oidc(discovery), Kind::Oidc(oidc)) = (&self.protocol, &self.settings.kind) else {
            return Err(InvalidDocument::Malformed("this provider has none").into());
        };
        let known = discovery.document().await?;
        let keys = known.jwks().keys();
        // The provider may have new keys; one that does not say which it uses may, too.
        let renew = may_fetch && (!token.has_key(keys) || (!token.names_key() && !token.is_signed_by(keys)));
        let document = if renew { discovery.renewed().await? } else { known };
        let expected =
            Expected { issuer: &oidc.issuer, client_id: self.settings.client_id.as_str(), leeway: LEEWAY, now };
        let claims = token.claims(document.jwks().keys(), &expected)?;
        Ok(LogoutToken {
            provider: self.id().to_owned(),
            sid: claims.sid,
            person: claims.subject.map(|subject| PersonId::from(format!("{}:{subject}", self.id()))),
            jti: SecretHash::of(&claims.jti),
            until: claims.made.after(FRESH).after(LEEWAY),
        })
    }
}
