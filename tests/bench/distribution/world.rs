//! One control plane with much to tell: its policy, its store, and who makes changes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use kubegate_control_plane::config::Config;
use kubegate_control_plane::person::Identity;
use kubegate_control_plane::seal::Sealer;
use kubegate_control_plane::session::{Holder, Session, SessionKind};
use kubegate_control_plane::store::elevation::{self, Elevation};
use kubegate_control_plane::store::revocation::{self, Revocation, Subject};
use kubegate_control_plane::store::{Store, session};
use kubegate_control_plane::token::{Minter, Schedule, TokenKeys};
use kubegate_core::authoring;
use kubegate_core::bundle::Version;
use kubegate_core::id::{ElevationId, PersonId, SessionId};
use kubegate_core::policy::Policy;
use kubegate_core::time::Timestamp;
use kubegate_tests::account::random_word;
use kubegate_tests::control_plane::{ControlPlane, Settings};
use kubegate_tests::{http, issuer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::watch::Probe;
use crate::company::{CLUSTER, Company, person, policy_file};

/// The control plane's public URL.
pub(super) const ISSUER: &str = "https://kubegate.example.com";

const PROVIDER: &str = "company";
const LIFETIME: Duration = Duration::from_secs(3600);

/// Live entries that are there from the beginning.
const REVOKED_SESSIONS: usize = 2500;
const REVOKED_PEOPLE: usize = 1000;
const ELEVATIONS: usize = 1500;

/// The group that a rule of every company gives the subject's request to.
pub(super) const ALLOWED: &str = "checkout-oncall";

/// More groups than a token carries.
const GUILDS: usize = 200;

/// A running control plane, and all that changes are made of.
pub(super) struct World {
    /// The control plane.
    pub(super) control_plane: ControlPlane,
    /// A credential for each gateway.
    pub(super) credentials: Vec<String>,
    /// How many entries the live set has.
    pub(super) live_entries: usize,
    /// Who is signed in.
    pub(super) people: People,
    /// Makes their tokens.
    pub(super) mint: Mint,
    administrator: String,
    rules: Vec<String>,
    edited: PathBuf,
    client: ureq::Agent,
}

impl World {
    /// Starts it with a policy of `rules` rules, credentials for `gateways` gateways, and people for `rounds` rounds.
    pub(super) fn start(dir: &Path, rules: usize, gateways: usize, rounds: usize) -> Result<Self> {
        let rules = rules_with_slots(rules);
        let credentials: Vec<String> = (0..gateways).map(|_| Ok(random_word()?.repeat(3))).collect::<Result<_>>()?;
        let known: Vec<Value> = credentials
            .iter()
            .enumerate()
            .map(|(number, credential)| json!({"name": format!("edge-{number:03}"), "credentialSha256": hex(credential)}))
            .collect();
        let extra = json!({
            "gateways": known,
            "providers": [{"id": PROVIDER, "issuer": "https://idp.example.com", "clientId": "kubegate"}],
        });
        let policy = policy_file(&rules);
        let settings = Settings { public_url: ISSUER, accounts: &[], idp: None, extra: &extra, policy: &policy };
        let home = dir.join("control-plane");
        fs::create_dir_all(&home)?;
        let mut control_plane = ControlPlane::prepare(&home, dir, &settings)?;

        let people = People::for_rounds(rounds);
        let config = Config::load(&control_plane.config, &|_| None).map_err(|error| anyhow!("{error}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mint = runtime.block_on(fill(config, &people, &policy))?;
        let administrator = mint.access_token(people.one("administrator")?)?;
        control_plane.restart()?;
        Ok(Self {
            control_plane,
            credentials,
            live_entries: REVOKED_SESSIONS + REVOKED_PEOPLE + ELEVATIONS,
            people,
            mint,
            administrator,
            rules,
            // Not beside the policy, whose folder is watched.
            edited: dir.join("policy.new"),
            client: http::plain_client(),
        })
    }

    /// The plugin configuration of a filter that asks this control plane.
    pub(super) fn plugin_configuration(&self) -> Value {
        json!({
            "issuer": ISSUER, "bundle_keys": [self.control_plane.bundle_key.public()],
            "control_plane": {"cluster": crate::bootstrap::CONTROL_PLANE},
        })
    }

    /// An administrator's call: a `POST` when there is a body.
    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("http://127.0.0.1:{}{path}", self.control_plane.public_port);
        let authorization = format!("Bearer {}", self.administrator);
        let mut answer = match body {
            Some(body) => {
                let request = self.client.post(&url).header("authorization", authorization);
                request.content_type("application/json").send(body.to_string())?
            }
            None => {
                let request = hyper::Request::builder().method(method).uri(&url).header("authorization", authorization);
                self.client.run(request.body(())?)?
            }
        };
        let text = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        serde_json::from_str(&text).with_context(|| format!("{method} {path}: {text}"))
    }

    /// The id of a person's elevation.
    pub(super) fn elevation_of(&self, person: &Session) -> Result<String> {
        let answer = self.call("GET", "/api/v1/elevations", None)?;
        let all = answer.get("elevations").and_then(Value::as_array).context("no list of elevations")?;
        let wanted = json!(person.identity.person());
        let has = |elevation: &&Value, field, value: &Value| elevation.get(field) == Some(value);
        let its = all.iter().find(|one| has(one, "person", &wanted) && has(one, "live", &Value::Bool(true)));
        let id = its.and_then(|elevation| elevation.get("id")?.as_str());
        Ok(id.with_context(|| format!("{wanted} has no elevation"))?.to_owned())
    }

    /// Writes the policy file with another rule in a slot, to be put in place by [`World::make_edit`].
    pub(super) fn prepare_edit(&mut self, slot: usize, rule: String) -> Result<()> {
        let position = slot_position(self.rules.len(), slot);
        *self.rules.get_mut(position).context("no such slot")? = rule;
        Ok(fs::write(&self.edited, policy_file(&self.rules))?)
    }

    /// Puts the edited policy file in place, by rename.
    pub(super) fn make_edit(&self) -> Result<()> {
        Ok(fs::rename(&self.edited, &self.control_plane.policy)?)
    }
}

/// Slots are rules in the middle that edits put others in place of.
fn slot_position(rules: usize, slot: usize) -> usize {
    rules / 2 + slot
}

fn rules_with_slots(rules: usize) -> Vec<String> {
    let mut rules = Company::new(rules).rules();
    let guilds = format!(
        "name: members of guilds bring one group, who: {{users: [{}]}}, clusters: [{CLUSTER}], groups: {{pass: [{ALLOWED}]}}",
        user("guilds")
    );
    let position = slot_position(rules.len(), 3);
    if let Some(slot) = rules.get_mut(position) {
        *slot = guilds;
    }
    rules
}

/// Signed-in people by what happens to them.
pub(super) struct People(HashMap<String, Session>);

impl People {
    fn for_rounds(rounds: usize) -> Self {
        let now = issuer::now();
        let mut people = vec![
            signed_in("administrator", &["platform-admins"], now),
            signed_in("edited", &["all-staff"], now),
            signed_in("elevated", &["all-staff"], now),
            signed_in("guilds", &guilds().iter().map(String::as_str).collect::<Vec<_>>(), now),
        ];
        for round in 0..rounds {
            people.extend(
                ["session", "person", "disabled"].map(|kind| signed_in(&format!("{kind}-{round}"), &[ALLOWED], now)),
            );
        }
        Self(people.into_iter().map(|session| (session.identity.subject.clone(), session)).collect())
    }

    /// The one person of a name.
    pub(super) fn one(&self, name: &str) -> Result<&Session> {
        self.0.get(name).with_context(|| format!("there is no person {name}"))
    }

    /// The person of a name in a round.
    pub(super) fn of(&self, name: &str, round: usize) -> Result<&Session> {
        self.one(&format!("{name}-{round}"))
    }
}

fn guilds() -> Vec<String> {
    let guilds = (0..GUILDS).map(|number| format!("guild-{number:03}-of-the-old-harbour"));
    [ALLOWED.to_owned()].into_iter().chain(guilds).collect()
}

fn user(name: &str) -> String {
    format!("{name}@example.com")
}

fn signed_in(name: &str, groups: &[&str], now: Timestamp) -> Session {
    let identity = Identity {
        provider: PROVIDER.to_owned(),
        subject: name.to_owned(),
        user: user(name),
        uid: None,
        email: Some(user(name)),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        claims: std::collections::BTreeMap::new(),
        acr: None,
        amr: Vec::new(),
        credential: None,
    };
    Session {
        id: SessionId::from(format!("s_{name}")),
        kind: SessionKind::Cli,
        identity,
        auth_time: now,
        signed_in_at: now,
        created_at: now,
        last_used_at: now,
        expires_at: now.after(LIFETIME * 12),
        tokens_until: now.after(LIFETIME),
        ended: None,
        sign_in: None,
        holder: Holder::default(),
        last_address: None,
    }
}

/// Makes tokens as the control plane does, with its own key.
pub(super) struct Mint {
    minter: Minter,
    policy: Policy,
}

impl Mint {
    /// The request of somebody whose token was made under the policy `version`.
    pub(super) fn probe(&self, session: &Session, version: Version) -> Result<Probe> {
        let (now, policy) = (issuer::now(), (&self.policy, version));
        let token = self.minter.session_token(session, &CLUSTER.into(), policy, now.after(LIFETIME), now)?;
        Ok(Probe { token })
    }

    fn access_token(&self, session: &Session) -> Result<String> {
        let now = issuer::now();
        Ok(self.minter.access_token(session, now.after(LIFETIME), now)?)
    }
}

/// Writes the store: sessions, revocations, and the key that tokens are signed with.
async fn fill(config: Config, people: &People, policy: &str) -> Result<Mint> {
    let now = issuer::now();
    let store = Store::open(&config.store).await?;
    let sealer = Sealer::new(config.encryption_key.expose());
    let schedule = Schedule { rotate_every: config.rotate_every, keep: config.sessions.max_lifetime };
    let keys = TokenKeys::open(store.clone(), sealer, schedule, now).await?;
    let mut tx = store.write().await?;
    for session in people.0.values() {
        session::insert(&mut tx, session, None, None).await?;
        session::touch(&mut tx, &session.id, now, None, Some(session.tokens_until)).await?;
    }
    let until = now.after(LIFETIME * 12);
    for number in 0..REVOKED_SESSIONS {
        let subject = Subject::Session {
            session: SessionId::from(kubegate_control_plane::random::id("s_")?),
            person: employee(number),
        };
        revocation::put(&mut tx, &Revocation { subject, until, reason: "signed-out".to_owned() }).await?;
    }
    for number in 0..REVOKED_PEOPLE {
        let subject = Subject::Person { person: employee(REVOKED_SESSIONS + number), not_before: now };
        revocation::put(&mut tx, &Revocation { subject, until, reason: "administrator".to_owned() }).await?;
    }
    for number in 0..ELEVATIONS {
        let elevation = Elevation {
            id: ElevationId::from(kubegate_control_plane::random::id("e_")?),
            person: employee(REVOKED_SESSIONS + REVOKED_PEOPLE + number),
            user: None,
            cluster: CLUSTER.into(),
            groups: vec![format!("incident-{number:05}")],
            reason: "an incident".to_owned(),
            granted_by: user("administrator"),
            granted_at: now,
            until,
            ended_by: None,
        };
        elevation::insert(&mut tx, &elevation).await?;
    }
    tx.commit().await?;
    store.close().await;
    let policy =
        authoring::parse("policy", policy, &|path| fs::read(path)).map_err(|problems| anyhow!("{problems}"))?;
    Ok(Mint { minter: Minter::new(ISSUER.to_owned(), Arc::new(keys)), policy: policy.compile()? })
}

fn employee(number: usize) -> PersonId {
    PersonId::from(format!("{PROVIDER}:{}", person(number)))
}

fn hex(credential: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(credential.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
