//! A control plane of our own making: mints any token, good or bad, and the bundle that goes with them.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use kubegate_core::authoring::{self, AuthoredPolicy};
use kubegate_core::bundle::{
    self, CHANGES_TYPE, ChangesDocument, LiveEntries, PolicyDocument, PomeriumTokens, Tag, Version, WholeBundle,
};
use kubegate_core::gateway::Gateway;
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::rule::Cluster;
use kubegate_core::time::Timestamp;
use kubegate_core::token::SessionClaims;
use serde_json::{Value, json};

use crate::fake_control_plane::Reply;

const LIFETIME: Duration = Duration::from_secs(600);

/// Keys, and the issuer that they belong to.
#[derive(Debug)]
pub struct Issuer {
    /// The issuer's URL.
    pub url: String,
    /// Signs session tokens.
    pub token_key: SigningKey,
    /// Signs bundles.
    pub bundle_key: SigningKey,
    /// Signs tokens for pomerium-cli.
    pub pomerium_key: SigningKey,
}

impl Issuer {
    /// With fresh keys.
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self { url: url.to_owned(), token_key: fresh_key()?, bundle_key: fresh_key()?, pomerium_key: fresh_key()? })
    }

    /// The plugin configuration of a filter that trusts this issuer and carries the policy of `file` inside.
    pub fn plugin_configuration(&self, file: &Path) -> Result<Value> {
        Ok(json!({
            "issuer": self.url, "bundle_keys": [self.bundle_key.public()],
            "inline_bundle": self.bundle(file)?,
        }))
    }

    /// A gateway that trusts this issuer, with the policy of `file` in force.
    pub fn gateway(&self, file: &Path) -> Result<Gateway> {
        let keys = Keys::new(std::slice::from_ref(self.bundle_key.public()))?;
        let mut gateway = Gateway::new(self.url.clone(), keys, LIFETIME * 6);
        gateway.accept_inline(&self.bundle(file)?.documents())?;
        Ok(gateway)
    }

    /// The bundle with the policy of `file`.
    fn bundle(&self, file: &Path) -> Result<WholeBundle> {
        let policy = read(file)?;
        let version = Version { epoch: 1, counter: 1 };
        let expires_at = Some(now().after(LIFETIME * 6));
        let changes = ChangesDocument { version, issued_at: now(), expires_at, ..ChangesDocument::default() };
        let document = self.document(policy.clusters, version);
        Ok(WholeBundle::sign(&self.bundle_key, document, &policy.rules, LiveEntries::default(), changes)?)
    }

    /// A bundle for gateways that ask for it, all of it in the version `counter`: the policy of `file`, and a live set.
    pub fn served(&self, file: &Path, counter: u64, entries: LiveEntries) -> Result<Served> {
        let policy = read(file)?;
        let version = Version { epoch: 1, counter };
        let changes = ChangesDocument { version, issued_at: now(), ..ChangesDocument::default() };
        let document = self.document(policy.clusters, version);
        let whole = WholeBundle::sign(&self.bundle_key, document, &policy.rules, entries, changes)?;
        Ok(Served { whole, live: version, version })
    }

    /// The same bundle with changes of now, in the version `counter`.
    pub fn changed(&self, served: &Served, counter: u64, entries: LiveEntries) -> Result<Served> {
        let version = Version { epoch: 1, counter };
        let WholeBundle { policy, live, .. } = &served.whole;
        let (policy, live) = (bundle::hash(policy), bundle::hash(live));
        let document = ChangesDocument { version, policy, live, issued_at: now(), expires_at: None, entries };
        let changes = self.bundle_key.sign(CHANGES_TYPE, &document)?;
        Ok(Served { whole: WholeBundle { changes, ..served.whole.clone() }, live: served.live, version })
    }

    fn document(&self, clusters: Vec<Cluster>, version: Version) -> PolicyDocument {
        let keys = vec![self.token_key.public().clone()];
        let pomerium = PomeriumTokens {
            keys: vec![self.pomerium_key.public().clone()],
            clusters: clusters.iter().map(|cluster| cluster.name.clone()).collect(),
        };
        let (issuer, parts) = (self.url.clone(), Vec::new());
        PolicyDocument { issuer, version, keys, clusters, parts, pomerium: Some(pomerium) }
    }

    /// Good claims of a person.
    #[must_use]
    pub fn claims(&self, cluster: &str, user: &str, groups: &[&str]) -> SessionClaims {
        let now = now();
        SessionClaims {
            iss: self.url.clone(),
            sub: format!("accounts:{user}").into(),
            aud: cluster.into(),
            exp: now.after(LIFETIME),
            nbf: now.before(Duration::from_secs(30)),
            iat: now,
            jti: "a-token-of-the-tests".to_owned(),
            sid: "a-session-of-the-tests".into(),
            session_exp: now.after(LIFETIME * 6),
            auth_time: now,
            provider: "accounts".to_owned(),
            user: user.to_owned(),
            uid: None,
            email: None,
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            groups_policy: None,
            claims: std::collections::BTreeMap::default(),
            acr: None,
            amr: Vec::new(),
        }
    }
}

/// A bundle as a control plane serves it.
#[derive(Debug, Clone)]
pub struct Served {
    /// The documents.
    pub whole: WholeBundle,
    /// The version of the changes, which are its newest part.
    pub version: Version,
    live: Version,
}

impl Served {
    /// The answer to a gateway that lacks all of it.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let tag = Tag { policy: bundle::hash(&self.whole.policy), live: self.live, changes: self.version };
        Reply::Bundle { etag: format!("\"{tag}\""), text: self.whole.documents().to_string() }
    }
}

fn read(file: &Path) -> Result<AuthoredPolicy> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let folder = file.parent().unwrap_or(Path::new("."));
    authoring::parse("policy", &text, &|path| fs::read(folder.join(path))).map_err(|problems| anyhow!("{problems}"))
}

/// A key that nobody else has.
pub fn fresh_key() -> Result<SigningKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(SigningKey::from_seed(seed))
}

/// The time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the tests' one clock")]
pub fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}
