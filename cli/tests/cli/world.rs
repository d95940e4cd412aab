//! A computer of its own for each test: home, cache, browser, and a person in front of it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::Fake;
use crate::http;

/// The test's computer.
pub(crate) struct World {
    pub(crate) home: TempDir,
    pub(crate) fake: Fake,
    gone: Arc<AtomicBool>,
    person: Option<thread::JoinHandle<()>>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// A computer whose person signs in as soon as a browser opens.
    pub(crate) fn new() -> Self {
        Self::with_person(|url| {
            let (head, _) = http::get(url);
            if let Some(back) = http::location(&head) {
                http::get(&back);
            }
        })
    }

    /// A computer whose person does what `visit` says with each address that the browser opens.
    pub(crate) fn with_person(visit: impl Fn(&str) + Send + 'static) -> Self {
        let home = TempDir::new().unwrap();
        let browser = home.path().join("browser");
        let log = home.path().join("browser.log");
        fs::write(&browser, format!("#!/bin/sh\necho \"$1\" >> {}\n", log.display())).unwrap();
        make_executable(&browser);
        let gone = Arc::new(AtomicBool::new(false));
        let watching = Arc::clone(&gone);
        let person = thread::spawn(move || {
            let mut visited = 0;
            while !watching.load(Ordering::Relaxed) {
                for url in fs::read_to_string(&log).unwrap_or_default().lines().skip(visited) {
                    visited += 1;
                    visit(url);
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self { home, fake: Fake::start(), gone, person: Some(person) }
    }

    /// A `kubegate` with this computer's environment and no other.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubegate"));
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path().join("cache"))
            .env("BROWSER", self.home.path().join("browser"))
            .env("KUBEGATE_SERVER", &self.fake.url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `kubegate` with `args` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    /// Runs it with `input` on stdin.
    pub(crate) fn run_with(&self, mut command: Command, input: &str) -> Ended {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// The helper as kubectl runs it, in a terminal.
    pub(crate) fn credential(&self) -> Command {
        let mut command = self.command(&["credential", "--cluster", "prod", "--timeout", "20s"]);
        command.env("KUBERNETES_EXEC_INFO", self.exec_info("v1", true).to_string());
        command
    }

    /// Runs the helper, and gives the token that it printed.
    pub(crate) fn token(&self) -> String {
        let ended: Ended = self.credential().output().unwrap().into();
        ended.token()
    }

    /// kubectl's question.
    pub(crate) fn exec_info(&self, version: &str, interactive: bool) -> Value {
        json!({
            "kind": "ExecCredential",
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "spec": {"interactive": interactive, "cluster": {"server": self.fake.url, "config": null}},
        })
    }

    /// The addresses that the browser was opened with.
    pub(crate) fn visits(&self) -> usize {
        fs::read_to_string(self.home.path().join("browser.log")).unwrap_or_default().lines().count()
    }

    /// The directory of the cache.
    pub(crate) fn cache_directory(&self) -> PathBuf {
        self.home.path().join("cache/kubegate")
    }

    /// The cache's file.
    pub(crate) fn cache_file(&self) -> PathBuf {
        let entries = fs::read_dir(self.cache_directory()).unwrap();
        let mut files =
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        let file = files.next().expect("a cache file");
        assert!(files.next().is_none(), "only one cache file");
        file
    }

    /// What the cache holds.
    pub(crate) fn cache(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.cache_file()).unwrap()).unwrap()
    }

    /// Changes what the cache holds.
    pub(crate) fn change_cache(&self, change: impl FnOnce(&mut Value)) {
        let mut cache = self.cache();
        change(&mut cache);
        fs::write(self.cache_file(), cache.to_string()).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        let ended = self.person.take().map(thread::JoinHandle::join);
        assert!(
            thread::panicking() || matches!(ended, Some(Ok(()))),
            "the person in front of the browser was not content"
        );
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// It went well.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with this code, and said this.
    pub(crate) fn failed(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "nothing on stdout: {self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} in {self:?}");
        }
        self
    }

    /// The token of the credential, which is all of stdout.
    pub(crate) fn token(self) -> String {
        let ended = self.ok();
        let credential: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(credential["kind"], "ExecCredential");
        credential["status"]["token"].as_str().unwrap().to_owned()
    }
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
