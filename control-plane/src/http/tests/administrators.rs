//! What administrators do to others.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::world::{PASSWORD, World};

impl World {
    pub(super) async fn token(&self, user: &str) -> String {
        self.signed_in(user, None).await["access_token"].as_str().unwrap().to_owned()
    }

    /// Somebody has signed in through a provider.
    async fn knows(&self, provider: &str, subject: &str, user: &str) {
        let identity = crate::person::Identity {
            provider: provider.into(),
            subject: subject.into(),
            user: user.into(),
            uid: None,
            email: None,
            groups: vec![],
            claims: std::collections::BTreeMap::new(),
            acr: None,
            amr: vec![],
            credential: None,
        };
        let sign_in = crate::session::SignIn {
            identity,
            auth_time: Some(self.clock.now()),
            purpose: None,
            holder: crate::session::Holder::default(),
            at_provider: None,
        };
        self.app.sessions.begin(sign_in, self.clock.now()).await.unwrap();
    }
}

fn elevation() -> Value {
    json!({"person": "accounts:bob", "cluster": "prod", "groups": ["platform-admins"], "duration": "1h", "reason": "INC-7"})
}

#[tokio::test]
async fn an_elevation_lasts_until_it_ends_and_is_told_for_an_hour() {
    let world = World::new().await;
    let (alice, bob) = (world.token("alice").await, world.token("bob").await);
    assert_eq!(world.api("/api/v1/clusters", &bob).await.json()["clusters"], json!([]));

    let made = world.api_post("/api/v1/elevations", &alice, &elevation()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["user"], &made["granted_by"]), (&json!("bob"), &json!("alice")));
    assert_eq!((&made["until"], &made["live"]), (&json!("2027-01-15T09:00:00Z"), &json!(true)));
    let whoami = world.api("/api/v1/whoami", &bob).await.json();
    assert_eq!((&whoami["elevations"], &whoami["clusters"]), (&json!([made]), &json!(["prod"])));
    assert_eq!(world.api("/api/v1/clusters", &bob).await.json()["clusters"][0]["name"], "prod");
    assert_eq!(world.api("/api/v1/whoami", &alice).await.json()["elevations"], json!([]), "bob's alone");
    assert_eq!(world.api("/api/v1/elevations", &alice).await.json(), json!({"elevations": [made]}));

    world.clock.advance(Duration::from_secs(300));
    let path = format!("/api/v1/elevations/{}", made["id"].as_str().unwrap());
    let ended = world.api_delete(&path, &alice).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    let ended = ended.json();
    assert_eq!((&ended["until"], &ended["ended_by"]), (&json!("2027-01-15T08:05:00Z"), &json!("alice")));
    let whoami = world.api("/api/v1/whoami", &bob).await.json();
    assert_eq!((&whoami["elevations"][0]["live"], &whoami["clusters"]), (&json!(false), &json!([])));
    let mut again = ended.clone();
    again["was_ended"] = json!(true);
    assert_eq!(
        (&ended["was_ended"], world.api_delete(&path, &alice).await.json()),
        (&json!(false), again),
        "ended once"
    );

    world.clock.advance(Duration::from_secs(3601));
    let alice = world.token("alice").await;
    assert_eq!(world.api("/api/v1/elevations", &alice).await.json(), json!({"elevations": []}), "an hour later");
}

#[tokio::test]
async fn elevations_that_are_not_made() {
    let world = World::new().await;
    let (alice, bob) = (world.token("alice").await, world.token("bob").await);
    let changed = |field: &str, value: Value| {
        let mut body = elevation();
        body[field] = value;
        body
    };
    let many: Vec<String> = (0..33).map(|number| format!("g{number}")).collect();
    for (field, value, status, words) in [
        (
            "cluster",
            json!("nowhere"),
            400,
            "cluster: the policy in force has no cluster \"nowhere\" (name one of prod, lab)",
        ),
        ("groups", json!([]), 400, "groups: 0 are named"),
        ("groups", json!(many), 400, "groups: 33 are named"),
        ("groups", json!(["a,system:masters"]), 400, "has a comma"),
        ("groups", json!(["system:masters"]), 400, "groups.extra"),
        ("groups", json!(["system:unauthenticated"]), 400, "Kubernetes' own"),
        ("groups", json!("x"), 400, "send {"),
        ("duration", json!("59s"), 400, "between 1m and 1d"),
        ("duration", json!(86_401), 400, "between 1m and 1d"),
        ("duration", json!("soon"), 400, "90s, 45m or 1h30m"),
        ("reason", json!(" "), 400, "reason:"),
        ("reason", json!("a\nb"), 400, "reason:"),
        ("reason", json!("x".repeat(501)), 400, "reason:"),
        ("person", json!("nobody"), 404, "accounts"),
        ("person", json!("ldap:bob"), 404, "PROVIDER:SUBJECT"),
        ("persona", json!("bob"), 400, "persona"),
    ] {
        let refused = world.api_post("/api/v1/elevations", &alice, &changed(field, value.clone())).await;
        assert_eq!(refused.status.as_u16(), status, "{field}: {value}: {}", refused.text);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{words} in {detail}");
    }
    for (path, body) in [
        ("/api/v1/elevations", elevation()),
        ("/api/v1/people/disable", json!({"person": "accounts:alice", "reason": "x"})),
        ("/api/v1/people/enable", json!({"person": "accounts:alice", "reason": "x"})),
    ] {
        let refused = world.api_post(path, &bob, &body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} by no administrator: {}", refused.text);
    }
    for path in ["/api/v1/elevations", "/api/v1/people/disabled"] {
        assert_eq!(world.api(path, &bob).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(world.api_delete("/api/v1/elevations/e_x", &bob).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.api_delete("/api/v1/elevations/e_x", &alice).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.api("/api/v1/elevations", &alice).await.json(), json!({"elevations": []}), "nothing was made");
}

#[tokio::test]
async fn nobody_gets_elevations_without_number() {
    let world = World::new().await;
    let alice = world.token("alice").await;
    for _ in 0..50 {
        let made = world.api_post("/api/v1/elevations", &alice, &elevation()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let refused = world.api_post("/api/v1/elevations", &alice, &elevation()).await;
    assert_eq!((refused.status, refused.json()["title"].as_str()), (StatusCode::CONFLICT, Some("too-many-elevations")));
}

#[tokio::test]
async fn a_disabled_person_stays_out_until_enabled() {
    let world = World::new().await;
    let (alice, bob) = (world.token("alice").await, world.signed_in("bob", None).await);
    world.api_post("/api/v1/elevations", &alice, &elevation()).await;
    let reason = json!({"person": "bob", "reason": "lost laptop"});
    let done = world.api_post("/api/v1/people/disable", &alice, &reason).await;
    assert_eq!(
        (done.status, done.json()),
        (StatusCode::OK, json!({"person": "accounts:bob", "user": "bob", "sessions": 2, "was_disabled": false}))
    );

    let bobs = bob["access_token"].as_str().unwrap();
    assert_eq!(world.api("/api/v1/whoami", bobs).await.status, StatusCode::UNAUTHORIZED, "at once");
    let refused = world.refresh(bob["refresh_token"].as_str().unwrap(), None).await.json();
    assert_eq!(refused["error"], "invalid_grant");
    assert!(refused["error_description"].as_str().unwrap().contains("account was disabled by alice"), "{refused}");
    assert_eq!(refused["session_ended"]["reason"], "disabled");

    let world = world.restarted(str::to_owned).await;
    let page = world.browser().sign_in("/login", "bob", PASSWORD).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "it survives a restart");
    for words in ["Your account is disabled", "alice disabled your account", "lost laptop", "Ask alice"] {
        assert!(page.text.contains(words), "{words} in {}", page.text);
    }
    let metrics = world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("kubegate_sign_ins_total{provider=\"accounts\",result=\"disabled\"} 1"), "{metrics}");
    assert!(!metrics.contains("kubegate_sign_ins_total{provider=\"accounts\",result=\"ok\"}"), "{metrics}");
    let again = world.api_post("/api/v1/elevations", &alice, &elevation()).await;
    assert_eq!((again.status, again.json()["title"].as_str()), (StatusCode::CONFLICT, Some("person-disabled")));
    let listed = world.api("/api/v1/people/disabled", &alice).await.json();
    assert_eq!(
        (&listed["people"][0]["person"], &listed["people"][0]["reason"]),
        (&json!("accounts:bob"), &json!("lost laptop"))
    );

    let enabled = world.api_post("/api/v1/people/enable", &alice, &json!({"person": "bob", "reason": "found"})).await;
    assert_eq!(enabled.json(), json!({"person": "accounts:bob", "user": "bob", "was_disabled": true}));
    let over = world.refresh(bob["refresh_token"].as_str().unwrap(), None).await.json();
    assert_eq!(over["session_ended"]["reason"], "administrator", "the old session is over, and a sign-in helps now");
    let bob = world.token("bob").await;
    let elevations = world.api("/api/v1/whoami", &bob).await.json()["elevations"].clone();
    assert_eq!((&elevations[0]["live"], &elevations[0]["ended_by"]), (&json!(false), &json!("alice")), "ended, too");
    assert_eq!(world.api("/api/v1/people/disabled", &alice).await.json(), json!({"people": []}));
}

#[tokio::test]
async fn who_is_meant_is_never_guessed() {
    let world = World::new().await;
    let alice = world.token("alice").await;
    let disable = async |person: &str| {
        world.api_post("/api/v1/people/disable", &alice, &json!({"person": person, "reason": "r"})).await
    };
    assert_eq!(disable("alice").await.json()["title"], "yourself");
    let unknown = disable("bob").await;
    assert_eq!((unknown.status, unknown.json()["title"].as_str()), (StatusCode::NOT_FOUND, Some("unknown-person")));
    let known = disable("accounts:bob").await.json();
    assert_eq!((&known["user"], &known["sessions"]), (&Value::Null, &json!(0)), "before the first sign-in");
    assert_eq!(world.browser().sign_in("/login", "bob", PASSWORD).await.status, StatusCode::FORBIDDEN);

    // Two people of one user name, as two providers may have had them one after the other.
    for subject in ["1", "2"] {
        world.knows("corp", subject, "carol").await;
    }
    let ambiguous = disable("carol").await;
    assert_eq!(
        (ambiguous.status, ambiguous.json()["title"].as_str()),
        (StatusCode::CONFLICT, Some("ambiguous-person"))
    );
    assert!(ambiguous.text.contains("corp:1, corp:2"), "{}", ambiguous.text);
    assert_eq!(disable("corp:2").await.json()["sessions"], 1);
}

#[tokio::test]
async fn who_was_taken_out_of_the_administrators_is_none_by_an_old_sign_in_either() {
    let world = World::new().await;
    let token = world.token("alice").await;
    let mut browser = world.browser();
    let code = browser.code("alice").await;
    assert!(browser.get("/").await.text.contains("href=\"/status\""));
    let taken_out = |config: &str| config.replace("groups: [platform-admins], email", "groups: [team], email");
    let world = world.restarted(taken_out).await;

    let refused = world.api_post("/api/v1/elevations", &token, &elevation()).await;
    assert_eq!(
        (refused.status, refused.json()["title"].as_str()),
        (StatusCode::FORBIDDEN, Some("not-an-administrator"))
    );
    let cookies = std::mem::take(&mut browser.cookies);
    let mut browser = world.browser();
    browser.cookies = cookies;
    assert!(!browser.get("/").await.text.contains("href=\"/status\""));
    assert_eq!(browser.get("/status").await.status, StatusCode::FORBIDDEN);

    let late = world.redeem(&code, None).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.api("/api/v1/whoami", &late).await.json()["groups"], json!(["team"]), "not those of the sign-in");
    let refused = world.api_post("/api/v1/people/disable", &late, &json!({"person": "bob", "reason": "r"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);

    let world =
        world.restarted(|config| config.replace("groups: [team], email", "groups: [platform-admins], email")).await;
    assert_eq!(
        world.api_post("/api/v1/elevations", &token, &elevation()).await.status,
        StatusCode::CREATED,
        "back again"
    );
}

#[tokio::test]
async fn nobody_takes_the_id_of_another_for_a_user_name() {
    let world = World::with(
        "providers: [{id: corp, issuer: \"https://idp.example.com\", clientId: kubegate, userPrefix: \"corp:\", groupPrefix: \"corp:\"}]\n",
    )
    .await;
    let alice = world.token("alice").await;
    let disable = async |person: &str| {
        world.api_post("/api/v1/people/disable", &alice, &json!({"person": person, "reason": "r"})).await
    };
    world.knows("corp", "u-666", "corp:u-1").await;
    world.knows("corp", "u-667", "id=corp:u-1").await;
    let refused = disable("corp:u-1").await;
    assert_eq!((refused.status, refused.json()["title"].as_str()), (StatusCode::CONFLICT, Some("ambiguous-person")));
    let told = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("user name of corp:u-666 (give that id") && told.contains("give id=corp:u-1)"), "{told}");
    let bob = disable("id=corp:u-1").await.json();
    assert_eq!((&bob["person"], &bob["user"]), (&json!("corp:u-1"), &Value::Null), "before bob's first sign-in");

    let enabled = world.api_post("/api/v1/people/enable", &alice, &json!({"person": "corp:u-1", "reason": "r"})).await;
    assert_eq!(enabled.json()["person"], "corp:u-1", "as a disabled one bob is known by the id alone");
    world.knows("corp", "u-1", "corp:bob@example.com").await;
    let bob = disable("corp:u-1").await.json();
    assert_eq!((&bob["person"], &bob["user"]), (&json!("corp:u-1"), &json!("corp:bob@example.com")));
    let mallory = disable("corp:u-666").await.json();
    assert_eq!((&mallory["person"], &mallory["user"]), (&json!("corp:u-666"), &json!("corp:u-1")));

    world.knows("corp", "u-3", "other:carol").await;
    assert_eq!(disable("other:carol").await.json()["person"], "corp:u-3", "no provider has the id `other`");
    assert_eq!(disable("id=other:carol").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_log_names_who_did_something_not_who_came_too_late() {
    let world = World::new()
        .await
        .restarted(|config| config.replace("groups: [platform-admins]}\n", "users: [alice, bob]}\n"))
        .await;
    let (alice, bob) = (world.token("alice").await, world.token("bob").await);
    let carol = |reason: &str| json!({"person": "corp:carol", "reason": reason});
    world.knows("corp", "carol", "carol").await;
    let made = world.api_post("/api/v1/elevations", &alice, &elevation()).await.json();
    let path = format!("/api/v1/elevations/{}", made["id"].as_str().unwrap());
    let log = super::log::Log::begin();

    world.api_delete(&path, &alice).await;
    assert!(log.take().contains("elevation ended by an administrator"));
    let late = world.api_delete(&path, &bob).await.json();
    assert_eq!((&late["was_ended"], &late["ended_by"]), (&json!(true), &json!("alice")));
    let lines = log.take();
    assert!(!lines.contains("ended by an administrator") && lines.contains("had ended before"), "{lines}");

    world.api_post("/api/v1/people/disable", &alice, &carol("left")).await;
    assert!(log.take().contains("disabled by an administrator"));
    let late = world.api_post("/api/v1/people/disable", &bob, &carol("lost laptop")).await.json();
    assert_eq!((&late["was_disabled"], &late["sessions"]), (&json!(true), &json!(0)));
    let lines = log.take();
    assert!(!lines.contains("disabled by an administrator") && !lines.contains("lost laptop"), "{lines}");
    assert!(lines.contains("disabled already") && lines.contains("administrator=\"bob\""), "{lines}");

    world.api_post("/api/v1/people/enable", &bob, &carol("back")).await;
    assert!(log.take().contains("enabled by an administrator"));
    let late = world.api_post("/api/v1/people/enable", &alice, &carol("back")).await.json();
    assert_eq!(late["was_disabled"], json!(false));
    assert!(!log.take().contains("enabled by an administrator"));
}
