//! What becomes of people who had signed in before something changed at the provider.

use std::time::Duration;

use kubegate_tests::poll;
use kubegate_tests::world::World;

use super::sign_in::PLACE;
use super::site::Site;
use super::stream::{end_of, goes_on, watching};
use crate::suite::{claims, refused};

/// How long it may take until the provider is asked again: it is asked every 10 seconds.
const ASKED: Duration = Duration::from_secs(25);

pub(super) fn groups_change(site: &Site, world: &World) {
    let [gina, dora] = ["gina", "dora"].map(|user| site.person(world, user));
    let (mut ending, mut going_on) = (watching(&gina), watching(&dora));
    let before = claims(&gina.token().unwrap());
    assert_eq!(before.groups, ["company:engineers", "company:on-call"]);
    site.provider().set_groups("gina", &["on-call"]).unwrap();
    let took = end_of(&mut ending, ASKED);
    eprintln!("the stream ended {took:?} after the change");
    // The API server's RBAC knows the engineers alone.
    let get = ["get", "configmaps", "-n", PLACE];
    let refused = gina.kubectl.run(&get).unwrap();
    assert!(refused.stderr.contains("is forbidden: User \"company:gina@company.example\" cannot list"), "{refused}");
    assert_eq!(claims(&gina.token().unwrap()).groups, ["company:on-call"]);

    // Also when the refresh token is another by now.
    site.provider().set_groups("gina", &["engineers", "on-call"]).unwrap();
    poll::until("access again", ASKED, || {
        gina.kubectl.run(&get).and_then(kubegate_tests::kubectl::Outcome::ok).map_err(|error| error.to_string())
    })
    .unwrap();
    let after = claims(&gina.token().unwrap());
    assert_eq!(after.groups, before.groups);
    assert_eq!(after.sid, before.sid, "the same session");
    assert_eq!(gina.sign_ins().unwrap().len(), 1, "without asking for another sign-in");
    goes_on(&mut going_on, "somebody about whom nothing changed");
}

pub(super) fn left(site: &Site, world: &World) {
    let dan = site.person(world, "dan");
    let mut ending = watching(&dan);
    site.provider().disable("dan").unwrap();
    let took = end_of(&mut ending, ASKED);
    eprintln!("the stream ended {took:?} after that");
    let told = refused(dan.kubegate(&["whoami"]));
    assert!(told.contains("no longer vouches for you"), "{told}");
}
