//! `GET /api/v1/status`: for administrators, how the policy, the live set and the gateways stand.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use kubegate_core::document::Problem;
use serde::Serialize;

use super::super::messages::{Text, text};
use super::administrator::Administrator;
use crate::app::App;
use crate::clock::rfc3339;
use crate::policy::File;
use crate::polls::{Holds, Standing};

/// How all stands.
#[derive(Serialize)]
pub(in crate::http) struct StatusView {
    /// The version of this program.
    pub(in crate::http) version: &'static str,
    /// When it was started.
    pub(in crate::http) started: String,
    /// The policy in force.
    pub(in crate::http) policy: PolicyView,
    /// Whether the policy file is the policy in force.
    pub(in crate::http) file: File,
    /// Why the policy file is refused.
    pub(in crate::http) refused: Option<RefusedView>,
    /// Why nothing can be published.
    pub(in crate::http) failing: Option<FailingView>,
    /// What was revoked, and who is elevated.
    pub(in crate::http) live_set: LiveSetView,
    /// The gateways of the configuration.
    pub(in crate::http) gateways: Vec<GatewayView>,
}

/// The policy in force.
#[derive(Serialize)]
pub(in crate::http) struct PolicyView {
    pub(in crate::http) version: String,
    /// Since when this version is given out. New token keys make a new version, too.
    pub(in crate::http) since: String,
    pub(in crate::http) clusters: usize,
    pub(in crate::http) rules: usize,
}

/// A policy file that was refused.
#[derive(Serialize)]
pub(in crate::http) struct RefusedView {
    pub(in crate::http) at: String,
    /// All of it, for people.
    pub(in crate::http) message: String,
    /// Each mistake, when the file could be read.
    pub(in crate::http) problems: Vec<Problem>,
}

/// Why nothing can be published.
#[derive(Serialize)]
pub(in crate::http) struct FailingView {
    pub(in crate::http) since: String,
    pub(in crate::http) message: String,
}

/// What was revoked, and who is elevated.
#[derive(Serialize)]
pub(in crate::http) struct LiveSetView {
    /// Of the newest document.
    pub(in crate::http) version: String,
    pub(in crate::http) signed_at: String,
    pub(in crate::http) revocations: i64,
    pub(in crate::http) elevations: i64,
}

/// A gateway.
#[derive(Serialize)]
pub(in crate::http) struct GatewayView {
    pub(in crate::http) name: String,
    /// How many polls of its wait now.
    pub(in crate::http) waiting: usize,
    pub(in crate::http) last_poll: Option<String>,
    /// What it has; the worst, where several Envoys show its credential.
    pub(in crate::http) holds: Holds,
    /// What others of these Envoys have.
    pub(in crate::http) others: Vec<Holds>,
}

impl StatusView {
    /// How all stands now.
    pub(in crate::http) fn of(app: &App) -> Self {
        let bundle = Arc::clone(&app.bundle.borrow());
        let (newest, in_force) = (bundle.tag(), &bundle.in_force);
        let now = app.clock.now();
        let status = app.policy_status.borrow().clone();
        let gateways = app.gateways.iter().map(|gateway| {
            let Standing { at, waiting, holds, others } = app.polls.standing(&gateway.name, &newest, now);
            GatewayView { name: gateway.name.clone(), waiting, last_poll: at.map(rfc3339), holds, others }
        });
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started: rfc3339(app.polls.since()),
            policy: PolicyView {
                version: in_force.version.to_string(),
                since: rfc3339(in_force.since),
                clusters: in_force.policy.clusters().len(),
                rules: in_force.rules,
            },
            file: status.file(),
            refused: status.refused().map(|refused| RefusedView {
                at: rfc3339(refused.at),
                message: refused.message.clone(),
                problems: refused.problems.clone(),
            }),
            failing: status
                .failing()
                .map(|failing| FailingView { since: rfc3339(failing.since), message: failing.message.clone() }),
            live_set: LiveSetView {
                version: newest.changes.to_string(),
                signed_at: rfc3339(bundle.signed_at),
                revocations: app.metrics.revocations.get(),
                elevations: app.metrics.elevations.get(),
            },
            gateways: gateways.collect(),
        }
    }
}

impl GatewayView {
    /// What it has, for people; `started` is when this program was.
    pub(in crate::http) fn in_words(&self, started: &str) -> Text {
        if self.holds == Holds::Silent {
            return match &self.last_poll {
                Some(at) => text("gateway-silent-since").with("at", at),
                None => text("gateway-silent-ever").with("at", started),
            };
        }
        self.others.iter().fold(told(self.holds), |first, other| {
            text("gateway-another").with_text("first", first).with_text("other", told(*other))
        })
    }
}

fn told(holds: Holds) -> Text {
    text(match holds {
        Holds::Nothing => "gateway-nothing",
        Holds::Older => "gateway-older",
        Holds::Newest => "gateway-newest",
        Holds::Newer => "gateway-newer",
        Holds::Silent => "gateway-silent",
    })
}

/// The status.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, _by: Administrator) -> Response {
    super::json(StatusView::of(&app))
}
