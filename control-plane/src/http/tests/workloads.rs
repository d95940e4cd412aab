//! Workloads: a token of another issuer is traded for a session token, and whatever is not to be taken is not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::jws::SigningKey;
use serde_json::{Value, json};

use super::world::{Answer, START, World, encode};
use crate::store::session::SessionKind;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const AUDIENCE: &str = "https://kubegate.example.com/workloads/ci";

/// An issuer whose keys are in a file, and a trust domain.
struct Issuer {
    dir: tempfile::TempDir,
    key: SigningKey,
}

impl Issuer {
    fn new() -> Self {
        let issuer = Self { dir: tempfile::tempdir().unwrap(), key: SigningKey::from_seed([9; 32]) };
        issuer.publish(&[&issuer.key]);
        issuer
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
        std::fs::write(self.dir.path().join("jwks.json"), json!({ "keys": keys }).to_string()).unwrap();
    }

    fn section(&self) -> String {
        let file = self.dir.path().join("jwks.json");
        format!(
            r#"workloads:
  - id: ci
    issuer: https://ci.example.com
    jwksFile: {file}
    audience: {AUDIENCE}
    userPrefix: "ci:"
    maxTokenLifetime: 2h
    requiredClaims: {{repository_owner: acme}}
    rules:
      - match: {{repository: acme/shop, ref: "refs/heads/*"}}
        user: "{{repository}}"
        groups: [deployers]
        clusters: [prod]
      - match: {{environment: ["staging", "lab"]}}
        user: "{{repository}}@{{environment}}"
  - id: mesh
    trustDomain: prod.example
    jwksFile: {file}
    audience: kubegate-mesh
    userPrefix: "mesh:"
    requiredClaims: {{sub: "spiffe://prod.example/ns/ci/*"}}
    rules: [{{user: "{{sub}}"}}]
"#,
            file = file.display()
        )
    }

    /// A token with these changes to a good one's claims; `null` takes one away.
    fn token(&self, changes: &Value) -> String {
        self.key.sign("JWT", &claims(changes)).unwrap()
    }
}

fn claims(changes: &Value) -> Value {
    let now = START.seconds();
    let mut claims = json!({
        "iss": "https://ci.example.com", "sub": "repo:acme/shop:ref:refs/heads/main", "aud": AUDIENCE,
        "iat": now, "nbf": now, "exp": now + 3600, "jti": "1", "repository": "acme/shop",
        "repository_owner": "acme", "ref": "refs/heads/main", "department": "sre",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

async fn exchange(world: &World, token: &str, cluster: Option<&str>) -> Answer {
    let resource = cluster.map(|cluster| format!("urn:kubegate:cluster:{cluster}"));
    let mut form = vec![("grant_type", GRANT), ("subject_token", token), ("subject_token_type", JWT)];
    form.extend(resource.as_deref().map(|resource| ("resource", resource)));
    world.form("/oauth/token", &form).await
}

async fn good(world: &World, token: &str, cluster: Option<&str>) -> Value {
    let answer = exchange(world, token, cluster).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

fn payload(token: &Value) -> Value {
    let payload = token["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_becomes_a_session_that_ends_with_it() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let shown = issuer.token(&json!({"exp": START.seconds() + 300}));
    let answer = good(&world, &shown, Some("prod")).await;
    assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"], &answer["session_expires_in"]),
        (&json!("Bearer"), &json!(300), &json!(300))
    );
    assert!(answer.get("refresh_token").is_none(), "nothing to keep");
    let token = payload(&answer);
    assert_eq!((&token["user"], &token["groups"]), (&json!("ci:acme/shop"), &json!(["ci:deployers"])));
    assert_eq!(token["sub"], "ci:repo:acme/shop:ref:refs/heads/main");
    assert_eq!((&token["exp"], &token["session_exp"]), (&json!(START.seconds() + 300), &json!(START.seconds() + 300)));
    let mut gateway = world.gateway(&world.poll(None, "wait=0").await);
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", access).0, 200);
    world.clock.advance(Duration::from_secs(301));
    assert_eq!(world.ask(&mut gateway, "prod.example.com", access).0, 401);
    let again = exchange(&world, &shown, Some("prod")).await;
    assert_eq!((again.status, &again.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    let metrics = world.internal("/metrics", &[]).await.text;
    for line in [
        "kubegate_workload_exchanges_total{provider=\"ci\",result=\"ok\"} 1",
        "kubegate_workload_exchanges_total{provider=\"\",result=\"expired\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn the_same_token_shown_again_leads_to_the_same_session() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let shown = issuer.token(&json!({}));
    let first = payload(&good(&world, &shown, Some("prod")).await);
    for _ in 0..60 {
        let next = payload(&good(&world, &shown, Some("prod")).await);
        assert_eq!(next["sid"], first["sid"]);
        assert_ne!(next["jti"], first["jti"], "a token of its own");
    }
    let other = payload(&good(&world, &issuer.token(&json!({"jti": "2"})), Some("prod")).await);
    assert_ne!(other["sid"], first["sid"], "another token is another session");
    let person = kubegate_core::id::PersonId::from("ci:repo:acme/shop:ref:refs/heads/main");
    let sessions =
        crate::store::session::live_of(&mut world.app.store.read().await.unwrap(), &person, START).await.unwrap();
    assert!(sessions.iter().all(|session| session.kind == SessionKind::Workload));
    assert_eq!(sessions.len(), 2);
}

#[tokio::test]
async fn rules_say_who_it_is_and_where_it_may_go() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let staging = issuer.token(&json!({"repository": "acme/site", "environment": "staging"}));
    let token = payload(&good(&world, &staging, Some("lab")).await);
    assert_eq!((&token["user"], &token["groups"]), (&json!("ci:acme/site@staging"), &json!([])));
    let whoami =
        world.api("/api/v1/whoami", good(&world, &staging, None).await["access_token"].as_str().unwrap()).await;
    assert_eq!(
        whoami.json()["user"],
        "ci:acme/site@staging",
        "without clusters in its rule also the control plane's API"
    );
    let shop = issuer.token(&json!({}));
    for (cluster, error) in
        [(Some("lab"), "invalid_target"), (None, "invalid_request"), (Some("none"), "invalid_target")]
    {
        let answer = exchange(&world, &shop, cluster).await;
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{cluster:?}");
    }
    let mesh =
        json!({"iss": null, "sub": "spiffe://prod.example/ns/ci/sa/deployer", "aud": ["kubegate-mesh"], "iat": null});
    let token = payload(&good(&world, &issuer.token(&mesh), Some("prod")).await);
    assert_eq!(token["user"], "mesh:spiffe://prod.example/ns/ci/sa/deployer", "a JWT-SVID has no issuer");
}

#[tokio::test]
async fn what_is_not_to_be_taken_is_not() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let now = START.seconds();
    for (changes, why) in [
        (json!({"aud": "kubegate-cli"}), "audience"),
        (json!({"aud": "https://kubegate.example.com"}), "audience"),
        (json!({"aud": format!("{AUDIENCE}/")}), "audience"),
        (json!({"aud": [AUDIENCE, "other"]}), "several audiences"),
        (json!({"aud": null}), "aud"),
        (json!({"aud": "kubegate-mesh"}), "another issuer"),
        (json!({"iss": "https://ci.example.com/"}), "another issuer"),
        (json!({"iss": "https://evil.example.com"}), "another issuer"),
        (json!({"iss": null}), "another issuer"),
        (json!({"exp": now}), "has ended"),
        (json!({"exp": now + 7300}), "lives longer than 2h"),
        (json!({"exp": null}), "exp"),
        (json!({"nbf": now + 120}), "only later"),
        (json!({"iat": now + 120}), "only later"),
        (json!({"sub": null}), "sub"),
        (json!({"sub": "a\u{7f}b"}), "sub"),
        (json!({"nonce": "n"}), "a person's sign-in"),
        (json!({"at_hash": "h"}), "a person's sign-in"),
        (json!({"events": {}}), "a person's sign-in"),
        (json!({"repository_owner": "acme-evil"}), "repository_owner"),
        (json!({"repository_owner": null}), "repository_owner"),
        (json!({"repository": "acme/other"}), "no rule"),
        (json!({"ref": "refs/tags/v1"}), "no rule"),
        (json!({"ref": null, "environment": "production"}), "no rule"),
        (json!({"repository": "x@y", "environment": "lab"}), "in the user name"),
        (json!({"repository": "system:masters", "environment": "lab"}), "system:"),
        (json!({"repository": "a,b", "environment": "lab"}), "comma"),
        (json!({"repository": null, "environment": "lab"}), "repository"),
    ] {
        let answer = exchange(&world, &issuer.token(&changes), Some("prod")).await;
        let said = answer.json()["error_description"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
        assert!(said.contains(why), "{changes}: {said}");
        world.clock.advance(Duration::ZERO);
        forgive(&world);
    }
}

/// The tests of refusals are not about how many there were.
fn forgive(world: &World) {
    world.app.workload_failures.succeeded("", std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let good = issuer.token(&json!({}));
    let (header, rest) = good.split_once('.').unwrap();
    let (claims_of_it, signature) = rest.split_once('.').unwrap();
    let kid = issuer.key.public().kid().to_string();
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let public = serde_json::to_value(issuer.key.public()).unwrap();
    let foreign = SigningKey::from_seed([8; 32]);
    let by_foreign = foreign.sign("JWT", &claims(&json!({}))).unwrap();
    let (_, foreign_signature) = by_foreign.rsplit_once('.').unwrap();
    // With the public key as the secret of a symmetric algorithm.
    let confused = format!("{}.{claims_of_it}", encode(json!({"alg": "HS256", "kid": kid})));
    let mac = crate::seal::keyed_hash(&[0; 32], &[confused.as_bytes()]);
    for token in [
        format!("{}.{claims_of_it}.", encode(json!({"alg": "none", "kid": kid}))),
        format!("{confused}.{}", URL_SAFE_NO_PAD.encode(mac)),
        format!("{}.{claims_of_it}.{signature}", encode(json!({"alg": "EdDSA", "kid": kid, "jwk": public}))),
        format!("{}.{claims_of_it}.{signature}", encode(json!({"alg": "RS256", "kid": kid}))),
        format!("{}.{claims_of_it}.{signature}", encode(json!({"alg": "EdDSA", "kid": "other"}))),
        format!("{header}.{}.{signature}", encode(claims(&json!({"repository": "acme/shop2"})))),
        format!("{header}.{claims_of_it}.{foreign_signature}"),
        format!("{header}.{claims_of_it}."),
        by_foreign,
        issuer.key.sign("at+jwt", &claims(&json!({}))).unwrap(),
        issuer.key.sign("logout+jwt", &claims(&json!({}))).unwrap(),
        issuer.key.sign(kubegate_core::token::SESSION_TYPE, &claims(&json!({}))).unwrap(),
        "x".repeat(17_000),
        String::from("kgr_secret"),
    ] {
        forgive(&world);
        let answer = exchange(&world, &token, Some("prod")).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_request")),
            "{token}"
        );
    }
    assert_eq!(exchange(&world, &good, Some("prod")).await.status, StatusCode::OK, "the genuine one is taken");
}

#[tokio::test]
async fn requests_are_held_to_rfc_8693() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let shown = issuer.token(&json!({}));
    let base = [("grant_type", GRANT), ("resource", "urn:kubegate:cluster:prod")];
    for (more, error) in [
        (vec![("subject_token_type", JWT)], "invalid_request"),
        (vec![("subject_token", shown.as_str())], "invalid_request"),
        (
            vec![("subject_token", &shown), ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")],
            "invalid_request",
        ),
        (vec![("subject_token", &shown), ("subject_token_type", JWT), ("actor_token", "x")], "invalid_request"),
        (vec![("subject_token", &shown), ("subject_token_type", JWT), ("audience", "x")], "invalid_target"),
        (vec![("subject_token", &shown), ("subject_token_type", JWT), ("client_id", "x")], "invalid_client"),
        (
            vec![
                ("subject_token", &shown),
                ("subject_token_type", JWT),
                ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
            ],
            "invalid_request",
        ),
    ] {
        let form: Vec<_> = base.into_iter().chain(more).collect();
        let answer = world.form("/oauth/token", &form).await;
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{form:?}");
    }
    let metadata = world.browser().get("/.well-known/oauth-authorization-server").await.json();
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
}

#[tokio::test]
async fn an_administrator_ends_it_like_any_session() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let admin = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let shown = issuer.token(&json!({}));
    let answer = good(&world, &shown, Some("prod")).await;
    let access = answer["access_token"].as_str().unwrap();
    let sid = payload(&answer)["sid"].clone();
    let before = world.poll(None, "wait=0").await;
    world.api_post("/api/v1/revocations", &admin, &json!({"session": sid})).await;
    let mut gateway = world.gateway(&before);
    let news = world.poll(Some(before.header("etag")), "wait=10").await;
    gateway.accept(&kubegate_core::bundle::Documents::parse(&news.text).unwrap()).unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", access), (401, "session-revoked"));
    let again = exchange(&world, &shown, Some("prod")).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "the token that was shown gives no second session");
    assert!(again.text.contains("ended by an administrator"), "{}", again.text);

    let body = json!({"person": "ci:repo:acme/shop:ref:refs/heads/main", "reason": "leaked"});
    let disabled = world.api_post("/api/v1/people/disable", &admin, &body).await;
    assert_eq!(disabled.status, StatusCode::OK, "{}", disabled.text);
    let other = exchange(&world, &issuer.token(&json!({"jti": "2"})), Some("prod")).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert!(other.text.contains("disabled by alice"), "{}", other.text);
}

#[tokio::test]
async fn the_workload_ends_it_itself_and_a_removed_issuer_ends_all() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let shown = issuer.token(&json!({}));
    good(&world, &shown, Some("prod")).await;
    assert_eq!(world.form("/oauth/revoke", &[("token", &shown)]).await.status, StatusCode::OK);
    assert!(exchange(&world, &shown, Some("prod")).await.text.contains("signed out"));
    let other = good(&world, &issuer.token(&json!({"jti": "2"})), Some("prod")).await;
    let section = issuer.section();
    let world = world.restarted(|config| config.replace(&section, "")).await;
    let mut gateway = world.gateway(&world.poll(None, "wait=0").await);
    let access = other["access_token"].as_str().unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", access), (401, "session-revoked"));
}

#[tokio::test]
async fn refusals_from_one_address_slow_down_and_lock_nobody_out() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    let bad = issuer.token(&json!({"repository": "acme/other"}));
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(exchange(&world, &bad, Some("prod")).await.status);
    }
    assert_eq!(statuses.first(), Some(&StatusCode::BAD_REQUEST));
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    good(&world, &issuer.token(&json!({})), Some("prod")).await;
    let elsewhere = Request::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-forwarded-for", "192.0.2.7")
        .body(Body::from(encode(&[("grant_type", GRANT), ("subject_token", &bad), ("subject_token_type", JWT)])));
    assert_eq!(world.send(elsewhere.unwrap()).await.status, StatusCode::BAD_REQUEST, "another address is judged anew");
}

#[tokio::test]
async fn keys_in_a_file_are_read_again_when_one_is_not_known() {
    let issuer = Issuer::new();
    let world = World::with(&issuer.section()).await;
    good(&world, &issuer.token(&json!({})), Some("prod")).await;
    let next = SigningKey::from_seed([10; 32]);
    issuer.publish(&[&issuer.key, &next]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    good(&world, &next.sign("JWT", &claims(&json!({}))).unwrap(), Some("prod")).await;
}

/// An issuer with discovery, as CI systems and API servers have it: without an authorization endpoint.
#[derive(Default)]
struct Discoverable {
    issuer: String,
    keys: Vec<Value>,
    asked: usize,
    down: bool,
}

type Shared = Arc<Mutex<Discoverable>>;

async fn discoverable() -> Shared {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let keys = vec![serde_json::to_value(SigningKey::from_seed([9; 32]).public()).unwrap()];
    let shared = Arc::new(Mutex::new(Discoverable { issuer, keys, ..Discoverable::default() }));
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(jwks))
        .with_state(Arc::clone(&shared));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    shared
}

async fn metadata(State(shared): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let mut shared = shared.lock().unwrap();
    shared.asked += 1;
    if shared.down {
        return Err(StatusCode::BAD_GATEWAY);
    }
    Ok(Json(json!({"issuer": shared.issuer, "jwks_uri": format!("{}/jwks", shared.issuer)})))
}

async fn jwks(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "keys": shared.lock().unwrap().keys }))
}

#[tokio::test]
async fn an_issuer_with_discovery_may_be_down_at_the_start_and_stops_nobody() {
    let shared = discoverable().await;
    let url = shared.lock().unwrap().issuer.clone();
    shared.lock().unwrap().down = true;
    let file = Issuer::new();
    let section = format!(
        "{}  - {{id: far, issuer: \"{url}\", audience: far, userPrefix: \"far:\", requiredClaims: {{repository_owner: acme}}, \
         rules: [{{user: \"{{sub}}\"}}]}}\n",
        file.section()
    );
    let world = World::with(&section).await;
    assert_eq!(shared.lock().unwrap().asked, 0, "nothing is asked before somebody comes");
    let shown = file.token(&json!({"iss": url, "aud": "far"}));
    for _ in 0..3 {
        let answer = exchange(&world, &shown, Some("prod")).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("temporarily_unavailable"))
        );
    }
    assert_eq!(shared.lock().unwrap().asked, 1, "not asked again at once");
    good(&world, &file.token(&json!({})), Some("prod")).await;
    shared.lock().unwrap().down = false;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let token = payload(&good(&world, &shown, Some("prod")).await);
    assert_eq!(token["user"], "far:repo:acme/shop:ref:refs/heads/main");
    // The issuer goes away: the keys that are known stay good.
    shared.lock().unwrap().down = true;
    good(&world, &file.token(&json!({"iss": url, "aud": "far", "jti": "2"})), Some("prod")).await;
    let unknown = SigningKey::from_seed([12; 32]).sign("JWT", &claims(&json!({"iss": url, "aud": "far"}))).unwrap();
    for _ in 0..5 {
        assert_eq!(exchange(&world, &unknown, Some("prod")).await.json()["error"], "invalid_request");
    }
    assert_eq!(shared.lock().unwrap().asked, 2, "an unknown key does not make us ask all the time");
}
