//! Sign-in by OpenID Connect: authorization code with PKCE, state and nonce, at any provider of the
//! configuration. What a provider says is believed only as far as the configuration goes.

mod demand;
mod discovery;
mod error;
mod flow;
mod http;
mod identity;

use kubegate_core::secret::Secret;
use openidconnect::RedirectUrl;

pub use self::demand::{Demand, Shown, UNMET};
use self::discovery::Discovery;
pub use self::error::{IdentityError, OidcError};
pub use self::flow::{Answer, Finished};
use crate::config::{Issuer, Provider};
use crate::seal::Sealer;
use crate::store::Store;

/// One identity provider.
pub struct OidcProvider {
    settings: Provider,
    redirect: RedirectUrl,
    discovery: Discovery,
    store: Store,
    sealer: Sealer,
}

impl OidcProvider {
    /// A provider of the configuration. Nothing is asked of it before somebody signs in.
    ///
    /// # Errors
    /// When its certificate authorities cannot be used.
    pub fn new(settings: Provider, issuer: &Issuer, store: Store, sealer: Sealer) -> Result<Self, OidcError> {
        let redirect = format!("{}/callback/{}", issuer.as_str(), settings.id);
        let redirect = RedirectUrl::new(redirect).map_err(|error| OidcError::Unavailable(error.into()))?;
        let discovery = Discovery::new(&settings)?;
        Ok(Self { settings, redirect, discovery, store, sealer })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// What people know it as.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether its people may allow a machine without a browser to act for them.
    #[must_use]
    pub fn device_flow(&self) -> bool {
        self.settings.device_flow
    }

    fn client_secret(&self) -> Option<&Secret> {
        self.settings.client_secret.as_ref()
    }
}

/// All identity providers.
#[derive(Default)]
pub struct Providers(Vec<OidcProvider>);

impl Providers {
    /// The given providers.
    #[must_use]
    pub fn new(providers: Vec<OidcProvider>) -> Self {
        Self(providers)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The provider with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&OidcProvider> {
        self.0.iter().find(|provider| provider.id() == id)
    }

    /// All of them, in the order of the configuration.
    pub fn all(&self) -> impl Iterator<Item = &OidcProvider> {
        self.0.iter()
    }
}
