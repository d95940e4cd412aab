//! Who am I, which clusters, and out again.

use serde_json::{Value, json};

use crate::fake::ENDED;
use crate::world::World;

#[test]
fn says_who_you_are() {
    let world = World::new();
    world.run(&["whoami"]).failed(3, &["not signed in", "kubegate login --server"]);
    world.run(&["login"]).ok();
    let shown = world.run(&["whoami"]).ok().stdout;
    for expected in ["User           alice", "team-a, ops", "2025-11-24T00:00:00Z", "phr", "hwk, pin"] {
        assert!(shown.contains(expected), "{expected} in\n{shown}");
    }
    let json: Value = serde_json::from_str(&world.run(&["whoami", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["user"], "alice");
    assert_eq!(json["session"]["id"], "s-1");
}

#[test]
fn says_why_you_are_no_longer_signed_in() {
    let world = World::new();
    world.token();
    world.fake.state().refresh_secrets.clear();
    for _ in 0..2 {
        let told = ["signed out of", &world.fake.url, ENDED, "Sign in again: kubegate login --server"];
        world.run(&["whoami"]).failed(3, &told);
    }
    let ended = world.run(&["whoami", "--json"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    let session = json!({"ended": true, "reason": "administrator", "at": "2026-11-25T02:00:00Z", "message": ENDED});
    assert_eq!(json, json!({ "session": session }));
    assert_eq!(world.visits(), 1, "it is a question, and opens no browser");
    world.run(&["clusters"]).failed(3, &[ENDED]);

    world.run(&["login"]).ok();
    world.run(&["whoami"]).ok();
}

#[test]
fn lists_clusters() {
    let world = World::new();
    world.run(&["login"]).ok();
    let shown = world.run(&["clusters"]).ok().stdout;
    assert_eq!(shown, format!("NAME     SERVER\nprod     {0}\nstaging  {0}\n", world.fake.url));
    let json: Value = serde_json::from_str(&world.run(&["clusters", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["clusters"][0]["name"], "prod");
}

#[test]
fn the_only_server_need_not_be_named() {
    let world = World::new();
    let unnamed = |args: &[&str]| {
        let mut command = world.command(args);
        crate::world::Ended::from(command.env_remove("KUBEGATE_SERVER").output().unwrap())
    };
    unnamed(&["whoami"]).failed(2, &["which control plane?", "--server"]);
    world.run(&["login"]).ok();
    unnamed(&["whoami"]).ok();
}

#[test]
fn signs_out_here_and_there() {
    let world = World::new();
    world.token();
    for left_behind in ["json.new", "json.broken"] {
        std::fs::write(world.cache_file().with_extension(left_behind), "kgr_secret").unwrap();
    }
    world.run(&["logout"]).ok();
    for entry in std::fs::read_dir(world.cache_directory()).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.extension().is_some_and(|extension| extension == "lock"), "{path:?} is left");
    }
    assert_eq!(world.fake.count("POST /oauth/revoke"), 1);
    assert!(world.fake.state().refresh_secrets.is_empty());
    world.run(&["whoami"]).failed(3, &["not signed in"]);
    let again = world.run(&["logout"]).ok();
    assert!(again.stderr.contains("not signed in"), "{again:?}");
}

#[test]
fn signs_out_here_even_when_the_control_plane_is_away() {
    let world = World::new();
    world.token();
    let file = world.cache_file();
    world.change_cache(|cache| cache["endpoints"]["revocation"] = "http://127.0.0.1:1/revoke".into());
    world.run(&["logout"]).failed(4, &["removed from this computer", "cannot reach"]);
    assert!(!file.exists());
}
