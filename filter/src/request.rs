//! One HTTP stream: ask the gateway, then do what it says, completely or not at all.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::SystemTime;

use kubegate_core::gateway::{self, Allow, Answer, Decision, Gateway, Grant, Record, ToControlPlane};
use kubegate_core::inbound::Inbound;
use kubegate_core::status::Body;
use kubegate_core::time::Timestamp;

use crate::host::{Host, HostError, headers};
use crate::metrics::Metric;
use crate::streams::Streams;

/// The filter state that the routes to API servers match on (as `wasm.kubegate.cluster`).
const DECIDED_CLUSTER: &str = "kubegate.cluster";

/// The filter state that the route to the control plane matches on (as `wasm.kubegate.local`).
const LOCAL: &str = "kubegate.local";

/// The filter state that the access log prints (as `%FILTER_STATE(wasm.kubegate.log:PLAIN)%`): a [`Record`] as JSON. One
/// state and not one a field, because each costs about as much as a header.
const LOG: &str = "kubegate.log";

/// The filter state that says why the filter ended what it had let through.
pub const ENDED: &str = "kubegate.ended";

/// What Envoy is to do next with the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// Hand it to the next filter.
    Continue,
    /// Nothing: it has been answered.
    Stop,
}

/// One HTTP stream.
pub struct Request<H> {
    host: H,
    /// Its proxy-wasm context.
    context: u32,
    gateway: Option<Rc<RefCell<Gateway>>>,
    streams: Streams,
    /// What it was granted, when an API server answers it.
    granted: Option<Rc<Grant>>,
}

impl<H: Host> Request<H> {
    /// A new stream; without a gateway nothing is forwarded.
    pub fn new(host: H, context: u32, gateway: Option<Rc<RefCell<Gateway>>>, streams: Streams) -> Self {
        Self { host, context, gateway, streams, granted: None }
    }

    /// Decides on the request's headers. This is the only place from which a request goes on.
    pub fn on_request_headers(&mut self) -> Next {
        let Some(block) = self.host.request_headers().ok() else {
            return self.give_up("the request headers cannot be read");
        };
        let mut inbound = match Inbound::parse(headers(&block)) {
            Ok(inbound) => inbound,
            Err(error) => return self.answer(&gateway::refuse_inbound(&error)),
        };
        let now = self.host.now();
        let decision = match self.gateway.as_ref().and_then(|gateway| gateway.try_borrow_mut().ok()) {
            Some(mut gateway) => {
                if gateway.asks_for_source() {
                    inbound.source = self.source();
                }
                gateway.decide(inbound, Timestamp::from(now))
            }
            None => return self.give_up("the filter has no configuration"),
        };
        match decision {
            Decision::Answer(answer) => self.answer(&answer),
            Decision::Allow(allow) => self.forward(allow, now),
            Decision::ControlPlane(asked) => self.forward_to_control_plane(&asked),
        }
    }

    /// An API server that answers 401 refuses the gateway's own credential: the client must not think that it is theirs.
    pub fn on_response_headers(&mut self) -> Next {
        let Some(granted) = self.granted.as_ref().filter(|granted| !granted.is_proxied) else {
            return Next::Continue;
        };
        if self.host.response_status() != Some(401) {
            return Next::Continue;
        }
        self.host.record(Metric::CredentialRefused, 1);
        let _ = self.host.set_state(ENDED, "gateway-credential");
        let body = gateway::refuse_gateway_credential(granted.cluster.as_str());
        self.granted = None;
        self.send(502, &body);
        Next::Stop
    }

    /// The client's IP address; nothing when Envoy does not say it, so that no condition about it can be evaluated.
    fn source(&self) -> String {
        let address = self.host.source_address().and_then(|address| address.parse::<SocketAddr>().ok());
        address.map(|address| address.ip().to_canonical().to_string()).unwrap_or_default()
    }

    fn forward(&mut self, allow: Allow<'_>, now: SystemTime) -> Next {
        if let Err(error) = self.rewrite(&allow) {
            return self.give_up(&error.to_string());
        }
        self.log(&allow.grant.line);
        self.host.record(Metric::Allowed, 1);
        self.streams.open(self.context, allow.stream, now);
        self.granted = Some(allow.grant);
        Next::Continue
    }

    /// First everything that could carry identity goes, then ours comes; the state that opens the route is set last, so
    /// that nothing in between can leave a half-written request with an open way.
    fn rewrite(&self, allow: &Allow<'_>) -> Result<(), HostError> {
        for name in &allow.remove {
            self.host.remove_request_header(name)?;
        }
        for (name, value) in &allow.replace {
            self.host.replace_request_header(name, value)?;
        }
        if let Some(id) = allow.audit_id {
            self.host.add_request_header("audit-id", id)?;
        }
        for (name, value) in allow.grant.add.iter() {
            self.host.add_request_header(name, value)?;
        }
        self.host.set_state(DECIDED_CLUSTER, allow.grant.cluster.as_str())
    }

    /// To the control plane's public side, which takes the cluster by the host that was asked: no other state is set, so
    /// no route to an API server is open.
    fn forward_to_control_plane(&self, asked: &ToControlPlane<'_>) -> Next {
        let rewrite = || {
            asked.remove.iter().try_for_each(|name| self.host.remove_request_header(name))?;
            // The route asks for it too; and Envoy looks for the route anew once a header has changed.
            self.host.replace_request_header("x-kubegate-cluster", asked.cluster.as_str())?;
            self.host.set_state(LOCAL, "control-plane")
        };
        if let Err(error) = rewrite() {
            return self.give_up(&error.to_string());
        }
        self.log(&asked.record.line());
        self.host.record(Metric::Local, 1);
        Next::Continue
    }

    fn answer(&self, answer: &Answer) -> Next {
        self.host.record(
            match answer.record.decision {
                "unauthenticated" => Metric::Unauthenticated,
                "local" => Metric::Local,
                "error" => Metric::Undecided,
                _ => Metric::Denied,
            },
            1,
        );
        self.log(&answer.record.line());
        self.send(answer.status, &answer.body);
        Next::Stop
    }

    /// Answers when not even a decision could be made.
    fn give_up(&self, why: &str) -> Next {
        self.host.log_error(&format!("kubegate: request refused: {why}"));
        self.host.record(Metric::Undecided, 1);
        self.log(&Record { decision: "error", reason: "filter-failed", ..Record::default() }.line());
        let body = Body { content_type: "text/plain; charset=utf-8", text: format!("kubegate: {why}\n") };
        self.send(503, &body);
        Next::Stop
    }

    fn send(&self, status: u16, body: &Body) {
        let mut headers = vec![("content-type", body.content_type), ("cache-control", "no-store")];
        match status {
            401 => headers.push(("www-authenticate", "Bearer realm=\"kubegate\"")),
            503 => headers.push(("retry-after", "1")),
            _ => {}
        }
        // Whatever Envoy says, the request does not go on.
        let _ = self.host.answer(status, &headers, &body.text);
    }

    fn log(&self, line: &str) {
        let _ = self.host.set_state(LOG, line);
    }
}

impl<H> Drop for Request<H> {
    /// The stream is over.
    fn drop(&mut self) {
        self.streams.close(self.context);
    }
}

#[cfg(test)]
mod tests;
