//! What the whole bundle takes in the filter's VMs.
//!
//! An Envoy is started whose way to the control plane opens only when it has come to rest. From then on its threads do
//! nothing but take the bundle, one VM each: the processor time of a thread is its VM's.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kubegate_tests::issuer::Issuer;
use kubegate_tests::{poll, port};

use super::world::World;
use crate::bootstrap::{Gateway, Setup, Source};
use crate::company::{Company, policy_file};
use crate::cpu;
use crate::memory;
use crate::stats::median;

const WORKERS: usize = 2;

/// A VM for each worker and one on the main thread.
const VMS: u64 = 3;

/// How often it is measured.
const TIMES: usize = 3;

/// How long an Envoy takes to come to rest, and its VMs to have taken what one of them found.
const REST: Duration = Duration::from_secs(4);

/// Longer than the filter's longest wait between two polls.
const LIMIT: Duration = Duration::from_secs(30);

/// What was found.
pub(super) struct Vm {
    /// Processor milliseconds of the VM that took longest.
    pub(super) compile_ms: f64,
    /// How much larger Envoy is than with ten rules, by VM.
    pub(super) memory_bytes: u64,
}

/// Measures with the bundle of the world's control plane.
pub(super) fn measure(dir: &Path, world: &World) -> Result<Vm> {
    let file = dir.join("ten-rules.yaml");
    std::fs::write(&file, policy_file(&Company::new(10).rules()))?;
    let plugin = Issuer::new(super::world::ISSUER)?.plugin_configuration(&file)?;
    let small = Gateway::start("envoy-small", dir, &Setup { workers: WORKERS, plugin: Some(&plugin), source: None })?;
    thread::sleep(REST);
    let small_bytes = memory::resident(small.envoy.id())?;
    drop(small);

    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for turn in 0..TIMES {
        let (time, size) = once(&format!("envoy-vm-{turn}"), dir, world)?;
        times.push(time);
        sizes.push(size.saturating_sub(small_bytes) / VMS);
    }
    sizes.sort_unstable();
    let memory_bytes = *sizes.get(TIMES / 2).context("measured at least once")?;
    Ok(Vm { compile_ms: median(&times), memory_bytes })
}

/// Processor milliseconds of the VM that took longest, and Envoy's memory afterwards.
fn once(name: &str, dir: &Path, world: &World) -> Result<(f64, u64)> {
    let door = Door { port: port::free()?, leads_to: world.control_plane.internal_port };
    let credential = world.credentials.last().context("no credential for an Envoy")?;
    let plugin = world.plugin_configuration();
    let source = Some(Source { port: door.port, credential });
    let gateway = Gateway::start(name, dir, &Setup { workers: WORKERS, plugin: Some(&plugin), source })?;
    thread::sleep(REST);
    let pid = gateway.envoy.id();
    let before = cpu::threads(pid)?;
    door.open()?;
    poll::until("the bundle in an Envoy", LIMIT, || {
        let seen = gateway.gauge("kubegate_policy_version").map_err(|error| error.to_string())?;
        if seen > 0 { Ok(()) } else { Err("no policy".to_owned()) }
    })?;
    thread::sleep(REST);
    let after: HashMap<u32, Duration> = cpu::threads(pid)?.into_iter().map(|thread| (thread.id, thread.time)).collect();
    let mut taken: Vec<f64> = before
        .iter()
        .filter_map(|thread| Some(after.get(&thread.id)?.saturating_sub(thread.time).as_secs_f64() * 1e3))
        .collect();
    taken.sort_by(f64::total_cmp);
    ensure!(taken.len() > WORKERS, "Envoy has only {} threads", taken.len());
    Ok((taken.last().copied().unwrap_or_default(), memory::resident(pid)?))
}

/// A way to the control plane that is closed at first.
struct Door {
    port: u16,
    leads_to: u16,
}

impl Door {
    fn open(self) -> Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port))?;
        thread::spawn(move || {
            for stream in listener.incoming() {
                if let (Ok(stream), Ok(behind)) = (stream, TcpStream::connect(("127.0.0.1", self.leads_to))) {
                    let _ = join(stream, behind);
                }
            }
        });
        Ok(())
    }
}

/// Passes on what comes from either side.
fn join(one: TcpStream, other: TcpStream) -> io::Result<()> {
    for (mut from, mut to) in [(one.try_clone()?, other.try_clone()?), (other, one)] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
