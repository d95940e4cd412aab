//! Request attributes are the API server's own: what our parser makes of generated methods and URLs is what
//! Kubernetes' `RequestInfoFactory` makes of them. What we refuse to read is not compared: it goes nowhere; but a
//! refusal has its reason in the request.

mod audited;
pub(crate) mod generate;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use kubegate_core::request::{Attributes, InvalidRequest, Target};
use kubegate_tests::paths;
use kubegate_tests::world::World;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::Suite;
use generate::{Dice, Line};

/// How many requests are compared.
const CASES: usize = 200_000;

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("request_info::attributes_are_the_api_servers_own", agree),
        suite.test_alone("request_info::the_api_server_audits_what_we_decided", audited::same_as_decided),
    ]
}

fn agree(_: &Suite, _: &World) {
    let mut dice = Dice::new(0x9e37_79b9_7f4a_7c15);
    let lines: Vec<Line> = (0..CASES).map(|_| dice.line()).collect();
    let theirs = ask_kubernetes(&lines);
    let (mut compared, mut names) = (0, 0);
    for (line, theirs) in lines.iter().zip(&theirs) {
        let Ok(target) = Target::parse(&line.url) else { continue };
        match Attributes::of(line.method, &target) {
            Ok(attributes) => {
                compared += 1;
                let from_selector = matches!(attributes.verb.as_ref(), "list" | "watch") && !attributes.name.is_empty();
                names += usize::from(from_selector);
                let ours = shown(&attributes);
                assert!(is_same(&ours, theirs), "{}\nours:   {ours}\ntheirs: {theirs}", replay(line));
            }
            Err(error) => {
                let has_reason = has_reason(error, &line.url, theirs);
                assert!(has_reason, "{}\nwe refuse it ({error}), but Kubernetes reads {theirs}", replay(line));
            }
        }
    }
    assert!(compared > CASES / 2, "only {compared} of {CASES} requests were readable");
    assert!(names > CASES / 20, "only {names} of {CASES} requests had a name in a selector");
}

/// Whether something in the request can be read in two ways, or Kubernetes itself fails on it.
fn has_reason(error: InvalidRequest, url: &str, theirs: &Value) -> bool {
    let url = url.to_ascii_lowercase();
    let beyond_ascii = ["%8", "%9", "%a", "%b", "%c", "%d", "%e", "%f"].iter().any(|escape| url.contains(escape));
    match error {
        InvalidRequest::NoResource => theirs["ok"] == false,
        InvalidRequest::Watch | InvalidRequest::FieldSelector => beyond_ascii,
        InvalidRequest::LabelSelector => theirs["name"] == "" || url.contains("%00"),
        InvalidRequest::Semicolon => url.contains(';'),
        InvalidRequest::Parameters => url.matches('&').count() >= 1000,
    }
}

/// Our reading, in the oracle's form.
fn shown(attributes: &Attributes<'_>) -> Value {
    json!({
        "ok": true, "verb": attributes.verb, "apiGroup": attributes.api_group, "apiVersion": attributes.api_version,
        "resource": attributes.resource, "subresource": attributes.subresource, "namespace": attributes.namespace,
        "name": attributes.name, "isResourceRequest": attributes.is_resource_request, "path": attributes.path,
    })
}

fn is_same(ours: &Value, theirs: &Value) -> bool {
    ours.as_object().unwrap().iter().all(|(field, value)| theirs[field] == *value)
}

/// How to ask Kubernetes again.
fn replay(line: &Line) -> String {
    let oracle = paths::cluster_binaries().unwrap().join("kubegate-test-cluster");
    let question = json!({"method": line.method, "url": line.url}).to_string().replace('\'', "'\\''");
    format!("printf '%s\\n' '{question}' | {} requestinfo", oracle.display())
}

/// What Kubernetes' own parser makes of each request.
fn ask_kubernetes(lines: &[Line]) -> Vec<Value> {
    let mut oracle = Command::new(paths::cluster_binaries().unwrap().join("kubegate-test-cluster"))
        .arg("requestinfo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = oracle.stdin.take().unwrap();
    let questions: Vec<String> =
        lines.iter().map(|line| json!({"method": line.method, "url": line.url}).to_string()).collect();
    let writer = std::thread::spawn(move || questions.iter().try_for_each(|line| writeln!(input, "{line}")));
    let output = BufReader::new(oracle.stdout.take().unwrap());
    let answers: Vec<Value> = output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    writer.join().unwrap().unwrap();
    assert!(oracle.wait().unwrap().success());
    assert_eq!(answers.len(), lines.len());
    answers
}
