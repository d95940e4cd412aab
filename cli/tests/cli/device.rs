//! Signing in without a browser: the code is typed elsewhere.

use std::collections::VecDeque;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::fake::DEVICE_GRANT;
use crate::world::{Ended, World, until};

const BEGIN: &str = "POST /oauth/device_authorization";

/// A computer without a display, whose person types the code as soon as the control plane says so.
fn headless(answers: &[&'static str]) -> World {
    let world = World::with_person(|_| {});
    world.fake.state().device.answers = answers.iter().copied().collect::<VecDeque<_>>();
    world
}

fn without_browser(mut command: Command) -> Command {
    command.env_remove("BROWSER");
    command
}

fn login(world: &World, more: &[&str]) -> Ended {
    let args: Vec<&str> = ["login"].iter().chain(more).copied().collect();
    without_browser(world.command(&args)).output().unwrap().into()
}

#[test]
fn says_where_to_go_and_goes_on_by_itself() {
    let world = headless(&["authorization_pending"]);
    let ended = login(&world, &["--device"]).ok();
    assert_eq!(ended.stdout, "");
    let uri = format!("\n  {}/device\n", world.fake.url);
    let complete = format!("\n  {}/device?user_code=BCDF-GHJK\n", world.fake.url);
    for shown in ["with a browser on any device", &uri, "\n  BCDF-GHJK\n", &complete, "waiting", "as alice"] {
        assert!(ended.stderr.contains(shown), "{shown}: {ended:?}");
    }
    assert!(!ended.stderr.contains("kgd_") && !ended.stderr.contains("kgr_"), "no secret: {ended:?}");
    assert_eq!(world.cache()["user"], "alice");
    let host = String::from_utf8(Command::new("uname").arg("-n").output().unwrap().stdout).unwrap();
    assert_eq!(world.fake.state().device.asked[0]["device_name"], host.trim());
    let token = world.token();
    assert_eq!(world.cache()["tokens"]["prod"]["token"], token.as_str(), "and kubectl works");
    assert_eq!(world.visits(), 0);
}

#[test]
fn is_chosen_where_no_browser_can_open() {
    for (variable, value, why) in [
        ("LANG", "C", "there is no display here, so no browser opens"),
        ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22", "this is an SSH session, so no browser opens"),
        ("BROWSER", "lynx", "$BROWSER names a text browser, so no browser opens"),
    ] {
        let world = headless(&[]);
        let mut command = without_browser(world.command(&["login"]));
        if variable == "SSH_CONNECTION" {
            command.env("DISPLAY", ":10");
        }
        let ended = Ended::from(command.env(variable, value).output().unwrap()).ok();
        assert!(ended.stderr.contains(why) && ended.stderr.contains("BCDF-GHJK"), "{ended:?}");
    }
    let world = World::new();
    let mut command = world.command(&["login"]);
    Ended::from(command.env("SSH_CONNECTION", "x").output().unwrap()).ok();
    assert_eq!((world.visits(), world.fake.count(BEGIN)), (1, 0), "$BROWSER opens one at home");
}

#[test]
fn a_way_can_be_insisted_on() {
    let world = World::new();
    world.run(&["login", "--device"]).ok();
    assert_eq!((world.visits(), world.fake.count(BEGIN)), (0, 1));
    let ended = login(&world, &["--browser", "--timeout", "1s"]);
    assert!(ended.stderr.contains("oauth/authorize?"), "{ended:?}");
    assert_eq!(world.fake.count(BEGIN), 1);
    for two in [["--browser", "--device"], ["--browser", "--no-browser"], ["--device", "--no-browser"]] {
        let ended = login(&world, &two);
        assert_eq!(ended.code, 2, "{ended:?}");
    }
    let shown = world.run(&["kubeconfig", "--cluster=prod", "--stdout", "--device"]).ok();
    assert!(shown.stdout.contains("--device"), "kubectl gets it too: {shown:?}");
}

#[test]
fn a_demand_a_provider_and_a_cluster_go_with_the_request() {
    let world = headless(&[]);
    let more = ["--acr", "phr,phrh", "--max-age", "15m", "--provider", "okta", "--cluster", "prod"];
    login(&world, &more).ok();
    let asked = world.fake.state().device.asked[0].clone();
    for (name, value) in [
        ("acr_values", "phr phrh"),
        ("max_age", "900"),
        ("provider", "okta"),
        ("resource", "urn:kubegate:cluster:prod"),
        ("client_id", "kubegate-cli"),
    ] {
        assert_eq!(asked[name], value, "{asked:?}");
    }
    assert!(world.cache()["tokens"]["prod"]["token"].is_string());
}

#[test]
fn programs_are_told_in_json() {
    let world = headless(&[]);
    let ended = login(&world, &["--device", "--json"]).ok();
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{ended:?}");
    assert_eq!(lines[0]["verification_uri"], format!("{}/device", world.fake.url));
    assert_eq!((&lines[0]["user_code"], &lines[0]["expires_in"]), (&"BCDF-GHJK".into(), &600.into()));
    assert!(lines[0].get("device_code").is_none(), "the secret stays here");
    assert_eq!(lines[1]["user"], "alice");
    assert_eq!(login(&world, &["--json"]).code, 2, "only with --device");
}

#[test]
fn asks_no_more_often_than_it_is_told() {
    let world = headless(&["authorization_pending", "slow_down"]);
    login(&world, &[]).ok();
    let polls = world.fake.state().device.polls.clone();
    let gaps: Vec<Duration> = polls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps.len(), 2);
    assert!(gaps[0] >= Duration::from_millis(950), "{gaps:?}");
    assert!(gaps[1] >= Duration::from_millis(5950), "five seconds more: {gaps:?}");
}

#[test]
fn a_network_that_breaks_off_is_waited_for() {
    let world = headless(&["lost", "away", "authorization_pending"]);
    let ended = login(&world, &[]).ok();
    assert_eq!(ended.stderr.matches("no answer from").count(), 1, "said once: {ended:?}");
    let polls = world.fake.state().device.polls.clone();
    assert_eq!(polls.len(), 4);
    assert!(polls[2] - polls[1] >= Duration::from_millis(3900), "it asks less and less often");
    assert!(polls[3] - polls[2] < Duration::from_millis(3900), "until there is an answer");
}

#[test]
fn the_end_of_time_and_a_no_are_told() {
    let world = headless(&["access_denied"]);
    login(&world, &[]).failed(3, &["was denied in the browser", "everything is as it was"]);
    world.fake.state().device.answers = VecDeque::from(["expired_token"]);
    login(&world, &[]).failed(3, &["nobody allowed the sign-in", "kubegate login --server"]);
    world.fake.state().device.answers = VecDeque::from(["invalid_grant"]);
    login(&world, &[]).failed(3, &["gave no session", "Sign in again: kubegate login --server"]);
    world.fake.state().device.answers = ["authorization_pending"; 20].into_iter().collect();
    world.fake.state().device.expires_in = 2;
    login(&world, &[]).failed(3, &["nobody allowed the sign-in"]);
    world.fake.state().device.expires_in = 600;
    login(&world, &["--timeout", "1s"]).failed(3, &["nobody finished the sign-in", "--timeout gives more time"]);
    assert!(
        !world
            .home
            .path()
            .join("cache/kubegate")
            .read_dir()
            .unwrap()
            .any(|entry| { entry.unwrap().path().extension().is_some_and(|extension| extension == "json") })
    );
}

#[test]
fn where_it_is_turned_off_there_is_another_way() {
    let world = headless(&[]);
    world.fake.state().device.refuse = Some(("unauthorized_client", "people of Okta may not; use --no-browser"));
    login(&world, &["--device", "--provider", "okta"]).failed(3, &["people of Okta may not", "--no-browser"]);
    let ended = login(&world, &["--timeout", "1s"]);
    assert!(ended.stderr.contains("with any browser, on any computer"), "a code to paste: {ended:?}");
    world.fake.state().device.offered = false;
    login(&world, &["--device"]).failed(3, &["does not sign in by a code that is typed elsewhere"]);
    assert_eq!(world.fake.count(BEGIN), 2);
}

#[test]
fn the_helper_asks_where_somebody_reads_it() {
    let world = headless(&[]);
    let ended = Ended::from(without_browser(world.credential()).output().unwrap()).ok();
    assert!(ended.stderr.contains("BCDF-GHJK"), "kubectl shares its terminal: {ended:?}");
    assert!(ended.stdout.contains("ExecCredential") && !ended.stdout.contains("BCDF-GHJK"), "{ended:?}");

    let world = headless(&[]);
    let mut command = without_browser(world.credential());
    command.env("KUBERNETES_EXEC_INFO", world.exec_info("v1", false).to_string());
    for _ in 0..2 {
        let ended: Ended = command.output().unwrap().into();
        let words = ["there is no display here", "nobody would read a code", "kubegate login --server"];
        ended.failed(3, &words);
    }
    assert_eq!(world.fake.count(BEGIN), 0);
    let mut command = without_browser(world.credential());
    command.env("KUBEGATE_INTERACTIVE", "false");
    Ended::from(command.output().unwrap()).failed(3, &["not signed in", "kubegate login --server"]);
    assert_eq!(world.fake.count(BEGIN), 0);
}

#[test]
fn many_kubectl_at_once_ask_for_one_code() {
    let world = headless(&["authorization_pending", "authorization_pending"]);
    let children: Vec<_> = (0..12).map(|_| without_browser(world.credential()).spawn().unwrap()).collect();
    let tokens: Vec<String> =
        children.into_iter().map(|child| Ended::from(child.wait_with_output().unwrap()).token()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(world.fake.count(BEGIN), 1);
    assert_eq!(world.fake.count(&format!("POST /oauth/token {DEVICE_GRANT}")), 3);
}

#[test]
fn an_interrupt_leaves_nothing_behind_and_the_next_login_goes_through() {
    let world = headless(&["authorization_pending"; 3]);
    let mut child = without_browser(world.command(&["login"])).spawn().unwrap();
    until("it asks", || !world.fake.state().device.polls.is_empty());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success() && !child.wait().unwrap().success());
    thread::sleep(Duration::from_millis(50));
    assert!(
        !world
            .cache_directory()
            .read_dir()
            .unwrap()
            .any(|entry| { entry.unwrap().path().extension().is_some_and(|extension| extension == "json") })
    );
    world.fake.state().device.answers.clear();
    login(&world, &[]).ok();
}

#[test]
fn an_address_that_is_not_private_is_not_shown() {
    let world = headless(&[]);
    world.fake.state().device.elsewhere = Some("http://evil.example");
    let ended = login(&world, &["--device"]);
    assert!(ended.code != 0 && !ended.stderr.contains("evil.example"), "{ended:?}");
    assert!(world.fake.state().device.polls.is_empty());
}
