//! Sign-in at GitHub.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::world::{Answer, Browser, World, authorize_url, parameter, unescape};

/// What GitHub knows of the person.
#[derive(Clone)]
struct Knows {
    emails: Value,
    organizations: Vec<String>,
    teams: Vec<(String, String)>,
    /// A path that fails.
    broken: Option<(&'static str, StatusCode)>,
    /// The code is refused.
    refuses: bool,
}

#[derive(Clone)]
struct Github {
    base: String,
    knows: Arc<Mutex<Knows>>,
    challenges: Arc<Mutex<HashMap<String, String>>>,
}

type Reply = Result<Json<Value>, StatusCode>;

impl Github {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let knows = Knows {
            emails: json!([
                {"email": "old@example.org", "primary": false, "verified": true},
                {"email": "octo@example.com", "primary": true, "verified": true},
            ]),
            organizations: vec!["Example".into(), "elsewhere".into()],
            teams: vec![("Example".into(), "platform".into()), ("elsewhere".into(), "platform".into())],
            broken: None,
            refuses: false,
        };
        let this = Self { base, knows: Arc::new(Mutex::new(knows)), challenges: Arc::default() };
        let router = Router::new()
            .route("/login/oauth/access_token", post(token))
            .route("/api/v3/user", get(user))
            .route("/api/v3/user/emails", get(emails))
            .route("/api/v3/user/orgs", get(orgs))
            .route("/api/v3/user/teams", get(teams))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    async fn world(&self) -> World {
        let section = format!(
            "providers:\n  - {{id: corp, name: GitHub, type: github, url: \"{}\", organizations: [example], clientId: client, \
             clientSecretFile: secret, userPrefix: \"gh:\", groupPrefix: \"gh:\"}}\n",
            self.base
        );
        World::with_file("secret", "s3cret", &section).await
    }

    /// What a person does there; returns the path and query of our callback.
    fn authorize(&self, url: &str) -> String {
        let parameter = |name| parameter(url, name).unwrap_or_else(|| panic!("no {name} in {url}"));
        assert!(url.starts_with(&format!("{}/login/oauth/authorize?", self.base)), "{url}");
        assert_eq!((parameter("client_id"), parameter("code_challenge_method")), ("client".into(), "S256".into()));
        assert_eq!(parameter("scope"), "read:user user:email read:org");
        let code = format!("code-{}", parameter("state"));
        self.challenges.lock().unwrap().insert(code.clone(), parameter("code_challenge"));
        let redirect = parameter("redirect_uri");
        let path = redirect.strip_prefix(super::world::ISSUER).unwrap();
        format!("{path}?{}", super::world::encode(&[("code", &code), ("state", &parameter("state"))]))
    }

    async fn sign_in(&self, browser: &mut Browser, page: &str) -> Answer {
        let page = browser.get(page).await;
        let href = page.text.split("href=\"/login/corp").nth(1).unwrap_or_else(|| panic!("{}", page.text));
        let link = unescape(&format!("/login/corp{}", href.split('"').next().unwrap()));
        let there = browser.get(&link).await.location().to_owned();
        browser.get(&self.authorize(&there)).await
    }

    fn answer(&self, path: &str, headers: &HeaderMap, answer: impl FnOnce(&Knows) -> Value) -> Reply {
        assert_eq!(headers["authorization"], "Bearer gho_token");
        assert!(headers["user-agent"].to_str().unwrap().starts_with("kubegate/"), "GitHub insists on one");
        let knows = self.knows.lock().unwrap();
        match knows.broken {
            Some((broken, status)) if broken == path => Err(status),
            _ => Ok(Json(answer(&knows))),
        }
    }
}

fn page(all: Vec<Value>, query: &HashMap<String, String>) -> Value {
    let number = |name: &str, default| query.get(name).map_or(default, |text| text.parse().unwrap());
    let (size, page): (usize, usize) = (number("per_page", 30), number("page", 1));
    Value::from(all.into_iter().skip((page - 1) * size).take(size).collect::<Vec<Value>>())
}

async fn token(
    State(github): State<Github>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Json<Value> {
    assert_eq!(headers["accept"], "application/json");
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("client", "s3cret"));
    if github.knows.lock().unwrap().refuses {
        return Json(
            json!({"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}),
        );
    }
    let challenge = github.challenges.lock().unwrap().remove(&form["code"]).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes())), challenge, "PKCE");
    Json(json!({"access_token": "gho_token", "token_type": "bearer", "scope": "read:org,read:user,user:email"}))
}

async fn user(State(github): State<Github>, headers: HeaderMap) -> Reply {
    github.answer(
        "user",
        &headers,
        |_| json!({"id": 583_231, "login": "octocat", "name": "The Octocat", "email": "fake@example.com"}),
    )
}

async fn emails(
    State(github): State<Github>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Reply {
    github.answer("emails", &headers, |knows| page(knows.emails.as_array().unwrap().clone(), &query))
}

async fn orgs(State(github): State<Github>, headers: HeaderMap, Query(query): Query<HashMap<String, String>>) -> Reply {
    github.answer("orgs", &headers, |knows| {
        page(knows.organizations.iter().map(|login| json!({"login": login})).collect(), &query)
    })
}

async fn teams(
    State(github): State<Github>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Reply {
    github.answer("teams", &headers, |knows| {
        let team =
            |(organization, slug): &(String, String)| json!({"slug": slug, "organization": {"login": organization}});
        page(knows.teams.iter().map(team).collect(), &query)
    })
}

async fn whoami(github: &Github, world: &World) -> Value {
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let back = github.sign_in(&mut browser, &login).await.location().to_owned();
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    let token = world.redeem(&code, None).await.json();
    world.api("/api/v1/whoami", token["access_token"].as_str().unwrap()).await.json()
}

#[tokio::test]
async fn organisations_and_teams_become_groups() {
    let github = Github::start().await;
    let world = github.world().await;
    let whoami = whoami(&github, &world).await;
    assert_eq!(whoami["user"], "gh:octocat");
    assert_eq!(whoami["uid"], "583231", "the number stays when the login changes");
    assert_eq!(whoami["provider"], "corp");
    assert_eq!(whoami["groups"], json!(["gh:Example", "gh:Example/platform"]), "of the listed organisation alone");
    assert_eq!(whoami["email"], "octo@example.com", "the primary, verified one; never the profile's");
}

#[tokio::test]
async fn every_page_is_read() {
    let github = Github::start().await;
    {
        let mut knows = github.knows.lock().unwrap();
        knows.organizations = (0..250).map(|number| format!("org{number}")).chain(["example".into()]).collect();
        knows.teams = (0..301).map(|number| ("example".into(), format!("t{number}"))).collect();
    }
    let world = github.world().await;
    let groups = whoami(&github, &world).await["groups"].as_array().unwrap().clone();
    assert_eq!(groups.len(), 302);
    assert!(groups.contains(&json!("gh:example")) && groups.contains(&json!("gh:example/t300")));
}

#[tokio::test]
async fn an_address_that_is_not_verified_does_not_count() {
    let github = Github::start().await;
    github.knows.lock().unwrap().emails = json!([
        {"email": "ceo@example.com", "primary": true, "verified": false},
        {"email": "old@example.org", "primary": false, "verified": true},
    ]);
    let world = github.world().await;
    assert_eq!(whoami(&github, &world).await.get("email").unwrap_or(&Value::Null), &Value::Null);
}

#[tokio::test]
async fn who_is_in_no_listed_organisation_is_not_let_in() {
    let github = Github::start().await;
    github.knows.lock().unwrap().organizations = vec!["elsewhere".into(), "example-evil".into()];
    let world = github.world().await;
    let answer = github.sign_in(&mut world.browser(), "/login").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("none of the organisations"), "{}", answer.text);
}

#[tokio::test]
async fn what_github_does_not_answer_fails_the_sign_in() {
    let github = Github::start().await;
    let world = github.world().await;
    for (broken, status, words) in [
        (("user", StatusCode::UNAUTHORIZED), StatusCode::BAD_GATEWAY, "could not reach GitHub"),
        (("emails", StatusCode::NOT_FOUND), StatusCode::BAD_GATEWAY, "could not reach GitHub"),
        (("orgs", StatusCode::FORBIDDEN), StatusCode::BAD_GATEWAY, "which groups you are in"),
        (("teams", StatusCode::BAD_GATEWAY), StatusCode::BAD_GATEWAY, "which groups you are in"),
    ] {
        github.knows.lock().unwrap().broken = Some(broken);
        let answer = github.sign_in(&mut world.browser(), "/login").await;
        assert_eq!(answer.status, status, "{broken:?}: {}", answer.text);
        assert!(answer.text.contains(words), "{broken:?}: {}", answer.text);
    }
    {
        let mut knows = github.knows.lock().unwrap();
        knows.broken = None;
        knows.refuses = true;
    }
    let answer = github.sign_in(&mut world.browser(), "/login").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "an error that comes with the status of success");
    assert!(answer.text.contains("not valid"), "{}", answer.text);
}

#[tokio::test]
async fn an_answer_fits_one_sign_in_of_one_browser() {
    let github = Github::start().await;
    let world = github.world().await;
    let mut browser = world.browser();
    let page = browser.get("/login").await;
    let href = page.text.split("href=\"/login/corp").nth(1).unwrap().split('"').next().unwrap();
    let there = browser.get(&unescape(&format!("/login/corp{href}"))).await.location().to_owned();
    let callback = github.authorize(&there);
    let mut other = world.browser();
    other.get("/login").await;
    assert_eq!(other.get(&callback).await.status, StatusCode::FORBIDDEN, "another browser");
    let elsewhere = format!("{callback}&iss=https%3A%2F%2Fevil.example");
    assert_eq!(browser.get(&elsewhere).await.status, StatusCode::FORBIDDEN, "another issuer");
    assert_eq!(browser.get(&callback).await.status, StatusCode::FORBIDDEN, "taken once");
}

#[tokio::test]
async fn it_is_asked_again_and_who_has_left_is_out() {
    for (change, ends) in [
        ((|knows: &mut Knows| knows.teams.clear()) as fn(&mut Knows), None),
        (|knows| knows.broken = Some(("user", StatusCode::SERVICE_UNAVAILABLE)), None),
        (|knows| knows.broken = Some(("user", StatusCode::UNAUTHORIZED)), Some("provider-refused")),
        (|knows| knows.organizations = vec!["elsewhere".into()], Some("provider-refused")),
    ] {
        let github = Github::start().await;
        let world = github.world().await;
        let mut browser = world.browser();
        let login = browser.get(&authorize_url()).await.location().to_owned();
        let back = github.sign_in(&mut browser, &login).await.location().to_owned();
        let code = parameter(browser.get(&back).await.location(), "code").unwrap();
        let refresh = world.redeem(&code, None).await.json()["refresh_token"].as_str().unwrap().to_owned();
        change(&mut github.knows.lock().unwrap());
        world.clock.advance(std::time::Duration::from_secs(11 * 60 + 1));
        crate::recheck::round(&world.app, "corp").await.unwrap();
        let answer = world.refresh(&refresh, None).await;
        assert_eq!(answer.json()["session_ended"]["reason"].as_str(), ends, "{}", answer.text);
        if github.knows.lock().unwrap().teams.is_empty() {
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let whoami = world.api("/api/v1/whoami", &token).await.json();
            assert_eq!(whoami["groups"], json!(["gh:Example"]), "the team is gone");
        }
    }
}
