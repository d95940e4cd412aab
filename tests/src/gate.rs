//! One more control plane with an Envoy of its own before the world's cluster, for what must not happen to the one that
//! all tests share.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::account::Account;
use crate::browser::Login;
use crate::control_plane::{ControlPlane, Settings};
use crate::envoy::{Envoy, WORKERS};
use crate::gateway::{self, Gateway};
use crate::idp::{self, Idp, IdpAccount};
use crate::person::Person;
use crate::world::{World, cluster_url, control_plane_url};
use crate::{paths, port};

/// Both, running.
#[derive(Debug)]
pub struct Gate<'w> {
    /// Envoy.
    pub envoy: Envoy,
    /// The control plane.
    pub control_plane: ControlPlane,
    /// Envoy's port for people.
    pub port: u16,
    /// An identity provider of its own.
    pub idp: Option<Idp>,
    dir: PathBuf,
    world: &'w World,
}

/// How it differs from the world's.
#[derive(Debug, Default)]
pub struct Differences<'a> {
    /// More of the control plane's configuration.
    pub config: Value,
    /// People of an identity provider of its own; none is started without them.
    pub idp: &'a [IdpAccount],
    /// More of that provider's fields in the control plane's configuration.
    pub provider: Value,
    /// Another filter.
    pub filter: Option<&'a Path>,
    /// Another number of Envoy's worker threads.
    pub workers: Option<usize>,
}

impl<'w> Gate<'w> {
    /// Starts it in a folder `name` of the world's, with its policy and these accounts.
    pub fn start(world: &'w World, name: &str, accounts: &[Account], differences: &Differences<'_>) -> Result<Self> {
        let (dir, port) = (world.dir.join(name), port::free()?);
        let logs = dir.join("logs");
        fs::create_dir_all(&logs)?;
        let folder = dir.join("control-plane");
        fs::create_dir_all(&folder)?;
        fs::copy(&world.pki.ca, folder.join("ca.crt"))?;
        let idp = if differences.idp.is_empty() {
            None
        } else {
            let callback = format!("{}/callback/{}", control_plane_url(port), idp::PROVIDER);
            let mut idp = Idp::start(&logs, &callback, differences.idp)?;
            idp.fields = differences.provider.clone();
            Some(idp)
        };
        let policy = fs::read_to_string(&world.control_plane.policy)?;
        let settings = Settings {
            public_url: &control_plane_url(port),
            accounts,
            idp: idp.as_ref(),
            extra: &differences.config,
            policy: &policy.replace(&world.cluster_url(), &cluster_url(port)),
        };
        let control_plane = ControlPlane::start(&folder, &logs, &settings)?;
        let filter = differences.filter.map_or_else(paths::filter, |filter| Ok(filter.to_owned()))?;
        let envoy = gateway::start(&Gateway {
            dir: &dir.join("envoy"),
            logs: &logs,
            port,
            filter: &filter,
            workers: differences.workers.unwrap_or(WORKERS),
            pki: &world.pki,
            api: &world.api,
            service_account: &world.service_account,
            control_plane: &control_plane,
        })?;
        Ok(Self { envoy, control_plane, port, idp, dir, world })
    }

    /// Where people reach the control plane.
    #[must_use]
    pub fn control_plane_url(&self) -> String {
        control_plane_url(self.port)
    }

    /// A person who has never signed in here.
    pub fn person(&self, login: Login) -> Result<Person> {
        let home = self.dir.join("people").join(&login.user);
        self.world.person_at(self.port, &home, login)
    }
}
