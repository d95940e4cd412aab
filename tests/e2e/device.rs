//! A machine without a browser, signed in from a browser somewhere else: `kubegate login --device` and over SSH, at an
//! account and at the external provider, through Envoy; then kubectl works.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Output, Stdio};

use kubegate_tests::browser::Browser;
use kubegate_tests::person::Person;
use kubegate_tests::world::World;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::suite::{Suite, TEAM, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("device::a_typed_code_signs_in_a_machine_without_a_browser", typed),
        suite.test("device::over_ssh_it_is_chosen_and_the_link_is_enough", over_ssh),
    ]
}

/// A sign-in that waits in a terminal, and what a program is told of it.
pub(crate) struct Waiting {
    child: Child,
    stdout: BufReader<ChildStdout>,
    told: Value,
}

impl Waiting {
    pub(crate) fn begin(person: &Person) -> Self {
        let mut command = person.kubegate_command(&["login", "--device", "--json"]).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        Self { child, stdout, told }
    }

    pub(crate) fn told(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.told))
    }

    pub(crate) fn end(mut self) -> (Output, String) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        (self.child.wait_with_output().unwrap(), line)
    }
}

fn typed(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Reader);
    let waiting = Waiting::begin(&person);
    let browser = Browser::new(&world.pki.ca).unwrap();
    let page = browser.open(waiting.told("verification_uri")).unwrap();
    let form = page.form("/device").unwrap_or_else(|| panic!("no form: {}", page.text()));
    let code = waiting.told("user_code").to_owned();
    let page = browser.submit(&page, &form, &[("user_code", &code.to_lowercase())]).unwrap();
    assert!(page.url.path() == "/login", "the sign-in comes first: {}", page.url);
    let form = page.form("/login/accounts").unwrap();
    let filled = [("username", person.login.user.as_str()), ("password", person.login.password.as_str())];
    let page = browser.submit(&page, &form, &filled).unwrap();
    let shown = page.text();
    let host = String::from_utf8(std::process::Command::new("uname").arg("-n").output().unwrap().stdout).unwrap();
    let address = shown.split("Asked from ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let here = format!("This browser {address}");
    for expected in [person.login.user.as_str(), &code, host.trim(), "kubegate/", &here] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("another address"), "the browser is on the same machine: {shown}");
    let form = page.form("/device/decision").unwrap();
    let page = browser.submit(&page, &form, &[("decision", "allow")]).unwrap();
    assert!(page.text().contains("go back to the terminal"), "{}", page.text());

    let (output, last) = waiting.end();
    assert!(output.status.success(), "{output:?}");
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["user"], person.login.user.as_str());
    person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    assert_eq!(person.sign_ins().unwrap(), Vec::<String>::new(), "no browser opened here");

    let log = fs::read_to_string(world.control_plane.log()).unwrap();
    let decided = "a person decided about a machine without a browser";
    let line = log.lines().rev().find(|line| line.contains(decided) && line.contains(&person.login.user));
    let line = line.unwrap_or_else(|| panic!("the decision is in the log: {log}"));
    for expected in [host.trim(), address] {
        assert!(line.contains(expected), "{expected}: {line}");
    }
    assert!(!log.contains(&code) && !log.contains("kgd_"), "no code is");
}

fn over_ssh(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Dora);
    let mut command = person.kubegate_command(&["login"]).unwrap();
    command.env_remove("BROWSER").env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.contains("this is an SSH session, so no browser opens"), "{first}");
    let link = lines.find(|line| line.contains("?user_code=")).unwrap();
    let page = Browser::new(&world.pki.ca).unwrap().sign_in(link.trim(), &person.login).unwrap();
    assert!(page.text().contains("go back to the terminal"), "{}", page.text());
    let said: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{said:?}");
    person.kubectl.run(&["auth", "whoami"]).unwrap().ok().unwrap();
    assert_eq!(person.sign_ins().unwrap(), Vec::<String>::new());
}
