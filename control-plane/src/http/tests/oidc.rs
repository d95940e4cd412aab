//! Sign-in at an identity provider.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::idp::Idp;
use super::world::{Answer, Browser, PASSWORD, World, authorize_url, parameter, unescape};

pub(super) async fn world() -> (World, Idp) {
    world_with("").await
}

/// The same, with more fields of the provider.
pub(super) async fn world_with(more: &str) -> (World, Idp) {
    let idp = Idp::start().await;
    let section = idp.section();
    let section = section.trim_end().strip_suffix('}').unwrap();
    let world = World::with(&format!("{section}{more}}}\n")).await;
    (world, idp)
}

/// The link to the provider on the sign-in page.
pub(super) async fn link(browser: &mut Browser, page: &str) -> String {
    let page = browser.get(page).await;
    let href = page.text.split("href=\"/login/corp").nth(1).unwrap_or_else(|| panic!("{}", page.text));
    unescape(&format!("/login/corp{}", href.split('"').next().unwrap()))
}

/// From the sign-in page to the answer of our callback.
pub(super) async fn sign_in(browser: &mut Browser, idp: &Idp, page: &str) -> Answer {
    let link = link(browser, page).await;
    let there = browser.get(&link).await.location().to_owned();
    browser.get(&idp.authorize(&there)).await
}

#[tokio::test]
async fn a_person_who_chose_the_provider_gets_on_without_another_question() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let back = sign_in(&mut browser, &idp, &login).await.location().to_owned();
    assert_eq!(back, authorize_url());
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubegate-cli"),
        ("code", &*code),
        ("redirect_uri", super::world::CALLBACK),
        ("code_verifier", super::world::VERIFIER),
    ];
    let token = world.form("/oauth/token", &form).await.json();
    let whoami = world.api("/api/v1/whoami", token["access_token"].as_str().unwrap()).await.json();
    assert_eq!((whoami["user"].as_str(), whoami["uid"].as_str()), (Some("corp:carol@example.com"), Some("u-1")));
    assert_eq!(whoami["groups"], json!(["corp:team-a"]), "from the userinfo endpoint; the bad one is left out");
    assert_eq!(whoami["clusters"], json!(["prod"]), "by the claim department");
    let metrics = world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("kubegate_sign_ins_total{provider=\"corp\",result=\"ok\"} 1"), "{metrics}");
    assert!(metrics.contains("kubegate_groups_dropped_total{provider=\"corp\",result=\"dropped\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_sign_in_that_nobody_chose_is_asked_about() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    let query = super::world::encode(&[("return_to", &authorize_url())]);
    let there = browser.get(&format!("/login/corp?{query}")).await.location().to_owned();
    let back = browser.get(&idp.authorize(&there)).await.location().to_owned();
    let page = browser.get(&back).await;
    assert_eq!(page.status, StatusCode::OK, "no code is granted silently");
    assert!(page.text.contains("Continue as corp:carol@example.com?"), "{}", page.text);
}

#[tokio::test]
async fn an_answer_fits_one_sign_in_of_one_browser_once() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    let link = link(&mut browser, "/login").await;
    let there = browser.get(&link).await.location().to_owned();
    let callback = idp.authorize(&there);

    let mut other = world.browser();
    other.get("/login").await;
    let stolen = other.get(&callback).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN, "another browser");
    assert!(stolen.text.contains("This sign-in is over"), "{}", stolen.text);
    assert_eq!(world.browser().get(&callback).await.status, StatusCode::FORBIDDEN, "no cookie");
    assert_eq!(browser.get("/callback/corp?code=x&state=forged").await.status, StatusCode::FORBIDDEN, "another state");
    let iss = format!("{callback}&iss=https%3A%2F%2Fevil.example");
    assert_eq!(browser.get(&iss).await.status, StatusCode::FORBIDDEN, "another issuer (RFC 9207)");
    assert_eq!(browser.get(&callback).await.status, StatusCode::FORBIDDEN, "taken once");

    let there = browser.get(&link).await.location().to_owned();
    let callback = idp.authorize(&there);
    world.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(browser.get(&callback).await.status, StatusCode::FORBIDDEN, "too late");
}

#[tokio::test]
async fn id_tokens_that_are_not_ours_are_refused() {
    let (world, idp) = world().await;
    let cases: [(&str, Value); 5] = [
        ("another nonce", json!({"nonce": "n"})),
        ("no nonce", json!({"nonce": null})),
        ("another audience", json!({"aud": "someone-else"})),
        ("another issuer", json!({"iss": "https://evil.example"})),
        ("expired", json!({"exp": 1_000_000_000})),
    ];
    for (what, claims) in cases {
        idp.behaviour.lock().unwrap().claims = claims;
        let mut browser = world.browser();
        let answer = sign_in(&mut browser, &idp, "/login").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}: {}", answer.text);
        assert!(answer.text.contains("not valid"), "{what}: {}", answer.text);
    }
    {
        let mut behaviour = idp.behaviour.lock().unwrap();
        behaviour.claims = json!({});
        behaviour.unsigned = true;
    }
    let answer = sign_in(&mut world.browser(), &idp, "/login").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "unsigned");
}

#[tokio::test]
async fn offline_access_is_asked_for_when_the_configuration_says_so() {
    for (more, scope) in
        [("", "openid email groups"), (", recheck: {offlineAccess: true}", "openid email groups offline_access")]
    {
        let (world, _idp) = world_with(more).await;
        let mut browser = world.browser();
        let link = link(&mut browser, "/login").await;
        let there = browser.get(&link).await.location().to_owned();
        assert_eq!(parameter(&there, "scope").as_deref(), Some(scope), "{more}");
    }
}

#[tokio::test]
async fn a_provider_with_new_keys_is_asked_for_them_at_once_and_not_for_ever() {
    let (world, idp) = world().await;
    for (seed, status) in [(1, StatusCode::SEE_OTHER), (2, StatusCode::SEE_OTHER), (3, StatusCode::FORBIDDEN)] {
        idp.behaviour.lock().unwrap().seed = [seed; 32];
        let answer = sign_in(&mut world.browser(), &idp, "/login").await;
        assert_eq!(answer.status, status, "key {seed}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_provider_that_writes_truth_as_text_is_understood() {
    let (world, idp) = world().await;
    for verified in ["true", "false"] {
        let claims = json!({"email": "carol@example.com", "email_verified": verified});
        {
            let mut behaviour = idp.behaviour.lock().unwrap();
            behaviour.user_info = claims.clone();
            behaviour.claims = claims;
        }
        let answer = sign_in(&mut world.browser(), &idp, "/login").await;
        let expected = if verified == "true" { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{verified}: {}", answer.text);
        assert!(verified == "true" || answer.text.contains("not verified"), "{}", answer.text);
    }
}

#[tokio::test]
async fn names_that_cannot_be_used_are_refused_with_a_reason() {
    let (world, idp) = world().await;
    for (claims, reason) in [
        (json!({"email": "carol@example.com", "email_verified": false}), "not verified"),
        (json!({"email": "system:admin@example.com", "email_verified": true}), "begins with"),
        (json!({"email": "c,d@example.com", "email_verified": true}), "comma"),
        (json!({}), "missing"),
    ] {
        idp.behaviour.lock().unwrap().claims = claims.clone();
        let answer = sign_in(&mut world.browser(), &idp, "/login").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{claims}");
        assert!(answer.text.contains(reason) || claims.to_string().contains("c,d"), "{claims}: {}", answer.text);
        assert!(answer.text.contains("What you can do"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_provider_that_says_no_is_quoted() {
    let (world, idp) = world().await;
    let mut browser = world.browser();
    let link = link(&mut browser, "/login").await;
    let there = browser.get(&link).await.location().to_owned();
    let callback =
        idp.authorize(&there).replace("code=", "error=access_denied&error_description=%3Cb%3Eno%3C%2Fb%3E&x=");
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("no") && !answer.text.contains("<b>"), "{}", answer.text);
}

#[tokio::test]
async fn a_provider_that_is_down_stops_nobody_else() {
    let section = "providers:\n  - {id: corp, issuer: \"http://127.0.0.1:9\", clientId: x, userPrefix: \"corp:\", \
                   groupPrefix: \"corp:\"}\n";
    let world = World::with(section).await;
    let mut browser = world.browser();
    let link = link(&mut browser, "/login").await;
    let answer = browser.get(&link).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.text);
    assert!(answer.text.contains("Try again in a minute"), "{}", answer.text);
    assert_eq!(browser.sign_in("/login", "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
}
