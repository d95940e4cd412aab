//! The helper that kubectl runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fake::ENDED;
use crate::http;
use crate::world::{Ended, World};

#[test]
fn signs_in_once_and_then_serves_from_the_cache() {
    let world = World::new();
    let first = world.token();
    assert_eq!(world.token(), first);
    assert_eq!(world.visits(), 1);
    assert_eq!(world.fake.count("GET /.kubegate/session"), 1, "a cached token is asked about, a new one is not");
}

#[test]
fn answers_in_the_version_asked_for() {
    let world = World::new();
    for (version, expected) in
        [("v1", "client.authentication.k8s.io/v1"), ("v1beta1", "client.authentication.k8s.io/v1beta1")]
    {
        let mut command = world.credential();
        command.env("KUBERNETES_EXEC_INFO", world.exec_info(version, true).to_string());
        let ended = Ended::from(command.output().unwrap()).ok();
        let credential: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(credential["apiVersion"], expected);
        assert!(credential["status"]["expirationTimestamp"].as_str().unwrap().ends_with('Z'));
    }
    let mut command = world.credential();
    command.env("KUBERNETES_EXEC_INFO", world.exec_info("v1alpha1", true).to_string());
    Ended::from(command.output().unwrap()).failed(1, &["v1alpha1", "exec.apiVersion"]);
    let mut command = world.credential();
    command.env("KUBERNETES_EXEC_INFO", "{");
    Ended::from(command.output().unwrap()).failed(1, &["KUBERNETES_EXEC_INFO"]);
}

#[test]
fn refreshes_what_is_about_to_end() {
    let world = World::new();
    world.fake.state().lifetime = 20;
    let first = world.token();
    let second = world.token();
    assert_ne!(first, second);
    assert_eq!(world.fake.count("POST /oauth/token refresh_token"), 1);
    assert_eq!(world.visits(), 1);
    let newest = world.fake.state().refresh_secrets.last().cloned().unwrap();
    assert_eq!(world.cache()["refresh_secret"], newest.as_str());
}

#[test]
fn a_token_from_the_future_is_not_believed() {
    let world = World::new();
    let first = world.token();
    world.change_cache(|cache| {
        let at = cache["tokens"]["prod"]["obtained_at"].as_u64().unwrap();
        cache["tokens"]["prod"]["obtained_at"] = json!(at + 3600);
        cache["tokens"]["prod"]["expires_at"] = json!(at + 4200);
    });
    assert_ne!(world.token(), first);
}

#[test]
fn a_lost_answer_loses_nothing() {
    let world = World::new();
    world.fake.state().lifetime = 20;
    world.token();
    world.change_cache(|cache| cache["tokens"] = json!({}));
    let before = world.cache();
    world.fake.state().lose_answers = 2;
    Ended::from(world.credential().output().unwrap()).failed(4, &["cannot reach the control plane", &world.fake.url]);
    assert_eq!(world.cache()["refresh_secret"], before["refresh_secret"]);
    world.token();
    world.fake.state().lose_answers = 1;
    world.token();
    assert_eq!(world.visits(), 1);
}

#[test]
fn a_control_plane_that_cannot_serve_is_no_reason_to_sign_in() {
    let world = World::new();
    world.fake.state().lifetime = 1;
    world.token();
    world.fake.state().broken = Some(503);
    thread::sleep(Duration::from_millis(1100));
    Ended::from(world.credential().output().unwrap()).failed(4, &["cannot serve right now", "Try again"]);
    assert_eq!(world.visits(), 1);
}

#[test]
fn many_at_once_find_an_outage_once() {
    let world = World::new();
    world.token();
    world.change_cache(|cache| {
        cache["tokens"] = json!({});
        // Nobody answers there, so that each attempt would take its time.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        cache["endpoints"]["token"] = json!(format!("http://{}/token", silent.local_addr().unwrap()));
        thread::spawn(move || {
            for stream in silent.incoming() {
                thread::sleep(Duration::from_millis(1500));
                drop(stream);
            }
        });
    });
    let began = std::time::Instant::now();
    let children: Vec<_> = (0..8).map(|_| world.credential().spawn().unwrap()).collect();
    for child in children {
        Ended::from(child.wait_with_output().unwrap()).failed(4, &["cannot reach the control plane"]);
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(world.visits(), 1);
}

#[test]
fn the_last_seconds_of_a_token_bridge_an_outage() {
    let world = World::new();
    world.fake.state().lifetime = 25;
    let token = world.token();
    world.fake.state().broken = Some(503);
    assert_eq!(world.token(), token);
}

#[test]
fn an_ended_session_is_told_of_and_signs_in_again() {
    let world = World::new();
    let old = world.token();
    {
        let mut state = world.fake.state();
        state.refresh_secrets.clear();
        state.session_check = (401, json!({"kind": "Status", "message": "the session was revoked"}).to_string());
    }
    let ended = Ended::from(world.credential().output().unwrap());
    let told = format!("kubegate: signed out of {}: {ENDED}\n", world.fake.url);
    assert!(ended.stderr.starts_with(&told), "before the browser opens: {ended:?}");
    assert_eq!(ended.stderr.matches("session").count(), 1, "one line says it: {ended:?}");
    assert_ne!(ended.token(), old);
    assert_eq!(world.visits(), 2);
}

#[test]
fn where_no_sign_in_may_begin_the_failure_tells_of_the_end() {
    let world = World::new();
    world.token();
    world.fake.state().refresh_secrets.clear();
    world.change_cache(|cache| cache["tokens"]["prod"]["expires_at"] = json!(1));
    for _ in 0..2 {
        let mut command = world.credential();
        let ended = Ended::from(command.env("KUBEGATE_INTERACTIVE", "false").output().unwrap());
        ended.failed(3, &["error: signed out of", ENDED, "kubegate login --server", &world.fake.url]);
    }
    assert_eq!(world.visits(), 1);
}

#[test]
fn who_is_shut_out_is_told_and_gets_no_browser() {
    let world = World::new();
    world.token();
    let why = "your account was disabled by an administrator at 2026-11-25T02:00:00Z";
    {
        let mut state = world.fake.state();
        state.refresh_secrets.clear();
        state.ended = ("disabled", why);
    }
    world.change_cache(|cache| cache["tokens"] = json!({}));
    let words = [why, "When it is enabled, sign in again: kubegate login --server"];
    Ended::from(world.credential().output().unwrap()).failed(3, &words);
    assert_eq!(world.visits(), 1, "the page there would say the same");
    world.run(&["login"]).ok();
    world.token();
}

#[test]
fn a_token_of_a_session_that_is_over_is_not_served_again() {
    let world = World::new();
    world.token();
    world.run(&["credential", "--cluster", "staging"]).token();
    world.fake.state().refresh_secrets.clear();
    world.change_cache(|cache| cache["tokens"]["staging"]["expires_at"] = json!(1));
    let mut command = world.command(&["credential", "--cluster", "staging"]);
    Ended::from(command.env("KUBEGATE_INTERACTIVE", "false").output().unwrap()).failed(3, &[ENDED]);
    assert_eq!(world.cache()["tokens"], json!({}), "not for another cluster either");
}

#[test]
fn a_sign_in_that_fails_after_the_end_leaves_the_reason_to_be_asked_for() {
    let world = World::new();
    world.token();
    {
        let mut state = world.fake.state();
        state.refresh_secrets.clear();
        state.refuse = Some(("access_denied", "Not today."));
    }
    world.change_cache(|cache| cache["tokens"] = json!({}));
    Ended::from(world.credential().output().unwrap()).failed(3, &[ENDED, "cancelled: Not today"]);
    Ended::from(world.credential().output().unwrap()).failed(3, &[ENDED, "no other one begins by itself"]);
    world.run(&["whoami"]).failed(3, &[ENDED]);
    assert_eq!(world.visits(), 2);
}

#[test]
fn a_token_that_the_cluster_refuses_is_not_served_again() {
    let world = World::new();
    let first = world.token();
    world.fake.state().session_check = (401, json!({"kind": "Status", "message": "your groups changed"}).to_string());
    let ended = Ended::from(world.credential().output().unwrap());
    assert!(ended.stderr.contains("your groups changed"), "{ended:?}");
    let second = ended.token();
    assert_ne!(first, second);
    assert_eq!(world.cache()["tokens"]["prod"]["token"], second.as_str());
    assert_eq!(world.visits(), 1, "a refresh is enough");
}

#[test]
fn a_refused_token_is_gone_even_when_no_other_can_be_had() {
    let world = World::new();
    world.token();
    {
        let mut state = world.fake.state();
        state.session_check = (401, "{}".into());
        state.broken = Some(503);
    }
    Ended::from(world.credential().output().unwrap()).failed(4, &[]);
    assert_eq!(world.cache()["tokens"], json!({}));
}

#[test]
fn whatever_else_the_cluster_says_means_go_on() {
    let world = World::new();
    let token = world.token();
    for status in [200, 301, 403, 404, 500, 503] {
        world.fake.state().session_check = (status, "{}".into());
        assert_eq!(world.token(), token, "{status}");
    }
}

#[test]
fn a_cluster_that_does_not_answer_holds_nothing_up_for_long() {
    let world = World::new();
    let token = world.token();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut info = world.exec_info("v1", true);
    info["spec"]["cluster"]["server"] = json!(format!("http://{}", silent.local_addr().unwrap()));
    let began = std::time::Instant::now();
    let mut command = world.credential();
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    assert_eq!(Ended::from(command.output().unwrap()).token(), token);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn many_at_once_sign_in_once() {
    let world = World::with_person(|url| {
        thread::sleep(Duration::from_millis(700));
        let (head, _) = http::get(url);
        http::get(&http::location(&head).unwrap());
    });
    let children: Vec<_> = (0..20).map(|_| world.credential().spawn().unwrap()).collect();
    let tokens: Vec<String> =
        children.into_iter().map(|child| Ended::from(child.wait_with_output().unwrap()).token()).collect();
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.visits(), 1);
    assert_eq!(world.fake.count("POST /oauth/token authorization_code"), 1);
    assert_eq!(world.fake.count("POST /oauth/token refresh_token"), 0);
}

#[test]
fn many_at_once_refresh_once() {
    let world = World::new();
    world.token();
    world.change_cache(|cache| cache["tokens"] = json!({}));
    let children: Vec<_> = (0..20).map(|_| world.credential().spawn().unwrap()).collect();
    for child in children {
        Ended::from(child.wait_with_output().unwrap()).token();
    }
    assert_eq!(world.fake.count("POST /oauth/token refresh_token"), 1);
}

#[test]
fn after_a_failed_sign_in_no_other_browser_opens() {
    let world = World::new();
    world.fake.state().refuse = Some(("access_denied", "Not today."));
    let children: Vec<_> = (0..5).map(|_| world.credential().spawn().unwrap()).collect();
    for child in children {
        Ended::from(child.wait_with_output().unwrap()).failed(3, &["cancelled: Not today"]);
    }
    assert_eq!(world.visits(), 1);
    world.fake.state().refuse = None;
    world.run(&["login"]).ok();
    world.token();
    assert_eq!(world.visits(), 2);
}

#[test]
fn a_browser_needs_no_terminal_and_scripts_can_forbid_it() {
    let world = World::new();
    let silent = |world: &World| {
        let mut command = world.credential();
        command.env("KUBERNETES_EXEC_INFO", world.exec_info("v1", false).to_string());
        command
    };
    let forbidden = silent(&world).env("KUBEGATE_INTERACTIVE", "false").output().unwrap();
    Ended::from(forbidden).failed(3, &["kubegate login --server", &world.fake.url]);
    assert_eq!(world.visits(), 0);
    Ended::from(silent(&world).output().unwrap()).token();
    assert_eq!(world.visits(), 1);
    world.change_cache(|cache| cache["tokens"] = json!({}));
    let refreshed = silent(&world).env("KUBEGATE_INTERACTIVE", "false").output().unwrap();
    Ended::from(refreshed).token();
}

#[test]
fn an_unknown_cluster_is_named() {
    let world = World::new();
    world.run(&["login"]).ok();
    world.run(&["credential", "--cluster", "nowhere"]).failed(1, &["\"nowhere\"", "kubegate clusters --server"]);
    assert_eq!(world.visits(), 1);
}

#[test]
fn a_broken_cache_file_is_moved_aside() {
    let world = World::new();
    world.token();
    let file = world.cache_file();
    for broken in ["{\"half", "", "[]", "{\"version\":99}"] {
        fs::write(&file, broken).unwrap();
        let ended = Ended::from(world.credential().output().unwrap());
        assert!(ended.stderr.contains("could not be read; it was moved to"), "{ended:?}");
        ended.token();
    }
    assert!(file.with_extension("json.broken").exists());
}

#[test]
fn a_cache_that_others_can_change_is_refused() {
    let world = World::new();
    world.token();
    let directory = world.cache_directory();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o770)).unwrap();
    Ended::from(world.credential().output().unwrap()).failed(1, &["writable by others", "remove it"]);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    let file = world.cache_file();
    fs::rename(&file, directory.join("elsewhere")).unwrap();
    symlink(directory.join("elsewhere"), &file).unwrap();
    Ended::from(world.credential().output().unwrap()).failed(1, &["symbolic link"]);
}

#[test]
fn an_outage_before_the_browser_opens_is_no_failed_sign_in() {
    let world = World::new();
    world.fake.state().down = true;
    Ended::from(world.credential().output().unwrap()).failed(4, &["cannot serve right now"]);
    world.fake.state().down = false;
    world.token();
    assert_eq!(world.visits(), 1);
}
