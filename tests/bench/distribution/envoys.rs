//! Real Envoys, seen from outside: a request every ten milliseconds on several connections, spread over all workers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kubegate_tests::poll;

use super::watch::{Probe, Watch};
use super::world::World;
use crate::bootstrap::{Gateway, Setup, Source};
use crate::company::{HOST, Subject};
use crate::load::{self, Connection};

/// How many connections there are to each Envoy; Envoy shares them out evenly among its workers.
pub(super) const CONNECTIONS: usize = 4;

const WORKERS: usize = 2;
const INTERVAL: Duration = Duration::from_millis(10);
const START_LIMIT: Duration = Duration::from_secs(60);

/// Running Envoys, and the threads that ask them.
pub(super) struct Envoys {
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    _gateways: Vec<Gateway>,
}

impl Envoys {
    /// Starts `count` of them, and waits until they have the bundle.
    pub(super) fn start(dir: &Path, world: &World, count: usize, watch: &Arc<Watch>) -> Result<Self> {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let mut gateways = Vec::new();
        for number in 0..count {
            let credential = world.credentials.get(super::GATEWAYS + number).context("no credential for an Envoy")?;
            let source = Source { port: world.control_plane.internal_port, credential };
            let plugin = world.plugin_configuration();
            let setup = Setup { workers: WORKERS, plugin: Some(&plugin), source: Some(source) };
            let gateway = Gateway::start(&format!("envoy-{number}"), dir, &setup)?;
            poll::until("the bundle in an Envoy", START_LIMIT, || {
                let seen = gateway.gauge("kubegate_policy_version").map_err(|error| error.to_string())?;
                if seen > 0 { Ok(()) } else { Err("no policy".to_owned()) }
            })?;
            for connection in 0..CONNECTIONS {
                let place = super::GATEWAYS + number * CONNECTIONS + connection;
                let mut prober = Prober::open(gateway.port, place, Arc::clone(watch))?;
                let (stop, failed) = (Arc::clone(&stop), Arc::clone(&failed));
                thread::spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        let began = Instant::now();
                        if prober.ask().is_err() {
                            failed.store(!stop.load(Ordering::SeqCst), Ordering::SeqCst);
                            return;
                        }
                        thread::sleep(INTERVAL.saturating_sub(began.elapsed()));
                    }
                });
            }
            gateways.push(gateway);
        }
        Ok(Self { stop, failed, _gateways: gateways })
    }

    /// Fails when a connection has broken.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(!self.failed.load(Ordering::SeqCst), "a connection to an Envoy has broken");
        Ok(())
    }
}

impl Drop for Envoys {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// One connection that asks over and over.
struct Prober {
    connection: Connection,
    place: usize,
    watch: Arc<Watch>,
    number: u64,
    request: Vec<u8>,
}

impl Prober {
    fn open(port: u16, place: usize, watch: Arc<Watch>) -> Result<Self> {
        Ok(Self { connection: Connection::open(port)?, place, watch, number: 0, request: Vec::new() })
    }

    fn ask(&mut self) -> Result<()> {
        let (number, probe) = self.watch.current();
        let Some(probe) = probe else { return Ok(()) };
        if number != self.number {
            self.number = number;
            self.request = request(&probe);
        }
        self.connection.send(&self.request)?;
        let status = self.connection.status()?;
        self.watch.report(number, self.place, status, 0);
        Ok(())
    }
}

fn request(probe: &Probe) -> Vec<u8> {
    load::get(HOST, Subject::PATH, &Subject::headers(&probe.token))
}
