//! The filter's own code, asked about requests that nobody makes now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use kubegate_core::authoring::AuthoredPolicy;
use kubegate_core::bundle::{ChangesDocument, LiveEntries, PolicyDocument, Version, WholeBundle};
use kubegate_core::condition::Circumstances;
use kubegate_core::gateway::{Assumption, Decision, Gateway, refuse_inbound};
use kubegate_core::id::{PersonId, SessionId};
use kubegate_core::impersonation::{AUTHENTICATED, Assumed, AssumedBuilder};
use kubegate_core::inbound::Inbound;
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::policy::{Finding, Policy};
use kubegate_core::request::{Attributes, Target};
use kubegate_core::time::Timestamp;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use serde_json::Value;

use super::PolicyError;

const ISSUER: &str = "https://kubegate.invalid";

/// Longer than any trial is away from its policy.
const FOREVER: Duration = Duration::from_secs(u64::MAX / 4);

/// A policy that can be asked.
pub(super) struct Trial {
    policy: Policy,
    gateway: Gateway,
    token_key: SigningKey,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Somebody {
    pub(super) user: String,
    pub(super) groups: Vec<String>,
    pub(super) email: Option<String>,
    pub(super) claims: BTreeMap<String, Value>,
    pub(super) provider: String,
    pub(super) acr: Option<String>,
    pub(super) amr: Vec<String>,
    pub(super) auth_time: Timestamp,
}

/// What is asked, from where, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Question {
    pub(super) cluster: String,
    pub(super) method: String,
    pub(super) url: String,
    /// The headers of `kubectl --as`.
    pub(super) assumed: Vec<(String, String)>,
    pub(super) source: String,
    pub(super) now: Timestamp,
}

/// What the gateway decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) decision: String,
    pub(super) rule: String,
    pub(super) reason: String,
    /// The rule that would deny, were it not only on trial.
    pub(super) would_deny: String,
    /// What the client is told when it is not allowed.
    pub(super) message: String,
    /// The HTTP status of that answer; 0 when it is the API server's.
    pub(super) status: u16,
    /// As whom the API server sees the request, or would.
    pub(super) user: String,
    pub(super) groups: Vec<String>,
}

impl Answer {
    /// Whether the request goes on.
    pub(super) fn is_allowed(&self) -> bool {
        matches!(self.decision.as_str(), "allow" | "local")
    }
}

impl Trial {
    /// Puts a policy in force for trials. The keys are of this trial alone, so they need not be secret.
    fn new(authored: &AuthoredPolicy) -> Result<Self, PolicyError> {
        let (bundle_key, token_key) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
        let version = Version { epoch: 0, counter: 1 };
        let document = PolicyDocument {
            issuer: ISSUER.to_owned(),
            version,
            keys: vec![token_key.public().clone()],
            clusters: authored.clusters.clone(),
            parts: Vec::new(),
            pomerium: None,
        };
        let changes = ChangesDocument { version, ..ChangesDocument::default() };
        let bundle = WholeBundle::sign(&bundle_key, document, &authored.rules, LiveEntries::default(), changes);
        let bundle = bundle.map_err(trial)?;
        let keys = Keys::new([bundle_key.public()]).map_err(trial)?;
        let mut gateway = Gateway::new(ISSUER.to_owned(), keys, FOREVER);
        gateway.accept(&bundle.documents()).map_err(trial)?;
        Ok(Self { policy: authored.compile().map_err(trial)?, gateway, token_key })
    }

    /// Puts the policy of a file in force for trials.
    pub(super) fn load(path: &Path) -> Result<Self, PolicyError> {
        let policy = super::read(path)?.map_err(|problems| PolicyError::Invalid { problems })?;
        Self::new(&policy)
    }

    /// What the gateway decides.
    pub(super) fn ask(&mut self, somebody: &Somebody, question: &Question) -> Result<Answer, PolicyError> {
        let host = self.host(&question.cluster)?.to_owned();
        let claims = self.claims(somebody, question);
        let access = self.policy.access(&claims.person(), &claims.aud);
        let token = self.token_key.sign(SESSION_TYPE, &claims).map_err(trial)?;
        let mut headers = vec![
            (":method".to_owned(), question.method.clone()),
            (":authority".to_owned(), host),
            (":path".to_owned(), question.url.clone()),
            ("authorization".to_owned(), format!("Bearer {token}")),
        ];
        headers.extend(question.assumed.iter().cloned());
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let decision = match Inbound::parse(headers) {
            Ok(inbound) => self.gateway.decide(Inbound { source: question.source.clone(), ..inbound }, question.now),
            Err(error) => Decision::Answer(refuse_inbound(&error)),
        };
        let mut groups = access.groups;
        groups.push(AUTHENTICATED.to_owned());
        let seen = Answer { user: somebody.user.clone(), groups, ..Answer::default() };
        Ok(seen.with(decision))
    }

    /// What every rule that could concern the person makes of the request; nothing when the request cannot be read.
    pub(super) fn explain(&self, somebody: &Somebody, question: &Question) -> Vec<Finding<'_>> {
        let Ok(target) = Target::parse(&question.url) else { return Vec::new() };
        let Ok(attributes) = Attributes::of(&question.method, &target) else { return Vec::new() };
        let claims = self.claims(somebody, question);
        self.policy.explain(&claims.person(), &claims.aud, &attributes, &circumstances(&claims, question))
    }

    /// What they make of each thing that `kubectl --as` asks to be, with what that is; nothing when it cannot be read.
    pub(super) fn explain_assumed(&self, somebody: &Somebody, question: &Question) -> Vec<(String, Vec<Finding<'_>>)> {
        let Some(assumed) = question.assumed() else { return Vec::new() };
        let claims = self.claims(somebody, question);
        let (person, circumstances) = (claims.person(), circumstances(&claims, question));
        let explain = |asked: Assumption<'_>| {
            let findings = asked.explain(&self.policy, &person, &claims.aud, &circumstances);
            (asked.what, findings)
        };
        Assumption::all(&assumed).map(explain).collect()
    }

    /// The claims on which it may depend what the gateway decides.
    pub(super) fn claims_asked(&self, somebody: &Somebody, question: &Question) -> BTreeSet<String> {
        let claims = self.claims(somebody, question);
        let (person, cluster) = (claims.person(), &claims.aud);
        let asked = |request: &Attributes<'_>| self.policy.claims_asked(&person, cluster, request);
        let target = Target::parse(&question.url).ok();
        let request = target.as_ref().and_then(|target| Attributes::of(&question.method, target).ok());
        let assumed = question.assumed();
        let assumptions = assumed.iter().flat_map(Assumption::all).map(|assumption| assumption.request);
        request.into_iter().chain(assumptions).flat_map(|request| asked(&request)).map(str::to_owned).collect()
    }

    /// The names of the policy's clusters.
    pub(super) fn clusters(&self) -> impl Iterator<Item = &str> {
        self.policy.clusters().iter().map(|cluster| cluster.name.as_str())
    }

    fn host(&self, cluster: &str) -> Result<&str, PolicyError> {
        let found = self.policy.cluster(cluster).ok_or_else(|| PolicyError::UnknownCluster {
            name: cluster.to_owned(),
            available: self.clusters().map(str::to_owned).collect(),
        })?;
        Ok(found.hosts.first().map(String::as_str).unwrap_or_default())
    }

    /// A token that is good whenever the question is asked.
    fn claims(&self, somebody: &Somebody, question: &Question) -> SessionClaims {
        let Somebody { user, groups, email, claims, provider, acr, amr, auth_time } = somebody.clone();
        let keys = self.policy.claim_keys().iter();
        let later = question.now.after(Duration::from_secs(600));
        SessionClaims {
            iss: ISSUER.to_owned(),
            sub: PersonId::from(format!("{provider}:{user}")),
            aud: question.cluster.as_str().into(),
            exp: later,
            nbf: question.now,
            iat: question.now,
            jti: "trial".to_owned(),
            sid: SessionId::from("trial"),
            session_exp: later,
            auth_time,
            provider,
            user,
            uid: None,
            email,
            groups,
            groups_policy: None,
            claims: keys.map(|key| (key.clone(), Value::Null)).chain(claims).collect(),
            acr,
            amr,
        }
    }
}

impl Answer {
    fn with(mut self, decision: Decision<'_>) -> Self {
        let record = match decision {
            Decision::Allow(allow) => {
                let values = |name: &str| {
                    allow.grant.add.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
                };
                self.groups = values("impersonate-group");
                self.user = values("impersonate-user").concat();
                allow.grant.record.clone()
            }
            Decision::ControlPlane(asked) => asked.record,
            Decision::Answer(answer) => {
                self.status = answer.status;
                self.message = message(&answer.body.text);
                answer.record
            }
        };
        self.decision = record.decision.to_owned();
        self.reason = record.reason.to_owned();
        self.rule = record.rule;
        self.would_deny = record.would_deny;
        self
    }
}

impl Question {
    /// Whom it asks to be.
    fn assumed(&self) -> Option<Assumed> {
        let mut builder = AssumedBuilder::default();
        self.assumed.iter().try_for_each(|(name, value)| builder.add(name, value.as_bytes())).ok()?;
        builder.build().ok()?
    }
}

fn circumstances<'a>(claims: &'a SessionClaims, question: &'a Question) -> Circumstances<'a> {
    Circumstances { claims, groups: &claims.groups, source: &question.source, now: question.now }
}

/// The message of a `Status`, or the plain text.
fn message(body: &str) -> String {
    let status: Option<Value> = serde_json::from_str(body).ok();
    let message = status.as_ref().and_then(|status| status.get("message")?.as_str());
    message.unwrap_or(body).trim_end().to_owned()
}

/// The headers of `kubectl --as`.
pub(super) fn assumed(
    user: Option<&str>,
    groups: &[String],
    uid: Option<&str>,
    extras: &[(String, String)],
) -> Vec<(String, String)> {
    let header = |name: &str, value: &str| (format!("impersonate-{name}"), value.to_owned());
    let users = user.map(|user| header("user", user)).into_iter();
    let groups = groups.iter().map(|group| header("group", group));
    let uids = uid.map(|uid| header("uid", uid)).into_iter();
    let extras = extras.iter().map(|(key, value)| header(&format!("extra-{}", encode_key(key)), value));
    users.chain(groups).chain(uids).chain(extras).collect()
}

/// The query with which a list or a watch asks for one name.
pub(super) fn name_selector(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped: String = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("fieldSelector=metadata.name%3D{escaped}")
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

fn trial(error: impl std::fmt::Display) -> PolicyError {
    PolicyError::Trial { problem: error.to_string() }
}
