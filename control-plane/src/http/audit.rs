//! The trail of those who sign in, go on and sign out: each attempt leaves one line, with the same fields whatever the way.
//!
//! It never holds a secret, a code or a token, nor what somebody typed who is not known: that may be a password in the wrong
//! field. What administrators do is logged where they do it.

use std::fmt;
use std::net::IpAddr;

use kubegate_core::id::{PersonId, SessionId};

use crate::session::Session;

/// The target of these lines.
pub(super) const TARGET: &str = "kubegate::audit";

/// One attempt.
pub(super) struct Attempt<'a> {
    event: &'static str,
    address: IpAddr,
    provider: Option<&'a str>,
    user: Option<&'a str>,
    person: Option<PersonId>,
    session: Option<&'a SessionId>,
    cluster: Option<&'a str>,
    sessions: Option<usize>,
    detail: Option<String>,
}

impl<'a> Attempt<'a> {
    /// Of this kind, from this address.
    pub(super) fn new(event: &'static str, address: IpAddr) -> Self {
        Self {
            event,
            address,
            provider: None,
            user: None,
            person: None,
            session: None,
            cluster: None,
            sessions: None,
            detail: None,
        }
    }

    /// At this provider of the configuration.
    #[must_use]
    pub(super) fn at(self, provider: &'a str) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// By somebody of this user name, who is known.
    #[must_use]
    pub(super) fn by(self, user: Option<&'a str>) -> Self {
        Self { user, ..self }
    }

    /// About this person.
    #[must_use]
    pub(super) fn about(self, person: Option<PersonId>) -> Self {
        Self { person, ..self }
    }

    /// By the holder of this session, or with it as what came of it.
    #[must_use]
    pub(super) fn of(self, session: &'a Session) -> Self {
        let identity = &session.identity;
        Self {
            provider: Some(&identity.provider),
            user: Some(&identity.user),
            person: Some(identity.person()),
            session: Some(&session.id),
            ..self
        }
    }

    /// The same, where one is known.
    #[must_use]
    pub(super) fn of_any(self, session: Option<&'a Session>) -> Self {
        match session {
            Some(session) => self.of(session),
            None => self,
        }
    }

    /// For this cluster.
    #[must_use]
    pub(super) fn on(self, cluster: &'a str) -> Self {
        Self { cluster: Some(cluster).filter(|cluster| !cluster.is_empty()), ..self }
    }

    /// With so many sessions ended.
    #[must_use]
    pub(super) fn ended(self, sessions: usize) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// With more words.
    #[must_use]
    pub(super) fn detail(self, words: impl fmt::Display) -> Self {
        Self { detail: Some(words.to_string()), ..self }
    }

    /// It went well.
    pub(super) fn succeeded(self, what: &str) {
        self.write("ok", None, what);
    }

    /// It did not, for a reason in one stable word.
    pub(super) fn refused(self, reason: &str) {
        self.write("refused", Some(reason), "an attempt was refused");
    }

    fn write(self, outcome: &str, reason: Option<&str>, what: &str) {
        let Self { event, address, provider, user, person, session, cluster, sessions, detail } = self;
        let (person, session) = (person.as_ref().map(PersonId::as_str), session.map(SessionId::as_str));
        tracing::info!(
            target: TARGET,
            event, outcome, reason, provider, user, person, session, cluster, sessions, detail, %address,
            "{what}"
        );
    }
}
