//! What a decision costs when the policy has 10,000 rules and few of them concern the person, beside ten rules.

mod in_envoy;
mod native;

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use kubegate_tests::issuer::Issuer;
use kubegate_tests::{files, paths};
use serde_json::{Map, Value};

use crate::company::{Company, policy_file};
use crate::report::Report;
use crate::stats::{median, quantile, rounded};

/// The numbers of rules.
const SIZES: [usize; 4] = [10, 100, 1000, 10_000];

/// A policy of one size.
struct Sized {
    rules: usize,
    file: PathBuf,
}

/// What was measured with a policy of one size.
struct Measured {
    rules: usize,
    /// One value a round.
    costs: Vec<f64>,
}

/// Measures natively and in Envoy.
pub(crate) fn run() -> Result<Report> {
    let dir = paths::root().join("target/bench/policy");
    files::run_dir(&dir)?;
    let issuer = Issuer::new("https://kubegate.example.com")?;
    let policies = SIZES.map(|rules| Sized { rules, file: dir.join(format!("{rules}.yaml")) });
    for policy in &policies {
        fs::write(&policy.file, policy_file(&Company::new(policy.rules).rules()))?;
    }
    let native = native::measure(&issuer, &policies)?;
    let (bare, in_envoy) = in_envoy::measure(&dir, &issuer, &policies)?;

    let mut report = Report::new("policy");
    let [in_core, through_envoy] = [ratio(&native.remembered), ratio(&in_envoy)];
    report.figure("native_ratio", rounded(in_core, 3));
    report.figure("envoy_ratio", rounded(through_envoy, 3));
    report.figure("native_ns", medians(&native.remembered));
    report.figure("native_first_ns", medians(&native.first));
    report.figure("envoy_us_above_bare", medians(&in_envoy));
    report.figure("envoy_us_bare", rounded(median(&bare), 2));
    report.line(&format!(
        "A decision under 10,000 rules costs **{in_core:.3}** times what it costs under 10 in core, \
         **{through_envoy:.3}** times in Envoy (the aim: at most 1.2)."
    ));
    let columns = native.remembered.iter().zip(&native.first).zip(&in_envoy);
    let rows: Vec<Vec<String>> = columns
        .map(|((remembered, first), in_envoy)| {
            let first: Vec<f64> = first.costs.iter().map(|cost| cost / 1e3).collect();
            let cells = [spread(&remembered.costs, 0), spread(&in_envoy.costs, 1), spread(&first, 0)];
            [vec![remembered.rules.to_string()], cells.to_vec()].concat()
        })
        .collect();
    report.table(
        &[
            "rules",
            "core: ns a decision",
            "Envoy: CPU µs a request above the bare router",
            "core: µs a decision on a token never seen before",
        ],
        &rows,
    );
    report.line(&format!(
        "Medians, with the quartiles in brackets. The bare router of the same run takes {} µs a request.",
        spread(&bare, 1)
    ));
    Ok(report)
}

/// The cost with the most rules over the cost with the fewest.
fn ratio(measured: &[Measured]) -> f64 {
    let cost = |of: Option<&Measured>| of.map_or(f64::NAN, |of| median(&of.costs));
    cost(measured.last()) / cost(measured.first())
}

fn medians(measured: &[Measured]) -> Value {
    let entry = |of: &Measured| (of.rules.to_string(), Value::from(rounded(median(&of.costs), 2)));
    Value::Object(measured.iter().map(entry).collect::<Map<_, _>>())
}

fn spread(costs: &[f64], digits: usize) -> String {
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(costs, share));
    format!("{middle:.digits$} ({low:.digits$}–{high:.digits$})")
}
