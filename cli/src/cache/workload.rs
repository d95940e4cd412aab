//! What is kept for a workload: its session tokens and nothing else. There is no secret that gets another one; that is the
//! platform's own token, which stays where the platform puts it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lock::Lock;
use super::{CacheError, CachedToken, Store, VERSION, at, directory, replace};
use crate::clock::UnixTime;
use crate::oauth::Endpoints;
use crate::server::ServerUrl;

/// The session tokens of a workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkloadCache {
    version: u32,
    server: String,
    /// The hash of the token that they were traded for: another one makes them worthless.
    shown: String,
    /// Where to ask.
    pub(crate) endpoints: Endpoints,
    /// Session tokens by cluster.
    #[serde(default)]
    pub(crate) tokens: BTreeMap<String, CachedToken>,
}

impl WorkloadCache {
    /// Nothing yet, for a token with this hash.
    pub(crate) fn new(server: &ServerUrl, shown: &str, endpoints: Endpoints) -> Self {
        Self {
            version: VERSION,
            server: server.as_str().to_owned(),
            shown: shown.to_owned(),
            endpoints,
            tokens: BTreeMap::new(),
        }
    }
}

impl Store {
    /// The cache of who shows the token in `file` to `server`.
    pub(crate) fn of_workload(server: &ServerUrl, file: &Path) -> Result<Self, CacheError> {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let store = Self::open(server)?;
        Ok(Self { stem: format!("{}-{digest}", store.stem), ..store })
    }

    /// What is there now for the token with the hash `shown`. What cannot be understood counts as nothing.
    pub(crate) fn workload(&self, shown: &str) -> Result<Option<WorkloadCache>, CacheError> {
        let text = Self::read_file(&self.file("workload"))?;
        let cache = text.and_then(|text| serde_json::from_slice::<WorkloadCache>(&text).ok());
        let is_ours = |cache: &WorkloadCache| {
            cache.version == VERSION && cache.server == self.server.as_str() && cache.shown == shown
        };
        Ok(cache.filter(is_ours))
    }

    /// Replaces what is there. Needs the lock.
    pub(crate) fn save_workload(&self, cache: &mut WorkloadCache, _lock: &Lock) -> Result<(), CacheError> {
        let path = self.file("workload");
        directory::prepare(&self.directory)?;
        cache.tokens.retain(|_, token| token.is_good(UnixTime::now(), 0));
        let mut text = serde_json::to_vec(cache).map_err(io::Error::other).map_err(at("write", &path))?;
        text.push(b'\n');
        replace(&self.directory, &path, &text)
    }
}
