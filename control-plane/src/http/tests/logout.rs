//! Signing out: here and at the provider, by either side; and the sessions that people and administrators see and end.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use kubegate_core::jws::SigningKey;
use serde_json::{Value, json};

use super::idp::Idp;
use super::recheck::{SignedIn, sign_in};
use super::world::{Answer, World, encode, parameter, unescape};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const PATH: &str = "/logout/backchannel/corp";

impl SignedIn {
    /// At a provider that says which of its sessions it is.
    async fn of_session(sid: &str) -> Self {
        Self::with("", |behaviour| behaviour.claims["sid"] = json!(sid)).await
    }

    /// What a logout token says, changed by `with`; `null` takes a claim away.
    fn claims(&self, with: Value) -> Value {
        let now = self.world.clock.now().seconds();
        let mut claims = json!({
            "iss": self.idp.issuer, "aud": "kubegate", "iat": now, "exp": now + 120, "jti": crate::random::id("").unwrap(),
            "events": {EVENT: {}},
        });
        claims.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    fn token(&self, with: Value) -> String {
        SigningKey::from_seed([1; 32]).sign("logout+jwt", &self.claims(with)).unwrap()
    }

    async fn tell(&self, token: &str) -> Answer {
        tell(&self.world, token).await
    }
}

async fn tell(world: &World, token: &str) -> Answer {
    let answer = world.form(PATH, &[("logout_token", token)]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    if answer.status != StatusCode::OK {
        assert!(answer.json()["error"].is_string(), "{}", answer.text);
    }
    answer
}

#[tokio::test]
async fn a_logout_token_with_a_sid_ends_that_session_and_no_other() {
    let at = SignedIn::of_session("sid-1").await;
    at.behave(|behaviour| behaviour.claims["sid"] = json!("sid-2"));
    let (other, _) = sign_in(&at.world, &at.idp).await;
    assert_eq!(at.tell(&at.token(json!({"sid": "sid-3"}))).await.status, StatusCode::OK, "one that is not known here");
    assert_eq!(at.world.refresh(&at.refresh, None).await.status, StatusCode::OK);
    let log = super::log::Log::begin();
    let answer = at.tell(&at.token(json!({"sid": "sid-1", "sub": "u-1"}))).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    assert!(log.take().contains("signed out by the provider"));
    assert_eq!(at.over().await, "provider-logout");
    let told = at.world.refresh(&at.refresh, None).await.json()["error_description"].as_str().unwrap().to_owned();
    assert!(told.contains("signed out at your identity provider"), "{told}");
    assert_eq!(at.revocations().await.len(), 1, "gateways hear of it");
    assert_eq!(at.world.refresh(&other, None).await.status, StatusCode::OK, "the other session goes on");
    let metrics = at.world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("kubegate_provider_logouts_total{provider=\"corp\",result=\"ok\"} 2"), "{metrics}");
}

#[tokio::test]
async fn a_logout_token_with_a_subject_alone_ends_all_of_that_person() {
    let at = SignedIn::of_session("sid-1").await;
    let (second, _) = sign_in(&at.world, &at.idp).await;
    at.behave(|behaviour| behaviour.claims["sub"] = json!("u-2"));
    at.behave(|behaviour| behaviour.user_info["sub"] = json!("u-2"));
    let (other, _) = sign_in(&at.world, &at.idp).await;
    assert_eq!(at.tell(&at.token(json!({"sub": "u-1"}))).await.status, StatusCode::OK);
    assert_eq!(at.over().await, "provider-logout");
    assert_eq!(at.world.refresh(&second, None).await.json()["session_ended"]["reason"], "provider-logout");
    assert_eq!(at.world.refresh(&other, None).await.status, StatusCode::OK, "somebody else");
}

#[tokio::test]
async fn the_sid_of_one_person_ends_nothing_of_another() {
    let at = SignedIn::of_session("sid-1").await;
    assert_eq!(at.tell(&at.token(json!({"sid": "sid-1", "sub": "u-2"}))).await.status, StatusCode::OK);
    assert_eq!(at.world.refresh(&at.refresh, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_whose_sid_was_never_told_ends_with_any_of_its_person() {
    let at = SignedIn::with("", |_| {}).await;
    assert_eq!(at.tell(&at.token(json!({"sid": "sid-1"}))).await.status, StatusCode::OK);
    assert_eq!(at.world.refresh(&at.refresh, None).await.status, StatusCode::OK, "it may be anybody's");
    assert_eq!(at.tell(&at.token(json!({"sid": "sid-1", "sub": "u-1"}))).await.status, StatusCode::OK);
    assert_eq!(at.over().await, "provider-logout");
}

#[tokio::test]
async fn logout_tokens_that_are_not_right_in_everything_are_refused() {
    let at = SignedIn::of_session("sid-1").await;
    let now = at.world.clock.now().seconds();
    let sid = json!({"sid": "sid-1"});
    let with = |more: Value| {
        let mut claims = sid.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        at.token(claims)
    };
    let good = with(json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let kid = SigningKey::from_seed([1; 32]).public().clone();
    let kid = serde_json::to_value(&kid).unwrap()["kid"].as_str().unwrap().to_owned();
    let headed = |header: Value| format!("{}.{payload}.{signature}", base64(&header.to_string()));
    let typed = |typ: &str| SigningKey::from_seed([1; 32]).sign(typ, &at.claims(sid.clone())).unwrap();
    let id_token = json!({"events": null, "nonce": "n", "sub": "u-1"});
    let cases = [
        ("another key", SigningKey::from_seed([2; 32]).sign("logout+jwt", &at.claims(sid.clone())).unwrap()),
        ("a changed payload", format!("{header}.{}.{signature}", base64(&at.claims(sid.clone()).to_string()))),
        ("no signature", format!("{signed}.")),
        ("the algorithm none", headed(json!({"alg": "none", "typ": "logout+jwt"}))),
        ("a shared secret", headed(json!({"alg": "HS256", "typ": "logout+jwt", "kid": kid}))),
        ("another algorithm of that key", headed(json!({"alg": "RS256", "typ": "logout+jwt", "kid": kid}))),
        ("a critical header", headed(json!({"alg": "EdDSA", "kid": kid, "crit": ["b64"], "b64": false}))),
        ("an access token's type", typed("at+jwt")),
        ("an ID token", with(id_token)),
        ("another issuer", with(json!({"iss": "https://evil.example"}))),
        ("no issuer", with(json!({"iss": null}))),
        ("another audience", with(json!({"aud": "somebody-else"}))),
        ("other audiences", with(json!({"aud": ["a", "b"]}))),
        ("no audience", with(json!({"aud": null}))),
        ("made long ago", with(json!({"iat": now - 3600}))),
        ("made in the future", with(json!({"iat": now + 600}))),
        ("no iat", with(json!({"iat": null}))),
        ("iat as text", with(json!({"iat": now.to_string()}))),
        ("expired", with(json!({"exp": now - 120}))),
        ("no exp", with(json!({"exp": null}))),
        ("not yet", with(json!({"nbf": now + 600}))),
        ("no jti", with(json!({"jti": null}))),
        ("an empty jti", with(json!({"jti": ""}))),
        ("no events", with(json!({"events": null}))),
        ("another event", with(json!({"events": {"http://schemas.openid.net/event/other": {}}}))),
        ("an event that is no object", with(json!({"events": {EVENT: true}}))),
        ("events as a list", with(json!({"events": [EVENT]}))),
        ("a nonce", with(json!({"nonce": "n"}))),
        ("a sid that is no text", with(json!({"sid": 1, "sub": "u-1"}))),
        ("a subject that is no text", with(json!({"sub": ["u-1"]}))),
        ("neither sid nor subject", with(json!({"sid": null}))),
        ("no token", "x".to_owned()),
        ("a long one", with(json!({"padding": "x".repeat(9000)}))),
    ];
    for (what, token) in &cases {
        at.world.clock.advance(std::time::Duration::from_secs(3));
        let answer = at.tell(token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {}", answer.text);
    }
    assert_eq!(at.world.refresh(&at.refresh, None).await.status, StatusCode::OK, "none of them ended anything");
    for body in ["", "logout_token=", "logout_token=a&logout_token=b", "token=x"] {
        let answer = at.world.post_raw(PATH, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
    }
    assert_eq!(at.world.post_raw("/logout/backchannel/other", "").await.status, StatusCode::BAD_REQUEST);
    let long = at.world.post_raw(PATH, &format!("logout_token={}", "x".repeat(20_000))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST, "{}", long.text);
    for typ in ["JWT", "logout+jwt", "application/logout+jwt"] {
        assert_eq!(at.tell(&typed(typ)).await.status, StatusCode::OK, "{typ}");
    }
    assert_eq!(at.over().await, "provider-logout");
}

#[tokio::test]
async fn a_logout_token_is_taken_once_by_all_processes() {
    let at = SignedIn::of_session("sid-1").await;
    let token = at.token(json!({"sub": "u-1"}));
    assert_eq!(at.tell(&token).await.status, StatusCode::OK);
    at.world.clock.advance(std::time::Duration::from_secs(2));
    let (anew, _) = sign_in(&at.world, &at.idp).await;
    let again = at.tell(&token).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.text.contains("taken before"), "{}", again.text);
    assert_eq!(tell(&at.world.twin().await, &token).await.status, StatusCode::BAD_REQUEST, "by another process");
    assert_eq!(at.world.refresh(&anew, None).await.status, StatusCode::OK, "a replay ends no new session");
}

#[tokio::test]
async fn who_sends_many_bad_ones_is_held_up_and_holds_nobody_up() {
    let at = SignedIn::of_session("sid-1").await;
    let statuses = async || {
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(at.world.form(PATH, &[("logout_token", "x.y.z")]).await.status);
        }
        statuses
    };
    let statuses = statuses().await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::BAD_REQUEST).count(), 30);
    assert_eq!(statuses[39], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(at.tell(&at.token(json!({"sid": "sid-1"}))).await.status, StatusCode::OK, "a good one is always obeyed");
    assert_eq!(at.over().await, "provider-logout");
}

#[tokio::test]
async fn who_signs_out_here_is_led_on_to_the_provider() {
    let idp = Idp::start().await;
    let world = World::with(&idp.section()).await;
    let mut browser = world.browser();
    let login = browser.get(&super::world::authorize_url()).await.location().to_owned();
    let back = super::oidc::sign_in(&mut browser, &idp, &login).await.location().to_owned();
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    let refresh = world.redeem(&code, None).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let csrf = browser.get("/").await.hidden("csrf");
    let forged = browser.post("/logout", &[("csrf", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);

    let page = browser.post("/logout", &[("csrf", &csrf)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let over = world.refresh(&refresh, None).await.json();
    assert_eq!(over["session_ended"]["reason"], "signed-out", "the command line's session of that sign-in ends too");
    let there = page.header("refresh").strip_prefix("0; url=").unwrap().to_owned();
    assert!(unescape(&page.text).contains(&there), "for browsers that do not go on by themselves");
    assert!(there.starts_with(&format!("{}/end?theirs=1&", idp.issuer)), "{there}");
    let told = |name| parameter(&there, name).unwrap();
    assert_eq!(told("post_logout_redirect_uri"), "https://kubegate.example.com/logged-out");
    assert_eq!((told("client_id"), told("id_token_hint").split('.').count()), ("kubegate".to_owned(), 3));
    assert!(browser.get("/").await.text.contains("Sign in"), "signed out");

    let state = encode(&[("state", &told("state"))]);
    let back = browser.get(&format!("/logged-out?{state}")).await;
    assert!(back.text.contains("signed out of Corp too"), "{}", back.text);
    for (mut browser, query) in [(world.browser(), state), (browser, "state=x".to_owned())] {
        let page = browser.get(&format!("/logged-out?{query}")).await;
        assert!(!page.text.contains("Corp"), "{}", page.text);
    }
}

#[tokio::test]
async fn who_signs_out_is_not_led_on_where_that_is_not_wanted_or_not_possible() {
    let idp = Idp::start().await;
    for section in [idp.section().replace("clientId:", "logoutAtProvider: false, clientId:"), idp.section()] {
        let world = World::with(&section).await;
        let mut browser = world.browser();
        super::oidc::sign_in(&mut browser, &idp, "/login").await;
        let csrf = browser.get("/").await.hidden("csrf");
        if section == idp.section() {
            // What the provider left with us cannot be read any more.
            world.sql("UPDATE sign_in SET sealed = x'00'").await;
        }
        assert_eq!(browser.post("/logout", &[("csrf", &csrf)]).await.location(), "/", "signed out here all the same");
    }
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_and_administrators_everybodys() {
    let world = World::new().await;
    let (alice, bob) = (world.token("alice").await, world.token("bob").await);
    let list = async |path: &str, token: &str| world.api(path, token).await;
    let of_bob = list("/api/v1/sessions", &bob).await.json()["sessions"].clone();
    assert_eq!(of_bob.as_array().map(Vec::len), Some(2), "{of_bob}");
    let mine = of_bob.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap().clone();
    assert_eq!((&mine["kind"], &mine["user"], &mine["provider"]), (&json!("cli"), &json!("bob"), &json!("accounts")));
    for field in ["address", "last_address", "created_at", "last_used_at", "expires_at", "provider_name"] {
        assert!(mine[field].is_string(), "{field} in {mine}");
    }
    for path in ["/api/v1/sessions?all=true", "/api/v1/sessions?person=alice"] {
        assert_eq!(list(path, &bob).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(list("/api/v1/sessions?person=bob", &alice).await.json()["sessions"].as_array().map(Vec::len), Some(2));
    assert_eq!(list("/api/v1/sessions?all=true", &alice).await.json()["sessions"].as_array().map(Vec::len), Some(4));
    assert_eq!(list("/api/v1/sessions?all=true&after=x", &alice).await.status, StatusCode::BAD_REQUEST);

    let id = |session: &Value| format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let of_alice = list("/api/v1/sessions", &alice).await.json()["sessions"].clone();
    let stolen = world.api_delete(&id(&of_alice[0]), &bob).await;
    assert_eq!(stolen.status, StatusCode::NOT_FOUND, "{}", stolen.text);
    assert_eq!(list("/api/v1/sessions", &alice).await.json()["sessions"].as_array().map(Vec::len), Some(2));
    let browser = of_bob.as_array().unwrap().iter().find(|session| session["kind"] == "browser").unwrap();
    assert_eq!(world.api_delete(&id(browser), &bob).await.json()["ended"], true);
    assert_eq!(world.api_delete(&id(&mine), &alice).await.json()["ended"], true, "by an administrator");
    assert_eq!(list("/api/v1/sessions", &bob).await.status, StatusCode::UNAUTHORIZED);

    let first = world.signed_in("bob", None).await;
    let second = world.signed_in("bob", None).await;
    world.clock.advance(std::time::Duration::from_secs(2));
    let everywhere = world.api_delete("/api/v1/sessions", second["access_token"].as_str().unwrap()).await.json();
    assert_eq!(everywhere["sessions"], 4);
    for session in [first, second] {
        let over = world.refresh(session["refresh_token"].as_str().unwrap(), None).await.json();
        assert_eq!(over["session_ended"]["reason"], "signed-out");
    }
}

impl World {
    async fn post_raw(&self, path: &str, body: &str) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
