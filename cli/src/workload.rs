//! Workloads: a token of the platform that the program runs on, in a file, is traded for a session token.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sha2::{Digest, Sha256};

use crate::cache::lock::Lock;
use crate::cache::workload::WorkloadCache;
use crate::cache::{CachedToken, Store};
use crate::client::Client;
use crate::clock::UnixTime;
use crate::failure::Failure;
use crate::oauth::{self, TokenAnswer, TokenError};
use crate::secret::Secret;

/// No platform's token is longer.
const MAX_TOKEN: u64 = 16 * 1024;

/// How long somebody else's exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is no person.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkloadArgs {
    /// File with a token of the platform that this runs on (CI job, Kubernetes, cloud), instead of a sign-in
    #[arg(long, value_name = "FILE", env = "KUBEGATE_WORKLOAD_TOKEN_FILE")]
    pub(crate) workload_token_file: Option<PathBuf>,

    /// Keep no session token on disk: trade the workload's token at every call
    #[arg(long, requires = "workload_token_file")]
    pub(crate) no_cache: bool,
}

/// Why there is nothing to trade.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkloadError {
    /// The file cannot be read.
    #[error("cannot read the workload's token from {}. Check --workload-token-file, and that the platform writes it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no token (a JWT of at most {MAX_TOKEN} bytes). Check what writes it", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
}

/// The token that a workload shows.
pub(crate) struct Shown {
    token: Secret,
    hash: String,
}

impl Shown {
    /// Reads it; platforms replace it now and then.
    pub(crate) fn read(path: &Path) -> Result<Self, WorkloadError> {
        let failed = |source| WorkloadError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_TOKEN + 1).read_to_string(&mut text).map_err(failed)?;
        let text = Secret::new(text);
        let token = text.expose().trim();
        let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.len() as u64 > MAX_TOKEN || token.split('.').count() != 3 || !plain {
            return Err(WorkloadError::NoToken { path: path.to_owned() });
        }
        let hash = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { token: Secret::new(token.to_owned()), hash })
    }
}

/// A workload's session tokens at one control plane, with what is kept of them on disk, if anything is.
pub(crate) struct Workload<'a> {
    client: &'a Client,
    shown: Shown,
    store: Option<Store>,
}

impl<'a> Workload<'a> {
    /// Reads the token in the file that `args` name.
    pub(crate) fn new(client: &'a Client, file: &Path, args: &WorkloadArgs) -> Result<Self, Failure> {
        let shown = Shown::read(file)?;
        let store = if args.no_cache { None } else { Some(Store::of_workload(client.server(), file)?) };
        Ok(Self { client, shown, store })
    }

    /// The token for `cluster` that is kept, if it is good for `margin` seconds still.
    pub(crate) fn kept(&self, cluster: &str, margin: u64) -> Result<Option<CachedToken>, Failure> {
        let Some(store) = &self.store else { return Ok(None) };
        let kept = store.workload(&self.shown.hash)?.and_then(|mut cache| cache.tokens.remove(cluster));
        Ok(kept.filter(|token| token.is_good(UnixTime::now(), margin)))
    }

    /// A new token for `cluster`, unless somebody else just got one that is not `rejected`.
    pub(crate) fn fresh(&self, cluster: &str, margin: u64, rejected: Option<&Secret>) -> Result<CachedToken, Failure> {
        let Some(store) = &self.store else {
            let endpoints = oauth::discover(self.client).map_err(failed)?;
            let asked_at = UnixTime::now();
            return Ok(cached(self.exchange(&endpoints, Some(cluster))?, asked_at));
        };
        let lock = store.lock(PATIENCE)?;
        if let Some(token) = self.kept(cluster, margin)?
            && rejected != Some(&token.token)
        {
            return Ok(token);
        }
        self.trade(store, cluster, &lock)
    }

    /// A token for the control plane itself.
    pub(crate) fn access_token(&self) -> Result<Secret, Failure> {
        let endpoints = oauth::discover(self.client).map_err(failed)?;
        Ok(self.exchange(&endpoints, None)?.access_token)
    }

    fn trade(&self, store: &Store, cluster: &str, lock: &Lock) -> Result<CachedToken, Failure> {
        let mut cache = match store.workload(&self.shown.hash)? {
            Some(cache) => cache,
            None => {
                let endpoints = oauth::discover(self.client).map_err(failed)?;
                WorkloadCache::new(self.client.server(), &self.shown.hash, endpoints)
            }
        };
        let asked_at = UnixTime::now();
        let token = cached(self.exchange(&cache.endpoints, Some(cluster))?, asked_at);
        cache.tokens.insert(cluster.to_owned(), token.clone());
        store.save_workload(&mut cache, lock)?;
        Ok(token)
    }

    /// The same token leads to the same session, so an answer that got lost may be asked for again.
    fn exchange(&self, endpoints: &oauth::Endpoints, cluster: Option<&str>) -> Result<TokenAnswer, Failure> {
        let ask = || oauth::exchange_workload(self.client, endpoints, &self.shown.token, cluster);
        match ask() {
            Err(TokenError::Client(error)) if error.broke_off() => {
                std::thread::sleep(Duration::from_millis(300));
                ask()
            }
            other => other,
        }
        .map_err(failed)
    }
}

fn failed(error: TokenError) -> Failure {
    Failure::Session(error.into())
}

fn cached(answer: TokenAnswer, asked_at: UnixTime) -> CachedToken {
    CachedToken {
        token: answer.access_token,
        obtained_at: asked_at,
        expires_at: asked_at.plus(answer.expires_in),
        cluster: answer.cluster,
    }
}
