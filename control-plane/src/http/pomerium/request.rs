//! A sign-in of pomerium-cli under way. Nothing is kept of it: all stands in its URL, under a keyed hash of ours.

use std::time::Duration;

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;

use super::super::extract::Parameters;
use super::super::forms::Forms;
use super::redirect::Redirect;
use crate::random::{self, RandomError};

/// How long a person may take to sign in.
const LIFETIME: Duration = Duration::from_secs(600);

/// A sign-in that pomerium-cli asked for on a cluster's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PomeriumRequest {
    /// Its id; it is good once.
    pub(super) id: String,
    /// The cluster.
    pub(super) cluster: String,
    /// Where pomerium-cli waits.
    pub(super) redirect: Redirect,
    /// When it counts no more.
    pub(super) expires_at: Timestamp,
}

impl PomeriumRequest {
    /// A new one.
    pub(super) fn new(cluster: &str, redirect: Redirect, now: Timestamp) -> Result<Self, RandomError> {
        Ok(Self { id: random::id("p_")?, cluster: cluster.to_owned(), redirect, expires_at: now.after(LIFETIME) })
    }

    /// The query that says so.
    pub(super) fn query(&self, forms: &Forms) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("id", &self.id)
            .append_pair("cluster", &self.cluster)
            .append_pair("redirect_uri", self.redirect.as_str())
            .append_pair("expires", &self.expires_at.seconds().to_string())
            .append_pair("proof", &self.proof(forms))
            .finish()
    }

    /// The request that a query of ours says; `None` when it is not ours, or counts no more.
    pub(super) fn parse(query: &str, forms: &Forms, now: Timestamp) -> Option<Self> {
        let parameters = Parameters::parse(query).ok()?;
        let request = Self {
            id: parameters.get("id")?.to_owned(),
            cluster: parameters.get("cluster")?.to_owned(),
            redirect: Redirect::parse(parameters.get("redirect_uri")?)?,
            expires_at: Timestamp::from_seconds(parameters.get("expires")?.parse().ok()?),
        };
        let expires = request.expires_at.seconds().to_string();
        let proof = parameters.get("proof")?;
        let is_ours = forms.proves(proof, Some(&key()), &request.purpose(&expires));
        (is_ours && now < request.expires_at).then_some(request)
    }

    fn proof(&self, forms: &Forms) -> String {
        forms.proof(&key(), &self.purpose(&self.expires_at.seconds().to_string()))
    }

    fn purpose<'a>(&'a self, expires: &'a str) -> [&'a str; 5] {
        ["pomerium request", &self.id, &self.cluster, self.redirect.as_str(), expires]
    }
}

/// It is bound to no browser: pomerium-cli asks, and the browser comes later. No browser's cookie is so short.
fn key() -> Secret {
    Secret::from("pomerium-cli")
}
