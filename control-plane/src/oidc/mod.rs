//! Sign-in at identity providers: by OpenID Connect (authorization code with PKCE, state and nonce), and at GitHub, whose
//! OAuth knows no ID tokens. What a provider says is believed only as far as the configuration goes.
//!
//! ```text
//! begin ─▶ (browser at the provider) ─▶ finish ─▶ trade the code: Granted ─▶ Provider::identity ─▶ Identity
//!                                         refresh at the provider: Granted ─▶ Provider::identity ─▶ Identity
//! ```

mod claims;
mod client_assertion;
mod client_key;
mod demand;
mod discovery;
mod error;
mod flow;
mod github;
mod granted;
mod graph;
mod group_file;
mod groups;
mod http;
mod identity;
mod live_file;

use kubegate_core::secret::Secret;
use openidconnect::RedirectUrl;

pub use self::client_key::ClientKey;
pub use self::demand::{Demand, Shown, UNMET};
use self::discovery::Discovery;
pub use self::error::{IdentityError, OidcError};
pub use self::flow::{Answer, Finished};
use self::github::Github;
pub use self::granted::{Granted, Known};
pub use self::group_file::GroupFile;
use self::live_file::LiveGroupFile;
use crate::config::{ClientAuthentication, GroupSource, Issuer, Kind, Provider as Settings};
use crate::seal::Sealer;
use crate::store::Store;

/// One identity provider.
pub struct Provider {
    settings: Settings,
    protocol: Protocol,
    group_file: Option<LiveGroupFile>,
    redirect: RedirectUrl,
    store: Store,
    sealer: Sealer,
}

/// What a provider speaks, and what is kept for it.
enum Protocol {
    Oidc(Discovery),
    Github(Github),
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
            Kind::Github(github) => Protocol::Github(Github::new(github.clone(), &settings)?),
        };
        let group_file = match &settings.groups {
            GroupSource::File(path) => {
                Some(LiveGroupFile::open(path.clone()).map_err(|error| OidcError::Groups(error.into()))?)
            }
            _ => None,
        };
        Ok(Self { settings, protocol, group_file, redirect, store, sealer })
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

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is wrong with its group file as that is now.
    #[must_use]
    pub fn group_file_problem(&self) -> Option<String> {
        self.group_file.as_ref()?.problem()
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
