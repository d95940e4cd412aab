//! Sign-in at two identity providers that nobody here wrote, npm's oidc-provider and Keycloak: each test runs against both,
//! at a gate of the provider's own. What a provider says of people after their sign-in reaches Envoy.

mod device;
mod keys;
mod logout;
mod recheck;
mod sign_in;
mod site;
mod stream;

use kubegate_tests::idp::Which;
use kubegate_tests::world::World;
use libtest_mimic::Trial;

pub(crate) use self::site::{Site, Sites};
use crate::suite::Suite;

type Test = fn(&Site, &World);

/// What every provider has to be good for.
const TESTS: [(&str, Test); 8] = [
    ("groups_reach_kubernetes", sign_in::groups),
    ("a_wrong_password_is_refused_there", sign_in::wrong_password),
    ("new_keys_at_the_provider_stop_nobody", keys::rotated),
    ("a_machine_without_a_browser_is_signed_in", device::signed_in),
    ("who_signs_out_in_the_browser_is_out_everywhere", logout::here),
    ("a_logout_at_the_provider_cuts_streams_at_once", logout::there),
    ("a_change_of_groups_at_the_provider_reaches_envoy", recheck::groups_change),
    ("who_has_left_the_company_is_out", recheck::left),
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
