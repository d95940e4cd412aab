//! From samples to figures: the table, the JSON, the ratios that are aimed at.

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use super::chart;
use super::started::Sample;
use super::variant::{BARE, EXT_AUTHZ, KUBEGATE, KUBEGATE_10000, NATIVE, VARIANTS};
use crate::report::Report;
use crate::stats::{median, quantile, rounded};

/// What is aimed at: the excess of one variant over the excess of another, and the most that it should be.
const AIMS: [(&str, &str, f64); 3] =
    [(KUBEGATE, NATIVE, 1.0), (KUBEGATE, EXT_AUTHZ, 0.2), (KUBEGATE_10000, KUBEGATE, 1.2)];

/// What is known of one variant.
struct Figures {
    name: &'static str,
    /// Processor microseconds of a request, by round.
    cpu: Vec<f64>,
    /// The same above the bare router of the same round and protocol.
    excess: Vec<f64>,
    rate: f64,
    alone: [f64; 2],
    together: [f64; 2],
    memory: u64,
}

impl Figures {
    fn json(&self) -> Value {
        let ([p50_c1, p99_c1], [p50_c32, p99_c32]) = (self.alone, self.together);
        json!({
            "cpu_us": rounded(median(&self.cpu), 2),
            "excess_us": rounded(median(&self.excess), 2),
            "rps": rounded(self.rate, 0),
            "p50_us_c1": rounded(p50_c1, 1),
            "p99_us_c1": rounded(p99_c1, 1),
            "p50_us_c32": rounded(p50_c32, 1),
            "p99_us_c32": rounded(p99_c32, 1),
            "rss_bytes": self.memory,
        })
    }

    fn row(&self) -> Vec<String> {
        let latency = |[p50, p99]: [f64; 2]| format!("{p50:.0} / {p99:.0}");
        vec![
            self.name.to_owned(),
            spread(&self.cpu),
            if self.name.starts_with(BARE) { String::new() } else { spread(&self.excess) },
            format!("{:.0}", self.rate),
            latency(self.alone),
            latency(self.together),
            format!("{:.0}", self.memory as f64 / 1e6),
        ]
    }
}

/// The report on `samples` and `memory`, both in the order of [`VARIANTS`].
pub(super) fn report(samples: &[Vec<Sample>], memory: &[u64], bound: bool) -> Result<Report> {
    let figures = figures(samples, memory);
    let mut report = Report::new("request-path");
    let ratios = ratios(&figures);
    let aims = ratios.iter().map(|ratio| format!("- {}\n", ratio.text)).collect::<String>();
    report.line(aims.trim_end());
    report.summary(summary(&aims, &figures));
    report.table(
        &["variant", "CPU µs a request", "above bare", "requests/s", "µs at 1: p50 / p99", "at 32: p50 / p99", "MB"],
        &figures.iter().map(Figures::row).collect::<Vec<_>>(),
    );
    let binding = if bound {
        "What is measured has one processor for itself; what asks and answers has another."
    } else {
        "Nothing is bound to a processor: this machine has one only."
    };
    report.line(&format!("Medians of {} rounds, with the quartiles in brackets. {binding}", rounds(&figures)));
    let variants: Map<String, Value> =
        figures.iter().map(|figures| (figures.name.to_owned(), figures.json())).collect();
    report.figure("variants", variants);
    let ratios: Map<String, Value> = ratios.into_iter().map(|ratio| (ratio.name, ratio.json)).collect();
    report.figure("ratios", ratios);
    let compared = figures.iter().filter(|figures| !figures.name.starts_with(BARE));
    report.chart(chart::bars(&compared.map(|of| (of.name, median(&of.excess))).collect::<Vec<_>>()));
    check(&report)?;
    Ok(report)
}

/// The aims, and what a request costs with the variants that they are about.
fn summary(aims: &str, figures: &[Figures]) -> String {
    let shown = figures.iter().filter(|figures| [BARE, NATIVE, EXT_AUTHZ, KUBEGATE].contains(&figures.name));
    let row = |figures: &Figures| {
        let ([alone, _], memory) = (figures.alone, figures.memory as f64 / 1e6);
        let [cpu, excess] = [&figures.cpu, &figures.excess].map(|of| median(of));
        format!("| `{}` | {cpu:.1} | {excess:.1} | {alone:.0} | {memory:.0} |\n", figures.name)
    };
    let rows = shown.map(row).collect::<String>();
    format!(
        "{aims}\n| variant | CPU µs a request | above bare | p50 µs at one connection | MB |\n| --- | --- | --- | --- | --- |\n{rows}"
    )
}

fn rounds(figures: &[Figures]) -> usize {
    figures.first().map_or(0, |figures| figures.cpu.len())
}

fn figures(samples: &[Vec<Sample>], memory: &[u64]) -> Vec<Figures> {
    let cpu = |of: &[Sample]| of.iter().map(|sample| sample.cpu).collect::<Vec<_>>();
    let named = |name: &str| VARIANTS.iter().zip(samples).find(|(variant, _)| variant.name == name);
    let of_one = |((variant, samples), memory): ((&super::variant::Variant, &Vec<Sample>), &u64)| {
        let bare = if variant.name.ends_with("_h2") { "bare_h2" } else { BARE };
        let bare = named(bare).map(|(_, samples)| cpu(samples)).unwrap_or_default();
        let quantiles = |of: fn(&Sample) -> &Vec<f64>| {
            let pooled = samples.iter().flat_map(of).copied().collect::<Vec<_>>();
            [0.5, 0.99].map(|share| quantile(&pooled, share))
        };
        let cpu = cpu(samples);
        Figures {
            name: variant.name,
            excess: cpu.iter().zip(&bare).map(|(cpu, bare)| cpu - bare).collect(),
            cpu,
            rate: median(&samples.iter().map(|sample| sample.rate).collect::<Vec<_>>()),
            alone: quantiles(|sample| &sample.alone),
            together: quantiles(|sample| &sample.together),
            memory: *memory,
        }
    };
    VARIANTS.iter().zip(samples).zip(memory).map(of_one).collect()
}

struct Ratio {
    name: String,
    json: Value,
    text: String,
}

fn ratios(figures: &[Figures]) -> Vec<Ratio> {
    let excess = |name: &str| {
        figures.iter().find(|figures| figures.name == name).map_or(f64::NAN, |figures| median(&figures.excess))
    };
    AIMS.into_iter()
        .map(|(of, over, most)| {
            let ratio = excess(of) / excess(over);
            Ratio {
                name: format!("{of}/{over}"),
                json: json!({"ratio": rounded(ratio, 3), "at_most": most}),
                text: format!(
                    "`{of}` costs **{ratio:.2}** times what `{over}` costs above the bare router (the aim: at most {most})."
                ),
            }
        })
        .collect()
}

/// Every variant and every figure is there, and is a number.
fn check(report: &Report) -> Result<()> {
    let figures = report.json();
    let keys = ["cpu_us", "excess_us", "rps", "p50_us_c1", "p99_us_c1", "p50_us_c32", "p99_us_c32", "rss_bytes"];
    for name in REQUIRED {
        for key in keys {
            let found = figures.pointer(&format!("/variants/{name}/{key}"));
            ensure!(found.is_some_and(Value::is_number), "no {key} of {name}: {found:?}");
        }
    }
    Ok(())
}

/// What the figures' readers count on.
const REQUIRED: [&str; 17] = [
    "bare",
    "header_mutation",
    "wasm_noop",
    "native_cached",
    "native_uncached",
    "native_cached_1000",
    "ext_authz_grpc",
    "kubegate_cached",
    "kubegate_cold",
    "kubegate_denied",
    "kubegate_unauthenticated",
    "kubegate_1000_rules",
    "kubegate_10000_rules",
    "kubegate_50_groups",
    "bare_h2",
    "native_cached_h2",
    "kubegate_cached_h2",
];

fn spread(costs: &[f64]) -> String {
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(costs, share));
    format!("{middle:.1} ({low:.1}–{high:.1})")
}
