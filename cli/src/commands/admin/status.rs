//! `kubegate admin status`

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Common;
use crate::failure::Failure;
use crate::output::{printable, table};

/// Show how the policy, the live set and the gateways stand
///
/// Names every mistake of a policy file that was refused, why nothing can be published, and what each gateway has.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin status
  kubegate admin status --json | jq -e '.file == \"in-force\"'")]
pub(super) struct Status {
    #[command(flatten)]
    common: Common,
}

/// What the control plane says.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    version: String,
    started: String,
    policy: Policy,
    file: String,
    refused: Option<Refused>,
    failing: Option<Failing>,
    live_set: LiveSet,
    gateways: Vec<Gateway>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Policy {
    version: String,
    since: String,
    clusters: u64,
    rules: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    at: String,
    /// All of it, a line for each mistake.
    message: String,
    problems: Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failing {
    since: String,
    message: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct LiveSet {
    version: String,
    signed_at: String,
    revocations: u64,
    elevations: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Gateway {
    name: String,
    waiting: u64,
    last_poll: Option<String>,
    holds: String,
    /// What other Envoys with its credential have.
    others: Vec<String>,
}

impl Status {
    /// Asks and shows.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let answer: Answer = self.common.api()?.get("/api/v1/status", "for its status")?;
        self.common.print(&answer, Answer::shown)
    }
}

impl Answer {
    fn shown(&self) -> String {
        let Self { policy, live_set, .. } = self;
        let rows = [
            ("Policy", format!("{} since {}", policy.version, policy.since)),
            ("", format!("{} clusters, {} rules", policy.clusters, policy.rules)),
            ("Live set", format!("{}, signed at {}", live_set.version, live_set.signed_at)),
            ("", format!("{} revocations, {} elevations", live_set.revocations, live_set.elevations)),
            ("Version", format!("{}, started at {}", self.version, self.started)),
        ];
        let mut text = self.failing.as_ref().map(Failing::shown).unwrap_or_default();
        text.push_str(&self.refused.as_ref().map(Refused::shown).unwrap_or_default());
        if self.file == "waiting" {
            text.push_str("The policy file is good, and not in force yet; the policy before it stays until then.\n\n");
        }
        text.push_str(&table(&rows.map(|(name, value)| vec![name.to_owned(), printable(&value)])));
        text.push('\n');
        let heading = ["GATEWAY", "WAITING", "LAST POLL", "HAS"].map(str::to_owned).to_vec();
        let gateways = self.gateways.iter().map(|gateway| gateway.row(&self.started));
        text.push_str(&table(&std::iter::once(heading).chain(gateways).collect::<Vec<_>>()));
        text
    }
}

impl Refused {
    fn shown(&self) -> String {
        let mut text =
            format!("The policy file was refused at {}; the policy before it stays in force.\n", printable(&self.at));
        for line in self.message.lines() {
            text.push_str(&format!("  {}\n", printable(line)));
        }
        text.push('\n');
        text
    }
}

impl Failing {
    fn shown(&self) -> String {
        format!(
            "Nothing can be published since {}; gateways keep what they have, and hear of no revocation.\n  {}\n\n",
            printable(&self.since),
            printable(&self.message)
        )
    }
}

impl Gateway {
    fn row(&self, started: &str) -> Vec<String> {
        let others = self.others.iter().map(|other| format!("; another with its credential has {}", in_words(other)));
        let has = match (self.holds.as_str(), &self.last_poll) {
            ("silent", Some(at)) => format!("has not asked since {at}"),
            ("silent", None) => format!("has not asked since the start at {started}"),
            (holds, _) => std::iter::once(in_words(holds).to_owned()).chain(others).collect(),
        };
        let last = self.last_poll.as_deref().unwrap_or("never");
        vec![printable(&self.name), self.waiting.to_string(), printable(last), printable(&has)]
    }
}

fn in_words(holds: &str) -> &str {
    match holds {
        "nothing" => "nothing yet",
        "newer" => {
            "something newer than this control plane knows (after restoring the store from a backup, run \
             kubegate-control-plane new-epoch)"
        }
        "older" => "something older",
        "newest" => "the newest",
        other => other,
    }
}
