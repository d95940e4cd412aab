//! What people do, from the sign-in to the end of the session.

use std::time::Duration;

use axum::http::StatusCode;
use kubegate_core::bundle::Documents;
use kubegate_core::jws::Keys;
use kubegate_core::token::VerifiedToken;
use serde_json::json;

use super::world::{ISSUER, PASSWORD, START, VERIFIER, World, authorize_url, authorize_url_for, parameter, soon};

const PROD: Option<&str> = Some("urn:kubegate:cluster:prod");

#[tokio::test]
async fn from_the_form_to_the_revocation() {
    let world = World::new().await;
    let answer = world.signed_in("alice", PROD).await;
    assert_eq!((answer["token_type"].as_str(), answer["expires_in"].as_u64()), (Some("Bearer"), Some(600)));
    assert_eq!(answer["session_expires_in"].as_u64(), Some(12 * 3600));
    assert_eq!(answer["cluster"], json!({"name": "prod", "server": "https://prod.example.com"}));

    // What a gateway makes of the token, with the bundle that it is given.
    let first = world.poll(None, "").await;
    let mut gateway = world.gateway(&first);
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", token), (200, "own-path"));
    let keys = Keys::new(&world.app.in_force().token_keys).unwrap();
    let verified = VerifiedToken::verify(token, &keys, ISSUER).unwrap();
    let claims = &verified.claims;
    assert_eq!((claims.sub.as_str(), claims.user.as_str()), ("accounts:alice", "alice"));
    assert_eq!((claims.groups.as_slice(), claims.groups_policy), (&["platform-admins".to_owned()][..], None));
    assert_eq!(claims.session_exp.seconds(), START.seconds() + 12 * 3600);
    assert_eq!(claims.claims.get("department"), Some(&json!(null)), "a claim that a rule names");

    // Rotation, and a token for another cluster from the same session.
    world.clock.advance(Duration::from_secs(300));
    let second = world.refresh(answer["refresh_token"].as_str().unwrap(), Some("urn:kubegate:cluster:lab")).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    let second = second.json();
    assert_ne!(second["refresh_token"], answer["refresh_token"]);
    let lab = VerifiedToken::verify(second["access_token"].as_str().unwrap(), &keys, ISSUER).unwrap();
    assert_eq!((lab.claims.aud.as_str(), &lab.claims.sid), ("lab", &claims.sid));

    // The end of the session reaches a gateway that waits.
    let tag = first.header("etag").to_owned();
    let waiting = world.poll(Some(&tag), "wait=20");
    let revoking = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.form("/oauth/revoke", &[("token", second["refresh_token"].as_str().unwrap())]).await
    };
    let (woken, revoked) = soon("the revocation", async { tokio::join!(waiting, revoking) }).await;
    assert_eq!((revoked.status, woken.status), (StatusCode::OK, StatusCode::OK));
    let documents = Documents::parse(&woken.text).unwrap();
    assert!(documents.policy.is_none() && documents.parts.is_empty(), "the gateway has the policy");
    gateway.accept(&documents).unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", token), (401, "session-revoked"));
    let refused = world.refresh(second["refresh_token"].as_str().unwrap(), PROD).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    assert!(refused.text.contains("you signed out"), "{}", refused.text);
}

#[tokio::test]
async fn the_api_tells_a_command_line_what_it_can_reach() {
    let world = World::new().await;
    let answer = world.signed_in("alice", None).await;
    assert!(answer.get("cluster").is_none());
    let token = answer["access_token"].as_str().unwrap();
    let whoami = world.api("/api/v1/whoami", token).await.json();
    assert_eq!((whoami["user"].as_str(), whoami["provider"].as_str()), (Some("alice"), Some("accounts")));
    assert_eq!((&whoami["clusters"], &whoami["email"]), (&json!(["prod"]), &json!("alice@example.com")));
    assert_eq!(whoami["session"]["created_at"].as_str(), Some("2027-01-15T08:00:00Z"));
    let clusters = world.api("/api/v1/clusters", token).await.json();
    assert_eq!(clusters, json!({"clusters": [{"name": "prod", "server": "https://prod.example.com"}]}));

    let bob = world.signed_in("bob", None).await;
    let clusters = world.api("/api/v1/clusters", bob["access_token"].as_str().unwrap()).await.json();
    assert_eq!(clusters, json!({"clusters": []}), "no rule concerns bob");
}

#[tokio::test]
async fn a_browser_that_is_signed_in_is_asked_before_a_command_line_goes_on() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.code("alice").await;
    let page = browser.get(&authorize_url()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("Continue as alice?"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:7777;"), "{policy}");
    let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));

    let forged = browser.post("/oauth/authorize", &[("csrf", "x"), ("request", &request), ("decision", "allow")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let other_request = request.replace("7777", "7778");
    let moved = [("csrf", &*csrf), ("request", &*other_request), ("decision", "allow")];
    assert_eq!(browser.post("/oauth/authorize", &moved).await.status, StatusCode::FORBIDDEN, "for one request only");

    let allowed =
        browser.post("/oauth/authorize", &[("csrf", &csrf), ("request", &request), ("decision", "allow")]).await;
    assert!(parameter(allowed.location(), "code").is_some());
    let denied = browser.post("/oauth/authorize", &[("csrf", &csrf), ("request", &request)]).await;
    assert_eq!(parameter(denied.location(), "error").as_deref(), Some("access_denied"));
    let other =
        browser.post("/oauth/authorize", &[("csrf", &csrf), ("request", &request), ("decision", "other")]).await;
    assert!(other.location().starts_with("/login?"), "{}", other.location());
    assert!(browser.get(&authorize_url()).await.location().starts_with("/login?"), "signed out");
}

#[tokio::test]
async fn a_code_to_copy_is_shown_on_a_page_of_ours() {
    let world = World::new().await;
    let mut browser = world.browser();
    let redirect = format!("{ISSUER}/oauth/code");
    let start = authorize_url_for(&redirect);
    let login = browser.get(&start).await.location().to_owned();
    let back = browser.sign_in(&login, "alice", PASSWORD).await.location().to_owned();
    let there = browser.get(&back).await.location().to_owned();
    let page = browser.get(there.strip_prefix(ISSUER).unwrap()).await;
    let code = parameter(&there, "code").unwrap();
    assert!(page.text.contains(&code), "{}", page.text);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubegate-cli"),
        ("code", &*code),
        ("redirect_uri", &*redirect),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(world.form("/oauth/token", &form).await.status, StatusCode::OK);
    let page = browser.get("/oauth/code?code=kgc_%3Cscript%3E").await;
    assert!(page.status == StatusCode::BAD_REQUEST && !page.text.contains("script"), "{}", page.text);
}

#[tokio::test]
async fn the_start_page_shows_what_to_type_and_signs_out() {
    let world = World::new().await;
    let mut browser = world.browser();
    assert!(browser.get("/").await.text.contains("href=\"/login\""));
    assert_eq!(browser.sign_in("/login", "alice", PASSWORD).await.location(), "/");
    let page = browser.get("/").await;
    assert!(page.text.contains(&format!("kubegate kubeconfig --server {ISSUER} --cluster prod")), "{}", page.text);
    assert!(!page.text.contains("--cluster lab"), "no rule");
    assert!(browser.get("/signed-in").await.text.contains("alice"));
    assert_eq!(browser.post("/logout", &[("csrf", "x")]).await.status, StatusCode::FORBIDDEN);
    let csrf = page.hidden("csrf");
    assert_eq!(browser.post("/logout", &[("csrf", &csrf)]).await.location(), "/");
    assert!(browser.get("/").await.text.contains("href=\"/login\""));
}

#[tokio::test]
async fn an_old_sign_in_is_renewed_rather_than_stretched() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.code("alice").await;
    world.clock.advance(Duration::from_secs(6 * 3600));
    assert!(browser.get(&authorize_url()).await.location().starts_with("/login?"), "half its life is over");
}

#[tokio::test]
async fn an_account_that_is_gone_ends_its_sessions() {
    let world = World::new().await;
    let answer = world.signed_in("alice", PROD).await;
    let world = world.restarted(|config| config.replace("user: alice", "user: alicia")).await;
    let refused = world.refresh(answer["refresh_token"].as_str().unwrap(), PROD).await;
    assert_eq!(refused.json()["error"].as_str(), Some("invalid_grant"));
    let mut gateway = world.gateway(&world.poll(None, "").await);
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", token), (401, "session-revoked"), "at once");
}

#[tokio::test]
async fn changed_groups_of_an_account_come_with_the_next_token() {
    let world = World::new().await;
    let answer = world.signed_in("alice", PROD).await;
    let world =
        world.restarted(|config| config.replace("groups: [platform-admins], email", "groups: [others], email")).await;
    let answer = world.refresh(answer["refresh_token"].as_str().unwrap(), None).await.json();
    let whoami = world.api("/api/v1/whoami", answer["access_token"].as_str().unwrap()).await.json();
    assert_eq!(whoami["groups"], json!(["others"]));
}

#[tokio::test]
async fn an_administrator_ends_what_others_hold() {
    let world = World::new().await;
    let admin = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let bob = world.signed_in("bob", PROD).await;
    let bobs_token = world.refresh(bob["refresh_token"].as_str().unwrap(), None).await.json();
    let target = json!({"person": "accounts:bob"});
    let bobs = bobs_token["access_token"].as_str().unwrap();
    assert_eq!(world.api_post("/api/v1/revocations", bobs, &target).await.status, StatusCode::FORBIDDEN);
    let bad = world.api_post("/api/v1/revocations", &admin, &json!({"nobody": 1})).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let done = world.api_post("/api/v1/revocations", &admin, &target).await;
    assert_eq!(
        (done.status, done.json()),
        (StatusCode::OK, json!({"sessions": 2, "person": "accounts:bob", "user": "bob"})),
        "the browser's and the command line's"
    );
    assert_eq!(world.api("/api/v1/whoami", bobs).await.status, StatusCode::UNAUTHORIZED, "at once");
    assert_eq!(world.api("/api/v1/whoami", &admin).await.status, StatusCode::OK);
}

#[tokio::test]
async fn many_groups_are_carried_as_far_as_the_policy_needs_them() {
    let world = World::new().await;
    let groups: Vec<String> = (0..600).map(|number| format!("some-group-{number}")).collect();
    let list = format!("groups: [platform-admins, {}], email", groups.join(", "));
    let world = world.restarted(|config| config.replace("groups: [platform-admins], email", &list)).await;
    let answer = world.signed_in("alice", PROD).await;
    let keys = world.app.token_keys.verifying(START);
    let verified = VerifiedToken::verify(answer["access_token"].as_str().unwrap(), &keys, ISSUER).unwrap();
    assert_eq!(verified.claims.groups_policy, Some(world.app.in_force().version));
    assert_eq!(verified.claims.groups.len(), 601, "no rule of hers leaves any out");

    let narrow =
        World::policy().replace("[platform-admins]}\n", "[platform-admins]}\n    groups: {pass: [platform-*]}\n");
    world.change_policy(&narrow).await;
    soon("the policy", async {
        while world.app.in_force().version.counter < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let answer = world.refresh(answer["refresh_token"].as_str().unwrap(), PROD).await.json();
    let verified = VerifiedToken::verify(answer["access_token"].as_str().unwrap(), &keys, ISSUER).unwrap();
    assert_eq!(verified.claims.groups, ["platform-admins"]);
}

#[tokio::test]
async fn a_token_is_never_cut_short() {
    let world = World::new().await;
    let groups: Vec<String> = (0..1200).map(|number| format!("some-group-{number}")).collect();
    let list = format!("groups: [platform-admins, {}], email", groups.join(", "));
    let world = world.restarted(|config| config.replace("groups: [platform-admins], email", &list)).await;
    let secret = world.signed_in("alice", None).await["refresh_token"].as_str().unwrap().to_owned();
    let refused = world.refresh(&secret, PROD).await;
    assert_eq!(refused.json()["error"].as_str(), Some("invalid_scope"), "{}", refused.text);
    assert!(refused.text.contains("groups.pass"), "{}", refused.text);
    assert_eq!(world.refresh(&secret, None).await.status, StatusCode::OK, "the session goes on");
}
