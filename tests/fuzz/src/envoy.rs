//! An Envoy that remembers what it was asked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kubegate_filter::host::{Host, HostError, Shared};
use kubegate_filter::metrics::Metric;

use crate::NOW;

/// A header's name and value.
pub type Header = (Vec<u8>, Vec<u8>);

/// The Envoy.
#[derive(Default)]
pub struct Envoy {
    /// The request's headers.
    pub headers: RefCell<Vec<Header>>,
    /// The stream's filter state.
    pub state: RefCell<HashMap<String, String>>,
    /// The status of our own answer.
    pub answered: Cell<Option<u16>>,
    shared: RefCell<HashMap<String, Vec<u8>>>,
}

impl Envoy {
    /// An Envoy with a request that has these headers.
    pub fn with(headers: Vec<Header>) -> Self {
        Self { headers: RefCell::new(headers), ..Self::default() }
    }
}

/// Headers in proxy-wasm's serialized form.
pub fn block(headers: &[Header]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let mut block = length(headers.len()).to_vec();
    for (name, value) in headers {
        block.extend(length(name.len()));
        block.extend(length(value.len()));
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        block.extend(text);
        block.push(0);
    }
    block
}

impl Host for &Envoy {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.seconds())
    }

    fn log_error(&self, _: &str) {}

    fn record(&self, _: Metric, _: u64) {}

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        Ok(block(&self.headers.borrow()))
    }

    fn source_address(&self) -> Option<String> {
        Some("192.0.2.1:1234".to_owned())
    }

    fn remove_request_header(&self, name: &str) -> Result<(), HostError> {
        self.headers.borrow_mut().retain(|(known, _)| known != name.as_bytes());
        Ok(())
    }

    fn replace_request_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        self.remove_request_header(name)?;
        self.add_request_header(name, value)
    }

    fn add_request_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        self.headers.borrow_mut().push((name.into(), value.into()));
        Ok(())
    }

    fn set_state(&self, name: &str, value: &str) -> Result<(), HostError> {
        self.state.borrow_mut().insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn answer(&self, status: u16, _: &[(&str, &str)], _: &str) -> Result<(), HostError> {
        self.answered.set(Some(status));
        Ok(())
    }

    fn end_stream(&self, _: u32, _: &str) {}

    fn response_status(&self) -> Option<u16> {
        None
    }

    fn shared(&self, key: &str) -> Shared {
        self.shared.borrow().get(key).map(|value| (value.clone(), None))
    }

    fn set_shared(&self, key: &str, value: &[u8], _: Option<u32>) -> Result<(), HostError> {
        self.shared.borrow_mut().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn get(&self, _: &str, _: &[(&str, &str)], _: Duration) -> Result<(), HostError> {
        Ok(())
    }
}
