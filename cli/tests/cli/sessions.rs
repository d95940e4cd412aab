//! Which sessions there are, and their end.

use serde_json::{Value, json};

use crate::world::World;

fn world(api: &[(&'static str, u16, Value)]) -> World {
    let world = World::new();
    world.run(&["login"]).ok();
    let answers = api.iter().map(|(request, status, body)| (*request, (*status, body.clone())));
    world.fake.state().api = answers.collect();
    world
}

fn session(id: &str, state: &str) -> Value {
    json!({
        "id": id, "kind": "cli", "person": "corp:7", "user": "bob", "provider": "corp", "provider_name": "Corp",
        "client": "bobs-laptop\u{1b}[31m", "address": "192.0.2.1", "last_address": "192.0.2.9",
        "created_at": "2027-01-15T08:00:00Z", "last_used_at": "2027-01-15T08:30:00Z",
        "expires_at": "2027-01-15T20:00:00Z", "state": state, "current": id == "s_1",
    })
}

#[test]
fn lists_and_ends_sessions() {
    let world = world(&[
        ("GET /api/v1/sessions", 200, json!({"sessions": [session("s_1", "live"), session("s_2", "idle")]})),
        ("DELETE /api/v1/sessions/s_2", 200, json!({"id": "s_2", "user": "bob", "ended": true})),
    ]);
    let shown = world.run(&["sessions"]).ok().stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("ID   KIND"), "{shown}");
    for expected in ["s_1", "cli (this one)", "bobs-laptop", "192.0.2.9", "2027-01-15T08:30:00Z", "Corp"] {
        assert!(lines[1].contains(expected), "{expected} in\n{shown}");
    }
    assert!(lines[2].contains("2027-01-15T20:00:00Z (idle)") && !lines[2].contains("this one"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "a client's name cannot steer the terminal");
    let json: Value = serde_json::from_str(&world.run(&["sessions", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["sessions"].as_array().map(Vec::len), Some(2));

    assert_eq!(world.run(&["sessions", "end", "s_2"]).ok().stdout, "ended session s_2 of bob\n");
    assert_eq!(world.fake.count("DELETE /api/v1/sessions/s_2"), 1);
    world
        .fake
        .state()
        .api
        .insert("DELETE /api/v1/sessions/s_2", (200, json!({"id": "s_2", "user": "bob", "ended": false})));
    assert!(world.run(&["sessions", "end", "s_2"]).ok().stderr.contains("it had ended before"));
    let detail = json!({"title": "unknown-session", "detail": "you have no session of this id"});
    world.fake.state().api.insert("DELETE /api/v1/sessions/s_3", (404, detail));
    world.run(&["sessions", "end", "s_3"]).failed(1, &["you have no session of this id"]);
}

#[test]
fn signs_out_everywhere() {
    let world = world(&[("DELETE /api/v1/sessions", 200, json!({"sessions": 3}))]);
    let told = world.run(&["logout", "--everywhere"]).ok().stderr;
    assert!(told.contains("everywhere; sessions ended: 3") && told.contains("identity provider"), "{told}");
    assert_eq!(world.fake.count("DELETE /api/v1/sessions"), 1);
    world.run(&["whoami"]).failed(3, &["not signed in"]);
}

#[test]
fn who_is_not_signed_in_any_more_does_not_sign_out_everywhere() {
    let world = World::new();
    world.token();
    world.fake.state().refresh_secrets.clear();
    world.run(&["logout", "--everywhere"]).failed(3, &["Sign in again"]);
    assert_eq!(world.fake.count("DELETE /api/v1/sessions"), 0);
}

#[test]
fn signing_out_says_what_stays_signed_in() {
    let world = World::new();
    world.token();
    let told = world.run(&["logout"]).ok().stderr;
    assert!(told.contains("a browser") || told.contains("A browser"), "{told}");
    assert!(told.contains(&format!("sign out there: {}/", world.fake.url)), "{told}");
}
