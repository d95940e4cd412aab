//! Sign-in at two identity providers that nobody here wrote, npm's oidc-provider and Keycloak: each test runs against both,
//! at a gate of the provider's own.

mod device;
mod keys;
mod logout;
mod recheck;
mod sign_in;
mod site;

use kubegate_tests::world::World;
use libtest_mimic::Trial;

pub(crate) use self::site::{Site, Sites, Which};
use crate::suite::Suite;

type Test = fn(&Site, &World);

/// What every provider has to be good for.
const TESTS: [(&str, Test); 7] = [
    ("groups_reach_kubernetes", sign_in::groups),
    ("a_wrong_password_is_refused_there", sign_in::wrong_password),
    ("new_keys_at_the_provider_stop_nobody", keys::rotated),
    ("a_machine_without_a_browser_is_signed_in", device::signed_in),
    ("signing_out_ends_it_there_too", logout::here),
    ("signed_out_there_is_signed_out_here_at_once", logout::there),
    // Last, for the provider is asked again only after a while.
    ("what_the_provider_says_later_counts", recheck::asked_again),
];

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    let of = |which: Which| {
        TESTS.map(|(name, run)| {
            let name = format!("identity::{}::{name}", which.name());
            suite.test(&name, move |suite, world| run(&suite.site(world, which), world))
        })
    };
    [Which::OidcProvider, Which::Keycloak].into_iter().flat_map(of).collect()
}
