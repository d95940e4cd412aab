//! `kubegate policy explain`: the filter's own code, asked about a request that nobody made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kubegate_core::policy::{Finding, Outcome};
use kubegate_core::request::{Attributes, Target};
use kubegate_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::trial::{self, Answer, Question, Somebody, Trial};
use crate::clock::UnixTime;
use crate::failure::{FAILED, Failure};
use crate::output::{self, table};

/// Say what a policy decides about a request, which rule does, and why the others do not
///
/// Takes a person and a request, and prints what the API server would make of the request, what the
/// gateway decides about it, as whom it would go to the API server, and for each rule that names the
/// person or a group of theirs what it makes of the request, and of whatever --as and its like ask for.
/// It runs the gateway's own code on the
/// file, needs no network, and exits with 0 whatever the decision.
///
/// The API server's RBAC comes after that and may still refuse.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate policy explain --policy policy.yaml --user bob@example.com --groups team-a \\
      --cluster prod --url '/api/v1/namespaces/team-a/pods?watch=1'
  kubegate policy explain --policy policy.yaml --user alice --groups platform-admins \\
      --cluster prod --method DELETE --url /apis/apps/v1/namespaces/x/deployments/web --json
  kubegate policy explain --policy policy.yaml --user alice --as jane --as-group dev \\
      --cluster prod --url /api/v1/nodes --exit-code

kubectl -v=6 shows the method and URL of every request that it makes.")]
pub(super) struct Explain {
    /// The policy file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,

    /// The person's user name
    #[arg(long, value_name = "NAME")]
    user: String,

    /// The person's groups, as the identity provider gives them
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    groups: Vec<String>,

    /// The person's verified e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,

    /// Another claim of the person; the value is JSON or plain text, and may be given several times
    #[arg(long = "claim", value_name = "KEY=VALUE", value_parser = parse_pair)]
    claims: Vec<(String, String)>,

    /// The cluster, by its name in the policy
    #[arg(long, value_name = "NAME")]
    cluster: String,

    /// The HTTP method
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,

    /// Path and query of the request
    #[arg(long, value_name = "PATH")]
    url: String,

    /// Act as this user, like kubectl --as
    #[arg(long = "as", value_name = "USER")]
    as_user: Option<String>,

    /// Act as a member of this group, like kubectl --as-group
    #[arg(long = "as-group", value_name = "GROUP")]
    as_groups: Vec<String>,

    /// Act under this uid, like kubectl --as-uid
    #[arg(long, value_name = "UID")]
    as_uid: Option<String>,

    /// Act with this extra, like kubectl --as-user-extra
    #[arg(long = "as-user-extra", value_name = "KEY=VALUE", value_parser = parse_pair)]
    as_user_extras: Vec<(String, String)>,

    /// How long ago the person signed in, such as 5m; for rules with authMaxAge and for conditions
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_age)]
    auth_age: Duration,

    /// The authentication context class of the sign-in; for rules with acr and for conditions
    #[arg(long, value_name = "VALUE")]
    acr: Option<String>,

    /// The methods of the sign-in, such as pwd,otp; for conditions
    #[arg(long, value_name = "METHOD,…", value_delimiter = ',')]
    amr: Vec<String>,

    /// The identity provider's id; for conditions
    #[arg(long, value_name = "ID", default_value = "explain")]
    provider: String,

    /// The client's IP address; for conditions
    #[arg(long, value_name = "ADDRESS", default_value = "192.0.2.1")]
    source: String,

    /// When the request is made, such as 2026-01-31T08:00:00Z [default: now]; for conditions
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    time: Option<Timestamp>,

    /// Print the answer as JSON
    #[arg(long)]
    json: bool,

    /// Exit with 1 unless the request is allowed
    #[arg(long)]
    exit_code: bool,
}

/// The answer.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    verb: String,
    api_group: String,
    api_version: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    is_resource_request: bool,
    path: String,
    decision: String,
    rule: String,
    reason: String,
    /// The rule that would deny, were it not only on trial.
    would_deny: String,
    /// What the client is told when it is not allowed.
    message: String,
    /// The HTTP status of that answer; 0 when it is the API server's.
    status: u16,
    /// As whom the API server sees the request, or would.
    user: String,
    groups: Vec<String>,
    /// What each rule that could concern the person makes of the request.
    rules: Vec<Candidate>,
    /// And of each thing that the person asks to be.
    impersonation: Vec<Impersonation>,
}

/// Something that the person asks to be with `--as` and its like.
#[derive(Debug, Serialize)]
struct Impersonation {
    what: String,
    rules: Vec<Candidate>,
}

/// A rule that could concern the person.
#[derive(Debug, Serialize)]
struct Candidate {
    rule: String,
    /// A stable word.
    outcome: &'static str,
    why: String,
}

impl Explain {
    /// Tries the request out.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let mut trial = Trial::load(&self.policy)?;
        let now = self.time.unwrap_or_else(|| Timestamp::from_seconds(UnixTime::now().0));
        let (somebody, question) = (self.somebody(now), self.question(now));
        let answer = trial.ask(&somebody, &question)?;
        let allowed = answer.is_allowed();
        let rules = trial.explain(&somebody, &question).iter().map(Candidate::from).collect();
        let impersonation = trial.explain_assumed(&somebody, &question).into_iter().map(Impersonation::from).collect();
        let explanation = Explanation { rules, impersonation, ..self.attributes() }.with(answer);
        let shown = || output::result(&explanation.shown(&self.cluster));
        if self.json { output::json(&explanation) } else { shown() }.map_err(Failure::Output)?;
        Ok(if self.exit_code && !allowed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
    }

    /// What the API server makes of method and URL; only the path, when it makes nothing of them.
    fn attributes(&self) -> Explanation {
        let path_alone = || Explanation {
            verb: self.method.to_ascii_lowercase(),
            path: self.url.split('?').next().unwrap_or_default().to_owned(),
            ..Explanation::default()
        };
        let Ok(target) = Target::parse(&self.url) else { return path_alone() };
        let Ok(attributes) = Attributes::of(&self.method, &target) else { return path_alone() };
        Explanation {
            verb: attributes.verb.into_owned(),
            api_group: attributes.api_group.to_owned(),
            api_version: attributes.api_version.to_owned(),
            resource: attributes.resource.to_owned(),
            subresource: attributes.subresource.to_owned(),
            namespace: attributes.namespace.to_owned(),
            name: attributes.name.into_owned(),
            is_resource_request: attributes.is_resource_request,
            path: attributes.path.into_owned(),
            ..Explanation::default()
        }
    }

    fn somebody(&self, now: Timestamp) -> Somebody {
        let mut claims: BTreeMap<String, Value> = BTreeMap::new();
        for (key, text) in &self.claims {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            let place = claims.entry(key.clone()).or_insert(Value::Null);
            *place = match place.take() {
                Value::Null => value,
                Value::Array(mut values) => {
                    values.push(value);
                    Value::Array(values)
                }
                first => Value::Array(vec![first, value]),
            };
        }
        let given = |items: &[String]| items.iter().filter(|item| !item.is_empty()).cloned().collect();
        Somebody {
            user: self.user.clone(),
            groups: given(&self.groups),
            email: self.email.clone(),
            claims,
            provider: self.provider.clone(),
            acr: self.acr.clone(),
            amr: given(&self.amr),
            auth_time: now.before(self.auth_age),
        }
    }

    fn question(&self, now: Timestamp) -> Question {
        let assumed =
            trial::assumed(self.as_user.as_deref(), &self.as_groups, self.as_uid.as_deref(), &self.as_user_extras);
        Question {
            cluster: self.cluster.clone(),
            method: self.method.clone(),
            url: self.url.clone(),
            assumed,
            source: self.source.clone(),
            now,
        }
    }
}

impl Explanation {
    fn with(self, answer: Answer) -> Self {
        let Answer { decision, rule, reason, would_deny, message, status, user, groups } = answer;
        Self { decision, rule, reason, would_deny, message, status, user, groups, ..self }
    }

    fn shown(&self, cluster: &str) -> String {
        let mut rows = Vec::new();
        let mut row = |name: &str, value: &str| {
            if !value.is_empty() {
                rows.push(vec![name.to_owned(), value.to_owned()]);
            }
        };
        row("Cluster", cluster);
        row("Verb", &self.verb);
        if self.is_resource_request {
            row("API group", if self.api_group.is_empty() { "\"\" (core)" } else { &self.api_group });
            row("API version", &self.api_version);
            row("Resource", &self.resource);
            row("Subresource", &self.subresource);
            row("Namespace", &self.namespace);
            row("Name", &self.name);
        }
        row("Path", &self.path);
        row("As user", &self.user);
        row("As groups", &self.groups.join(", "));
        row("Decision", &self.decision);
        row("Rule", &self.rule);
        row("Would deny", &self.would_deny);
        row("Reason", &self.reason);
        row("Told", self.message.trim_end());
        let mut text = table(&rows);
        if !self.rules.is_empty() {
            text.push_str(&format!("\nRules that could concern the person:\n{}", Candidate::table(&self.rules)));
        }
        for Impersonation { what, rules } in self.impersonation.iter().filter(|asked| !asked.rules.is_empty()) {
            text.push_str(&format!("\nThe same rules about impersonating {what}:\n{}", Candidate::table(rules)));
        }
        text
    }
}

impl From<(String, Vec<Finding<'_>>)> for Impersonation {
    fn from((what, findings): (String, Vec<Finding<'_>>)) -> Self {
        Self { what, rules: findings.iter().map(Candidate::from).collect() }
    }
}

impl Candidate {
    fn table(candidates: &[Self]) -> String {
        let row = |found: &Self| vec![format!("  {}", found.rule), found.why.clone()];
        table(&candidates.iter().map(row).collect::<Vec<_>>())
    }
}

impl From<&Finding<'_>> for Candidate {
    fn from(finding: &Finding<'_>) -> Self {
        let because = |problem: &Option<String>| match problem {
            Some(problem) => format!(", because its condition (when) cannot be evaluated: {problem}"),
            None => String::new(),
        };
        let (outcome, why) = match &finding.outcome {
            Outcome::Allows => ("allows", "allows it".to_owned()),
            Outcome::Denies(problem) => ("denies", format!("denies it{}", because(problem))),
            Outcome::WouldDeny(problem) => {
                let why = because(problem);
                ("would-deny", format!("would deny it, but is only on trial (auditOnly){why}"))
            }
            Outcome::Demands(command) => ("demands", format!("would allow it after: {command}")),
            Outcome::OtherCluster => ("other-cluster", "is for other clusters".to_owned()),
            Outcome::OtherClaims => ("other-claims", "asks for claims that the person does not have".to_owned()),
            Outcome::OtherPeople => ("other-people", "names other people".to_owned()),
            Outcome::OtherRequests(fields) => {
                let fields = fields.join(", ");
                ("other-requests", format!("is about other requests; what does not fit in each entry: {fields}"))
            }
            Outcome::MapsGroups => ("maps-groups", "only maps groups".to_owned()),
            Outcome::ConditionFalse => ("condition-false", "has a condition (when) that is false".to_owned()),
            Outcome::ConditionFailed(problem) => {
                ("condition-failed", format!("has a condition (when) that cannot be evaluated: {problem}"))
            }
        };
        Self { rule: finding.rule.to_string(), outcome, why }
    }
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

fn parse_age(text: &str) -> Result<Duration, &'static str> {
    kubegate_core::time::parse_duration(text).ok_or("write it like 90s, 5m or 1h30m")
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    kubegate_core::time::parse_rfc3339(text).ok_or("write it like 2026-01-31T08:00:00Z")
}
