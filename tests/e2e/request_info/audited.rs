//! What the API server audits of a request is what we decided by: through the real Envoy and filter, joined by the
//! audit id.

use std::collections::HashMap;
use std::time::Duration;

use kubegate_core::request::{Attributes, Target};
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{poll, raw};
use serde_json::Value;

use super::generate::{Dice, Line};
use crate::suite::{ADMIN_VERBS, PolicyFile, Suite, Who};

const LIMIT: Duration = Duration::from_secs(20);

/// How many lists with generated selectors are asked for.
const GENERATED: usize = 150;

/// Envoy takes no method that is not registered.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];

/// Asked with every method: nothing of this exists, so nothing can be lost.
const PATHS: [&str; 52] = [
    "/api/v1/namespaces/nowhere",
    "/api/v1/namespaces/nowhere/",
    "/api/v1/namespaces/nowhere/status",
    "/api/v1/namespaces/nowhere/finalize",
    "/api/v1/namespaces/nowhere/pods",
    "/api/v1/namespaces/nowhere/pods/",
    "/api/v1/namespaces/nowhere/pods/nobody",
    "/api/v1/namespaces/nowhere/pods/nobody/",
    "/api/v1/namespaces/nowhere/pods/nobody/status",
    "/api/v1/namespaces/nowhere/pods/nobody/log?follow=true",
    "/api/v1/namespaces/nowhere/pods/nobody/exec?command=id",
    "/api/v1/namespaces/nowhere/pods/nobody/attach",
    "/api/v1/namespaces/nowhere/pods/nobody/eviction",
    "/api/v1/namespaces/nowhere/pods/nobody/ephemeralcontainers",
    "/api/v1/namespaces/nowhere/pods/nobody/proxy/a/b",
    "/api/v1/namespaces/nowhere/pods/nobody/nothing/at/all",
    "/api/v1/namespaces/nowhere/pods/a%3Ab",
    "/api/v1/namespaces/nowhere/pods/a%20b",
    "/api/v1/namespaces/nowhere/pods/a%3Fb",
    "/api/v1/namespaces/nowhere/pods/a+b",
    "/api/v1/namespaces/nowhere/pods/a%2Bb",
    "/api/v1/namespaces/nowhere/pods/%C3%A9",
    "/api/v1/namespaces/nowhere/pods/$(x)!*'",
    "/api/v1/namespaces/nowhere/pods/watch",
    "/api/v1/namespaces/nowhere/p%6Fds/nob%6fdy",
    "/api/v1/namespaces/nowhere/Pods/nobody",
    "/api/v1/namespaces/nowhere/serviceaccounts/nobody/token",
    "/api/v1/namespaces/nowhere/services/nobody/proxy/",
    "/api/v1/nodes/nobody/proxy/logs/",
    "/%61pi/v1/namespaces/nowhere/secrets/nobody",
    "/api/v9/namespaces/nowhere/pods",
    "/api/v1/watch/namespaces/nowhere/pods/nobody",
    "/api/v1/proxy/namespaces/nowhere/pods/nobody/a",
    "/apis/apps/v1/namespaces/nowhere/deployments",
    "/apis/apps/v1/namespaces/nowhere/deployments/nobody/scale",
    "/apis/apps/v9/namespaces/nowhere/deployments/nobody",
    "/apis/nothing.example.com/v1/namespaces/nowhere/things/nobody",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anobody",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/",
    "/api",
    "/api/v1/",
    "/apis/apps",
    "/apis/apps/v1?x=y",
    "/API/v1/namespaces/nowhere/pods",
    "/healthz",
    "/healthz/ping?verbose=1",
    "/version/",
    "/nothing",
    "/nothing/at/all%20/here",
    "/metrics/nothing",
    "/openid/v1/jwks",
];

/// Asked with GET and HEAD: lists, and what makes of them watches or lists of one.
const LISTS: [&str; 3] = ["/api/v1/pods", "/api/v1/namespaces/team-a/pods/", "/apis/apps/v1/deployments"];

const QUERIES: [&str; 21] = [
    "",
    "limit=1",
    "limit=x",
    "watch=false",
    "watch=False&timeoutSeconds=5",
    "watch",
    "watch=1&timeoutSeconds=2",
    "wat%63h=True",
    "watch=0&watch=1",
    "fieldSelector=metadata.name%3Dhello",
    "fieldSelector=metadata.name==hello&watch=1",
    "fieldSelector=metadata.name!%3Dhello",
    "fieldSelector=metadata.name%3Dhello&limit=x",
    "fieldSelector=metadata.name%3Dhello&timeoutSeconds=1e3",
    "fieldSelector=spec.nodeName%3Dn,metadata.name%3Dhello",
    "fieldSelector=metadata.name%3Dhello&fieldSelector=metadata.name%3Dother",
    "fieldSelector=metadata.name%3Dhello&labelSelector=a+in+(b,c),!d",
    "labelSelector=a%3D%3D%3Db",
    "labelSelector=a&labelSelector=%3D",
    "resourceVersion=0&resourceVersionMatch=nonsense",
    "%zz=1&watch=%zz&limit=1",
];

/// What we refuse to read never arrives.
const UNREADABLE: [&str; 7] = [
    "/api//v1/pods",
    "/api/v1/namespaces/nowhere/../pods",
    "/api/v1/namespaces/nowhere/pods;x=1",
    "/api/v1/watch",
    "/api/v1/pods?watch=%ff",
    "/api/v1/pods?x;watch=1",
    "/api/v1/pods?fieldSelector=metadata.name%3Dp&labelSelector=a%3D%3D%3Db",
];

/// A request that was answered.
struct Asked {
    line: Line,
    status: u16,
    /// The API server's audit id, when it was its answer.
    audit_id: Option<String>,
}

pub(crate) fn same_as_decided(suite: &Suite, world: &mut World) {
    let policy = PolicyFile::of(world);
    policy.replace(ADMIN_VERBS, "verbs: [\"*\"]");
    let token = suite.person(world, Who::Admin).token().unwrap();
    let odd = Line { method: "OPTIONS", url: "/api/v1/namespaces/nowhere/pods".to_owned() };
    // So often in a row that every worker of Envoy has it.
    poll::until("the policy that allows everything", LIMIT, || {
        (0..8).try_for_each(|_| {
            let asked = ask(world, &token, odd.clone());
            asked.audit_id.map(drop).ok_or_else(|| asked.status.to_string())
        })
    })
    .unwrap();

    let asked: Vec<Asked> = lines().into_iter().map(|line| ask(world, &token, line)).collect();
    let arrived: Vec<&Asked> = asked.iter().filter(|asked| asked.audit_id.is_some()).collect();
    let (events, records) = (audit_events(world, &arrived), access_records(world, &arrived));
    for Asked { line, status, audit_id } in &asked {
        let target = Target::parse(&line.url);
        let attributes = target.as_ref().ok().and_then(|target| Attributes::of(line.method, target).ok());
        let (Some(id), Some(attributes)) = (audit_id, &attributes) else {
            assert!(audit_id.is_none() && attributes.is_none() && *status == 400, "{line:?}: {status} {audit_id:?}");
            continue;
        };
        compare(line, attributes, &events[id], &records[id]);
        for seen in [&events[id]["responseStatus"]["code"], &records[id]["status"]] {
            assert_eq!(seen, *status, "the answer to {line:?}");
        }
    }
    assert!(arrived.len() > 500, "only {} requests arrived", arrived.len());
}

fn lines() -> Vec<Line> {
    let line = |method: &'static str, url: String| Line { method, url };
    let mut lines = Vec::new();
    for path in PATHS {
        lines.extend(METHODS.map(|method| line(method, path.to_owned())));
    }
    for (path, query) in LISTS.iter().flat_map(|path| QUERIES.map(|query| (path, query))) {
        lines.extend(["GET", "HEAD"].map(|method| line(method, format!("{path}?{query}"))));
    }
    lines.extend(UNREADABLE.map(|url| line("GET", url.to_owned())));
    let mut dice = Dice::new(0x0123_4567_89ab_cdef);
    lines.extend((0..GENERATED).map(|_| line("GET", format!("/api/v1/namespaces/nowhere/pods?{}", dice.list()))));
    lines
}

fn ask(world: &World, token: &str, line: Line) -> Asked {
    let Line { method, url } = &line;
    let length = if matches!(*method, "POST" | "PUT" | "PATCH" | "DELETE") { "Content-Length: 0\r\n" } else { "" };
    let request =
        format!("{method} {url} HTTP/1.1\r\nHost: {CLUSTER_HOST}\r\nAuthorization: Bearer {token}\r\n{length}\r\n");
    let answer = raw::head(&world.pki.ca, CLUSTER_HOST, world.port, request.as_bytes()).unwrap();
    let audit_id = answer.header("audit-id").map(str::to_owned);
    Asked { status: answer.status, audit_id, line }
}

/// The API server's audit event of each request that arrived, by its id.
fn audit_events(world: &World, arrived: &[&Asked]) -> HashMap<String, Value> {
    by_id("auditID", arrived, || world.api.audit_events(|_| true).unwrap())
}

/// Our own record of each.
fn access_records(world: &World, arrived: &[&Asked]) -> HashMap<String, Value> {
    by_id("audit_id", arrived, || world.envoy.access_records().unwrap())
}

fn by_id(field: &str, arrived: &[&Asked], read: impl Fn() -> Vec<Value>) -> HashMap<String, Value> {
    poll::until(&format!("every request's {field}"), LIMIT, || {
        let id = |value: &Value| value[field].as_str().map(str::to_owned);
        let found: HashMap<_, _> = read().into_iter().filter_map(|value| Some((id(&value)?, value))).collect();
        let missing = |asked: &&&Asked| !found.contains_key(asked.audit_id.as_ref().unwrap());
        match arrived.iter().find(missing) {
            None => Ok(found),
            Some(asked) => Err(format!("none of {:?}", asked.line)),
        }
    })
    .unwrap()
}

/// The API server's event and our record against our reading.
fn compare(line: &Line, ours: &Attributes<'_>, event: &Value, record: &Value) {
    let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
    assert_eq!(text(event, "requestURI"), line.url, "{line:?}");
    assert_eq!(text(event, "verb"), ours.verb, "{line:?}: {event}");
    assert_eq!(event.get("objectRef").is_some(), ours.is_resource_request, "{line:?}: {event}");
    let object = &event["objectRef"];
    for (field, ours) in [
        ("apiGroup", ours.api_group),
        ("apiVersion", ours.api_version),
        ("resource", ours.resource),
        ("subresource", ours.subresource),
        ("namespace", ours.namespace),
        ("name", &ours.name),
    ] {
        assert_eq!(text(object, field), ours, "{field} of {line:?}: {event}");
    }
    let resource = [ours.api_group, ours.resource, ours.subresource];
    let resource = resource.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    for (field, ours) in [
        ("decision", "allow"),
        ("verb", &ours.verb),
        ("resource", &resource),
        ("namespace", ours.namespace),
        ("name", &ours.name),
    ] {
        assert_eq!(text(record, field), ours, "{field} of {line:?} in our record: {record}");
    }
}
