//! The access log: which of its lines can be replayed, and how.

use kubegate_core::gateway::{ALLOWED, DENIED, RecordedPerson, STEP_UP};
use kubegate_core::time::parse_rfc3339;
use serde::Deserialize;

use super::MAX_LINE;
use super::report::Unknown;
use crate::commands::policy::trial::{self, Question, Somebody, Trial};

/// A line of the access log, as far as it is needed. Envoy leaves out what is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    time: String,
    method: String,
    path: String,
    client: String,
    /// JSON within JSON: Envoy writes what the filter says as text.
    kubegate: String,
}

/// A recorded decision.
#[derive(Debug, Default)]
pub(super) struct Record {
    time: String,
    method: String,
    pub(super) path: String,
    client: String,
    pub(super) decided: Decided,
}

/// What the filter says of it (`kubegate_core::gateway::Record`), which leaves out what is empty, too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Decided {
    reason: String,
    pub(super) cluster: String,
    pub(super) user: String,
    person: Option<RecordedPerson>,
    groups: String,
    pub(super) assumed_user: String,
    pub(super) verb: String,
    pub(super) resource: String,
    pub(super) namespace: String,
    name: String,
}

/// A decision that can be made anew.
pub(super) struct Replayable {
    pub(super) somebody: Somebody,
    pub(super) question: Question,
    has_more_groups: bool,
    assumes_more: bool,
}

impl Record {
    /// The record on a line; nothing, when it is empty.
    pub(super) fn parse(line: &[u8]) -> Result<Option<Self>, String> {
        if u64::try_from(line.len()).unwrap_or(u64::MAX) > MAX_LINE {
            return Err(format!("is longer than {MAX_LINE} bytes"));
        }
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let Line { time, method, path, client, kubegate } = line;
        // What the filter was not asked about has nothing of it.
        let decided = if kubegate.is_empty() { Ok(Decided::default()) } else { serde_json::from_str(&kubegate) };
        let decided = decided.map_err(|error| format!("kubegate: is not what gateways write: {error}"))?;
        Ok(Some(Self { time, method, path, client, decided }))
    }

    /// Whether the policy was asked: not about what had no good session, could not be read, or was answered by ourselves.
    pub(super) fn is_of_the_policy(&self) -> bool {
        ALLOWED.iter().chain(&DENIED).chain([&STEP_UP]).any(|reason| *reason == self.decided.reason)
    }

    /// The question, and who asked it.
    pub(super) fn replayable(&self) -> Result<Replayable, String> {
        let now =
            parse_rfc3339(&whole_seconds(&self.time)).ok_or_else(|| format!("time: {:?} is not a time", self.time))?;
        let Decided { user, cluster, groups: seen, assumed_user, .. } = &self.decided;
        let person = self.decided.person.clone().ok_or("kubegate: person: is missing")?;
        for (name, value) in
            [("kubegate: user", user), ("kubegate: cluster", cluster), ("method", &self.method), ("path", &self.path)]
        {
            if value.is_empty() {
                return Err(format!("{name}: is missing"));
            }
        }
        let RecordedPerson { provider, groups, auth_time, email, acr, amr, claims, has_more_groups, assumes_more } =
            person;
        let somebody = Somebody { user: user.clone(), groups, email, claims, provider, acr, amr, auth_time };
        let groups: Vec<String> = seen.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect();
        let assumed = match assumed_user.as_str() {
            "" => Vec::new(),
            user => trial::assumed(Some(user), &groups, None, &[]),
        };
        let question = Question {
            cluster: cluster.clone(),
            method: self.method.clone(),
            url: self.url(),
            assumed,
            source: self.client.clone(),
            now,
        };
        Ok(Replayable { somebody, question, has_more_groups, assumes_more })
    }

    /// Path and query with which the API server reads the recorded verb and name.
    fn url(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let Decided { verb, name, .. } = &self.decided;
        let mut query = Vec::new();
        if verb == "watch" {
            query.push("watch=true".to_owned());
        }
        if matches!(verb.as_str(), "list" | "watch") && !name.is_empty() {
            query.push(trial::name_selector(name));
        }
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }
}

impl Replayable {
    /// What one of the policies asks for that the record does not have.
    pub(super) fn unknown(&self, old: &Trial, new: &Trial) -> Option<Unknown> {
        let asked = [old, new].into_iter().flat_map(|trial| trial.claims_asked(&self.somebody, &self.question));
        let claim = asked.into_iter().find(|claim| !self.somebody.claims.contains_key(claim));
        let what = match claim {
            _ if self.assumes_more => "the uid or the extras to assume".to_owned(),
            _ if self.has_more_groups => "groups that the token was too full to carry".to_owned(),
            Some(claim) => format!("the claim {claim:?}"),
            None => return None,
        };
        Some(Unknown { what })
    }
}

/// Envoy writes milliseconds.
fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, fraction)) => {
            let zone = fraction.trim_start_matches(|character: char| character.is_ascii_digit());
            format!("{seconds}{zone}")
        }
        None => time.to_owned(),
    }
}
