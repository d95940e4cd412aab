//! The streams that this VM has let through, and ending those whose access has ended.
//!
//! A filter cannot write into a body, so the end is a reset, which clients report as one; the access log says why.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use kubegate_core::bundle::Version;
use kubegate_core::gateway::{Gateway, Stream};
use kubegate_core::time::Timestamp;

use crate::host::Host;
use crate::metrics::Metric;

/// The open streams of one VM, by their proxy-wasm context; shared by the root context and the streams themselves.
#[derive(Clone, Default)]
pub struct Streams(Rc<RefCell<Open>>);

#[derive(Default)]
struct Open {
    streams: HashMap<u32, Box<Stream>>,
    judged: Option<Judged>,
}

/// What the streams were judged by last, and when.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Judged {
    versions: Option<(Version, Version)>,
    at: Timestamp,
}

impl Streams {
    /// Keeps an eye on a stream.
    pub fn open(&self, context: u32, stream: Box<Stream>) {
        if let Ok(mut open) = self.0.try_borrow_mut() {
            open.streams.insert(context, stream);
        }
    }

    /// Forgets a stream that is over.
    pub fn close(&self, context: u32) {
        if let Ok(mut open) = self.0.try_borrow_mut() {
            open.streams.remove(&context);
        }
    }

    /// Ends the streams that may not go on. Each is judged again when the bundle has changed, and once a second.
    pub fn on_tick(&self, host: &impl Host, gateway: &Gateway) {
        let now = Timestamp::from(host.now());
        for (context, reason) in self.ended(gateway, now) {
            host.record(Metric::StreamsEnded, 1);
            host.end_stream(context, reason);
        }
    }

    /// Takes the streams that may not go on off the list. Nothing is borrowed while Envoy ends them, because it may
    /// call back.
    fn ended(&self, gateway: &Gateway, now: Timestamp) -> Vec<(u32, &'static str)> {
        let Ok(mut open) = self.0.try_borrow_mut() else {
            return Vec::new();
        };
        let judged = Some(Judged { versions: gateway.versions(), at: now });
        if open.judged == judged {
            return Vec::new();
        }
        open.judged = judged;
        let ended: Vec<_> = open
            .streams
            .iter()
            .filter_map(|(context, stream)| Some((*context, gateway.stream_end(stream, now)?.code())))
            .collect();
        for (context, _) in &ended {
            open.streams.remove(context);
        }
        ended
    }
}
