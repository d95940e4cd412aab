//! `./just demo`: see `--help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use kubegate_tests::demo::{self, Demo, check};
use kubegate_tests::world::Api;
use kubegate_tests::{files, kubectl, poll};
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Kubegate on this machine: a control plane, Envoy with the filter, and a real kube-apiserver
#[derive(Debug, Parser)]
#[command(name = "./just demo")]
struct Arguments {
    /// Sign both accounts in, run kubectl as each, print what was allowed and refused, and stop.
    #[arg(long)]
    check: bool,
    /// Put Kubegate in front of the cluster of this kubeconfig instead. The demo makes one service account
    /// with its rights, a namespace and two bindings there, and removes them at the end.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; its current one when not given.
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,
    /// More sections of the control plane's configuration, as JSON: `providers`, say.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where its files go, an empty or a new folder: for a second demo beside one that runs.
    #[arg(long, value_name = "FOLDER", default_value_os_t = demo::dir())]
    dir: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let asked_to_stop = stop_on_signals()?;
    let dir = std::path::absolute(&arguments.dir)?;
    let _only_one = only_one(&dir)?;
    let began = Instant::now();
    let mut demo = Demo::start(&dir, api(arguments)?, more(arguments)?, progress).inspect_err(|_| poll::resume())?;
    println!("    ready after {:.1} s", began.elapsed().as_secs_f64());
    let good = if arguments.check {
        println!("==> checking as both people (usually 15 s)");
        check::run(&demo, |line| println!("{line}"))
    } else {
        println!("{}", demo::instructions(&demo));
        demo.wait(&asked_to_stop).map(|()| true)
    };
    poll::resume();
    progress("stopping", "2 s");
    demo.stop()?;
    good
}

fn more(arguments: &Arguments) -> Result<Value> {
    let Some(file) = &arguments.config else { return Ok(Value::Null) };
    let content = fs::read(file).with_context(|| file.display().to_string())?;
    serde_json::from_slice(&content).with_context(|| format!("{} is no JSON", file.display()))
}

fn api(arguments: &Arguments) -> Result<Api> {
    let Some(file) = &arguments.kubeconfig else { return Ok(Api::Own) };
    let kubectl = kubectl::of_path().context("no kubectl on the PATH")?;
    let file = fs::canonicalize(file).with_context(|| file.display().to_string())?;
    Ok(Api::Kubeconfig { kubectl, file, context: arguments.context.clone() })
}

/// Ctrl-C ends waits, and what was started is stopped in order; a second one ends this process at once.
fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&asked))?;
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    let watched = Arc::clone(&asked);
    thread::spawn(move || {
        while !watched.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(50));
        }
        poll::interrupt();
    });
    Ok(asked)
}

/// Two demos would share their files.
fn only_one(dir: &Path) -> Result<File> {
    let whose = format!("a demo is running already; {} tells its addresses", dir.join("demo.json").display());
    files::lock(&dir.with_extension("lock"), &whose)
}

fn progress(step: &str, usual: &str) {
    println!("==> {step} (usually {usual})");
}
