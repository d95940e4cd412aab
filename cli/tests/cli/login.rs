//! Signing in, with the browser and without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use url::Url;

use crate::http;
use crate::world::{Ended, World, until};

#[test]
fn signs_in_with_the_browser() {
    let world = World::new();
    let ended = world.run(&["login"]).ok();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("as alice"), "{ended:?}");
    assert_eq!(world.visits(), 1);
    let cache = world.cache();
    assert_eq!(cache["user"], "alice");
    assert!(cache["refresh_secret"].as_str().unwrap().starts_with("kgr_"));
    assert_eq!(cache["tokens"], serde_json::json!({}), "no token but for a cluster is kept");
}

#[test]
fn gets_a_token_for_a_cluster_right_away() {
    let world = World::new();
    world.run(&["login", "--cluster", "prod"]).ok();
    let token = world.token();
    assert_eq!(world.cache()["tokens"]["prod"]["token"], token.as_str());
    assert_eq!(world.fake.count("POST /oauth/token refresh_token"), 0);
}

#[test]
fn ends_the_session_that_it_replaces() {
    let world = World::new();
    world.run(&["login"]).ok();
    let before = world.cache()["refresh_secret"].clone();
    assert_eq!(world.fake.count("POST /oauth/revoke"), 0);
    world.run(&["login"]).ok();
    assert_eq!(world.fake.count("POST /oauth/revoke"), 1);
    let after = world.cache()["refresh_secret"].clone();
    let held = world.fake.state().refresh_secrets.clone();
    assert!(!held.iter().any(|secret| before == secret.as_str()), "the old session is over");
    assert!(held.iter().any(|secret| after == secret.as_str()), "the new one is not");
}

#[test]
fn only_this_user_can_read_the_cache() {
    let world = World::new();
    world.run(&["login"]).ok();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(world.cache_directory()), 0o700);
    for entry in fs::read_dir(world.cache_directory()).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
    }
}

#[test]
fn never_prints_a_secret() {
    let world = World::new();
    let ended = world.run(&["login", "--cluster", "prod"]).ok();
    let cache = world.cache();
    for secret in [&cache["refresh_secret"], &cache["tokens"]["prod"]["token"]] {
        let secret = secret.as_str().unwrap();
        assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret));
    }
}

#[test]
fn takes_a_pasted_code() {
    let world = World::with_person(|_| {});
    let mut command = world.command(&["login", "--no-browser"]);
    // A session of its own has no /dev/tty, as in CI.
    let program = command.get_program().to_owned();
    let mut detached = std::process::Command::new("setsid");
    detached.arg("-w").arg(program).args(command.get_args().map(ToOwned::to_owned).collect::<Vec<_>>());
    detached.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    detached.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    detached.stdin(std::process::Stdio::piped());
    command = detached;
    let mut child = command.spawn().unwrap();
    let url = first_url(&mut child);
    let (_, code) = http::get(&url);
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!(" {code} \n").as_bytes()).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success());
    assert_eq!(world.visits(), 0);
    assert_eq!(world.cache()["user"], "alice");
}

/// Reads stderr until it names an address.
fn first_url(child: &mut std::process::Child) -> String {
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = lines.find_map(|line| {
        let line = line.unwrap();
        line.trim().starts_with("http").then(|| line.trim().to_owned())
    });
    thread::spawn(move || lines.count());
    url.unwrap()
}

#[test]
fn no_display_means_no_browser() {
    let world = World::with_person(|_| {});
    world.fake.state().device.offered = false;
    let mut command = world.command(&["login", "--timeout", "1s"]);
    command.env_remove("BROWSER");
    let ended: Ended = world.run_with(command, "");
    assert!(ended.stderr.contains("there is no display here, so no browser opens"), "{ended:?}");
    assert!(ended.stderr.contains("with any browser, on any computer"), "{ended:?}");
    assert!(ended.stderr.contains("%2Foauth%2Fcode"), "{ended:?}");
    assert_eq!(ended.code, 3);
}

#[test]
fn says_when_time_is_up() {
    let world = World::with_person(|_| {});
    world
        .run(&["login", "--timeout", "1s"])
        .failed(3, &["nobody finished the sign-in", "within 1 s", "kubegate login"]);
}

#[test]
fn a_refusal_is_passed_on() {
    let world = World::new();
    world.fake.state().refuse = Some(("server_error", "Not today."));
    world.run(&["login"]).failed(3, &["server_error: Not today"]);
}

#[test]
fn who_cancels_is_told_kindly_in_both_places() {
    let world = World::with_person(|url| {
        let (head, _) = http::get(url);
        let (head, body) = http::get(&http::location(&head).unwrap());
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(body.contains("<h1>Sign-in cancelled</h1>") && body.contains("everything is as it was"), "{body}");
        assert!(!body.contains("access_denied"), "{body}");
    });
    world.fake.state().refuse = Some(("access_denied", "you chose Cancel"));
    world.run(&["login"]).failed(3, &["the sign-in was cancelled: you chose Cancel", "kubegate login --server"]);
}

#[test]
fn a_demand_goes_with_the_request() {
    let world = World::new();
    world.run(&["login", "--acr", "phr,urn:example:silver", "--max-age", "15m"]).ok();
    world.run(&["login", "--max-age", "0s"]).ok();
    world.run(&["login"]).ok();
    let asked = |text: &str| Some(text.to_owned());
    let expected = [(asked("phr urn:example:silver"), asked("900")), (None, asked("0")), (None, None)];
    assert_eq!(world.fake.state().demands, expected);
    for demand in [["--acr", "a b"], ["--acr", ""], ["--max-age", "15"], ["--max-age", "1w"], ["--max-age", "400d"]] {
        world.run(&["login", demand[0], demand[1]]).failed(2, &[demand[0]]);
    }
    assert_eq!(world.visits(), 3);
}

#[test]
fn after_a_stronger_sign_in_the_same_kubectl_works_at_once() {
    let world = World::new();
    let weak = world.token();
    let before = world.cache()["refresh_secret"].clone();
    world.run(&["login", "--acr", "phr"]).ok();
    assert_eq!(world.cache()["tokens"], serde_json::json!({}), "no token of the session before is left");
    let strong = world.token();
    assert_ne!(strong, weak);
    assert_eq!(world.visits(), 2, "the new session gives it");
    let held = world.fake.state().refresh_secrets.clone();
    assert!(!held.iter().any(|secret| before == secret.as_str()), "the session before is over");
}

#[test]
fn a_demand_that_is_not_met_changes_nothing() {
    let world = World::with_person(|url| {
        let (head, _) = http::get(url);
        let Some(back) = http::location(&head) else { return };
        let (head, body) = http::get(&back);
        if head.starts_with("HTTP/1.1 403") {
            assert!(
                body.contains("<h1>This sign-in is not enough</h1>") && body.contains("Corp gave acr pwd"),
                "{body}"
            );
        } else {
            assert!(body.contains("<strong>alice</strong>"), "{body}");
        }
    });
    let token = world.token();
    let why = "a sign-in with acr phr was asked for, and Corp gave acr pwd";
    world.fake.state().refuse = Some(("unmet_authentication_requirements", why));
    let words = ["this sign-in is not enough", why, "Sign in another way", "ask your operator"];
    world.run(&["login", "--acr", "phr"]).failed(3, &words);
    assert_eq!(world.token(), token, "kubectl goes on with what it had");
    assert_eq!(world.fake.count("POST /oauth/revoke"), 0);
}

#[test]
fn an_answer_with_another_state_is_not_this_sign_ins() {
    let world = World::new();
    world.fake.state().answer_state = Some("forged".into());
    world.run(&["login", "--timeout", "2s"]).failed(3, &["nobody finished"]);
    assert_eq!(world.fake.count("POST /oauth/token authorization_code"), 0);
}

#[test]
fn an_answer_from_another_issuer_is_refused() {
    let world = World::new();
    world.fake.state().answer_iss = Some("https://evil.example".into());
    world.run(&["login"]).failed(3, &["https://evil.example", "instead of"]);
    assert_eq!(world.fake.count("POST /oauth/token authorization_code"), 0);
}

#[test]
fn metadata_of_another_issuer_is_refused() {
    let world = World::new();
    world.fake.state().issuer = Some("https://evil.example".into());
    world.run(&["login"]).failed(1, &["says that its name is", "--server"]);
    assert_eq!(world.visits(), 0);
}

#[test]
fn strangers_at_the_loopback_port_do_not_disturb() {
    let world = World::with_person(|url| {
        let redirect =
            Url::parse(url).unwrap().query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
        let host = Url::parse(&redirect).unwrap().authority().to_owned();
        let idle: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(&host).unwrap()).collect();
        let (head, _) = http::get(&format!("{redirect}?code=x&state=guess&iss=y"));
        assert!(head.starts_with("HTTP/1.1 400"), "{head}");
        let (head, _) = http::get(&redirect.replace("/callback", "/favicon.ico"));
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        let (head, _) = http::send(&host, "GET /callback?code=x HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 421"), "{head}");
        http::send(&host, "\u{0}nonsense\r\n\r\n");
        http::send(&host, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000)));
        drop(idle);
        let (head, _) = http::get(url);
        let (head, body) = http::get(&http::location(&head).unwrap());
        assert!(head.contains("Content-Security-Policy: default-src 'none'"), "{head}");
        assert!(body.contains("You are signed in"), "{body}");
    });
    world.run(&["login"]).ok();
}

#[test]
fn the_browser_learns_of_a_failure_too() {
    let world = World::with_person(|url| {
        let (head, _) = http::get(url);
        let (_, body) = http::get(&http::location(&head).unwrap());
        assert!(body.contains("Not signed in"), "{body}");
    });
    world.fake.state().broken = Some(503);
    world.run(&["login"]).failed(4, &["cannot serve right now", "The store is away"]);
}

#[test]
fn a_kill_in_mid_sign_in_leaves_the_cache_as_it_was() {
    let world = World::with_person(|_| {});
    let mut child = world.command(&["login"]).spawn().unwrap();
    until("the browser opens", || world.visits() == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    // The next one by itself keeps quiet for a while, and says why; a person's own goes through.
    Ended::from(world.credential().output().unwrap()).failed(3, &["was abandoned", "kubegate login --server"]);
    assert_eq!(world.visits(), 1);
    world.run(&["login", "--timeout", "1s"]).failed(3, &["nobody finished"]);
    assert_eq!(world.visits(), 2);
}

#[test]
fn plain_http_to_elsewhere_is_refused() {
    let world = World::new();
    world.run(&["login", "--server", "http://kubegate.example.com"]).failed(2, &["must begin with https://"]);
}

#[test]
fn an_unreachable_control_plane_is_named() {
    let world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    world.run(&["login", "--server", &url]).failed(4, &[&url, "Check the network"]);
    thread::sleep(Duration::from_millis(1));
}
