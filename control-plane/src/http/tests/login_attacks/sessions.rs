//! Sessions that were planted, kept, or should be over; and people who are shut out, by every way in.

use axum::http::StatusCode;
use serde_json::json;

use super::super::device;
use super::super::idp::Idp;
use super::super::oidc;
use super::super::pomerium::{OLD, ON};
use super::super::world::{Answer, Browser, PASSWORD, World, authorize_url, parameter};

fn cookie(browser: &Browser) -> String {
    browser.cookies.iter().find(|(name, _)| name.ends_with("-session")).unwrap().1.clone()
}

async fn is_anybody(world: &World, cookie: &str) -> bool {
    let mut browser = world.browser();
    browser.cookies.push(("__Host-kubegate-session".into(), cookie.into()));
    !browser.get("/").await.text.contains("href=\"/login\"")
}

#[tokio::test]
async fn a_planted_session_becomes_nobodys_at_the_provider_either() {
    let (world, idp) = oidc::world().await;
    // Mallory's own live session, and one that she made up, in carol's browser.
    let mallory = cookie(&world.browser_of("bob").await);
    for planted in [mallory.as_str(), "kgb_made-up-by-mallory"] {
        let mut carol = world.browser();
        carol.cookies.push(("__Host-kubegate-session".into(), planted.into()));
        oidc::sign_in(&mut carol, &idp, "/login").await.location();
        assert_ne!(cookie(&carol), planted);
        assert!(!is_anybody(&world, planted).await, "what was planted is over");
        // A switch to another way of signing in, and back.
        let first = cookie(&carol);
        carol.sign_in("/login", "alice", PASSWORD).await.location();
        assert!(!is_anybody(&world, &first).await, "the session before is over");
        let second = cookie(&carol);
        oidc::sign_in(&mut carol, &idp, "/login").await.location();
        assert!(!is_anybody(&world, &second).await);
        assert!(is_anybody(&world, &cookie(&carol)).await);
    }
}

#[tokio::test]
async fn a_planted_browser_cookie_gives_mallory_nothing_of_the_session() {
    let world = World::new().await;
    let mut mallory = world.browser();
    let csrf = mallory.get("/login").await.hidden("csrf");
    let planted = mallory.cookies.clone();
    let mut alice = world.browser();
    alice.cookies = planted;
    alice.sign_in("/login", "alice", PASSWORD).await.location();
    assert!(mallory.get("/").await.text.contains("href=\"/login\""), "she is not signed in");
    mallory.sign_in("/login", "bob", PASSWORD).await.location();
    let hers = mallory.get("/").await.hidden("csrf");
    for proof in [&csrf, &hers] {
        let refused = alice.post("/logout", &[("csrf", proof)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "forms belong to a session, too");
    }
}

/// A machine that was allowed in `browser`, and has not asked yet.
async fn allowed_machine(world: &World, browser: &mut Browser) -> serde_json::Value {
    let asked = device::ask(world, &[]).await;
    let question = device::type_code(browser, device::text(&asked, "user_code")).await;
    device::decide(browser, &question, "allow").await;
    asked
}

#[tokio::test]
async fn who_is_disabled_gets_in_by_no_way() {
    let world = World::with(ON).await;
    let admin = world.token("alice").await;
    let mut bob = world.browser_of("bob").await;
    let code = world.browser().code("bob").await;
    let refresh = world.signed_in("bob", None).await["refresh_token"].as_str().unwrap().to_owned();
    let asked = allowed_machine(&world, &mut bob).await;
    let request = world.sign_in_url(OLD).await;
    let consent = bob.get(&request).await;
    let body = json!({"person": "bob", "reason": "left"});
    assert_eq!(world.api_post("/api/v1/people/disable", &admin, &body).await.status, StatusCode::OK);

    let before = world.all_that_is_kept().await;
    assert!(!is_anybody(&world, &cookie(&bob)).await, "the browser's session");
    assert_eq!(world.browser().sign_in("/login", "bob", PASSWORD).await.status, StatusCode::FORBIDDEN, "a new one");
    assert_eq!(world.redeem(&code, None).await.json()["error"], "invalid_grant", "a code on its way");
    assert_eq!(world.refresh(&refresh, None).await.json()["error"], "invalid_grant", "a refresh secret");
    assert_eq!(device::poll(&world, &asked, &[]).await.json()["error"], "invalid_grant", "a machine that was allowed");
    let form = [("csrf", &*consent.hidden("csrf")), ("request", &*consent.hidden("request")), ("decision", "allow")];
    let handed_over = bob.post("/pomerium", &form).await;
    assert!(!handed_over.text.contains("pomerium_jwt"), "pomerium-cli: {}", handed_over.text);
    let sessions =
        |kept: &[String]| kept.iter().filter(|row| row.starts_with("session: ")).cloned().collect::<Vec<_>>();
    assert_eq!(sessions(&world.all_that_is_kept().await), sessions(&before), "no session began or went on");
}

#[tokio::test]
async fn a_disabled_service_account_is_issued_nothing() {
    let world = World::with(ON).await;
    let admin = world.token("alice").await;
    let body = json!({"name": "ci", "clusters": ["prod"], "groups": ["platform-admins"], "expires_in": 86400});
    let issued = world.api_post("/api/v1/service-accounts", &admin, &body).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.text);
    let token = issued.json()["tokens"][0]["token"].as_str().unwrap().to_owned();
    assert!(pomerium_goes_on(&world, &token).await);
    let off = world.api_post("/api/v1/people/disable", &admin, &json!({"person": "sa:ci", "reason": "stolen"})).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    assert!(!pomerium_goes_on(&world, &token).await);
    let refused = world.api_post("/api/v1/service-accounts", &admin, &body).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
}

/// A sign-in at the provider with everything that can come of one: a command line, a machine, and pomerium-cli.
async fn all_kinds(world: &World, idp: &Idp) -> (Browser, [Answer; 2], String) {
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let back = oidc::sign_in(&mut browser, idp, &login).await.location().to_owned();
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    let cli = world.redeem(&code, None).await;
    let asked = allowed_machine(world, &mut browser).await;
    let machine = device::poll(world, &asked, &[]).await;
    let consent = browser.get(&world.sign_in_url(OLD).await).await;
    let form = [("csrf", &*consent.hidden("csrf")), ("request", &*consent.hidden("request")), ("decision", "allow")];
    let token = browser.post("/pomerium", &form).await.hidden("pomerium_jwt");
    (browser, [cli, machine], token)
}

/// Whether the token of pomerium-cli still shows its routes.
async fn pomerium_goes_on(world: &World, token: &str) -> bool {
    let request = axum::http::Request::get("/.pomerium/api/v1/routes")
        .header("host", "prod.example.com")
        .header("authorization", format!("Bearer Pomerium-{token}"));
    world.send(request.body(axum::body::Body::empty()).unwrap()).await.status == StatusCode::OK
}

#[tokio::test]
async fn a_logout_at_the_provider_ends_machines_and_pomerium_cli_too() {
    for by in ["sid", "sub"] {
        let idp = Idp::start().await;
        idp.behaviour.lock().unwrap().claims["sid"] = json!("sid-1");
        let world = World::with(&format!("{}{ON}\n", idp.section())).await;
        let (browser, tokens, pomerium) = all_kinds(&world, &idp).await;
        assert!(pomerium_goes_on(&world, &pomerium).await);
        let now = world.clock.now().seconds();
        let mut claims = json!({
            "iss": idp.issuer, "aud": "kubegate", "iat": now, "exp": now + 120, "jti": "j",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        claims[by] = json!(if by == "sid" { "sid-1" } else { "u-1" });
        let token = kubegate_core::jws::SigningKey::from_seed([1; 32]).sign("logout+jwt", &claims).unwrap();
        let told = world.form("/logout/backchannel/corp", &[("logout_token", &token)]).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
        assert!(!is_anybody(&world, &cookie(&browser)).await, "{by}: the browser");
        for answer in tokens {
            let refused = world.refresh(answer.json()["refresh_token"].as_str().unwrap(), None).await;
            assert_eq!(refused.json()["session_ended"]["reason"], "provider-logout", "{by}: {}", refused.text);
        }
        assert!(!pomerium_goes_on(&world, &pomerium).await, "{by}: pomerium-cli");
        let mut conn = world.app.store.read().await.unwrap();
        let live = crate::store::revocation::live(&mut conn, world.clock.now()).await.unwrap();
        assert!(live.len() >= 3, "{by}: gateways hear of each: {live:?}");
    }
}

#[tokio::test]
async fn one_button_ends_sessions_of_all_kinds() {
    let idp = Idp::start().await;
    let world = World::with(&format!("{}{ON}\n", idp.section())).await;
    let (mut browser, tokens, pomerium) = all_kinds(&world, &idp).await;
    let home = browser.get("/").await;
    let form = home.text.split("action=\"/sessions/end-all\"").nth(1).unwrap().to_owned();
    let csrf = Answer { text: form, ..home }.hidden("csrf");
    browser.post("/sessions/end-all", &[("csrf", &csrf)]).await.location();
    assert!(!is_anybody(&world, &cookie_or_none(&browser)).await && !pomerium_goes_on(&world, &pomerium).await);
    for answer in tokens {
        let refused = world.refresh(answer.json()["refresh_token"].as_str().unwrap(), None).await;
        assert_eq!(refused.json()["session_ended"]["reason"], "signed-out", "{}", refused.text);
    }
}

fn cookie_or_none(browser: &Browser) -> String {
    browser
        .cookies
        .iter()
        .find(|(name, _)| name.ends_with("-session"))
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn who_leaves_the_administrators_at_the_provider_is_none_in_the_browser_that_stays_open() {
    let idp = Idp::start().await;
    {
        let mut behaviour = idp.behaviour.lock().unwrap();
        behaviour.again.gives = true;
        behaviour.claims["groups"] = json!(["root"]);
    }
    let world = World::with(&idp.section()).await;
    let world = world
        .restarted(|config| config.replace("admins: {groups: [platform-admins]}", "admins: {groups: [\"corp:root\"]}"))
        .await;
    let mut browser = world.browser();
    oidc::sign_in(&mut browser, &idp, "/login").await.location();
    let users = browser.get("/admin/users").await;
    assert_eq!(users.status, StatusCode::OK, "{}", users.text);
    idp.behaviour.lock().unwrap().claims["groups"] = json!(["other"]);
    world.clock.advance(std::time::Duration::from_secs(11 * 60 + 1));
    crate::recheck::round(&world.app, "corp").await.unwrap();
    assert_eq!(browser.get("/admin/users").await.status, StatusCode::FORBIDDEN, "by a browser session alone");
}
