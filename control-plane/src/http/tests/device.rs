//! A machine without a browser is signed in from another device (RFC 8628), and what an attacker tries on the way.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use kubegate_core::token::VerifiedToken;
use serde_json::{Value, json};

use super::log::Log;
use super::oidc::{link, sign_in};
use super::world::{Answer, Browser, ISSUER, PASSWORD, World, encode, parameter};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PROD: &str = "urn:kubegate:cluster:prod";
const SECOND: Duration = Duration::from_secs(1);

/// What a machine at `address` is told that asks to be signed in.
async fn ask_from(world: &World, address: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("client_id", "kubegate-cli"), ("device_name", "build-7")];
    form.extend(more);
    let request = Request::post("/oauth/device_authorization")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, "kubegate/1.0 (linux)")
        .header("x-forwarded-for", address);
    world.send(request.body(Body::from(encode(&form))).unwrap()).await
}

async fn ask(world: &World, more: &[(&str, &str)]) -> Value {
    let answer = ask_from(world, "192.0.2.7", more).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// What the machine gets for its device code.
async fn poll(world: &World, asked: &Value, more: &[(&str, &str)]) -> Answer {
    let mut form =
        vec![("grant_type", GRANT), ("client_id", "kubegate-cli"), ("device_code", text(asked, "device_code"))];
    form.extend(more);
    world.form("/oauth/token", &form).await
}

async fn poll_error(world: &World, asked: &Value) -> String {
    let answer = poll(world, asked, &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    text(&answer.json(), "error").to_owned()
}

/// The path of our own that a URL of ours leads to.
fn path(url: &str) -> &str {
    url.strip_prefix(ISSUER).unwrap()
}

/// Alice's browser, signed in.
async fn browser_of(world: &World, user: &str) -> Browser {
    let mut browser = world.browser();
    browser.sign_in("/login", user, PASSWORD).await.location();
    browser
}

/// The question, after the code was typed by hand.
async fn type_code(browser: &mut Browser, code: &str) -> Answer {
    let csrf = browser.get("/device").await.hidden("csrf");
    let answer = browser.post("/device", &[("csrf", &csrf), ("user_code", code)]).await;
    if answer.status != StatusCode::SEE_OTHER {
        return answer;
    }
    let there = answer.location().to_owned();
    browser.get(&there).await
}

async fn decide(browser: &mut Browser, question: &Answer, decision: &str) -> Answer {
    let (csrf, code) = (question.hidden("csrf"), question.hidden("user_code"));
    let form = [("csrf", &*csrf), ("user_code", &*code), ("decision", decision)];
    browser.post("/device/decision", &form).await
}

#[tokio::test]
async fn a_person_types_the_code_sees_who_asks_and_allows_it() {
    let log = Log::begin();
    let world = World::new().await;
    let asked = ask(&world, &[("resource", PROD)]).await;
    let code = text(&asked, "user_code").to_owned();
    assert_eq!((code.len(), &code[4..5]), (9, "-"), "{code}");
    assert!(code.bytes().all(|letter| b"BCDFGHJKLMNPQRSTVWXZ-".contains(&letter)), "{code}");
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(600), &json!(5)));
    assert_eq!(text(&asked, "verification_uri"), format!("{ISSUER}/device"));
    assert_eq!(text(&asked, "verification_uri_complete"), format!("{ISSUER}/device?user_code={code}"));
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending");

    let mut browser = world.browser();
    let csrf = browser.get("/device").await.hidden("csrf");
    let typed = code.to_lowercase().replace('-', " ");
    let there = browser.post("/device", &[("csrf", &csrf), ("user_code", &typed)]).await.location().to_owned();
    let login = browser.get(&there).await.location().to_owned();
    let page = browser.get(&login).await;
    assert!(page.text.contains("Go on only if you have just started it yourself"), "{}", page.text);
    let back = browser.sign_in(&login, "alice", PASSWORD).await.location().to_owned();
    assert_eq!(back, there, "the sign-in leads back");
    let question = browser.get(&back).await;
    for shown in
        ["as alice?", &code, "build-7", "kubegate/1.0 (linux)", "192.0.2.7", "the cluster prod", "2027-01-15 08:00"]
    {
        assert!(question.text.contains(shown), "{shown}: {}", question.text);
    }
    assert!(question.text.contains("another address"), "the browser is elsewhere: {}", question.text);
    assert_eq!(poll_error(&world, &asked).await, "slow_down", "and nothing is allowed by looking at it");
    let done = decide(&mut browser, &question, "allow").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.text.contains("go back to the terminal"), "{}", done.text);

    world.clock.advance(10 * SECOND);
    let answer = poll(&world, &asked, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let tokens = answer.json();
    let keys = world.app.token_keys.verifying(world.clock.now());
    let claims = VerifiedToken::verify(text(&tokens, "access_token"), &keys, ISSUER).unwrap().claims;
    assert_eq!((claims.user.as_str(), tokens["cluster"]["name"].as_str()), ("alice", Some("prod")));
    let session = world.app.sessions.live(&claims.sid, world.clock.now()).await.unwrap().unwrap();
    assert_eq!((session.kind.as_str(), session.holder.client.as_deref()), ("device", Some("build-7")));
    assert_eq!(session.expires_at, session.signed_in_at.after(world.app.sessions.limits().max_lifetime));
    let refreshed = world.refresh(text(&tokens, "refresh_token"), Some(PROD)).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text);

    let said = log.take();
    for line in ["asks to be signed in", "a person decided", "a machine without a browser signed in"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    for secret in ["device_code", "refresh_token", "access_token"] {
        let secret = asked[secret].as_str().or(tokens[secret].as_str()).unwrap();
        assert!(!said.contains(secret), "no secret in the log");
    }
    assert!(!said.contains(&code) && !said.contains("authorization_pending"), "{said}");
}

#[tokio::test]
async fn the_link_with_the_code_asks_too_and_a_get_allows_nothing() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let mut browser = browser_of(&world, "bob").await;
    let complete = path(text(&asked, "verification_uri_complete")).to_owned();
    for address in [complete.clone(), format!("{complete}&decision=allow"), "/device/decision?decision=allow".into()] {
        browser.get(&address).await;
        assert_ne!(poll(&world, &asked, &[]).await.status, StatusCode::OK, "{address}");
    }
    let question = browser.get(&complete).await;
    assert!(question.text.contains("value=\"allow\""), "{}", question.text);
    let mut same = world.browser();
    same.cookies.clone_from(&browser.cookies);
    decide(&mut browser, &question, "allow").await;
    assert!(decide(&mut same, &question, "deny").await.text.contains("This request is over"), "decided once");
    world.clock.advance(20 * SECOND);
    assert_eq!(poll(&world, &asked, &[]).await.status, StatusCode::OK);
    assert!(browser.get(&complete).await.text.contains("No machine waits with this code"));
}

#[tokio::test]
async fn a_denial_and_the_end_of_time_are_told() {
    let world = World::new().await;
    let denied = ask(&world, &[]).await;
    let late = ask(&world, &[]).await;
    let mut browser = browser_of(&world, "alice").await;
    let question = type_code(&mut browser, text(&denied, "user_code")).await;
    let page = decide(&mut browser, &question, "deny").await;
    assert!(page.text.contains("Denied"), "{}", page.text);
    assert_eq!(poll_error(&world, &denied).await, "access_denied");
    let question = type_code(&mut browser, text(&late, "user_code")).await;
    world.clock.advance(600 * SECOND);
    assert_eq!(decide(&mut browser, &question, "allow").await.status, StatusCode::NOT_FOUND, "too late");
    assert_eq!(poll_error(&world, &late).await, "expired_token");
    let page = type_code(&mut browser, text(&late, "user_code")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn asking_too_often_makes_the_wait_longer() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending");
    world.clock.advance(5 * SECOND);
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending");
    world.clock.advance(2 * SECOND);
    assert_eq!(poll_error(&world, &asked).await, "slow_down", "two seconds instead of five");
    world.clock.advance(4 * SECOND);
    assert_eq!(poll_error(&world, &asked).await, "slow_down", "six instead of ten");
    world.clock.advance(9 * SECOND);
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending", "fifteen");
    for _ in 0..50 {
        assert_eq!(poll_error(&world, &asked).await, "slow_down");
    }
    world.clock.advance(60 * SECOND);
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending", "it never has to wait longer than a minute");
}

#[tokio::test]
async fn a_device_code_works_once_and_its_second_use_ends_what_came_of_it() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let mut browser = browser_of(&world, "alice").await;
    let question = type_code(&mut browser, text(&asked, "user_code")).await;
    decide(&mut browser, &question, "allow").await;
    let tokens = poll(&world, &asked, &[]).await.json();
    assert_eq!(poll_error(&world, &asked).await, "invalid_grant");
    let refreshed = world.refresh(text(&tokens, "refresh_token"), None).await;
    assert_eq!(refreshed.json()["session_ended"]["reason"], "reuse");
    assert!(browser.get("/").await.text.contains("alice"), "the browser's own session goes on");
}

#[tokio::test]
async fn the_session_ends_with_the_sign_in_that_allowed_it() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let mut browser = browser_of(&world, "alice").await;
    let question = type_code(&mut browser, text(&asked, "user_code")).await;
    decide(&mut browser, &question, "allow").await;
    let csrf = browser.get("/").await.hidden("csrf");
    browser.post("/logout", &[("csrf", &csrf)]).await;
    let refused = poll(&world, &asked, &[]).await.json();
    assert_eq!(refused["error"], "invalid_grant", "signed out before the machine asked: {refused}");

    let asked = ask(&world, &[]).await;
    let mut browser = browser_of(&world, "alice").await;
    world.clock.advance(5 * 3600 * SECOND);
    let asked_later = ask(&world, &[]).await;
    let question = type_code(&mut browser, text(&asked_later, "user_code")).await;
    decide(&mut browser, &question, "allow").await;
    let tokens = poll(&world, &asked_later, &[]).await.json();
    assert_eq!(tokens["session_expires_in"], 7 * 3600, "twelve hours from the sign-in, not from now");
    drop(asked);
}

#[tokio::test]
async fn forms_of_others_decide_nothing() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let code = text(&asked, "user_code").to_owned();
    let mut alice = browser_of(&world, "alice").await;
    let mut mallory = browser_of(&world, "bob").await;
    let hers = type_code(&mut mallory, &code).await;
    let (csrf, other) = (hers.hidden("csrf"), ask(&world, &[]).await);
    // Another site has alice's browser send mallory's form, or one for another code.
    for code in [code.as_str(), text(&other, "user_code")] {
        let form = [("csrf", &*csrf), ("user_code", code), ("decision", "allow")];
        assert_eq!(alice.post("/device/decision", &form).await.status, StatusCode::FORBIDDEN);
    }
    let form = [("csrf", &*csrf), ("user_code", text(&other, "user_code")), ("decision", "allow")];
    assert_eq!(
        mallory.post("/device/decision", &form).await.status,
        StatusCode::FORBIDDEN,
        "her own proof, another code"
    );
    let form = [("user_code", &*code), ("decision", "allow")];
    assert_eq!(alice.post("/device/decision", &form).await.status, StatusCode::FORBIDDEN, "no proof");
    assert_eq!(alice.post("/device", &[("csrf", "x"), ("user_code", &*code)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending");
}

#[tokio::test]
async fn a_session_that_was_planted_before_the_sign_in_is_not_the_one_that_allows() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let complete = path(text(&asked, "verification_uri_complete")).to_owned();
    // Mallory leaves her session in the browser, and has its form open.
    let mut browser = browser_of(&world, "bob").await;
    let planted = browser.cookies.clone();
    let question = browser.get(&complete).await;
    assert!(question.text.contains("as bob?"), "alice would see whose it is: {}", question.text);
    let login = decide(&mut browser, &question, "other").await.location().to_owned();
    let back = browser.sign_in(&login, "alice", PASSWORD).await.location().to_owned();
    assert_eq!(back, complete, "the sign-in leads back to the code");
    assert_ne!(browser.cookies, planted, "the session has another secret");
    let mut mallory = world.browser();
    mallory.cookies = planted;
    assert!(!mallory.get("/").await.text.contains("alice"), "the planted secret is nobody's");
    assert_eq!(
        decide(&mut browser, &question, "allow").await.status,
        StatusCode::FORBIDDEN,
        "bob's form is not alice's"
    );
    let question = browser.get(&back).await;
    assert!(question.text.contains("as alice?"), "{}", question.text);
    decide(&mut browser, &question, "allow").await;
    let token = poll(&world, &asked, &[]).await.json();
    let whoami = world.api("/api/v1/whoami", text(&token, "access_token")).await.json();
    assert_eq!(whoami["user"], "alice");
}

#[tokio::test]
async fn guessing_codes_gets_slow_for_who_guesses_and_for_nobody_else() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let code = text(&asked, "user_code").to_owned();
    let mut mallory = browser_of(&world, "bob").await;
    let letters: Vec<char> = "BCDFGHJKLMNPQRSTVWXZ".chars().collect();
    let mut looked_up = 0;
    for guess in 0..40 {
        let guess = format!("BBBB-BB{}{}", letters[guess / 20], letters[guess % 20]);
        // Successes of her own do not wipe her failures out.
        let own = ask(&world, &[]).await;
        type_code(&mut mallory, text(&own, "user_code")).await;
        looked_up += usize::from(type_code(&mut mallory, &guess).await.status == StatusCode::NOT_FOUND);
    }
    assert!((5..=6).contains(&looked_up), "{looked_up} of 40 guesses were looked at");
    let slowed = type_code(&mut mallory, &code).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS, "also the right one: {}", slowed.text);
    assert!(!slowed.header("retry-after").is_empty() && !slowed.text.contains("value=\"allow\""), "{}", slowed.text);

    let mut alice = browser_of(&world, "alice").await;
    let question = type_code(&mut alice, &code).await;
    assert!(question.text.contains("value=\"allow\""), "from the same address, another person: {}", question.text);
    world.clock.advance(60 * SECOND);
    let mut bob = browser_of(&world, "bob").await;
    assert!(type_code(&mut bob, &code).await.text.contains("value=\"allow\""), "a delay, never a lockout");
}

#[tokio::test]
async fn another_site_cannot_use_up_the_tries_of_its_visitor() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let mut alice = browser_of(&world, "alice").await;
    for _ in 0..30 {
        alice.get("/device?user_code=BBBB-BBBB").await;
    }
    let page = alice.get(path(text(&asked, "verification_uri_complete"))).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        page.text.matches(text(&asked, "user_code")).count(),
        1,
        "the link has filled in the form: {}",
        page.text
    );
    let form = [("csrf", &*page.hidden("csrf")), ("user_code", text(&asked, "user_code"))];
    let there = alice.post("/device", &form).await.location().to_owned();
    assert!(alice.get(&there).await.text.contains("value=\"allow\""), "and it goes on from there");
}

#[tokio::test]
async fn nobody_learns_of_codes_without_signing_in() {
    let world = World::new().await;
    let asked = ask(&world, &[]).await;
    let mut browser = world.browser();
    for code in [text(&asked, "user_code"), "BBBB-BBBB"] {
        let answer = browser.get(&format!("/device?user_code={code}")).await;
        let expected = format!("/login?{}", encode(&[("return_to", &format!("/device?user_code={code}"))]));
        assert_eq!(answer.location(), expected);
    }
    let page = type_code(&mut browser, "no code").await;
    assert_eq!((page.status, page.text.contains("This is no code")), (StatusCode::BAD_REQUEST, true), "{}", page.text);
}

#[tokio::test]
async fn waiting_requests_are_bounded_and_crowd_nobody_out() {
    let world = World::new().await;
    let first = ask(&world, &[]).await;
    for _ in 0..100 {
        let answer = ask_from(&world, "2001:db8::1", &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let refused = ask_from(&world, "2001:db8::ffff:2", &[]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "its whole network: {}", refused.text);
    assert_eq!(ask_from(&world, "2001:db8:0:1::1", &[]).await.status, StatusCode::OK, "and no other");
    // Many networks fill the table up.
    world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1998) INSERT INTO device_grant (hash, \
             user_code, address, network, created_at, expires_at, poll_seconds, polled_at) SELECT randomblob(32), \
             randomblob(32), '203.0.113.1', 'n' || (i / 90), 1800000000, 1800000600, 5, 0 FROM n",
        )
        .await;
    let next = ask_from(&world, "192.0.2.8", &[]).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.text);
    assert_eq!(poll_error(&world, &first).await, "authorization_pending", "whoever has one keeps it");
    world.clock.advance(600 * SECOND);
    assert_eq!(ask_from(&world, "2001:db8::1", &[]).await.status, StatusCode::OK, "ten minutes later there is room");
    world.clock.advance(25 * 3600 * SECOND);
    world.app.sessions.sweep(world.clock.now()).await.unwrap();
    assert_eq!(poll_error(&world, &first).await, "invalid_grant", "forgotten");
}

#[tokio::test]
async fn where_it_is_turned_off_it_is_refused_at_once() {
    let world = World::with("sessions: {deviceFlow: false}\n").await;
    let refused = ask_from(&world, "192.0.2.7", &[]).await.json();
    assert_eq!(refused["error"], "unauthorized_client");
    assert!(text(&refused, "error_description").contains("kubegate login --no-browser"), "{refused}");
    let mut browser = world.browser();
    let metadata = browser.get("/.well-known/oauth-authorization-server").await.json();
    assert!(metadata.get("device_authorization_endpoint").is_none(), "{metadata}");
    assert!(!metadata["grant_types_supported"].to_string().contains("device_code"), "{metadata}");
    let page = browser.get("/device").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("kubegate login --no-browser"), "{}", page.text);
}

#[tokio::test]
async fn a_provider_that_turned_it_off_allows_no_machine() {
    let (world, idp) = super::oidc::world_with(", deviceFlow: false").await;
    let refused = ask_from(&world, "192.0.2.7", &[("provider", "corp")]).await.json();
    assert_eq!(refused["error"], "unauthorized_client", "{refused}");
    assert!(text(&refused, "error_description").contains("people of Corp may not"), "{refused}");
    let refused = ask_from(&world, "192.0.2.7", &[("provider", "nowhere")]).await.json();
    assert_eq!(refused["error"], "invalid_request", "{refused}");

    let asked = ask(&world, &[]).await;
    let complete = path(text(&asked, "verification_uri_complete")).to_owned();
    let mut browser = world.browser();
    let login = browser.get(&complete).await.location().to_owned();
    let page = browser.get(&login).await.text;
    assert!(!page.contains("Continue with Corp") && page.contains("name=\"password\""), "not offered: {page}");
    let mut carol = world.browser();
    sign_in(&mut carol, &idp, "/login").await.location();
    for address in [&*complete, "/device?user_code=BBBB-BBBB"] {
        let page = carol.get(address).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.text.contains("Who signed in with Corp may not"), "{}", page.text);
    }
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending");
    let mut alice = browser_of(&world, "alice").await;
    let question = alice.get(&complete).await;
    decide(&mut alice, &question, "allow").await;
    world.clock.advance(5 * SECOND);
    assert_eq!(poll(&world, &asked, &[]).await.status, StatusCode::OK, "an account may");
}

#[tokio::test]
async fn a_demand_is_judged_when_it_is_allowed() {
    let (world, idp) = super::oidc::world().await;
    let claims = |acr: &str| {
        idp.behaviour.lock().unwrap().claims = json!({
            "email": "carol@example.com", "email_verified": true, "acr": acr,
            "auth_time": world.clock.now().seconds(),
        });
    };
    let asked = ask(&world, &[("acr_values", "phr"), ("max_age", "900"), ("provider", "corp")]).await;
    claims("pwd");
    let mut carol = world.browser();
    sign_in(&mut carol, &idp, "/login").await.location();

    // By hand: the demand comes with the request, and the way goes back to the provider.
    let csrf = carol.get("/device").await.hidden("csrf");
    let form = [("csrf", &*csrf), ("user_code", text(&asked, "user_code"))];
    let there = carol.post("/device", &form).await.location().to_owned();
    let login = carol.get(&there).await.location().to_owned();
    let page = carol.get(&login).await.text;
    assert!(page.contains("a sign-in with acr phr and at most 15m old"), "{page}");
    let to_provider = link(&mut carol, &login).await;
    let at_provider = carol.get(&to_provider).await.location().to_owned();
    assert_eq!(parameter(&at_provider, "acr_values").as_deref(), Some("phr"));
    assert_eq!(parameter(&at_provider, "max_age").as_deref(), Some("900"));
    let back = carol.get(&idp.authorize(&at_provider)).await.location().to_owned();
    let unmet = carol.get(&back).await;
    assert_eq!(unmet.status, StatusCode::FORBIDDEN);
    assert!(unmet.text.contains("and Corp gave acr pwd"), "told, and not asked for again: {}", unmet.text);

    claims("phr");
    let back = sign_in(&mut carol, &idp, &login).await.location().to_owned();
    assert_eq!(path(text(&asked, "verification_uri_complete")), back, "the link has the demand in it");
    let question = carol.get(&back).await;
    assert!(question.text.contains("value=\"allow\""), "{}", question.text);
    world.clock.advance(16 * 60 * SECOND);
    assert_eq!(
        decide(&mut carol, &question, "allow").await.status,
        StatusCode::NOT_FOUND,
        "older than the request lives"
    );

    let asked = ask(&world, &[("max_age", "60")]).await;
    claims("pwd");
    let back = {
        let login = carol.get(path(text(&asked, "verification_uri_complete"))).await.location().to_owned();
        sign_in(&mut carol, &idp, &login).await.location().to_owned()
    };
    let question = carol.get(&back).await;
    world.clock.advance(3 * 60 * SECOND);
    let late = decide(&mut carol, &question, "allow").await;
    assert!(late.location().starts_with("/login?"), "the page stood open until the sign-in was too old");
    assert_eq!(poll_error(&world, &asked).await, "authorization_pending");
}

#[tokio::test]
async fn to_prove_it_now_is_for_one_request() {
    let world = World::new().await;
    let asked = ask(&world, &[("max_age", "0")]).await;
    let complete = path(text(&asked, "verification_uri_complete")).to_owned();
    let mut alice = browser_of(&world, "alice").await;
    let login = alice.get(&complete).await.location().to_owned();
    assert!(login.starts_with("/login?"), "no earlier sign-in is enough: {login}");
    let back = alice.sign_in(&login, "alice", PASSWORD).await.location().to_owned();
    let question = alice.get(&back).await;
    decide(&mut alice, &question, "allow").await;
    assert_eq!(poll(&world, &asked, &[]).await.status, StatusCode::OK);
    let next = ask(&world, &[("max_age", "0")]).await;
    let answer = alice.get(path(text(&next, "verification_uri_complete"))).await;
    assert!(answer.location().starts_with("/login?"), "for that one request only");
}

#[tokio::test]
async fn hostile_requests_are_refused_or_shown_harmlessly() {
    let world = World::new().await;
    for (more, error) in [
        (&[("resource", "urn:kubegate:cluster:nowhere")][..], "invalid_target"),
        (&[("resource", "https://evil.example")], "invalid_target"),
        (&[("max_age", "x")], "invalid_request"),
        (&[("acr_values", "phr")], "invalid_request"),
        (&[("provider", "nowhere")], "invalid_request"),
        (&[("device_name", "again")], "invalid_request"),
    ] {
        assert_eq!(ask_from(&world, "192.0.2.7", more).await.json()["error"], error, "{more:?}");
    }
    let stranger = world.form("/oauth/device_authorization", &[("client_id", "evil")]).await.json();
    assert_eq!(stranger["error"], "invalid_client");
    let unknown = json!({"device_code": "kgd_unknown"});
    assert_eq!(poll_error(&world, &unknown).await, "invalid_grant");
    let none = world.form("/oauth/token", &[("grant_type", GRANT), ("client_id", "kubegate-cli")]).await.json();
    assert_eq!(none["error"], "invalid_request");

    let name = format!("<script>alert(1)</script>\u{1b}[31m{}", "x".repeat(5000));
    let form = [("client_id", "kubegate-cli"), ("device_name", &*name)];
    let asked = world.form("/oauth/device_authorization", &form).await.json();
    let mut alice = browser_of(&world, "alice").await;
    let question = type_code(&mut alice, text(&asked, "user_code")).await;
    assert!(!question.text.contains("<script") && !question.text.contains('\u{1b}'), "{}", question.text);
    assert!(!question.text.contains(&"x".repeat(201)), "cut short");
    assert!(!question.text.contains("another address"), "the same place: {}", question.text);
    decide(&mut alice, &question, "allow").await;
    let other = [("resource", "urn:kubegate:cluster:lab")];
    assert_eq!(poll(&world, &asked, &other).await.status, StatusCode::OK, "without one asked for, any may be");
    let asked = ask(&world, &[("resource", PROD)]).await;
    let question = type_code(&mut alice, text(&asked, "user_code")).await;
    decide(&mut alice, &question, "allow").await;
    assert_eq!(poll(&world, &asked, &other).await.json()["error"], "invalid_target", "not what the person was shown");
    assert_eq!(poll(&world, &asked, &[("resource", PROD)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_command_line_with_a_browser_is_named_too() {
    let world = World::new().await;
    let mut alice = browser_of(&world, "alice").await;
    let request = super::world::authorize_url_with(super::world::CALLBACK, &[("device_name", "laptop-9<b>")]);
    let page = alice.get(&request).await;
    assert!(page.text.contains("laptop-9&#60;b&#62;"), "{}", page.text);
    let form = [("csrf", &*page.hidden("csrf")), ("request", &*page.hidden("request")), ("decision", "allow")];
    let allowed = alice.post("/oauth/authorize", &form).await.location().to_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubegate-cli"),
        ("code", &*parameter(&allowed, "code").unwrap()),
        ("redirect_uri", super::world::CALLBACK),
        ("code_verifier", super::world::VERIFIER),
        ("device_name", "laptop-9"),
    ];
    let token = world.form("/oauth/token", &form).await.json();
    let claims = world.app.minter.verify_access(text(&token, "access_token"), world.clock.now()).unwrap();
    let session = world.app.sessions.live(&claims.sid, world.clock.now()).await.unwrap().unwrap();
    assert_eq!(session.holder.client.as_deref(), Some("laptop-9"));
}
