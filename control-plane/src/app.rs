//! What runs: its state, how it starts, and how it stops.

use std::borrow::Cow;
use std::sync::Arc;

use kubegate_core::policy::Policy;
use kubegate_core::rule::{Cluster, Person, Who};
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use kubegate_core::token::SERVICE_ACCOUNTS;
use tokio::sync::watch;

use crate::accounts::limiter::Limiter;
use crate::accounts::{self, Accounts};
use crate::clock::Clock;
use crate::config::{Config, Gateway, Issuer, Pomerium};
use crate::elevation::{Elevation, Elevations};
use crate::http::{Cookies, Failures, Forms};
use crate::oidc::{HttpError, OidcError, Provider, Providers};
use crate::person::Identity;
use crate::policy::{
    self, Authored, Bundle, Exporter, InForce, PomeriumSigner, PublishError, Publisher, Signer, Standing,
};
use crate::polls::Polls;
use crate::recheck::Rechecks;
use crate::scim::{Directories, Provisioning};
use crate::seal::Sealer;
use crate::session::{Review, SessionError, Sessions, UserCodes};
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;
use crate::token::{KeyError, Minter, Purpose, Schedule, TokenKeys};
use crate::workload::Workloads;

/// What requests are answered with.
pub struct App {
    pub(crate) issuer: Issuer,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
    pub(crate) elevations: Elevations,
    pub(crate) accounts: Accounts,
    pub(crate) providers: Providers,
    pub(crate) scim: Provisioning,
    pub(crate) scim_failures: Limiter,
    pub(crate) rechecks: Rechecks,
    pub(crate) workloads: Workloads,
    pub(crate) workload_failures: Limiter,
    pub(crate) token_keys: Arc<TokenKeys>,
    pub(crate) minter: Minter,
    pub(crate) bundle: watch::Receiver<Arc<Bundle>>,
    pub(crate) exporter: Exporter,
    pub(crate) policy_status: watch::Receiver<policy::Status>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) cookies: Cookies,
    pub(crate) forms: Forms,
    pub(crate) user_codes: UserCodes,
    pub(crate) user_code_tries: Limiter,
    pub(crate) logout_failures: Failures,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) polls: Polls,
    pub(crate) admins: Who,
    pub(crate) trusted_proxy_hops: usize,
    pub(crate) pomerium: Option<Pomerium>,
    pub(crate) pomerium_keys: Option<Arc<TokenKeys>>,
}

/// The control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token keys failed.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The bundle could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A provider cannot be used.
    #[error("the provider {id:?} cannot be used: {source}")]
    Provider {
        /// Its id.
        id: String,
        /// Why.
        #[source]
        source: OidcError,
    },
    /// An issuer of workloads' tokens cannot be used.
    #[error("the workload issuer {id:?} cannot be used: {source}")]
    Workload {
        /// Its id.
        id: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The sessions could not be compared with the configuration.
    #[error(transparent)]
    Sessions(#[from] SessionError),
}

/// The senders that keep an app going.
pub struct Controls {
    /// Publishes the bundle.
    pub publisher: Publisher,
    /// Tells how the policy file stands.
    pub standing: Standing,
    /// Tells that it is time to stop.
    pub stopping: watch::Sender<bool>,
}

impl App {
    /// Opens the store and publishes the first bundle.
    ///
    /// # Errors
    /// When the store cannot be opened, or something in it does not go with the configuration.
    pub async fn open(
        mut config: Config,
        authored: Authored,
        clock: Clock,
    ) -> Result<(Arc<Self>, Controls), StartError> {
        let now = clock.now();
        let metrics = Arc::new(Metrics::default());
        let store = Store::open(&config.store).await?;
        let old = config.old_encryption_keys.iter();
        let sealer = old.fold(Sealer::new(config.encryption_key.expose()), |sealer, old| sealer.opening(old.expose()));
        let schedule = Schedule { rotate_every: config.rotate_every, keep: config.sessions.max_lifetime };
        let token_keys = match config.given_token_keys.take() {
            Some(given) => TokenKeys::given(store.clone(), sealer.clone(), schedule, given, now).await?,
            None => TokenKeys::open(store.clone(), sealer.clone(), schedule, now).await?,
        };
        let token_keys = Arc::new(token_keys);
        let pomerium = match config.pomerium {
            Some(ref settings) => {
                let schedule = Schedule { rotate_every: config.rotate_every, keep: settings.longest() };
                let keys = TokenKeys::open_for(Purpose::Pomerium, store.clone(), sealer.clone(), schedule, now).await?;
                Some(PomeriumSigner { keys: Arc::new(keys.telling(token_keys.changed())), settings: settings.clone() })
            }
            None => None,
        };
        let providers = providers(&config, &store, &sealer)?;
        let workloads = Workloads::new(config.workloads).map_err(|(id, source)| StartError::Workload { id, source })?;
        let accounts = Accounts::new(config.accounts);
        let directories = Arc::new(Directories::new(&config.providers));
        let sessions = Sessions::new(store.clone(), config.sessions, Arc::clone(&metrics));
        let sessions = sessions.with_directories(Arc::clone(&directories));
        let scim = Provisioning::new(store.clone(), sessions.clone(), directories, Arc::clone(&metrics));
        let elevations = Elevations::new(store.clone(), sessions.ended());
        let pomerium_settings = config.pomerium.as_ref();
        let stands = |identity: &Identity| stands(&accounts, &providers, &workloads, pomerium_settings, identity);
        let withdrawn = sessions.end_withdrawn(stands, now).await?;
        if withdrawn > 0 {
            tracing::info!(sessions = withdrawn, "ended sessions of accounts and providers that are no longer there");
        }
        let issuers = providers.all().map(|provider| (provider.id().to_owned(), provider.issuer().to_owned()));
        let of_workloads = workloads.settings().map(|settings| (settings.id.clone(), settings.issued_by.to_string()));
        sessions.end_of_other_issuers(&issuers.chain(of_workloads).collect::<Vec<_>>(), now).await?;
        scim.start(now).await?;
        let issuer = config.issuer;
        let mut minter = Minter::new(issuer.as_str().to_owned(), Arc::clone(&token_keys));
        if let Some(PomeriumSigner { keys, settings }) = &pomerium {
            let prefix = settings.service_accounts.as_ref().map(|accounts| accounts.user_prefix.clone());
            minter = minter.with_pomerium(Arc::clone(keys), prefix);
        }
        let signer = Signer::new(
            issuer.as_str().to_owned(),
            config.bundle_key,
            store.clone(),
            Arc::clone(&token_keys),
            Arc::clone(&metrics),
        );
        let pomerium_keys = pomerium.as_ref().map(|pomerium| Arc::clone(&pomerium.keys));
        let signer = Arc::new(signer.with_pomerium(pomerium));
        let (standing, policy_status) = Standing::new(Arc::clone(&metrics));
        let (publisher, bundle) =
            Publisher::start(Arc::clone(&signer), clock.clone(), Arc::clone(&metrics), standing.clone(), authored)
                .await?;
        let exporter = Exporter::new(signer, bundle.clone(), sessions.ended());
        let (stopping, stopping_receiver) = watch::channel(false);
        let app = Self {
            cookies: Cookies::new(issuer.is_secure()),
            forms: Forms::new(&sealer),
            user_codes: UserCodes::new(&sealer),
            user_code_tries: Limiter::default(),
            logout_failures: Failures::default(),
            minter,
            issuer,
            clock,
            metrics,
            store,
            sessions,
            elevations,
            accounts,
            rechecks: Rechecks::new(providers.all().map(Provider::id)),
            providers,
            scim,
            scim_failures: Limiter::default(),
            workloads,
            workload_failures: Limiter::default(),
            token_keys,
            exporter,
            bundle,
            policy_status,
            stopping: stopping_receiver,
            gateways: config.gateways,
            polls: Polls::new(now),
            admins: config.admins,
            trusted_proxy_hops: config.trusted_proxy_hops,
            pomerium: config.pomerium,
            pomerium_keys,
        };
        Ok((Arc::new(app), Controls { publisher, standing, stopping }))
    }

    /// The policy in force.
    pub(crate) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.bundle.borrow().in_force)
    }

    /// The name of the gateway whose credential this is. All are compared, whichever it is.
    pub(crate) fn gateway(&self, credential: &Secret) -> Option<&str> {
        self.gateways.iter().fold(None, |found, gateway| {
            if gateway.is_shown_by(credential) { Some(gateway.name.as_str()) } else { found }
        })
    }

    /// Whether `admins` of the configuration names somebody who signed in, as that person is now: not who has left its
    /// groups, or is no longer there.
    pub(crate) fn is_administrator(&self, identity: &Identity) -> bool {
        match self.review(identity) {
            Review::Stands => self.admins.matches(&identity.as_rules_see()),
            Review::Changed(current) => self.admins.matches(&current.as_rules_see()),
            Review::Withdrawn => false,
        }
    }

    /// What people know a provider as.
    pub(crate) fn provider_name<'a>(&'a self, id: &'a str) -> &'a str {
        if id == accounts::PROVIDER {
            return "an account of this gateway";
        }
        self.providers.get(id).map_or(id, Provider::name)
    }

    /// Whether people of this provider may allow a machine without a browser to act for them.
    pub(crate) fn has_device_flow(&self, provider: &str) -> bool {
        let its = provider == accounts::PROVIDER || self.providers.get(provider).is_some_and(Provider::device_flow);
        self.sessions.limits().device_flow && its
    }

    /// Whether anybody may.
    pub(crate) fn offers_device_flow(&self) -> bool {
        let provider = self.providers.all().any(Provider::device_flow);
        self.sessions.limits().device_flow && (provider || !self.accounts.is_empty())
    }

    /// What has become of an identity since its sign-in.
    pub(crate) fn review(&self, identity: &Identity) -> Review {
        if identity.provider == SERVICE_ACCOUNTS {
            let stands = is_service_account(self.pomerium.as_ref(), identity);
            return if stands { Review::Stands } else { Review::Withdrawn };
        }
        if identity.provider != accounts::PROVIDER {
            if self.workloads.contains(&identity.provider) {
                return Review::Stands;
            }
            let Some(provider) = self.providers.get(&identity.provider) else { return Review::Withdrawn };
            return match provider.kept_groups(identity) {
                Some((groups, _)) if groups != identity.groups => {
                    Review::Changed(Box::new(Identity { groups, ..identity.clone() }))
                }
                _ => Review::Stands,
            };
        }
        match self.accounts.current(identity) {
            None => Review::Withdrawn,
            Some(current) if current == *identity => Review::Stands,
            Some(current) => Review::Changed(Box::new(current)),
        }
    }
}

/// The clusters that a rule gives somebody access to, who has these elevations.
pub(crate) fn clusters_of<'a>(
    policy: &'a Policy,
    identity: &Identity,
    elevations: &[Elevation],
    now: Timestamp,
) -> Vec<&'a Cluster> {
    let person = identity.as_rules_see();
    let concerned = |cluster: &&Cluster| {
        let lasting = elevations.iter().filter(|elevation| elevation.cluster == cluster.name && now < elevation.until);
        let extra: Vec<&String> = lasting.flat_map(|elevation| &elevation.groups).collect();
        let groups: Cow<'_, [String]> = match extra.as_slice() {
            [] => Cow::Borrowed(&identity.groups),
            extra => identity.groups.iter().chain(extra.iter().copied()).cloned().collect(),
        };
        policy.access(&Person { groups: &groups, ..person }, &cluster.name).is_concerned()
    };
    policy.clusters().iter().filter(concerned).collect()
}

/// Whether the configuration allows the service account that this is.
fn is_service_account(pomerium: Option<&Pomerium>, identity: &Identity) -> bool {
    let settings = pomerium.and_then(|pomerium| pomerium.service_accounts.as_ref());
    settings.is_some_and(|settings| identity.user.starts_with(&settings.user_prefix))
}

fn stands(
    accounts: &Accounts,
    providers: &Providers,
    workloads: &Workloads,
    pomerium: Option<&Pomerium>,
    identity: &Identity,
) -> bool {
    if identity.provider == SERVICE_ACCOUNTS {
        is_service_account(pomerium, identity)
    } else if identity.provider == accounts::PROVIDER {
        accounts.current(identity).is_some()
    } else {
        providers.get(&identity.provider).is_some() || workloads.contains(&identity.provider)
    }
}

fn providers(config: &Config, store: &Store, sealer: &Sealer) -> Result<Providers, StartError> {
    let providers = config.providers.iter().map(|settings| {
        let id = settings.id.clone();
        Provider::new(settings.clone(), &config.issuer, store.clone(), sealer.clone())
            .map_err(|source| StartError::Provider { id, source })
    });
    Ok(Providers::new(providers.collect::<Result<_, _>>()?))
}
