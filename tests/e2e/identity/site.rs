//! A provider with a gate of its own, started when the first test asks for it.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use kubegate_tests::account::Account;
use kubegate_tests::browser::{Browser, Login, Page};
use kubegate_tests::gate::{Differences, Gate};
use kubegate_tests::idp::{self, IdentityProvider, Idp, IdpAccount, Place};
use kubegate_tests::keycloak::Keycloak;
use kubegate_tests::person::Person;
use kubegate_tests::port;
use kubegate_tests::world::{CONTROL_PLANE_HOST, World};
use serde_json::json;

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
}

/// Those that have been asked for.
#[derive(Default)]
pub(crate) struct Sites {
    oidc_provider: Mutex<Option<Arc<Site>>>,
    keycloak: Mutex<Option<Arc<Site>>>,
}

/// The people of both: whoever is changed by a test is in no other.
const PEOPLE: [(&str, &[&str]); 2] = [("dora", &["engineers", "on-call"]), ("erin", &[])];

impl Which {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OidcProvider => "oidc_provider",
            Self::Keycloak => "keycloak",
        }
    }
}

impl Sites {
    pub(crate) fn get(&self, world: &World, accounts: &[Account], which: Which) -> Arc<Site> {
        let mut site = self.slot(which).lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(site.get_or_insert_with(|| Arc::new(Site::start(world, accounts, which).expect("the site starts"))))
    }

    /// Stops them.
    pub(crate) fn stop(&self) {
        for which in [Which::OidcProvider, Which::Keycloak] {
            drop(self.slot(which).lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    fn slot(&self, which: Which) -> &Mutex<Option<Arc<Site>>> {
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
        let differences =
            Differences { idp: Some(provider.registration()), port: Some(port), ..Differences::default() };
        eprintln!("{} answers after {:?}", which.name(), began.elapsed());
        let gate = Gate::start(world, &name, accounts, &differences)?;
        Ok(Self { provider, gate })
    }

    /// Where people reach the control plane.
    pub(crate) fn url(&self) -> String {
        format!("https://{CONTROL_PLANE_HOST}:{}", self.gate.port)
    }

    /// A fresh browser in which somebody signs in; gives what comes last.
    pub(crate) fn sign_in(&self, world: &World, login: &Login) -> Result<(Browser, Page)> {
        let browser = Browser::new(&world.pki.ca)?;
        let page = browser.sign_in(&format!("{}/login", self.url()), login)?;
        Ok((browser, page))
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
