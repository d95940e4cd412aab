//! One more control plane with an Envoy of its own before the world's cluster, for what must not happen to the one that
//! all tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use serde_json::Value;

use crate::account::Account;
use crate::browser::Login;
use crate::control_plane::{ControlPlane, Settings};
use crate::envoy::{Envoy, WORKERS};
use crate::gateway::{self, Gateway};
use crate::idp::Registration;
use crate::person::Person;
use crate::world::{World, cluster_url, control_plane_url};
use crate::{paths, port};

/// Both, running.
#[derive(Debug)]
pub struct Gate {
    /// Envoy.
    pub envoy: Envoy,
    /// The control plane.
    pub control_plane: ControlPlane,
    /// Envoy's port for people.
    pub port: u16,
    dir: PathBuf,
    people: AtomicU32,
}

/// How it differs from the world's.
#[derive(Debug, Default)]
pub struct Differences<'a> {
    /// More of the control plane's configuration.
    pub config: Value,
    /// Another filter.
    pub filter: Option<&'a Path>,
    /// Another number of Envoy's worker threads.
    pub workers: Option<usize>,
    /// An external identity provider.
    pub idp: Option<&'a Registration>,
    /// The port for people, when somebody had to know it before.
    pub port: Option<u16>,
}

impl Gate {
    /// Starts it in a folder `name` of the world's, with its policy and these accounts.
    pub fn start(world: &World, name: &str, accounts: &[Account], differences: &Differences<'_>) -> Result<Self> {
        let (dir, port) = (world.dir.join(name), differences.port.map_or_else(port::free, Ok)?);
        let logs = dir.join("logs");
        fs::create_dir_all(&logs)?;
        let folder = dir.join("control-plane");
        fs::create_dir_all(&folder)?;
        fs::copy(&world.pki.ca, folder.join("ca.crt"))?;
        let policy = fs::read_to_string(&world.control_plane.policy)?;
        let settings = Settings {
            public_url: &control_plane_url(port),
            accounts,
            idp: differences.idp,
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
        Ok(Self { envoy, control_plane, port, dir, people: AtomicU32::new(0) })
    }

    /// A person who has never signed in here.
    pub fn person(&self, world: &World, login: Login) -> Result<Person> {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let home = self.dir.join("people").join(format!("{}-{number}", login.user));
        world.person_at(self.port, &home, login)
    }
}
