//! A person's session at one control plane, as this computer keeps it: the cached sign-in, the next
//! token, and a sign-in when nothing else helps. All of it under the lock.

use std::time::Duration;

use crate::cache::cooldown::{CoolingDown, Outage};
use crate::cache::lock::Lock;
use crate::cache::{CacheError, CachedToken, SignIn, Store};
use crate::client::Client;
use crate::clock::UnixTime;
use crate::oauth::{self, Ended, TokenAnswer, TokenError};
use crate::output::say;
use crate::secret::Secret;
use crate::server::ServerUrl;
use crate::sign_in::{SignInError, SignInOptions, sign_in};

/// How often a running sign-in renews its mark.
const HEARTBEAT_SECONDS: u64 = 5;

/// A session that nobody else touches until it is dropped.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    store: &'a Store,
    client: &'a Client,
    lock: Lock,
    cached: Option<SignIn>,
    ended: Option<Ended>,
}

/// Why there is no session, or no token from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The sign-in failed.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Another sign-in failed a moment ago.
    #[error(transparent)]
    CoolingDown(#[from] CoolingDown),
    /// Nobody is signed in, and nobody is there to do so.
    #[error("not signed in to {server}. Sign in first: kubegate login --server {server}")]
    NotSignedIn {
        /// The control plane.
        server: ServerUrl,
    },
    /// Another kubegate found just now that the control plane is away.
    #[error(transparent)]
    Outage(#[from] Outage),
}

/// Who may begin a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// A person asked for it.
    SignIn,
    /// It happens by itself, so it keeps quiet for a while after a failure.
    SignInUnlessCoolingDown,
    /// Nobody.
    OnlyRefresh,
}

impl<'a> Session<'a> {
    /// Takes the lock, waiting at most as long as somebody else's sign-in may take.
    pub(crate) fn take(store: &'a Store, client: &'a Client, patience: Duration) -> Result<Self, CacheError> {
        let lock = store.lock(patience + Duration::from_secs(30))?;
        let cached = store.load(&lock)?;
        Ok(Self { store, client, lock, cached, ended: None })
    }

    /// The sign-in as it is now.
    pub(crate) fn cached(&self) -> Option<&SignIn> {
        self.cached.as_ref()
    }

    /// How the session came to its end, once the control plane has said that it is over.
    pub(crate) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// A token for the control plane itself.
    pub(crate) fn access_token(&mut self, options: &SignInOptions, may: May) -> Result<Secret, SessionError> {
        let token = match self.refresh(None)? {
            Some(token) => token,
            None => self.sign_in_if(None, options, may)?,
        };
        Ok(token.token)
    }

    /// Signs in anew, whatever there was.
    pub(crate) fn sign_in(
        &mut self,
        cluster: Option<&str>,
        options: &SignInOptions,
    ) -> Result<CachedToken, SessionError> {
        let now = UnixTime::now();
        self.store.mark_sign_in(now)?;
        let (store, mut last) = (self.store, now);
        let mut renew_mark = || {
            let now = UnixTime::now();
            if now.since(last).as_secs() >= HEARTBEAT_SECONDS {
                last = now;
                let _ = store.mark_sign_in(now);
            }
        };
        let signed_in = match sign_in(self.client, options, cluster, &mut renew_mark) {
            Ok(signed_in) => signed_in,
            Err(error) => {
                let now = UnixTime::now();
                match &error {
                    SignInError::NotBegun(cause) => {
                        self.store.clear_marks()?;
                        self.store.mark_outage(&cause.to_string(), now)?;
                    }
                    // Nobody was asked, so nobody has to be spared the next time.
                    SignInError::NotRead { .. } => self.store.clear_marks()?,
                    _ => self.store.mark_failure(&reason(&error), now)?,
                }
                return Err(error.into());
            }
        };
        let server = self.client.server();
        let Some(secret) = signed_in.answer.refresh_token.clone() else {
            return Err(SignInError::NoRefreshSecret { server: server.clone() }.into());
        };
        self.cached = Some(SignIn::new(server, signed_in.endpoints, secret));
        let token = self.keep(signed_in.answer, cluster, signed_in.asked_at)?;
        self.store.clear_marks()?;
        Ok(token)
    }

    /// Takes a token that the cluster refused out of the cache, unless somebody replaced it already.
    pub(crate) fn discard(&mut self, cluster: &str, rejected: &Secret) -> Result<(), CacheError> {
        let Some(cached) = &mut self.cached else { return Ok(()) };
        if cached.tokens.get(cluster).is_some_and(|token| token.token == *rejected) {
            cached.tokens.remove(cluster);
            self.store.save(cached, &self.lock)?;
        }
        Ok(())
    }

    /// Forgets the sign-in.
    pub(crate) fn forget(&mut self) -> Result<(), CacheError> {
        self.cached = None;
        self.store.clear_marks()?;
        self.store.remove(&self.lock)
    }

    /// Why there is no session.
    pub(crate) fn over(&self) -> SessionError {
        let server = self.client.server().clone();
        match &self.ended {
            Some(ended) => TokenError::SessionEnded { server, ended: ended.clone() }.into(),
            None => SessionError::NotSignedIn { server },
        }
    }

    /// Signs in if `may` allows it, after saying what became of the session before. Who is shut out gets no browser by
    /// itself.
    pub(crate) fn sign_in_if(
        &mut self,
        cluster: Option<&str>,
        options: &SignInOptions,
        may: May,
    ) -> Result<CachedToken, SessionError> {
        let leads_nowhere = may == May::SignInUnlessCoolingDown && self.ended.as_ref().is_some_and(Ended::shuts_out);
        if may == May::OnlyRefresh || leads_nowhere {
            return Err(self.over());
        }
        if let Some(ended) = &self.ended {
            say(&format!("kubegate: signed out of {}{}", self.client.server(), ended.detail()));
        }
        self.check_outage()?;
        if may == May::SignInUnlessCoolingDown
            && let Some(cooling_down) = self.store.cooling_down(UnixTime::now())?
        {
            return Err(cooling_down.into());
        }
        self.sign_in(cluster, options)
    }

    /// Whether somebody found the control plane away while this one waited for the lock.
    fn check_outage(&self) -> Result<(), SessionError> {
        let Some(since) = self.lock.waiting_since else { return Ok(()) };
        self.store.outage_since(since)?.map_or(Ok(()), |outage| Err(outage.into()))
    }

    /// The next token, for `cluster` or for the control plane itself; `None` when nobody is signed in, or no longer. What
    /// is known of a session that is over stays, but for its tokens, so that the next command can ask again why.
    pub(crate) fn refresh(&mut self, cluster: Option<&str>) -> Result<Option<CachedToken>, SessionError> {
        let Some(cached) = &self.cached else { return Ok(None) };
        self.check_outage()?;
        let asked_at = UnixTime::now();
        match refresh_with_patience(self.client, cached, cluster) {
            Ok(answer) => {
                let token = self.keep(answer, cluster, asked_at)?;
                self.store.clear_marks()?;
                Ok(Some(token))
            }
            Err(TokenError::SessionEnded { ended, .. }) => {
                self.forget_tokens()?;
                self.ended = Some(ended);
                Ok(None)
            }
            Err(error) => {
                if error.is_passing() {
                    self.store.mark_outage(&error.to_string(), UnixTime::now())?;
                }
                Err(error.into())
            }
        }
    }

    fn forget_tokens(&mut self) -> Result<(), CacheError> {
        let Some(cached) = &mut self.cached else { return Ok(()) };
        cached.tokens.clear();
        self.store.save(cached, &self.lock)
    }

    /// Writes what came to the cache, before anybody uses it.
    fn keep(
        &mut self,
        answer: TokenAnswer,
        cluster: Option<&str>,
        asked_at: UnixTime,
    ) -> Result<CachedToken, CacheError> {
        let token = CachedToken {
            token: answer.access_token,
            obtained_at: asked_at,
            expires_at: asked_at.plus(answer.expires_in),
            cluster: answer.cluster,
        };
        if let Some(cached) = &mut self.cached {
            if let Some(secret) = answer.refresh_token {
                cached.refresh_secret = secret;
            }
            cached.user = oauth::user_named_in(&token.token).or(cached.user.take());
            cached.forget_ended(asked_at);
            if let Some(cluster) = cluster {
                cached.tokens.insert(cluster.to_owned(), token.clone());
            }
            self.store.save(cached, &self.lock)?;
        }
        Ok(token)
    }
}

/// A refresh may be repeated: a spent refresh secret stays good until its successor is used. So one
/// connection that breaks off is no reason to bother a person.
fn refresh_with_patience(client: &Client, cached: &SignIn, cluster: Option<&str>) -> Result<TokenAnswer, TokenError> {
    let ask = || oauth::refresh(client, &cached.endpoints, &cached.refresh_secret, cluster);
    match ask() {
        Err(TokenError::Client(error)) if error.broke_off() => {
            std::thread::sleep(Duration::from_millis(300));
            ask()
        }
        other => other,
    }
}

/// The short reason of a failed sign-in, for whoever comes next.
fn reason(error: &SignInError) -> String {
    let text = error.to_string();
    text.split(". ").next().unwrap_or_default().to_owned()
}
