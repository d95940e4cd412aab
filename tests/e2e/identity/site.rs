//! A provider with a gate of its own, started when the first test asks for it.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use kubegate_tests::account::Account;
use kubegate_tests::browser::{Browser, Login, Page};
use kubegate_tests::gate::{Differences, Gate};
use kubegate_tests::idp::{self, IdentityProvider, Idp, IdpAccount, Place, Registration};
use kubegate_tests::keycloak::Keycloak;
use kubegate_tests::person::Person;
use kubegate_tests::world::{CLUSTER_HOST, CONTROL_PLANE_HOST, World};
use kubegate_tests::{html, poll, port, raw};
use serde_json::{Value, json};

use super::recheck::Changed;

/// Whose provider.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    OidcProvider,
    Keycloak,
}

/// A provider, and a gate where people sign in with it.
pub(crate) struct Site {
    pub(crate) provider: Box<dyn IdentityProvider>,
    pub(crate) gate: Gate,
    pub(super) changed: Mutex<Changed>,
}

/// A site, or why it could not be started, which is tried once.
type Slot = Mutex<Option<Result<Arc<Site>, String>>>;

/// Those that have been asked for.
#[derive(Default)]
pub(crate) struct Sites {
    oidc_provider: Slot,
    keycloak: Slot,
}

/// The people of both: whoever is changed by a test is in no other.
const PEOPLE: [(&str, &[&str]); 7] = [
    ("dora", &["engineers", "on-call"]),
    ("erin", &[]),
    // Signs a machine in.
    ("mia", &["engineers"]),
    // Signs out.
    ("lou", &["engineers"]),
    // Is signed out.
    ("vera", &["engineers"]),
    // Leaves a group.
    ("gina", &["engineers", "on-call"]),
    // Leaves the company.
    ("dan", &["engineers"]),
];

impl Which {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OidcProvider => "oidc_provider",
            Self::Keycloak => "keycloak",
        }
    }

    /// How it is asked again about people. Keycloak tells nobody of the end of a session that `offline_access` made, and gives
    /// refresh tokens without it, too.
    fn recheck(self) -> Value {
        match self {
            Self::OidcProvider => json!({"every": "1m"}),
            Self::Keycloak => json!({"every": "1m", "offlineAccess": false}),
        }
    }
}

impl Sites {
    pub(crate) fn get(&self, world: &World, accounts: &[Account], which: Which) -> Arc<Site> {
        let mut site = self.slot(which).lock().unwrap_or_else(PoisonError::into_inner);
        let start = || Site::start(world, accounts, which).map(Arc::new).map_err(|error| format!("{error:?}"));
        site.get_or_insert_with(start).clone().unwrap_or_else(|error| panic!("{} did not start: {error}", which.name()))
    }

    /// Stops them.
    pub(crate) fn stop(&self) {
        for which in [Which::OidcProvider, Which::Keycloak] {
            drop(self.slot(which).lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    fn slot(&self, which: Which) -> &Slot {
        match which {
            Which::OidcProvider => &self.oidc_provider,
            Which::Keycloak => &self.keycloak,
        }
    }
}

impl Site {
    fn start(world: &World, accounts: &[Account], which: Which) -> Result<Self> {
        let name = format!("identity-{}", which.name());
        let dir = world.dir.join(&name).join("provider");
        fs::create_dir_all(&dir)?;
        let port = port::free()?;
        let public_url = format!("https://{CONTROL_PLANE_HOST}:{port}");
        let place = Place { public_url: &public_url, ca: &world.pki.ca };
        let people = PEOPLE.map(account);
        let began = Instant::now();
        let provider: Box<dyn IdentityProvider> = match which {
            Which::OidcProvider => Box::new(Idp::start(&dir, place, &people)?),
            Which::Keycloak => Box::new(Keycloak::start(&dir, place, &people)?),
        };
        let more = json!({"recheck": which.recheck()});
        let registration = Registration { more, ..provider.registration().clone() };
        eprintln!("{} answers after {:?}", which.name(), began.elapsed());
        let differences = Differences { idp: Some(&registration), port: Some(port), ..Differences::default() };
        let gate = Gate::start(world, &name, accounts, &differences)?;
        let changed = Mutex::new(Changed::begin(&gate, &*provider, world)?);
        Ok(Self { provider, gate, changed })
    }

    /// Where people reach the control plane.
    pub(crate) fn url(&self) -> String {
        format!("https://{CONTROL_PLANE_HOST}:{}", self.gate.port)
    }

    /// The page that the provider shows to whoever chooses it.
    pub(crate) fn ask(&self, browser: &Browser) -> Page {
        let page = browser.open(&format!("{}/login", self.url())).unwrap();
        let ours = format!("/login/{}", idp::PROVIDER);
        let link = html::links(&page.body).into_iter().find(|link| link.starts_with(&ours)).unwrap();
        browser.open(page.url.join(&link).unwrap().as_str()).unwrap()
    }

    /// What the gateway says of a token.
    pub(crate) fn status(&self, world: &World, token: &str) -> u16 {
        let authorization = format!("Authorization: Bearer {token}").into_bytes();
        let path = "/.kubegate/session";
        raw::get(&world.pki.ca, CLUSTER_HOST, self.gate.port, path, &[&authorization]).unwrap().status
    }

    /// Until the token is worth nothing at the gateway.
    pub(crate) fn until_ended(&self, world: &World, token: &str, limit: Duration) {
        poll::until("the end of the session", limit, || match self.status(world, token) {
            401 => Ok(()),
            status => Err(format!("still {status}")),
        })
        .unwrap();
    }

    /// Somebody of the provider's with a new computer.
    pub(crate) fn person(&self, world: &World, user: &str) -> Person {
        self.gate.person(world, login(user)).expect("a person's files can be written")
    }
}

/// What somebody types.
pub(crate) fn login(user: &str) -> Login {
    Login { user: user.to_owned(), password: format!("{user}-password"), provider: Some(idp::PROVIDER.to_owned()) }
}

fn account((user, groups): (&'static str, &[&str])) -> IdpAccount {
    IdpAccount {
        user,
        password: format!("{user}-password").leak(),
        claims: json!({
            "email": format!("{user}@company.example"), "email_verified": true, "name": user, "groups": groups,
        }),
    }
}
