//! What was measured, and which bounds did not hold.

use super::super::AGAIN;

/// How many times as long others may wait under attack, at the 99th percentile.
const SLOWER: f64 = 3.0;

/// An attack.
#[derive(Default)]
pub(super) struct Row {
    pub(super) name: String,
    /// Envoy's memory before, in MiB.
    pub(super) before: f64,
    /// The most that it had meanwhile.
    pub(super) peak: f64,
    /// What it had after each slice.
    pub(super) after: Vec<f64>,
    pub(super) slices: Vec<Slice>,
    /// How many signatures the filter has verified.
    pub(super) verified: u64,
    pub(super) note: String,
}

/// How many milliseconds each answer to somebody else took.
pub(super) struct Slice {
    pub(super) quiet: Vec<f64>,
    pub(super) under_attack: Vec<f64>,
}

/// All attacks.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<String>,
    broken: Vec<String>,
}

impl Row {
    /// How many times as long others waited in most slices: what else this machine does is not the same in all.
    fn ratio(&self) -> f64 {
        let ratio = |slice: &Slice| quantile(&slice.under_attack, 0.99) / quantile(&slice.quiet, 0.99);
        quantile(&self.slices.iter().map(ratio).collect::<Vec<_>>(), 0.5)
    }

    fn text(&self) -> String {
        let of = |part: fn(&Slice) -> &[f64]| {
            let all: Vec<f64> = self.slices.iter().flat_map(part).copied().collect();
            format!("{:.1} / {:.1}", quantile(&all, 0.5), quantile(&all, 0.99))
        };
        let Self { name, before, peak, after, verified, note, .. } = self;
        let after = after.last().copied().unwrap_or_default();
        format!(
            "| {name:<38} | {before:>4.0} → {peak:>4.0} → {after:>4.0} | {:>12} | {:>13} | {:>5.2} | {verified:>8} | {note}",
            of(|slice| &slice.quiet),
            of(|slice| &slice.under_attack),
            self.ratio()
        )
    }
}

impl Table {
    /// Notes what must hold.
    pub(super) fn check(&mut self, holds: bool, what: String) {
        if !holds {
            self.broken.push(what);
        }
    }

    /// Adds an attack that may have taken so many MiB, and no more when it went on; others must not have waited long.
    pub(super) fn bounded(&mut self, row: &Row, most: f64) {
        let (grown, ratio) = (row.peak - row.before, row.ratio());
        self.check(grown <= most, format!("{}: memory grew by {grown:.0} MiB of {most:.0}", row.name));
        if let [.., before, last] = row.after.as_slice() {
            self.check(last - before <= AGAIN, format!("{}: memory goes on growing: {:.0?}", row.name, row.after));
        }
        self.check(ratio <= SLOWER, format!("{}: others waited {ratio:.2} times as long", row.name));
        self.shown(row);
    }

    /// Adds an attack.
    pub(super) fn shown(&mut self, row: &Row) {
        eprintln!("{}", row.text());
        self.rows.push(row.text());
    }

    /// Shows it, and fails when something did not hold.
    pub(super) fn print(&self) {
        eprintln!(
            "\nMemory is Envoy's, in MiB: before, at its most, after. Times are those of somebody else's requests to the"
        );
        eprintln!(
            "API server, in ms: p50 / p99; the ratio of the latter is that of the middle slice. Verified: how many signatures.\n"
        );
        eprintln!(
            "| attack                                 | memory             | quiet        | under attack  | ratio | verified |"
        );
        self.rows.iter().for_each(|row| eprintln!("{row}"));
        assert!(self.broken.is_empty(), "not kept:\n  {}", self.broken.join("\n  "));
        eprintln!("\nall bounds kept");
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = (share * (sorted.len() - 1) as f64).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is an index of the list")]
    let position = position as usize;
    sorted[position]
}
