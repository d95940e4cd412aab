//! The world that the tests share, and the people in it.

use std::fs::File;
use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::token::SessionClaims;
use kubegate_tests::account::Account;
use kubegate_tests::browser::Login;
use kubegate_tests::control_plane::ControlPlane;
use kubegate_tests::gate::{Differences, Gate};
use kubegate_tests::idp::{self, IdpAccount, Which};
use kubegate_tests::person::Person;
use kubegate_tests::world::{Api, CLUSTER, Plan, World};
use kubegate_tests::{files, paths};
use libtest_mimic::Trial;
use serde_json::json;

use crate::groups::two_thousand_groups;
use crate::identity::{Site, Sites};

/// The namespace with the pod `hello`.
pub(crate) const TEAM: &str = "team-a";

/// What the admins' rule of the policy allows.
pub(crate) const ADMIN_VERBS: &str = "verbs: [get, list, watch, create, update, patch, delete, deletecollection]";

/// What tests share; cheap to clone.
#[derive(Clone)]
pub(crate) struct Suite(Arc<Shared>);

struct Shared {
    started: OnceLock<Started>,
    people: AtomicU32,
    sites: Sites,
}

struct Started {
    world: RwLock<Option<World>>,
    accounts: Vec<Account>,
    _only_one: File,
}

/// The policy file, which a test may change: it is as before when this goes, however the test ends.
pub(crate) struct PolicyFile {
    file: PathBuf,
    before: String,
}

impl PolicyFile {
    pub(crate) fn of(world: &World) -> Self {
        Self::at(&world.control_plane)
    }

    /// That of another control plane.
    pub(crate) fn at(control_plane: &ControlPlane) -> Self {
        let file = control_plane.policy.clone();
        let before = std::fs::read_to_string(&file).expect("the policy file can be read");
        Self { file, before }
    }

    /// Puts another text in its place, with `from` replaced by `to`.
    pub(crate) fn replace(&self, from: &str, to: &str) {
        let text = self.before.replace(from, to);
        assert_ne!(text, self.before, "{from:?} is in the policy");
        files::replace(&self.file, text.as_bytes()).expect("the policy file can be written");
    }

    pub(crate) fn restore(&self) {
        files::replace(&self.file, self.before.as_bytes()).expect("the policy file can be written");
    }
}

impl Drop for PolicyFile {
    fn drop(&mut self) {
        self.restore();
        // A change is in force within a second: the next test begins with the policy that it expects.
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// Who a test needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// A built-in account that may do everything.
    Admin,
    /// A built-in account that may read one namespace.
    Reader,
    /// A built-in account that may impersonate some.
    Support,
    /// A built-in account that may do next to nothing: for elevations.
    Visitor,
    /// A built-in account that may read one namespace: one test shuts it out.
    Leaver,
    /// A built-in account that may read one namespace: one test ends all of its sessions.
    Revoked,
    /// A built-in account that may do next to nothing: shut out and let in again in the tour of the pages.
    Tourist,
    /// Of the external provider: groups `engineers` and `on-call`.
    Dora,
    /// Of the external provider: no groups.
    Erin,
    /// Of the external provider: 2,000 groups, of which the policy passes on a hundred.
    Grace,
    /// Of the external provider: 2,000 groups, all of which the policy would pass on.
    Heidi,
}

/// What a session token says.
pub(crate) fn claims(token: &str) -> SessionClaims {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// What a command printed that has to succeed.
pub(crate) fn done(output: anyhow::Result<Output>) -> String {
    let Output { status, stdout, stderr } = output.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}: {stdout}{stderr}");
    stdout.into_owned()
}

/// What a command said on standard error that has to fail.
pub(crate) fn refused(output: anyhow::Result<Output>) -> String {
    let Output { status, stdout, stderr } = output.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!status.success(), "{stdout}{stderr}");
    stderr.into_owned()
}

impl Suite {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { started: OnceLock::new(), people: AtomicU32::new(0), sites: Sites::default() }))
    }

    /// A test beside which others may run.
    pub(crate) fn test(&self, name: &str, run: impl FnOnce(&Suite, &World) + Send + 'static) -> Trial {
        let suite = self.clone();
        Trial::test(name, move || {
            let guard = suite.read();
            run(&suite, guard.as_ref().expect("the world is stopped after the last test"));
            Ok(())
        })
    }

    /// A test that breaks something that others rely on, and mends it.
    pub(crate) fn test_alone(&self, name: &str, run: fn(&Suite, &mut World)) -> Trial {
        let suite = self.clone();
        Trial::test(name, move || {
            let mut guard = suite.write();
            run(&suite, guard.as_mut().expect("the world is stopped after the last test"));
            Ok(())
        })
    }

    /// Somebody with a new computer: no session, no cache.
    pub(crate) fn person(&self, world: &World, who: Who) -> Person {
        let number = self.0.people.fetch_add(1, Ordering::Relaxed);
        let home = world.dir.join("people").join(format!("{who:?}-{number}").to_lowercase());
        world.person(&home, self.login(who)).expect("a person's files can be written")
    }

    /// A gate of a test's own.
    pub(crate) fn gate(&self, world: &World, name: &str, differences: &Differences<'_>) -> Gate {
        Gate::start(world, name, &self.started().accounts, differences).expect("the gate starts")
    }

    /// An identity provider with a gate of its own.
    pub(crate) fn site(&self, world: &World, which: Which) -> Arc<Site> {
        self.0.sites.get(world, &self.started().accounts, which)
    }

    /// What somebody types at sign-in.
    pub(crate) fn login(&self, who: Who) -> Login {
        let built_in = |index: usize| {
            let account = &self.started().accounts[index];
            Login { user: account.user.clone(), password: account.password.clone(), provider: None }
        };
        let company = |user: &str| Login {
            user: user.to_owned(),
            password: format!("{user}-password"),
            provider: Some(idp::PROVIDER.to_owned()),
        };
        match who {
            Who::Admin => built_in(0),
            Who::Reader => built_in(1),
            Who::Support => built_in(2),
            Who::Visitor => built_in(3),
            Who::Leaver => built_in(4),
            Who::Revoked => built_in(5),
            Who::Tourist => built_in(6),
            Who::Dora => company("dora"),
            Who::Erin => company("erin"),
            Who::Grace => company("grace"),
            Who::Heidi => company("heidi"),
        }
    }

    /// Stops the world; it does so on drop only when nobody holds the suite any more.
    pub(crate) fn stop(&self) {
        self.0.sites.stop();
        if let Some(started) = self.0.started.get() {
            let world = started.world.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(world);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<World>> {
        self.started().world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Also after a test has failed in it: what it left broken shows in the next.
    fn write(&self) -> RwLockWriteGuard<'_, Option<World>> {
        self.started().world.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> &Started {
        self.0.started.get_or_init(|| start().expect("the world starts"))
    }
}

fn start() -> anyhow::Result<Started> {
    let dir: PathBuf = paths::root().join("target/e2e");
    let only_one = files::lock(&dir.with_extension("lock"), "another end-to-end run is under way in this checkout")?;
    let policy = std::fs::read_to_string(paths::root().join("tests/manifests/e2e-policy.yaml"))?;
    let accounts = vec![
        Account::new("alice@example.com", &["platform-admins"], "may do everything")?,
        Account::new("bob@example.com", &["team-a"], "may read one namespace")?,
        Account::new("carol@example.com", &["platform-admins", "support"], "may impersonate")?,
        Account::new("victor@example.com", &["visitors"], "may do next to nothing")?,
        Account::new("lena@example.com", &["team-a"], "is shut out")?,
        Account::new("rita@example.com", &["team-a"], "loses her sessions")?,
        Account::new("tim@example.com", &["visitors"], "is shut out and let in again")?,
    ];
    let idp = [
        IdpAccount {
            user: "dora",
            password: "dora-password",
            claims: json!({"email": "dora@company.example", "email_verified": true, "name": "Dora",
                "groups": ["engineers", "on-call"], "department": "sre"}),
        },
        IdpAccount {
            user: "erin",
            password: "erin-password",
            claims: json!({"email": "erin@company.example", "email_verified": true, "groups": []}),
        },
        IdpAccount {
            user: "grace",
            password: "grace-password",
            claims: json!({"email": "grace@company.example", "email_verified": true, "groups": two_thousand_groups()}),
        },
        IdpAccount {
            user: "heidi",
            password: "heidi-password",
            claims: json!({"email": "heidi@company.example", "email_verified": true, "groups": two_thousand_groups()}),
        },
    ];
    let plan = Plan {
        dir: &dir,
        api: Api::Own,
        policy: &policy,
        accounts: &accounts,
        idp: &idp,
        config: json!({"pomerium": {"enabled": true, "clusters": [CLUSTER], "serviceAccounts": {"userPrefix": "sa:"}}}),
        progress: |step, usual| eprintln!("==> {step} (usually {usual})"),
    };
    let world = World::start(&plan)?;
    world.api.admin.apply(include_str!("../manifests/e2e.yaml"))?;
    Ok(Started { world: RwLock::new(Some(world)), accounts, _only_one: only_one })
}
