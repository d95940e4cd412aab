//! Bundles for gateways that reach no control plane.

use std::os::unix::fs::PermissionsExt;

use kubegate_core::bundle::{ChangesDocument, LiveEntries, PolicyDocument, Version, WholeBundle};
use kubegate_core::jws::SigningKey;
use kubegate_core::time::Timestamp;
use serde_json::json;

use crate::world::World;

fn bundle() -> WholeBundle {
    let policy = PolicyDocument {
        issuer: "https://kubegate.example.com".into(),
        version: Version { epoch: 7, counter: 3 },
        keys: Vec::new(),
        clusters: Vec::new(),
        parts: Vec::new(),
        pomerium: None,
    };
    let changes = ChangesDocument {
        version: Version { epoch: 7, counter: 90 },
        expires_at: Some(Timestamp::from_seconds(1_763_942_400)),
        ..ChangesDocument::default()
    };
    WholeBundle::sign(&SigningKey::from_seed([7; 32]), policy, &[], LiveEntries::default(), changes).unwrap()
}

#[test]
fn exports_and_says_what_it_is() {
    let world = World::new();
    world.run(&["login"]).ok();
    {
        let mut state = world.fake.state();
        state.api.insert("GET /api/v1/bundle", (200, json!(bundle())));
        state.api_headers = "Kubegate-Token-Keys-Until: 2025-11-20T00:00:00Z\r\n";
    }
    let file = world.home.path().join("bundle.json");
    let done = world.run(&["bundle", "export", "--valid-for", "30d", "-o", file.to_str().unwrap()]).ok();
    assert_eq!(done.stdout, "");
    for words in [
        "policy 7.3 in 0 parts, live set 7.90 with 0 entries; expires at 2025-11-24T00:00:00Z",
        "bytes",
        "after 2025-11-20T00:00:00Z",
    ] {
        assert!(done.stderr.contains(words), "{words} in {done:?}");
    }
    let written: WholeBundle = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written, bundle());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it names people");
    let printed: WholeBundle = serde_json::from_str(&world.run(&["bundle", "export"]).ok().stdout).unwrap();
    assert_eq!(printed, bundle());
}

#[test]
fn exports_nothing_that_is_no_bundle() {
    let world = World::new();
    world.run(&["login"]).ok();
    world.run(&["bundle", "export", "--valid-for", "30m"]).failed(2, &["between 1h and 365d"]);
    world.fake.state().api.insert("GET /api/v1/bundle", (200, json!({"policy": "x"})));
    world.run(&["bundle", "export"]).failed(1, &["no bundle"]);
    let refusal = json!({"detail": "only administrators may do this"});
    world.fake.state().api.insert("GET /api/v1/bundle", (403, refusal));
    world.run(&["bundle", "export"]).failed(1, &["refuses: only administrators may do this"]);
    assert!(world.run(&["bundle", "export", "--help"]).ok().stdout.contains("Examples:"));
}
