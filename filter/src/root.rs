//! The root context, one a VM: configuration, timer, answers to bundle polls. On native targets there is no Envoy to
//! speak to, so this file is empty there.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

use kubegate_core::gateway::Gateway;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::bundle_sync::{BundleSync, TICK};
use crate::config::Config;
use crate::host::{Envoy, Host as _};
use crate::metrics::Metric;
use crate::request::{Next, Request};
use crate::streams::Streams;

/// The root context.
#[derive(Default)]
pub struct Root {
    gateway: Option<Rc<RefCell<Gateway>>>,
    sync: Option<BundleSync>,
    streams: Streams,
}

impl Root {
    fn with_gateway(&mut self, act: impl FnOnce(&mut BundleSync, &mut Gateway)) {
        if let (Some(sync), Some(gateway)) = (&mut self.sync, &self.gateway)
            && let Ok(mut gateway) = gateway.try_borrow_mut()
        {
            act(sync, &mut gateway);
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, _: u32, headers: usize, body_size: usize, _: usize) {
        // Where no answer came, there is nothing to ask for: the SDK panics on Envoy's refusal.
        let header = |name| if headers == 0 { None } else { self.get_http_call_response_header_bytes(name) };
        let status = header(":status").and_then(|status| str::from_utf8(&status).ok()?.parse().ok());
        let etag = header("etag");
        let body =
            if body_size == 0 { None } else { self.get_http_call_response_body(0, body_size) }.unwrap_or_default();
        self.with_gateway(|sync, gateway| sync.on_answer(&Envoy, gateway, status, etag, &body));
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let config = match Config::parse(&self.get_plugin_configuration().unwrap_or_default()) {
            Ok(config) => config,
            Err(error) => {
                Envoy.log_error(&format!("kubegate: {error}"));
                return false;
            }
        };
        let mut gateway = Gateway::new(config.issuer, config.bundle_keys, config.max_staleness);
        if let Some(bundle) = config.inline_bundle
            && let Err(error) = gateway.accept_inline(&bundle.documents())
        {
            Envoy.log_error(&format!("kubegate: inline_bundle: {error}"));
            return false;
        }
        // A hash with random keys is a random number; WASI seeds it.
        let mut sync = BundleSync::new(config.control_plane, RandomState::new().hash_one(()));
        sync.on_configure(&Envoy, &mut gateway);
        self.gateway = Some(Rc::new(RefCell::new(gateway)));
        self.sync = Some(sync);
        self.set_tick_period(TICK);
        true
    }

    fn on_tick(&mut self) {
        let streams = self.streams.clone();
        self.with_gateway(|sync, gateway| {
            sync.on_tick(&Envoy, gateway);
            streams.on_tick(&Envoy, gateway);
            match gateway.take_verified() {
                0 => {}
                count => Envoy.record(Metric::TokensVerified, count),
            }
        });
        Envoy.flush_counters();
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream(Request::new(Envoy, context, self.gateway.clone(), self.streams.clone()))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// A stream, as proxy-wasm calls it.
struct Stream(Request<Envoy>);

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        action(self.0.on_request_headers())
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        action(self.0.on_response_headers())
    }
}

fn action(next: Next) -> Action {
    match next {
        Next::Continue => Action::Continue,
        Next::Stop => Action::Pause,
    }
}
