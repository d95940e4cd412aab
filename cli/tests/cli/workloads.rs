//! A workload shows a token from a file instead of signing in.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::fake::EXCHANGE;
use crate::world::{Ended, World};

const FIRST: &str = "e30.Zmlyc3Q.c2ln";
const SECOND: &str = "e30.c2Vjb25k.c2ln";

fn world() -> (World, PathBuf) {
    let world = World::new();
    let file = world.home.path().join("token");
    fs::write(&file, format!("{FIRST}\n")).unwrap();
    world.fake.state().workload_tokens = vec![FIRST.into(), SECOND.into()];
    (world, file)
}

fn credential(world: &World, file: &std::path::Path, more: &[&str]) -> Command {
    let mut command = world.command(&["credential", "--cluster", "prod", "--workload-token-file"]);
    command.arg(file).args(more).env("KUBERNETES_EXEC_INFO", world.exec_info("v1", false).to_string());
    command
}

fn token(mut command: Command) -> String {
    Ended::from(command.output().unwrap()).token()
}

fn exchanges(world: &World) -> usize {
    world.fake.count(&format!("POST /oauth/token {EXCHANGE}"))
}

/// Everything that is on this computer but the platform's token, with where it is.
fn on_disk(world: &World) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(world.cache_directory()) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn its_token_is_traded_once_and_again_when_the_file_changes() {
    let (world, file) = world();
    let first = token(credential(&world, &file, &[]));
    assert_eq!(token(credential(&world, &file, &[])), first);
    assert_eq!(exchanges(&world), 1, "from the cache the second time");
    fs::write(&file, SECOND).unwrap();
    let second = token(credential(&world, &file, &[]));
    assert_ne!(second, first, "the platform has written another token");
    assert_eq!(exchanges(&world), 2);
    world.fake.state().session_check = (401, "{}".into());
    assert_ne!(token(credential(&world, &file, &[])), second, "one that the cluster refuses is not served");
    assert_eq!(world.visits(), 0, "no browser ever opens");
}

#[test]
fn nothing_on_disk_gets_another_token() {
    let (world, file) = world();
    let session_token = token(credential(&world, &file, &[]));
    let files = on_disk(&world);
    assert!(files.iter().any(|(_, text)| text.contains(&session_token)), "the short-lived token is kept");
    for (path, text) in &files {
        for secret in [FIRST, "kgr_", "refresh_secret"] {
            assert!(!text.contains(secret), "{secret} in {}: {text}", path.display());
        }
    }
    world.run(&["whoami"]).failed(3, &["not signed in"]);
}

#[test]
fn without_a_cache_nothing_is_on_disk_at_all() {
    let (world, file) = world();
    let first = token(credential(&world, &file, &["--no-cache"]));
    assert_ne!(token(credential(&world, &file, &["--no-cache"])), first);
    assert_eq!(on_disk(&world), []);
}

#[test]
fn what_goes_wrong_is_told() {
    let (world, file) = world();
    let run = |file: &std::path::Path| Ended::from(credential(&world, file, &[]).output().unwrap());
    run(&world.home.path().join("none")).failed(1, &["cannot read the workload's token", "--workload-token-file"]);
    for text in ["", "not a token", "a.b", "a.b.c.d", "a.b.\u{fc}"] {
        fs::write(&file, text).unwrap();
        run(&file).failed(1, &["holds no token"]);
    }
    fs::write(&file, "a.b.c").unwrap();
    run(&file).failed(1, &["refused to give a token", "it has ended"]);
    fs::write(&file, FIRST).unwrap();
    world.fake.state().down = true;
    run(&file).failed(4, &["cannot serve right now"]);
}

#[test]
fn with_the_control_plane_away_the_rest_of_a_token_is_used() {
    let (world, file) = world();
    world.fake.state().lifetime = 20;
    let first = token(credential(&world, &file, &[]));
    world.fake.state().broken = Some(503);
    assert_eq!(token(credential(&world, &file, &[])), first);
}

#[test]
fn many_at_once_trade_once() {
    let (world, file) = world();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8).map(|_| scope.spawn(|| token(credential(&world, &file, &[])))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(exchanges(&world), 1);
}

#[test]
fn a_lost_answer_is_asked_for_again() {
    let (world, file) = world();
    world.fake.state().lose_answers = 1;
    token(credential(&world, &file, &[]));
    assert_eq!(exchanges(&world), 2);
}

#[test]
fn the_kubeconfig_names_the_file() {
    let (world, file) = world();
    let config = world.home.path().join("config");
    let (file, config) = (file.to_str().unwrap(), config.to_str().unwrap());
    world
        .run(&["kubeconfig", "--cluster", "prod", "--workload-token-file", file, "--no-cache", "--kubeconfig", config])
        .ok();
    let text = fs::read_to_string(config).unwrap();
    for expected in [&format!("--workload-token-file={file}"), "--no-cache", "--cluster=prod", &world.fake.url] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    world.run(&["kubeconfig", "--all", "--workload-token-file", file, "--kubeconfig", config]).ok();
    assert!(fs::read_to_string(config).unwrap().contains("--cluster=staging"));
}
