//! A provider with a gate of its own, started when the first test asks for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use kubegate_tests::account::Account;
use kubegate_tests::browser::{Browser, Login, Page};
use kubegate_tests::gate::{Differences, Gate};
use kubegate_tests::html;
use kubegate_tests::idp::{self, IdentityProvider, IdpAccount, Which};
use kubegate_tests::person::Person;
use kubegate_tests::world::World;
use serde_json::json;

/// A gate where people sign in with a provider.
pub(crate) struct Site(Gate);

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
        let people = PEOPLE.map(account);
        let began = Instant::now();
        let differences = Differences { idp: &people, which, ..Differences::default() };
        let gate = Gate::start(world, &format!("identity-{}", which.name()), accounts, &differences)?;
        eprintln!("{} and its gate are there after {:?}", which.name(), began.elapsed());
        Ok(Self(gate))
    }

    /// Whose people sign in here.
    pub(crate) fn provider(&self) -> &dyn IdentityProvider {
        self.0.idp.as_deref().expect("the gate was started with one")
    }

    /// Where people reach the control plane.
    pub(crate) fn url(&self) -> String {
        self.0.control_plane_url()
    }

    /// The page that the provider shows to whoever chooses it.
    pub(crate) fn ask(&self, browser: &Browser) -> Page {
        let page = browser.open(&format!("{}/login", self.url())).unwrap();
        let ours = format!("/login/{}", idp::PROVIDER);
        let link = html::links(&page.body).into_iter().find(|link| link.starts_with(&ours)).unwrap();
        browser.open(page.url.join(&link).unwrap().as_str()).unwrap()
    }

    /// Somebody of the provider's with a new computer.
    pub(crate) fn person(&self, world: &World, user: &str) -> Person {
        self.0.person(world, login(user)).expect("a person's files can be written")
    }
}

/// What somebody types.
fn login(user: &str) -> Login {
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
