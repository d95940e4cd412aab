//! A gateway as the filter is one: it polls, keeps what it is given, and decides.

use std::time::Duration;

use axum::http::StatusCode;
use kubegate_core::bundle::{Documents, InvalidBundle, Tag};
use kubegate_core::gateway::{Decision, Gateway};
use kubegate_core::inbound::Inbound;
use kubegate_core::time::Timestamp;

use super::world::{ISSUER, World};

/// A gateway of its own.
pub(super) struct TestGateway(Gateway);

impl TestGateway {
    /// One that has nothing yet.
    pub(super) fn new(world: &World) -> Self {
        Self(Gateway::new(ISSUER.to_owned(), world.bundle_keys(), Duration::from_secs(3600)))
    }

    /// Which documents it has.
    pub(super) fn tag(&self) -> Option<Tag> {
        self.0.tag()
    }

    /// Asks for what it lacks, and takes it; gives the text that came, which is empty when there was nothing new.
    pub(super) async fn poll(&mut self, world: &World, wait: &str) -> String {
        self.try_poll(world, wait).await.unwrap()
    }

    /// The same, when it may be refused.
    pub(super) async fn try_poll(&mut self, world: &World, wait: &str) -> Result<String, InvalidBundle> {
        let held = self.tag().map(|tag| format!("\"{tag}\""));
        let answer = world.poll(held.as_deref(), wait).await;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(String::new());
        }
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        self.0.accept(&Documents::parse(&answer.text).unwrap())?;
        assert_eq!(answer.header("etag"), format!("\"{}\"", self.tag().unwrap()), "named as what it has now");
        Ok(answer.text)
    }

    /// Takes what was exported for the plugin configuration.
    pub(super) fn take_inline(&mut self, documents: &Documents<'_>) -> Result<(), InvalidBundle> {
        self.0.accept_inline(documents)
    }

    /// Whether somebody may list pods on the cluster prod; else the status and the reason.
    pub(super) fn get(&mut self, token: &str, now: Timestamp) -> Result<(), (u16, &'static str)> {
        let bearer = format!("Bearer {token}");
        let headers = [
            (":method", "GET"),
            (":authority", "prod.example.com"),
            (":path", "/api/v1/namespaces/x/pods"),
            ("authorization", &bearer),
        ];
        let inbound = Inbound::parse(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))).unwrap();
        match self.0.decide(inbound, now) {
            Decision::Allow(_) => Ok(()),
            Decision::ControlPlane(asked) => panic!("{asked:?}"),
            Decision::Answer(answer) => Err((answer.status, answer.record.reason)),
        }
    }
}
