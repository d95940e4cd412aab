//! A request that demands a stronger or fresher sign-in.

use std::time::Duration;

use axum::http::StatusCode;
use kubegate_core::time::Timestamp;
use kubegate_core::token::{SessionClaims, VerifiedToken};
use serde_json::json;

use super::idp::Idp;
use super::oidc::{link, sign_in, world};
use super::world::{Browser, CALLBACK, ISSUER, PASSWORD, START, World, authorize_url, authorize_url_with, parameter};

const MINUTE: Duration = Duration::from_secs(60);
const PROD: Option<&str> = Some("urn:kubegate:cluster:prod");

/// What the provider says of carol's sign-in from now on.
fn carol_signs_in(idp: &Idp, acr: Option<&str>, auth_time: Option<Timestamp>) {
    idp.behaviour.lock().unwrap().claims = json!({
        "email": "carol@example.com", "email_verified": true, "acr": acr, "amr": ["hwk", "pin"],
        "auth_time": auth_time.map(Timestamp::seconds),
    });
}

fn demanding(more: &[(&str, &str)]) -> String {
    authorize_url_with(CALLBACK, more)
}

/// Carol's way through the provider, from the request and back to it; returns what it answers then.
async fn through_the_provider(browser: &mut Browser, idp: &Idp, request: &str) -> String {
    let login = browser.get(request).await.location().to_owned();
    assert!(login.starts_with("/login?"), "{login}");
    let back = sign_in(browser, idp, &login).await.location().to_owned();
    assert_eq!(back, request, "the demand is still in it");
    browser.get(&back).await.location().to_owned()
}

async fn claims(world: &World, location: &str) -> SessionClaims {
    let code = parameter(location, "code").unwrap_or_else(|| panic!("no code in {location}"));
    let answer = world.redeem(&code, PROD).await.json();
    let keys = world.app.token_keys.verifying(world.clock.now());
    VerifiedToken::verify(answer["access_token"].as_str().unwrap(), &keys, ISSUER).unwrap().claims
}

fn told(location: &str) -> (String, String) {
    assert!(location.starts_with(CALLBACK), "the client is told: {location}");
    assert_eq!(parameter(location, "state").as_deref(), Some("the state"));
    assert_eq!(parameter(location, "code"), None);
    (parameter(location, "error").unwrap(), parameter(location, "error_description").unwrap())
}

#[tokio::test]
async fn a_fresh_and_strong_session_is_asked_only_whether_to_go_on() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, Some("phr"), Some(START));
    through_the_provider(&mut browser, &idp, &authorize_url()).await;
    world.clock.advance(10 * MINUTE);
    let request = demanding(&[("acr_values", "phrh phr"), ("max_age", "900")]);
    let page = browser.get(&request).await;
    assert!(page.status == StatusCode::OK && page.text.contains("Continue as"), "{}", page.text);
    let (csrf, asked) = (page.hidden("csrf"), page.hidden("request"));
    let form = [("csrf", &*csrf), ("request", &*asked), ("decision", "allow")];
    let allowed = browser.post("/oauth/authorize", &form).await.location().to_owned();
    let claims = claims(&world, &allowed).await;
    assert_eq!((claims.acr.as_deref(), claims.auth_time), (Some("phr"), START));
    assert_eq!(claims.amr, ["hwk", "pin"]);

    world.clock.advance(6 * MINUTE);
    let late = browser.post("/oauth/authorize", &form).await;
    assert!(late.location().starts_with("/login?"), "the page stood open until it was too old: {}", late.location());
    let stripped = asked.replace("&max_age=900", "");
    assert_ne!(stripped, asked);
    let form = [("csrf", &*csrf), ("request", &*stripped), ("decision", "allow")];
    assert_eq!(browser.post("/oauth/authorize", &form).await.status, StatusCode::FORBIDDEN, "not what was asked about");
}

#[tokio::test]
async fn an_old_session_signs_in_again_and_the_provider_is_asked_for_the_age() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, None, Some(START));
    through_the_provider(&mut browser, &idp, &authorize_url()).await;
    world.clock.advance(16 * MINUTE);
    assert_eq!(browser.get(&authorize_url()).await.status, StatusCode::OK, "good enough without a demand");

    let request = demanding(&[("max_age", "900")]);
    let login = browser.get(&request).await.location().to_owned();
    let page = browser.get(&login).await.text;
    assert!(page.contains("a sign-in at most 15m old, even if you are signed in already"), "{page}");
    let link = link(&mut browser, &login).await;
    let there = browser.get(&link).await.location().to_owned();
    assert_eq!(parameter(&there, "max_age").as_deref(), Some("900"));
    assert_eq!(parameter(&there, "acr_values"), None);

    let now = world.clock.now();
    carol_signs_in(&idp, None, Some(now.before(MINUTE)));
    let back = browser.get(&idp.authorize(&there)).await.location().to_owned();
    let claims = claims(&world, browser.get(&back).await.location()).await;
    assert_eq!(claims.auth_time, now.before(MINUTE), "as the provider says");
}

#[tokio::test]
async fn to_prove_it_now_no_earlier_sign_in_is_enough() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, None, Some(START));
    through_the_provider(&mut browser, &idp, &authorize_url()).await;
    let request = demanding(&[("max_age", "0")]);
    let login = browser.get(&request).await.location().to_owned();
    let link = link(&mut browser, &login).await;
    let there = browser.get(&link).await.location().to_owned();
    assert_eq!(parameter(&there, "max_age").as_deref(), Some("0"));
    assert_eq!(parameter(&there, "prompt").as_deref(), Some("login"), "instead of the configuration's own");
    let back = browser.get(&idp.authorize(&there)).await.location().to_owned();
    world.clock.advance(Duration::from_secs(30));
    let location = browser.get(&back).await.location().to_owned();
    claims(&world, &location).await;
    assert!(browser.get(&request).await.location().starts_with("/login?"), "for that one request only");
}

#[tokio::test]
async fn a_sign_in_to_prove_it_now_that_nobody_chose_is_asked_about_and_goes_on() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, None, Some(START));
    let request = demanding(&[("max_age", "0")]);
    let query = super::world::encode(&[("return_to", &request)]);
    let there = browser.get(&format!("/login/corp?{query}")).await.location().to_owned();
    let back = browser.get(&idp.authorize(&there)).await.location().to_owned();
    let page = browser.get(&back).await;
    assert!(page.text.contains("Continue as corp:carol@example.com?"), "{}", page.text);
    let (csrf, asked) = (page.hidden("csrf"), page.hidden("request"));
    let form = [("csrf", &*csrf), ("request", &*asked), ("decision", "allow")];
    let allowed = browser.post("/oauth/authorize", &form).await.location().to_owned();
    assert!(parameter(&allowed, "code").is_some(), "{allowed}");
    world.clock.advance(2 * MINUTE);
    let late = browser.post("/oauth/authorize", &form).await;
    assert!(late.location().starts_with("/login?"), "{}", late.location());
}

#[tokio::test]
async fn a_class_that_is_asked_for_and_given_comes_into_the_token() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, Some("pwd"), Some(START));
    let before = through_the_provider(&mut browser, &idp, &authorize_url()).await;
    assert_eq!(claims(&world, &before).await.acr.as_deref(), Some("pwd"));

    let request = demanding(&[("acr_values", "phr urn:example:silver")]);
    let login = browser.get(&request).await.location().to_owned();
    let page = browser.get(&login).await.text;
    assert!(!page.contains("name=\"password\""), "an account would not help: {page}");
    let link = link(&mut browser, &login).await;
    let there = browser.get(&link).await.location().to_owned();
    assert_eq!(parameter(&there, "acr_values").as_deref(), Some("phr urn:example:silver"));
    assert_eq!(parameter(&there, "max_age"), None);

    carol_signs_in(&idp, Some("urn:example:silver"), Some(START));
    let back = browser.get(&idp.authorize(&there)).await.location().to_owned();
    let after = claims(&world, browser.get(&back).await.location()).await;
    assert_eq!(after.acr.as_deref(), Some("urn:example:silver"));
}

#[tokio::test]
async fn what_the_provider_does_not_give_is_told_and_not_asked_for_again() {
    let old = START.before(20 * MINUTE);
    let acr = &[("acr_values", "phr phrh")][..];
    let age = &[("max_age", "900")][..];
    for (demand, given, expected) in [
        (acr, (Some("pwd"), Some(START)), "a sign-in with acr phr or phrh was asked for, and Corp gave acr pwd"),
        (acr, (None, Some(START)), "a sign-in with acr phr or phrh was asked for, and Corp gave no acr"),
        (
            age,
            (None, Some(old)),
            "a sign-in at most 15m old was asked for, and Corp says that it was at 2027-01-15T07:40:00Z",
        ),
        (age, (None, None), "a sign-in at most 15m old was asked for, and Corp does not say when it was"),
        (
            &[("max_age", "0")][..],
            (None, Some(START.before(2 * MINUTE))),
            "a sign-in made now was asked for, and Corp says that it was at 2027-01-15T07:58:00Z",
        ),
    ] {
        let (world, idp) = world().await;
        carol_signs_in(&idp, given.0, given.1);
        let location = through_the_provider(&mut world.browser(), &idp, &demanding(demand)).await;
        let (error, description) = told(&location);
        assert_eq!((&*error, &*description), ("unmet_authentication_requirements", expected));
    }
}

#[tokio::test]
async fn a_provider_that_says_itself_that_it_cannot_is_quoted_to_the_client() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    for (error, request) in
        [("unmet_authentication_requirements", demanding(&[("acr_values", "phr")])), ("access_denied", authorize_url())]
    {
        let login = browser.get(&request).await.location().to_owned();
        let link = link(&mut browser, &login).await;
        let there = browser.get(&link).await.location().to_owned();
        let no = format!("error={error}&error_description=no+key+%22registered%22&x=");
        let answer = browser.get(&idp.authorize(&there).replace("code=", &no)).await;
        if error == "access_denied" {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "another no is a page, to begin again from");
            continue;
        }
        let (error, description) = told(answer.location());
        assert_eq!(error, "unmet_authentication_requirements");
        assert_eq!(description, "a sign-in with acr phr was asked for, and Corp answered: no key 'registered'");
    }
}

#[tokio::test]
async fn an_account_is_fresh_and_has_no_class() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.code("alice").await;
    world.clock.advance(MINUTE);
    let request = demanding(&[("max_age", "0")]);
    let login = browser.get(&request).await.location().to_owned();
    let back = browser.sign_in(&login, "alice", PASSWORD).await.location().to_owned();
    let claims = claims(&world, browser.get(&back).await.location()).await;
    assert_eq!((claims.acr, claims.auth_time), (None, world.clock.now()));

    let (error, description) = told(browser.get(&demanding(&[("acr_values", "phr")])).await.location());
    assert_eq!(error, "unmet_authentication_requirements");
    assert!(description.contains("accounts of this gateway have no acr"), "before a password is typed: {description}");
}

#[tokio::test]
async fn with_a_provider_there_an_account_still_has_no_class() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    let named = demanding(&[("acr_values", "phr"), ("provider", "accounts")]);
    assert_eq!(told(browser.get(&named).await.location()).0, "unmet_authentication_requirements");
    let request = demanding(&[("acr_values", "phr")]);
    let csrf = browser.get("/login").await.hidden("csrf");
    let form = [("csrf", &*csrf), ("return_to", &*request), ("username", "alice"), ("password", PASSWORD)];
    let back = browser.post("/login/accounts", &form).await.location().to_owned();
    let (_, description) = told(browser.get(&back).await.location());
    assert!(description.ends_with("an account of this gateway gave no acr"), "a form sent by hand: {description}");
    drop(idp);
}

#[tokio::test]
async fn where_a_code_would_be_shown_the_reason_is() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, Some("pwd"), Some(START));
    let request = authorize_url_with(&format!("{ISSUER}/oauth/code"), &[("acr_values", "phr")]);
    let login = browser.get(&request).await.location().to_owned();
    let back = sign_in(&mut browser, &idp, &login).await.location().to_owned();
    let page = browser.get(&back).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("a sign-in with acr phr was asked for, and Corp gave acr pwd"), "{}", page.text);
}

#[tokio::test]
async fn hostile_demands_are_refused() {
    let world = World::new().await;
    let mut browser = world.browser();
    let many = ["a"; 9].join(" ");
    let long = "a".repeat(513);
    for (name, value) in [
        ("max_age", "-1"),
        ("max_age", "15m"),
        ("max_age", "99999999999999999999"),
        ("max_age", "31622401"),
        ("acr_values", many.as_str()),
        ("acr_values", long.as_str()),
        ("acr_values", "a\u{7}b"),
        ("acr_values", "\u{e9}"),
    ] {
        let answer = browser.get(&demanding(&[(name, value)])).await;
        let (error, description) = told(answer.location());
        assert_eq!(error, "invalid_request", "{name}={value}");
        assert!(description.contains(name), "{description}");
    }
    let twice = demanding(&[("max_age", "0"), ("max_age", "900")]);
    assert_eq!(browser.get(&twice).await.status, StatusCode::BAD_REQUEST);

    // The longest demand that is taken still leads back to itself.
    let state = "\u{fc}".repeat(256);
    let longest = [vec![":".repeat(63); 8].join(" "), "31622400".to_owned()];
    let request = demanding(&[("acr_values", &longest[0]), ("max_age", &longest[1])]);
    let request = request.replace("the+state", &super::world::encode(&[("state", &state)])["state=".len()..]);
    let (world, _idp) = super::oidc::world().await;
    let mut browser = world.browser();
    let login = browser.get(&request).await.location().to_owned();
    assert_eq!(parameter(&login, "return_to").as_deref(), Some(&*request));
    assert!(browser.get(&login).await.text.contains("even if you are signed in already"));
}

#[tokio::test]
async fn the_time_of_a_sign_in_is_any_json_number() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    idp.behaviour.lock().unwrap().claims = json!({
        "email": "carol@example.com", "email_verified": true, "auth_time": 1_799_999_990.0,
    });
    let location = through_the_provider(&mut browser, &idp, &demanding(&[("max_age", "60")])).await;
    assert_eq!(claims(&world, &location).await.auth_time, START.before(Duration::from_secs(10)));
}

#[tokio::test]
async fn a_provider_that_does_not_say_when_is_not_believed_to_say_now() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    carol_signs_in(&idp, None, None);
    let location = through_the_provider(&mut browser, &idp, &authorize_url()).await;
    let code = parameter(&location, "code").unwrap();
    let token = world.redeem(&code, None).await.json();
    let whoami = world.api("/api/v1/whoami", token["access_token"].as_str().unwrap()).await.json();
    assert_eq!(whoami["session"]["auth_time"], json!(null));
    assert_eq!(whoami["session"]["amr"], json!(["hwk", "pin"]));
    assert!(browser.get(&demanding(&[("max_age", "31622400")])).await.location().starts_with("/login?"));
}
