//! Sign-in at identity providers: by OpenID Connect (authorization code with PKCE, state and nonce), and at GitHub, whose
//! OAuth knows no ID tokens. What a provider says is believed only as far as the configuration goes.
//!
//! ```text
//! begin ─▶ (browser at the provider) ─▶ finish ─▶ trade the code: Granted ─▶ Provider::identity ─▶ Identity
//!                                         refresh at the provider: Granted ─▶ Provider::identity ─▶ Identity
//! ```

mod client_key;
mod demand;
mod discovery;
mod error;
mod flow;
mod granted;
mod group_file;
mod http;
mod identity;
mod logout;
mod logout_token;
mod recheck;

use kubegate_core::secret::Secret;
use openidconnect::RedirectUrl;

pub use self::client_key::ClientKey;
pub use self::demand::{Demand, Shown, UNMET};
use self::discovery::Discovery;
pub use self::error::{IdentityError, OidcError};
pub use self::flow::{Answer, Finished};
pub use self::granted::{Granted, Known};
pub use self::group_file::GroupFile;
pub use self::logout_token::InvalidLogoutToken;
pub use self::recheck::{AskError, Asked};
use crate::config::{ClientAuthentication, Issuer, Kind, Provider as Settings};
use crate::seal::Sealer;
use crate::store::Store;

/// One identity provider.
pub struct Provider {
    settings: Settings,
    protocol: Protocol,
    redirect: RedirectUrl,
    store: Store,
    sealer: Sealer,
}

/// What a provider speaks, and what is kept for it.
enum Protocol {
    Oidc(Discovery),
}

impl Provider {
    /// A provider of the configuration. Nothing is asked of it before somebody signs in.
    ///
    /// # Errors
    /// When its certificate authorities cannot be used.
    pub fn new(settings: Settings, issuer: &Issuer, store: Store, sealer: Sealer) -> Result<Self, OidcError> {
        let redirect = format!("{}/callback/{}", issuer.as_str(), settings.id);
        let redirect = RedirectUrl::new(redirect).map_err(|error| OidcError::Unavailable(error.into()))?;
        let protocol = match &settings.kind {
            Kind::Oidc(oidc) => Protocol::Oidc(Discovery::new(&oidc.issuer, &settings)?),
            Kind::Github(_) => return Err(OidcError::Unavailable(error::Failure::cause("not yet"))),
        };
        Ok(Self { settings, protocol, redirect, store, sealer })
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

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn client_secret(&self) -> Option<&Secret> {
        match &self.settings.client_authentication {
            ClientAuthentication::Secret { secret, .. } => Some(secret),
            ClientAuthentication::Key(_) | ClientAuthentication::None => None,
        }
    }
}

/// All identity providers.
#[derive(Default)]
pub struct Providers(Vec<Provider>);

impl Providers {
    /// The given providers.
    #[must_use]
    pub fn new(providers: Vec<Provider>) -> Self {
        Self(providers)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The provider with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.id() == id)
    }

    /// All of them, in the order of the configuration.
    pub fn all(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}
