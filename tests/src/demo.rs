//! The demo: everything on this machine, two people, and what to type.

pub mod check;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::account::Account;
use crate::browser::Login;
use crate::paths;
use crate::person::Person;
use crate::world::{Api, Plan, World};

pub use report::{instructions, machine_readable};

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    /// Everything that runs.
    pub world: World,
    /// Who may do everything.
    pub admin: Account,
    /// Who may read one namespace.
    pub reader: Account,
    /// Where `demo.json` is.
    pub description: PathBuf,
}

impl Demo {
    /// Starts it with its files in `dir` and more of the control plane's configuration, telling each long step.
    pub fn start(dir: &Path, api: Api, config: Value, progress: fn(&str, &str)) -> Result<Self> {
        let admin = Account::new("alice@example.com", &["platform-admins"], "may do everything")?;
        let reader = Account::new("bob@example.com", &["team-a"], "may only read one namespace")?;
        let policy = fs::read_to_string(paths::root().join("tests/manifests/demo-policy.yaml"))?;
        let accounts = [admin.clone(), reader.clone()];
        let plan = Plan { dir, api, policy: &policy, accounts: &accounts, idp: &[], config, progress };
        let world = World::start(&plan)?;
        let demo = Self { world, admin, reader, description: dir.join("demo.json") };
        for account in [&demo.admin, &demo.reader] {
            demo.person(account)?;
        }
        crate::files::replace(&demo.description, machine_readable(&demo).as_bytes())?;
        Ok(demo)
    }

    /// An account's person, with a kubeconfig and no session yet.
    pub fn person(&self, account: &Account) -> Result<Person> {
        let login = Login { user: account.user.clone(), password: account.password.clone(), provider: None };
        self.world.person(&self.home(account), login)
    }

    /// Until `stop` is set; fails when something ends by itself.
    pub fn wait(&mut self, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(200));
            self.world.check_alive()?;
        }
        Ok(())
    }

    /// Stops everything, and takes out of a person's own cluster what the demo made there.
    pub fn stop(mut self) -> Result<()> {
        self.world.clean_up()
    }

    /// An account's folder.
    #[must_use]
    pub fn home(&self, account: &Account) -> PathBuf {
        let name = account.user.split('@').next().unwrap_or(&account.user);
        self.world.dir.join(name)
    }

    /// An account's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self, account: &Account) -> PathBuf {
        self.home(account).join("kubeconfig")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.description);
    }
}

/// Where the demo's files are, unless another folder is asked for.
#[must_use]
pub fn dir() -> PathBuf {
    paths::root().join("target/demo")
}
