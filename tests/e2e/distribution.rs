//! How the policy and the live set get to the gateways, whatever happens on the way.

mod away;
mod lease;
mod refused;
mod stale;

use libtest_mimic::Trial;

use crate::suite::Suite;

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("distribution::one_filter_asks_and_another_takes_over", lease::one_asks),
        suite.test("distribution::bad_bundles_are_refused_and_the_good_one_stays", refused::bad_bundles),
        suite.test("distribution::nothing_is_allowed_by_a_stale_live_set", stale::stale),
        suite.test("distribution::envoy_without_a_policy_says_so_and_recovers", away::restarted),
    ]
}
