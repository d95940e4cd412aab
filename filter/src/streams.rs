//! The streams that this VM has let through, and ending those whose access has ended.
//!
//! A filter cannot write into a body, so the end is a reset, which clients report as one; the access log says why.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use kubegate_core::bundle::Version;
use kubegate_core::gateway::{Gateway, Stream};
use kubegate_core::time::Timestamp;

use crate::host::Host;
use crate::metrics::Metric;

/// The open streams of one VM, by their proxy-wasm context; shared by the root context and the streams themselves.
#[derive(Clone, Default)]
pub struct Streams(Rc<RefCell<Open>>);

/// How long a request may run before it counts as a stream. What is answered sooner was decided just now, and a reset
/// instead of its answer would help nobody.
const GRACE: Duration = Duration::from_millis(500);

/// How often every stream is judged, at the least.
const PERIOD: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Open {
    streams: HashMap<u32, (SystemTime, Box<Stream>)>,
    judged: Option<Judged>,
}

/// What the streams were judged by last, and when.
#[derive(Clone, Copy)]
struct Judged {
    versions: Option<(Version, Version)>,
    at: SystemTime,
}

impl Streams {
    /// Keeps an eye on a stream that begins `now`.
    pub fn open(&self, context: u32, stream: Box<Stream>, now: SystemTime) {
        if let Ok(mut open) = self.0.try_borrow_mut() {
            open.streams.insert(context, (now, stream));
        }
    }

    /// Forgets a stream that is over.
    pub fn close(&self, context: u32) {
        if let Ok(mut open) = self.0.try_borrow_mut() {
            open.streams.remove(&context);
        }
    }

    /// Ends the streams that may not go on. Each is judged again when the bundle has changed, and twice a second.
    pub fn on_tick(&self, host: &impl Host, gateway: &Gateway) {
        for (context, reason) in self.ended(gateway, host.now()) {
            host.record(Metric::StreamsEnded, 1);
            host.end_stream(context, reason);
        }
    }

    /// Takes the streams that may not go on off the list. Nothing is borrowed while Envoy ends them, because it may
    /// call back.
    fn ended(&self, gateway: &Gateway, now: SystemTime) -> Vec<(u32, &'static str)> {
        let Ok(mut open) = self.0.try_borrow_mut() else {
            return Vec::new();
        };
        let versions = gateway.versions();
        if open.judged.is_some_and(|judged| judged.versions == versions && !has_passed(PERIOD, judged.at, now)) {
            return Vec::new();
        }
        open.judged = Some(Judged { versions, at: now });
        let judge = |(context, (since, stream)): (&u32, &(SystemTime, Box<Stream>))| {
            let end = gateway.stream_end(stream, Timestamp::from(now))?;
            has_passed(GRACE, *since, now).then(|| (*context, end.code()))
        };
        let ended: Vec<_> = open.streams.iter().filter_map(judge).collect();
        for (context, _) in &ended {
            open.streams.remove(context);
        }
        ended
    }
}

/// Whether `period` has passed between the two; also when the clock was set back, which must not put anything off.
fn has_passed(period: Duration, since: SystemTime, now: SystemTime) -> bool {
    now.duration_since(since).map_or(true, |passed| passed >= period)
}
