//! What an Envoy takes and holds.

use std::fs;
use std::time::Duration;

use kubegate_tests::envoy::Envoy;
use kubegate_tests::poll;

/// How long it may take until what has ended is gone.
const LIMIT: Duration = Duration::from_secs(30);

/// Its resident memory, in MiB.
pub(super) fn memory(envoy: &Envoy) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", envoy.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// How many connections people have to it, finished handshake or not.
pub(super) fn connections(envoy: &Envoy) -> u64 {
    sum(envoy, "downstream_cx_active$", "envoy_listener_downstream_cx_active{")
}

/// How many requests of people are under way, streams included.
pub(super) fn requests(envoy: &Envoy) -> u64 {
    sum(envoy, "http.kubegate.downstream_rq_active$", "envoy_http_downstream_rq_active{")
}

/// How many tokens' signatures it has verified: told at the filter's next tick.
pub(super) fn verified(envoy: &Envoy) -> u64 {
    std::thread::sleep(Duration::from_millis(500));
    envoy.metric("kubegate_tokens_verified").unwrap()
}

/// Until a figure is no more than that.
pub(super) fn until_at_most(envoy: &Envoy, figure: fn(&Envoy) -> u64, most: u64, what: &str) {
    poll::until(what, LIMIT, || match figure(envoy) {
        count if count <= most => Ok(()),
        count => Err(format!("{count}")),
    })
    .unwrap();
}

fn sum(envoy: &Envoy, filter: &str, start: &str) -> u64 {
    let text = envoy.metrics(filter).unwrap();
    let lines = text.lines().filter(|line| line.starts_with(start));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
