//! An Envoy for unit tests: it remembers what it was asked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Host, HostError, Shared};
use crate::metrics::Metric;

/// The fake.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) seconds: Cell<u64>,
    pub(crate) headers: RefCell<Vec<(String, String)>>,
    pub(crate) state: RefCell<HashMap<String, String>>,
    pub(crate) answer: RefCell<Option<(u16, String)>>,
    pub(crate) shared: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    pub(crate) sent: RefCell<Vec<HashMap<String, String>>>,
    pub(crate) ended: RefCell<Vec<(u32, String)>>,
    pub(crate) logs: RefCell<Vec<String>>,
    pub(crate) counts: RefCell<HashMap<&'static str, u64>>,
    /// The name of a request header that cannot be changed.
    pub(crate) stubborn: Cell<Option<&'static str>>,
}

/// Headers in proxy-wasm's serialized form.
pub(crate) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = u32::try_from(headers.len()).unwrap().to_le_bytes().to_vec();
    for (name, value) in headers {
        block.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        block.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        block.extend(text.as_bytes());
        block.push(0);
    }
    block
}

impl Fake {
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let headers = self.headers.borrow();
        headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    fn may_change(&self, name: &str) -> Result<(), HostError> {
        if self.stubborn.get() == Some(name) { Err(HostError("stubborn")) } else { Ok(()) }
    }
}

impl Host for Fake {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds.get())
    }

    fn log_error(&self, message: &str) {
        self.logs.borrow_mut().push(message.to_owned());
    }

    fn record(&self, metric: Metric, value: u64) {
        *self.counts.borrow_mut().entry(metric.name()).or_default() += value;
    }

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        let headers = self.headers.borrow();
        Ok(block(&headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>()))
    }

    fn source_address(&self) -> Option<String> {
        Some("192.0.2.1:4711".to_owned())
    }

    fn remove_request_header(&self, name: &str) -> Result<(), HostError> {
        self.may_change(name)?;
        self.headers.borrow_mut().retain(|(known, _)| known != name);
        Ok(())
    }

    fn replace_request_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        self.remove_request_header(name)?;
        self.add_request_header(name, value)
    }

    fn add_request_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        self.may_change(name)?;
        self.headers.borrow_mut().push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn set_state(&self, name: &str, value: &str) -> Result<(), HostError> {
        self.state.borrow_mut().insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn answer(&self, status: u16, _: &[(&str, &str)], body: &str) -> Result<(), HostError> {
        *self.answer.borrow_mut() = Some((status, body.to_owned()));
        Ok(())
    }

    fn end_stream(&self, context: u32, reason: &str) {
        self.ended.borrow_mut().push((context, reason.to_owned()));
    }

    fn response_status(&self) -> Option<u16> {
        self.values(":status").first()?.parse().ok()
    }

    fn shared(&self, key: &str) -> Shared {
        self.shared.borrow().get(key).map(|(value, mark)| (value.clone(), Some(*mark)))
    }

    fn set_shared(&self, key: &str, value: &[u8], mark: Option<u32>) -> Result<(), HostError> {
        let mut shared = self.shared.borrow_mut();
        let held = shared.get(key).map_or(0, |(_, mark)| *mark);
        if mark.is_some_and(|mark| mark != held) {
            return Err(HostError("cas"));
        }
        shared.insert(key.to_owned(), (value.to_vec(), held + 1));
        Ok(())
    }

    fn get(&self, cluster: &str, headers: &[(&str, &str)], _: Duration) -> Result<(), HostError> {
        let mut sent: HashMap<_, _> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        sent.insert("cluster".to_owned(), cluster.to_owned());
        self.sent.borrow_mut().push(sent);
        Ok(())
    }
}
