//! The loopback end of a sign-in (RFC 8252, section 7.3): an HTTP listener for one redirect.
//!
//! Any program and any web page on this computer can talk to it, so everything is bounded, the
//! `Host` must be the loopback address itself, and only the answer with this sign-in's `state`
//! counts; what else arrives is answered and forgotten.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::page::Page;
use crate::oauth::same_issuer;
use crate::output::printable;
use crate::secret::Secret;
use crate::server::ServerUrl;

const MAX_HEAD: usize = 16 * 1024;
const MAX_CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);

/// The error of a sign-in that does not show what was asked for (OpenID Connect Core Unmet Authentication Requirements
/// 1.0).
const UNMET: &str = "unmet_authentication_requirements";

/// Waits for the browser to come back.
#[derive(Debug)]
pub(crate) struct Callback {
    listener: TcpListener,
    address: SocketAddr,
}

/// What this sign-in's answer must show.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The `state` of the request.
    pub(crate) state: String,
    /// Who must have answered.
    pub(crate) server: ServerUrl,
}

/// The browser came back with this sign-in's answer, and waits for a page.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The code, or why there is none.
    pub(crate) outcome: Result<Secret, Refused>,
    stream: TcpStream,
}

/// The sign-in ended without a code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The person said no.
    #[error("the sign-in was cancelled{detail}. To sign in after all: kubegate login --server {server}")]
    Cancelled {
        /// The control plane.
        server: ServerUrl,
        /// The control plane's words with a leading separator; empty without any.
        detail: String,
    },
    /// It is not as strong or fresh as was asked for.
    #[error(
        "this sign-in is not enough: {why}. Sign in another way that your identity provider offers; if it has none, ask \
         your operator. Until then everything stays as it was"
    )]
    NotEnough {
        /// What was asked for and what came, in the control plane's words.
        why: String,
    },
    /// The control plane said no.
    #[error("the sign-in was refused ({code}{detail})")]
    Denied {
        /// The error code of RFC 6749.
        code: String,
        /// The reason with a leading separator; empty without any.
        detail: String,
    },
    /// Somebody else answered (RFC 9207): a mix-up attack looks like this.
    #[error(
        "the sign-in was answered by {issuer:?} instead of {server}, so its code is not used. \
         If you did not expect this, tell your operator"
    )]
    WrongIssuer {
        /// Who should have answered.
        server: ServerUrl,
        /// Who did.
        issuer: String,
    },
}

impl Callback {
    /// Listens on a free loopback port.
    pub(crate) fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
            .or_else(|_| TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), 0)))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where the browser is to be sent.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://{}/callback", self.address)
    }

    /// Waits until the browser brings this sign-in's answer, or the deadline; `tick` runs every second.
    pub(crate) fn wait(self, expected: Expected, deadline: Instant, tick: &mut dyn FnMut()) -> Option<Arrival> {
        let (sender, arrivals) = mpsc::sync_channel(1);
        let desk = Arc::new(Desk {
            expected,
            port: self.address.port(),
            taken: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            sender,
        });
        let listener = self.listener;
        thread::spawn(move || serve(&listener, &desk));
        receive(&arrivals, deadline, tick)
    }
}

impl Arrival {
    /// Tells the person in the browser how it ended.
    pub(crate) fn show(self, page: &Page) {
        answer(self.stream, page);
    }
}

/// Waits on a channel in steps, so that `tick` runs meanwhile.
pub(crate) fn receive<T>(channel: &Receiver<T>, deadline: Instant, tick: &mut dyn FnMut()) -> Option<T> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match channel.recv_timeout(left.min(Duration::from_secs(1))) {
            Ok(value) => return Some(value),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return None,
            Err(RecvTimeoutError::Timeout) => tick(),
        }
    }
}

/// What every connection is served from.
struct Desk {
    expected: Expected,
    port: u16,
    taken: AtomicBool,
    open: AtomicUsize,
    sender: SyncSender<Arrival>,
}

fn serve(listener: &TcpListener, desk: &Arc<Desk>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if desk.open.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            desk.open.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let desk = Arc::clone(desk);
        thread::spawn(move || {
            desk.attend(stream);
            desk.open.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

impl Desk {
    fn attend(&self, mut stream: TcpStream) {
        let Some(head) = read_head(&mut stream) else { return };
        match self.judge(&head) {
            Visit::Answer(outcome) if !self.taken.swap(true, Ordering::AcqRel) => {
                let _ = self.sender.send(Arrival { outcome, stream });
            }
            Visit::Answer(_) => answer(stream, &Page::AlreadyDone),
            Visit::Stranger => answer(stream, &Page::Stranger),
            Visit::Nothing(status) => answer(stream, &Page::Nothing { status }),
        }
    }

    fn judge(&self, head: &str) -> Visit {
        let mut lines = head.split("\r\n");
        let request: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let [method, target, version] = request.as_slice() else { return Visit::Nothing("400 Bad Request") };
        if !version.starts_with("HTTP/1.") {
            return Visit::Nothing("400 Bad Request");
        }
        if !self.is_own_host(lines) {
            return Visit::Nothing("421 Misdirected Request");
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path != "/callback" {
            return Visit::Nothing("404 Not Found");
        }
        if *method != "GET" {
            return Visit::Nothing("405 Method Not Allowed");
        }
        self.judge_answer(query)
    }

    fn is_own_host<'a>(&self, headers: impl Iterator<Item = &'a str>) -> bool {
        let mut hosts = headers
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, value)| value.trim());
        let own = |host: &str| {
            host.rsplit_once(':').is_some_and(|(name, port)| {
                matches!(name, "127.0.0.1" | "[::1]" | "localhost") && port.parse() == Ok(self.port)
            })
        };
        hosts.next().is_some_and(own) && hosts.next().is_none()
    }

    fn judge_answer(&self, query: &str) -> Visit {
        let single = |wanted: &str| {
            let mut values = url::form_urlencoded::parse(query.as_bytes())
                .filter(|(name, _)| name == wanted)
                .map(|(_, value)| value);
            values.next().filter(|_| values.next().is_none()).map(std::borrow::Cow::into_owned)
        };
        if single("state").as_deref() != Some(self.expected.state.as_str()) {
            return Visit::Stranger;
        }
        let issuer = single("iss").unwrap_or_default();
        if !same_issuer(&self.expected.server, &issuer) {
            let server = self.expected.server.clone();
            return Visit::Answer(Err(Refused::WrongIssuer { server, issuer: printable(&issuer) }));
        }
        if let Some(code) = single("error") {
            let words = single("error_description").map(|words| printable(words.trim_end_matches('.')));
            return Visit::Answer(Err(self.refused(&code, words)));
        }
        match single("code").filter(|code| !code.is_empty()) {
            Some(code) => Visit::Answer(Ok(Secret::new(code))),
            None => Visit::Stranger,
        }
    }

    fn refused(&self, code: &str, words: Option<String>) -> Refused {
        let detail = words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
        match code {
            UNMET => {
                Refused::NotEnough { why: words.unwrap_or_else(|| "it does not show what was asked for".to_owned()) }
            }
            "access_denied" => Refused::Cancelled { server: self.expected.server.clone(), detail },
            _ => Refused::Denied { code: printable(code), detail },
        }
    }
}

/// What a request to the listener is.
enum Visit {
    /// This sign-in's answer.
    Answer(Result<Secret, Refused>),
    /// An answer, but not to this sign-in.
    Stranger,
    /// Something else.
    Nothing(&'static str),
}

/// Reads until the blank line, within a size and a time.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut chunk = [0_u8; 2048];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > MAX_HEAD {
            return None;
        }
        stream.set_read_timeout(Some(left)).ok()?;
        let read = stream.read(&mut chunk).ok().filter(|&read| read > 0)?;
        head.extend_from_slice(chunk.get(..read)?);
    }
    String::from_utf8(head).ok()
}

fn answer(mut stream: TcpStream, page: &Page) {
    let write = |stream: &mut TcpStream| -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(page.response().as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // Reads on until the browser has the page, so that closing does not cut it off.
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut rest = [0_u8; 512];
        while stream.read(&mut rest)? > 0 {}
        Ok(())
    };
    let _ = write(&mut stream);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Desk {
        let (sender, _arrivals) = mpsc::sync_channel(1);
        let expected = Expected { state: "S".into(), server: "https://k.example.com".parse().unwrap() };
        Desk { expected, port: 4711, taken: AtomicBool::new(false), open: AtomicUsize::new(0), sender }
    }

    fn judge(target: &str, host: &str) -> Visit {
        desk().judge(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    const OWN: &str = "127.0.0.1:4711";

    #[test]
    fn takes_only_this_sign_ins_answer() {
        let good = "/callback?code=C&state=S&iss=https%3A%2F%2Fk.example.com";
        assert!(matches!(judge(good, OWN), Visit::Answer(Ok(code)) if code.expose() == "C"));
        assert!(matches!(judge(good, "localhost:4711"), Visit::Answer(Ok(_))));
        for stranger in [
            "/callback",
            "/callback?code=C&state=T&iss=https%3A%2F%2Fk.example.com",
            "/callback?code=C&state=S&state=S&iss=https%3A%2F%2Fk.example.com",
            "/callback?state=S&iss=https%3A%2F%2Fk.example.com",
        ] {
            assert!(matches!(judge(stranger, OWN), Visit::Stranger), "{stranger}");
        }
    }

    #[test]
    fn an_answer_from_somebody_else_ends_the_sign_in() {
        for target in ["/callback?code=C&state=S", "/callback?code=C&state=S&iss=https%3A%2F%2Fother.example.com"] {
            assert!(matches!(judge(target, OWN), Visit::Answer(Err(Refused::WrongIssuer { .. }))), "{target}");
        }
    }

    #[test]
    fn passes_the_reason_on() {
        for (query, expected) in [
            ("error=access_denied&error_description=you+chose+Cancel", "was cancelled: you chose Cancel. To sign in"),
            (
                "error=access_denied",
                "was cancelled. To sign in after all: kubegate login --server https://k.example.com",
            ),
            (
                "error=unmet_authentication_requirements&error_description=No%20key.",
                "not enough: No key. Sign in another way",
            ),
            ("error=unmet_authentication_requirements", "not enough: it does not show what was asked for. Sign in"),
            ("error=server_error&error_description=Not%20you.", "the sign-in was refused (server_error: Not you)"),
        ] {
            let target = format!("/callback?{query}&state=S&iss=https%3A%2F%2Fk.example.com");
            let Visit::Answer(Err(refused)) = judge(&target, OWN) else { panic!("{query}") };
            assert!(refused.to_string().contains(expected), "{refused}");
        }
    }

    #[test]
    fn other_hosts_and_paths_get_nothing() {
        let good = "/callback?code=C&state=S&iss=https%3A%2F%2Fk.example.com";
        for host in ["k.example.com", "127.0.0.1", "127.0.0.1:80", "evil.example:4711", "127.0.0.1:4711\r\nHost: x"] {
            assert!(matches!(judge(good, host), Visit::Nothing("421 Misdirected Request")), "{host}");
        }
        assert!(matches!(judge("/favicon.ico", OWN), Visit::Nothing("404 Not Found")));
        assert!(matches!(desk().judge("POST /callback HTTP/1.1\r\nHost: 127.0.0.1:4711"), Visit::Nothing(_)));
        assert!(matches!(desk().judge("nonsense"), Visit::Nothing(_)));
    }
}
