//! `kubegate admin revoke`: one session of a person, and then whatever other there is.

use std::time::Instant;

use kubegate_tests::world::World;

use super::{go_on, quiet_and_busy, reasons, until_ended};
use crate::suite::{Suite, Who, claims, done};

pub(super) fn revoked(suite: &Suite, world: &World) {
    let admin = suite.person(world, Who::Admin);
    let [lost, at_home] = [Who::Revoked, Who::Revoked].map(|who| suite.person(world, who));
    let mut of_lost = quiet_and_busy(&lost.kubectl);
    let mut of_home = quiet_and_busy(&at_home.kubectl);
    let [lost, home] = [&lost, &at_home].map(|person| claims(&person.token().unwrap()).sid);
    // So that the clock does not stand for the administrator's sign-in.
    done(admin.kubegate(&["login"]));

    let began = Instant::now();
    done(admin.kubegate(&["admin", "revoke", "--session", lost.as_str()]));
    for (kind, stream) in &mut of_lost {
        until_ended(kind, stream, began);
    }
    go_on(&mut of_home);
    assert_eq!(reasons(&world.envoy, lost.as_str(), 2), ["session-revoked"; 2]);

    let began = Instant::now();
    done(admin.kubegate(&["admin", "revoke", "--person", &at_home.login.user]));
    for (kind, stream) in &mut of_home {
        until_ended(kind, stream, began);
    }
    assert_eq!(reasons(&world.envoy, home.as_str(), 2), ["user-revoked"; 2]);
}
