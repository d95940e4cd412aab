//! What administrators do counts at the gateway at once, and survives a restored backup.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use kubegate_tests::kubectl::Session;
use kubegate_tests::person::Person;
use kubegate_tests::world::World;
use kubegate_tests::{paths, poll};
use libtest_mimic::Trial;

use crate::suite::{PolicyFile, Suite, TEAM, Who};

/// How long what administrators do may take to count.
const LIMIT: Duration = Duration::from_secs(2);

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test_alone("administration::an_elevation_counts_until_it_is_ended", elevated),
        suite.test_alone("administration::a_disabled_person_is_out_until_enabled", disabled),
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

fn until_ended(stream: &mut Session, began: Instant) {
    poll::until("the end of the stream", PATIENCE, || stream.ended().map(drop).ok_or_else(|| stream.stdout())).unwrap();
    assert!(began.elapsed() < LIMIT, "it ended only after {:?}", began.elapsed());
}

fn elevated(suite: &Suite, world: &mut World) {
    let alice = signed_in(suite, world, Who::Admin);
    let bob = signed_in(suite, world, Who::Reader);
    let nodes = ["get", "nodes", "--watch", "--output-watch-events"];
    assert!(!bob.kubectl.run(&nodes[..2]).unwrap().succeeded(), "not for bob");
    let mut own = bob.kubectl.start(&["get", "pods", "-n", TEAM, "--watch", "--output-watch-events"]).unwrap();
    own.wait_for("hello", PATIENCE).unwrap();

    let elevate =
        ["admin", "elevate", "bob@example.com", "--cluster", "demo", "--groups", "platform-admins", "--for", "1h"];
    let made = kubegate(&alice, &[&elevate[..], &["--reason", "INC-7", "--json"]].concat());
    let began = Instant::now();
    let id = serde_json::from_str::<serde_json::Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    poll::until("bob's nodes", PATIENCE, || {
        bob.kubectl.run(&nodes[..2]).unwrap().ok().map_err(|error| error.to_string())
    })
    .unwrap();
    assert!(began.elapsed() < LIMIT, "it counted only after {:?}", began.elapsed());
    assert!(kubegate(&bob, &["whoami"]).contains("platform-admins on demo until"));
    assert!(world.envoy.access_log().unwrap().contains(&id), "the access log names the elevation");

    let mut watch = bob.kubectl.start(&nodes).unwrap();
    watch.wait_for("ADDED", PATIENCE).unwrap();
    kubegate(&alice, &["admin", "end-elevation", &id]);
    until_ended(&mut watch, Instant::now());
    assert_eq!(own.ended(), None, "what was open before goes on");
    let refused = bob.kubectl.run(&nodes[..2]).unwrap();
    assert!(!refused.succeeded() && refused.stderr.contains("elevation to platform-admins ended"), "{refused}");
}

fn disabled(suite: &Suite, world: &mut World) {
    let alice = signed_in(suite, world, Who::Admin);
    let bob = signed_in(suite, world, Who::Reader);
    let pods = ["get", "pods", "-n", TEAM, "--watch", "--output-watch-events"];
    let mut watch = bob.kubectl.start(&pods).unwrap();
    watch.wait_for("hello", PATIENCE).unwrap();
    kubegate(&alice, &["admin", "disable", "bob@example.com", "--reason", "laptop stolen"]);
    until_ended(&mut watch, Instant::now());
    let refused = bob.kubectl.run(&pods[..4]).unwrap();
    assert!(!refused.succeeded() && refused.stderr.contains("disabled by an administrator"), "{refused}");
    assert!(kubegate(&alice, &["admin", "disabled"]).contains("laptop stolen"));
    kubegate(&alice, &["admin", "enable", "bob@example.com", "--reason", "found"]);
    kubegate(&bob, &["login"]);
    bob.kubectl.run(&pods[..4]).unwrap().ok().unwrap();
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
    for edit in ["authMaxAge: 16m", "authMaxAge: 17m"] {
        policy.replace("authMaxAge: 15m", edit);
        std::thread::sleep(Duration::from_secs(1));
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
        let has = || {
            let status = kubegate(&alice, &["admin", "status", "--json"]);
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            if status["gateways"][0]["holds"] == what { Ok(()) } else { Err(status.to_string()) }
        };
        poll::until(&format!("a gateway that has the {what}"), 2 * PATIENCE, has).unwrap();
    };
    has("newer");
    alice.kubectl.run(&get).unwrap().ok().unwrap();

    let mut command = std::process::Command::new(paths::binary("kubegate-control-plane").unwrap());
    let done = command.args(["new-epoch", "--config"]).arg(&world.control_plane.config).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    has("newest");
    alice.kubectl.run(&get).unwrap().ok().unwrap();
}
