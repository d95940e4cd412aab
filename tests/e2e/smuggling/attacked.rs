//! The Envoy that is attacked: the world's own bootstrap and cluster, with an issuer whose keys and times never change,
//! so that a case is the same bytes in every run; and a service account token of its own, by which the API server's audit
//! log tells its requests from all others.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::jws::SigningKey;
use kubegate_tests::envoy::Envoy;
use kubegate_tests::issuer::Issuer;
use kubegate_tests::poll;
use kubegate_tests::raw;
use kubegate_tests::service_account::ServiceAccount;
use kubegate_tests::variant::Variant;
use kubegate_tests::world::{CLUSTER_HOST, World};
use serde_json::Value;

use super::attacker::Attacker;
use super::oracle::Oracle;
use super::wire::Door;

const ISSUER: &str = "https://issuer.example.com";
const LIMIT: Duration = Duration::from_secs(20);

/// A running Envoy under attack, and what watches it.
pub(super) struct Attacked {
    pub(super) door: Arc<Door>,
    envoy: Envoy,
    issuer: Issuer,
    oracle: Oracle,
    barriers: u32,
    _service_account: ServiceAccount,
}

impl Attacked {
    /// As an operator would run it.
    pub(super) fn start(world: &World, name: &str) -> Self {
        Self::changed(world, name, |variant| variant)
    }

    /// With a change of its bootstrap.
    pub(super) fn changed(world: &World, name: &str, change: impl FnOnce(Variant) -> Variant) -> Self {
        let issuer = issuer();
        let account = ServiceAccount::install(&world.api.admin, "kubegate", &world.dir.join(name)).unwrap();
        let configuration = issuer.plugin_configuration(&world.control_plane.policy).unwrap();
        let variant = Variant::of(&world.envoy, world.port).unwrap().with_service_account(&account).unwrap();
        let variant = variant.with_plugin_configuration(|plugin| *plugin = configuration.clone());
        let (envoy, port) = change(variant).start(name, &world.dir.join("envoy"), &world.dir.join("logs")).unwrap();
        let token = std::fs::read_to_string(account.token_file()).unwrap();
        let oracle = Oracle::new(world.api.audit_log.as_ref().unwrap(), envoy.log(), token_id(&token));
        let door = Arc::new(Door::new(&world.pki.ca, port));
        Self { door, envoy, issuer, oracle, barriers: 0, _service_account: account }
    }

    /// Somebody with these groups.
    pub(super) fn attacker(&self, user: &str, groups: &[&str], may: fn(&Value) -> bool) -> Attacker {
        Attacker::new(&self.issuer, user, groups, may)
    }

    /// Somebody who may read one namespace.
    pub(super) fn reader(&self) -> Attacker {
        self.attacker("bob@example.com", &["team-a"], super::attacker::reads_its_namespace)
    }

    /// Its bootstrap.
    pub(super) fn config(&self) -> &Path {
        &self.envoy.config
    }

    /// What arrived at the API server since the last time; panics at the first event that should not be.
    pub(super) fn hold(&mut self, attacker: &Attacker) -> Vec<Value> {
        self.arrived(attacker).unwrap_or_else(|violation| panic!("{violation}"))
    }

    /// The same; a violation is the caller's to report.
    pub(super) fn arrived(&mut self, attacker: &Attacker) -> Result<Vec<Value>, String> {
        self.envoy.check_alive().map_err(|error| error.to_string())?;
        self.settle()?;
        let reader = self.reader();
        let name = self.barrier(&reader)?;
        let mut events = Vec::new();
        let passed = poll::until("the audit log to catch up", LIMIT, || {
            events.extend(self.oracle.events());
            if events.iter().any(|event| is_named(event, &name)) { Ok(()) } else { Err("not yet".to_owned()) }
        });
        passed.map_err(|error| error.to_string())?;
        let (own, theirs) = events.into_iter().partition::<Vec<_>, _>(|event| {
            event.pointer("/objectRef/name").and_then(Value::as_str).is_some_and(|name| name.starts_with("barrier-"))
        });
        own.iter().try_for_each(|event| self.oracle.judge(event, &reader))?;
        theirs.iter().try_for_each(|event| self.oracle.judge(event, attacker))?;
        Ok(theirs.into_iter().filter(|event| event.get("impersonatedUser").is_some()).collect())
    }

    /// Waits until no request is under way any more.
    fn settle(&self) -> Result<(), String> {
        let settled = poll::until("the end of all requests", LIMIT, || {
            let active =
                self.envoy.metrics("downstream_rq_active|upstream_rq_active").map_err(|error| error.to_string())?;
            let mut values = active.lines().filter(|line| !line.starts_with('#') && !line.contains("admin"));
            match values.find(|line| !line.ends_with(" 0")) {
                None => Ok(()),
                Some(busy) => Err(busy.to_owned()),
            }
        });
        settled.map_err(|error| error.to_string())
    }

    /// A request whose event stands in the log behind those of all requests that were answered before; it also shows
    /// that Envoy and its filter are well.
    fn barrier(&mut self, reader: &Attacker) -> Result<String, String> {
        self.barriers += 1;
        let name = format!("barrier-{}-{}", self.door.port(), self.barriers);
        let path = format!("/api/v1/namespaces/team-a/pods/{name}");
        let authorization = format!("Authorization: Bearer {}", reader.token).into_bytes();
        let answer = raw::get(self.door.ca(), CLUSTER_HOST, self.door.port(), &path, &[&authorization]);
        let answer = answer.map_err(|error| format!("a good request fails: {error}"))?;
        if answer.status == 404 { Ok(name) } else { Err(format!("a good request is answered so: {answer:?}")) }
    }
}

/// Fixed keys: nothing but the tests' own Envoys trusts them.
pub(super) fn issuer() -> Issuer {
    let key = |number: u8| SigningKey::from_seed([number; 32]);
    Issuer { url: ISSUER.to_owned(), token_key: key(1), bundle_key: key(2), pomerium_key: key(3) }
}

fn is_named(event: &Value, name: &str) -> bool {
    event.pointer("/objectRef/name").is_some_and(|found| found == name)
}

/// As the API server's audit log names a service account's token.
fn token_id(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    format!("JTI={}", claims["jti"].as_str().unwrap())
}
