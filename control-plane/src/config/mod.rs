//! The configuration: one YAML file, secrets from other files or the environment.
//!
//! Everything is read into valid values; every mistake is reported, all at once, each with the place
//! where it stands, the field, and the remedy. `docs/configuration.md` is the reference.

mod accounts;
mod gateways;
mod issuer;
mod keys;
mod listen;
mod names;
mod pomerium;
mod providers;
pub mod schema;
mod sessions;
mod source;
mod workloads;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubegate_core::authoring::read_who;
use kubegate_core::document::{self, Fields, Node, Problems};
use kubegate_core::jws::SigningKey;
use kubegate_core::rule::Who;

pub use self::gateways::{Gateway, digest_of};
pub use self::issuer::Issuer;
pub use self::keys::EncryptionKey;
pub(crate) use self::pomerium::is_account_name;
pub use self::pomerium::{Pomerium, ServiceAccounts};
pub use self::providers::{
    ClaimNames, ClientAuthentication, Github, GroupSource, Kind, Link, LinkAttribute, Oidc, Provider, Recheck, Scim,
    SecretMethod, WithoutRefreshToken,
};
use crate::accounts::Account;
use crate::session::Limits;
use crate::token::Given;
use crate::workload;

/// A valid configuration.
#[derive(Debug)]
pub struct Config {
    /// The control plane's public URL.
    pub issuer: Issuer,
    /// Where people and command lines are listened for.
    pub public: SocketAddr,
    /// Where gateways are listened for.
    pub internal: SocketAddr,
    /// How many proxies of ours are in front of the public listener.
    pub trusted_proxy_hops: usize,
    /// The store's file.
    pub store: PathBuf,
    /// The policy file.
    pub policy: PathBuf,
    /// The key that signs the bundle.
    pub bundle_key: SigningKey,
    /// The key that encrypts what the store must give back.
    pub encryption_key: EncryptionKey,
    /// Keys that it was encrypted with before, and that still open it.
    pub old_encryption_keys: Vec<EncryptionKey>,
    /// How often the keys that sign session tokens are replaced.
    pub rotate_every: Duration,
    /// The keys that sign session tokens, when they are not made here.
    pub given_token_keys: Option<Given>,
    /// The gateways that may ask for the bundle.
    pub gateways: Vec<Gateway>,
    /// The limits of sessions.
    pub sessions: Limits,
    /// Who may administer Kubegate.
    pub admins: Who,
    /// The identity providers.
    pub providers: Vec<Provider>,
    /// The built-in accounts.
    pub accounts: Vec<Account>,
    /// The issuers whose tokens machines show instead of signing in.
    pub workloads: Vec<workload::Settings>,
    /// Whether and how pomerium-cli works.
    pub pomerium: Option<Pomerium>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source} (check the path and the file's rights)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// What a section needs to be read: the folder that paths are relative to, and the environment.
pub(crate) struct Surroundings<'a> {
    folder: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Surroundings<'_> {
    /// A path, relative to the configuration file.
    fn path(&self, node: &Node<'_>) -> Option<PathBuf> {
        Some(self.folder.join(node.non_empty_text()?))
    }

    /// The content of the file that a field names.
    fn content(&self, node: &Node<'_>) -> Option<String> {
        let path = self.path(node)?;
        std::fs::read_to_string(&path)
            .map_err(|error| {
                node.report(format!("{} cannot be read: {error}", path.display()), "check the path and its rights");
            })
            .ok()
    }

    /// A variable of the environment, when it is set and not empty.
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }
}

impl Config {
    /// Reads the configuration file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self::parse(&path.display().to_string(), &text, folder, environment)?)
    }

    /// Where the store is, by the configuration file at `path`; the rest of it, and its secrets, may be missing.
    ///
    /// # Errors
    /// What is wrong with `store`.
    pub fn store_of(path: &Path) -> Result<PathBuf, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let surroundings = Surroundings { folder: path.parent().unwrap_or(Path::new("")), environment: &|_| None };
        let read = |root: &Node<'_>| store_path(&root.fields(&FIELDS)?.require("store")?, &surroundings);
        Ok(document::read(&path.display().to_string(), &text, read)?)
    }

    /// Reads `text` as a configuration; paths in it are relative to `folder`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(
        file: &str,
        text: &str,
        folder: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        let surroundings = Surroundings { folder, environment };
        document::read(file, text, |root| read(root, &surroundings))
    }
}

const FIELDS: [&str; 12] = [
    "issuer",
    "listen",
    "store",
    "policy",
    "keys",
    "gateways",
    "sessions",
    "admins",
    "providers",
    "accounts",
    "workloads",
    "pomerium",
];

fn read(root: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Config> {
    let fields = root.fields(&FIELDS)?;
    let issuer = fields.require("issuer").and_then(|node| issuer::read(&node));
    let listen = listen::read(fields.get("listen").as_ref());
    let store = fields.require("store").and_then(|node| store_path(&node, surroundings));
    let policy = fields.require("policy").and_then(|node| surroundings.path(&node));
    let keys = fields.require("keys").and_then(|node| keys::read(&node, surroundings));
    let gateways = fields.require("gateways").and_then(|node| gateways::read(&node, surroundings));
    let sessions = sessions::read(fields.get("sessions").as_ref());
    let admins = match fields.get("admins") {
        Some(node) => read_who(&node),
        None => Some(nobody()),
    };
    let providers = section(&fields, "providers", |node| providers::read(node, surroundings));
    let accounts = section(&fields, "accounts", accounts::read);
    let workloads = section(&fields, "workloads", |node| workloads::read(node, surroundings));
    if let (Some(issuer), Some(providers), Some(accounts), Some(workloads)) =
        (&issuer, &providers, &accounts, &workloads)
    {
        names::check_workloads(root, issuer, workloads, providers, accounts);
    }
    if let (Some(providers), Some(accounts)) = (&providers, &accounts) {
        names::check_apart(root, providers, accounts);
        if fields.get("providers").is_none() && fields.get("accounts").is_none() {
            root.report("lets nobody sign in", "add a provider under `providers`, or an account under `accounts`");
        }
    }
    let longest = sessions.as_ref().map(|sessions| sessions.max_lifetime);
    let pomerium = pomerium::read(fields.get("pomerium").as_ref(), longest);
    if let (Some(Some(pomerium)), Some(providers), Some(workloads), Some(accounts)) =
        (&pomerium, &providers, &workloads, &accounts)
    {
        pomerium::check_apart(root, pomerium, providers, workloads, accounts);
    }
    let listen = listen?;
    let keys = keys?;
    Some(Config {
        issuer: issuer?,
        public: listen.public,
        internal: listen.internal,
        trusted_proxy_hops: listen.trusted_proxy_hops,
        store: store?,
        policy: policy?,
        bundle_key: keys.bundle,
        encryption_key: keys.encryption,
        old_encryption_keys: keys.old_encryption,
        rotate_every: keys.rotate_every,
        given_token_keys: keys.token,
        gateways: gateways?,
        sessions: sessions?,
        admins: admins?,
        providers: providers?,
        accounts: accounts?,
        workloads: workloads?,
        pomerium: pomerium?,
    })
}

/// An optional list, empty when it is absent.
fn section<T>(fields: &Fields<'_>, name: &str, read: impl Fn(&Node<'_>) -> Option<Vec<T>>) -> Option<Vec<T>> {
    fields.get(name).map_or(Some(Vec::new()), |node| read(&node))
}

fn store_path(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let fields = node.fields(&["path"])?;
    let node = fields.require("path")?;
    let path = surroundings.path(&node)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        node.report(
            format!("the folder {} does not exist", folder.display()),
            "make it, owned by the user that runs the control plane",
        );
        return None;
    }
    Some(path)
}

/// A `who` that concerns nobody: an empty one would concern everybody.
fn nobody() -> Who {
    Who { users: vec![kubegate_core::pattern::Pattern::from("")], ..Who::default() }
}

/// Every item read, or `None` when any failed; all are tried, so that all mistakes are found.
fn each<T>(node: &Node<'_>, read: impl FnMut(&Node<'_>) -> Option<T>) -> Option<Vec<T>> {
    let items = node.items()?;
    let read: Vec<Option<T>> = items.iter().map(read).collect();
    read.into_iter().collect()
}

#[cfg(test)]
mod tests;
