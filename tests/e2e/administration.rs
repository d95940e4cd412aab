//! What operators do: restore a backup, and serve gateways that reach no control plane.

use std::fs;
use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_tests::person::Person;
use kubegate_tests::variant::Variant;
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{paths, poll, raw};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::suite::{PolicyFile, Suite, TEAM, Who};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("administration::an_exported_bundle_needs_no_control_plane", exported),
        suite.test_alone("administration::a_restored_backup_counts_after_one_command", restored),
    ]
}

/// A `kubegate` command that goes well; gives its standard output.
fn kubegate(person: &Person, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = person.kubegate(arguments).unwrap();
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Somebody who is signed in, so that commands need no terminal.
fn signed_in(suite: &Suite, world: &World, who: Who) -> Person {
    let person = suite.person(world, who);
    kubegate(&person, &["login"]);
    person
}

fn exported(suite: &Suite, world: &World) {
    let alice = signed_in(suite, world, Who::Admin);
    let bundle = kubegate(&alice, &["bundle", "export", "--valid-for", "1h"]);
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let changes = bundle["changes"].as_str().and_then(|signed| signed.split('.').nth(1)).unwrap();
    let changes: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(changes).unwrap()).unwrap();
    let counts_for = changes["expires_at"].as_u64().unwrap() - changes["issued_at"].as_u64().unwrap();
    assert_eq!(counts_for, 3600, "as long as was asked for: {changes}");
    let variant = Variant::of(&world.envoy, world.port).unwrap().with_plugin_configuration(|configuration| {
        configuration["inline_bundle"] = bundle.clone();
        configuration.as_object_mut().unwrap().remove("control_plane");
    });
    let (_envoy, port) = variant.start("envoy-inline", &world.dir, &world.dir.join("logs")).unwrap();
    let get = |headers: &[&[u8]]| {
        let path = format!("/api/v1/namespaces/{TEAM}/pods");
        raw::get(&world.pki.ca, CLUSTER_HOST, port, &path, headers).unwrap().status
    };
    let authorization = format!("Authorization: Bearer {}", alice.token().unwrap()).into_bytes();
    assert_eq!(get(&[&authorization]), 200, "it decides by the bundle in its configuration");
    assert_eq!(get(&[]), 401);
}

fn restored(suite: &Suite, world: &mut World) {
    let policy = PolicyFile::of(world);
    let alice = signed_in(suite, world, Who::Admin);
    let get = ["get", "pods", "-n", TEAM];
    let store = world.control_plane.config.with_file_name("kubegate.db");
    let backup = store.with_extension("backup");
    fs::create_dir_all(&backup).unwrap();
    let files = ["kubegate.db", "kubegate.db-wal", "kubegate.db-shm"];
    world.control_plane.kill();
    for file in files.iter().filter(|file| store.with_file_name(file).exists()) {
        fs::copy(store.with_file_name(file), backup.join(file)).unwrap();
    }
    world.control_plane.restart().unwrap();
    let status = || -> Value {
        let status = kubegate(&alice, &["admin", "status", "--json"]);
        serde_json::from_str(&status).unwrap()
    };
    for edit in ["authMaxAge: 16m", "authMaxAge: 17m"] {
        let before = status()["policy"]["version"].clone();
        assert!(before.is_string(), "{before}");
        policy.replace("authMaxAge: 15m", edit);
        poll::until("the edit at the gateway", PATIENCE, || match status() {
            now if now["policy"]["version"] != before && now["gateways"][0]["holds"] == "newest" => Ok(()),
            now => Err(now.to_string()),
        })
        .unwrap();
    }
    alice.kubectl.run(&get).unwrap().ok().unwrap();

    world.control_plane.kill();
    for file in files {
        let _ = fs::remove_file(store.with_file_name(file));
        if backup.join(file).exists() {
            fs::copy(backup.join(file), store.with_file_name(file)).unwrap();
        }
    }
    world.control_plane.restart().unwrap();
    // Her refresh secret is newer than the backup.
    kubegate(&alice, &["login"]);
    let has = |what: &str| {
        poll::until(&format!("a gateway that has the {what}"), 2 * PATIENCE, || match status() {
            now if now["gateways"][0]["holds"] == what => Ok(()),
            now => Err(now.to_string()),
        })
        .unwrap();
    };
    has("newer");
    alice.kubectl.run(&get).unwrap().ok().unwrap();

    let mut command = std::process::Command::new(paths::binary("kubegate-control-plane").unwrap());
    let done = command.args(["new-epoch", "--config"]).arg(&world.control_plane.config).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    has("newest");
    alice.kubectl.run(&get).unwrap().ok().unwrap();
}
