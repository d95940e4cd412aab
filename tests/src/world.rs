//! Everything together: API server, identity provider, control plane, Envoy.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::account::Account;
use crate::apiserver::ApiServer;
use crate::browser::Login;
use crate::control_plane::{ControlPlane, Settings};
use crate::envoy::{Envoy, WORKERS};
use crate::gateway::{self, Gateway};
use crate::idp::{IdentityProvider as _, Idp, IdpAccount, Place};
use crate::kubeconfig::Target;
use crate::kubectl::Kubectl;
use crate::objects::{self, Names};
use crate::person::Person;
use crate::pki::Pki;
use crate::service_account::ServiceAccount;
use crate::{files, paths, poll, port, template};

/// The host under which people reach the control plane. Cookies do not care for ports, so it is another than
/// the cluster's; both resolve on every machine without a name server.
pub const CONTROL_PLANE_HOST: &str = "localhost";

/// The host under which `kubectl` reaches the cluster.
pub const CLUSTER_HOST: &str = "127.0.0.1";

/// The cluster's name in the policy.
pub const CLUSTER: &str = "demo";

/// Which API server to put Kubegate in front of.
#[derive(Debug, Clone)]
pub enum Api {
    /// tests/cluster, started and stopped with the world.
    Own,
    /// A person's own cluster.
    Kubeconfig {
        /// Their `kubectl`.
        kubectl: PathBuf,
        /// Their kubeconfig.
        file: PathBuf,
        /// Its context; the current one when none is named.
        context: Option<String>,
    },
}

/// What the world should be like.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Where its files go; what an earlier run left there is removed.
    pub dir: &'a Path,
    /// The API server.
    pub api: Api,
    /// The policy, with `${CLUSTER_HOST}`, `${CLUSTER_URL}`, `${CA}` and `${TEAM}`.
    pub policy: &'a str,
    /// The built-in accounts.
    pub accounts: &'a [Account],
    /// People of an external identity provider; none is started without them.
    pub idp: &'a [IdpAccount],
    /// More of the control plane's configuration.
    pub config: Value,
    /// Told what begins and how long it usually takes.
    pub progress: fn(&str, &str),
}

/// A running world; all of it stops on drop, Envoy first.
#[derive(Debug)]
pub struct World {
    /// Where its files are.
    pub dir: PathBuf,
    /// The way in.
    pub envoy: Envoy,
    /// The service behind it.
    pub control_plane: ControlPlane,
    /// The external identity provider.
    pub idp: Option<Idp>,
    /// Envoy's credential at the cluster.
    pub service_account: ServiceAccount,
    /// Envoy's certificate and its authority.
    pub pki: Pki,
    /// Envoy's port for people.
    pub port: u16,
    /// The names of what is in the cluster.
    pub names: Names,
    guest: GuestObjects,
    /// The cluster.
    pub api: ApiServer,
}

impl World {
    /// Starts all of it, side by side where nothing depends on another.
    pub fn start(plan: &Plan<'_>) -> Result<Self> {
        let dir = plan.dir;
        let logs = dir.join("logs");
        files::run_dir(dir)?;
        fs::create_dir_all(&logs)?;
        let port = port::free()?;
        let pki = Pki::create(&dir.join("pki"), &[CONTROL_PLANE_HOST, CLUSTER_HOST])?;
        let names = if matches!(plan.api, Api::Own) { objects::OWN } else { objects::GUEST };

        let (cluster, services) = thread::scope(|scope| {
            let cluster = scope.spawn(|| start_cluster(plan, names, &logs));
            let services = scope.spawn(|| start_services(plan, names, &logs, &pki, port));
            (cluster.join(), services.join())
        });
        let (api, service_account) = cluster.map_err(|_| anyhow!("the cluster's thread panicked"))??;
        let guest = GuestObjects::of(plan, &api, names);
        let (idp, control_plane) = services.map_err(|_| anyhow!("the services' thread panicked"))??;

        (plan.progress)("Envoy with the filter", "2 s");
        let envoy = gateway::start(&Gateway {
            dir: &dir.join("envoy"),
            logs: &logs,
            port,
            filter: &paths::filter()?,
            workers: WORKERS,
            pki: &pki,
            api: &api,
            service_account: &service_account,
            control_plane: &control_plane,
        })?;
        Ok(Self { dir: dir.to_owned(), envoy, control_plane, idp, service_account, pki, port, names, guest, api })
    }

    /// The control plane's public URL.
    #[must_use]
    pub fn control_plane_url(&self) -> String {
        control_plane_url(self.port)
    }

    /// The cluster's URL for `kubectl`.
    #[must_use]
    pub fn cluster_url(&self) -> String {
        cluster_url(self.port)
    }

    /// A person who has never signed in here; their files go to `home`.
    pub fn person(&self, home: &Path, login: Login) -> Result<Person> {
        self.person_at(self.port, home, login)
    }

    /// The same at another Envoy before the same cluster.
    pub(crate) fn person_at(&self, port: u16, home: &Path, login: Login) -> Result<Person> {
        let (server, control_plane) = (cluster_url(port), control_plane_url(port));
        let target = Target {
            cluster: CLUSTER,
            server: &server,
            control_plane: &control_plane,
            ca: &self.pki.ca,
            namespace: self.names.team,
        };
        Person::new(home, self.api.admin.binary(), target, login)
    }

    /// Fails when something that should run has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        self.envoy.check_alive()?;
        self.control_plane.check_alive()?;
        self.api.check_alive()
    }

    /// Takes what was made in a person's own cluster out of it; the rest stops on drop.
    pub fn clean_up(&mut self) -> Result<()> {
        self.guest.remove()
    }
}

/// The control plane's public URL behind an Envoy on `port`.
pub(crate) fn control_plane_url(port: u16) -> String {
    format!("https://{CONTROL_PLANE_HOST}:{port}")
}

/// The cluster's URL behind an Envoy on `port`.
pub(crate) fn cluster_url(port: u16) -> String {
    format!("https://{CLUSTER_HOST}:{port}")
}

fn start_cluster(plan: &Plan<'_>, names: Names, logs: &Path) -> Result<(ApiServer, ServiceAccount)> {
    let dir = plan.dir.join("cluster");
    let api = match &plan.api {
        Api::Own => {
            (plan.progress)("kube-apiserver, its kubelet and a pod", "6 s");
            ApiServer::start(&dir, logs)?
        }
        Api::Kubeconfig { kubectl, file, context } => {
            (plan.progress)("the service account and a pod in your cluster", "10 s");
            let api = ApiServer::of_kubeconfig(kubectl, file, context.as_deref(), &dir)?;
            objects::refuse_strangers(&api.admin, names)?;
            api
        }
    };
    let mut guest = GuestObjects::of(plan, &api, names);
    let service_account =
        ServiceAccount::install(&api.admin, names.service_account, &plan.dir.join("envoy/service-account"))?;
    objects::install(&api.admin, names)?;
    guest.keep();
    Ok((api, service_account))
}

fn start_services(
    plan: &Plan<'_>,
    names: Names,
    logs: &Path,
    pki: &Pki,
    port: u16,
) -> Result<(Option<Idp>, ControlPlane)> {
    let public_url = control_plane_url(port);
    let idp = if plan.idp.is_empty() {
        None
    } else {
        Some(Idp::start(logs, Place { public_url: &public_url, ca: &pki.ca }, plan.idp)?)
    };
    let dir = plan.dir.join("control-plane");
    fs::create_dir_all(&dir)?;
    fs::copy(&pki.ca, dir.join("ca.crt"))?;
    let url = cluster_url(port);
    let policy = template::render(
        plan.policy,
        &[("CLUSTER_HOST", CLUSTER_HOST), ("CLUSTER_URL", &url), ("CA", "ca.crt"), ("TEAM", names.team)],
    )?;
    (plan.progress)("the control plane", "2 s");
    let settings = Settings {
        public_url: &public_url,
        accounts: plan.accounts,
        idp: idp.as_ref().map(Idp::registration),
        extra: &plan.config,
        policy: &policy,
    };
    let control_plane = ControlPlane::start(&dir, logs, &settings)?;
    Ok((idp, control_plane))
}

/// What the demo made in a person's own cluster: taken out again on drop.
#[derive(Debug)]
struct GuestObjects {
    made: Option<(Kubectl, Names)>,
    progress: fn(&str, &str),
}

impl GuestObjects {
    fn of(plan: &Plan<'_>, api: &ApiServer, names: Names) -> Self {
        let guest = matches!(plan.api, Api::Kubeconfig { .. });
        Self { made: guest.then(|| (api.admin.clone(), names)), progress: plan.progress }
    }

    /// Somebody else takes them out.
    fn keep(&mut self) {
        self.made = None;
    }

    fn remove(&mut self) -> Result<()> {
        let Some((admin, names)) = self.made.take() else { return Ok(()) };
        (self.progress)("removing from your cluster what the demo made there", "10 s");
        objects::remove(&admin, names)
    }
}

impl Drop for GuestObjects {
    fn drop(&mut self) {
        poll::resume();
        let _ = self.remove();
    }
}
