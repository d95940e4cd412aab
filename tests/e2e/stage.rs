//! An Envoy whose control plane is the test's own: what it serves, and when, is the test's to say.

use std::path::Path;
use std::time::{Duration, Instant};

use kubegate_core::bundle::LiveEntries;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::envoy::Envoy;
use kubegate_tests::fake_control_plane::FakeControlPlane;
use kubegate_tests::issuer::{Issuer, Served};
use kubegate_tests::kubectl::Kubectl;
use kubegate_tests::variant::Variant;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST, World};
use kubegate_tests::{kubeconfig, poll, raw};
use serde_json::{Value, json};

use crate::suite::TEAM;

/// How long something may take that takes seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// After how many answers in a row all workers are sure to have given one.
const IN_A_ROW: usize = 8;

/// The Envoy, and all that a control plane has.
pub(crate) struct Stage<'w> {
    pub(crate) issuer: Issuer,
    pub(crate) control_plane: FakeControlPlane,
    pub(crate) envoy: Envoy,
    /// What is served first.
    pub(crate) first: Served,
    /// The Envoy's port for people.
    pub(crate) port: u16,
    world: &'w World,
}

impl<'w> Stage<'w> {
    /// Starts it with the policy of the world in its first version; `configure` changes the plugin configuration.
    pub(crate) fn start(world: &'w World, name: &str, configure: impl Fn(&mut Value)) -> Self {
        let issuer = Issuer::new(&world.control_plane_url()).unwrap();
        let first = issuer.served(&world.control_plane.policy, 1, LiveEntries::default()).unwrap();
        let control_plane = FakeControlPlane::start(first.reply()).unwrap();
        let variant = Variant::of(&world.envoy, world.port).unwrap().with_control_plane(control_plane.port);
        let variant = variant.with_plugin_configuration(|plugin| {
            plugin["bundle_keys"] = json!([issuer.bundle_key.public()]);
            configure(plugin);
        });
        let (envoy, port) = variant.start(name, &world.dir.join("envoy"), &world.dir.join("logs")).unwrap();
        let stage = Self { issuer, control_plane, envoy, first, port, world };
        let token = stage.token("first");
        stage.until("the first bundle", &token, |answer| !answer.body.contains("no-policy"));
        stage
    }

    /// The file with the policy.
    pub(crate) fn policy(&self) -> &Path {
        &self.world.control_plane.policy
    }

    /// A token of the session `sid` of somebody who may see pods.
    pub(crate) fn token(&self, sid: &str) -> String {
        self.sign(&SessionClaims {
            sid: sid.into(),
            ..self.issuer.claims(CLUSTER, "alice@example.com", &["platform-admins"])
        })
    }

    /// A token that says so.
    pub(crate) fn sign(&self, claims: &SessionClaims) -> String {
        self.issuer.token_key.sign(SESSION_TYPE, claims).unwrap()
    }

    /// What comes of a request for the pods.
    pub(crate) fn get(&self, token: &str) -> raw::Answer {
        self.ask(token, &format!("/api/v1/namespaces/{TEAM}/pods"))
    }

    /// What comes of a request for something else.
    pub(crate) fn ask(&self, token: &str, path: &str) -> raw::Answer {
        let authorization = format!("Authorization: Bearer {token}").into_bytes();
        raw::get(&self.world.pki.ca, CLUSTER_HOST, self.port, path, &[&authorization]).unwrap()
    }

    /// Asks until the status is `wanted`, and says how long it took.
    pub(crate) fn until_status(&self, token: &str, wanted: u16) -> Duration {
        self.until(&format!("{wanted}"), token, |answer| answer.status == wanted)
    }

    /// Asks until every worker's answer is as `wanted`, and says how long it took. Each learns of news at a tick of its
    /// own, and nothing tells which one a connection goes to.
    fn until(&self, what: &str, token: &str, wanted: impl Fn(&raw::Answer) -> bool) -> Duration {
        let began = Instant::now();
        let mut took = Duration::ZERO;
        poll::until(what, LIMIT, || {
            took = began.elapsed();
            let other = (0..IN_A_ROW).map(|_| self.get(token)).find(|answer| !wanted(answer));
            other.map_or(Ok(()), |answer| Err(format!("{answer:?}")))
        })
        .unwrap();
        took
    }

    /// A `kubectl` that shows this token.
    pub(crate) fn kubectl(&self, token: &str) -> Kubectl {
        let file = self.envoy.config.with_extension("kubeconfig");
        let server = format!("https://{CLUSTER_HOST}:{}", self.port);
        let target = kubeconfig::Target {
            cluster: CLUSTER,
            server: &server,
            control_plane: &self.issuer.url,
            ca: &self.world.pki.ca,
            namespace: TEAM,
        };
        kubeconfig::write_with_token(&file, target, token).unwrap();
        let cache = self.envoy.config.with_extension("kube-cache");
        Kubectl::new(self.world.api.admin.binary(), &file).with_env("KUBECACHEDIR", cache)
    }
}
