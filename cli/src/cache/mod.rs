//! What one sign-in leaves on this computer: a file per control plane, below the XDG cache directory.
//!
//! The file is replaced as a whole (written beside, synced, renamed), so readers need no lock and a
//! Ctrl-C at any moment leaves the old or the new one. Whoever changes it holds the [`lock`].

pub(crate) mod cooldown;
pub(crate) mod directory;
pub(crate) mod lock;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::oauth::{ClusterInfo, Endpoints};
use crate::output::say;
use crate::secret::Secret;
use crate::server::ServerUrl;

/// A cache file is never longer.
const MAX_FILE: u64 = 1 << 20;
const VERSION: u32 = 1;

/// The cache of one control plane.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    server: ServerUrl,
}

/// What is kept of a sign-in, and nothing more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    version: u32,
    server: String,
    /// The mapped user name, to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Where to ask.
    pub(crate) endpoints: Endpoints,
    /// What the next token is asked for with.
    pub(crate) refresh_secret: Secret,
    /// Session tokens by cluster.
    #[serde(default)]
    pub(crate) tokens: BTreeMap<String, CachedToken>,
}

/// A session token and how long it is good by this computer's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CachedToken {
    /// The token.
    pub(crate) token: Secret,
    /// When it came.
    pub(crate) obtained_at: UnixTime,
    /// When it ends, by this computer's clock.
    pub(crate) expires_at: UnixTime,
    /// Where it is good, if the control plane said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<ClusterInfo>,
}

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    /// Neither variable tells where the cache is.
    #[error("do not know where to keep the sign-in: neither XDG_CACHE_HOME nor HOME is an absolute path. Set HOME")]
    NoHome,
    /// A directory or file that others could have put there.
    #[error(
        "will not use {}: it is {problem}. Others could read or change your sign-in there; remove it, and it is made anew",
        path.display()
    )]
    Unsafe {
        /// What was found.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock did not come free in time.
    #[error(
        "another kubegate has been signing in to {server} for {waited_seconds} s. \
         Finish or cancel that sign-in, then try again"
    )]
    Locked {
        /// The control plane.
        server: ServerUrl,
        /// How long this one waited.
        waited_seconds: u64,
    },
}

impl SignIn {
    /// A fresh sign-in, without tokens yet.
    pub(crate) fn new(server: &ServerUrl, endpoints: Endpoints, refresh_secret: Secret) -> Self {
        Self {
            version: VERSION,
            server: server.as_str().to_owned(),
            user: None,
            endpoints,
            refresh_secret,
            tokens: BTreeMap::new(),
        }
    }

    /// Drops the tokens that have ended: the file holds no more than it must.
    pub(crate) fn forget_ended(&mut self, now: UnixTime) {
        self.tokens.retain(|_, token| token.is_good(now, 0));
    }
}

impl CachedToken {
    /// Whether it is good for more than `margin` seconds still. A clock that was set back since
    /// makes it worthless: nobody knows then when it ends.
    pub(crate) fn is_good(&self, now: UnixTime, margin: u64) -> bool {
        const CLOCK_SLACK: u64 = 5;
        self.obtained_at <= now.plus(CLOCK_SLACK) && self.expires_at > now.plus(margin)
    }
}

impl Store {
    /// The cache of `server`, in a directory that only this user can use.
    pub(crate) fn open(server: &ServerUrl) -> Result<Self, CacheError> {
        let directory = directory::path()?;
        directory::prepare(&directory)?;
        Ok(Self { directory, server: server.clone() })
    }

    /// The control plane it belongs to.
    pub(crate) fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// The sign-in file.
    pub(crate) fn path(&self) -> PathBuf {
        self.file("json")
    }

    /// What is there now, without any lock. A file that cannot be understood counts as none.
    pub(crate) fn peek(&self) -> Result<Option<SignIn>, CacheError> {
        Ok(self.read()?.and_then(|text| self.understand(&text)))
    }

    /// What is there now; a file that cannot be understood is moved aside. Needs the lock.
    pub(crate) fn load(&self, _lock: &lock::Lock) -> Result<Option<SignIn>, CacheError> {
        let Some(text) = self.read()? else { return Ok(None) };
        let understood = self.understand(&text);
        if understood.is_none() {
            let aside = self.file("json.broken");
            fs::rename(self.path(), &aside).map_err(at("move aside", &self.path()))?;
            say(&format!(
                "kubegate: the saved sign-in for {} could not be read; it was moved to {}",
                self.server,
                aside.display()
            ));
        }
        Ok(understood)
    }

    /// Replaces what is there. When this returns, it has reached the disk. Needs the lock.
    pub(crate) fn save(&self, sign_in: &SignIn, _lock: &lock::Lock) -> Result<(), CacheError> {
        let path = self.path();
        let mut text = serde_json::to_vec(sign_in).map_err(io::Error::other).map_err(at("write", &path))?;
        text.push(b'\n');
        replace(&self.directory, &path, &text)
    }

    /// Forgets the sign-in, also one that was moved aside or half written: it may hold a secret. Needs the lock.
    pub(crate) fn remove(&self, _lock: &lock::Lock) -> Result<(), CacheError> {
        remove_if_there(&beside(&self.path()))?;
        remove_if_there(&self.file("json.broken"))?;
        remove_if_there(&self.path())
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", self.server.file_stem()))
    }

    fn read(&self) -> Result<Option<Vec<u8>>, CacheError> {
        let path = self.path();
        let Some(file) = directory::open_own(&path)? else { return Ok(None) };
        let mut text = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut text).map_err(at("read", &path))?;
        Ok(Some(text))
    }

    fn understand(&self, text: &[u8]) -> Option<SignIn> {
        let sign_in: SignIn = serde_json::from_slice(text).ok()?;
        (sign_in.version == VERSION && sign_in.server == self.server.as_str()).then_some(sign_in)
    }
}

/// The control planes that this computer has a sign-in for.
pub(crate) fn known_servers() -> Result<Vec<ServerUrl>, CacheError> {
    #[derive(Deserialize)]
    struct Named {
        server: String,
    }
    let directory = directory::path()?;
    let Ok(entries) = fs::read_dir(&directory) else { return Ok(Vec::new()) };
    let mut servers: Vec<ServerUrl> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| fs::read(path).ok())
        .filter_map(|text| serde_json::from_slice::<Named>(&text).ok())
        .filter_map(|named| named.server.parse().ok())
        .collect();
    servers.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    Ok(servers)
}

/// Writes `text` beside `path`, syncs, and renames it into place, readable by this user alone. The file beside always has
/// the same name, so that what a kill leaves behind is overwritten next time; the lock keeps others away from it.
fn replace(directory: &Path, path: &Path, text: &[u8]) -> Result<(), CacheError> {
    let beside = beside(path);
    remove_if_there(&beside)?;
    let mut file = directory::create_own(&beside)?;
    let mut write = || -> io::Result<()> {
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        directory::sync(directory)
    };
    write().map_err(at("write", path))
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    PathBuf::from(beside)
}

fn remove_if_there(path: &Path) -> Result<(), CacheError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(error)),
        _ => Ok(()),
    }
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |source| CacheError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(obtained_at: u64, expires_at: u64) -> CachedToken {
        CachedToken {
            token: Secret::new("t".into()),
            obtained_at: UnixTime(obtained_at),
            expires_at: UnixTime(expires_at),
            cluster: None,
        }
    }

    #[test]
    fn a_token_is_good_until_the_margin() {
        let token = token(1000, 1600);
        for (now, good) in [(1000, true), (1569, true), (1570, false), (1600, false), (990, false), (996, true)] {
            assert_eq!(token.is_good(UnixTime(now), 30), good, "{now}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let endpoints =
            Endpoints { authorization: "a".into(), token: "b".into(), revocation: None, device_authorization: None };
        let server = "https://k.example.com".parse().unwrap();
        let mut sign_in = SignIn::new(&server, endpoints, Secret::new("kgr_hidden".into()));
        sign_in.tokens.insert("prod".into(), token(0, 1));
        assert!(!format!("{sign_in:?}").contains("kgr_hidden"));
        sign_in.forget_ended(UnixTime(2));
        assert!(sign_in.tokens.is_empty());
    }
}
