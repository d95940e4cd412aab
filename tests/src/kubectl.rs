//! `kubectl`, as a person runs it: a kubeconfig, an environment, a limit of time.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::poll;

const LIMIT: Duration = Duration::from_secs(60);

/// A `kubectl` with its kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
    context: Option<String>,
    env: Vec<(OsString, OsString)>,
    limit: Duration,
}

/// What a finished `kubectl` said.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command line.
    pub command: String,
    /// Its exit code; none when a signal or the time limit ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// Did it exit with 0?
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Its standard output, or an error with everything that it said.
    pub fn ok(self) -> Result<String> {
        if !self.succeeded() {
            bail!("{self}");
        }
        Ok(self.stdout)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or_else(|| "a signal or the time limit".to_owned(), |code| code.to_string());
        write!(f, "{} ended with {code}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr)
    }
}

impl Kubectl {
    /// `binary` with `--kubeconfig kubeconfig`.
    #[must_use]
    pub fn new(binary: &Path, kubeconfig: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            context: None,
            env: Vec::new(),
            limit: LIMIT,
        }
    }

    /// The same with a context of the kubeconfig.
    #[must_use]
    pub fn with_context(mut self, context: Option<&str>) -> Self {
        self.context = context.map(str::to_owned);
        self
    }

    /// The same with another environment variable.
    #[must_use]
    pub fn with_env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The environment variables that it has besides this process' own.
    pub fn env(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.env.iter().map(|(key, value)| (key, value))
    }

    /// The program.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Result<Outcome> {
        self.run_with_input(args, "")
    }

    /// Runs it to its end with `input` on its standard input.
    pub fn run_with_input(&self, args: &[&str], input: &str) -> Result<Outcome> {
        let mut session = self.start(args)?;
        session.write(input)?;
        session.finish(self.limit)
    }

    /// `kubectl apply -f -` of a manifest.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        self.run_with_input(&["apply", "-f", "-"], manifest)?.ok()
    }

    /// Starts it and lets it run: for watches, `logs -f` and the like.
    pub fn start(&self, args: &[&str]) -> Result<Session> {
        let mut command = Command::new(&self.binary);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        if let Some(context) = &self.context {
            command.arg("--context").arg(context);
        }
        command.args(args).envs(self.env());
        Session::start(&format!("kubectl {}", args.join(" ")), command)
    }
}

/// A running `kubectl`, or another client, whose output is collected as it comes; killed on drop.
#[derive(Debug)]
pub struct Session {
    command: String,
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

impl Session {
    /// Starts `command`, which messages call `name`.
    pub fn start(name: &str, mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let stdout = Collected::from(child.stdout.take().context("stdout is piped")?);
        let stderr = Collected::from(child.stderr.take().context("stderr is piped")?);
        Ok(Self { command: name.to_owned(), child, stdout, stderr })
    }

    /// What came on its standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What came on its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Types something into it.
    pub fn write(&mut self, input: &str) -> Result<()> {
        if let Some(stdin) = &mut self.child.stdin {
            // It may have ended without reading; its exit code tells more than the broken pipe.
            let _ = stdin.write_all(input.as_bytes()).and_then(|()| stdin.flush());
        }
        Ok(())
    }

    /// Waits until its standard output holds `text`.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<()> {
        poll::until(&format!("{text:?} from {}", self.command), limit, || {
            let seen = self.stdout();
            if seen.contains(text) {
                return Ok(Ok(()));
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                // What it wrote last may still be on its way.
                thread::sleep(Duration::from_millis(100));
                let seen = self.stdout();
                return Ok(if seen.contains(text) {
                    Ok(())
                } else {
                    Err(anyhow::anyhow!("{} ended with {status}: {seen}{}", self.command, self.stderr()))
                });
            }
            Err(format!("stdout {seen:?}, stderr {:?}", self.stderr()))
        })?
    }

    /// Closes its input and waits for its end.
    pub fn finish(mut self, limit: Duration) -> Result<Outcome> {
        drop(self.child.stdin.take());
        let ended = poll::until("its end", limit, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            _ => Err("running".to_owned()),
        });
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        Ok(Outcome {
            command: self.command.clone(),
            code: ended.unwrap_or(None),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
        })
    }

    /// Has it ended by itself?
    pub fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().ok().flatten().map(|status| status.code())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stream that a thread reads to its end.
#[derive(Debug)]
struct Collected {
    bytes: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(mut stream: impl std::io::Read + Send + 'static) -> Self {
        let bytes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = bytes.clone();
        let reader = thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                if let (Ok(mut sink), Some(read)) = (sink.lock(), chunk.get(..count)) {
                    sink.extend_from_slice(read);
                }
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.bytes.lock().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Everything; a grandchild that keeps the pipe open is not waited for.
    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let _ = poll::until("the end of the output", Duration::from_secs(2), || {
                if reader.is_finished() { Ok(()) } else { Err("open".to_owned()) }
            });
        }
        self.text()
    }
}

/// The `kubectl` to use where the demo runs against a person's own cluster.
#[must_use]
pub fn of_path() -> Option<PathBuf> {
    std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|dir| dir.join("kubectl")).find(|candidate| candidate.is_file())
    })
}
