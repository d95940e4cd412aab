//! `kubegate policy explain`: the filter's own code, asked about a request that nobody made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kubegate_core::authoring::AuthoredPolicy;
use kubegate_core::bundle::{LiveDocument, PolicyDocument, Version, WholeBundle};
use kubegate_core::gateway::{Decision, Gateway, refuse_inbound};
use kubegate_core::id::{ClusterName, PersonId, SessionId};
use kubegate_core::impersonation::AUTHENTICATED;
use kubegate_core::inbound::Inbound;
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::policy::Policy;
use kubegate_core::request::{Attributes, Target};
use kubegate_core::time::Timestamp;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use serde::Serialize;
use serde_json::Value;

use super::PolicyError;
use crate::failure::{FAILED, Failure};
use crate::output::{self, table};

/// Every trial happens at this moment; policies do not depend on the time.
const NOW: Timestamp = Timestamp::from_seconds(1_000_000_000);
const ISSUER: &str = "https://kubegate.invalid";

/// Say what a policy decides about a request, and which rule does
///
/// Takes a person and a request, and prints what the API server would make of the request, what the
/// gateway decides about it, and as whom it would go to the API server. It runs the gateway's own
/// code on the file, needs no network, and exits with 0 whatever the decision.
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

    /// Print the answer as JSON
    #[arg(long)]
    json: bool,

    /// Exit with 1 unless the request is allowed
    #[arg(long)]
    exit_code: bool,
}

/// The answer. The first twelve fields are stable.
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
    /// What the client is told when it is not allowed.
    message: String,
    /// The HTTP status of that answer; 0 when it is the API server's.
    status: u16,
    /// As whom the API server sees the request, or would.
    user: String,
    groups: Vec<String>,
}

impl Explain {
    /// Tries the request out.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let policy = super::read(&self.policy)?.map_err(|problems| PolicyError::Invalid { problems })?;
        let explanation = self.explain(&policy)?;
        let shown = || output::result(&explanation.shown(&self.cluster));
        if self.json { output::json(&explanation) } else { shown() }.map_err(Failure::Output)?;
        let allowed = matches!(explanation.decision.as_str(), "allow" | "local");
        Ok(if self.exit_code && !allowed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
    }

    fn explain(&self, authored: &AuthoredPolicy) -> Result<Explanation, PolicyError> {
        let compiled = authored.compile().map_err(trial)?;
        let cluster = compiled.cluster(&self.cluster).ok_or_else(|| PolicyError::UnknownCluster {
            name: self.cluster.clone(),
            available: compiled.clusters().iter().map(|cluster| cluster.name.to_string()).collect(),
        })?;
        let host = cluster.hosts.first().map(String::as_str).unwrap_or_default();
        let claims = self.claims(&compiled, cluster.name.clone());
        let (mut gateway, token) = gateway(authored, &claims)?;
        let mut explanation = self.attributes();
        let access = compiled.access(&claims.person(), &claims.aud);
        explanation.user.clone_from(&self.user);
        explanation.groups = access.groups;
        explanation.groups.push(AUTHENTICATED.to_owned());

        let headers = self.headers(host, &token);
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let decision = match Inbound::parse(headers) {
            Ok(inbound) => gateway.decide(inbound, NOW),
            Err(error) => Decision::Answer(refuse_inbound(&error)),
        };
        explanation.take(decision);
        Ok(explanation)
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

    fn claims(&self, policy: &Policy, cluster: ClusterName) -> SessionClaims {
        let mut claims: BTreeMap<String, Value> =
            policy.claim_keys().iter().map(|key| (key.clone(), Value::Null)).collect();
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
        let later = NOW.after(Duration::from_secs(600));
        SessionClaims {
            iss: ISSUER.to_owned(),
            sub: PersonId::from(format!("explain:{}", self.user)),
            aud: cluster,
            exp: later,
            nbf: NOW,
            iat: NOW,
            jti: "explain".to_owned(),
            sid: SessionId::from("explain"),
            session_exp: later,
            auth_time: NOW,
            provider: "explain".to_owned(),
            user: self.user.clone(),
            uid: None,
            email: self.email.clone(),
            groups: self.groups.iter().filter(|group| !group.is_empty()).cloned().collect(),
            groups_policy: None,
            claims,
            acr: None,
            amr: Vec::new(),
        }
    }

    fn headers(&self, host: &str, token: &str) -> Vec<(String, String)> {
        let mut headers = vec![
            (":method".to_owned(), self.method.clone()),
            (":authority".to_owned(), host.to_owned()),
            (":path".to_owned(), self.url.clone()),
            ("authorization".to_owned(), format!("Bearer {token}")),
        ];
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if let Some(user) = &self.as_user {
            add("impersonate-user", user);
        }
        self.as_groups.iter().for_each(|group| add("impersonate-group", group));
        if let Some(uid) = &self.as_uid {
            add("impersonate-uid", uid);
        }
        for (key, value) in &self.as_user_extras {
            add(&format!("impersonate-extra-{}", encode_key(key)), value);
        }
        headers
    }
}

impl Explanation {
    fn take(&mut self, decision: Decision<'_>) {
        let record = match decision {
            Decision::Allow(allow) => {
                let values = |name: &str| {
                    allow.add.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
                };
                self.groups = values("impersonate-group");
                self.user = values("impersonate-user").concat();
                allow.record
            }
            Decision::Answer(answer) => {
                self.status = answer.status;
                self.message = message(&answer.body.text);
                answer.record
            }
        };
        self.decision = record.decision.to_owned();
        self.reason = record.reason.to_owned();
        self.rule = record.rule;
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
        row("Reason", &self.reason);
        row("Told", self.message.trim_end());
        table(&rows)
    }
}

/// A gateway with the policy in force, and a session token that it takes. The keys are of this trial
/// alone, so they need not be secret.
fn gateway(authored: &AuthoredPolicy, claims: &SessionClaims) -> Result<(Gateway, String), PolicyError> {
    let (bundle_key, token_key) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
    let version = Version { epoch: 0, counter: 1 };
    let policy = PolicyDocument {
        issuer: ISSUER.to_owned(),
        version,
        keys: vec![token_key.public().clone()],
        clusters: authored.clusters.clone(),
        parts: Vec::new(),
    };
    let live = LiveDocument { version, issued_at: NOW, ..LiveDocument::default() };
    let bundle = WholeBundle::sign(&bundle_key, policy, &authored.rules, live).map_err(trial)?;
    let keys = Keys::new([bundle_key.public()]).map_err(trial)?;
    let mut gateway = Gateway::new(ISSUER.to_owned(), keys, Duration::from_secs(3600));
    gateway.accept(&bundle.documents()).map_err(trial)?;
    Ok((gateway, token_key.sign(SESSION_TYPE, claims).map_err(trial)?))
}

fn trial(error: impl std::fmt::Display) -> PolicyError {
    PolicyError::Trial { problem: error.to_string() }
}

/// The message of a `Status`, or the plain text.
fn message(body: &str) -> String {
    let status: Option<Value> = serde_json::from_str(body).ok();
    let message = status.as_ref().and_then(|status| status.get("message")?.as_str());
    message.unwrap_or(body).trim_end().to_owned()
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// An extra key as client-go writes it into a header's name.
fn encode_key(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'!' | b'#' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~' => {
                char::from(byte).to_string()
            }
            byte if byte.is_ascii_alphanumeric() => char::from(byte.to_ascii_lowercase()).to_string(),
            byte => format!("%{byte:02x}"),
        })
        .collect()
}
