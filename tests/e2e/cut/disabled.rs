//! Whom an administrator disables is out at once, and told why.

use std::thread;
use std::time::{Duration, Instant};

use kubegate_tests::world::World;

use super::{go_on, quiet_and_busy, reasons, streams, until_allowed, until_ended};
use crate::suite::{Suite, TEAM, Who, claims, done, refused};

const WHY: &str = "laptop stolen in Lyon";

pub(super) fn disabled(suite: &Suite, world: &World) {
    let admin = suite.person(world, Who::Admin);
    let [lena, at_home] = [Who::Leaver, Who::Leaver].map(|who| suite.person(world, who));
    let mut going_on = streams(&admin.kubectl);
    let mut ending = quiet_and_busy(&lena.kubectl);
    ending.extend(quiet_and_busy(&at_home.kubectl));
    let sessions = [&lena, &at_home].map(|person| claims(&person.token().unwrap()).sid);

    let user = lena.login.user.as_str();
    done(admin.kubegate(&["admin", "disable", user, "--reason", WHY]));
    let began = Instant::now();
    for (kind, stream) in &mut ending {
        until_ended(kind, stream, began);
    }
    go_on(&mut going_on);
    for session in &sessions {
        assert_eq!(reasons(&world.envoy, session.as_str(), 2), ["user-revoked"; 2]);
    }
    let pods = ["get", "pods", "-n", TEAM];
    let answer = lena.kubectl.run(&pods).unwrap();
    assert!(!answer.succeeded() && answer.stderr.contains(WHY), "kubectl says why: {answer}");
    let said = refused(lena.kubegate(&["whoami"]));
    assert!(said.contains("disabled") && said.contains(WHY), "whoami says why: {said}");

    // Tokens of the very second in which somebody was disabled count as older; kubectl would ask for another.
    thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()));
    done(admin.kubegate(&["admin", "enable", user, "--reason", "laptop found"]));
    done(at_home.kubegate(&["login"]));
    // Gateways hear of that, too, within a second.
    until_allowed(world, &at_home.token().unwrap());
    at_home.kubectl.run(&pods).unwrap().ok().unwrap();
}
