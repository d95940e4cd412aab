//! How soon a change is obeyed by 500 gateways, and what keeping them current costs.
//!
//! ```text
//!  administrator's call, or a renamed policy file
//!        │
//!   control plane ──long polls──▶ 500 simulated gateways (gateways.rs): documents verified, a request decided by core
//!                  ──long polls──▶ 2 Envoys with the filter (envoys.rs): a request every 10 ms on both workers
//!        └────────── time ──────────────▶ until each of them decides the other way
//! ```

mod changes;
mod envoys;
mod gateways;
mod vm;
mod watch;
mod wire;
mod world;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kubegate_tests::{files, paths};
use serde_json::{Map, Value, json};

use changes::Kind;
use envoys::Envoys;
use gateways::Fleet;
use watch::{Outcome, Watch};
use world::World;

use crate::report::Report;
use crate::stats::{median, quantile, rounded};
use crate::{cpu, progress};

/// How many rules the policy has.
const RULES: usize = 10_000;

/// How many gateways are simulated.
const GATEWAYS: usize = 500;

/// How many Envoys run beside them.
const ENVOYS: usize = 2;

/// How often each kind of change is made.
const ROUNDS: usize = 10;

/// How long the control plane's processor time is counted while nothing changes.
const IDLE: Duration = Duration::from_secs(65);

/// How long it is counted before there is any gateway.
const ALONE: Duration = Duration::from_secs(35);

/// How long after its start the control plane is at rest.
const AT_REST: Duration = Duration::from_secs(6);

/// Measures all of it.
pub(crate) fn run() -> Result<Report> {
    let dir = paths::root().join("target/bench/distribution");
    files::run_dir(&dir)?;
    progress("a control plane with 10,000 rules and 5,000 live revocations and elevations", "20 s");
    let mut world = World::start(&dir, RULES, GATEWAYS + ENVOYS + 1, ROUNDS)?;
    progress("its processor time without gateways", "41 s");
    thread::sleep(AT_REST);
    let alone = idle_percent(&world, ALONE)?;

    progress("500 gateways take the whole bundle", "30 s");
    let watch = Arc::new(Watch::new(GATEWAYS, ENVOYS * envoys::CONNECTIONS));
    let fleet = Fleet::start(&world, GATEWAYS, Arc::clone(&watch))?;
    progress("two Envoys take it, too", "5 s");
    let envoys = Envoys::start(&dir, &world, ENVOYS, &watch)?;
    progress("the control plane's processor time with all of them idle", "65 s");
    let idle = idle_percent(&world, IDLE)?;

    let mut outcomes = Vec::new();
    for round in 0..ROUNDS {
        progress(&format!("every kind of change, round {} of {ROUNDS}", round + 1), "5 s");
        for kind in Kind::ALL {
            let change = changes::prepare(kind, round, &mut world, &fleet)?;
            let outcome = watch.measure(change.probe, change.expected, || (change.make)(&world));
            outcomes.push((kind, outcome.with_context(|| format!("{}, round {round}", kind.name()))?));
        }
    }
    envoys.check()?;
    let bundle_bytes = fleet.bundle_bytes();
    let failures = fleet.failures();
    drop((envoys, fleet));

    progress("what the bundle takes in Envoy", "20 s");
    let vm = vm::measure(&dir, &world)?;
    let mut report = Report::new("distribution");
    report.figure("gateways", GATEWAYS);
    report.figure("envoys", ENVOYS);
    report.figure("rules", RULES);
    report.figure("live_entries", world.live_entries);
    report_changes(&mut report, &outcomes);
    report.figure("failed_polls", failures);
    report.figure("idle_cpu_percent", rounded(idle, 2));
    report.figure("idle_cpu_percent_without_gateways", rounded(alone, 2));
    report.figure("bundle_bytes", bundle_bytes);
    report.figure("vm_compile_ms", rounded(vm.compile_ms, 1));
    report.figure("vm_memory_bytes", vm.memory_bytes);
    report.table(
        &["cost", "with 500 gateways", "baseline of the same run"],
        &[
            row("control plane's processor, idle", &format!("{idle:.2} %"), &format!("{alone:.2} % without gateways")),
            row("a gateway's first bundle", &bytes(bundle_bytes), ""),
            row("processor time of a VM that takes it", &format!("{:.0} ms", vm.compile_ms), ""),
            row("memory of it, each VM", &bytes(vm.memory_bytes), "beside an Envoy with ten rules"),
        ],
    );
    Ok(report)
}

/// The control plane's processor time over `period`, as a share of one processor.
fn idle_percent(world: &World, period: Duration) -> Result<f64> {
    let pid = world.control_plane.id().context("the control plane does not run")?;
    let (began, before) = (Instant::now(), cpu::process(pid)?);
    thread::sleep(period);
    let taken = cpu::process(pid)?.saturating_sub(before);
    Ok(taken.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
}

fn report_changes(report: &mut Report, outcomes: &[(Kind, Outcome)]) {
    let of = |wanted: Option<Kind>, part: fn(&Outcome) -> &Vec<f64>| -> Vec<f64> {
        let chosen = outcomes.iter().filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind));
        chosen.flat_map(|(_, outcome)| part(outcome).iter().copied()).collect()
    };
    let mut kinds = Map::new();
    let mut rows = Vec::new();
    for kind in Kind::ALL.map(Some).into_iter().chain([None]) {
        let all = of(kind, |outcome| &outcome.all_ms);
        let in_envoy = of(kind, |outcome| &outcome.envoys_ms);
        let received = of(kind, |outcome| &outcome.bytes);
        let [p50, p99] = [0.5, 0.99].map(|share| rounded(quantile(&all, share), 1));
        let [envoy_p50, envoy_most] = [0.5, 1.0].map(|share| rounded(quantile(&in_envoy, share), 1));
        let name = kind.map_or("all of them", Kind::name);
        rows.push(vec![
            name.to_owned(),
            format!("{p50:.0}"),
            format!("{p99:.0}"),
            format!("{envoy_p50:.0}"),
            format!("{envoy_most:.0}"),
            if kind.is_some() { bytes(whole(median(&received))) } else { String::new() },
        ]);
        if kind.is_some() {
            kinds.insert(
                name.to_owned(),
                json!({
                    "p50_ms": p50, "p99_ms": p99, "envoy_p50_ms": envoy_p50, "envoy_most_ms": envoy_most,
                    "bytes": whole(median(&received)),
                }),
            );
        } else {
            report.figure("enforced_p50_ms", p50);
            report.figure("enforced_p99_ms", p99);
            report.line(&format!(
                "A change is enforced by half of 500 gateways and 2 Envoys after **{p50:.0} ms**, by 99 % after **{p99:.0} \
                 ms** ({RULES} rules, {ROUNDS} rounds)."
            ));
        }
    }
    report.figure("delta_bytes", whole(median(&of(Some(Kind::SessionRevoked), |outcome| &outcome.bytes))));
    report.figure("enforced", Value::Object(kinds));
    report.table(
        &["change", "p50 ms", "p99 ms", "in Envoy: p50 ms", "in Envoy: most ms", "bytes to each gateway"],
        &rows,
    );
}

fn row(what: &str, value: &str, baseline: &str) -> Vec<String> {
    [what, value, baseline].map(str::to_owned).to_vec()
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
