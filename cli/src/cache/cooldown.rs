//! After a sign-in that failed or was abandoned, no other browser opens for a while: tools that
//! start kubectl over and over must not bury a person in tabs.
//!
//! A marker beside the cache is written before a sign-in begins, renewed while it runs, and removed
//! when it succeeds. So whatever ended the sign-in, even a kill, the marker tells when.
//!
//! Another marker tells those that waited for a refresh that the control plane is away, so that twenty
//! of them do not find that out one after the other.

use std::io::Read;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CacheError, Store, at, directory, remove_if_there, replace};
use crate::clock::UnixTime;
use crate::output::printable;

/// How long no other sign-in begins by itself.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// A marker is never longer.
const MAX_MARKER: u64 = 64 * 1024;

/// What a marker says.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    at: UnixTime,
    /// Why it failed; `None` while it runs.
    failure: Option<String>,
}

/// A sign-in ended without success a moment ago.
#[derive(Debug, thiserror::Error)]
#[error(
    "a sign-in to {server} {how} {seconds_ago} s ago, so no other one begins by itself for {wait} s. \
     Sign in now: kubegate login --server {server}"
)]
pub(crate) struct CoolingDown {
    server: crate::server::ServerUrl,
    how: String,
    seconds_ago: u64,
    wait: u64,
}

/// The control plane was away while this one waited; the words are those of the one that tried.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Outage {
    words: String,
}

impl Store {
    /// Notes that a sign-in is under way.
    pub(crate) fn mark_sign_in(&self, now: UnixTime) -> Result<(), CacheError> {
        self.mark("signin", &Marker { at: now, failure: None })
    }

    /// Notes that a sign-in failed.
    pub(crate) fn mark_failure(&self, reason: &str, now: UnixTime) -> Result<(), CacheError> {
        self.mark("signin", &Marker { at: now, failure: Some(printable(reason)) })
    }

    /// Notes that all is well.
    pub(crate) fn clear_marks(&self) -> Result<(), CacheError> {
        remove_if_there(&self.file("outage"))?;
        remove_if_there(&self.file("signin"))
    }

    /// Notes that the control plane is away.
    pub(crate) fn mark_outage(&self, words: &str, now: UnixTime) -> Result<(), CacheError> {
        self.mark("outage", &Marker { at: now, failure: Some(printable(words)) })
    }

    /// Whether the control plane was found to be away since `since`.
    pub(crate) fn outage_since(&self, since: UnixTime) -> Result<Option<Outage>, CacheError> {
        let marker = self.marker("outage")?.filter(|marker| marker.at >= since);
        Ok(marker.and_then(|marker| marker.failure).map(|words| Outage { words }))
    }

    /// The reason not to open another browser now, if there is one. Needs the lock, so that a
    /// sign-in that is still running cannot be meant.
    pub(crate) fn cooling_down(&self, now: UnixTime) -> Result<Option<CoolingDown>, CacheError> {
        let Some(marker) = self.marker("signin")? else { return Ok(None) };
        let ago = now.since(marker.at);
        if ago >= COOL_DOWN || marker.at > now.plus(COOL_DOWN.as_secs()) {
            return Ok(None);
        }
        let how = match marker.failure {
            Some(reason) => format!("failed ({reason})"),
            None => "was abandoned".to_owned(),
        };
        let wait = COOL_DOWN.saturating_sub(ago).as_secs();
        Ok(Some(CoolingDown { server: self.server.clone(), how, seconds_ago: ago.as_secs(), wait }))
    }

    fn marker(&self, name: &str) -> Result<Option<Marker>, CacheError> {
        let path = self.file(name);
        let Some(file) = directory::open_own(&path)? else { return Ok(None) };
        let mut text = Vec::new();
        file.take(MAX_MARKER).read_to_end(&mut text).map_err(at("read", &path))?;
        Ok(serde_json::from_slice(&text).ok())
    }

    fn mark(&self, name: &str, marker: &Marker) -> Result<(), CacheError> {
        let path = self.file(name);
        let text = serde_json::to_vec(marker).map_err(|error| at("write", &path)(error.into()))?;
        replace(&self.directory, &path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cools_down_after_a_failure_and_forgets_after_a_success() {
        let home = tempfile::tempdir().unwrap();
        let server: crate::server::ServerUrl = "https://k.example.com".parse().unwrap();
        let store = Store { directory: home.path().to_owned(), stem: server.file_stem(), server };
        assert!(store.cooling_down(UnixTime(100)).unwrap().is_none());
        store.mark_sign_in(UnixTime(100)).unwrap();
        let said = store.cooling_down(UnixTime(110)).unwrap().unwrap().to_string();
        assert!(said.contains("was abandoned 10 s ago"), "{said}");
        assert!(said.contains("kubegate login --server https://k.example.com"), "{said}");
        store.mark_failure("no answer", UnixTime(100)).unwrap();
        assert!(store.cooling_down(UnixTime(129)).unwrap().is_some());
        assert!(store.cooling_down(UnixTime(130)).unwrap().is_none());
        store.mark_failure("no answer", UnixTime(100)).unwrap();
        store.clear_marks().unwrap();
        assert!(store.cooling_down(UnixTime(101)).unwrap().is_none());
    }
}
