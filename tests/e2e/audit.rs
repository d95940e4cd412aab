//! What the API server's own audit log says of the people who come through Kubegate.

use std::process::Command;
use std::time::Duration;

use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{paths, poll, raw};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::{Suite, Who};

const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("audit::names_the_person", names_the_person),
        suite.test("audit::request_ids_are_envoys_own", request_ids_are_envoys_own),
        suite.test("audit::spoofed_headers_never_arrive", spoofed_headers),
        suite.test("audit::spoofed_headers_never_arrive_over_http2", spoofed_headers_over_http2),
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
        only_bob_arrived(world, &name, answer.status, &String::from_utf8_lossy(spelling));
    }
}

/// The same over HTTP/2, where names are lower case and each value is a field of its own.
fn spoofed_headers_over_http2(suite: &Suite, world: &World) {
    let token = suite.person(world, Who::Reader).token().unwrap();
    let spellings = [
        ("impersonate-group", json!("system:masters")),
        ("impersonate-group", json!(["team-a", "system:masters"])),
        ("impersonate_group", json!("system:masters")),
        ("impersonate-uid", json!("0")),
        ("impersonate-extra-scopes", json!("all")),
        ("impersonate-extra-kubegate.io%2fsession", json!("forged")),
        ("x-remote-user", json!("admin")),
        ("x-remote-group", json!("system:masters")),
        ("host", json!("elsewhere.example.com")),
    ];
    for (number, (header, value)) in spellings.into_iter().enumerate() {
        let name = format!("spoof-http2-{number}");
        let url = format!("{}/api/v1/namespaces/team-a/pods/{name}", world.cluster_url());
        let headers = json!({"authorization": format!("Bearer {token}"), header: value});
        let mut client = Command::new("node");
        client.arg(paths::root().join("tests/e2e/http2.js")).arg(&url).arg(&world.pki.ca).arg(headers.to_string());
        let said = String::from_utf8(client.output().unwrap().stdout).unwrap();
        let status = if said.trim() == "reset" { 400 } else { said.trim().parse().unwrap() };
        only_bob_arrived(world, &name, status, header);
    }
}

/// A request for a pod that does not exist was refused on the way, or came to the API server as bob's own.
fn only_bob_arrived(world: &World, name: &str, status: u16, spelling: &str) {
    assert!(matches!(status, 400 | 401 | 403 | 404), "{spelling}: {status}");
    if status == 404 {
        let event = event_of(world, name);
        let person = event["impersonatedUser"].to_string();
        assert_eq!(event["impersonatedUser"]["username"], "bob@example.com", "{spelling}: {event}");
        for forged in ["masters", "admin", "forged", "scopes"] {
            assert!(!person.contains(forged), "{spelling} arrived: {event}");
        }
    }
}

/// The audit id is Envoy's own, and so is how long it waits for the API server: what a client says of either is not
/// believed, from wherever it comes.
fn request_ids_are_envoys_own(suite: &Suite, world: &World) {
    let token = suite.person(world, Who::Reader).token().unwrap();
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    let forged: [&[u8]; 5] = [
        &authorization,
        b"X-Request-Id: forged-by-client",
        b"Audit-Id: forged-by-client",
        b"X-Envoy-Upstream-Rq-Timeout-Ms: 1",
        b"X-Envoy-Original-Path: /forged-by-client",
    ];
    let path = "/api/v1/namespaces/team-a/pods/whose-id";
    let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, path, &forged).unwrap();
    assert_eq!(answer.status, 404, "the client's time-out does not count: {answer:?}");
    let event = event_of(world, "whose-id");
    assert!(!event.to_string().contains("forged"), "{event}");
    assert!(!world.envoy.access_log().unwrap().contains("forged-by-client"), "nor in our own record");
}
