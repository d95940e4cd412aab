//! Signing in: authorization code with PKCE and state, through the browser of this computer
//! (RFC 8252) or through any other browser, with a code to paste; or the device flow (RFC 8628), with a code to type there.

mod device;

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use crate::browser;
use crate::browser::callback::{Callback, Expected, Refused, receive};
use crate::browser::page::Page;
use crate::client::Client;
use crate::clock::UnixTime;
use crate::host;
use crate::oauth::{self, CLIENT_ID, Endpoints, Pkce, TokenAnswer, TokenError};
use crate::output::say;
use crate::secret::Secret;
use crate::server::ServerUrl;

/// No code to paste is longer.
const MAX_CODE: u64 = 4096;

/// How to sign in.
#[derive(Clone, Debug)]
pub(crate) struct SignInOptions {
    /// Which way.
    pub(crate) way: Way,
    /// Whether a person reads what is said here.
    pub(crate) is_read: bool,
    /// Whether what the person needs is told to a program too.
    pub(crate) json: bool,
    /// The identity provider to go to, when the control plane has several.
    pub(crate) provider: Option<String>,
    /// Whether a code may be read from stdin; else only from the terminal itself.
    pub(crate) stdin_is_ours: bool,
    /// How long a person may take.
    pub(crate) timeout: Duration,
    /// What the sign-in must show.
    pub(crate) demand: Demand,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The browser where one can open; else the device flow; where that is turned off, a code to paste.
    Any,
    /// The browser of this computer.
    Browser,
    /// Any browser, where a code is typed.
    Device,
    /// Any browser, which shows a code to enter here.
    PastedCode,
}

/// What a sign-in must show beyond who the person is (OpenID Connect Core 1.0, section 3.1.2.1); the default is nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    /// One of these authentication context classes.
    pub(crate) acr: Vec<String>,
    /// That it is not older.
    pub(crate) max_age: Option<Duration>,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// Nobody finished in time.
    #[error(
        "nobody finished the sign-in to {server} within {seconds} s. \
         Try again: kubegate login --server {server} (--timeout gives more time)"
    )]
    TimedOut {
        /// The control plane.
        server: ServerUrl,
        /// How long it waited.
        seconds: u64,
    },
    /// The answer was a no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The control plane did not even say where to sign in: no browser has opened.
    #[error(transparent)]
    NotBegun(TokenError),
    /// No token for the code.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The code was refused.
    #[error(
        "the control plane {server} did not accept the code{detail}. Codes work once and not for long: sign in again"
    )]
    BadCode {
        /// The control plane.
        server: ServerUrl,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// The token answer has nothing to ask for the next token with.
    #[error("the control plane {server} gave no refresh token. Its version does not fit this kubegate's")]
    NoRefreshSecret {
        /// The control plane.
        server: ServerUrl,
    },
    /// Nothing was pasted.
    #[error("no code was entered. Sign in again: kubegate login --server {server}")]
    NoCode {
        /// The control plane.
        server: ServerUrl,
    },
    /// No terminal to paste a code at.
    #[error("there is no terminal to enter a code at. Sign in from one: kubegate login --server {server} --no-browser")]
    NoTerminal {
        /// The control plane.
        server: ServerUrl,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody decided in time.
    #[error("nobody allowed the sign-in to {server} in time. Try again: kubegate login --server {server}")]
    DeviceExpired {
        /// The control plane.
        server: ServerUrl,
    },
    /// Somebody said no.
    #[error("the sign-in to {server} was denied in the browser; everything is as it was")]
    DeviceDenied {
        /// The control plane.
        server: ServerUrl,
    },
    /// The device code is no longer good.
    #[error("the control plane {server} gave no session{detail}. Sign in again: kubegate login --server {server}")]
    DeviceLost {
        /// The control plane.
        server: ServerUrl,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// The way is turned off.
    #[error("the control plane {server} does not sign in by a code that is typed elsewhere{detail}")]
    DeviceOff {
        /// The control plane.
        server: ServerUrl,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// Nobody would read the code.
    #[error(
        "not signed in to {server}: {why}, so no browser opens, and nobody would read a code here. \
         Sign in first, in a terminal: kubegate login --server {server}"
    )]
    NotRead {
        /// The control plane.
        server: ServerUrl,
        /// Why there is no browser.
        why: &'static str,
    },
    /// No loopback port to be had.
    #[error("cannot listen on a loopback port for the browser's answer. Sign in without: kubegate login --no-browser")]
    NoLoopback {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No randomness to be had.
    #[error("the system gives no random numbers")]
    NoRandomness(#[from] getrandom::Error),
    /// The control plane's address for the browser is no URL.
    #[error("the control plane {server} named an address for the browser that is no URL. Tell its operator")]
    BadEndpoint {
        /// The control plane.
        server: ServerUrl,
    },
}

/// A sign-in that went well.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// Where to ask from now on.
    pub(crate) endpoints: Endpoints,
    /// When the token was asked for, from which its life is reckoned.
    pub(crate) asked_at: UnixTime,
    /// The token, and what the next one is asked for with.
    pub(crate) answer: TokenAnswer,
}

/// One sign-in under way.
struct Attempt<'a> {
    client: &'a Client,
    options: &'a SignInOptions,
    endpoints: Endpoints,
    pkce: Pkce,
    state: String,
    cluster: Option<&'a str>,
    deadline: Instant,
}

/// Signs a person in; the token is for `cluster`, else for the control plane itself. `tick` runs
/// every second while the person is awaited.
pub(crate) fn sign_in(
    client: &Client,
    options: &SignInOptions,
    cluster: Option<&str>,
    tick: &mut dyn FnMut(),
) -> Result<SignedIn, SignInError> {
    let attempt = Attempt {
        client,
        options,
        endpoints: oauth::discover(client).map_err(SignInError::NotBegun)?,
        pkce: Pkce::new()?,
        state: oauth::random_text()?,
        cluster,
        deadline: Instant::now() + options.timeout,
    };
    let (asked_at, answer) = match options.way {
        Way::Browser => attempt.by_browser(tick)?,
        Way::Device => attempt.by_device(None, tick)?,
        Way::PastedCode => attempt.by_pasted_code(tick)?,
        Way::Any => match browser::missing() {
            None => attempt.by_browser(tick)?,
            Some(why) => attempt.without_browser(why, tick)?,
        },
    };
    Ok(SignedIn { endpoints: attempt.endpoints, asked_at, answer })
}

impl Attempt<'_> {
    fn by_browser(&self, tick: &mut dyn FnMut()) -> Result<(UnixTime, TokenAnswer), SignInError> {
        let callback = Callback::bind().map_err(|source| SignInError::NoLoopback { source })?;
        let redirect_uri = callback.redirect_uri();
        let url = self.authorization_url(&redirect_uri)?;
        let opened = browser::open(url.as_str());
        say(&format!(
            "kubegate: {}\n\n  {url}\n",
            if opened {
                "sign in with the browser that is opening. If none does, go to"
            } else {
                "no browser could be opened. To sign in, go with a browser on this computer to"
            }
        ));
        let expected = Expected { state: self.state.clone(), server: self.client.server().clone() };
        let mut arrival = callback.wait(expected, self.deadline, tick).ok_or_else(|| self.timed_out())?;
        let outcome = std::mem::replace(&mut arrival.outcome, Ok(Secret::new(String::new())));
        let answer = outcome.map_err(SignInError::from).and_then(|code| self.redeem(&code, &redirect_uri));
        arrival.show(&match &answer {
            Ok((_, answer)) => Page::SignedIn { user: oauth::user_named_in(&answer.access_token) },
            Err(SignInError::Refused(Refused::Cancelled { .. })) => Page::Cancelled,
            Err(SignInError::Refused(Refused::NotEnough { why })) => Page::NotEnough { why: why.clone() },
            Err(error) => Page::Failed { why: error.to_string() },
        });
        answer
    }

    fn without_browser(
        &self,
        why: &'static str,
        tick: &mut dyn FnMut(),
    ) -> Result<(UnixTime, TokenAnswer), SignInError> {
        match self.by_device(Some(why), tick) {
            Err(SignInError::DeviceOff { .. }) => {
                say(&format!("kubegate: {why}, so no browser opens"));
                self.by_pasted_code(tick)
            }
            other => other,
        }
    }

    fn by_pasted_code(&self, tick: &mut dyn FnMut()) -> Result<(UnixTime, TokenAnswer), SignInError> {
        let redirect_uri = self.client.server().join("/oauth/code");
        let url = self.authorization_url(&redirect_uri)?;
        let input = Input::open(self.options.stdin_is_ours).map_err(|source| self.no_terminal(source))?;
        say(&format!("kubegate: to sign in, go with any browser, on any computer, to\n\n  {url}\n"));
        input.prompt("Then enter the code that the last page shows: ");
        let (sender, lines) = mpsc::sync_channel(1);
        thread::spawn(move || sender.send(input.line()));
        let line = receive(&lines, self.deadline, tick).ok_or_else(|| self.timed_out())?;
        let code = line.map_err(|source| self.no_terminal(source))?;
        if code.expose().is_empty() {
            return Err(SignInError::NoCode { server: self.client.server().clone() });
        }
        self.redeem(&code, &redirect_uri)
    }

    fn authorization_url(&self, redirect_uri: &str) -> Result<Url, SignInError> {
        let mut url = Url::parse(&self.endpoints.authorization)
            .map_err(|_| SignInError::BadEndpoint { server: self.client.server().clone() })?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", CLIENT_ID)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("state", &self.state)
                .append_pair("code_challenge", &self.pkce.challenge)
                .append_pair("code_challenge_method", "S256");
            if let Some(host) = host::name() {
                query.append_pair("device_name", &host);
            }
            query.extend_pairs(self.wishes());
        }
        Ok(url)
    }

    /// What the sign-in should be, as parameters.
    fn wishes(&self) -> Vec<(&'static str, String)> {
        let SignInOptions { provider, demand: Demand { acr, max_age }, .. } = self.options;
        let mut wishes = Vec::new();
        wishes.extend(provider.clone().map(|provider| ("provider", provider)));
        if !acr.is_empty() {
            wishes.push(("acr_values", acr.join(" ")));
        }
        wishes.extend(max_age.map(|max_age| ("max_age", max_age.as_secs().to_string())));
        wishes
    }

    fn redeem(&self, code: &Secret, redirect_uri: &str) -> Result<(UnixTime, TokenAnswer), SignInError> {
        let asked_at = UnixTime::now();
        let answer = oauth::exchange_code(self.client, &self.endpoints, code, redirect_uri, &self.pkce, self.cluster);
        match answer {
            Err(TokenError::SessionEnded { server, ended }) => {
                Err(SignInError::BadCode { server, detail: ended.detail() })
            }
            other => Ok((asked_at, other?)),
        }
    }

    fn timed_out(&self) -> SignInError {
        SignInError::TimedOut { server: self.client.server().clone(), seconds: self.options.timeout.as_secs() }
    }

    fn no_terminal(&self, source: io::Error) -> SignInError {
        SignInError::NoTerminal { server: self.client.server().clone(), source }
    }
}

/// Where a person types: stdin when it is a terminal, else the terminal itself (kubectl may feed stdin from a file),
/// else, without any terminal, stdin if that is ours.
struct Input(Box<dyn Read + Send>);

impl Input {
    fn open(stdin_is_ours: bool) -> io::Result<Self> {
        let stdin = io::stdin();
        if stdin_is_ours && stdin.is_terminal() {
            return Ok(Self(Box::new(stdin)));
        }
        match OpenOptions::new().read(true).open("/dev/tty") {
            Ok(terminal) => Ok(Self(Box::new(terminal))),
            Err(_) if stdin_is_ours => Ok(Self(Box::new(stdin))),
            Err(error) => Err(error),
        }
    }

    fn prompt(&self, text: &str) {
        let mut out = io::stderr().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn line(self) -> io::Result<Secret> {
        let mut line = String::new();
        BufReader::new(self.0.take(MAX_CODE)).read_line(&mut line)?;
        Ok(Secret::new(line.trim().to_owned()))
    }
}
