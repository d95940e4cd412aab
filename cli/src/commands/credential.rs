//! `kubegate credential`: the credential plugin that kubectl runs.

use std::env;
use std::io::{self, IsTerminal};

use clap::Args;

use crate::args::{ServerArgs, SignInArgs};
use crate::cache::{CachedToken, Store};
use crate::client::Client;
use crate::clock::UnixTime;
use crate::exec_credential::{EXEC_INFO, ExecInfo, ExecInfoError, credential};
use crate::failure::Failure;
use crate::output::{self, say};
use crate::secret::Secret;
use crate::server::ServerUrl;
use crate::session::{May, Session, SessionError};
use crate::session_check::{Target, Verdict};
use crate::sign_in::SignInOptions;

/// A cached token is served while it has more than this many seconds left.
const MARGIN: u64 = 30;
/// When the control plane is away, the last seconds of a token are better than nothing.
const LAST_RESORT_MARGIN: u64 = 2;

/// Give kubectl a credential (kubectl runs this; people rarely do)
///
/// Prints an ExecCredential with a session token for one cluster, and nothing else, on stdout. It
/// takes the token from the cache while the cluster's gateway still accepts it, else refreshes the
/// session, else signs in. Many at once sign in once.
///
/// `kubegate kubeconfig` writes the kubeconfig entry that runs it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate credential --server https://kubegate.example.com --cluster prod

In a kubeconfig:
  users:
    - name: kubegate-prod
      user:
        exec:
          apiVersion: client.authentication.k8s.io/v1
          command: kubegate
          args: [credential, --server=https://kubegate.example.com, --cluster=prod]
          interactiveMode: IfAvailable
          provideClusterInfo: true

Environment: KUBERNETES_EXEC_INFO is set by kubectl. With KUBEGATE_INTERACTIVE=false no sign-in begins by
itself (for scripts): the command says what to type instead.")]
pub(crate) struct Credential {
    #[command(flatten)]
    server: ServerArgs,

    /// The cluster, by its name in the policy
    #[arg(long, value_name = "NAME")]
    cluster: String,

    #[command(flatten)]
    sign_in: SignInArgs,
}

impl Credential {
    /// Answers kubectl.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let info = question()?;
        let store = Store::open(&self.server.server()?)?;
        let token = match self.cached(&store, &info)? {
            Cached::Good(token) => token,
            Cached::Missing => self.fresh(&store, &info, None)?,
            Cached::Rejected(rejected) => self.fresh(&store, &info, Some(rejected))?,
        };
        output::result(&credential(info.version, &token)).map_err(Failure::Output)
    }

    /// What the cache has, after asking the cluster's host about it. Needs no lock.
    fn cached(&self, store: &Store, info: &ExecInfo) -> Result<Cached, Failure> {
        let known = store.peek()?.and_then(|sign_in| sign_in.tokens.get(&self.cluster).cloned());
        let Some(token) = known.filter(|token| token.is_good(UnixTime::now(), MARGIN)) else {
            return Ok(Cached::Missing);
        };
        let target = info.cluster.as_ref().map(Target::from).or_else(|| token.cluster.as_ref().map(Target::from));
        match target.map_or(Verdict::Usable, |target| target.check(&token.token)) {
            Verdict::Usable => Ok(Cached::Good(token)),
            Verdict::Rejected(why) => Ok(Cached::Rejected(Rejected { token: token.token, why })),
        }
    }

    /// A token that is new, by refresh or sign-in, unless another kubegate just got one.
    fn fresh(&self, store: &Store, info: &ExecInfo, rejected: Option<Rejected>) -> Result<CachedToken, Failure> {
        let client = Client::new(store.server(), &self.server.trust())?;
        let mut session = Session::take(store, &client, self.sign_in.timeout)?;
        if let Some(rejected) = &rejected {
            session.discard(&self.cluster, &rejected.token)?;
        }
        let kept = session.cached().and_then(|cached| cached.tokens.get(&self.cluster)).cloned();
        if let Some(token) = kept.as_ref().filter(|token| token.is_good(UnixTime::now(), MARGIN)) {
            return Ok(token.clone());
        }
        let may = if may_sign_in() { May::SignInUnlessCoolingDown } else { May::OnlyRefresh };
        // A browser needs no terminal; a code to type or paste does, and stdin belongs to kubectl unless it says otherwise.
        let stdin_is_ours = info.interactive.unwrap_or_else(|| io::stdin().is_terminal());
        let is_read = info.interactive == Some(true) || io::stderr().is_terminal();
        let options = SignInOptions { stdin_is_ours, is_read, ..self.sign_in.options() };
        let refreshed = session.refresh(Some(&self.cluster));
        // Of a session that is over the control plane knows more than the cluster's host.
        if let Some(why) = rejected.and_then(|rejected| rejected.why).filter(|_| session.ended().is_none()) {
            say(&format!("kubegate: cluster {}: {why}", self.cluster));
        }
        let token = match refreshed {
            Ok(Some(token)) => Ok(token),
            Ok(None) => session.sign_in_if(Some(&self.cluster), &options, may),
            Err(error) => Err(error),
        };
        token.or_else(|error| last_resort(kept, error, store.server()))
    }
}

/// What the cache has.
enum Cached {
    Good(CachedToken),
    Missing,
    Rejected(Rejected),
}

/// A token that the cluster's host refused.
struct Rejected {
    token: Secret,
    /// The host's own words.
    why: Option<String>,
}

/// kubectl's question, or that there is none.
fn question() -> Result<ExecInfo, ExecInfoError> {
    match env::var(EXEC_INFO) {
        Ok(text) => ExecInfo::parse(&text),
        Err(_) => {
            if io::stdout().is_terminal() {
                say("kubegate: kubectl runs this command by itself; see kubegate kubeconfig --help");
            }
            Ok(ExecInfo::unasked())
        }
    }
}

/// Whether a sign-in may begin by itself.
fn may_sign_in() -> bool {
    !matches!(env::var("KUBEGATE_INTERACTIVE").as_deref(), Ok("false" | "0"))
}

/// With the control plane away, tokens in hand work until they end.
fn last_resort(kept: Option<CachedToken>, error: SessionError, server: &ServerUrl) -> Result<CachedToken, Failure> {
    let is_passing = match &error {
        SessionError::Token(error) => error.is_passing(),
        SessionError::Outage(_) => true,
        _ => false,
    };
    match kept.filter(|token| is_passing && token.is_good(UnixTime::now(), LAST_RESORT_MARGIN)) {
        Some(token) => {
            say(&format!("kubegate: the control plane {server} gives no new token; the old one ends in a moment"));
            Ok(token)
        }
        None => Err(error.into()),
    }
}
