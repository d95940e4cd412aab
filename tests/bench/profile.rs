//! What Envoy and the filter ask of each other for one request, counted in a filter that has been given counters.

mod amounts;
mod counts;
mod instrument;
mod kinds;
mod publish;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use kubegate_tests::issuer::Issuer;
use kubegate_tests::{files, paths, poll};

use crate::bootstrap::{Gateway, Setup};
use crate::company::{Company, policy_file};
use crate::load::Connection;
use crate::progress;
use crate::report::Report;
use counts::Counts;
use kinds::Kind;

const LIMIT: Duration = Duration::from_secs(20);

/// Counts for requests of several kinds.
pub(crate) fn run() -> Result<Report> {
    let dir = paths::root().join("target/bench/profile");
    files::run_dir(&dir)?;
    let issuer = Issuer::new("https://kubegate.example.com")?;
    progress("an Envoy, with counters in its filter", "5 s");
    let mut counting = Counting::start(&dir, &issuer)?;
    progress("requests of each kind", "5 s");
    let kinds = kinds::all(&issuer)?;
    let counts: Vec<Counts> = kinds.iter().map(|kind| counting.count(kind)).collect::<Result<_>>()?;

    let mut report = Report::new("profile");
    for (kind, counts) in kinds.iter().zip(&counts) {
        report.figure(kind.name, counts.json());
    }
    let names: Vec<&str> = ["a request"].into_iter().chain(kinds.iter().map(|kind| kind.title)).collect();
    report.table(&names, &counts::rows(&counts));
    Ok(report)
}

/// An Envoy whose filter counts, and a connection to it.
struct Counting {
    gateway: Gateway,
    connection: Connection,
    /// How many requests it has had.
    sent: usize,
}

impl Counting {
    fn start(dir: &Path, issuer: &Issuer) -> Result<Self> {
        let (filter, policy) = (dir.join("counting.wasm"), dir.join("policy.yaml"));
        instrument::write(&paths::filter_with_names()?, &paths::filter()?, &filter)?;
        std::fs::write(&policy, policy_file(&Company::new(10).rules()))?;
        let plugin = issuer.plugin_configuration(&policy)?;
        let setup = Setup { workers: 1, plugin: Some(&plugin), source: None };
        let gateway = Gateway::start_with_filter(&filter, "envoy", dir, &setup)?;
        Ok(Self { connection: Connection::open(gateway.port)?, gateway, sent: 0 })
    }

    /// What a request of this kind costs, on average.
    fn count(&mut self, kind: &Kind) -> Result<Counts> {
        self.send(&kind.before, kind.status)?;
        let before = self.counts()?;
        self.send(&kind.counted, kind.status)?;
        let counts = self.counts()?.since(&before, kind.counted.len());
        counts.check()?;
        Ok(counts)
    }

    fn send(&mut self, requests: &[Vec<u8>], wanted: u16) -> Result<()> {
        for request in requests {
            self.connection.send(request)?;
            let status = self.connection.status()?;
            ensure!(status == wanted, "a request was answered {status} instead of {wanted}");
            self.sent += 1;
        }
        Ok(())
    }

    /// The counters once they have all of the requests sent so far.
    fn counts(&self) -> Result<Counts> {
        let read = || Counts::parse(&self.gateway.envoy.metrics(publish::PREFIX)?);
        poll::until("the counters of all requests", LIMIT, || {
            let ended = read().map_err(|error| error.to_string())?.ended();
            if ended == self.sent as f64 { Ok(()) } else { Err(format!("{ended} of {} requests", self.sent)) }
        })?;
        // The one that says that all have ended is the last to be published.
        read()
    }
}
