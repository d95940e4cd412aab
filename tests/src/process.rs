//! Servers as child processes: a log file each, in a group of their own, gone when this process is.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::poll;

/// What a server gets between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
const LOG_TAIL_LINES: usize = 25;

/// A running child process; stopped on drop.
#[derive(Debug)]
pub struct Running {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Running {
    /// Starts `command` with its output going to `log_dir/name.log` (appended, so that a restart keeps what was).
    pub fn start(name: &str, log_dir: &Path, command: &Command) -> Result<Self> {
        let log = log_dir.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log).with_context(|| log.display().to_string())?;
        let mut wrapped = dying_with_parent(command);
        wrapped.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let child = spawn(wrapped).with_context(|| format!("starting {name}: {command:?}"))?;
        Ok(Self { name: name.to_owned(), log, child })
    }

    /// The process id, which is the id of its group too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its exit status, if it has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Fails when it has ended, and shows its last words.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.exited() {
            Some(status) => bail!("{} ended with {status}; {}", self.name, self.log_tail()),
            None => Ok(()),
        }
    }

    /// Polls `probe` until it is content; fails early when the process ends, and shows the log's end when it fails.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut probe: impl FnMut() -> Result<T, String>,
    ) -> Result<T> {
        let mut ended = None;
        let outcome = poll::until(&format!("{}: {what}", self.name), limit, || {
            ended = self.exited();
            match ended {
                Some(status) => Ok(Err(anyhow!("{} ended with {status} before {what}", self.name))),
                None => probe().map(Ok),
            }
        });
        outcome.and_then(|inner| inner).with_context(|| self.log_tail())
    }

    /// The last lines of its log, introduced by the file's name.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text =
            std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_TAIL_LINES)..).unwrap_or_default();
        format!("end of {}:\n{}", self.log.display(), tail.join("\n"))
    }

    /// Stops it, and starts `command` in its place.
    pub fn restart(&mut self, command: &Command) -> Result<()> {
        self.stop();
        *self = Self::start(&self.name, self.log.parent().context("a log is in a folder")?, command)?;
        Ok(())
    }

    /// SIGKILL to the whole group, as a power cut would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// SIGTERM, and SIGKILL when it takes too long.
    pub fn stop(&mut self) {
        if self.exited().is_none() {
            self.signal(Signal::TERM);
            let ended = poll::until("its end", GRACE, || self.exited().ok_or_else(|| "running".to_owned()));
            if ended.is_err() {
                self.kill();
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The same command behind `setpriv --pdeathsig`, so that the kernel ends it when this process is killed.
fn dying_with_parent(command: &Command) -> Command {
    let mut wrapped = if Path::new("/usr/bin/setpriv").exists() {
        let mut setpriv = Command::new("/usr/bin/setpriv");
        setpriv.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program());
        setpriv
    } else {
        Command::new(command.get_program())
    };
    wrapped.args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Spawns from the one thread that lives as long as the process: the kernel counts a *thread's* end as the
/// parent's death.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (answer, outcome) = mpsc::channel();
    let gone = |_| io::Error::other("the spawning thread is gone");
    spawner
        .lock()
        .map_err(|_| io::Error::other("poisoned"))?
        .send((command, answer))
        .map_err(|_| io::Error::other("the spawning thread is gone"))?;
    outcome.recv().map_err(gone)?
}
