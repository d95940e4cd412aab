//! pomerium-cli, message by message: as its releases ask, and as they read what they get.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::gateway::{Decision, Gateway, ROUTES_PATH};
use kubegate_core::inbound::Inbound;
use serde_json::{Value, json};

use super::world::{Answer, Browser, ISSUER, PASSWORD, START, World, encode, parameter};

pub(super) const ON: &str = "pomerium: {enabled: true, clusters: [prod], maxLifetime: 8h, serviceAccounts: {userPrefix: 'sa:', maxLifetime: 30d}}";

/// Where an older release waits, and a newer one.
pub(super) const OLD: &str = "http://127.0.0.1:7777";
const NEW: &str = "http://127.0.0.1:7777/callback/dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const HOUR: Duration = Duration::from_secs(3600);

/// The form on the page that hands the token over.
struct Form {
    method: String,
    action: String,
    token: String,
    policy: String,
}

impl World {
    /// What pomerium-cli sends first, on the cluster's host as Envoy passes it on.
    async fn login(&self, host: &str, query: &str) -> Answer {
        let request = Request::get(format!("/.pomerium/api/v1/login{query}"))
            .header("host", host)
            .header("user-agent", "Go-http-client/1.1")
            .header("accept-encoding", "gzip");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The path and query of the URL to sign in at.
    pub(super) async fn sign_in_url(&self, redirect: &str) -> String {
        let answer =
            self.login("prod.example.com", &format!("?{}", encode(&[("pomerium_redirect_uri", redirect)]))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.text.strip_prefix(ISSUER).unwrap().to_owned()
    }

    /// A token of pomerium-cli, by a browser that signs in for it.
    pub(super) async fn pomerium_token(&self, user: &str) -> String {
        let url = self.sign_in_url(OLD).await;
        let mut browser = self.browser();
        handed_over(&browser.signed_in_for(&url, user).await).token
    }

    async fn routes(&self, host: &str, authorization: &str) -> Answer {
        let request = Request::get(ROUTES_PATH).header("host", host).header("accept", "application/json");
        self.send(request.header("authorization", authorization).body(Body::empty()).unwrap()).await
    }

    /// What a gateway that has the newest bundle makes of a request with a token.
    async fn decided(&self, token: &str, path: &str) -> (u16, &'static str) {
        let answer = self.poll(None, "wait=0").await;
        decide(&mut self.gateway(&answer), token, path, self)
    }

    /// The same, until it is so: the publisher hears of a revocation in a moment.
    async fn until(&self, token: &str, path: &str, wanted: (u16, &'static str)) {
        super::world::soon(wanted.1, async {
            while self.decided(token, path).await != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    async fn administrator(&self) -> String {
        self.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned()
    }
}

fn decide(gateway: &mut Gateway, token: &str, path: &str, world: &World) -> (u16, &'static str) {
    let bearer = format!("Bearer {token}");
    let headers =
        [(":method", "GET"), (":authority", "prod.example.com"), (":path", path), ("authorization", bearer.as_str())];
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    match gateway.decide(Inbound::parse(headers).unwrap(), world.clock.now()) {
        Decision::Answer(answer) => (answer.status, answer.record.reason),
        Decision::ControlPlane(asked) => (0, asked.record.reason),
        Decision::Allow(allow) => (200, allow.grant.record.reason),
    }
}

impl Browser {
    /// Opens the URL, signs in, and comes back to it.
    async fn signed_in_for(&mut self, url: &str, user: &str) -> Answer {
        let login = self.get(url).await.location().to_owned();
        let back = self.sign_in(&login, user, PASSWORD).await.location().to_owned();
        assert_eq!(back, url, "the sign-in leads back");
        self.get(&back).await
    }
}

fn handed_over(page: &Answer) -> Form {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text.contains("<script"), "it works without script");
    let form = page.text.split("<form ").nth(1).unwrap().split('>').next().unwrap();
    let attribute = |name: &str| {
        let value = form.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
        super::world::unescape(value)
    };
    assert_eq!(page.text.matches("<form ").count(), 1);
    assert_eq!(page.text.matches(" name=\"").count() - page.text.matches("<meta name=\"").count(), 1, "one parameter");
    Form {
        method: attribute("method"),
        action: attribute("action"),
        token: page.hidden("pomerium_jwt"),
        policy: page.header("content-security-policy").to_owned(),
    }
}

/// What pomerium-cli reads of a token: it verifies nothing.
fn payload(token: &str) -> Value {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    assert_eq!(parts.next(), None);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn the_sign_in_url_is_the_whole_answer() {
    let world = World::with(ON).await;
    for redirect in [OLD, NEW, "http://localhost:1", "https://127.0.0.1:1", "http://[::1]:1/x"] {
        let query = format!("?{}", encode(&[("pomerium_redirect_uri", redirect)]));
        let answer = world.login("prod.example.com:6443", &query).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/plain; charset=utf-8"));
        assert!(answer.text.starts_with(&format!("{ISSUER}/pomerium?")), "{}", answer.text);
        assert!(answer.text.bytes().all(|byte| byte.is_ascii_graphic()), "no newline, no blank: {:?}", answer.text);
        assert!(answer.headers.get("location").is_none());
    }
    for (query, expected) in [
        ("", StatusCode::NOT_FOUND),
        ("?x=y", StatusCode::NOT_FOUND),
        ("?pomerium_redirect_uri=", StatusCode::NOT_FOUND),
        ("?pomerium_redirect_uri=http://evil.example", StatusCode::BAD_REQUEST),
        ("?pomerium_redirect_uri=http://localhost.evil.example:1", StatusCode::BAD_REQUEST),
        ("?pomerium_redirect_uri=http://evil@127.0.0.1:1", StatusCode::BAD_REQUEST),
        ("?pomerium_redirect_uri=http://127.0.0.1:1%23x", StatusCode::BAD_REQUEST),
        ("?pomerium_redirect_uri=javascript:alert(1)", StatusCode::BAD_REQUEST),
        ("?pomerium_redirect_uri=http://127.0.0.1:1&pomerium_redirect_uri=http://127.0.0.1:2", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(world.login("prod.example.com", query).await.status, expected, "{query}");
    }
    let query = format!("?{}", encode(&[("pomerium_redirect_uri", OLD)]));
    for host in ["lab.example.com", "kubegate.example.com", "other.example.com", ""] {
        let answer = world.login(host, &query).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{host:?}: it is not on there");
    }
    let off = World::new().await;
    assert_eq!(off.login("prod.example.com", &query).await.status, StatusCode::NOT_FOUND);
    for path in ["/.pomerium/", "/.pomerium/sign_out", "/.pomerium/api/v1/device_auth", "/.pomerium/api/v2/login"] {
        let request = Request::get(path).header("host", "prod.example.com").body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::NOT_FOUND, "application/json"),
            "{path}"
        );
        assert!(answer.json()["error"].is_string());
    }
}

#[tokio::test]
async fn older_releases_get_their_token_in_a_form_and_newer_ones_in_a_query() {
    let world = World::with(ON).await;
    for (redirect, method) in [(OLD, "post"), (NEW, "get")] {
        let url = world.sign_in_url(redirect).await;
        let form = handed_over(&world.browser().signed_in_for(&url, "alice").await);
        assert_eq!((form.method.as_str(), form.action.as_str()), (method, redirect));
        assert!(form.policy.contains("form-action http://127.0.0.1:7777; "), "that one target only: {}", form.policy);
        assert!(form.policy.starts_with("default-src 'none'") && !form.policy.contains("script"), "{}", form.policy);
        // Claims as pomerium-cli reads them: an integer that is the session's true end.
        let claims = payload(&form.token);
        assert_eq!(claims["exp"], json!(START.after(8 * HOUR).seconds()));
        assert_eq!((&claims["exp"], &claims["aud"]), (&claims["session_exp"], &json!("prod")));
        assert_eq!((&claims["user"], &claims["groups"]), (&json!("alice"), &json!(["platform-admins"])));
        let shown = format!("Pomerium-{}", form.token);
        let token = form.token.as_str();
        for (token, path, decided) in [
            (shown.as_str(), "/healthz", (200, "own-path")),
            (&shown, "/livez", (200, "own-path")),
            (&shown, "/api/v1/nodes", (200, "rule")),
            (&shown, ROUTES_PATH, (0, "control-plane")),
            (token, "/healthz", (401, "token-type")),
            (token, "/api/v1/nodes", (401, "token-type")),
        ] {
            assert_eq!(world.decided(token, path).await, decided, "{path}");
        }
    }
    // Who has no rule is signed in all the same.
    let stranger = format!("Pomerium-{}", world.pomerium_token("bob").await);
    assert_eq!(world.decided(&stranger, "/healthz").await, (200, "own-path"));
    assert_eq!(world.decided(&stranger, "/api/v1/nodes").await.0, 403);
}

#[tokio::test]
async fn whoever_was_signed_in_is_asked_and_may_refuse() {
    let world = World::with(ON).await;
    let mut browser = world.browser();
    browser.sign_in("/login", "alice", PASSWORD).await;
    let url = world.sign_in_url(OLD).await;
    let consent = browser.get(&url).await;
    for named in ["Continue as alice?", "prod", "https://prod.example.com", "http://127.0.0.1:7777"] {
        assert!(consent.text.contains(named), "{named}: {}", consent.text);
    }
    assert!(!consent.text.contains("pomerium_jwt"), "nothing before the answer");
    let (csrf, request) = (consent.hidden("csrf"), consent.hidden("request"));
    let answer = |decision| [("csrf", csrf.clone()), ("request", request.clone()), ("decision", decision)];
    let post = async |browser: &mut Browser, form: &[(&str, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/pomerium", &form).await
    };
    let denied = post(&mut browser, &answer("deny".to_owned())).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(denied.text.contains("Ctrl+C"), "{}", denied.text);
    // Another browser's form, a forged one, and one of another request.
    let mut mallory = world.browser();
    mallory.sign_in("/login", "bob", PASSWORD).await;
    assert_eq!(post(&mut mallory, &answer("allow".to_owned())).await.status, StatusCode::FORBIDDEN);
    let forged = [("csrf", "x".to_owned()), ("request", request.clone()), ("decision", "allow".to_owned())];
    assert_eq!(post(&mut browser, &forged).await.status, StatusCode::FORBIDDEN);
    let other = world.sign_in_url(OLD).await.strip_prefix("/pomerium?").unwrap().to_owned();
    let swapped = [("csrf", csrf.clone()), ("request", other), ("decision", "allow".to_owned())];
    assert_eq!(post(&mut browser, &swapped).await.status, StatusCode::FORBIDDEN);

    let form = handed_over(&post(&mut browser, &answer("allow".to_owned())).await);
    assert_eq!(payload(&form.token)["user"], "alice");
    let again = post(&mut browser, &answer("allow".to_owned())).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "once");
    // And "not you?" leads to another sign-in.
    let consent = browser.get(&world.sign_in_url(OLD).await).await;
    let other =
        [("csrf", consent.hidden("csrf")), ("request", consent.hidden("request")), ("decision", "other".to_owned())];
    assert!(post(&mut browser, &other).await.location().starts_with("/login?return_to=%2Fpomerium"));
}

#[tokio::test]
async fn nobody_makes_or_changes_a_request_of_pomerium_cli() {
    let world = World::with(ON).await;
    let mut browser = world.browser();
    browser.sign_in("/login", "alice", PASSWORD).await;
    let url = world.sign_in_url(OLD).await;
    for (from, to) in [
        ("cluster=prod", "cluster=lab"),
        ("7777", "7778"),
        ("127.0.0.1", "localhost"),
        ("id=p_", "id=p"),
        ("expires=", "expires=1"),
        ("proof=", "proof=x"),
        ("proof=", "other="),
    ] {
        let forged = url.replace(from, to);
        assert_ne!(forged, url);
        let answer = browser.get(&forged).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{forged}");
        assert!(!answer.text.contains("pomerium_jwt"));
    }
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(browser.get(&url).await.status, StatusCode::BAD_REQUEST, "too late");
    // One sign-in, one token: the URL of a sign-in that came to its end is worth nothing.
    let url = world.sign_in_url(OLD).await;
    let mut victim = world.browser();
    handed_over(&victim.signed_in_for(&url, "bob").await);
    assert_eq!(victim.get(&url).await.status, StatusCode::OK, "asks again");
    let consent = victim.get(&url).await;
    let form = [("csrf", &*consent.hidden("csrf")), ("request", &*consent.hidden("request")), ("decision", "allow")];
    assert_eq!(victim.post("/pomerium", &form).await.status, StatusCode::BAD_REQUEST, "and gives nothing");
}

#[tokio::test]
async fn a_token_is_as_long_as_its_session_and_no_longer() {
    let world = World::with(ON).await;
    let mut browser = world.browser();
    browser.sign_in("/login", "alice", PASSWORD).await;
    world.clock.advance(5 * HOUR);
    let url = world.sign_in_url(OLD).await;
    assert!(browser.get(&url).await.location().starts_with("/login?"), "more than half is over: a new sign-in");
    let token = world.pomerium_token("alice").await;
    let good_at = |now| world.app.minter.verify_pomerium(&token, &"prod".into(), now).is_some();
    let end = world.clock.now().after(8 * HOUR);
    assert!(good_at(end.before(Duration::from_secs(1))) && !good_at(end));
    let (shown, sid) = (payload(&token), payload(&token)["sid"].as_str().unwrap().to_owned());
    let session = world.app.sessions.live(&sid.as_str().into(), world.clock.now()).await.unwrap().unwrap();
    assert_eq!((session.kind.as_str(), json!(session.expires_at.seconds())), ("pomerium", shown["exp"].clone()));
    assert_eq!(session.holder.client.as_deref(), Some("pomerium-cli"));
}

#[tokio::test]
async fn it_ends_like_any_session() {
    let world = World::with(ON).await;
    let admin = world.administrator().await;
    let (token, other) = (world.pomerium_token("bob").await, world.pomerium_token("bob").await);
    let [token, other] = [token, other].map(|token| format!("Pomerium-{token}"));
    let sid = payload(&token)["sid"].clone();
    let revoked = world.api_post("/api/v1/revocations", &admin, &json!({"session": sid})).await;
    assert_eq!(revoked.json()["sessions"], 1, "{}", revoked.text);
    world.until(&token, "/healthz", (401, "session-revoked")).await;
    assert_eq!(world.decided(&other, "/healthz").await.0, 200, "of that session alone");
    assert_eq!(world.routes("prod.example.com", &format!("Bearer {token}")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.routes("prod.example.com", &format!("Bearer {other}")).await.status, StatusCode::OK);
    world.api_post("/api/v1/people/disable", &admin, &json!({"person": "bob", "reason": "left"})).await;
    world.until(&other, "/healthz", (401, "user-revoked")).await;
}

#[tokio::test]
async fn routes_are_what_the_caller_can_reach() {
    let world = World::with(ON).await;
    let token = world.pomerium_token("alice").await;
    let answer = world.routes("prod.example.com", &format!("Bearer Pomerium-{token}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    let route = json!({
        "id": "prod", "name": "prod", "type": "http", "from": "https://prod.example.com",
        "description": "Kubernetes cluster prod",
        "connect_command": "pomerium-cli k8s exec-credential https://prod.example.com",
    });
    assert_eq!(answer.json(), json!({"routes": [route]}));
    let stranger = world.pomerium_token("bob").await;
    let answer = world.routes("prod.example.com", &format!("Bearer Pomerium-{stranger}")).await;
    assert_eq!(answer.json(), json!({"routes": []}));
    let session = world.signed_in("alice", Some("urn:kubegate:cluster:prod")).await;
    let session = session["access_token"].as_str().unwrap();
    for authorization in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer Pomerium-".to_owned(),
        "Bearer Pomerium-x".to_owned(),
        format!("Bearer {token}"),
        format!("Bearer {session}"),
        format!("Bearer Pomerium-{session}"),
        format!("Basic Pomerium-{token}"),
    ] {
        let answer = world.routes("prod.example.com", &authorization).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
    let answer = world.routes("lab.example.com", &format!("Bearer Pomerium-{token}")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "it is not on there");
    // Our own API takes it for nothing.
    for shown in [token.clone(), format!("Pomerium-{token}")] {
        assert_eq!(world.api("/api/v1/whoami", &shown).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn who_has_too_many_groups_is_told_and_not_given_some_of_them() {
    let groups: Vec<String> = (0..200).map(|number| format!("group-{number:020}")).collect();
    let groups = format!("{{user: bob, groups: [{}], ", groups.join(", "));
    let world = World::with(ON).await.restarted(|config| config.replace("{user: bob, ", &groups)).await;
    let url = world.sign_in_url(OLD).await;
    let mut browser = world.browser();
    let refused = browser.signed_in_for(&url, "bob").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for told in ["too many groups", "5200", "4096", "Use <code>kubegate</code>"] {
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    assert!(!refused.text.contains("pomerium_jwt"));
    let world = world.restarted(|config| config.replace(&groups, "{user: bob, groups: [few], ")).await;
    let token = handed_over(&world.browser().signed_in_for(&url, "bob").await).token;
    assert_eq!(payload(&token)["groups"], json!(["few"]), "the request was not spent in vain");
}

async fn only_session(world: &World) -> kubegate_core::id::SessionId {
    let person = kubegate_core::id::PersonId::from("accounts:alice");
    let mut conn = world.app.store.read().await.unwrap();
    crate::store::session::live_of(&mut conn, &person, START).await.unwrap().remove(0).id
}

#[tokio::test]
async fn turned_off_again_none_of_its_tokens_counts() {
    let world = World::with(ON).await;
    let token = format!("Pomerium-{}", world.pomerium_token("alice").await);
    assert_eq!(world.decided(&token, "/healthz").await.0, 200);
    let world = world.restarted(|config| config.replace("enabled: true", "enabled: false")).await;
    assert_eq!(world.decided(&token, "/healthz").await, (401, "token-key"));
    assert_eq!(world.decided(&token, ROUTES_PATH).await, (404, "unknown-path"));
    assert_eq!(world.routes("prod.example.com", &format!("Bearer {token}")).await.status, StatusCode::NOT_FOUND);
    let world = world.restarted(|config| config.replace("enabled: false", "enabled: true")).await;
    assert_eq!(world.decided(&token, "/healthz").await.0, 200, "the keys are the same after a restart");
    let world = world.restarted(|config| config.replace("clusters: [prod]", "clusters: [lab]")).await;
    assert_eq!(world.decided(&token, "/healthz").await, (401, "token-kind-off"));
}

fn ci() -> Value {
    json!({"name": "ci", "clusters": ["prod"], "groups": ["platform-admins"], "expires_in": 86400})
}

#[tokio::test]
async fn tokens_of_service_accounts_are_issued_listed_and_revoked() {
    let world = World::with(ON).await;
    let admin = world.administrator().await;
    let issued = world.api_post("/api/v1/service-accounts", &admin, &ci()).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.text);
    assert_eq!(issued.header("cache-control"), "no-store");
    let mut issued = issued.json();
    let tokens = issued.as_object_mut().unwrap().remove("tokens").unwrap();
    assert_eq!((tokens.as_array().unwrap().len(), &tokens[0]["cluster"]), (1, &json!("prod")));
    let token = tokens[0]["token"].as_str().unwrap().to_owned();
    assert_eq!((&issued["user"], &issued["issued_by"]), (&json!("sa:ci"), &json!("alice")));
    assert_eq!(issued["expires_at"], json!(crate::clock::rfc3339(START.after(24 * HOUR))));
    let listed = world.api("/api/v1/service-accounts", &admin).await;
    assert_eq!(listed.json(), json!({"service_accounts": [issued]}), "without the token, which is told once");

    assert_eq!(payload(&token)["exp"], json!(START.after(24 * HOUR).seconds()));
    let shown = format!("Pomerium-{token}");
    assert_eq!(world.decided(&shown, "/healthz").await, (200, "own-path"));
    assert_eq!(world.decided(&shown, "/api/v1/nodes").await, (200, "rule"));
    assert_eq!(world.decided(&token, "/api/v1/nodes").await, (401, "token-type"));
    let routes = world.routes("prod.example.com", &format!("Bearer {shown}")).await.json();
    assert_eq!(routes["routes"][0]["name"], "prod");
    // It stands after a restart, while the configuration has service accounts.
    let world = world.restarted(str::to_owned).await;
    assert_eq!(world.decided(&shown, "/healthz").await.0, 200);

    let admin = world.administrator().await;
    let path = format!("/api/v1/service-accounts/{}", issued["id"].as_str().unwrap());
    assert_eq!(world.api_delete(&path, &admin).await.json()["user"], "sa:ci");
    world.until(&shown, "/healthz", (401, "session-revoked")).await;
    assert_eq!(world.api("/api/v1/service-accounts", &admin).await.json(), json!({"service_accounts": []}));
    assert_eq!(world.api_delete(&path, &admin).await.status, StatusCode::NOT_FOUND);
    // No other session is ended that way.
    let mine = payload(&admin)["sid"].as_str().unwrap().to_owned();
    assert_eq!(
        world.api_delete(&format!("/api/v1/service-accounts/{mine}"), &admin).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(world.api("/api/v1/whoami", &admin).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_service_account_stays_revoked_as_long_as_its_token_would_live() {
    let world = World::with(ON).await;
    let admin = world.administrator().await;
    let month = json!({"name": "ci", "clusters": ["prod"], "expires_in": 30 * 86400});
    let issued = world.api_post("/api/v1/service-accounts", &admin, &month).await.json();
    let token = format!("Pomerium-{}", issued["tokens"][0]["token"].as_str().unwrap());
    let revoked = world.api_post("/api/v1/revocations", &admin, &json!({"person": "service-accounts:ci"})).await;
    assert_eq!(revoked.json()["sessions"], 1, "{}", revoked.text);
    world.until(&token, "/healthz", (401, "user-revoked")).await;
    world.clock.advance(20 * 24 * HOUR);
    let now = world.clock.now();
    world.app.sessions.sweep(now).await.unwrap();
    let still = crate::store::revocation::live(&mut world.app.store.read().await.unwrap(), now).await.unwrap();
    assert_eq!(still.len(), 2, "the person's entry and the session's: {still:?}");
}

#[tokio::test]
async fn only_administrators_issue_and_only_what_is_allowed() {
    let world = World::with(ON).await;
    let (admin, bob) = (world.administrator().await, world.signed_in("bob", None).await);
    let bob = bob["access_token"].as_str().unwrap();
    for (method, path) in [
        (Method::POST, "/api/v1/service-accounts"),
        (Method::GET, "/api/v1/service-accounts"),
        (Method::DELETE, "/api/v1/service-accounts/s_1"),
    ] {
        assert_eq!(world.api_send(method, path, bob, &ci()).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for (field, wrong, word) in [
        ("name", json!(""), "name"),
        ("name", json!("a,b"), "name"),
        ("name", json!("a:b"), "name"),
        ("name", json!("a\nb"), "name"),
        ("clusters", json!([]), "clusters"),
        ("clusters", json!(["lab"]), "lab"),
        ("clusters", json!(["nowhere"]), "nowhere"),
        ("clusters", json!(["prod", "prod"]), "twice"),
        ("groups", json!(["a,b"]), "groups"),
        ("groups", json!(["system:masters"]), "system:masters"),
        ("expires_in", json!(31 * 86400), "30d"),
        ("expires_in", json!(5), "1m"),
        ("expires_in", json!("x"), "expires_in"),
        ("more", json!(1), "more"),
    ] {
        let mut wanted = ci();
        wanted[field] = wrong.clone();
        let refused = world.api_post("/api/v1/service-accounts", &admin, &wanted).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field} {wrong}");
        assert!(refused.json()["detail"].as_str().unwrap().contains(word), "{field} {wrong}: {}", refused.text);
    }
    let none = World::with("pomerium: {enabled: true}").await;
    let admin = none.administrator().await;
    let refused = none.api_post("/api/v1/service-accounts", &admin, &ci()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}

#[tokio::test]
async fn names_of_service_accounts_are_nobody_elses() {
    let world = World::with(ON).await;
    let (policy, now) = (world.app.in_force(), world.clock.now());
    world.browser().sign_in("/login", "alice", PASSWORD).await;
    let mut session = world.app.sessions.live(&only_session(&world).await, now).await.unwrap().unwrap();
    session.identity.user = "sa:ci".into();
    let session_token =
        world.app.minter.session_token(&session, &"prod".into(), (&policy.policy, policy.version), now, now);
    for refused in [session_token, world.app.minter.pomerium_token(&session, &"prod".into(), &policy.policy, now)] {
        assert!(matches!(refused, Err(crate::token::MintError::ReservedUser { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_configuration_without_them_ends_service_accounts() {
    let world = World::with(ON).await;
    let admin = world.administrator().await;
    let issued = world.api_post("/api/v1/service-accounts", &admin, &ci()).await.json();
    let token = format!("Pomerium-{}", issued["tokens"][0]["token"].as_str().unwrap());
    let world = world.restarted(|config| config.replace("userPrefix: 'sa:'", "userPrefix: 'robot:'")).await;
    assert_eq!(world.decided(&token, "/healthz").await, (401, "session-revoked"));
}

#[test]
fn the_login_query_is_as_go_writes_it() {
    // url.Values.Encode of the newest release.
    let query = "/?pomerium_redirect_uri=http%3A%2F%2F127.0.0.1%3A7777%2Fcallback%2Fabc";
    assert_eq!(parameter(query, "pomerium_redirect_uri").as_deref(), Some("http://127.0.0.1:7777/callback/abc"));
}
