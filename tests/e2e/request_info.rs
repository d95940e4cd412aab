//! Request attributes are the API server's own: what our parser makes of generated methods and URLs is what
//! Kubernetes' `RequestInfoFactory` makes of them. What we refuse to read is not compared: it goes nowhere.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use kubegate_core::request::{Attributes, Target};
use kubegate_tests::paths;
use kubegate_tests::world::World;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::Suite;

/// How many requests are compared.
const CASES: usize = 100_000;

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test("request_info::attributes_are_the_api_servers_own", agree)]
}

const METHODS: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "FOO"];

const SEGMENTS: [&str; 27] = [
    "api",
    "apis",
    "API",
    "v1",
    "apps",
    "namespaces",
    "Namespaces",
    "pods",
    "x",
    "p",
    "status",
    "finalize",
    "exec",
    "log",
    "proxy",
    "watch",
    "nodes",
    "a%3Ab",
    "%7Ez",
    "a%20b",
    "%C3%A9",
    "",
    "..",
    ".",
    "a%2Fb",
    "a;b",
    "%25",
];

const PREFIXES: [&str; 4] = ["", "/api/v1/namespaces/x/pods", "/apis/apps/v1", "/api/v1"];

const OPTIONS: [&str; 36] = [
    "watch",
    "watch=1",
    "watch=True",
    "watch=FALSE",
    "watch=false",
    "watch=0",
    "watch=1;",
    "watch=%zz",
    "wat%63h=1",
    "limit=5",
    "limit=",
    "limit=x",
    "limit=-5",
    "limit=%205",
    "limit=9223372036854775808",
    "timeoutSeconds=3",
    "timeoutSeconds=1e3",
    "fieldSelector=metadata.name%3Dp",
    "fieldSelector=metadata.name=p",
    "fieldSelector=bad",
    "fieldSelector",
    "fieldSelector=metadata.name%3D%3Dq,spec.x!%3Dy",
    "fieldSelector=metadata.name%3D",
    "fieldSelector=metadata.name%3D..",
    "fieldSelector=metadata.name%3Da%5C%2Cb",
    "fieldSelector=a%3Db,metadata.name%3Dz",
    "fieldSelector=metadata.name%3Da+b",
    "labelSelector=a%3Db",
    "labelSelector=a%20in%20(b,c)",
    "resourceVersion=0",
    "x;y=1",
    "%zz=1",
    "watch=%ff",
    "watch=fal%C5%BFe",
    "fieldSelector=%ff",
    "limit=%ff",
];

/// A small generator with a fixed seed (xorshift64), so that a failing case comes back.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn request(&mut self) -> (&'static str, String) {
        let mut url = self.pick(&PREFIXES).to_owned();
        for _ in 0..usize::from(url.is_empty()) + self.below(6) {
            url.push('/');
            url.push_str(self.pick(&SEGMENTS));
        }
        for position in 0..self.below(4) {
            url.push(if position == 0 { '?' } else { '&' });
            url.push_str(self.pick(&OPTIONS));
        }
        (self.pick(&METHODS), url)
    }
}

fn agree(_: &Suite, _: &World) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let requests: Vec<_> = (0..CASES).map(|_| dice.request()).collect();
    let theirs = ask_kubernetes(&requests);
    let mut compared = 0;
    for ((method, url), theirs) in requests.iter().zip(&theirs) {
        let Ok(target) = Target::parse(url) else { continue };
        let Ok(ours) = Attributes::of(method, &target) else {
            let is_odd = url.contains("watch=%ff") || url.contains("watch=fal%C5%BFe");
            assert!(is_odd || theirs["ok"] == false, "we refuse what Kubernetes reads: {method} {url}");
            continue;
        };
        compared += 1;
        let ours = json!({
            "ok": true, "verb": ours.verb, "apiGroup": ours.api_group, "apiVersion": ours.api_version,
            "resource": ours.resource, "subresource": ours.subresource, "namespace": ours.namespace, "name": ours.name,
            "isResourceRequest": ours.is_resource_request, "path": ours.path,
        });
        for (field, value) in ours.as_object().unwrap() {
            assert_eq!(value, &theirs[field], "{field} of {method} {url}");
        }
    }
    assert!(compared > CASES / 3, "only {compared} of {CASES} requests were readable");
}

/// What Kubernetes' own parser makes of each request.
fn ask_kubernetes(requests: &[(&'static str, String)]) -> Vec<Value> {
    let mut oracle = Command::new(paths::cluster_binaries().unwrap().join("kubegate-test-cluster"))
        .arg("requestinfo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = oracle.stdin.take().unwrap();
    let lines: Vec<String> =
        requests.iter().map(|(method, url)| json!({"method": method, "url": url}).to_string()).collect();
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| writeln!(input, "{line}")));
    let output = BufReader::new(oracle.stdout.take().unwrap());
    let answers: Vec<Value> = output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    writer.join().unwrap().unwrap();
    assert!(oracle.wait().unwrap().success());
    assert_eq!(answers.len(), requests.len());
    answers
}
