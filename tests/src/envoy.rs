//! Envoy with the bootstrap that a person would deploy, filled in for this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::Running;
use crate::{http, paths, template};

const BOOTSTRAP: &str = "envoy-config/envoy.yaml";
const START_LIMIT: Duration = Duration::from_secs(60);

/// Two workers, as on the smallest real machine: what is per worker shows.
pub const WORKERS: usize = 2;

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    /// The bootstrap that it runs.
    pub config: PathBuf,
    /// The admin listener's URL.
    pub admin: String,
    workers: usize,
    process: Running,
}

impl Envoy {
    /// envoy-config/'s bootstrap with its placeholders filled in.
    pub fn bootstrap(values: &[(&str, &str)]) -> Result<String> {
        let path = paths::root().join(BOOTSTRAP);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        template::render(&text, values).with_context(|| path.display().to_string())
    }

    /// Writes `bootstrap` to `dir` and runs it as `name`; ready when its listeners are, filter included.
    pub fn start(name: &str, dir: &Path, log_dir: &Path, bootstrap: &str, admin_port: u16) -> Result<Self> {
        Self::start_with_workers(WORKERS, name, dir, log_dir, bootstrap, admin_port)
    }

    /// The same with another number of worker threads.
    pub fn start_with_workers(
        workers: usize,
        name: &str,
        dir: &Path,
        log_dir: &Path,
        bootstrap: &str,
        admin_port: u16,
    ) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let config = dir.join(format!("{name}.yaml"));
        fs::write(&config, bootstrap)?;
        let process = Running::start(name, log_dir, &command(&config, workers)?)?;
        let mut envoy = Self { config, admin: format!("http://127.0.0.1:{admin_port}"), workers, process };
        envoy.wait_until_ready()?;
        Ok(envoy)
    }

    /// Stops it, and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        self.process.restart(&command(&self.config, self.workers)?)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let ready = format!("{}/ready", self.admin);
        let client = http::plain_client();
        self.process.wait_until("it is ready", START_LIMIT, || {
            let answer = client.get(&ready).call().map_err(|error| error.to_string())?;
            if answer.status() == 200 { Ok(()) } else { Err(format!("/ready answers {}", answer.status())) }
        })
    }

    /// Checks a bootstrap without running it.
    pub fn validate(config: &Path) -> Result<()> {
        let output = command(config, WORKERS)?.args(["--mode", "validate"]).output()?;
        if !output.status.success() {
            bail!("envoy refuses {}: {}", config.display(), String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// All of its configuration, as its admin listener shows it.
    pub fn config_dump(&self) -> Result<String> {
        let url = format!("{}/config_dump?include_eds", self.admin);
        Ok(http::plain_client().get(&url).call()?.body_mut().with_config().limit(1 << 26).read_to_string()?)
    }

    /// Statistics whose names match the regular expression, in Prometheus' form.
    pub fn metrics(&self, filter: &str) -> Result<String> {
        let url = format!("{}/stats/prometheus?filter={filter}", self.admin);
        Ok(http::plain_client().get(&url).call()?.body_mut().read_to_string()?)
    }

    /// What one counter or gauge of the filter says; 0 before it was first touched.
    pub fn metric(&self, name: &str) -> Result<u64> {
        let text = self.metrics(&format!("^wasmcustom.{name}$"))?;
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.rsplit(' ').next()).unwrap_or("0");
        value.parse().with_context(|| format!("{name} in {text:?}"))
    }

    /// Fails when it has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        self.process.check_alive()
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Its access log so far, JSON lines among the other lines of its log.
    pub fn access_log(&self) -> Result<String> {
        fs::read_to_string(self.log()).with_context(|| self.log().display().to_string())
    }

    /// What the access log says so far of each request that is over, with what the filter says of it beside the rest.
    pub fn access_records(&self) -> Result<Vec<Value>> {
        // The last line may be half written.
        Ok(self.access_log()?.lines().filter_map(|line| serde_json::from_str(line).ok()).map(flat).collect())
    }
}

fn flat(mut record: Value) -> Value {
    let decided = record["kubegate"].as_str().and_then(|text| serde_json::from_str(text).ok());
    if let (Some(fields), Some(Value::Object(decided))) = (record.as_object_mut(), decided) {
        fields.extend(decided);
    }
    record
}

fn command(config: &Path, workers: usize) -> Result<Command> {
    let mut command = Command::new(paths::envoy()?);
    command.arg("-c").arg(config).args(["--concurrency", &workers.to_string()]);
    command.args(["--use-dynamic-base-id", "--log-level", "warning"]);
    command.args(["--component-log-level", "wasm:info"]);
    // The access log is looked at while it is written.
    command.args(["--file-flush-interval-msec", "100"]);
    Ok(command)
}
