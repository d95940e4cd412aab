//! One HTTP/2 connection, as a proxy or an editor holds it, with streams of several sessions.

use std::process::Command;
use std::time::Instant;

use kubegate_tests::kubectl::Session;
use kubegate_tests::paths;
use kubegate_tests::poll;
use kubegate_tests::world::World;
use serde_json::json;

use super::{LIMIT, PATIENCE, reasons};
use crate::suite::{Suite, Who, claims, done};

const NAMESPACE: &str = "workshop";

/// Of three watches, two of them one person's, the revoked session's is reset; the others get what happens next.
pub(super) fn one_connection(suite: &Suite, world: &World) {
    let people = [Who::Admin, Who::Admin, Who::Dora].map(|who| suite.person(world, who));
    let tokens: Vec<String> = people.iter().map(|person| person.token().unwrap()).collect();
    let mut client = Command::new("node");
    client.arg(paths::root().join("tests/e2e/http2-streams.js"));
    client.arg(format!("{}/api/v1/namespaces/{NAMESPACE}/configmaps?watch=1", world.cluster_url())).arg(&world.pki.ca);
    client.args(tokens.iter().map(|token| json!({"authorization": format!("Bearer {token}")}).to_string()));
    let streams = Session::start("http2-streams.js", client).unwrap();
    let make = |name: &str| {
        world.api.admin.run(&["create", "configmap", name, "-n", NAMESPACE]).unwrap().ok().unwrap();
    };
    (0..3).for_each(|number| until_said(&streams, &format!("{number} status 200"), ""));
    make("for-all-three");
    (0..3).for_each(|number| until_said(&streams, &format!("{number} data"), "for-all-three"));

    let began = Instant::now();
    done(people[0].kubegate(&["logout"]));
    until_said(&streams, "0 reset", "");
    assert!(began.elapsed() < LIMIT, "reset only after {:?}", began.elapsed());
    make("for-the-other-two");
    (1..3).for_each(|number| until_said(&streams, &format!("{number} data"), "for-the-other-two"));
    let said = streams.stdout();
    assert!(!says(&said, "0 data", "for-the-other-two"), "nothing comes behind the reset: {said}");
    assert!(!says(&said, "connection", ""), "the connection is not touched: {said}");
    assert_eq!(said.matches("reset").count(), 1, "{said}");
    assert_eq!(reasons(&world.envoy, claims(&tokens[0]).sid.as_str(), 1), ["session-revoked"]);
}

/// Whether a line begins with `start` and holds `text`.
fn says(said: &str, start: &str, text: &str) -> bool {
    said.lines().any(|line| line.starts_with(start) && line.contains(text))
}

fn until_said(streams: &Session, start: &str, text: &str) {
    poll::until(&format!("{start} {text}"), PATIENCE, || {
        let said = streams.stdout();
        if says(&said, start, text) { Ok(()) } else { Err(format!("{said}{}", streams.stderr())) }
    })
    .unwrap();
}
