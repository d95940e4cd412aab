//! What the API server's own audit log says of the people who come through Kubegate.

use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{poll, raw};
use libtest_mimic::Trial;
use serde_json::Value;
use std::time::Duration;

use crate::suite::{Suite, Who};

const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("audit::names_the_person", names_the_person),
        suite.test("audit::spoofed_headers_never_arrive", spoofed_headers),
    ]
}

/// The one event of a request for the object `name`.
pub(crate) fn event_of(world: &World, name: &str) -> Value {
    poll::until(&format!("an audit event for {name}"), LIMIT, || {
        let found = world.api.audit_events(|event| event.pointer("/objectRef/name").is_some_and(|is| is == name));
        found.map_err(|error| error.to_string())?.pop().ok_or_else(|| "none".to_owned())
    })
    .unwrap()
}

fn names_the_person(suite: &Suite, world: &World) {
    let dora = suite.person(world, Who::Dora).kubectl;
    dora.run(&["create", "configmap", "audited", "-n", "workshop"]).unwrap().ok().unwrap();
    let event = event_of(world, "audited");
    let person = &event["impersonatedUser"];
    assert_eq!(event["user"]["username"], "system:serviceaccount:kubegate:kubegate", "the gateway's account: {event}");
    assert_eq!(person["username"], "company:dora@company.example", "{person}");
    assert!(person["uid"].as_str().is_some_and(|uid| !uid.is_empty()), "a uid: {person}");
    let mut groups: Vec<_> = person["groups"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["company:engineers", "company:on-call", "system:authenticated"], "each group by itself");
    assert_eq!(person["extra"]["kubegate.io/cluster"][0], "demo", "{person}");
    assert!(person["extra"]["kubegate.io/session"][0].is_string(), "{person}");
    let audit_id = event["auditID"].as_str().unwrap();
    poll::until("the audit id in our access log", LIMIT, || {
        let log = world.envoy.access_log().map_err(|error| error.to_string())?;
        if log.contains(audit_id) { Ok(()) } else { Err(format!("no {audit_id}")) }
    })
    .unwrap();
}

fn spoofed_headers(suite: &Suite, world: &World) {
    let token = suite.person(world, Who::Reader).token().unwrap();
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    let spellings: [&[u8]; 12] = [
        b"Impersonate-Group: system:masters",
        b"impersonate-group: system:masters",
        b"IMPERSONATE-GROUP: system:masters",
        b"Impersonate_Group: system:masters",
        b"Impersonate-Uid: 0",
        b"Impersonate-Extra-scopes: all",
        b"Impersonate-Extra-kubegate.io%2fsession: forged",
        b"X-Remote-User: admin",
        b"X-Remote-Group: system:masters",
        b"X-Remote-Extra-a: b",
        b"Connection: Impersonate-User",
        b"Connection: Impersonate-Group, close",
    ];
    for (number, spelling) in spellings.iter().enumerate() {
        let name = format!("spoof-{number}");
        let path = format!("/api/v1/namespaces/team-a/pods/{name}");
        let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, &path, &[&authorization, spelling]).unwrap();
        let shown = String::from_utf8_lossy(spelling);
        assert_ne!(answer.status, 200, "{shown}: {answer:?}");
        if answer.status == 404 {
            // It went through without the header: the API server saw bob, and no one else.
            let event = event_of(world, &name);
            let person = event["impersonatedUser"].to_string();
            assert_eq!(event["impersonatedUser"]["username"], "bob@example.com", "{shown}: {event}");
            for forged in ["masters", "admin", "forged", "scopes"] {
                assert!(!person.contains(forged), "{shown} arrived: {event}");
            }
        }
    }
}
