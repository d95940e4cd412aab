//! Where groups come from, and what happens when the source cannot be asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::idp::Idp;
use super::oidc::sign_in;
use super::world::{World, authorize_url, parameter};

/// The groups that the API names after a sign-in at the provider.
async fn groups(world: &World, idp: &Idp) -> Value {
    let token = token(world, idp).await;
    world.api("/api/v1/whoami", token["access_token"].as_str().unwrap()).await.json()["groups"].clone()
}

/// What the token endpoint answers after a sign-in at the provider.
async fn token(world: &World, idp: &Idp) -> Value {
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let back = sign_in(&mut browser, idp, &login).await.location().to_owned();
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    world.redeem(&code, None).await.json()
}

fn say(idp: &Idp, id_token: &Value, user_info: Value) {
    let mut behaviour = idp.behaviour.lock().unwrap();
    behaviour.claims = json!({"email": "carol@example.com", "email_verified": true});
    behaviour.claims.as_object_mut().unwrap().extend(id_token.as_object().unwrap().clone());
    behaviour.user_info = user_info;
}

#[tokio::test]
async fn each_source_counts_alone() {
    let cases = [
        ("", json!({"groups": ["id"]}), json!({"groups": ["info"]}), json!(["corp:id"])),
        ("", json!({}), json!({"groups": ["info"]}), json!(["corp:info"])),
        (", groups: {from: idToken}", json!({}), json!({"groups": ["info"]}), json!([])),
        (", groups: {from: idToken}", json!({"groups": ["id"]}), json!({"groups": ["info"]}), json!(["corp:id"])),
        (", groups: {from: userinfo}", json!({"groups": ["id"]}), json!({"groups": ["info"]}), json!(["corp:info"])),
        (", groups: {from: userinfo}", json!({"groups": ["id"]}), json!({}), json!([])),
        (", groups: {from: none}", json!({"groups": ["id"]}), json!({"groups": ["info"]}), json!([])),
        (", groups: {from: entra}", json!({"groups": ["id"]}), json!({"groups": ["info"]}), json!(["corp:id"])),
        (
            ", claims: {groups: resource_access.kube.gate.roles}",
            json!({"resource_access": {"kube.gate": {"roles": ["nested"]}}}),
            json!({}),
            json!(["corp:nested"]),
        ),
        (
            ", claims: {groups: memberships.name}",
            json!({"memberships": [{"name": "b"}, {"name": "a"}]}),
            json!({}),
            json!(["corp:a", "corp:b"]),
        ),
    ];
    for (fields, id_token, user_info, expected) in cases {
        let idp = Idp::start().await;
        say(&idp, &id_token, user_info);
        let world = World::with(&idp.section_with(fields)).await;
        assert_eq!(groups(&world, &idp).await, expected, "{fields}");
    }
}

#[tokio::test]
async fn groups_that_are_no_list_of_names_fail_the_sign_in() {
    let idp = Idp::start().await;
    say(&idp, &json!({"groups": {"admins": true}}), json!({}));
    let world = World::with(&idp.section()).await;
    let answer = sign_in(&mut world.browser(), &idp, "/login").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("no list of names"), "{}", answer.text);
}

/// What a fake Microsoft Graph does.
#[derive(Clone, Default)]
struct Graph {
    /// How many groups there are.
    groups: usize,
    /// What it answers instead, from a page on.
    broken: Option<(usize, StatusCode)>,
    /// Where it says that the next page is.
    next: Option<String>,
}

#[derive(Clone)]
struct Serving {
    base: String,
    graph: Arc<Mutex<Graph>>,
}

/// Starts one; returns its base URL.
async fn graph(behaviour: Graph) -> (String, Arc<Mutex<Graph>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let graph = Arc::new(Mutex::new(behaviour));
    let state = Serving { base: base.clone(), graph: Arc::clone(&graph) };
    let router =
        Router::new().route("/v1.0/me/transitiveMemberOf/microsoft.graph.group", get(member_of)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, graph)
}

async fn member_of(
    State(serving): State<Serving>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    assert_eq!(
        (&headers["authorization"], &headers["consistencylevel"]),
        (&"Bearer at".parse().unwrap(), &"eventual".parse().unwrap())
    );
    let graph = serving.graph.lock().unwrap().clone();
    let page: usize = query.get("$skiptoken").map_or(0, |token| token.parse().unwrap());
    if let Some((from, status)) = graph.broken
        && page >= from
    {
        return Err(status);
    }
    let (start, end) = (page * 999, (page * 999 + 999).min(graph.groups));
    let value: Vec<Value> = (start..end).map(|number| json!({"id": format!("g-{number}")})).collect();
    let mut answer = json!({"value": value});
    if end < graph.groups {
        let here = format!(
            "{}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$count=true&$select=id&$skiptoken={}",
            serving.base,
            page + 1
        );
        answer["@odata.nextLink"] = json!(graph.next.unwrap_or(here));
    }
    Ok(Json(answer))
}

fn overage() -> Value {
    json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.windows.net/x"}}})
}

#[tokio::test]
async fn what_entra_leaves_out_of_a_token_is_fetched_to_the_last_page() {
    for id_token in [overage(), json!({"hasgroups": true}), json!({"hasgroups": "true"})] {
        let (base, _) = graph(Graph { groups: 2100, ..Graph::default() }).await;
        let idp = Idp::start().await;
        say(&idp, &id_token, json!({}));
        let world = World::with(&idp.section_with(&format!(", groups: {{from: entra, graph: \"{base}/\"}}"))).await;
        let groups = groups(&world, &idp).await;
        assert_eq!(groups.as_array().unwrap().len(), 2100);
        assert!(groups.as_array().unwrap().contains(&json!("corp:g-2099")));
    }
}

#[tokio::test]
async fn nobody_gets_on_with_fewer_groups_than_they_have() {
    let (base, behaviour) = graph(Graph::default()).await;
    let idp = Idp::start().await;
    say(&idp, &overage(), json!({}));
    let world = World::with(&idp.section_with(&format!(", groups: {{from: entra, graph: \"{base}\"}}"))).await;
    for (what, broken) in [
        ("forbidden", Graph { broken: Some((0, StatusCode::FORBIDDEN)), ..Graph::default() }),
        ("broken off", Graph { groups: 2000, broken: Some((1, StatusCode::TOO_MANY_REQUESTS)), ..Graph::default() }),
        ("endless", Graph { groups: 1_000_000, ..Graph::default() }),
        ("elsewhere", Graph { groups: 2000, next: Some("http://127.0.0.1:9/steal".into()), ..Graph::default() }),
        ("alike", Graph { groups: 2000, next: Some(format!("{base}.evil.example/")), ..Graph::default() }),
    ] {
        *behaviour.lock().unwrap() = broken;
        let answer = sign_in(&mut world.browser(), &idp, "/login").await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{what}: {}", answer.text);
        assert!(answer.text.contains("could not learn from Corp which groups you are in"), "{what}: {}", answer.text);
    }
    let metrics = world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("result=\"groups-unavailable\"} 5"), "{metrics}");

    // Without Graph, too: what was left out is never taken for none.
    for fields in ["", ", groups: {from: idToken}"] {
        let world = World::with(&idp.section_with(fields)).await;
        let answer = sign_in(&mut world.browser(), &idp, "/login").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{fields}");
        assert!(answer.text.contains("from: entra"), "{fields}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_changed_group_file_counts_with_the_next_token() {
    let idp = Idp::start().await;
    say(&idp, &json!({"groups": ["ignored"]}), json!({"groups": ["ignored"]}));
    let file = |groups: &str| format!("people: [{{email: carol@example.com, groups: {groups}}}]");
    let section = idp.section_with(", groups: {from: file, file: groups.yaml}");
    let world = World::with_file("groups.yaml", &file("[a]"), &section).await;
    let mut answer = token(&world, &idp).await;
    for (content, expected) in [
        (file("[a]"), json!(["corp:a"])),
        (file("[b, c]"), json!(["corp:b", "corp:c"])),
        ("people: {".to_owned(), json!(["corp:b", "corp:c"])),
        (file("[]"), json!([])),
    ] {
        std::fs::write(world.dir.path().join("groups.yaml"), &content).unwrap();
        world.clock.advance(std::time::Duration::from_secs(1));
        answer = world.refresh(answer["refresh_token"].as_str().unwrap(), None).await.json();
        let whoami = world.api("/api/v1/whoami", answer["access_token"].as_str().unwrap()).await.json();
        assert_eq!(whoami["groups"], expected, "{content}");
    }
    assert_eq!(groups(&world, &idp).await, json!([]), "at a sign-in, too");
}
