//! What an identity provider pushes (SCIM) is in force: its groups give access, and whom it deactivates is out at once.

use std::time::Instant;

use kubegate_tests::gate::{Differences, Gate};
use kubegate_tests::idp::IdpAccount;
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{files, http, poll, raw};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::cut::{AT_ONCE, PATIENCE, quiet_and_busy, until_ended};
use crate::suite::{PolicyFile, Suite, TEAM, Who, claims, done, refused};

const TOKEN: &str = "the-scim-token-for-tests-only-0123456789";

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test("scim::pushed_groups_give_access_and_a_deactivated_person_is_out", out)]
}

fn out(suite: &Suite, world: &World) {
    let folder = world.dir.join("gate-scim");
    std::fs::create_dir_all(&folder).unwrap();
    let token_file = folder.join("scim-token");
    files::write_private(&token_file, TOKEN.as_bytes()).unwrap();
    let idp = [IdpAccount {
        user: "dora",
        password: "dora-password",
        claims: json!({"email": "dora@company.example", "email_verified": true, "groups": ["not-these"]}),
    }];
    let provider = json!({
        "groups": {"from": "scim"},
        "scim": {"tokenFile": token_file, "link": {"attribute": "externalId", "claim": "sub"}},
    });
    let gate = suite.gate(world, "gate-scim", &Differences { idp: &idp, provider, ..Differences::default() });
    let policy = PolicyFile::at(&gate.control_plane);
    policy.replace("{groups: [team-a]}", "{groups: [team-a, \"company:Platform\"]}");

    // The cluster's own rights are for the same group.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "pushed", "namespace": TEAM},
        "rules": [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "pushed", "namespace": TEAM},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pushed"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "company:Platform"}],
    });
    world.api.admin.apply(&role.to_string()).unwrap();
    world.api.admin.apply(&binding.to_string()).unwrap();

    let user = push(world, &gate, "POST", "/Users", &json!({"userName": "dora@company.example", "externalId": "dora"}));
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let group = json!({"displayName": "Platform", "members": [{"value": user["id"]}]});
    push(world, &gate, "POST", "/Groups", &group);

    let dora = gate.person(world, suite.login(Who::Dora)).unwrap();
    let pods = ["get", "pods", "-n", TEAM];
    poll::until("the rule", PATIENCE, || {
        dora.kubectl.run(&pods).and_then(kubegate_tests::kubectl::Outcome::ok).map_err(|error| error.to_string())
    })
    .unwrap();
    let token = dora.token().unwrap();
    assert_eq!(claims(&token).groups, ["company:Platform"], "what was pushed, and nothing else");
    let mut streams = quiet_and_busy(&dora.kubectl);

    let change = json!({"Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    let began = Instant::now();
    push(world, &gate, "PATCH", &path, &change);
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    let took = poll::until("the refusal", PATIENCE, || {
        let path = format!("/api/v1/namespaces/{TEAM}/pods");
        let answer = raw::get(&world.pki.ca, CLUSTER_HOST, gate.port, &path, &[&authorization]);
        match answer.map_err(|error| error.to_string())?.status {
            401 => Ok(began.elapsed()),
            status => Err(format!("still {status}")),
        }
    })
    .unwrap();
    eprintln!("refused after {took:?}");
    assert!(took < AT_ONCE, "the next request was refused only after {took:?}");
    for (kind, stream) in &mut streams {
        until_ended(kind, stream, began);
    }
    let said = refused(dora.kubegate(&["whoami"]));
    assert!(said.contains("deactivated or removed by your identity provider"), "whoami says why: {said}");
    let again = dora.kubectl.run(&pods).unwrap();
    assert!(!again.succeeded() && again.stderr.contains("no sign-in helps"), "kubectl says why: {again}");

    let change = json!({"Operations": [{"op": "Replace", "path": "active", "value": "True"}]});
    push(world, &gate, "PATCH", &path, &change);
    done(dora.kubegate(&["login"]));
    poll::until("access", PATIENCE, || {
        dora.kubectl.run(&pods).and_then(kubegate_tests::kubectl::Outcome::ok).map_err(|error| error.to_string())
    })
    .unwrap();
}

/// What the provider sends, through Envoy.
fn push(world: &World, gate: &Gate, method: &str, path: &str, body: &Value) -> Value {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}/scim/v2/company{path}", gate.control_plane_url()))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/scim+json")
        .body(body.to_string())
        .unwrap();
    let mut answer = http::client(&world.pki.ca).unwrap().run(request).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
    serde_json::from_str(&text).unwrap()
}
