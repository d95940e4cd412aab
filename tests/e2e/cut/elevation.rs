//! What an elevation opened, its end closes.

use std::time::{Duration, Instant};

use kubegate_core::bundle::{Elevation, LiveEntries};
use kubegate_tests::issuer::now;
use kubegate_tests::person::Person;
use kubegate_tests::world::{CLUSTER, World};
use serde_json::Value;

use super::{PATIENCE, go_on, go_on_until, quiet_and_busy, reasons, streams, until_allowed, until_ended};
use crate::stage::Stage;
use crate::suite::{Suite, TEAM, Who, claims, done};

/// How long the elevation that runs out lasts when its streams have begun: long enough to be heard of before.
const LEFT: Duration = Duration::from_secs(3);

pub(super) fn ended(suite: &Suite, world: &World) {
    let admin = suite.person(world, Who::Admin);
    let victor = suite.person(world, Who::Visitor);
    let mut going_on = streams(&admin.kubectl);
    let pods = ["get", "pods", "-n", TEAM];
    let refused = victor.kubectl.run(&pods).unwrap();
    assert!(refused.stderr.contains("Forbidden") && !refused.stderr.contains("elevation"), "not his group: {refused}");

    let token = victor.token().unwrap();
    let elevation = elevate(&admin, &victor.login.user);
    until_allowed(world, &token);
    let id = elevation["id"].as_str().unwrap();
    let whoami = done(victor.kubegate(&["whoami"]));
    for word in [id, "breakglass", "INC-4711"] {
        assert!(whoami.contains(word), "whoami tells {word}: {whoami}");
    }

    let mut ending = streams(&victor.kubectl);
    done(admin.kubegate(&["admin", "end-elevation", id]));
    let began = Instant::now();
    for (kind, stream) in &mut ending {
        until_ended(kind, stream, began);
    }
    go_on(&mut going_on);
    assert_eq!(reasons(&world.envoy, claims(&token).sid.as_str(), 4), ["elevation-ended"; 4]);
    let logged = world.envoy.access_records().unwrap();
    assert!(logged.iter().any(|record| record["elevation"] == id), "the record of what it opened names it");

    let refused = victor.kubectl.run(&pods).unwrap();
    assert!(refused.stderr.contains("your elevation to breakglass ended"), "kubectl says so: {refused}");
    assert_eq!(victor.sign_ins().unwrap().len(), 1, "without asking for another sign-in");
    let whoami = done(victor.kubegate(&["whoami"]));
    assert!(whoami.contains("ended") && whoami.contains("alice@example.com"), "whoami says so: {whoami}");
}

/// Nobody has to end it: its time runs out at every gateway.
pub(super) fn run_out(_: &Suite, world: &World) {
    let stage = Stage::start(world, "envoy-elevation", |_| {});
    let victor = stage.issuer.claims(CLUSTER, "victor@example.com", &["visitors"]);
    let token = stage.sign(&victor);
    assert_eq!(stage.get(&token).status, 403);

    let (person, groups) = (victor.sub.clone(), vec!["breakglass".to_owned()]);
    let elevation = Elevation { id: "e_1".into(), person, cluster: CLUSTER.into(), groups, until: now(), ended: false };
    let serve = |number, until| {
        let elevations = vec![Elevation { until, ..elevation.clone() }];
        let entries = LiveEntries { elevations, ..LiveEntries::default() };
        stage.control_plane.reply(stage.issuer.changed(&stage.first, number, entries).unwrap().reply());
    };
    serve(2, now().after(PATIENCE * 10));
    stage.until_status(&token, 200);
    let kubectl = stage.kubectl(&token);
    let mut ending = quiet_and_busy(&kubectl);
    // Only now does the clock run: however long kubectl takes to begin, its streams begin in time.
    let until = now().after(LEFT);
    serve(3, until);

    go_on_until(until, &mut ending);
    let began = Instant::now();
    for (kind, stream) in &mut ending {
        until_ended(kind, stream, began);
    }
    assert_eq!(reasons(&stage.envoy, victor.sid.as_str(), 2), ["elevation-ended"; 2]);
    let refused = kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
    assert!(refused.stderr.contains("your elevation to breakglass ended"), "kubectl says so: {refused}");
}

fn elevate(admin: &Person, user: &str) -> Value {
    let granted = admin.kubegate(&[
        "admin",
        "elevate",
        user,
        "--cluster",
        "demo",
        "--groups",
        "breakglass",
        "--for",
        "5m",
        "--reason",
        "INC-4711",
        "--json",
    ]);
    serde_json::from_str(&done(granted)).unwrap()
}
