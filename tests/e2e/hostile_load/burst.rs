//! One HTTP/2 connection with a thousand requests at once: those of others are answered in between.

use std::process::Command;

use kubegate_core::gateway::SESSION_PATH;
use kubegate_tests::kubectl::Session;
use kubegate_tests::paths;
use kubegate_tests::world::{CLUSTER_HOST, World};
use serde_json::{Value, json};

use super::Attacked;
use super::tokens::Tokens;

/// As many as one connection may have at a time, nearly.
pub(super) const BURST: usize = 1000;

/// How many answers of others come before the burst's last, at the least; without turns there are one or two.
const BETWEEN: usize = 8;

pub(super) fn burst(world: &World) {
    let attacked = Attacked::start(world, "envoy-burst");
    let tokens = Tokens::of(&attacked.stage);
    let mut victim = attacked.victim();
    let streams = start(world, &attacked, |number| tokens.bad(number));
    victim.during(|| !is_over(&streams));

    let records = attacked.stage.envoy.access_records().unwrap();
    let is_burst = |record: &Value| record["status"] == 401;
    let first = records.iter().position(is_burst).unwrap();
    let last = records.iter().rposition(is_burst).unwrap();
    let between = records[first..last].iter().filter(|record| record["status"] == 200).count();
    eprintln!("{between} answers of others came between the first and the last of {BURST}");
    assert!(between >= BETWEEN, "{between} answers of others came between the first and the last of {BURST}");
}

/// One connection that shows all of these tokens at once.
pub(super) fn start(world: &World, attacked: &Attacked<'_>, token: impl Fn(usize) -> String) -> Session {
    let mut client = Command::new("node");
    client.arg(paths::root().join("tests/e2e/http2-streams.js"));
    client.arg(format!("https://{CLUSTER_HOST}:{}{SESSION_PATH}", attacked.stage.port)).arg(&world.pki.ca);
    let headers = |number| json!({"authorization": format!("Bearer {}", token(number))}).to_string();
    client.args((0..BURST).map(headers));
    Session::start("http2-streams.js", client).unwrap()
}

/// Whether all of them have been refused.
pub(super) fn is_over(streams: &Session) -> bool {
    streams.stdout().matches("status 401").count() == BURST
}
