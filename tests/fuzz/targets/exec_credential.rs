//! What the credential helper reads when kubectl starts it: the question in `KUBERNETES_EXEC_INFO`, or one of its own
//! cache files (a sign-in, a workload's tokens, the two markers). The files of the command line are taken one by one,
//! because it is a program and no library.
#![no_main]
#![allow(dead_code, reason = "most of what the helper does with them is not needed here")]

#[path = "../../../cli/src/cache/mod.rs"]
mod cache;
#[path = "../../../cli/src/clock.rs"]
mod clock;
#[path = "../../../cli/src/exec_credential.rs"]
mod exec_credential;
#[path = "../../../cli/src/oauth/wire.rs"]
mod oauth;
#[path = "../../../cli/src/output.rs"]
mod output;
#[path = "../../../cli/src/secret.rs"]
mod secret;
#[path = "../../../cli/src/server.rs"]
mod server;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cache::{CachedToken, SignIn, Store};
use clock::UnixTime;
use exec_credential::{ApiVersion, ExecInfo, credential};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use server::ServerUrl;

const NOW: UnixTime = UnixTime(1_000_000);

/// The hash of the token that a workload shows.
const SHOWN: &str = "shown";

struct Files {
    directory: PathBuf,
    person: Store,
    workload: Store,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let home = std::env::current_dir().unwrap().join("target/fuzz/cache");
    // SAFETY: no other thread is there yet; the cache of whoever runs this must stay as it is.
    unsafe { std::env::set_var("XDG_CACHE_HOME", &home) };
    let server: ServerUrl = "https://kubegate.example.com".parse().unwrap();
    let (person, workload) = (Store::open(&server).unwrap(), Store::of_workload(&server, Path::new("/token")).unwrap());
    let directory = cache::directory::path().unwrap();
    assert!(directory.starts_with(home));
    Files { directory, person, workload }
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        question(text);
    }
    let Files { directory, person, workload } = &*FILES;
    let put = |store: &Store, extension: &str| {
        let stem = store.path().file_stem().unwrap().to_str().unwrap().to_owned();
        fs::write(directory.join(format!("{stem}.{extension}")), bytes).unwrap();
    };
    let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    // Files take most of the time: each is tried with what has at least one of its words.
    if has(b"refresh_secret") {
        put(person, "json");
        if let Some(sign_in) = person.peek().unwrap() {
            kept(&sign_in);
        }
        let servers = cache::known_servers().unwrap();
        assert!(servers.iter().all(|server| server.as_str().parse::<ServerUrl>().is_ok()), "{servers:?}");
    }
    if has(SHOWN.as_bytes()) {
        put(workload, "workload");
        if let Some(cached) = workload.workload(SHOWN).unwrap() {
            cached.tokens.values().for_each(answer);
        }
    }
    if has(b"failure") {
        put(person, "signin");
        put(person, "outage");
        if let Some(cooling_down) = person.cooling_down(NOW).unwrap() {
            assert!(cooling_down.to_string().contains("kubegate login"));
        }
        person.outage_since(NOW).unwrap();
    }
});

/// The question is understood, or a person can read why not, on any terminal.
fn question(text: &str) {
    match ExecInfo::parse(text) {
        Ok(info) => {
            let asked: Value = serde_json::from_str(text).unwrap();
            assert_eq!(asked["apiVersion"], info.version.as_str());
            assert_eq!(asked["kind"], "ExecCredential");
        }
        Err(error) => {
            let mut next: Option<&dyn Error> = Some(&error);
            while let Some(cause) = next {
                let said = cause.to_string();
                assert!(!said.is_empty() && said.chars().count() < 1500, "{said}");
                assert!(!said.contains(char::is_control), "{said:?}");
                next = cause.source();
            }
        }
    }
}

/// What is kept comes back as it was written, and every token of it makes an answer.
fn kept(sign_in: &SignIn) {
    let written = serde_json::to_vec(sign_in).unwrap();
    let again: SignIn = serde_json::from_slice(&written).unwrap();
    assert_eq!(again.tokens, sign_in.tokens);
    assert_eq!(again.endpoints, sign_in.endpoints);
    sign_in.tokens.values().for_each(answer);
    let mut later = again;
    later.forget_ended(NOW);
    assert!(later.tokens.values().all(|token| token.expires_at > NOW));
}

/// One line of JSON with the token, which kubectl asks for anew before it ends.
fn answer(token: &CachedToken) {
    for version in [ApiVersion::V1, ApiVersion::V1Beta1] {
        let text = credential(version, token);
        assert_eq!(text.matches('\n').count(), 1);
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["apiVersion"], version.as_str());
        assert_eq!(answer["status"]["token"], token.token.expose());
        let end = answer["status"]["expirationTimestamp"].as_str().unwrap();
        assert!(end.ends_with('Z') && *end <= *token.expires_at.rfc3339(), "{end}");
    }
}
