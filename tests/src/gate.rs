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
use crate::idp::{IdentityProvider, IdpAccount, Place, Registration, Which};
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
    /// An identity provider of its own.
    pub idp: Option<Box<dyn IdentityProvider>>,
    dir: PathBuf,
    people: AtomicU32,
}

/// How it differs from the world's.
#[derive(Debug, Default)]
pub struct Differences<'a> {
    /// More of the control plane's configuration.
    pub config: Value,
    /// People of an identity provider of its own; none is started without them.
    pub idp: &'a [IdpAccount],
    /// Which provider that is.
    pub which: Which,
    /// More of that provider's fields in the control plane's configuration.
    pub provider: Value,
    /// Another filter.
    pub filter: Option<&'a Path>,
    /// Another number of Envoy's worker threads.
    pub workers: Option<usize>,
}

impl Gate {
    /// Starts it in a folder `name` of the world's, with its policy and these accounts.
    pub fn start(world: &World, name: &str, accounts: &[Account], differences: &Differences<'_>) -> Result<Self> {
        let (dir, port) = (world.dir.join(name), port::free()?);
        let logs = dir.join("logs");
        fs::create_dir_all(&logs)?;
        let folder = dir.join("control-plane");
        fs::create_dir_all(&folder)?;
        fs::copy(&world.pki.ca, folder.join("ca.crt"))?;
        let public_url = control_plane_url(port);
        let idp = if differences.idp.is_empty() {
            None
        } else {
            let place = Place { public_url: &public_url, ca: &world.pki.ca };
            Some(differences.which.start(&logs, place, differences.idp)?)
        };
        let registration =
            idp.as_ref().map(|idp| Registration { fields: differences.provider.clone(), ..idp.registration().clone() });
        let policy = fs::read_to_string(&world.control_plane.policy)?;
        let settings = Settings {
            public_url: &public_url,
            accounts,
            idp: registration.as_ref(),
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
        Ok(Self { envoy, control_plane, port, idp, dir, people: AtomicU32::new(0) })
    }

    /// Where people reach the control plane.
    #[must_use]
    pub fn control_plane_url(&self) -> String {
        control_plane_url(self.port)
    }

    /// A person who has never signed in here.
    pub fn person(&self, world: &World, login: Login) -> Result<Person> {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let home = self.dir.join("people").join(format!("{}-{number}", login.user));
        world.person_at(self.port, &home, login)
    }
}
