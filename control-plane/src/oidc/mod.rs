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
pub(crate) mod http;
mod identity;
mod live_file;
mod logout;
mod logout_token;
mod recheck;

use kubegate_core::secret::Secret;
use openidconnect::RedirectUrl;

pub use self::client_key::ClientKey;
pub use self::demand::{Demand, Shown, UNMET, Unmet};
use self::discovery::Discovery;
pub use self::discovery::Standing;
pub use self::error::{IdentityError, OidcError};
pub use self::flow::{Answer, Finished};
use self::github::Github;
pub use self::granted::{Granted, Known};
pub use self::group_file::GroupFile;
pub use self::http::HttpError;
use self::live_file::LiveGroupFile;
pub use self::logout_token::{InvalidDocument, InvalidLogoutToken};
pub use self::recheck::{AskError, Asked};
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
    Oidc(Box<Discovery>),
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
            Kind::Oidc(oidc) => Protocol::Oidc(Box::new(Discovery::new(&oidc.issuer, &settings)?)),
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

    /// Its issuer; of GitHub the address where people sign in.
    #[must_use]
    pub fn issuer(&self) -> &str {
        match &self.settings.kind {
            Kind::Oidc(oidc) => &oidc.issuer,
            Kind::Github(github) => &github.url,
        }
    }

    /// How its discovery document was answered so far; GitHub has none. It is not asked for this.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match &self.protocol {
            Protocol::Oidc(discovery) => discovery.standing(),
            Protocol::Github(_) => Standing::default(),
        }
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

    /// Whether it can be told who is to sign in there (`login_hint`).
    #[must_use]
    pub fn takes_login_hint(&self) -> bool {
        let configured = self.settings.extra_parameters.iter().any(|(name, _)| name == "login_hint");
        matches!(self.protocol, Protocol::Oidc(_)) && !configured
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

    /// The provider that the domain of an e-mail address chooses.
    #[must_use]
    pub fn of_address(&self, address: &str) -> Option<&Provider> {
        let domain = address.rsplit_once('@')?.1.to_ascii_lowercase();
        self.0.iter().find(|provider| provider.settings.domains.contains(&domain))
    }

    /// Whether an e-mail address may choose a provider at all.
    #[must_use]
    pub fn choose_by_address(&self) -> bool {
        self.0.iter().any(|provider| !provider.settings.domains.is_empty())
    }

    /// All of them, in the order of the configuration.
    pub fn all(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}
